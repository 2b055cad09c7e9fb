"""A server behind ASGI, driven without an ASGI server."""

import asyncio
import json
import threading

import pytest
from asgi_client import INITIALIZE, SESSION, Request, call, demo, ended, post, value
from tenon_mcp import Context, RegistrationError, Server, StateError
from wire import ENVELOPE, SECONDS


def test_answers_without_a_lifespan_on_loops_that_come_and_go():
    app = demo()
    asgi = app.asgi()

    async def once():
        assert await value(call(asgi, "add", {"a": 1, "b": 2})) == 3
        mine = [id(asyncio.get_running_loop()), threading.get_ident()]
        assert await value(call(asgi, "where")) == mine
        assert await value(call(asgi, "thread")) != mine[1], "a worker runs it"

    for _ in range(3):
        asyncio.run(once())
    ended(app)


def test_each_call_runs_on_the_loop_of_its_request():
    app = demo()
    asgi = app.asgi()
    together = threading.Barrier(3)
    failures = []

    async def serve():
        for _ in range(20):
            assert await value(call(asgi, "where")) == [id(asyncio.get_running_loop()), threading.get_ident()]

    def run():
        try:
            together.wait(SECONDS)
            asyncio.run(serve())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert not failures
    ended(app)


def test_a_lifespan_starts_and_ends_the_server():
    app = demo()
    asgi = app.asgi()

    async def live():
        events, said = asyncio.Queue(), asyncio.Queue()
        life = asyncio.ensure_future(asgi({"type": "lifespan"}, events.get, said.put))
        await events.put({"type": "lifespan.startup"})
        assert await said.get() == {"type": "lifespan.startup.complete"}
        assert await value(call(asgi, "add", {"a": 1, "b": 2})) == 3
        await events.put({"type": "lifespan.shutdown"})
        assert await said.get() == {"type": "lifespan.shutdown.complete"}
        await life
        assert app._running is None

    # It can be lived again.
    for _ in range(2):
        asyncio.run(live())


def test_a_lifespan_by_hand_and_what_keeps_a_start():
    app = demo()
    asgi = app.asgi()

    async def live():
        async with asgi.lifespan():
            with pytest.raises(StateError, match="already being served"):
                await app.serve(http=0)
        assert app._running is None
        said = asyncio.Queue()
        wrong = Server("wrong").asgi(allowed_hosts=["http://x"])
        events = asyncio.Queue()
        await events.put({"type": "lifespan.startup"})
        await wrong({"type": "lifespan"}, events.get, said.put)
        failed = await said.get()
        assert failed["type"] == "lifespan.startup.failed" and "allowed hosts" in failed["message"]

    asyncio.run(live())


def test_who_goes_away_cancels_the_call():
    app = Server("demo")
    seen = []

    @app.tool
    async def wait(ctx: Context) -> str:
        seen.append("began")
        ctx.progress(1)
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cancelled")
            over.set()
        return "never"

    async def main():
        global over
        over = asyncio.Event()
        request = call(app.asgi(), "wait")
        assert (await request.head())[1]["content-type"] == "text/event-stream"
        request.leave()
        await asyncio.wait_for(over.wait(), SECONDS)
        await asyncio.wait_for(request.task, SECONDS)

    asyncio.run(main())
    assert seen == ["began", "cancelled"]
    ended(app)


def test_a_client_that_does_not_read_is_not_sent_more():
    app = Server("demo")
    finished = []

    @app.tool
    async def count(ctx: Context) -> str:
        for number in range(1, 50):
            ctx.progress(number)
            await asyncio.sleep(0)
        finished[0].set()
        return "done"

    async def main():
        finished.append(asyncio.Event())
        request = call(app.asgi(), "count")
        request.taken.clear()
        await asyncio.wait_for(finished[0].wait(), SECONDS)
        request.taken.set()
        await request.head()
        pieces = []
        while not pieces or pieces[-1]["more_body"]:
            pieces.append(await request.next())
        body = b"".join(piece["body"] for piece in pieces)
        assert body.count(b"notifications/progress") == 49 and b"done" in body
        # What gathered meanwhile came together.
        assert len(pieces) < 5

    asyncio.run(main())
    ended(app)


def test_a_body_over_the_limit_is_refused_before_its_end():
    app = Server("demo", max_message_bytes=4096)

    async def main():
        request = post(app.asgi(), INITIALIZE, pieces=[b" " * 1024] * 64)
        status, _, body = await request.whole()
        assert status == 413, body
        assert request._pieces, "the rest is not read"

    asyncio.run(main())
    ended(app)


def test_what_the_head_rules_out_is_refused_before_the_body_is_read():
    app = demo()
    refused = [
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/json; charset=latin1"}, 415),
        ({"content-encoding": "gzip"}, 415),
        ({"accept": "text/html"}, 406),
        ({"transfer-encoding": "gzip, chunked"}, 400),
    ]

    async def main():
        asgi = app.asgi()
        for headers, status in refused:
            request = post(asgi, INITIALIZE, pieces=[b" " * 1024] * 1000, headers=headers)
            assert (await request.whole())[0] == status, headers
            assert len(request._pieces) > 900, headers
            # Nothing at all is read of one that asks before it sends.
            request = post(asgi, INITIALIZE, pieces=[b" "] * 2, headers={**headers, "expect": "100-continue"})
            status_of_it, answer, _ = await request.whole()
            assert (status_of_it, answer["connection"], len(request._pieces)) == (status, "close", 2), headers
        for headers in ({"content-type": 'application/json; Charset="UTF-8"'}, {"content-encoding": "identity"}):
            assert (await post(asgi, INITIALIZE, headers=headers).whole())[0] == 200, headers

    asyncio.run(main())
    ended(app)


def test_what_the_head_rules_out_is_refused_although_the_body_never_comes():
    app = demo()
    refused = [
        ({"content-type": "text/plain", "content-length": "5000000"}, 415),
        ({"accept": "text/html", "content-length": "65537"}, 406),
        ({"content-type": "text/plain", "expect": "100-continue"}, 415),
        ({"transfer-encoding": "gzip, chunked"}, 400),
    ]

    async def main():
        asgi = app.asgi()
        for headers, status in refused:
            status_of_it, answer, _ = await post(asgi, INITIALIZE, pieces=[], headers=headers).whole()
            assert (status_of_it, answer["connection"]) == (status, "close"), headers
        # What is fine is read to its end.
        params = {"name": "add", "arguments": {"a": 1, "b": 2}, "_meta": {**ENVELOPE, "more": "x" * 100_000}}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "add"}
        length = {"content-length": str(len(json.dumps(message)))}
        for more in (length, {"transfer-encoding": "chunked"}, {**length, "expect": "100-continue"}):
            assert await value(post(asgi, message, {**headers, **more})) == 3, more

    asyncio.run(main())
    ended(app)


def test_an_address_has_a_share():
    app = Server("demo", max_address_calls=1)
    begun, gate = asyncio.Event(), asyncio.Event()

    @app.tool
    async def wait() -> str:
        begun.set()
        await gate.wait()
        return "done"

    async def main():
        asgi = app.asgi()
        first = call(asgi, "wait", client=("192.0.2.1", 1))
        await asyncio.wait_for(begun.wait(), SECONDS)
        status, headers, body = await call(asgi, "wait", client=("192.0.2.1", 2)).whole()
        assert (status, headers["retry-after"]) == (429, "1")
        assert "max_address_calls" in json.loads(body)["error"]["message"]
        # Others, one of IPv6, and those of whom it is not known where they are.
        others = [call(asgi, "wait", client=at) for at in (("2001:db8::1", 1), None, ("/a/socket", None))]
        gate.set()
        for request in (first, *others):
            assert (await request.whole())[0] == 200

    asyncio.run(main())
    ended(app)


def test_paths():
    every, one = demo(), demo()
    anywhere, somewhere = every.asgi(), one.asgi(path="/mcp")

    async def main():
        def status(asgi, path, root=""):
            return post(asgi, INITIALIZE, path=path, root_path=root).whole()

        assert (await status(anywhere, "/x/y"))[0] == 200
        for path, root in (("/mcp", ""), ("/mcp/", ""), ("/api/mcp", "/api"), ("/api/mcp/", "/api"), ("/mcp", "/api")):
            assert (await status(somewhere, path, root))[0] == 200, (path, root)
        for path, root in (("/mcpx", ""), ("/mcp/x", ""), ("/", ""), ("/mcp//", ""), ("/apimcp", "/api")):
            assert (await status(somewhere, path, root))[0] == 404, (path, root)

    asyncio.run(main())
    ended(every)
    ended(one)


def test_hosts_origins_and_principals():
    app = demo()

    async def main():
        allowed = {"allowed_origins": ["https://app.example"], "allowed_headers": ["x-custom-auth"]}
        asgi = app.asgi(**allowed, principal=lambda scope: scope.get("user"))

        async def status(**headers):
            return (await post(asgi, INITIALIZE, headers).whole())[0]

        assert await status(host="evil.example", origin="http://evil.example") == 403
        assert await status(host="mcp.example.com", origin="https://app.example") == 200
        assert await status(host="localhost:1", origin="http://127.0.0.1:6274") == 200
        asks = {"host": "a", "origin": "https://app.example", "access-control-request-headers": "x-custom-auth"}
        _, headers, _ = await Request(asgi, "OPTIONS", "/mcp", asks, [b""], {}).whole()
        assert headers["access-control-allow-headers"].endswith(", x-custom-auth")
        every = demo().asgi(allowed_origins=["https://app.example"], allowed_headers=["*"])
        asks["access-control-request-headers"] = "x-one,x-other"
        _, headers, _ = await Request(every, "OPTIONS", "/mcp", asks, [b""], {}).whole()
        assert headers["access-control-allow-headers"].endswith(", x-one, x-other")
        assert await value(call(asgi, "who", user="ann")) == "ann"
        assert await value(call(asgi, "who")) is None
        _, headers, _ = await post(asgi, INITIALIZE, user="ann").whole()
        named = {SESSION: headers[SESSION], "mcp-protocol-version": "2025-11-25"}
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        assert (await post(asgi, ping, named, user="ann").whole())[0] == 200
        assert (await post(asgi, ping, named, user="bob").whole())[0] == 404

    asyncio.run(main())
    ended(app)


def test_options_are_read_once():
    app, changed = demo(), ["app.example"]
    asgi = [app.asgi(allowed_hosts=(host for host in ["app.example"])), app.asgi(allowed_hosts=changed)]
    changed[:] = ["evil.example"]

    async def main():
        for application in asgi:
            for host, status in (("app.example", 200), ("evil.example", 403)):
                assert (await post(application, INITIALIZE, {"host": host}).whole())[0] == status, host
            app.close()
            while app._running is not None:
                await asyncio.sleep(0)
        # The next request starts the server again.
        assert (await post(asgi[0], INITIALIZE, {"host": "evil.example"}).whole())[0] == 403

    asyncio.run(main())
    ended(app)


def test_websockets_are_refused():
    async def main():
        said = asyncio.Queue()

        async def receive():
            return {"type": "websocket.connect"}

        await Server("demo").asgi()({"type": "websocket", "path": "/mcp"}, receive, said.put)
        assert (await said.get())["type"] == "websocket.close"

    asyncio.run(main())


def test_what_is_no_option_is_named():
    app = Server("demo")
    names = [{name: "a"} for name in ("allowed_hosts", "allowed_origins", "allowed_headers")]
    for wrong in ({"path": "mcp"}, *names, {"principal": "ann"}):
        with pytest.raises(RegistrationError, match=next(iter(wrong))):
            app.asgi(**wrong)
