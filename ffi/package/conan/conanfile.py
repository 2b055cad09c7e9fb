"""A recipe of the C library for Conan 2. Cargo builds the library from the source tree that contains this file.

    conan create ffi/package/conan [-o "&:shared=False"]

Needs cargo and access to the crates that cargo downloads. `-c user.tenon:target=FOLDER` uses an existing build in that
target folder instead. `-c user.tenon:profile=NAME` is the profile of that build, `release` by default.
"""

import re
import shutil
import sys
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import cross_building
from conan.tools.env import Environment
from conan.tools.files import copy, load, rename, rmdir

FILES = ["Cargo.toml", "Cargo.lock", "LICENSE*"]
# Further folders besides the members of the workspace, which cargo requires.
FOLDERS = ["include", "scripts"]
LEFT_OUT = ["node_modules/*", "*/node_modules/*", "*/__pycache__/*", "dist/*", "*.node", "*.so"]


class TenonConan(ConanFile):
    name = "tenon"
    description = "An embeddable engine for the Model Context Protocol"
    license = "Apache-2.0 OR MIT"
    topics = ("mcp", "model-context-protocol", "server")
    package_type = "library"
    # The compiler and the build type of the consumer make no difference.
    settings = "os", "arch"
    options = {"shared": [True, False]}
    default_options = {"shared": True}
    no_copy_source = True

    @property
    def _tree(self):
        return Path(self.recipe_folder).parents[2]

    @property
    def _profile(self):
        return self.conf.get("user.tenon:profile", default="release", check_type=str)

    @property
    def _built(self):
        return self.conf.get("user.tenon:target", check_type=str)

    def set_version(self):
        manifest = load(self, self._tree / "Cargo.toml")
        self.version = re.search(r'^version = "(.+)"$', manifest, re.M)[1]

    def export_sources(self):
        into = Path(self.export_sources_folder)
        for pattern in FILES:
            for file in self._tree.glob(pattern):
                copy(self, file.name, self._tree, into)
        members = re.search(r"^members = \[(.*?)\]", load(self, self._tree / "Cargo.toml"), re.M | re.S)[1]
        for folder in [*FOLDERS, *re.findall(r'"(.+)"', members)]:
            copy(self, "*", self._tree / folder, into / folder, excludes=LEFT_OUT)

    def validate(self):
        if self.settings.os == "Windows":
            raise ConanInvalidConfiguration("the C library does not compile for Windows, see docs/platforms.md")

    def validate_build(self):
        if cross_building(self):
            raise ConanInvalidConfiguration("this recipe builds for the machine that it runs on, and for no other")
        if self._built is None and shutil.which("cargo") is None:
            raise ConanInvalidConfiguration("cargo is not on PATH: install Rust (https://rustup.rs)")

    def _run(self, command):
        variables = Environment()
        variables.define("CARGO_TARGET_DIR", self._built or str(Path(self.build_folder) / "target"))
        with variables.vars(self).apply():
            self.run(command, cwd=self.source_folder)

    def build(self):
        if self._built is None:
            self._run(f"cargo build --locked --profile {self._profile} -p tenon-ffi")

    def package(self):
        only = "shared" if self.options.shared else "static"
        options = f'--prefix "{self.package_folder}" --profile {self._profile} --only {only}'
        self._run(f'"{sys.executable}" scripts/install_c.py --built {options}')
        folder = Path(self.package_folder)
        rename(self, folder / "share" / "doc" / "tenon", folder / "licenses")
        rmdir(self, folder / "share")

    def package_info(self):
        info = self.cpp_info
        info.libs = ["tenon"]
        info.set_property("cmake_file_name", "Tenon")
        info.set_property("cmake_target_name", "Tenon::tenon")
        info.set_property("pkg_config_name", "tenon")
        # The same rule as in the CMake files of the package.
        stable = not self.version.startswith("0.")
        info.set_property("cmake_config_version_compat", "SameMajorVersion" if stable else "SameMinorVersion")
        if not self.options.shared:
            info.set_property("cmake_target_aliases", ["Tenon::static"])
            # The script that installs the static library writes its dependencies into this file.
            said = load(self, Path(self.package_folder) / "lib" / "pkgconfig" / "tenon.pc")
            needs = re.search(r"^Libs: .* -ltenon\b(.*)$", said, re.M)[1]
            info.system_libs = re.findall(r"(?<!\S)-l(\S+)", needs)
            info.frameworks = re.findall(r"(?<!\S)-framework (\S+)", needs)
