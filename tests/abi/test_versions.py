"""One version stands in many places: each says what Cargo.toml says, and a program may ask the library."""

import ctypes
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
CRATES = ["core", "core/schema", "core/crash", "core/tokens", "ffi", "ffi/header", "bindings-node",
          "bindings-python"]
BUILT = Path(os.environ.get("TENON_LIB") or TARGET / "ci").resolve()

sys.path.insert(0, str(ROOT / "scripts"))
import install_c  # noqa: E402


def said(text, pattern):
    found = re.findall(pattern, text, re.M)
    assert len(found) == 1, f"{pattern} is there {len(found)} times"
    return found[0]


# Where a version is read from, and how.
FILES = {
    "include/tenon.h": lambda text: said(text, r'^#define TENON_VERSION "(.+)"$'),
    "ffi/package/vcpkg/vcpkg.json": lambda text: json.loads(text)["version"],
    "bindings-node/package.json": lambda text: json.loads(text)["version"],
    "docs/c-abi.md": lambda text: said(text, r'requires\("tenon/([\d.]+)"\)'),
}


def manifest(text):
    return said(text, r'^version = "(.+)"$')


def crates(text):
    """What crates of this workspace ask each other for, and what those say that have a version of their own."""
    return re.findall(r'path = "[^"]*"[^}\n]*\bversion = "([^"]+)"', text)


def parts(text):
    """The macros that a program compares as numbers."""
    return [int(said(text, rf"^#define TENON_VERSION_{part} (\d+)$")) for part in ("MAJOR", "MINOR", "PATCH")]


def numbers(version):
    return [int(part) for part in re.match(r"(\d+)\.(\d+)\.(\d+)", version).groups()]


def read(path):
    return (ROOT / path).read_text()


VERSION = manifest(read("Cargo.toml"))


@pytest.mark.parametrize("path", FILES)
def test_each_file_has_the_version_of_cargo(path):
    assert FILES[path](read(path)) == VERSION


def test_the_crates_ask_each_other_for_this_version():
    assert set(crates(read("Cargo.toml"))) == {VERSION}
    for crate in CRATES:
        assert "\nversion.workspace = true\n" in read(f"{crate}/Cargo.toml"), crate


def test_the_macros_are_the_parts_of_the_version():
    assert parts(read("include/tenon.h")) == numbers(VERSION)


def test_the_library_says_what_its_header_says():
    library = ctypes.CDLL(str(BUILT / "libtenon.so"))
    library.tenon_version.restype = ctypes.c_char_p
    library.tenon_abi_version.restype = ctypes.c_uint32
    header = read("include/tenon.h")
    assert library.tenon_version().decode() == FILES["include/tenon.h"](header) == VERSION
    assert library.tenon_abi_version() == int(said(header, r"^#define TENON_ABI_VERSION (\d+)$"))


def test_the_name_in_the_library_has_the_number_of_the_abi():
    dynamic = subprocess.run(["objdump", "-p", BUILT / "libtenon.so"], capture_output=True, text=True, check=True)
    number = said(read("include/tenon.h"), r"^#define TENON_ABI_VERSION (\d+)$")
    assert said(dynamic.stdout, r"SONAME +(\S+)$") == f"libtenon.so.{number}"
    assert install_c.abi_name(install_c.LINUX, number) == f"libtenon.so.{number}"


def test_the_files_for_pkg_config_and_cmake_have_it(tmp_path):
    for name in ("libtenon.so", "libtenon.a"):
        (tmp_path / name).write_bytes(b"")
    options = type("Options", (), {"libdir": "lib", "only": None, "cmakedir": None})
    install_c.install(replace(install_c.LINUX, strip=()), tmp_path, tmp_path / "root", options)
    lib = tmp_path / "root" / "lib"
    assert said((lib / "pkgconfig" / "tenon.pc").read_text(), r"^Version: (.+)$") == VERSION
    config = (lib / "cmake" / "Tenon" / "TenonConfigVersion.cmake").read_text()
    assert said(config, r'^set\(PACKAGE_VERSION "(.+)"\)$') == VERSION
    assert (lib / f"libtenon.so.{VERSION}").is_file()


@pytest.mark.parametrize("path", FILES)
def test_another_version_is_seen_in_each_file(path):
    assert FILES[path](read(path).replace(VERSION, "9.8.7")) == "9.8.7"


@pytest.mark.parametrize(("part", "place"), [("MAJOR", 0), ("MINOR", 1), ("PATCH", 2)])
def test_another_part_is_seen(part, place):
    changed = re.sub(rf"(#define TENON_VERSION_{part}) \d+", r"\1 98", read("include/tenon.h"))
    assert parts(changed)[place] == 98 and parts(changed) != numbers(VERSION)
