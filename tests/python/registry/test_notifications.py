"""Notifications that the program sends: updates of resources, changes of lists, its own notifications."""

import threading

import pytest
from tenon_mcp import Context, RegistrationError, Server, SyncContext
from wire import SECONDS, serving

ID = "io.modelcontextprotocol/subscriptionId"


def test_updates_from_any_thread_reach_those_who_subscribed():
    app = Server("t")
    app.resource("test://a")(lambda: "")
    told = {name: threading.Event() for name in ("subscribe", "unsubscribe")}
    uris = []

    for name in told:
        def hook(uri: str, name=name, **rest):
            uris.append((name, uri))
            told[name].set()

        app.on(name)(hook)
    with serving(app) as client:
        assert client.request("resources/subscribe", uri="test://a")["result"] == {}
        assert told["subscribe"].wait(SECONDS)
        thread = threading.Thread(target=app.resource_updated, args=("test://a",))
        thread.start()
        assert client.receive() == {
            "jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": "test://a"},
        }
        thread.join()
        app.list_changed("prompt")
        assert client.receive()["method"] == "notifications/prompts/list_changed"
        assert client.request("resources/unsubscribe", uri="test://a")["result"] == {}
        assert told["unsubscribe"].wait(SECONDS)
    assert uris == [("subscribe", "test://a"), ("unsubscribe", "test://a")]


def test_a_listen_stream_is_told_of_what_it_asked_for():
    app = Server("t")
    app.tool("a")(lambda: 1)
    app.tool("b")(lambda: 1)
    with serving(app, modern=True) as client:
        stream = client.start("subscriptions/listen", notifications={"toolsListChanged": True})
        acknowledged = client.receive()["params"]
        assert acknowledged == {"_meta": {ID: stream}, "notifications": {"toolsListChanged": True}}
        app.disable("tool", "b")
        assert client.receive()["params"] == {"_meta": {ID: stream}}
        client.cancel(stream)
        assert len(client.request("tools/list")["result"]["tools"]) == 1


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("modern", [False, True])
def test_notifications_of_a_call_come_on_its_stream(is_async, modern):
    app = Server("t")

    def tell(ctx):
        ctx.notify("example/told", {"n": [1]})
        ctx.notify("example/bare")
        for method, params in (("notifications/progress", {}), ("", {}), ("example/x", {"a": float("nan")})):
            with pytest.raises(ValueError):
                ctx.notify(method, params)
        return app.notify("example/all", {"n": 2})

    async def tell_async(ctx: Context) -> int:
        return tell(ctx)

    def tell_sync(ctx: SyncContext) -> int:
        return tell(ctx)

    app.tool("tell")(tell_async if is_async else tell_sync)
    with serving(app, modern=modern) as client:
        request = client.start_call("tell")
        assert client.receive() == {"jsonrpc": "2.0", "method": "example/told", "params": {"n": [1]}}
        assert client.receive() == {"jsonrpc": "2.0", "method": "example/bare", "params": {}}
        if not modern:
            assert client.receive() == {"jsonrpc": "2.0", "method": "example/all", "params": {"n": 2}}
        answer = client.receive()
        assert (answer["id"], answer["result"]["content"][0]["text"]) == (request, "0" if modern else "1")


def test_what_cannot_be_told():
    app = Server("t")
    with pytest.raises(RegistrationError, match="completion"):
        app.list_changed("completion")
    with pytest.raises(ValueError, match="there is no kind"):
        app.list_changed("tools")
    for method, params in (("notifications/tools/list_changed", {}), ("example/x", {"a": float("inf")})):
        with pytest.raises(ValueError):
            app.notify(method, params)
    # Nobody is there.
    assert app.notify("example/x") == 0
    app.resource_updated("test://none")
