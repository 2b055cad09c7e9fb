"""Random hostile traffic over every transport of one server at once, beside a well-behaved client.

The well-behaved client must see no error, and no p99 above five times its quiet p99. Memory and descriptors of the
server must stay flat, and the server must end as usual. Run with the interpreter of .venv:

    .venv/bin/python tests/soak/hostile [--seconds 1800] [--rate 100] [--seed N]

In a run below five minutes the p99 and the memory are printed, but decide nothing.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
QUIET_SECONDS = 30
SETTLE_SECONDS = 60
DECIDING_SECONDS = 300
START_SECONDS = 20
END_SECONDS = 20
MOST_SLOWDOWN = 5
FEWEST_CALLS = 1
"""Of the well-behaved client over each transport, a second."""
MOST_GROWTH = 16 << 20
"""Bytes of resident memory between the first and the last third: pages of allocators come and go by that."""
MOST_DESCRIPTORS = 4
"""Descriptors more than before the attacks, once the connections are closed."""


def start(program, *arguments, **options):
    return subprocess.Popen([sys.executable, HERE / program, *map(str, arguments)], **options)


def resident(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def addresses_of(path, server):
    end = time.monotonic() + START_SECONDS
    while not path.exists():
        if server.poll() is not None or time.monotonic() > end:
            sys.exit("the server did not start")
        time.sleep(0.05)
    return json.loads(path.read_text())


def median(values):
    return sorted(values)[len(values) // 2]


class Run:
    def __init__(self, options):
        self.options = options
        self.failures = []

    def check(self, good, text):
        print(f"{'ok' if good else 'FAILED'} {text}", flush=True)
        if not good:
            self.failures.append(text)

    def watch(self, server, seconds, step=1.0):
        """Samples of memory, until the time is over or the server has ended."""
        samples = []
        end = time.monotonic() + seconds
        while time.monotonic() < end and server.poll() is None:
            with contextlib.suppress(OSError):
                samples.append(resident(server.pid))
            time.sleep(step)
        return samples

    def attack(self, server, client, addresses):
        """The hostile phase; returns the samples of memory."""
        self.say(client, "hostile")
        attackers = start(
            "traffic.py", json.dumps(addresses), self.options.seed, self.options.rate,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=[addresses["stdio"]],
            preexec_fn=lambda: os.nice(10),
        )
        samples = self.watch(server, self.options.seconds)
        printed, _ = attackers.communicate("", timeout=60)
        self.check(attackers.returncode == 0, f"hostile clients ran: {printed.strip()}")
        self.say(client, "after")
        return samples

    def say(self, client, phase):
        client.stdin.write(phase + "\n")
        client.stdin.flush()

    def run(self):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            log = (place / "log").open("wb")
            server = start(
                "server.py", place / "socket", place / "addresses",
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )
            # Nobody waits for answers over stdio, but somebody reads them.
            drain = threading.Thread(target=lambda: [None for _ in server.stdout], daemon=True)
            drain.start()
            try:
                self.play(server, addresses_of(place / "addresses", server))
            finally:
                if server.poll() is None:
                    server.kill()
                server.wait()
                log.close()
                text = (place / "log").read_text(errors="replace")
            self.check("panicked" not in text, "nothing panicked")
            if self.failures:
                print(text[-5000:])

    def play(self, server, addresses):
        addresses["stdio"] = server.stdin.fileno()
        client = start("client.py", json.dumps(addresses), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.say(client, "quiet")
        self.watch(server, min(QUIET_SECONDS, self.options.seconds))
        quiet_descriptors = descriptors(server.pid)
        samples = self.attack(server, client, addresses)
        self.check(server.poll() is None, "the server runs on")
        if server.poll() is not None:
            client.kill()
            client.wait()
            return
        end = time.monotonic() + SETTLE_SECONDS
        while descriptors(server.pid) > quiet_descriptors + MOST_DESCRIPTORS and time.monotonic() < end:
            time.sleep(0.2)
        held = descriptors(server.pid)
        text = f"descriptors: {quiet_descriptors} before, {held} after"
        self.check(held <= quiet_descriptors + MOST_DESCRIPTORS, text)
        report = json.loads(client.communicate("", timeout=60)[0])
        self.judge(report, samples)
        server.send_signal(signal.SIGTERM)
        try:
            code = server.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        self.check(code in (0, -signal.SIGTERM, 128 + signal.SIGTERM), f"the server ended with {code}")

    def judge(self, report, samples):
        decides = self.options.seconds >= DECIDING_SECONDS
        for name, row in report.items():
            quiet, hostile = row["quiet"], row["hostile"]
            calls = hostile["calls"]
            self.check(calls >= FEWEST_CALLS * self.options.seconds, f"{name}: {calls} calls beside attacks")
            ratio = hostile["p99"] / quiet["p99"]
            self.check(
                not decides or ratio <= MOST_SLOWDOWN,
                f"{name}: p99 {quiet['p99']:.2f} ms quiet, {hostile['p99']:.2f} ms beside attacks, {ratio:.1f} times",
            )
            self.check(not row["errors"], f"{name}: no error {row['errors'] or ''}")
        third = max(len(samples) // 3, 1)
        growth = median(samples[-third:]) - median(samples[third : 2 * third] or samples)
        first = median(samples[:third]) >> 20
        text = f"memory: {first} MiB, grown by {growth >> 10} KiB from the second to the last third"
        self.check(not decides or growth <= MOST_GROWTH, text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=1800)
    parser.add_argument("--rate", type=float, default=100, help="attacks a second")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.seconds} s, {options.rate} attacks a second", flush=True)
    run = Run(options)
    run.run()
    print(f"{1 if not run.failures else 0} passed, {len(run.failures)} failed")
    return 1 if run.failures else 0


if __name__ == "__main__":
    sys.exit(main())
