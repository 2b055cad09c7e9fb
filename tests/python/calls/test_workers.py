"""Worker threads: how many there are, and which calls share one."""

import asyncio
import json
import threading

from tenon_mcp import Server
from wire import SECONDS, serving


def test_sync_tools_run_on_worker_threads_and_async_ones_on_the_loop():
    app = Server("t")

    @app.tool
    def sync() -> str:
        return threading.current_thread().name

    @app.tool("async")
    async def asynchronous() -> list:
        return [threading.current_thread().name, asyncio.current_task() is not None]

    with serving(app) as client:
        assert client.text("sync") == "tenon-worker"
        assert client.text("async").startswith('["Thread-') and client.text("async").endswith("true]")


def test_blocking_tools_run_side_by_side_up_to_the_cap():
    app = Server("t", max_workers=4)
    together = threading.Barrier(4)
    running, most = 0, 0
    lock = threading.Lock()

    @app.tool
    def block() -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(SECONDS)
        with lock:
            running -= 1
        return "met"

    with serving(app) as client:
        ids = [client.start_call("block") for _ in range(12)]
        assert [client.answer(id)["result"]["content"][0]["text"] for id in ids] == ["met"] * 12
        assert most == 4


def test_short_sync_tools_share_one_worker():
    def threads_of_many_calls():
        app = Server("t", max_workers=32)
        threads = set()

        @app.tool
        def short():
            threads.add(threading.get_ident())

        with serving(app) as client:
            for id in [client.start_call("short") for _ in range(500)]:
                client.answer(id)
        return len(threads)

    # One works, one is to spare. Each time that a busy machine keeps the one from running for some milliseconds, it
    # brings in the other, and its successor; so it may take a quieter moment to see that calls do not.
    assert any(threads_of_many_calls() <= 8 for _ in range(20))


def test_what_short_calls_came_to_waits_for_no_call_that_blocks():
    app = Server("t")
    go, over = threading.Event(), threading.Event()

    @app.tool
    def work(block: bool = False) -> str:
        if block:
            go.wait(SECONDS)
            over.set()
        return "worked"

    def line(id, **arguments):
        params = {"name": "work", "arguments": arguments}
        return json.dumps({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).encode() + b"\n"

    with serving(app) as client:
        for batch in range(20):
            # Short calls make the function one for whose end others may wait; then it blocks between two of them.
            ids = [f"{batch}-{place}" for place in range(12)]
            go.clear()
            over.clear()
            client.write(b"".join(line(id, block=place == 8) for place, id in enumerate(ids)))
            for place, id in enumerate(ids):
                if place != 8:
                    assert client.answer(id)["result"]["content"][0]["text"] == "worked"
            assert not over.is_set()
            go.set()
            client.answer(ids[8])
