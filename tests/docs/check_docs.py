"""Keeps the documentation true: every program shown is a file of the repository, and every quickstart is run.

    check_docs.py [--write]

A code block in a programming language must follow a line `<!-- file: PATH -->` and equal that file; `--write` copies
the files into the pages. Relative links must exist. Each quickstart is started over stdio, asked for its tools, and its
`add` is called. Closing line: `N passed, N failed`. Standard library only.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = os.environ.get("TENON_PYTHON", str(ROOT / ".venv/bin/python"))
QUICKSTARTS = {
    "python": [PYTHON, "examples/python/quickstart/server.py"],
    "node": ["node", "examples/node/quickstart/server.mjs"],
    "c": ["build/c/quickstart"],
    "cpp": ["build/c/quickstart-cpp"],
    "rust": ["target/ci/quickstart"],
}
# Programs that test a server, and end well if it passes.
TESTS = {
    "python": [PYTHON, "-m", "pytest", "-q", "examples/python/testing/test_server.py"],
    "node": ["node", "--test", "examples/node/testing/server.test.mjs"],
    "c": ["build/c/testing"],
}
# How many lines a first program may have.
MOST_LINES = {"python": 11, "node": 12, "c": 25, "cpp": 20}
PROGRAMS = ("python", "py", "js", "ts", "c", "cpp", "rust")
BLOCK = re.compile(r"^(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<language>\w*)[^\n]*\n(?P<body>.*?)^```$", re.M | re.S)
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
SECONDS = 30


def pages():
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("bindings-*/README.md"))]


def check_page(page, write):
    """Yields (what, problem or None) for everything on a page that can be wrong."""
    text = page.read_text()
    name = page.relative_to(ROOT)

    def block(found):
        if found["file"] and (ROOT / found["file"]).exists():
            body = (ROOT / found["file"]).read_text()
            return f"<!-- file: {found['file']} -->\n```{found['language']}\n{body}```"
        return found[0]

    if write:
        page.write_text(BLOCK.sub(block, text))
        text = page.read_text()
    for found in BLOCK.finditer(text):
        line = text[: found.start()].count("\n") + 1
        what = f"{name}:{line} {found['language']} block"
        if found["file"]:
            file = ROOT / found["file"]
            same = file.exists() and file.read_text() == found["body"]
            yield what, None if same else f"differs from {found['file']} (check_docs.py --write copies it)"
        elif found["language"] in PROGRAMS:
            yield what, "names no file, so nothing runs it"
    for target in LINK.findall(BLOCK.sub("", text)):
        yield f"{name} link {target}", None if (page.parent / target).exists() else "leads nowhere"


def check_quickstart(language):
    source = [part for part in (ROOT / "examples" / language / "quickstart").iterdir() if part.is_file()]
    lines = sum(len([line for line in part.read_text().splitlines() if line.strip()]) for part in source)
    most = MOST_LINES.get(language)
    if most and lines > most:
        return f"has {lines} lines, more than {most}"
    messages = [
        {"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {},
                                                     "clientInfo": {"name": "docs", "version": "1"}}},
        {"id": 2, "method": "tools/list"},
        {"id": 3, "method": "tools/call", "params": {"name": "add", "arguments": {"a": 2, "b": 3}}},
    ]
    text = "".join(json.dumps({"jsonrpc": "2.0", **message}) + "\n" for message in messages)
    command = [str(ROOT / part) if "/" in part else part for part in QUICKSTARTS[language]]
    try:
        run = subprocess.run(command, input=text, capture_output=True, text=True, timeout=SECONDS, cwd=ROOT)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{shlex.join(command)}: {error}"
    answers = {}
    for line in run.stdout.splitlines():
        answer = json.loads(line)
        answers[answer.get("id")] = answer
    if run.returncode != 0:
        return f"ended with code {run.returncode}: {run.stderr[-500:]}"
    try:
        names = [tool["name"] for tool in answers[2]["result"]["tools"]]
        got = answers[3]["result"]["content"][0]["text"]
    except KeyError:
        return f"unexpected answers: {run.stdout[-1000:]}"
    return None if "add" in names and got == "5" else f"tools {names}, 2 + 3 = {got}"


def check_test(language):
    command = [str(ROOT / part) if "/" in part else part for part in TESTS[language]]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, cwd=ROOT)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{shlex.join(command)}: {error}"
    return None if run.returncode == 0 else f"code {run.returncode}: {(run.stdout + run.stderr)[-1000:]}"


def main(arguments):
    passed = failed = 0
    results = [result for page in pages() for result in check_page(page, "--write" in arguments)]
    results += [(f"quickstart {language}", check_quickstart(language)) for language in QUICKSTARTS]
    results += [(f"test of a server, {language}", check_test(language)) for language in TESTS]
    for what, problem in results:
        if problem:
            failed += 1
            print(f"FAILED {what}: {problem}")
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
