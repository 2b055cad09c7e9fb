"""Runs the stages of build and test, prints the time of each, and closes with `N passed, N failed`.

    stages.py quick | full | build | build-python | STAGE…    (--list names them)

A stage is a list of commands. The tests of the runners it calls are counted from their own closing lines; a stage
without any counts as one. What a stage prints is shown when it fails, and kept under build/logs. Standard library only.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from stage_table import GROUPS, STAGES

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "logs"
TAIL_LINES = 120

# Closing lines of the runners in use: (pattern, passed, failed).
COUNTS = [
    re.compile(r"^test result: \w+\. (?P<passed>\d+) passed; (?P<failed>\d+) failed", re.M),
    re.compile(r"^(?:\w+: )?(?P<passed>\d+) passed, (?P<failed>\d+) failed(?:, \d+ skipped)?$", re.M),
    re.compile(r"^(?:=+ )?(?:(?P<failed>\d+) failed, )?(?P<passed>\d+) passed(?:, \d+ \w+)* in "
               r"[\d.:() s]+(?: =+)?$", re.M),
]
NODE_COUNT = re.compile(r"^(?:#|ℹ) (?P<what>pass|fail) (?P<count>\d+)$", re.M)


def count(output):
    passed = failed = 0
    for pattern in COUNTS:
        for found in pattern.finditer(output):
            passed += int(found["passed"])
            failed += int(found["failed"] or 0)
    for found in NODE_COUNT.finditer(output):
        if found["what"] == "pass":
            passed += int(found["count"])
        else:
            failed += int(found["count"])
    return passed, failed


def run_command(command, environment, log):
    log.write(f"$ {command}\n")
    log.flush()
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    ).returncode


def run_stage(name):
    """Runs one stage; returns (passed, failed)."""
    stage = STAGES[name]
    path = LOGS / f"{name}.log"
    environment = {**os.environ, "NO_COLOR": "1", "CARGO_TERM_COLOR": "never", **stage.get("env", {})}
    started = time.monotonic()
    code = 0
    with path.open("w") as log:
        for command in stage["commands"]:
            code = run_command(command, environment, log)
            if code:
                break
    took = time.monotonic() - started
    output = path.read_text(errors="replace")
    passed, failed = count(output)
    if code and not failed:
        failed = 1
    if not code and not passed:
        passed = 1
    word = "FAILED" if code or failed else "ok"
    print(f"{word:6} {name:18} {took:7.1f} s   {passed} passed, {failed} failed  ", flush=True)
    if code or failed:
        tail = output.splitlines()[-TAIL_LINES:]
        print("\n".join(f"    {line}" for line in tail), flush=True)
    return passed, failed


def names(arguments):
    chosen = []
    for argument in arguments:
        for name in GROUPS.get(argument, [argument]):
            if name not in STAGES:
                raise SystemExit(f"stages: no stage {name!r}; --list names them")
            if name not in chosen:
                chosen.append(name)
    return chosen


def main(arguments):
    if not arguments or "--list" in arguments:
        print("groups:", " ".join(GROUPS))
        print("stages:", " ".join(STAGES))
        return 0
    LOGS.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    passed = failed = 0
    broken = set()
    for name in names(arguments):
        missing = broken.intersection(STAGES[name].get("needs", ()))
        if missing:
            print(f"FAILED {name:18}           needs {' '.join(sorted(missing))}", flush=True)
            broken.add(name)
            failed += 1
            continue
        stage_passed, stage_failed = run_stage(name)
        passed += stage_passed
        failed += stage_failed
        if stage_failed:
            broken.add(name)
    print(f"all stages: {time.monotonic() - started:.0f} s", flush=True)
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
