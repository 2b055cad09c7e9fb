"""The function that finds the principal of a request, behind ASGI."""

import asyncio
import contextvars
import json
import logging

import pytest
from asgi_client import INITIALIZE, SESSION, Request, call, demo, ended, post, value
from tenon_mcp import Context, Server
from wire import SECONDS

USER = contextvars.ContextVar("USER", default="nobody")
STREAM = {"host": "localhost", "accept": "text/event-stream", SESSION: "unknown"}


class CountingRequest(Request):
    """A request that counts how often its body was asked for."""

    reads = 0

    async def _receive(self):
        self.reads += 1
        return await super()._receive()


def counting(asgi, method="POST", headers=None, pieces=(b"{}",)):
    named = {"host": "localhost", "content-type": "application/json", "accept": "application/json, text/event-stream"}
    return CountingRequest(asgi, method, "/mcp", {**named, SESSION: "unknown", **(headers or {})}, list(pieces), {})


def served(principal, **options):
    """A server, its application, and a request that it refuses because of `principal`."""
    app = Server("demo", **options)

    @app.tool
    async def who(ctx: Context) -> str:
        return json.dumps([str(ctx.principal), USER.get()])

    return app, app.asgi(principal=principal)


def refused(principal, **options):
    """The response to a request whose body must not be read: its status and its error."""
    app, asgi = served(principal, **options)

    async def main():
        for method in ("POST", "GET", "DELETE"):
            request = counting(asgi, method)
            status, headers, body = await request.whole()
            # A request without a body is watched for the end of its client.
            assert method != "POST" or request.reads == 0, "the body was read"
            assert headers["content-type"] == "application/json"
        return status, json.loads(body)["error"]

    try:
        return asyncio.run(main())
    finally:
        ended(app)


def sync_failure(scope):
    raise ValueError("the password is hunter2")


async def async_failure(scope):
    await asyncio.sleep(0)
    raise ValueError("the password is hunter2")


async def cancelled(scope):
    raise asyncio.CancelledError


@pytest.mark.parametrize("function", [sync_failure, async_failure])
@pytest.mark.parametrize("mask", [None, True, False])
def test_what_a_function_raises_is_for_the_log(function, mask, caplog):
    with caplog.at_level(logging.ERROR, "tenon_mcp"):
        status, error = refused(function, mask_errors=mask)
    assert (status, error["code"]) == (500, -32603)
    assert ("hunter2" in error["message"]) == (mask is False)
    traces = [record for record in caplog.records if record.exc_info]
    assert len(traces) == 3
    assert traces[0].getMessage() == "function 'principal' failed"
    reasons = [record.getMessage() for record in caplog.records if not record.exc_info]
    assert all("ValueError: the password is hunter2" in reason for reason in reasons)


@pytest.mark.parametrize("wrong", [1, "", b"ann", ["ann"], True, "\ud800", object()], ids=repr)
def test_what_is_no_principal_is_refused(wrong):
    status, error = refused(lambda scope: wrong, mask_errors=False)
    assert (status, error["code"]) == (500, -32603)
    assert "principal" in error["message"]

    async def later(scope):
        return wrong

    assert refused(later, mask_errors=False)[0] == 500


def test_a_function_that_cancels_itself_has_failed():
    assert refused(cancelled)[0] == 500


def test_a_function_that_never_ends_is_given_up():
    ends = []

    async def hang(scope):
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("cancelled")

    async def stubborn(scope):
        try:
            await asyncio.sleep(SECONDS)
        except asyncio.CancelledError:
            ends.append("stubborn")
            raise ValueError("too late") from None

    for function in (hang, stubborn):
        status, error = refused(function, store_timeout=0.05)
        assert (status, error["code"]) == (503, -32603)
        assert "store_timeout" in error["message"]
    assert ends == ["cancelled"] * 3 + ["stubborn"] * 3


def test_what_the_head_refuses_asks_nobody():
    asked = []
    app, asgi = served(asked.append)

    async def main():
        evil = {"host": "evil.example", "origin": "http://evil.example"}
        for method, headers, status in (("POST", evil, 403), ("PUT", {}, 405), ("OPTIONS", {}, 204)):
            assert (await counting(asgi, method, headers).whole())[0] == status
            assert asked == []
        # Other checks come later, as a sender without a principal learns nothing else.
        assert (await counting(asgi, "POST", {"content-type": "text/plain"}).whole())[0] == 415
        assert len(asked) == 1

    asyncio.run(main())
    ended(app)


@pytest.mark.parametrize("kind", ["sync", "async", "awaitable", "eager"])
def test_calls_have_the_principal_and_the_context_of_their_request(kind):
    """Many requests at once; their functions end in another order."""

    async def find(scope):
        USER.set(scope["user"].upper())
        if kind != "eager":
            await scope["go"].wait()
        return scope["user"]

    def sync(scope):
        USER.set(scope["user"].upper())
        return scope["user"]

    app, asgi = served({"sync": sync, "awaitable": lambda scope: find(scope)}.get(kind, find))

    async def main():
        gates = [asyncio.Event() for _ in range(40)]
        requests = [call(asgi, "who", user=f"user{n}", go=gate) for n, gate in enumerate(gates)]
        await asyncio.sleep(0)
        for gate in reversed(gates):
            gate.set()
        for n, request in enumerate(requests):
            assert await value(request) == [f"user{n}", f"USER{n}"]
        assert USER.get() == "nobody"

    asyncio.run(main())
    ended(app)


def test_sessions_belong_to_what_an_async_function_returned():
    async def find(scope):
        await asyncio.sleep(0)
        return scope.get("user")

    app, asgi = served(find)

    async def main():
        _, headers, _ = await post(asgi, INITIALIZE, user="ann").whole()
        named = {SESSION: headers[SESSION], "mcp-protocol-version": "2025-11-25"}
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        assert (await post(asgi, ping, named, user="ann").whole())[0] == 200
        assert (await post(asgi, ping, named, user="bob").whole())[0] == 404
        assert (await post(asgi, ping, named).whole())[0] == 404
        # A body in pieces, one that is refused early, and a stream.
        pieces = [piece.encode() for piece in json.dumps(ping)]
        assert (await post(asgi, ping, named, pieces=pieces, user="ann").whole())[0] == 200
        long = {**named, "content-length": "99999999"}
        assert (await post(asgi, ping, long, user="ann").whole())[0] == 200
        stream = Request(asgi, "GET", "/mcp", {**STREAM, **named}, [b""], {"user": "ann"})
        assert (await stream.head())[0] == 200
        stream.leave()
        await asyncio.wait_for(stream.task, SECONDS)

    asyncio.run(main())
    ended(app)


def test_a_client_that_leaves_cancels_the_function():
    async def main():
        begun, over = asyncio.Queue(), asyncio.Queue()

        async def hang(scope):
            begun.put_nowait(scope["method"])
            try:
                await asyncio.Event().wait()
            finally:
                over.put_nowait(scope["method"])

        app, asgi = served(hang)
        # A request without a body can be watched.
        stream = Request(asgi, "GET", "/mcp", STREAM, [b""], {})
        assert await asyncio.wait_for(begun.get(), SECONDS) == "GET"
        stream.leave()
        assert await asyncio.wait_for(over.get(), SECONDS) == "GET"
        await asyncio.wait_for(stream.task, SECONDS)
        assert stream.said.empty()
        # The end of any other is known to the ASGI server alone.
        request = counting(asgi)
        assert await asyncio.wait_for(begun.get(), SECONDS) == "POST"
        request.task.cancel()
        assert await asyncio.wait_for(over.get(), SECONDS) == "POST"
        with pytest.raises(asyncio.CancelledError):
            await request.task
        assert request.reads == 0
        return app

    ended(asyncio.run(main()))


def test_a_function_may_take_no_time_at_all():
    """The function need not be a coroutine function, and its awaitable need not be a coroutine."""

    class Now:
        def __await__(self):
            return "now"
            yield

    app, asgi = served(lambda scope: Now())

    async def main():
        assert await value(call(asgi, "who")) == ["now", "nobody"]

    asyncio.run(main())
    ended(app)


def test_the_loop_sees_no_exception_that_nobody_retrieved():
    seen = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: seen.append(context))

        async def late(scope):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise ValueError("nobody waits for this") from None

        app, asgi = served(late, store_timeout=0.05)
        assert (await counting(asgi).whole())[0] == 503
        return app

    app = asyncio.run(main())
    ended(app)
    assert seen == []


def test_without_a_function_everybody_is_anonymous():
    app = demo()

    async def main():
        assert await value(call(app.asgi(), "who")) is None

    asyncio.run(main())
    ended(app)
