"""Tools that are registered and removed while the server runs, and when their functions are freed."""

import asyncio
import gc
import threading
import time
import weakref

import pytest
from tenon_mcp import RegistrationError, Server
from wire import SECONDS, serving


def test_tools_can_be_registered_while_serving():
    app = Server("t")
    with serving(app) as client:
        assert client.request("tools/list")["result"]["tools"] == []

        @app.tool
        def late() -> str:
            return "late"

        assert client.text("late") == "late"


def gone(reference):
    for _ in range(250):
        gc.collect()
        if reference() is None:
            return True
        time.sleep(0.02)
    return False


def names(client):
    return [tool["name"] for tool in client.request("tools/list")["result"]["tools"]]


def test_a_tool_can_be_removed_at_any_time():
    app = Server("t")

    @app.tool
    def sync() -> bool:
        return app.remove("tool", "sync")

    @app.tool("async")
    async def asynchronous() -> list:
        return [app.remove("tool", "async"), app.remove("tool", "async")]

    app.tool("early")(lambda: 1)
    assert app.remove("tool", "early") is True
    assert app.remove("tool", "early") is False
    with serving(app) as client:
        assert client.text("sync") == "true"
        assert client.text("async") == "[true,false]"
        assert names(client) == []
        assert "error" in client.answer(client.start_call("sync"))
        app.tool("sync")(lambda: "another")
        assert client.text("sync") == "another"


@pytest.mark.parametrize("is_async", [False, True])
def test_a_removed_tool_is_let_go_of_when_its_last_call_has_ended(is_async):
    app = Server("t", max_workers=1)
    started, go = threading.Event(), threading.Event()

    class Function:
        def __call__(self) -> str:
            started.set()
            go.wait(SECONDS)
            return "done"

    class Asynchronous:
        async def __call__(self) -> str:
            started.set()
            while not go.is_set():
                await asyncio.sleep(0.001)
            return "done"

    function = Asynchronous() if is_async else Function()
    app.tool("f")(function)
    reference = weakref.ref(function)
    del function
    with serving(app) as client:
        requests = [client.start_call("f") for _ in range(3)]
        assert started.wait(SECONDS)
        client.request("ping")  # all three have been taken in
        assert app.remove("tool", "f")
        app.tool("other")(lambda: "other")
        assert names(client) == ["other"]
        gc.collect()
        assert reference() is not None
        go.set()
        for request in requests:
            assert client.answer(request)["result"]["content"][0]["text"] == "done"
        assert gone(reference)
        assert client.text("other") == "other"


def test_a_removed_tool_without_calls_is_let_go_of_at_once():
    app = Server("t")
    references = []
    for served in (False, True):
        for place in range(3):
            def function(place=place):
                return place

            app.tool(f"f{place}")(function)
            references.append(weakref.ref(function))
            del function
        if served:
            with serving(app) as client:
                assert client.text("f1") == "1"
                assert all(app.remove("tool", name) for name in names(client))
                assert all(map(gone, references))
        else:
            assert all(app.remove("tool", f"f{place}") for place in range(3))
            assert [reference() for reference in references] == [None] * 3


def test_a_name_that_is_taken_leaves_nothing_behind():
    app = Server("t")
    app.tool("f")(lambda: "first")

    def second():
        return "second"

    with pytest.raises(RegistrationError):
        app.tool("f")(second)
    reference = weakref.ref(second)
    del second
    assert gone(reference)
    app.tool("g")(lambda: "third")
    with serving(app) as client:
        assert (client.text("f"), client.text("g")) == ("first", "third")


def test_leftover_objects():
    """A server that has ended and its functions are not kept alive."""
    class Function:
        def __call__(self, a: int = 0) -> int:
            return a

    app = Server("t")
    function = Function()
    app.tool("f")(function)

    @app.tool
    def itself(served=app) -> str:
        return served.name

    with serving(app) as client:
        assert client.text("f", a=1) == "1"
        assert client.text("itself") == "t"
    reference = weakref.ref(function)
    del app, function, itself
    assert gone(reference)  # the thread that served may still be ending
