"""Runs operations, one per line of the input, on a store in Python through a server. For core/tests/stores."""

import asyncio
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from memory_store import MemoryStore
from tenon_mcp import Server
from tenon_mcp._store.adapter import decode_all, encode
from tenon_mcp.testing import Client, store_operation


class Clock:
    """The time of the test."""

    def __init__(self):
        self.passed = 0.0
        self.start = time.monotonic()

    def __call__(self):
        return self.start + self.passed


class AsyncStore:
    """The same store, for the loop."""

    def __init__(self, store):
        self.store = store

    async def submit(self, op):
        await asyncio.sleep(0)
        return self.store.submit(op)


def main():
    clock = Clock()
    store = MemoryStore(clock)
    app = Server("child", store=AsyncStore(store) if "async" in sys.argv else store)
    writing = threading.Lock()

    def run(line):
        reply = encode(store_operation(app, decode_all(line["op"])))
        with writing:
            print(json.dumps({"id": line["id"], "reply": reply}), flush=True)

    with Client(app) as client, ThreadPoolExecutor(8) as threads:
        client.ping()
        for text in sys.stdin:
            line = json.loads(text)
            if "pass" in line:
                clock.passed += line["pass"] / 1000
            else:
                threads.submit(run, line)


main()
