"""A server that nobody calls lets the processor sleep, also once its threads have had nothing to do for as long as they
keep themselves ready (30 s at most): in four languages, after a few calls. Run with the interpreter of .venv.

Counted is how often the threads of a server are woken, which is a few times a second for its clock.
"""

import contextlib
import json
import sys
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

import processes  # noqa: E402

SERVERS = {
    "rust": ["target/ci/tenon-fixture"],
    "python": [processes.PYTHON, "tests/fixtures/python/fixture.py"],
    "node": [processes.NODE, "tests/fixtures/node/fixture.mjs"],
    "c": ["build/c/fixture"],
}
READY_SECONDS = 33
WATCHED_SECONDS = 5
# One that spins is woken over 10,000 times a second.
MOST_WAKES = 200 * WATCHED_SECONDS
AT_ONCE = 8
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "idle", "version": "1"},
}


def call(url):
    """Both a handler that may block and one that may not."""
    for name, arguments in [("add", {"a": 1, "b": 2}), ("echo", {"text": "x"})]:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": {"name": name, "arguments": arguments, "_meta": META}}
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": "tools/call",
            "Mcp-Name": name,
        }
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert not json.loads(answer.read())["result"].get("isError"), name


def wakes(pid):
    """How often the threads of a process have slept and gone on, over all that there are."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        # One that ends meanwhile slept once more.
        with contextlib.suppress(OSError):
            total += int((task / "status").read_text().split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return total


def main():
    failed = 0
    with contextlib.ExitStack() as stack:
        servers = {
            language: stack.enter_context(processes.HttpServer(command)) for language, command in SERVERS.items()
        }
        for server in servers.values():
            callers = [threading.Thread(target=call, args=[server.url]) for _ in range(AT_ONCE)]
            for caller in callers:
                caller.start()
            for caller in callers:
                caller.join()
        time.sleep(READY_SECONDS)
        before = {language: wakes(server.process.pid) for language, server in servers.items()}
        time.sleep(WATCHED_SECONDS)
        for language, server in servers.items():
            counted = wakes(server.process.pid) - before[language]
            good = counted <= MOST_WAKES
            failed += not good
            print(f"{'ok' if good else 'FAILED'} {language}: woken {counted} times in {WATCHED_SECONDS} s")
    print(f"{len(SERVERS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
