"""What is in the Python packages: the wheel of the stage build-python, and a source distribution made now."""

import re
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "bindings-python"
LICENSES = ["LICENSE-APACHE", "LICENSE-MIT"]


@pytest.fixture(scope="module")
def wheel():
    (path,) = (ROOT / "build" / "wheels").glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield path, archive


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sdist")
    command = [sys.executable, "-m", "maturin", "sdist", "-m", PACKAGE / "Cargo.toml", "-o", folder]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    (path,) = folder.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        yield {name.partition("/")[2]: archive.extractfile(name) for name in archive.getnames()}


def metadata(wheel):
    _, archive = wheel
    (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    return Parser().parsestr(archive.read(name).decode())


def test_the_licences_are_those_of_the_project():
    for name in LICENSES:
        assert (PACKAGE / name).read_text() == (ROOT / name).read_text()


def test_one_wheel_is_for_every_python(wheel):
    path, archive = wheel
    assert re.match(r"tenon_mcp-[\d.]+-cp310-abi3-", path.name)
    assert [name for name in archive.namelist() if name.endswith((".so", ".pyd", ".dylib"))] == [
        "tenon_mcp/_native.abi3.so"
    ]


def test_the_wheel_has_licences_types_and_no_requirements(wheel):
    _, archive = wheel
    names = set(archive.namelist())
    assert {"tenon_mcp/py.typed", "tenon_mcp/_native.pyi"} <= names
    folder = PACKAGE / "python"
    for source in (folder / "tenon_mcp").rglob("*.py*"):
        if source.suffix in (".py", ".pyi"):
            assert source.relative_to(folder).as_posix() in names
    said = metadata(wheel)
    assert said["License-Expression"] == "Apache-2.0 OR MIT"
    assert said.get_all("License-File") == LICENSES
    for name in LICENSES:
        (place,) = [other for other in names if other.endswith(f".dist-info/licenses/{name}")]
        assert archive.read(place).decode() == (ROOT / name).read_text()
    assert said["Requires-Python"] == ">=3.10"
    assert [one for one in said.get_all("Requires-Dist", []) if "extra ==" not in one] == []


def test_the_source_distribution_is_complete(sdist):
    for name in ["PKG-INFO", "pyproject.toml", "Cargo.toml", "Cargo.lock", "README.md", *LICENSES]:
        assert name in sdist
    for folder in ("core/src", "bindings-python/src"):
        for source in (ROOT / folder).rglob("*.rs"):
            assert source.relative_to(ROOT).as_posix() in sdist
    # As the lock file of the project has them.
    assert sdist["Cargo.lock"].read() == (ROOT / "Cargo.lock").read_bytes()
