"""Operating systems are asked for in one module of each crate, `platform.rs`, and docs/platforms.md has each target."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CRATES = ("core", "ffi", "bindings-node", "bindings-python")
ASKS = re.compile(
    r"\bcfg(?:_attr)?!?\s*\([^\]\n]*\b(?:unix|windows|target_(?:os|family|vendor|env|arch|pointer_width))\b"
)
TARGETS = re.compile(r"^\s+- \{.*target: ([\w-]+)", re.M)


def asking(text):
    return ASKS.findall(re.sub(r"//[^\n]*", "", text))


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
        ("#[cfg(test)] mod unix;", False),
        ('#[cfg(feature = "engine")] // not windows', False),
        ("mod windows;", False),
    ],
)
def test_what_counts(code, asks):
    assert bool(asking(code)) == asks


def test_the_page_has_each_target_that_is_released():
    page = (ROOT / "docs/platforms.md").read_text()
    workflow = (ROOT / ".github/workflows/release.yml").read_text()
    targets = set(TARGETS.findall(workflow))
    assert targets
    assert [target for target in sorted(targets) if f"`{target}`" not in page] == []
