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
    files = [
        *(ROOT / "tests").glob("requirements*.txt"),
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
    assert set(listed) == pages and len(listed) == len(pages)


def test_an_unknown_example_is_refused_with_the_names_that_there_are():
    done = subprocess.run([sys.executable, str(EXAMPLE), "nothing"], capture_output=True, text=True)
    assert done.returncode == 1 and "no 'nothing'; there are " in done.stderr and "python/basic" in done.stderr
