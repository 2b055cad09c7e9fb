"""Tools for the project in a folder: git, tests, linters, builds, dependencies, statistics."""

import os
import re
import shlex
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

from commands import Project
from tenon_mcp import Context, Server, ToolError

CODE = {".py", ".js", ".ts", ".jsx", ".tsx", ".java", ".cpp", ".c", ".h"}
MOST_FILES = 100_000
GIT = ["git", "--no-pager", "--literal-pathspecs"]
TESTS = {
    "pytest": ["pytest", "{path}", "-v"],
    "unittest": [sys.executable, "-m", "unittest", "discover", "{path}"],
    "npm": ["npm", "test"],
    "jest": ["jest", "{path}"],
}
LINTERS = {
    "flake8": ["flake8", "{path}"],
    "pylint": ["pylint", "{path}"],
    "eslint": ["eslint", "{path}"],
    "black": ["black", "--check", "{path}"],
}
BUILDS = {
    "package.json": ["npm", "run", "build"],
    "setup.py": [sys.executable, "setup.py", "build"],
    "Makefile": ["make"],
}
Count = Annotated[int, {"minimum": 1, "maximum": 1000}]
Text = Annotated[str, {"maxLength": 4096}]


def lines_of(path: Path) -> int:
    """Read in pieces: a line may be as long as its file."""
    count, last = 0, b"\n"
    with path.open("rb") as file:
        while part := file.read(65536):
            count, last = count + part.count(b"\n"), part[-1:]
    return count + (last != b"\n")


def make_server(project_root: str = ".") -> Server:
    project = Project(project_root)
    app = Server("dev-tools-server", "1.0.0")

    async def git(ctx: Context, *words: str) -> str:
        code, stdout, stderr = await project.run(ctx, [*GIT, *words], "Git error: ")
        if code != 0:
            raise ToolError(f"Git error: {stderr}")
        return stdout

    @app.tool
    async def git_status(ctx: Context) -> str:
        """What has changed in the working directory."""
        lines = await git(ctx, "status", "--porcelain")
        return f"Git status:\n{lines}" if lines else "Working directory clean"

    @app.tool
    async def git_log(ctx: Context, count: Count = 10) -> str:
        """The newest commits."""
        return f"Recent commits:\n{await git(ctx, 'log', f'-{count}', '--oneline', '--decorate')}"

    @app.tool
    async def git_diff(ctx: Context, path: Text | None = None, staged: bool = False) -> str:
        """What has changed, line by line."""
        words = ["diff", "--no-ext-diff", "--no-textconv", *(["--staged"] if staged else [])]
        # What was deleted may be asked for, too.
        words += ["--", project.path(path, exists=False)] if path is not None else []
        text = await git(ctx, *words)
        return f"Diff:\n{text}" if text else "No changes"

    @app.tool
    async def run_tests(ctx: Context, test_path: Text = ".", framework: Text = "pytest") -> str:
        """Run tests by pytest, unittest, npm or jest."""
        if framework not in TESTS:
            raise ToolError(f"Error: Unsupported test framework '{framework}'")
        # pytest names a single test behind its file: tests/test_a.py::test_b.
        project.path(test_path.partition("::")[0])
        words = [word.format(path=test_path) for word in TESTS[framework]]
        return (await project.run(ctx, words, "Error running tests: ")).report(f"Test Results ({framework})")

    @app.tool
    async def lint_code(ctx: Context, file_path: Text = ".", linter: Text = "flake8") -> str:
        """Look for issues by flake8, pylint, eslint or black."""
        if linter not in LINTERS:
            raise ToolError(f"Error: Unsupported linter '{linter}'")
        words = [word.format(path=project.path(file_path)) for word in LINTERS[linter]]
        code, stdout, stderr = await project.run(ctx, words, "Error running linter: ")
        return "Linting passed: No issues found" if code == 0 else f"Linting issues found:\n{stdout}\n{stderr}"

    @app.tool
    async def build_project(ctx: Context, build_command: Text | None = None) -> str:
        """Build the project, by a command of words or by what its files say."""
        if build_command is None:
            words = next((words for name, words in BUILDS.items() if (project.root / name).exists()), None)
            if words is None:
                raise ToolError("Error: Could not detect build system")
        else:
            try:
                words = shlex.split(build_command)
            except ValueError as error:
                raise ToolError(f"Error building project: {error}") from None
            if not words:
                raise ToolError("Error building project: The command is empty")
        return (await project.run(ctx, words, "Error building project: ")).report("Build Results")

    @app.tool
    async def analyze_dependencies(ctx: Context) -> str:
        """Tell which dependencies are outdated or insecure. The usual variables of pip and npm name other indexes."""
        sections = []

        async def add(title: str, words: list[str], *, when_failed: bool = False) -> None:
            code, stdout, stderr = await project.run(ctx, words)
            if (code != 0 or not when_failed) and (text := stdout or stderr):
                sections.append(f"{title}:\n{text}")

        python, node = ((project.root / name).exists() for name in ("requirements.txt", "package.json"))
        if python:
            pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
            await add("Python Dependencies (Outdated)", [*pip, "list", "--outdated"])
        if node:
            await add("Node.js Dependencies (Outdated)", ["npm", "outdated"])
        if python and project.program("pip-audit"):
            audit = ["pip-audit", "--progress-spinner=off", "--no-deps", "--disable-pip", "-r", "requirements.txt"]
            if "OSV_URL" in os.environ:
                audit += ["-s", "osv", "--osv-url", os.environ["OSV_URL"]]
            await add("Security Issues", audit, when_failed=True)
        if node:
            await add("Security Issues", ["npm", "audit"], when_failed=True)
        return "\n\n".join(sections) or "No dependency issues found"

    @app.tool
    def project_stats() -> str:
        """Count files and lines of code."""
        files: Counter[str] = Counter()
        lines = 0
        for folder, below, names in os.walk(project.root):
            below[:] = [name for name in below if not name.startswith(".")]
            for name in names:
                path = Path(folder, name)
                if name.startswith(".") or path.is_symlink() or not path.is_file():
                    continue
                extension = path.suffix.lower()
                files[extension] += 1
                if sum(files.values()) > MOST_FILES:
                    raise ToolError(f"Error: there are more than {MOST_FILES} files")
                if extension in CODE:
                    lines += lines_of(path)
        rows = [f"  {extension}: {count} files" for extension, count in files.most_common() if extension]
        return "\n".join(["Project Statistics:", f"Total code lines: {lines}", "File breakdown:", *rows])

    return app


def main(arguments: list[str]) -> None:
    addresses = [each for each in arguments if re.fullmatch(r"(.*:)?\d+(/.*)?", each)]
    folders = [each for each in arguments if each not in addresses]
    app = make_server(folders[0] if folders else os.environ.get("PROJECT_ROOT", "."))
    app.run(http=addresses[0] if addresses else None)


if __name__ == "__main__":
    main(sys.argv[1:])
