"""What examples pin, and how they are found and prepared."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "scripts" / "example.py"


def pins(file):
    for line in file.read_text().splitlines():
        if line and not line.startswith("#"):
            found = re.fullmatch(r"([\w.-]+)(?:\[[\w,-]+\])?==([\w.!+-]+)(?: *;.*)?", line)
            assert found, f"{file}: {line!r} names no exact version"
            yield found[1].lower().replace("_", "-"), found[2]


def test_all_that_is_installed_together_has_one_exact_version():
    # Each FastMCP is installed into an environment of its own.
    files = [
        *(file for file in (ROOT / "tests").glob("requirements*.txt") if "fastmcp" not in file.name),
        *(ROOT / "examples" / "python").glob("*/requirements.txt"),
    ]
    versions = {}
    for file in files:
        for name, version in pins(file):
            assert versions.setdefault(name, version) == version, f"{file}: {name} is {versions[name]} elsewhere"


def test_examples_are_listed_by_what_their_pages_say():
    said = subprocess.run([sys.executable, str(EXAMPLE)], capture_output=True, text=True, check=True).stdout
    pages = {f"{page.parent.parent.name}/{page.parent.name}" for page in (ROOT / "examples").glob("*/*/README.md")}
    listed = re.findall(r"^  (\S+) +\S.*$", said, re.M)
    assert len(listed) == len(set(listed))
    folders = [name for name in listed if name.count("/") == 1]
    assert set(folders) == pages
    # Further programs of a folder.
    programs = set(listed) - pages
    assert programs == {"node/customers/lowlevel"}
    assert all(name.rpartition("/")[0] in pages and list((ROOT / "examples").glob(f"{name}.*")) for name in programs)


def test_pages_say_how_their_example_is_started():
    for page in (ROOT / "examples").glob("*/*/README.md"):
        name = f"{page.parent.parent.name}/{page.parent.name}"
        said = re.findall(r"make demo EXAMPLE=(\S+)", page.read_text())
        # One to copy says what its readers do with the copy.
        copied = page.parent.name == "packaged"
        assert copied or name in said, f"{page} does not say `make demo EXAMPLE={name}`"
        assert all(one == name or one.startswith(f"{name}/") for one in said), f"{page} says {said}"


def test_every_c_program_of_tests_is_run():
    folder = ROOT / "tests" / "c"
    named = re.search(r"^programs=\((.*)\)$", (folder / "run.sh").read_text(), re.M)[1].split()
    # Those of the sanitizers must fail, and `refusals` needs arguments.
    others = {"canary-address", "canary-thread", "refusals"}
    assert sorted(named) == sorted({program.stem for program in folder.glob("*/*.c")} - others)


def test_an_unknown_example_is_refused_with_the_names_that_there_are():
    done = subprocess.run([sys.executable, str(EXAMPLE), "nothing"], capture_output=True, text=True)
    assert done.returncode == 1 and "no 'nothing'; there are " in done.stderr and "python/basic" in done.stderr
