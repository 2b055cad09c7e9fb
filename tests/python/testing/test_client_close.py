"""Clients in the process that are closed early, twice or from another thread, and requests after that."""

import asyncio
import threading

import pytest
from tenon_mcp import Context, Server, StateError, SyncContext
from tenon_mcp.testing import Client
from wire import SECONDS

CLOSED = "the client is closed"


def stuck() -> tuple[Server, threading.Semaphore, threading.Event]:
    """A server with tools that go on until they are told; the semaphore counts those that have begun."""
    app = Server("t")
    begun, go = threading.Semaphore(0), threading.Event()

    @app.tool
    def wait(ctx: SyncContext) -> str:
        begun.release()
        assert go.wait(SECONDS)
        return "done"

    @app.tool
    async def wait_on_loop(ctx: Context) -> str:
        begun.release()
        await asyncio.sleep(SECONDS)
        return "done"

    return app, begun, go


def test_a_client_that_another_thread_closes_says_so_to_those_that_wait():
    app, begun, go = stuck()
    raised: list[BaseException] = []

    def call() -> None:
        with pytest.raises(StateError, match=CLOSED) as refused:
            client.call_tool("wait")
        raised.append(refused.value)

    with Client(app) as client:
        waiting = [threading.Thread(target=call) for _ in range(3)]
        for thread in waiting:
            thread.start()
        for _ in waiting:
            assert begun.acquire(timeout=SECONDS)
        closer = threading.Thread(target=client.close)
        closer.start()
        for thread in waiting:
            thread.join(SECONDS)
        go.set()
        closer.join(SECONDS)
    assert len(raised) == 3
    assert all(error.__context__ is None for error in raised)
    assert app._running is None


def test_a_closed_client_says_so_and_is_closed_again_in_silence():
    app, _, _ = stuck()
    with Client(app) as client:
        client.close()
        for use in (client.ping, lambda: client.call_tool("wait"), lambda: client.notify("x/y")):
            with pytest.raises(StateError, match=CLOSED):
                use()
        client.close()
    with Client(app) as client:
        client.ping()


def test_a_function_of_the_program_may_close_its_client():
    app = Server("t")

    @app.tool
    def ask(ctx: SyncContext) -> str:
        ctx.elicit("Who?", {"type": "object", "properties": {}})
        return "done"

    def answer(_: object) -> dict:
        client.close()
        return {}

    with Client(app, elicit=answer) as client:
        with pytest.raises(StateError, match=CLOSED):
            client.call_tool("ask")
    assert app._running is None


def test_a_closed_client_on_a_loop_says_so_and_is_closed_again_in_silence():
    app, begun, _ = stuck()

    async def main() -> None:
        async with Client(app) as client:
            call = asyncio.create_task(client.call_tool("wait_on_loop"))
            other = asyncio.create_task(client.call_tool("wait_on_loop"))
            for _ in range(2):
                assert await asyncio.to_thread(begun.acquire, timeout=SECONDS)
            closing = asyncio.create_task(client.close())
            await asyncio.sleep(0)
            other.cancel()  # that it is cancelled comes before that the client is closed
            await closing
            with pytest.raises(StateError, match=CLOSED):
                await call
            with pytest.raises(asyncio.CancelledError):
                await other
            with pytest.raises(StateError, match=CLOSED):
                await client.ping()
            with pytest.raises(StateError, match=CLOSED):
                client.notify("x/y")
            await client.close()

    asyncio.run(main())
    assert app._running is None


def test_a_client_that_is_opened_after_the_end_starts_the_server_again():
    app, _, _ = stuck()
    # It is not closed, as where a test forgot to: the server has ended all the same.
    forgotten = Client(app).__enter__()
    app.close()
    for thread in threading.enumerate():
        if thread.name == "tenon-in-process":
            thread.join(SECONDS)
    with Client(app) as client:
        client.ping()
        # Nor does the end of the first concern the second.
        forgotten.close()
        client.ping()

    async def main() -> None:
        async with Client(app) as client:
            await client.ping()

    asyncio.run(main())
    assert app._running is None


def test_a_client_that_comes_while_the_last_one_goes_waits_for_the_end():
    app, ends, go = Server("t"), threading.Event(), threading.Event()

    @app.on("stop")
    def stop() -> None:
        ends.set()
        go.wait(SECONDS)

    app.tool("one")(lambda: 1)
    first = Client(app).__enter__()
    closer = threading.Thread(target=first.close)
    closer.start()
    assert ends.wait(SECONDS)
    later = threading.Timer(0.2, go.set)
    later.start()
    with Client(app) as client:
        assert client.call_tool("one").data == 1
    for thread in (closer, later):
        thread.join(SECONDS)
    assert app._running is None


def test_a_client_that_comes_on_a_loop_while_the_last_one_goes_waits_for_the_end():
    app = Server("t")

    async def main() -> None:
        ends, go = asyncio.Event(), asyncio.Event()

        @app.on("stop")
        async def stop() -> None:
            ends.set()
            await go.wait()

        async def use() -> None:
            async with Client(app) as client:
                await client.call_tool("one")

        app.tool("one")(lambda: 1)
        first = await Client(app).__aenter__()
        closing = asyncio.create_task(first.close())
        await asyncio.wait_for(ends.wait(), SECONDS)
        several = [asyncio.create_task(use()) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(one.done() for one in several)
        go.set()
        await asyncio.gather(closing, *several)

    asyncio.run(main())
    assert app._running is None


def test_a_client_that_would_wait_for_its_own_loop_says_so():
    app = Server("t")

    async def main() -> None:
        async with Client(app) as client:
            closing = asyncio.create_task(client.close())
            await asyncio.sleep(0)  # the server's end has begun, on this loop
            with pytest.raises(StateError, match="still ending on this event loop"):
                with Client(app):
                    pass
            async with Client(app) as other:
                await other.ping()
            await closing
            # Its start is given up.
            other = asyncio.create_task(Client(app).__aenter__())
            await asyncio.sleep(0)
            other.cancel()
            with pytest.raises(asyncio.CancelledError):
                await other

    asyncio.run(main())
    assert app._running is None
    with Client(app) as client:
        client.ping()


def test_a_client_that_was_left_on_a_loop_that_is_gone_is_told_of_to_others():
    app, loop = Server("t"), asyncio.new_event_loop()
    app.tool("one")(lambda: 1)

    async def main() -> None:
        async with Client(app):
            pass

    left = Client(app)
    client = loop.run_until_complete(left.__aenter__())
    loop.close()
    with pytest.raises(StateError, match="the event loop of this server was closed while a client was open"):
        asyncio.run(main())
    with pytest.raises(StateError, match="the event loop of this server was closed while a client was open"):
        with Client(app):
            pass
    assert client is not None
