"""The recipes for Conan and vcpkg, with the library that is built for the tests: what they install, and its use.

Conan is run, in a home of its own and without remotes. Of vcpkg only the portfile is, see vcpkg.cmake.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_install import ABI, CC, EXAMPLES, HERE, PROFILE, ROOT, VERSION, answer, flags, needed, run

CONAN = ROOT / "ffi" / "package" / "conan"
PORT = ROOT / "ffi" / "package" / "vcpkg"
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
HEADERS = {path.relative_to(ROOT).as_posix() for path in (ROOT / "include").rglob("*") if path.is_file()}
LIBRARIES = {
    "shared": {"lib/libtenon.so", f"lib/libtenon.so.{ABI}", f"lib/libtenon.so.{VERSION}"},
    "static": {"lib/libtenon.a"},
}
INSTALL = [sys.executable, ROOT / "scripts" / "install_c.py", "--built", "--profile", PROFILE]
CMAKE = ["TenonConfig.cmake", "TenonConfigVersion.cmake"]


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


class Conan:
    """Conan with a home of its own."""

    def __init__(self, home, environment):
        self.environment = {**environment, "CONAN_HOME": str(home)}

    def start(self, *arguments, **options):
        command = [sys.executable, "-m", "conans.conan", *(str(part) for part in arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=280, env=self.environment, **options)

    def run(self, *arguments):
        done = self.start(*arguments)
        assert done.returncode == 0, f"conan {arguments}\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def conan(tmp_path_factory):
    try:
        import conan  # noqa: F401
    except ImportError:
        pytest.fail("conan is not in this environment: scripts/bootstrap.sh full installs it")
    made = Conan(tmp_path_factory.mktemp("conan"), dict(os.environ))
    made.run("profile", "detect")
    return made


def create(conan, kind, place):
    """Has Conan make a package, and test it; returns its folder."""
    said = conan.run(
        "create", CONAN, "--no-remote", "--format=json", "-o", f"&:shared={kind == 'shared'}",
        "-c", f"user.tenon:target={TARGET}", "-c", f"user.tenon:profile={PROFILE}",
        "-c", f"tools.cmake.cmake_layout:test_folder={place}",
    )  # fmt: skip
    (node,) = [node for node in json.loads(said)["graph"]["nodes"].values() if node["name"] == "tenon"]
    assert node["version"] == VERSION
    return node


@pytest.mark.parametrize("kind", ["shared", "static"])
def test_conan_makes_a_package_that_programs_use(conan, tmp_path, kind):
    node = create(conan, kind, tmp_path)
    reference = f"tenon/{VERSION}:{node['package_id']}"
    folder = Path(conan.run("cache", "path", reference).strip())
    assert files(folder) - {"conaninfo.txt", "conanmanifest.txt"} == HEADERS | LIBRARIES[kind] | {
        "lib/pkgconfig/tenon.pc",
        *(f"lib/cmake/Tenon/{file}" for file in CMAKE),
        *(f"licenses/{file}" for file in ("LICENSE", "LICENSE-APACHE", "LICENSE-MIT")),
    }
    program = next(path for path in tmp_path.rglob("quickstart") if path.is_file())
    assert any("tenon" in library for library in needed(program)) is (kind == "shared")
    (info,) = node["cpp_info"].values()
    assert (info["system_libs"] or []) == ([] if kind == "shared" else ["pthread", "dl", "m"])


def test_conan_takes_with_it_all_that_cargo_reads(conan, tmp_path):
    conan.run("export", CONAN)
    sources = conan.run("cache", "path", f"tenon/{VERSION}", "--folder", "export_source").strip()
    command = ["cargo", "metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"]
    packages = [json.loads(run(*command, cwd=folder))["packages"] for folder in (sources, ROOT)]
    targets = [
        {(package["name"], target["name"], *target["kind"]) for package in one for target in package["targets"]}
        for one in packages
    ]
    assert targets[0] == targets[1]
    assert not [path for path in files(Path(sources)) if "node_modules" in path or path.endswith(".node")]


def test_conan_says_that_cargo_is_needed(conan, tmp_path):
    without = Conan(conan.environment["CONAN_HOME"], {**os.environ, "PATH": str(tmp_path)})
    done = without.start("create", CONAN, "--no-remote", "-tf=")
    assert done.returncode != 0 and "cargo is not on PATH: install Rust" in done.stderr, done.stderr


def test_conan_refuses_windows(conan):
    done = conan.start("create", CONAN, "--no-remote", "-tf=", "-s:a", "os=Windows", "-s:a", "compiler=msvc",
                       "-s:a", "compiler.version=194", "-s:a", "compiler.runtime=dynamic")  # fmt: skip
    assert done.returncode != 0 and "does not compile for Windows" in done.stderr, done.stderr


def portfile(linkage, folder, port=PORT):
    """Runs the portfile; the folder of the package, and what was said."""
    given = {
        "CURRENT_PORT_DIR": port,
        "CURRENT_PACKAGES_DIR": folder / "package",
        "CURRENT_BUILDTREES_DIR": folder / "trees",
        "VCPKG_LIBRARY_LINKAGE": linkage,
        "BUILT": TARGET / PROFILE,
    }
    command = ["cmake", *(f"-D{name}={value}" for name, value in given.items()), "-P", HERE / "vcpkg.cmake"]
    return folder / "package", subprocess.run(command, capture_output=True, text=True, timeout=280)


@pytest.mark.parametrize(("linkage", "kind"), [("dynamic", "shared"), ("static", "static")])
def test_the_portfile_of_vcpkg_installs_one_library(tmp_path, linkage, kind):
    package, done = portfile(linkage, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert files(package) == HEADERS | LIBRARIES[kind] | {
        "lib/pkgconfig/tenon.pc",
        *(f"share/tenon/{file}" for file in (*CMAKE, "copyright", "usage")),
    }
    for licence in ("LICENSE-APACHE", "LICENSE-MIT"):
        assert (ROOT / licence).read_text().strip() in (package / "share" / "tenon" / "copyright").read_text()
    build = tmp_path / "build"
    kinds = "tenon" if kind == "shared" else "tenon;static"
    run("cmake", "-S", HERE / "cmake", "-B", build, f"-DCMAKE_PREFIX_PATH={package}", f"-DSOURCE={EXAMPLES}",
        f"-DKINDS={kinds}")  # fmt: skip
    # Both targets are the one library where that is static, so one program is enough.
    run("cmake", "--build", build, "--target", "quickstart-tenon")
    assert any("tenon" in library for library in needed(build / "quickstart-tenon")) is (kind == "shared")
    assert answer(build / "quickstart-tenon") == "5"


def test_the_portfile_says_when_it_lies_in_no_tree(tmp_path):
    port = tmp_path / "ports" / "tenon"
    port.mkdir(parents=True)
    for file in files(PORT):
        (port / file).write_text((PORT / file).read_text())
    _, done = portfile("dynamic", tmp_path, port)
    assert done.returncode != 0 and "--overlay-ports" in " ".join(done.stderr.split())


def test_the_manifest_of_the_port_is_that_of_this_release():
    said = json.loads((PORT / "vcpkg.json").read_text())
    manifest = (ROOT / "Cargo.toml").read_text()
    assert said["name"] == "tenon" and said["supports"] == "native & (linux | osx)"
    for name in ("version", "license"):
        assert said[name] == re.search(rf'^{name} = "(.+)"$', manifest, re.M)[1]
    assert files(PORT) == {"portfile.cmake", "usage", "vcpkg.json"}


@pytest.mark.parametrize("kind", ["shared", "static"])
def test_one_library_is_enough_for_pkg_config(tmp_path, monkeypatch, kind):
    run(*INSTALL, "--prefix", tmp_path, "--only", kind)
    monkeypatch.setenv("PKG_CONFIG_PATH", str(tmp_path / "lib" / "pkgconfig"))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "lib"))
    source = EXAMPLES / "c" / "quickstart" / "quickstart.c"
    run(CC, source, "-o", tmp_path / "quickstart", *flags("--cflags", "--libs"))
    assert answer(tmp_path / "quickstart") == "5"


def test_what_is_not_built_is_named(tmp_path, monkeypatch):
    (tmp_path / PROFILE).mkdir()
    (tmp_path / PROFILE / "libtenon.so").write_bytes(b"")
    monkeypatch.setenv("CARGO_TARGET_DIR", str(tmp_path))
    command = [*INSTALL, "--prefix", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stderr == f"install_c: {tmp_path / PROFILE / 'libtenon.a'} is not there\n"
