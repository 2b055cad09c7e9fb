"""The tests that docs/protocol.md may name as proofs, by the forms its head lists. Standard library only."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ATTRIBUTE = re.compile(r"\s*#\[(?:tokio::)?test\b")
MODULE = re.compile(r"(?:pub )?mod (\w+) \{")
FUNCTION = re.compile(r"\bfn (\w+)")
PYTHON_TEST = re.compile(r"^(?:async )?def (test_\w+)", re.M)
NODE_TEST = re.compile(r"^\s*(?:test|it)\(\s*([\"'`])(.*?)\1\s*,", re.M)
C_TEST = re.compile(r"\{\"(\w+)\", \w+\}")

def rust_tests(source, path):
    """The tests of a file whose module is `path`, as cargo names them, with inner modules."""
    inner, waiting = None, False
    for line in source.splitlines():
        module = MODULE.match(line)
        if module:
            inner = module[1]
        elif line.startswith("}"):
            inner = None
        if ATTRIBUTE.match(line):
            waiting = True
        elif waiting and FUNCTION.search(line):
            waiting = False
            yield "::".join([*path, *([inner] if inner else []), FUNCTION.search(line)[1]])

def module_path(file, folder):
    parts = list(file.relative_to(folder).with_suffix("").parts)
    return parts[:-1] if parts[-1] in ("main", "mod", "lib") else parts

def core():
    for folder in (ROOT / "core/src", ROOT / "core/tests"):
        for file in sorted(folder.rglob("*.rs")):
            yield from rust_tests(file.read_text(), module_path(file, folder))

def wire():
    folder = ROOT / "tests/wire/transcripts"
    return (str(file.relative_to(folder).with_suffix("")) for file in folder.rglob("*.txt") if file.stem != "common")

def python():
    for file in sorted((ROOT / "tests/python").rglob("test_*.py")):
        for name in PYTHON_TEST.findall(file.read_text()):
            yield f"{file.relative_to(ROOT)}::{name}"

def node():
    for file in sorted((ROOT / "tests/node").rglob("*.test.mjs")):
        for _, name in NODE_TEST.findall(file.read_text()):
            yield f"{file.relative_to(ROOT)}::{name}"

def c():
    for file in sorted((ROOT / "tests/c").rglob("*.c")):
        for name in C_TEST.findall(file.read_text()):
            yield f"{file.relative_to(ROOT)}::{name}"


def known():
    """Every test that can be named."""
    return {f"{kind.__name__}: {name}" for kind in (core, wire, python, node, c) for name in kind()}
