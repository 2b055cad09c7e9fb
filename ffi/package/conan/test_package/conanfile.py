"""Builds the quickstart with what the recipe made, and has it answer a call."""

from io import StringIO
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanException
from conan.tools.build import can_run
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout

ANSWER = '"content":[{"type":"text","text":"5"}]'


class TestConan(ConanFile):
    settings = "os", "arch", "compiler", "build_type"
    generators = "CMakeDeps", "VirtualRunEnv"

    def requirements(self):
        self.requires(self.tested_reference_str)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        # Nothing is written beside the sources.
        toolchain.user_presets_path = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def test(self):
        if not can_run(self):
            return
        program = Path(self.build_folder) / self.cpp.build.bindir / "quickstart"
        calls = Path(self.source_folder) / "calls.jsonl"
        said = StringIO()
        self.run(f'"{program}" < "{calls}"', said, env="conanrun")
        if ANSWER not in said.getvalue():
            raise ConanException(f"the quickstart does not say what 2 + 3 is: {said.getvalue()}")
