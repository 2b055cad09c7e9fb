"""Builds the C library and installs it with its headers, for pkg-config and CMake.

    install_c.py [--prefix /usr/local] [--destdir DIR] [OPTION...]
    install_c.py --archive FILE [OPTION...]

    --libdir lib          where libraries go
    --cmakedir DIR        where CMake's files go, lib/cmake/Tenon unless given
    --only shared|static  one of the two libraries; pkg-config's `tenon` and CMake's `Tenon::tenon` are then that one
    --profile release     what cargo builds with
    --built               takes what cargo has built with that profile

What is installed can be moved: pkg-config and CMake find everything from where their own files are. `--destdir` is put
in front of every path, for packagers. `--archive` makes a .tar.gz of it instead, always the same of the same build,
with one folder in it that is named like the file. CARGO_TARGET_DIR and CARGO_BUILD_TARGET are honoured. Standard
library only.
"""

import argparse
import gzip
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "ffi" / "package"
LICENSES = ["LICENSE", "LICENSE-APACHE", "LICENSE-MIT"]


@dataclass
class Platform:
    """Names of one operating system: what cargo makes, what is installed, and the library's links to it."""

    built: str
    static: str
    # With {abi} and {version}. The first is the file, the others are links.
    shared: list
    # Of the static library: what it needs besides.
    needs: tuple = ()
    strip: tuple = ()


LINUX = Platform(
    built="libtenon.so",
    static="libtenon.a",
    shared=["libtenon.so.{version}", "libtenon.so.{abi}", "libtenon.so"],
    needs=("-lpthread", "-ldl", "-lm"),
    strip=("strip", "--strip-unneeded"),
)
PLATFORMS = {
    "linux": LINUX,
    "darwin": Platform(
        built="libtenon.dylib",
        static="libtenon.a",
        shared=["libtenon.{version}.dylib", "libtenon.{abi}.dylib", "libtenon.dylib"],
        needs=("-framework CoreFoundation", "-framework Security"),
        strip=("strip", "-x"),
    ),
}


def header_value(name):
    text = (ROOT / "include" / "tenon.h").read_text()
    return re.search(rf'^#define {name} "?([^"\n]+)"?$', text, re.M)[1]


def build(profile):
    command = ["cargo", "build", "--locked", "--profile", profile, "-p", "tenon-ffi"]
    if subprocess.run(command, cwd=ROOT).returncode:
        raise SystemExit(f"install_c: {' '.join(command)} failed")


def built_in(profile):
    target = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
    return target / os.environ.get("CARGO_BUILD_TARGET", "") / profile


def place(source, into):
    into.parent.mkdir(parents=True, exist_ok=True)
    into.unlink(missing_ok=True)
    shutil.copyfile(source, into)
    into.chmod(0o644)
    return into


def fill(template, into, values):
    """A template with @NAME@ in it."""
    text = (TEMPLATES / template).read_text()
    into.parent.mkdir(parents=True, exist_ok=True)
    into.write_text(re.sub(r"@([A-Z_]+)@", lambda found: values[found[1]], text))


def install_shared(platform, built, lib, names):
    """The shared library with its links; returns it."""
    name, *links = names
    shared = place(built / platform.built, lib / name)
    shared.chmod(0o755)
    if platform.strip:
        subprocess.run([*platform.strip, shared], check=True)
    for link in links:
        (lib / link).unlink(missing_ok=True)
        (lib / link).symlink_to(name)
    return shared


def install(platform, built, root, options):
    """Installs below `root`; returns the library, of two the shared one."""
    version = header_value("TENON_VERSION")
    abi = header_value("TENON_ABI_VERSION")
    libdir, only = options.libdir, options.only
    lib = root / libdir
    cmake = root / (options.cmakedir or f"{libdir}/cmake/Tenon")
    names = [one.format(version=version, abi=abi) for one in platform.shared]
    shared = static = None
    if only != "static":
        shared = install_shared(platform, built, lib, names)
    if only != "shared":
        static = place(built / platform.static, lib / platform.static)
    include = ROOT / "include"
    for header in (path for path in include.rglob("*") if path.is_file()):
        place(header, root / "include" / header.relative_to(include))
    for text in LICENSES:
        place(ROOT / text, root / "share" / "doc" / "tenon" / text)
    major, minor, _ = version.split(".", 2)
    needs = " ".join(platform.needs) if static else ""
    values = {
        "VERSION": version,
        "MAJOR": major,
        "MINOR": minor,
        "ABI": abi,
        "LIBDIR": libdir,
        "UP_FROM_PKGCONFIG": os.path.relpath(root, lib / "pkgconfig"),
        "UP_FROM_CMAKE": os.path.relpath(root, cmake),
        "SHARED": shared.relative_to(root).as_posix() if shared else "",
        "SONAME": abi_name(platform, abi),
        "STATIC": static.relative_to(root).as_posix() if static else "",
        # Whoever asks for no more than `--libs` gets the only library there is.
        "NEEDS": "" if shared else f" {needs}",
        "NEEDS_PRIVATE": needs if shared else "",
        "NEEDS_LIST": ";".join(platform.needs),
    }
    fill("tenon.pc.in", lib / "pkgconfig" / "tenon.pc", values)
    for file in ("TenonConfig.cmake", "TenonConfigVersion.cmake"):
        fill(f"{file}.in", cmake / file, values)
    return shared or static


def archive(file, fill):
    """Makes a .tar.gz of what `fill(folder)` puts into a folder."""
    name = file.name.removesuffix(".tar.gz")

    def plain(member):
        member.mtime = int(os.environ.get("SOURCE_DATE_EPOCH", 0))
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        return member

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / name
        fill(root)
        with open(file, "wb") as raw, gzip.GzipFile("", "wb", compresslevel=6, mtime=0, fileobj=raw) as packed:
            with tarfile.open(fileobj=packed, mode="w") as made:
                for path in sorted(root.rglob("*")):
                    made.add(path, path.relative_to(folder).as_posix(), recursive=False, filter=plain)


def abi_name(platform, abi):
    return next((name.format(abi=abi) for name in platform.shared if "{abi}" in name), "")


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prefix", type=Path, default=Path("/usr/local"))
    parser.add_argument("--libdir", default="lib")
    parser.add_argument("--cmakedir")
    parser.add_argument("--only", choices=["shared", "static"])
    parser.add_argument("--destdir", type=Path)
    parser.add_argument("--archive", type=Path)
    parser.add_argument("--profile", default="release")
    parser.add_argument("--built", action="store_true")
    given = parser.parse_args(arguments)
    prefix = given.prefix.absolute()
    root = given.destdir.absolute() / prefix.relative_to(prefix.anchor) if given.destdir else prefix
    if sys.platform == "win32":
        raise SystemExit("install_c: the C library does not compile for Windows, see docs/platforms.md")
    platform = PLATFORMS.get(sys.platform, LINUX)
    if not given.built:
        build(given.profile)
    built = built_in(given.profile)
    for kind, library in (("shared", platform.built), ("static", platform.static)):
        if given.only in (None, kind) and not (built / library).exists():
            raise SystemExit(f"install_c: {built / library} is not there")
    if given.archive:
        archive(given.archive, lambda root: install(platform, built, root, given))
        print(f"{given.archive}: {given.archive.stat().st_size / 1e6:.2f} MB")
        return
    library = install(platform, built, root, given)
    print(f"{library}: {library.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
