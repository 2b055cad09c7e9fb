"""Operating systems are asked for in one module of each crate, `platform.rs`, and docs/platforms.md has each target."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CRATES = ("core", "ffi", "bindings-node", "bindings-python")
# A condition, as an attribute, in an expression or by a macro of that name, and what is asked at run time.
CONDITION = re.compile(r"\bcfg(?:_attr|_select)?\s*!?\s*[({]")
SYSTEMS = re.compile(r"\b(?:unix|windows|target_(?:os|family|vendor|env|arch|pointer_width))\b")
AT_RUN_TIME = re.compile(r"\benv::consts::(?:OS|FAMILY|ARCH)\b")
# Comments and texts, which may hold anything.
ASIDE = re.compile(r"//[^\n]*|/\*.*?\*/|r(?P<fence>#*)\".*?\"(?P=fence)|\"(?:\\.|[^\"\\])*\"", re.S)
TARGETS = re.compile(r"^\s+- \{.*target: ([\w-]+)", re.M)


def within(text, begin):
    """What is between a bracket, which is before `begin`, and the one that closes it, over however many lines."""
    depth = 1
    for at in range(begin, len(text)):
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(text[at], 0)
        if not depth:
            return text[begin:at]
    return text[begin:]


def asking(text):
    code = ASIDE.sub('""', text)
    conditions = [within(code, found.end()) for found in CONDITION.finditer(code)]
    return [said for said in conditions if SYSTEMS.search(said)] + AT_RUN_TIME.findall(code)


def sources():
    folders = [f"{crate}/**/*.rs" for crate in CRATES]
    listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [ROOT / path for path in listed.stdout.split()]
    # A build script runs on the machine that builds, and is no part of what it builds.
    return [path for path in paths if path.exists() and path.name != "build.rs"]


def test_one_module_a_crate_asks_for_the_system():
    found = [path.relative_to(ROOT) for path in sources() if path.name != "platform.rs" and asking(path.read_text())]
    assert found == [], "ask in platform.rs, and give what differs a name"


def test_each_crate_has_one_such_module():
    modules = [path for path in sources() if path.name == "platform.rs"]
    assert sorted(path.relative_to(ROOT).parts[0] for path in modules) == sorted(CRATES)
    assert all(asking(path.read_text()) for path in modules)


@pytest.mark.parametrize(
    ("code", "asks"),
    [
        ("#[cfg(unix)]", True),
        ('#[cfg(not(target_os = "linux"))]', True),
        ('#[cfg(any(test, target_vendor = "apple"))]', True),
        ("if cfg!(windows) {", True),
        ("#[cfg_attr(windows, ignore)]", True),
        ("#[cfg(\n    unix\n)]", True),
        ('#[cfg(all(\n    feature = "runtime",\n    not(\n        target_os = "linux",\n    ),\n))]', True),
        ("#[cfg(any(test, /* here too: */\n    // and [here]\n    windows))]", True),
        ("#![cfg_attr(\n    unix,\n    allow(dead_code)\n)]", True),
        ("let here = cfg! (\n    windows\n);", True),
        ("cfg_select! {\n    unix => one(),\n}", True),
        ('if std::env::consts::OS == "linux" {', True),
        ('#[cfg(feature = "windows")]', False),
        ("#[cfg(test)]\nuse windows;", False),
        ("#[cfg(\n    test\n)]\nmod unix {}", False),
        ("#[cfg(test)] mod unix;", False),
        ('#[cfg(feature = "engine")] // not windows', False),
        ("mod windows;", False),
    ],
)
def test_what_counts(code, asks):
    assert bool(asking(code)) == asks


def rows():
    """Each target of the page, with what stands in the last column."""
    page = (ROOT / "docs/platforms.md").read_text()
    for line in re.findall(r"^\|.*`[a-z0-9_]+-.*\|$", page, re.M):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        for target in re.findall(r"`([\w-]+)`", cells[0]):
            yield target, cells[3]


def test_the_page_says_which_targets_are_released():
    targets = set(TARGETS.findall((ROOT / ".github/workflows/release.yml").read_text()))
    assert targets == {target for target, released in rows() if released != "no"}
    npm = json.loads((ROOT / "bindings-node/platforms.json").read_text()).values()
    assert {platform["target"] for platform in npm} <= targets
    assert dict(rows())["x86_64-pc-windows-msvc"] == "no"


def test_nothing_that_is_released_may_fail():
    assert "continue-on-error" not in (ROOT / ".github/workflows/release.yml").read_text()
