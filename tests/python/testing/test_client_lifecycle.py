"""Clients in the process: how they start and stop their server; threads and forks."""

import asyncio
import os
import subprocess
import sys
import threading

import pytest
from tenon_mcp import McpError, Server, StateError, ToolError
from tenon_mcp.testing import Client
from test_testing import server
from wire import SECONDS, serving


def test_a_client_joins_a_server_that_is_served():
    app = server()
    with serving(app) as raw, Client(app) as client:
        assert client.call_tool("add", {"a": 1, "b": 1}).data == 2
        assert raw.request("ping")["result"] == {}


def test_the_first_client_starts_the_server_and_the_last_ends_it():
    app = server()
    for _ in range(3):
        with Client(app) as first:
            with Client(app) as second:
                assert second.call_tool("add", {"a": 1, "b": 1}).data == 2
            assert first.call_tool("add", {"a": 1, "b": 2}).data == 3
        assert app._running is None


def test_a_client_hears_of_the_end():
    app = server()
    entered = threading.Event()

    @app.tool
    async def stuck() -> str:
        entered.set()
        await asyncio.sleep(3600)
        return ""

    with Client(app) as client:
        closer = threading.Thread(target=lambda: (entered.wait(SECONDS), app._running.end()))
        closer.start()
        with pytest.raises((McpError, ToolError, StateError)):
            client.call_tool("stuck")
        closer.join()


@pytest.mark.parametrize("kind", ["async", "def"])
def test_calls_may_finish_when_the_server_is_closed(kind):
    app = server()

    async def main():
        go, told = asyncio.Event(), threading.Event()
        if kind == "async":

            @app.tool
            async def slow() -> str:
                await go.wait()
                return "done"

        else:

            @app.tool
            def slow() -> str:
                assert told.wait(SECONDS)
                return "done"

        async with Client(app) as client:
            call = asyncio.create_task(client.call_tool("slow"))
            await client.ping()
            app.close()
            # From here on nothing new is begun.
            with pytest.raises(McpError, match="shutting down"):
                while True:
                    await client.call_tool("add", {"a": 1, "b": 2})
            go.set()
            told.set()
            assert (await call).text == "done"

    asyncio.run(main())


def test_a_cancelled_call_is_cancelled():
    app = Server("t")
    entered, cancelled = asyncio.Event(), asyncio.Event()

    @app.tool
    async def stuck() -> str:
        entered.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return ""

    async def main():
        async with Client(app) as client:
            call = asyncio.ensure_future(client.call_tool("stuck"))
            await entered.wait()
            call.cancel()
            await asyncio.wait_for(cancelled.wait(), SECONDS)
            with pytest.raises(asyncio.CancelledError):
                await call

    asyncio.run(main())


def test_several_threads_share_a_client():
    with Client(server()) as client:
        sums = []
        threads = [
            threading.Thread(target=lambda n=n: sums.append(client.call_tool("add", {"a": n, "b": n}).data))
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
        assert sorted(sums) == [2 * n for n in range(8)]


def test_sync_clients_run_async_handlers_while_a_loop_runs():
    async def main():
        with Client(server()) as client:
            return client.call_tool("double", {"n": 2}).data

    assert asyncio.run(main()) == 4


FORKED = """
import os, sys, warnings
from tenon_mcp import ForkedError, Server
from tenon_mcp.testing import Client

warnings.simplefilter("ignore")
app = Server("t")

@app.tool
def add(a: int, b: int) -> int:
    return a + b

def refused(use):
    try:
        use()
    except ForkedError:
        return True

def opened():
    with Client(app):
        pass

with Client(app) as client:
    child = os.fork()
    if child == 0:
        client_refuses = refused(lambda: client.call_tool("add", {"a": 1, "b": 2}))
        sys.stdout.write(f"{client_refuses} {refused(opened)}\\n")
        client.close()
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
    print(client.call_tool("add", {"a": 1, "b": 2}).data)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_is_refused_and_its_parent_goes_on():
    run = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=SECONDS)
    assert run.stdout.split() == ["True", "True", "3"], run.stderr
