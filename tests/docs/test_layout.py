"""The layout of the sources: sizes of files and folders, and the tree in docs/architecture.md."""

import re
import statistics
import subprocess
from collections import Counter
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ("core/src", "core/schema/src", "core/crash/src", "core/tokens/src", "ffi/src", "ffi/header/src",
           "bindings-python/src", "bindings-python/python", "bindings-node/src", "bindings-node/js")  # fmt: skip
TESTS = ("core/tests", "core/tokens/tests", "tests/python", "tests/node", "tests/c", "tests/wire/src",
         "tests/bench/src")  # fmt: skip
SUFFIXES = (".rs", ".py", ".js", ".mjs", ".c", ".h")
MOST_LINES = 500
MEDIAN_LINES = 150
MOST_FILES = 18


def files(folders):
    listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return [PurePosixPath(name) for name in listed.stdout.splitlines() if name.endswith(SUFFIXES)]


def lines(path):
    return (ROOT / path).read_text(encoding="utf-8").count("\n")


def test_files_are_short():
    sizes = {str(path): lines(path) for path in files(SOURCES)}
    assert {path: size for path, size in sizes.items() if size > MOST_LINES} == {}
    assert statistics.median(sizes.values()) <= MEDIAN_LINES
    assert [str(path) for path in files(TESTS) if lines(path) > MOST_LINES] == []


def test_folders_have_few_files():
    counts = Counter(str(path.parent) for path in files((*SOURCES, *TESTS)))
    assert {folder: count for folder, count in counts.items() if count > MOST_FILES} == {}


def documented():
    """The folders in the tree of docs/architecture.md."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    tree = page.split("## The tree", 1)[1].split("```", 2)[1]
    found, parents = [], []
    for line in tree.splitlines():
        if row := re.match(r"( *)(\S+)/(?:\s|$)", line):
            depth = len(row[1]) // 2
            parents[depth:] = [row[2]]
            found.append("/".join(parents))
    return found


def test_the_tree_has_a_line_for_each_source_folder():
    folders = {str(path.parent) for path in files(SOURCES)}
    # Tests of a module, and parts of one module, stand beside what they belong to.
    folders = {folder for folder in folders if not folder.endswith(("tests", "/shape"))}
    tree = documented()
    assert sorted(folders - set(tree)) == []
    assert [folder for folder in tree if not (ROOT / folder).is_dir()] == []
