"""How each host's fixture server is started: the one place to change when a path moves.

`stdio` is the command that serves stdin and stdout. With `--http ADDRESS` appended the same command serves HTTP,
prints one line `listening http://127.0.0.1:PORT/mcp` on stdout and ends on SIGTERM.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# What runs the Python fixture and the Python client. The Makefile may point it at another interpreter.
PYTHON = os.environ.get("TENON_PYTHON", str(ROOT / ".venv" / "bin" / "python"))
NODE = os.environ.get("TENON_NODE", "node")

HOSTS = {
    "python": [PYTHON, "tests/fixtures/python/fixture.py"],
    "node": [NODE, "tests/fixtures/node/fixture.mjs"],
    "c": ["build/c/fixture"],
    "rust": ["target/ci/tenon-fixture"],
}
# The hosts of the matrix; `rust` runs only when asked for by name.
MATRIX_HOSTS = ["python", "node", "c"]

HTTP_ARGUMENTS = ["--http", "127.0.0.1:0"]


def stdio_command(host):
    return [_from_root(part) for part in HOSTS[host]]


def http_command(host):
    return stdio_command(host) + HTTP_ARGUMENTS


def _from_root(part):
    """Relative paths in the table are relative to the repository."""
    return str(ROOT / part) if "/" in part else part
