"""Python: a project's tools, run by words, within bounds, and without leaving anything behind."""

import asyncio
import json
import subprocess
import threading
import tracemalloc
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata

import pytest
from example_servers import SECONDS, connected, converse, load, refused, said

EXAMPLE = "python/devtools"
GOOD = "def test_good():\n    assert 1 + 1 == 2\n"
BAD = "def test_bad():\n    assert 1 + 1 == 3\n"
# Starts a child that stays, says so, and stays itself.
STAYS = (
    "import subprocess, time; child = subprocess.Popen(['sleep', '600']);"
    " print('child', child.pid, flush=True); time.sleep(600)"
)


def git(folder, *words):
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path):
    """A repository with a commit, beside what must stay as it is."""
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "main.py").write_text("VALUE = 1\n\nprint(VALUE)")
    (folder / "notes.md").write_text("# Notes\n")
    (folder / "out").symlink_to(tmp_path)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "First")
    return folder


def state(folder):
    """What is in the folder around a project, but for what git and tests keep for themselves."""
    own = {".git", "__pycache__", ".pytest_cache"}
    return {path: path.is_file() and path.read_bytes() for path in folder.rglob("*") if not own & set(path.parts)}


def test_git_and_statistics(way, project):
    async def use(client):
        assert await said(client, "git_status") == "Working directory clean"
        assert await said(client, "git_diff") == "No changes"
        (project / "main.py").write_text("VALUE = 2\n")
        (project / ".hidden.py").write_text("x\n" * 100)
        (project / "a b.js").write_text("1\n2")
        status = await said(client, "git_status")
        assert status.startswith("Git status:\n M main.py\n") and '?? "a b.js"' in status
        log = (await said(client, "git_log")).split("\n")
        assert log[0] == "Recent commits:" and log[1].endswith(" (HEAD -> main) First") and len(log) == 2
        diff = await said(client, "git_diff", path="main.py")
        assert diff.startswith("Diff:\ndiff --git") and "+VALUE = 2" in diff
        assert await said(client, "git_diff", path="notes.md") == "No changes"
        assert await said(client, "git_diff", staged=True) == "No changes"
        git(project, "add", "main.py")
        assert "+VALUE = 2" in await said(client, "git_diff", staged=True)
        git(project, "commit", "-q", "-m", "Second; $(touch evil)")
        assert len((await said(client, "git_log", count=1)).split("\n")) == 2
        for count in (0, -1, 10**9, "1; touch evil"):
            assert "/count" in await refused(client, "git_log", count=count)
        (project / "b.js").touch()
        title, count, breakdown, *rows = (await said(client, "project_stats")).split("\n")
        assert (title, count, breakdown) == ("Project Statistics:", "Total code lines: 3", "File breakdown:")
        assert rows[0] == "  .js: 2 files" and set(rows[1:]) == {"  .py: 1 files", "  .md: 1 files"}

    converse(EXAMPLE, way, use, project)


def test_lines_may_be_long(tmp_path):
    (tmp_path / "a.py").write_text("one\n\nthree")
    (tmp_path / "b.js").write_text("one\n")
    (tmp_path / "empty.c").touch()
    with (tmp_path / "packed.js").open("wb") as file:
        file.truncate(64 << 20)
    stats = load("python/devtools").make_server(str(tmp_path)).tools["project_stats"].fn
    tracemalloc.start()
    try:
        assert "Total code lines: 5\n" in stats()
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_no_repository(tmp_path):
    async def use(client):
        for tool in ("git_status", "git_log", "git_diff"):
            assert "Git error: " in await refused(client, tool)
        assert await refused(client, "build_project") == "Error: Could not detect build system"
        assert await said(client, "analyze_dependencies") == "No dependency issues found"

    converse(EXAMPLE, ("stdio", "modern"), use, tmp_path, env={"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)})


def test_tests_linters_and_builds(project):
    (project / "tests").mkdir()
    (project / "tests" / "test_good.py").write_text(GOOD)
    (project / "tests" / "test_bad.py").write_text(BAD)
    (project / "tests" / "test_unit.py").write_text(
        "import unittest\n\n\nclass Good(unittest.TestCase):\n    def test_good(self):\n        self.assertTrue(True)\n"
    )
    (project / "tidy.py").write_text('"""Tidy."""\n\nVALUE = 1\n')
    (project / "untidy.py").write_text("import os\nx=1\n")
    bins = project / "node_modules" / ".bin"
    bins.mkdir(parents=True)
    for name, code in (("jest", 0), ("eslint", 1)):
        (bins / name).write_text(f'#!/bin/sh\necho "{name} looks at $*"\nexit {code}\n')
        (bins / name).chmod(0o755)

    async def use(client):
        good = await said(client, "run_tests", test_path="tests/test_good.py")
        assert good.startswith("Test Results (pytest):\nExit code: 0\nOutput:\n") and "1 passed" in good
        assert "1 passed" in await said(client, "run_tests", test_path="tests/test_good.py::test_good")
        bad = await said(client, "run_tests", test_path="tests")
        assert "Exit code: 1\n" in bad and "1 failed, 2 passed" in bad
        unit = await said(client, "run_tests", test_path="tests", framework="unittest")
        assert "Exit code: 0\n" in unit and "\nErrors:\n" in unit and "Ran 1 test" in unit
        assert "jest looks at tests" in await said(client, "run_tests", test_path="tests", framework="jest")
        unknown = await refused(client, "run_tests", framework="nose")
        assert unknown == "Error: Unsupported test framework 'nose'"

        passed = "Linting passed: No issues found"
        for linter in ("flake8", "pylint", "black"):
            assert await said(client, "lint_code", file_path="tidy.py", linter=linter) == passed, linter
            issues = await said(client, "lint_code", file_path="untidy.py", linter=linter)
            assert issues.startswith("Linting issues found:\n") and "untidy.py" in issues, linter
        assert "eslint looks at main.py" in await said(client, "lint_code", file_path="main.py", linter="eslint")
        assert await refused(client, "lint_code", linter="ruff; ls") == "Error: Unsupported linter 'ruff; ls'"

        (project / "Makefile").write_text("all:\n\t@echo built by make; false\n")
        built = await said(client, "build_project")
        assert built.startswith("Build Results:\nExit code: 2\nOutput:\nbuilt by make\nErrors:\nmake: ")
        (project / "setup.py").write_text("import sys\nprint('built by', sys.argv[1])\n")
        assert "Exit code: 0\nOutput:\nbuilt by build" in await said(client, "build_project")
        scripts = {"build": "echo built by npm", "test": "echo tested by npm && exit 3"}
        (project / "package.json").write_text(json.dumps({"name": "project", "version": "1.0.0", "scripts": scripts}))
        assert "built by npm" in await said(client, "build_project")
        tested = await said(client, "run_tests", framework="npm")
        assert "Exit code: 3\n" in tested and "tested by npm" in tested
        quoted = await said(
            client, "build_project", build_command="python -c 'import sys; print(sys.argv[1:])' 'a b' \"c\""
        )
        assert "Output:\n['a b', 'c']" in quoted

    # As when a make has started it all: the project's own says nothing about it.
    make = {"MAKEFLAGS": "w", "MAKELEVEL": "1"}
    converse(EXAMPLE, ("stdio", "modern"), use, project, env={**make, "COMMAND_SECONDS": "300"})


def test_arguments_never_reach_a_shell(project):
    before = state(project.parent)
    evil = [
        "; touch evil", "&& touch evil", "| touch evil", "|| touch evil", "& touch evil", "$(touch evil)",
        "`touch evil`", "> evil", "< /etc/passwd", "\ntouch evil", "main.py; touch evil", "main.py\0", "{touch,evil}",
        "*", "$HOME", "~",
    ]  # fmt: skip
    options = ["-h", "--help", "--output=evil", "-oevil", "--ext-diff", "-p no:x", "--rootdir=/", "-c/etc/passwd"]
    outside = ["..", "../secret.txt", "/etc/passwd", "out/secret.txt", "out", "x/../../secret.txt", "main.py/../../x"]

    async def use(client):
        for path in evil + options + outside + ["", "x" * 4000, "x/" * 2000, "none.py"]:
            for tool, argument in (("run_tests", "test_path"), ("lint_code", "file_path")):
                told = await refused(client, tool, **{argument: path})
                assert told.startswith("Error: ") and len(told) < 300 and "root:" not in told, (tool, path, told)
        for path in options + outside + ["", "main.py\0"]:
            assert (await refused(client, "git_diff", path=path)).startswith("Error: "), path
        for path in (*evil[:11], ":(top,exclude)x", ":/", "none.py"):
            assert await said(client, "git_diff", path=path) == "No changes", path
        for framework in evil:
            assert "Unsupported" in await refused(client, "run_tests", framework=framework)
        for command, reason in (
            ("true; touch evil", "true; is not installed"),
            ("$(touch evil)", "is not installed"),
            ("`touch evil`", "is not installed"),
            ("touch\0evil", "not installed"),
            ("'unfinished", "No closing quotation"),
            ("", "The command is empty"),
            (" \n", "The command is empty"),
            ("nonexistent-program", "nonexistent-program is not installed"),
            ("./main.py", "./main.py is not installed"),
        ):
            told = await refused(client, "build_project", build_command=command)
            assert told.startswith("Error building project: ") and reason in told, (command, told)
        assert "/build_command" in await refused(client, "build_project", build_command="x" * 5000)
        # What a shell would act upon reaches the program as it is.
        words = await said(client, "build_project", build_command="echo $HOME && touch evil | cat > evil ; `id` *")
        assert "Output:\n$HOME && touch evil | cat > evil ; `id` *" in words

    converse(EXAMPLE, ("stdio", "modern"), use, project)
    assert state(project.parent) == before


async def gone(pid):
    """Waits until there is no such process; one that nobody has waited for is gone, too."""
    while True:
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return
        except FileNotFoundError:
            return
        await asyncio.sleep(0.02)


def test_bounds_of_a_command(project):
    async def use(client):
        command = f'python -c "{STAYS}"'
        lines = []

        async def on_progress(_progress, _total, message):
            lines.append(message)

        arguments = {"build_command": command}
        result = await client.call_tool("build_project", arguments, progress_callback=on_progress)
        assert not result.is_error
        # What it said before is told; its child has gone with it.
        assert result.content[0].text == (
            f"Build Results:\nExit code: -1\nOutput:\n{lines[0]}\nErrors:\nCommand timed out after 6 seconds"
        )
        await gone(int(lines[0].split()[1]))

        large = await said(client, "build_project", build_command="python -c \"print('x' * 10_000_000)\"")
        assert large.endswith("x\n… (output cut at 64 KiB)") and len(large) < 70_000

        lines.clear()
        arguments = {"build_command": "seq 30000"}
        result = await client.call_tool("build_project", arguments, progress_callback=on_progress)
        assert "Exit code: 0" in result.content[0].text and lines == [str(n + 1) for n in range(1000)]

    converse(EXAMPLE, ("stdio", "modern"), use, project, env={"COMMAND_SECONDS": "6"})


def test_a_child_that_stays_is_not_waited_for(project):
    async def use(client):
        told = await said(client, "build_project", build_command="sh -c 'sleep 600 & echo $!; echo hi; exit 3'")
        title, code, output, child, hi = told.split("\n")
        assert (title, code, output, hi) == ("Build Results:", "Exit code: 3", "Output:", "hi")
        await gone(int(child))

    # Shorter than the child's 600 s and longer than this test.
    converse(EXAMPLE, ("stdio", "modern"), use, project, env={"COMMAND_SECONDS": "300"})


def test_a_cancelled_command_is_gone(project):
    async def main():
        async with connected(EXAMPLE, ("http", "modern"), project) as client:
            child = asyncio.get_running_loop().create_future()

            async def on_progress(_progress, _total, message):
                if not child.done():
                    child.set_result(int(message.split()[1]))

            arguments = {"build_command": f'python -c "{STAYS}"'}
            call = asyncio.ensure_future(client.call_tool("build_project", arguments, progress_callback=on_progress))
            pid = await child
            call.cancel()
            await gone(pid)
            assert await said(client, "git_status") == "Working directory clean"

    asyncio.run(asyncio.wait_for(main(), SECONDS))


class Index(BaseHTTPRequestHandler):
    """What pip, npm and pip-audit ask, about one package each."""

    def answer(self, body, kind="application/json"):
        self.send_response(200 if body is not None else 404)
        self.send_header("content-type", kind)
        self.end_headers()
        self.wfile.write((body if isinstance(body, str) else json.dumps(body)).encode())

    def do_GET(self):
        if self.path == "/simple/iniconfig/":
            self.answer(
                '<!doctype html><a href="/iniconfig-99.0-py3-none-any.whl">iniconfig-99.0-py3-none-any.whl</a>',
                "text/html",
            )
        elif self.path == "/left-pad":
            version = {"name": "left-pad", "dist": {"tarball": "http://127.0.0.1/none"}}
            versions = {number: {**version, "version": number} for number in ("1.0.0", "2.0.0")}
            self.answer({"name": "left-pad", "dist-tags": {"latest": "2.0.0"}, "versions": versions})
        else:
            self.answer(None)

    def do_POST(self):
        asked = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/-/npm/v1/security/advisories/bulk":
            advisory = {"id": 1, "url": "https://example.com/1", "title": "Pads too far", "severity": "high"}
            self.answer({"left-pad": [{**advisory, "vulnerable_versions": "<2.0.0", "cwe": [], "cvss": {"score": 7}}]})
        elif self.path == "/v1/query" and json.loads(asked)["package"]["name"] == "iniconfig":
            ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}]
            package = {"name": "iniconfig", "ecosystem": "PyPI"}
            vulnerability = {
                "id": "OSV-0001",
                "summary": "Reads too much",
                "affected": [{"package": package, "ranges": ranges}],
            }
            self.answer({"vulns": [vulnerability]})
        else:
            self.answer({})

    def log_message(self, *_):
        pass


@contextmanager
def index():
    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def test_dependencies(project, tmp_path):
    installed_version = metadata.version("iniconfig")
    (project / "requirements.txt").write_text(f"iniconfig=={installed_version}\n")
    (project / "package.json").write_text(
        json.dumps({"name": "project", "version": "1.0.0", "dependencies": {"left-pad": "^1.0.0"}})
    )
    installed = {"version": "1.0.0", "license": "MIT"}
    root = {"name": "project", "version": "1.0.0", "dependencies": {"left-pad": "^1.0.0"}}
    lock = {"lockfileVersion": 3, "packages": {"": root, "node_modules/left-pad": installed}}
    (project / "package-lock.json").write_text(json.dumps({"name": "project", "version": "1.0.0", **lock}))
    (project / "node_modules" / "left-pad").mkdir(parents=True)
    (project / "node_modules" / "left-pad" / "package.json").write_text(json.dumps({"name": "left-pad", **installed}))

    async def use(client):
        report = await said(client, "analyze_dependencies")
        sections = [section.split("\n", 1) for section in report.split("\n\n") if ":\n" in section]
        assert [title for title, _ in sections][:2] == [
            "Python Dependencies (Outdated):",
            "Node.js Dependencies (Outdated):",
        ]
        outdated = dict(sections)
        rows = [line.split() for line in outdated["Python Dependencies (Outdated):"].splitlines()]
        assert ["iniconfig", installed_version, "99.0"] in [row[:3] for row in rows]
        assert "left-pad" in outdated["Node.js Dependencies (Outdated):"]
        assert report.count("Security Issues:\n") == 2
        assert "OSV-0001" in report and "Pads too far" in report

    with index() as url:
        env = {
            "PIP_INDEX_URL": f"{url}/simple",
            "NPM_CONFIG_REGISTRY": url,
            "OSV_URL": f"{url}/v1/query",
            "npm_config_cache": str(tmp_path / "npm"),
            "npm_config_update_notifier": "false",
            "COMMAND_SECONDS": "300",
        }
        converse(EXAMPLE, ("stdio", "modern"), use, project, env=env)
