"""Many calls of a Python server, with raised errors, cancellations and large results mixed in: its memory stays as it
was after the first tenth, and nothing of a call is left behind.

Run with the interpreter of .venv. `--calls N` is how many there are (default 1,000,000).
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

SERVER = Path(__file__).with_name("python_server.py")
WINDOW = 256
# Of a hundred calls.
MIX = (
    [("echo", {"text": "hello"})] * 30
    + [("echo_async", {"text": "hello"})] * 28
    + [("report", {"n": 1})] * 5
    + [("report_async", {"n": 1})] * 5
    + [("fail", {})] * 10
    + [("fail_async", {})] * 10
    + [("large", {})] * 2
    + [("wait", {})] * 10
)
MOST_GROWTH = 4 << 20
"""Bytes of resident memory that the pages of allocators may come and go by."""
MOST_TRACED = 96 << 10
"""Bytes that Python may hold more after a traced part than before: caches of its own."""


class Peer:
    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.room = threading.Semaphore(WINDOW)
        self.answers = {}
        self.arrived = threading.Condition()
        self.next = 0
        self.seen = 0
        threading.Thread(target=self._read, daemon=True).start()
        self.ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "t", "version": "1"})
        self._write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')

    def _write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def _read(self):
        for line in self.process.stdout:
            if b'"method":"notifications/progress"' in line[:80]:
                continue
            if b'"id":"a' in line[:40]:
                message = json.loads(line)
                with self.arrived:
                    self.answers[message["id"]] = message
                    self.arrived.notify()
            else:
                self.seen += 1
                self.room.release()

    def ask(self, method, **params):
        self.next += 1
        name = f"a{self.next}"
        self._write(json.dumps({"jsonrpc": "2.0", "id": name, "method": method, "params": params}).encode() + b"\n")
        with self.arrived:
            assert self.arrived.wait_for(lambda: name in self.answers, 120), f"no answer to {method}"
            return self.answers.pop(name)["result"]

    def calls(self, count):
        """Makes that many, and waits for all but the cancelled ones, which get no answer."""
        batch, late = [], []
        expected = self.seen
        for n in range(count):
            name, arguments = MIX[n * 37 % 100]
            self.next += 1
            params = {"name": name, "arguments": arguments}
            if name.startswith("report"):
                params["_meta"] = {"progressToken": self.next}
            message = {"jsonrpc": "2.0", "id": self.next, "method": "tools/call", "params": params}
            batch.append(json.dumps(message).encode())
            if name == "wait":
                late.append(
                    b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d}}' % self.next
                )
            else:
                expected += 1
                if not self.room.acquire(blocking=False):
                    self._flush(batch)
                    assert self.room.acquire(timeout=120), "no answer comes"
            if len(batch) >= 32:
                self._flush(batch)
                # After a turn: a call that is cancelled before its function began never runs it.
                batch, late = late, batch
        self._flush(batch + late)
        end = time.monotonic() + 120
        while self.seen < expected:
            assert time.monotonic() < end, f"{expected - self.seen} calls were not answered"
            time.sleep(0.001)

    def _flush(self, batch):
        if batch:
            self._write(b"\n".join(batch) + b"\n")
            batch.clear()

    def look(self, trace=False):
        result = self.ask("tools/call", name="look", arguments={"trace": trace})
        return json.loads(result["content"][0]["text"])


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--calls", type=int, default=1_000_000)
    calls = arguments.parse_args().calls
    peer = Peer()
    part = max(calls // 20, 1)
    looks = []
    began = time.monotonic()
    for n in range(20):
        peer.calls(part)
        looks.append(peer.look())
        if n == 1:
            base = looks[-1]["resident"]
    took = time.monotonic() - began
    grown = max(look["resident"] for look in looks[2:]) - base
    alive = max(look["alive"] for look in looks)
    print(f"{20 * part} calls in {took:.0f} s")
    print(f"resident: {base >> 10} KiB after a tenth, then at most {grown >> 10} KiB more")
    print(f"{looks[-1]['ended']} calls were cancelled while they ran")
    assert alive == 0, f"{alive} objects of calls that are over"
    assert looks[-1]["ended"] > 0, "no call was cancelled while it ran"
    assert grown < MOST_GROWTH, [look["resident"] >> 10 for look in looks]
    peer.look(trace=True)
    peer.calls(2000)
    before = peer.look(trace=True)["traced"]
    peer.calls(max(calls // 50, 4000))
    after = peer.look(trace=True)["traced"]
    print(f"traced {after - before} bytes more after {max(calls // 50, 4000)} calls")
    assert after - before < MOST_TRACED, f"{after - before} bytes are left behind"
    peer.process.stdin.close()
    assert peer.process.wait(60) == 0


if __name__ == "__main__":
    main()
