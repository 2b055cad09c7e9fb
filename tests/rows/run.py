"""Adds one row to each table of a copy of the tree, and uses the rows from programs in four languages.

    run.py

The copy is build/rows/tree. It gets a policy, a setting, an option of transports and a field of a call, each as one
row, and one line each where the engine uses the setting and the option. Then it generates the typings, the header and
the pages, builds the libraries, and runs the programs in programs/, which use the rows. No other file of the copy is
edited. It takes some minutes. Closing line: `N passed, N failed`. Standard library only.
"""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).resolve().parent
TREE = ROOT / "build/rows/tree"
OPTIONS = "core/src/dispatch/options"
# A file, the text before which the row goes, the row.
ROWS = [
    (
        f"{OPTIONS}/policies.rs",
        "        /// Whether the entry is left out of every list.",
        "        /// A word that each call has. Default: none.\n        row_policy: String;\n",
    ),
    (
        f"{OPTIONS}/settings.rs",
        "        /// How a model should use the server.",
        "        /// Instructions if there are no others. Default: none.\n        row_setting: String;\n",
    ),
    (
        "core/src/runtime/options/table.rs",
        "        /// The request headers that pages of allowed origins may send.",
        "        /// More such headers. Default: none.\n        row_headers: Names;\n",
    ),
    (
        "core/src/host/calls/context.rs",
        "    field(\n        \"uri\",",
        "    field(\n        \"row_field\",\n        ContextForm::Text,\n"
        "        |call| call.entry.policies.row_policy.as_deref().and_then(text),\n"
        "        \"The word of the entry.\",\n    ),\n",
    ),
]
# Where the engine uses the setting and the option.
USES = [
    (
        "core/src/runtime/options/allowed.rs",
        "headers: names(&options.allowed_headers),",
        "headers: [names(&options.allowed_headers), names(&options.row_headers)].concat(),",
    ),
    (
        "core/src/server/builder.rs",
        "instructions: settings.instructions.clone(),",
        "instructions: settings.instructions.clone().or_else(|| settings.row_setting.clone()),",
    ),
]
WORD = "a word of the entry"
HEADER = "x-row"
INSTRUCTIONS = "the setting of a row"
SECONDS = 1200


def copy_tree():
    """Copies the files that git knows. Files that are the same keep their times, so that little is built again."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    wanted = {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}
    for name in wanted:
        source, copy = ROOT / name, TREE / name
        text = edited(name, source.read_bytes())
        if not copy.is_file() or copy.read_bytes() != text:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(text)
            shutil.copymode(source, copy)
    # Sources that have been moved or removed since the last run.
    for source in (TREE / "core/src").rglob("*.rs"):
        if source.relative_to(TREE).as_posix() not in wanted:
            source.unlink()
    example = TREE / "core/examples/rows.rs"
    example.parent.mkdir(exist_ok=True)
    shutil.copy(HERE / "programs/rows.rs", example)


def edited(name, content):
    for file, before, row in ROWS:
        if file == name:
            content = replaced(content, before, row + before)
    for file, before, after in USES:
        if file == name:
            content = replaced(content, before, after)
    return content


def replaced(content, before, after):
    text = content.decode()
    if text.count(before) != 1:
        sys.exit(f"rows: {before!r} must occur once")
    return text.replace(before, after).encode()


def run(*command, **environment):
    print("rows: $", " ".join(map(str, command)), flush=True)
    # Those of a build that this is a part of would lead out of the copy.
    own = {name: value for name, value in os.environ.items() if not name.startswith(("CARGO", "PYO3", "RUSTC"))}
    own |= {"PYO3_CONFIG_FILE": str(TREE / "scripts/pyo3.txt"), **environment}
    subprocess.run(list(map(str, command)), cwd=TREE, env=own, check=True, timeout=SECONDS)


def build():
    run("cargo", "test", "--locked", "--profile", "ci", "-p", "tenon-mcp", "--test", "tables", TENON_UPDATE="1")
    run("cargo", "run", "--locked", "--profile", "ci", "-p", "tenon-header")
    packages = [word for name in ("tenon-ffi", "tenon-node", "tenon-python") for word in ("-p", name)]
    run("cargo", "build", "--locked", "--profile", "ci", *packages)
    run("cargo", "build", "--locked", "--profile", "ci", "-p", "tenon-mcp", "--example", "rows")
    run("node", "bindings-node/scripts/copy-addon.mjs")
    shutil.copy(TREE / "target/ci/libtenon_python.so", TREE / "bindings-python/python/tenon_mcp/_native.abi3.so")
    library = TREE / "target/ci"
    run("cc", HERE / "programs/rows.c", "-Iinclude", f"-L{library}", "-ltenon", f"-Wl,-rpath,{library}", "-o", "rows-c")


def programs():
    python = os.environ.get("TENON_PYTHON", str(ROOT / ".venv/bin/python"))
    package = {"PYTHONPATH": str(TREE / "bindings-python/python")}
    return {
        "rust": ([TREE / "target/ci/examples/rows"], {}),
        "python": ([python, HERE / "programs/rows.py"], package),
        "node": (["node", HERE / "programs/rows.mjs"], {"ROWS_PACKAGE": str(TREE / "bindings-node/index.mjs")}),
        "c": ([TREE / "rows-c"], {}),
    }


class UnixConnection(http.client.HTTPConnection):
    """HTTP on a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def allowed_headers(path):
    """The headers that a page of another origin may send, as a preflight says."""
    connection = UnixConnection(path)
    try:
        page = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
        connection.request("OPTIONS", "/mcp", headers={**page, "Access-Control-Request-Headers": HEADER})
        return connection.getresponse().getheader("Access-Control-Allow-Headers", "")
    finally:
        connection.close()


def check(command, environment):
    """The faults of a program, which serves stdio, and HTTP on the Unix socket that the environment names."""
    with tempfile.TemporaryDirectory(prefix="tenon-") as directory:
        path = os.path.join(directory, "socket")
        return check_at(path, command, {**environment, "ROWS_SOCKET": path})


def check_at(path, command, environment):
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "rows", "version": "1"}}
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "probe", "arguments": {}}},
    ]
    process = subprocess.Popen(
        list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **environment}
    )
    timer = threading.Timer(60, process.kill)
    timer.start()
    try:
        answers = {}
        for line in lines:
            process.stdin.write(json.dumps(line).encode() + b"\n")
            process.stdin.flush()
            while "id" in line and line["id"] not in answers and (answer := process.stdout.readline()):
                answers[json.loads(answer).get("id")] = json.loads(answer)
        headers = allowed_headers(path) if answers else ""
        process.stdin.close()
        process.wait()
    finally:
        timer.cancel()
        process.kill()
        process.wait()
    told = answers.get(1, {}).get("result", {}).get("instructions")
    content = answers.get(2, {}).get("result", {}).get("content", [{}])
    faults = [] if told == INSTRUCTIONS else [f"the setting is not in force: {answers.get(1)}"]
    faults += [] if HEADER in headers.lower() else [f"the option is not in force: pages may send {headers!r}"]
    return faults if content[0].get("text") == WORD else [*faults, f"the field has no value: {answers.get(2)}"]


def main():
    copy_tree()
    build()
    failed = 0
    for language, (command, environment) in programs().items():
        faults = check(command, environment)
        failed += bool(faults)
        print(f"{'FAILED' if faults else 'ok'} {language}", *faults, sep="\n    " if faults else " ")
    print(f"{len(programs()) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
