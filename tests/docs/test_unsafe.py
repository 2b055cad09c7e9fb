"""Compares the inventory of unsafe code, unsafe.txt, with the sources.

A row is a file and how many `unsafe` blocks and implementations it has. A number may be lowered, and must be once there
are fewer; it is not raised: what comes to a file is a row below it, `+ N REASON`. A file that had none begins with 0.
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
MORE = re.compile(r"\+ (?P<count>\d+) (?P<reason>\S.{15,})")


def count(text):
    return len(UNSAFE.findall(ASIDE.sub(" ", text)))


def found():
    listed = subprocess.run(["git", "ls-files", "*.rs"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    counts = {path: count((ROOT / path).read_text()) for path in listed.split() if (ROOT / path).exists()}
    return {path: number for path, number in counts.items() if number}


def allowed(text):
    """What each file may have: by path, its number and those that reasons were given for."""
    rows = {}
    path = None
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if row := FILE.fullmatch(line):
            path = row["path"]
            assert path not in rows, f"{path} has two rows"
            rows[path] = int(row["count"])
        elif (row := MORE.fullmatch(line)) and path:
            rows[path] += int(row["count"])
        else:
            pytest.fail(f"not a row, or without a reason: {line!r}")
    return rows


def differences(present, rows):
    for path in sorted(present.keys() | rows.keys()):
        has, may = present.get(path, 0), rows.get(path, 0)
        if has > may:
            yield f"{path} has {has} uses of unsafe, {may} are accounted for: add a row '+ {has - may} REASON' to it"
        elif has < may:
            yield f"{path} has {has} uses of unsafe, and {may} in unsafe.txt: lower it"


def test_the_inventory_is_that_of_the_sources():
    assert list(differences(found(), allowed(INVENTORY.read_text()))) == []


def test_the_engine_has_none():
    assert [path for path in found() if path.startswith(("core/src/", "core/schema/"))] == []


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
    ("rows", "said"),
    [
        ("a.rs 2\n", []),
        ("a.rs 1\n+ 1 A caller in C hands over a pointer.\n", []),
        ("a.rs 1\n", ["a.rs has 2 uses of unsafe, 1 are accounted for"]),
        ("a.rs 3\n", ["a.rs has 2 uses of unsafe, and 3 in unsafe.txt"]),
        ("a.rs 2\nb.rs 1\n", ["b.rs has 0 uses"]),
        ("", ["a.rs has 2 uses of unsafe, 0 are"]),
    ],
)
def test_differences_are_told(rows, said):
    told = list(differences({"a.rs": 2}, allowed(rows)))
    assert len(told) == len(said)
    assert all(start in line for start, line in zip(said, told, strict=True))


@pytest.mark.parametrize("rows", ["a.rs 1\n+ 1\n", "a.rs 1\n+ 1 short\n", "+ 1 A reason without a file\n", "a.rs\n"])
def test_growth_without_a_reason_is_refused(rows):
    with pytest.raises(pytest.fail.Exception):
        allowed(rows)
