"""Runs the stages of build and test, prints the time and the budget of each, and closes with `N passed, N failed`.

    stages.py quick | full | build | build-python | STAGE…    (--list names them)

A stage is a list of commands. The tests of the runners it calls are counted from their own closing lines; a stage
without any counts as one. What a stage prints is shown when it fails, and kept under build/logs. Standard library only.

No stage hangs: at its limit, or when this program is told to end, the log says what each of its processes is at, and
all of them are ended. TENON_STAGES_SECONDS limits all stages together; what it leaves no time for has failed.

Stages that name a lane (`beside`) run one after the other in a runner of their own, beside other lanes and beside those
stages that come after the first of them; before one that is marked `alone` they are waited for.
"""

import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import watched
from stage_table import ENV, GROUPS, LANES, STAGES, limit

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "logs"
PROCESSORS = len(os.sched_getaffinity(0))
TAIL_LINES = 120

# Closing lines of the runners in use: (pattern, passed, failed).
COUNTS = [
    re.compile(r"^test result: \w+\. (?P<passed>\d+) passed; (?P<failed>\d+) failed", re.M),
    re.compile(r"^(?:\w+: )?(?P<passed>\d+) passed, (?P<failed>\d+) failed(?:, \d+ skipped)?$", re.M),
    re.compile(r"^(?:=+ )?(?:(?P<failed>\d+) failed, )?(?P<passed>\d+) passed(?:, \d+ \w+)* in "
               r"[\d.:() s]+(?: =+)?$", re.M),
]
# How the runners in use begin the line that tells a failure.
FAILURE = re.compile(
    r"FAIL(?:ED)?\b|ERROR|not ok |✖|error(\[|:)|---- .* stdout ----|test .* \.\.\. FAILED|thread '.*' .*panicked|E  "
)
LINES_OF_A_FAILURE = 12
FAILURE_LINES = 200
# Of a stage that failed, at the end of all: where only that is kept of what is printed here, it still names each cause.
LINES_AT_THE_END = 12
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


def run_command(command, environment, log, seconds):
    def tell(line):
        log.write(f"watched: {line}\n")
        log.flush()

    log.write(f"$ {command}\n")
    log.flush()
    return watched.run(
        ["bash", "-euo", "pipefail", "-c", command],
        seconds,
        tell,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )


def cpu_of_children():
    """Seconds, of those that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def show(path):
    """Prints the end of a log, and before it what failed further up, with the lines after each."""
    lines = path.read_text(errors="replace").splitlines()
    above = max(len(lines) - TAIL_LINES, 0)
    failed, until = [], 0
    for at, line in enumerate(lines[:above]):
        if FAILURE.match(line):
            failed += [] if at < until else ["…"]
            until = at + LINES_OF_A_FAILURE
        if at < until:
            failed.append(line)
    shown = [*failed[:FAILURE_LINES], "…", *lines[above:]] if failed else lines[above:]
    print("\n".join(f"    {line}" for line in shown), flush=True)


def remind(name):
    """Prints the lines of a stage's log that tell failures, or its last."""
    path = LOGS / f"{name}.log"
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    told = [line for line in lines if FAILURE.match(line)] or lines[-LINES_AT_THE_END:]
    print(f"failed: {name}", *(f"    {line[:200]}" for line in told[:LINES_AT_THE_END]), sep="\n", flush=True)


def run_stage(name, end):
    """Runs one stage, not beyond `end`; returns (passed, failed)."""
    stage = STAGES[name]
    path = LOGS / f"{name}.log"
    environment = {**os.environ, "NO_COLOR": "1", "CARGO_TERM_COLOR": "never", **ENV, **stage.get("env", {})}
    started, cpu = time.monotonic(), cpu_of_children()
    end = min(end, started + limit(stage))
    code, left = 0, []
    try:
        with path.open("w") as log:
            for command in stage["commands"]:
                ended = run_command(command, environment, log, max(end - time.monotonic(), 0))
                left += ended.left
                code = ended.code
                if code != 0:
                    break
    except watched.Stopped as stopped:
        print(f"FAILED {name:19} {time.monotonic() - started:7.1f} s: stopped by {stopped} while it ran", flush=True)
        show(path)
        raise
    took = time.monotonic() - started
    passed, failed = count(path.read_text(errors="replace"))
    if code != 0 and not failed:
        failed = 1
    if code == 0 and not passed:
        passed = 1
    word = "FAILED" if code != 0 or failed else "ok"
    budget = stage["budget"]
    marks = [f"timed out after {took:.0f} s"] if code is None else ["OVER BUDGET"] if took > budget else []
    if left:
        marks.append("LEFT PROCESSES BEHIND")
    used = cpu_of_children() - cpu
    print(f"{word:6} {name:19} {took:7.1f} s of {budget:4}, {used:6.1f} of CPU   {passed} passed, {failed} failed",
          *marks, sep="   ", flush=True)
    if word == "FAILED" or left:
        show(path)
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


class Lane:
    """Stages in a runner of their own, which tells only this one how it ended."""

    def __init__(self, name, chosen, end):
        self.told, tells = os.pipe()
        left = end - time.monotonic() if end < float("inf") else end
        self.process = subprocess.Popen(
            [sys.executable, __file__, f"--telling={tells}", *chosen],
            stdin=subprocess.DEVNULL,
            env={**os.environ, "TENON_STAGES_SECONDS": str(max(left, 0))},
            start_new_session=True,
            preexec_fn=lambda: os.nice(LANES[name]),
            pass_fds=(tells,),
        )
        os.close(tells)
        watched.spare(self.process.pid)

    def finish(self):
        """Waits; returns (passed, failed, names of the stages that failed)."""
        with os.fdopen(self.told) as told:
            said = told.read()
        watched.wait_for(self.process)
        watched.spare(self.process.pid, False)
        passed, failed, *broken = said.split() or (0, 1)
        return int(passed), int(failed), broken

    def stop(self):
        self.process.terminate()


def lanes_of(chosen):
    """{lane: its stages}, if there are others to run beside."""
    lanes = {}
    for name in chosen:
        if lane := STAGES[name].get("beside"):
            lanes.setdefault(lane, []).append(name)
    aside = sum(map(len, lanes.values()))
    return lanes if PROCESSORS > 1 and (aside < len(chosen) or len(lanes) > 1) else {}


def main(arguments):
    if not arguments or "--list" in arguments:
        print("groups:", " ".join(GROUPS))
        print("stages:", " ".join(STAGES))
        return 0
    tells = None
    if arguments[0].startswith("--telling="):
        tells = int(arguments.pop(0).partition("=")[2])
        os.set_inheritable(tells, False)
    LOGS.mkdir(parents=True, exist_ok=True)
    chosen = names(arguments)
    if tells is None:
        for name in chosen:
            (LOGS / f"{name}.log").unlink(missing_ok=True)
    lanes = lanes_of(chosen) if tells is None else {}
    watched.prepare()
    started = time.monotonic()
    end = started + float(os.environ.get("TENON_STAGES_SECONDS", "inf"))
    passed = failed = 0
    # In the order in which they failed; what fails beside is nothing that others need.
    broken, broken_aside = [], []
    running = []

    def fits(name):
        missing = set(broken).intersection(STAGES[name].get("needs", ()))
        if missing:
            print(f"FAILED {name:19}                   needs {' '.join(sorted(missing))}", flush=True)
            broken.append(name)
        return not missing

    def settle():
        nonlocal passed, failed
        while running:
            stage_passed, stage_failed, names_of_broken = running.pop().finish()
            passed += stage_passed
            failed += stage_failed
            broken_aside.extend(names_of_broken)

    try:
        for name in chosen:
            lane = STAGES[name].get("beside")
            if lane in lanes:
                # At the first of them all that it and the others need has been built.
                if stages := lanes[lane]:
                    lanes[lane] = []
                    fit = [each for each in stages if fits(each)]
                    failed += len(stages) - len(fit)
                    if fit:
                        running.append(Lane(lane, fit, end))
                continue
            if not fits(name):
                failed += 1
                continue
            if time.monotonic() >= end:
                print(f"FAILED {name:19}                   no time left", flush=True)
                failed += 1
                continue
            if STAGES[name].get("alone"):
                settle()
            stage_passed, stage_failed = run_stage(name, end)
            passed += stage_passed
            failed += stage_failed
            if stage_failed:
                broken.append(name)
        settle()
    except watched.Stopped as stopped:
        for lane in running:
            lane.stop()
        settle()
        return 128 + stopped.number
    if tells is not None:
        os.write(tells, " ".join([str(passed), str(failed), *broken]).encode())
        return 0
    for name in [*broken, *broken_aside]:
        remind(name)
    print(f"all stages: {time.monotonic() - started:.0f} s", flush=True)
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
