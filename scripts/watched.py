"""Runs a command that cannot hang: within a time limit, and with an end for everything it started.

    watched.py SECONDS COMMAND [ARGUMENT…]

A process that left its group or session, or whose parent is gone, is still a descendant: Linux hands orphans to the
next ancestor that asked for them. So whatever a command starts is found, shown and ended. Exit code of the command; 124
after a time-out; 125 if it left processes behind, which are ended and told of. Standard library only.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

TIMED_OUT, LEFT_BEHIND = 124, 125
# What is told to end may clean up for this long.
GRACE = 5
# What a command started may outlive it for this long: a process that ends along with its parent takes a moment.
LINGER = 5
PR_SET_CHILD_SUBREAPER = 36
PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


class Stopped(BaseException):
    """This process was told to end."""

    def __init__(self, number):
        super().__init__(signal.Signals(number).name)
        self.number = number


def prepare():
    """To be called once, before the first command."""
    # Without it only the group and what hangs together by its parents is found.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # Ignored, the exit codes of children would be lost; blocked, nobody could end this.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGTERM, stop)
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)


def stop(number, _frame):
    # The first is enough, and what follows must not be cut short.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(number)


def default_signals():
    """A shell makes the jobs in its background ignore some, and they their children; the tests send them."""
    for number in signal.valid_signals():
        if signal.getsignal(number) in (signal.SIG_IGN, stop):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def stat(pid):
    """(parent, state, start, session, seconds of processor) or None if it is gone."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), fields[0], fields[19], int(fields[3]), (int(fields[11]) + int(fields[12])) / TICKS


_spared = set()


def spare(pid, spared=True):
    """From now on this child and what it starts are somebody else's to end; `False` takes that back."""
    if spared:
        _spared.add(pid)
    else:
        _spared.discard(pid)


def descendants():
    """{pid: stat} of all that descend from this process and live, parents first."""
    known = {}
    for entry in PROC.iterdir() if PROC.is_dir() else ():
        if entry.name.isdigit() and (found := stat(entry.name)):
            known[int(entry.name)] = found
    chosen, parents = {}, [os.getpid()]
    while parents:
        level = [pid for pid, found in known.items() if found[0] in parents and pid not in _spared]
        chosen.update({pid: known[pid] for pid in level if known[pid][1] not in "ZX"})
        parents = level
    return chosen


def read(path):
    try:
        return path.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def picture(processes):
    """Lines that say what each process and each of its threads is at."""
    lines = []
    for pid, (parent, state, _, session, seconds) in processes.items():
        folder = PROC / str(pid)
        said = read(folder / "cmdline") or f"[{read(folder / 'comm')}]"
        lines.append(f"{pid} (parent {parent}, session {session}) {state} {seconds:.1f} s of processor: {said[:200]}")
        for task in sorted(folder.glob("task/*")):
            status = stat(f"{pid}/task/{task.name}")
            waits = read(task / "wchan")
            stack = " < ".join(line.split()[-1].partition("+")[0] for line in read(task / "stack").splitlines()[:6])
            if status:
                lines.append(f"    {task.name} {read(task / 'comm'):15} {status[1]} {status[4]:.1f} s {waits} {stack}")
    return lines


def send(number, processes):
    for pid, found in processes.items():
        # The number may have become another's.
        if (now := stat(pid)) and now[2] == found[2]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def settled(seconds):
    """Waits for the end of all descendants; returns those that are left."""
    end = time.monotonic() + seconds
    while left := descendants():
        if time.monotonic() >= end:
            return left
        time.sleep(0.02)
    return {}


def end_all(command=None):
    """Ends all descendants. What forks meanwhile is met in the next round."""
    if left := descendants():
        send(signal.SIGTERM, left)
        # What is stopped takes no signal but the last.
        send(signal.SIGCONT, left)
        left = settled(GRACE)
    for _ in range(100):
        if not left:
            break
        send(signal.SIGKILL, left)
        left = settled(0.1)
    if command and command.returncode is None:
        # Where there is no /proc, its group is all that is known.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(command.pid, signal.SIGKILL)
        wait_for(command)


def wait_for(process):
    """Waits for a child without the lock of `Popen.wait`: a signal that ended such a wait may have left it locked."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ChildProcessError):
        _, status = os.waitpid(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)


def reap():
    """Takes in the orphans. Not while a child is waited for: it would be taken too."""
    with contextlib.suppress(ChildProcessError):
        # The exit code of one that is spared is for who waits for it.
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid not in _spared:
            os.waitpid(ended.si_pid, 0)


class Ended:
    """How a command ended: its exit code (`None` after a time-out) and the processes it left behind, as lines."""

    def __init__(self, code, left=()):
        self.code = code
        self.left = left


def run(command, seconds, tell, **options):
    """Runs a command in a session of its own. What is still there after `seconds` is shown by `tell` and ended."""
    process = None

    def end(why):
        tell(f"{why}; what is there still:")
        for line in picture(descendants()):
            tell(line)
        end_all(process)
        reap()

    try:
        process = subprocess.Popen(command, start_new_session=True, preexec_fn=default_signals, **options)
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            end(f"timed out after {seconds:.0f} s")
            return Ended(None)
        left = picture(settled(LINGER))
        if left:
            end("it ended")
        reap()
        return Ended(code, left)
    except Stopped as stopped:
        # Perhaps before the command was known here.
        end(f"stopped by {stopped}")
        raise


def main(arguments):
    if len(arguments) < 2:
        raise SystemExit(__doc__)
    prepare()
    try:
        ended = run(arguments[1:], float(arguments[0]), lambda line: print(line, file=sys.stderr, flush=True))
    except Stopped as stopped:
        return 128 + stopped.number
    if ended.code is None:
        return TIMED_OUT
    if ended.left and ended.code == 0:
        return LEFT_BEHIND
    return ended.code if ended.code >= 0 else 128 - ended.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
