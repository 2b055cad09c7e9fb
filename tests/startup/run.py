"""What starting a server costs: CPU of the four quickstarts at the end of an empty input, beside the bare program of
their language.

    run.py [ROUNDS]

Every program starts once per round, one after the other, so that a busy machine slows all of them alike; the table has
medians of user and system time. A C server that sees the end of its input at once may cost 10 ms. Closing line: `N
passed, N failed`. Standard library only.
"""

import os
import statistics
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "startup"
PYTHON = os.environ.get("TENON_PYTHON", str(ROOT / ".venv/bin/python"))
# language: its bare program, its quickstart
PROGRAMS = {
    "c": ([BUILD / "bare-c"], ["build/c/quickstart"]),
    "rust": ([BUILD / "bare-rust"], ["target/ci/quickstart"]),
    "python": ([PYTHON, "-c", "pass"], [PYTHON, "examples/python/quickstart/server.py"]),
    "node": (["node", "-e", ""], ["node", "examples/node/quickstart/server.mjs"]),
}
ROUNDS = 15
SECONDS = 30
# Most milliseconds of CPU for the whole life of such a server.
BOUNDS = {"c": 10.0}


def build_bare():
    BUILD.mkdir(parents=True, exist_ok=True)
    sources = {
        BUILD / "bare.c": "int main(void) { return 0; }\n",
        BUILD / "bare.rs": "fn main() {}\n",
    }
    for path, text in sources.items():
        path.write_text(text)
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", BUILD / "bare-c", BUILD / "bare.c"], check=True)
    subprocess.run(["rustc", "-O", "-o", BUILD / "bare-rust", BUILD / "bare.rs"], check=True)


def milliseconds(command):
    """CPU of one run from its start to its end, with all its threads."""
    with open(os.devnull) as nothing:
        child = subprocess.Popen(command, cwd=ROOT, stdin=nothing, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    alarm = threading.Timer(SECONDS, child.kill)
    alarm.start()
    said = child.stderr.read()
    child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    alarm.cancel()
    child.stdout.close()
    child.stderr.close()
    if child.returncode:
        raise SystemExit(f"startup: {command[0]} ended with {child.returncode}: {said.decode(errors='replace')[-500:]}")
    return 1000 * (usage.ru_utime + usage.ru_stime)


def measure(rounds):
    """Medians: {language: (bare, quickstart)}."""
    found = {language: ([], []) for language in PROGRAMS}
    for _ in range(rounds):
        for language, pair in PROGRAMS.items():
            for command, figures in zip(pair, found[language], strict=True):
                figures.append(milliseconds(command))
    return {language: tuple(map(statistics.median, pair)) for language, pair in found.items()}


def main(arguments):
    rounds = int(arguments[0]) if arguments else ROUNDS
    build_bare()
    print(f"CPU in milliseconds, medians of {rounds}\n{'':8} {'bare':>8} {'quickstart':>11} {'difference':>11}")
    passed = failed = 0
    for language, (bare, quickstart) in measure(rounds).items():
        line = f"{language:8} {bare:8.2f} {quickstart:11.2f} {quickstart - bare:11.2f}"
        if language in BOUNDS:
            good = quickstart <= BOUNDS[language]
            line += f"   {'ok' if good else 'FAILED'}: at most {BOUNDS[language]:g}"
            passed += good
            failed += not good
        print(line, flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
