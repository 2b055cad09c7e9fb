"""The runner of the stages: nothing hangs it, nothing survives it, nothing is lost."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent.parent / "scripts"
# A process in a session of its own, deaf to SIGTERM, which holds on to the log; it tells its number.
ESCAPED = "setsid bash -c 'trap \"\" TERM; echo pid=$$; while :; do sleep 1; done' & "
# Longer than a runner ever takes to end what is there.
SOON = 60


@pytest.fixture
def project(tmp_path):
    """A project with stages of its own: {name: (limit, command)}, some with a lane: {name: lane}."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPTS / "stages.py", tmp_path / "scripts")
    impatient = re.sub(r"^(GRACE|LINGER) = \d+$", r"\1 = 0.5", (SCRIPTS / "watched.py").read_text(), flags=re.M)
    (tmp_path / "scripts" / "watched.py").write_text(impatient)

    def write(stages, beside=None):
        lanes = beside or {}
        rows = {
            name: {"budget": 9, "limit": limit, "commands": [command], "beside": lanes.get(name)}
            for name, (limit, command) in stages.items()
        }
        named = dict.fromkeys(lanes.values(), 5)
        table = f"ENV = {{}}\nLANES = {named!r}\nSTAGES = {rows!r}\nGROUPS = {{}}\n"
        table += "def limit(stage):\n    return stage['limit']\n"
        (tmp_path / "scripts" / "stage_table.py").write_text(table)
        return tmp_path

    return write


def command(project, *stages):
    return [sys.executable, str(project / "scripts" / "stages.py"), *stages]


def run(project, *stages, **options):
    done = subprocess.run(command(project, *stages), capture_output=True, text=True, timeout=SOON, **options)
    return done.returncode, done.stdout


def log(project, stage):
    return (project / "build" / "logs" / f"{stage}.log").read_text()


def tells_its_number(path):
    # The log also has the command, with `pid=` and without a number.
    return path.exists() and re.search(r"pid=\d", path.read_text()) is not None


def is_gone(said):
    (number,) = re.findall(r"pid=(\d+)", said)
    return not Path("/proc", number).exists()


def test_what_hangs_has_failed_at_its_limit_and_is_gone(project):
    root = project({"hangs": (3, f"{ESCAPED} wait"), "next": (9, "echo 3 passed, 0 failed")})
    code, said = run(root, "hangs", "next")
    assert code == 1 and said.endswith("\n3 passed, 1 failed\n"), said
    assert re.search(r"^FAILED hangs .* timed out after \d s$", said, re.M), said
    # The report names the process that had escaped, and what it is at.
    assert re.search(r"watched: \d+ \(parent \d+, session \d+\) S .*trap", said), said
    assert is_gone(log(root, "hangs"))


def test_an_end_of_the_runner_is_that_of_its_stage(project):
    root = project({"first": (9, "true"), "endless": (900, f"{ESCAPED} wait"), "never": (9, "true")})
    runner = subprocess.Popen(command(root, "first", "endless", "never"), stdout=subprocess.PIPE, text=True)
    path = root / "build" / "logs" / "endless.log"
    end = time.monotonic() + SOON
    while not tells_its_number(path) and time.monotonic() < end:
        time.sleep(0.01)
    runner.send_signal(signal.SIGTERM)
    said, _ = runner.communicate(timeout=SOON)
    assert runner.returncode == 128 + signal.SIGTERM
    assert re.search(r"^FAILED endless .*: stopped by SIGTERM while it ran$", said, re.M), said
    assert "watched: stopped by SIGTERM" in said and "never" not in said, said
    assert is_gone(log(root, "endless"))


def test_what_is_left_behind_is_shown_and_ended(project):
    root = project({"leaves": (9, f"{ESCAPED} sleep 0.2; disown -a")})
    code, said = run(root, "leaves")
    assert code == 0 and "LEFT PROCESSES BEHIND" in said and "watched: it ended; what is there still:" in said, said
    assert is_gone(log(root, "leaves"))


def test_a_failure_far_above_the_end_of_a_log_is_shown(project):
    root = project({"long": (9, "seq 500; echo 'FAILED the one: cause'; echo because; seq 1000 1500; exit 1")})
    code, said = run(root, "long")
    assert code == 1 and "    FAILED the one: cause\n    because\n    1000\n" in said and "    1500\n" in said, said
    assert "    500\n" not in said and "    1200\n" not in said, said


def test_at_the_end_stands_again_what_failed(project):
    stages = {
        "first": (9, "echo 'FAILED the one: cause'; echo because; echo FAIL two; exit 1"),
        "good": (9, "true"),
        "aside": (9, "echo plain; exit 3"),
    }
    root = project(stages, beside={"aside": "lane"})
    code, said = run(root, *stages)
    assert code == 1, said
    first = "failed: first\n    FAILED the one: cause\n    FAIL two\n"
    ends = f"{first}failed: aside\n    $ echo plain; exit 3\n    plain\nall stages: "
    assert ends in said and said.endswith("\n1 passed, 2 failed\n"), said


def test_all_stages_together_have_an_end(project):
    root = project({"hangs": (900, "sleep 600"), "late": (9, "true")})
    code, said = run(root, "hangs", "late", env={**os.environ, "TENON_STAGES_SECONDS": "1"})
    assert code == 1 and said.endswith("\n0 passed, 2 failed\n"), said
    assert re.search(r"^FAILED late +no time left$", said, re.M), said


# Waits until the other stage has written.
MEETS = "touch {0}; while [ ! -e {1} ]; do sleep 0.02; done; echo {2}"


def test_stages_beside_run_while_others_do_and_count(project):
    stages = {
        "built": (9, "touch built"),
        "aside": (60, "test -e built; " + MEETS.format("a", "b", "2 passed, 0 failed")),
        "here": (60, MEETS.format("b", "a", "3 passed, 0 failed")),
        "wrong": (9, "exit 1"),
    }
    root = project(stages, beside={"aside": "lane", "wrong": "lane"})
    code, said = run(root, *stages)
    assert code == 1 and said.endswith("\n6 passed, 1 failed\n") and said.count("passed, ") == 5, said
    assert run(root, "built", "here", "aside")[1].endswith("\n6 passed, 0 failed\n")


def test_lanes_run_beside_each_other_and_before_what_is_alone(project):
    stages = {
        "one": (60, MEETS.format("a", "b", "1 passed, 0 failed")),
        "two": (60, MEETS.format("b", "a", "2 passed, 0 failed")),
        "after": (60, "test -e a -a -e b; touch after"),
    }
    root = project(stages, beside={"one": "first", "two": "second", "after": "second"})
    code, said = run(root, *stages)
    assert code == 0 and said.endswith("\n4 passed, 0 failed\n"), said
    for path in "a", "b", "after":
        (root / path).unlink()
    alone = root / "scripts" / "stage_table.py"
    alone.write_text(alone.read_text() + "\nSTAGES['last'] = {'budget': 9, 'alone': True, 'beside': None, 'limit': 9,"
                     " 'commands': ['test -e after']}\n")
    assert run(root, *stages, "last")[1].endswith("\n5 passed, 0 failed\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_end_of_the_runner_is_that_of_the_stages_beside(project, number):
    root = project({"here": (900, f"{ESCAPED} wait"), "aside": (900, f"{ESCAPED} wait")}, beside={"aside": "lane"})
    runner = subprocess.Popen(command(root, "aside", "here"), stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + SOON
    paths = [root / "build" / "logs" / f"{name}.log" for name in ("here", "aside")]
    while time.monotonic() < end and not all(map(tells_its_number, paths)):
        time.sleep(0.01)
    runner.send_signal(number)
    said, _ = runner.communicate(timeout=SOON)
    assert runner.returncode == 128 + number
    assert len(re.findall(r"^FAILED (?:here|aside) .*: stopped by SIG\w+ while it ran$", said, re.M)) == 2, said
    assert is_gone(log(root, "here")) and is_gone(log(root, "aside"))


def adverse_signals():
    """As whoever starts the runner may have them."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGALRM})


def test_stages_have_their_signals_whoever_starts_the_runner(project):
    # What they are is shown where the two are not empty. Signals 32 and 33 are libc's own: it lets nobody set them.
    masks = "grep -E '^Sig(Blk|Ign)' /proc/self/status"
    asks = f"test $({masks} | grep -cE ':\t0{{7}}[01][08]0{{7}}$') = 2 || {{ {masks}; false; }}"
    root = project({"asks": (9, asks), "fails": (9, "exit 3"), "ends": (9, "bash -c 'kill -TERM $$' || exit 4")})
    code, said = run(root, "asks", "fails", "ends", preexec_fn=adverse_signals)
    assert code == 1 and re.search(r"^ok +asks", said, re.M), said
    assert said.endswith("\n1 passed, 2 failed\n"), said


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("exit 7", 7, ""),
        ("kill -9 $$", 128 + signal.SIGKILL, ""),
        ("sleep 600", 124, "timed out after 1 s"),
        ("sleep 600 & disown", 125, "it ended; what is there still"),
    ],
)
def test_one_command(script, code, said):
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "watched.py"), "1", "bash", "-c", script],
        capture_output=True, text=True, timeout=SOON,
    )  # fmt: skip
    assert done.returncode == code and said in done.stderr, done
