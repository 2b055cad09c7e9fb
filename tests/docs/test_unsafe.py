"""Compares the inventory of unsafe code, unsafe.txt, with the sources.

A row is a file and how many `unsafe` blocks and implementations it has. A number may be lowered, and must be once there
are fewer; it is not raised: what comes to a file is a row below it, `+ N REASON`. A file that had none begins with 0.
What was committed before says what a raised number is. `moved OLD NEW` says that a file had another path then.
"""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
INVENTORY = Path(__file__).with_name("unsafe.txt")
# Comments, texts and characters, which may hold the word.
ASIDE = re.compile(
    r"//[^\n]*|/\*.*?\*/|r(?P<fence>#*)\".*?\"(?P=fence)|\"(?:\\.|[^\"\\])*\"|'(?:\\.[^']*|[^\\'])'", re.S
)
UNSAFE = re.compile(r"\bunsafe\s*(?:\{|impl\b)")
FILE = re.compile(r"(?P<path>\S+\.rs) (?P<count>\d+)")
MOVED = re.compile(r"moved (?P<old>\S+\.rs) (?P<new>\S+\.rs)")
MORE = re.compile(r"\+ (?P<count>\d+) (?P<reason>\S.{15,})")


def count(text):
    return len(UNSAFE.findall(ASIDE.sub(" ", text)))


def found():
    listed = subprocess.run(["git", "ls-files", "*.rs"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    counts = {path: count((ROOT / path).read_text()) for path in listed.split() if (ROOT / path).exists()}
    return {path: number for path, number in counts.items() if number}


def rows(text):
    """By path: its number, and those that reasons were given for, by their reasons."""
    found = {}
    path = None
    for line in text.splitlines():
        if not line or line.startswith("#") or MOVED.fullmatch(line):
            continue
        if row := FILE.fullmatch(line):
            path = row["path"]
            assert path not in found, f"{path} has two rows"
            found[path] = (int(row["count"]), {})
        elif (row := MORE.fullmatch(line)) and path:
            reasons = found[path][1]
            assert row["reason"] not in reasons, f"{path} has a reason twice"
            reasons[row["reason"]] = int(row["count"])
        else:
            pytest.fail(f"not a row, or without a reason: {line!r}")
    return found


def allowed(text):
    """What each file may have."""
    return {path: number + sum(reasons.values()) for path, (number, reasons) in rows(text).items()}


def raised(before, now):
    """What has grown without a reason of its own since another version of the inventory."""
    moves = {row["old"]: row["new"] for row in map(MOVED.fullmatch, now.splitlines()) if row}
    old, new = {moves.get(path, path): row for path, row in rows(before).items()}, rows(now)
    for path, (number, reasons) in new.items():
        was, known = old.get(path, (0, {}))
        if number > was:
            yield f"{path} had {was}, and has {number}: leave {was}, and add a row '+ {number - was} REASON'"
        for reason, more in reasons.items():
            if more > known.get(reason, more):
                yield f"{path} had {known[reason]} for {reason!r}, and has {more}: those need a reason of their own"


def committed():
    """The versions of the inventory that were committed, the newest first; none outside of a clone."""

    def git(*arguments):
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout

    path = INVENTORY.relative_to(ROOT).as_posix()
    for commit in git("log", "--format=%H", "--", path).split():
        yield commit, git("show", f"{commit}:{path}")


def differences(present, may_have):
    for path in sorted(present.keys() | may_have.keys()):
        has, may = present.get(path, 0), may_have.get(path, 0)
        if has > may:
            yield f"{path} has {has} uses of unsafe, {may} are accounted for: add a row '+ {has - may} REASON' to it"
        elif has < may:
            yield f"{path} has {has} uses of unsafe, and {may} in unsafe.txt: lower it"


def test_the_inventory_is_that_of_the_sources():
    assert list(differences(found(), allowed(INVENTORY.read_text()))) == []


def test_nothing_has_grown_without_a_reason():
    now = INVENTORY.read_text()
    versions = list(committed())
    assert versions, "the inventory was never committed"
    assert {commit[:12]: list(raised(text, now)) for commit, text in versions if list(raised(text, now))} == {}


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ("a.rs 2\n", "a.rs 2\n", None),
        ("a.rs 2\n", "a.rs 1\n", None),
        ("a.rs 2\n", "", None),
        ("a.rs 2\n", "a.rs 2\n+ 3 A caller in C hands over a pointer.\n", None),
        ("", "a.rs 0\n+ 3 A caller in C hands over a pointer.\n", None),
        ("a.rs 1\n+ 2 C hands over a pointer.\n", "a.rs 1\n+ 1 C hands over a pointer.\n", None),
        ("a.rs 2\n", "a.rs 3\n", "a.rs had 2, and has 3: leave 2, and add a row '+ 1 REASON'"),
        ("", "a.rs 1\n", "a.rs had 0, and has 1"),
        ("a.rs 2\n", "b.rs 2\n", "b.rs had 0, and has 2"),
        ("a.rs 2\n", "b.rs 2\nmoved a.rs b.rs\n", None),
        ("a.rs 2\n", "b.rs 3\nmoved a.rs b.rs\n", "b.rs had 2, and has 3"),
        ("a.rs 1\n+ 1 A caller in C hands over a pointer.\n", "a.rs 2\n", "a.rs had 1, and has 2"),
        ("a.rs 1\n+ 1 A caller in C hands over a pointer.\n", "a.rs 1\n+ 2 A caller in C hands over a pointer.\n",
         "a.rs had 1 for 'A caller"),
    ],
)  # fmt: skip
def test_growth_is_told(before, now, said):
    told = list(raised(before, now))
    assert len(told) == (said is not None)
    assert not told or told[0].startswith(said)


def test_the_engine_has_none():
    assert [path for path in found() if path.startswith(("core/src/", "core/schema/", "core/tokens/"))] == []


def test_only_code_counts():
    text = """
        // unsafe { in a comment }
        /* unsafe { } */
        let a = "unsafe {"; let b = r#"unsafe { "quoted" unsafe {"#; let c = '"'; let d = '\\'';
        unsafe { one() };
        unsafe impl Send for Two {}
        unsafe fn none(); #[unsafe(no_mangle)] extern "C" fn neither<'a>(x: &'a str) {}
        let three = unsafe
        { 3 };
    """
    assert count(text) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a.rs 2\n", []),
        ("a.rs 1\n+ 1 A caller in C hands over a pointer.\n", []),
        ("a.rs 1\n", ["a.rs has 2 uses of unsafe, 1 are accounted for"]),
        ("a.rs 3\n", ["a.rs has 2 uses of unsafe, and 3 in unsafe.txt"]),
        ("a.rs 2\nb.rs 1\n", ["b.rs has 0 uses"]),
        ("", ["a.rs has 2 uses of unsafe, 0 are"]),
    ],
)
def test_differences_are_told(text, said):
    told = list(differences({"a.rs": 2}, allowed(text)))
    assert len(told) == len(said)
    assert all(start in line for start, line in zip(said, told, strict=True))


@pytest.mark.parametrize("text", ["a.rs 1\n+ 1\n", "a.rs 1\n+ 1 short\n", "+ 1 A reason without a file\n", "a.rs\n"])
def test_a_row_without_a_reason_is_refused(text):
    with pytest.raises(pytest.fail.Exception):
        allowed(text)
