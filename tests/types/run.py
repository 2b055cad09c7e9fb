"""What type checkers make of the Python package: of itself, of its native half, and of programs that use it.

mypy and pyright are strict with the package, as on its oldest Python and on the newest; stubtest compares the stub of
the native half with what was built. The programs beside this file say by `assert_type` what a user gets, and by
comments that silence an error what a user is kept from: both checkers complain of a comment that silences nothing.

It needs the wheel in .venv (the stage build-python) and npm's pyright in tests/node_modules.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "bindings-python" / "python"
PROGRAMS = sorted(path for path in Path(__file__).parent.glob("*.py") if path != Path(__file__).resolve())
VERSIONS = ("3.10", f"3.{sys.version_info.minor}")
ALLOWED = Path(__file__).parent / "stubtest.txt"
PYRIGHT = ROOT / "tests" / "node_modules" / ".bin" / "pyright"


def mypy(version, *what):
    cache = ROOT / ".cache" / "mypy"
    return [sys.executable, "-m", "mypy", "--strict", "--cache-dir", cache, "--python-version", version, *what]


CHECKS = {
    **{f"mypy {version}": (PACKAGE, mypy(version, "-p", "tenon_mcp")) for version in VERSIONS},
    **{f"mypy of programs, {version}": (ROOT, mypy(version, *PROGRAMS)) for version in VERSIONS},
    # Whether a class of the native half can be a base beside others depends on the interpreter.
    "stubtest": (
        ROOT,
        [sys.executable, "-m", "mypy.stubtest", "--ignore-disjoint-bases", "--allowlist", ALLOWED, "tenon_mcp._native"],
    ),
    "pyright": (ROOT, [PYRIGHT, "--project", Path(__file__).parent, "--pythonpath", sys.executable]),
}


def check(name):
    folder, command = CHECKS[name]
    # Never to the network for another version.
    environment = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    run = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    return name, run.returncode, run.stdout + run.stderr


def main():
    failed = 0
    with ThreadPoolExecutor(2) as threads:
        for name, code, output in threads.map(check, CHECKS):
            print(f"{'FAILED' if code else 'ok':6} {name}")
            if code:
                failed += 1
                print(output)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
