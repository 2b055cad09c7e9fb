"""Installs the Python package as users without a wheel do, by pip into empty environments: from a source distribution,
and from the folder. Then a program is run there.

pip makes an environment of its own to build in. What the project's own build has compiled is used again, so the profile
and the features are those of the tests.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = {
    "CARGO_TARGET_DIR": str(ROOT / "target"),
    # Not --locked: the lock file of a source distribution names crates that are not in it.
    "MATURIN_PEP517_ARGS": "--profile ci --features one-build",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "SOURCE_DATE_EPOCH": "315532800",
}
PROGRAM = """
from tenon_mcp import Server
app = Server("t")
@app.tool
def add(a: int, b: int) -> int:
    return a + b
app.run()
"""
CALLS = [
    {"id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}},
    {"method": "notifications/initialized"},
    {"id": 2, "method": "tools/call", "params": {"name": "add", "arguments": {"a": 2, "b": 3}}},
]


def run(*command, **options):
    command = [str(part) for part in command]
    options = {"check": True, "stdout": subprocess.PIPE, "text": True, "timeout": 1200, **options}
    return subprocess.run(command, **options).stdout


def install(folder, what):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    run(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", what, env={**environment, **BUILD})
    installed = {one["name"] for one in json.loads(run(python, "-m", "pip", "list", "--format=json"))}
    assert installed - {"pip", "setuptools"} == {"tenon-mcp"}, installed
    lines = "".join(json.dumps({"jsonrpc": "2.0", **call}) + "\n" for call in CALLS)
    answers = run(python, "-I", "-c", PROGRAM, input=lines, cwd=folder).splitlines()
    (answer,) = [answer for answer in map(json.loads, answers) if answer.get("id") == 2]
    assert answer["result"]["content"] == [{"type": "text", "text": "5"}], answer


def main():
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        run(sys.executable, "-m", "maturin", "sdist", "-m", ROOT / "bindings-python" / "Cargo.toml", "-o", scratch)
        (sdist,) = scratch.glob("*.tar.gz")
        install(scratch / "from-folder", ROOT / "bindings-python")
        print("ok     pip install ./bindings-python")
        # Always at the same place, so that what was compiled for it is used again.
        place = ROOT / "build" / "sdist"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        shutil.unpack_archive(sdist, place)
        install(scratch / "from-sdist", next(place.iterdir()))
        print("ok     pip install of the source distribution")


if __name__ == "__main__":
    main()
