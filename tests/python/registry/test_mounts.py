"""Servers that are mounted in other servers."""

import asyncio
import gc
import threading
import time
import weakref

import pytest
from tenon_mcp import Context, McpError, RegistrationError, Server, StateError, ToolError
from tenon_mcp.testing import Client
from wire import SECONDS, serving


def test_a_server_is_mounted_in_another():
    app, part, deep = Server("app"), Server("part"), Server("deep")
    part.mount(deep, "in")
    app.mount(part, "sub")

    @part.tool
    def add(a: int, b: int) -> int:
        return a + b

    with Client(app) as client:
        assert client.call_tool("sub_add", {"a": 1, "b": 2}).data == 3

        # The first function for a loop comes while only workers are needed.
        @deep.tool
        async def name(ctx: Context) -> str:
            await asyncio.sleep(0)
            return ctx.name

        deep.resource_provider(
            "row://{id}", list=lambda: [{"uri": "row://1", "name": "one"}], read=lambda id: f"row {id}"
        )
        assert client.call_tool("sub_in_name").text == "sub_in_name"
        assert client.list_resources()[0].uri == "row://sub/in/1"
        assert client.read_resource("row://sub/in/1").text == "row 1"
        part.disable("tool", "add")
        assert [tool.name for tool in client.list_tools()] == ["sub_in_name"]
        part.enable("tool", "add")
        deep.remove("tool", "name")
        assert [tool.name for tool in client.list_tools()] == ["sub_add"]
    assert app.tools["sub_add"].fn is add
    with Client(part) as client:
        assert client.call_tool("add", {"a": 1, "b": 2}).data == 3


def test_what_cannot_be_mounted():
    app, part = Server("app"), Server("part")
    app.tool("sub_add")(lambda: "")
    part.tool("add")(lambda: "")
    part.tool("other")(lambda: "")
    with pytest.raises(RegistrationError, match='"sub_add" is registered already'):
        app.mount(part, "sub")
    assert list(app.tools) == ["sub_add"]
    app.mount(part, "part")
    for other, prefix, error in ((app, "x", StateError), (part, "a_b", RegistrationError)):
        with pytest.raises(error):
            app.mount(other, prefix)
    with pytest.raises(StateError):
        part.mount(app, "back")
    with pytest.raises(RegistrationError):
        app.mount(object(), "x")


def test_a_mounted_server_is_let_go_of():
    def make():
        app, part = Server("app"), Server("part")

        @part.tool
        def own() -> str:
            return part.name

        app.mount(part, "sub")
        return weakref.ref(app), weakref.ref(part), weakref.ref(own)

    gone = make()
    gc.collect()
    assert [one() for one in gone] == [None, None, None]


def collected(ping, *refs):
    # The engine may let go of a call some time after its answer.
    deadline = time.monotonic() + SECONDS
    while any(one() is not None for one in refs):
        assert time.monotonic() < deadline, [one() for one in refs]
        ping()
        gc.collect()


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("where", ["alone", "served", "within"])
def test_an_unmounted_server_is_let_go_of(where, is_async):
    app = Server("app")
    into = Server("middle") if where == "within" else app
    if into is not app:
        app.mount(into, "mid")

    def use(call):
        part = Server("part")

        async def own_async() -> str:
            return part.name

        def own() -> str:
            return part.name

        fn = part.tool("own")(own_async if is_async else own)
        into.mount(part, "a")
        into.mount(part, "b")
        with pytest.raises(RegistrationError):
            into.mount(part, "a")
        into.unmount(part, "a")
        call("mid_b_own" if into is not app else "b_own")
        into.unmount(part, "b")
        return weakref.ref(part), weakref.ref(fn)

    if where == "alone":
        gone = use(lambda name: None)
        gc.collect()
        assert [one() for one in gone] == [None, None]
        return
    with Client(app) as client:

        def call(name):
            assert client.call_tool(name).text == "part"

        for _ in range(2):
            collected(client.ping, *use(call))


def test_a_server_whose_mount_failed_is_let_go_of():
    app = Server("app")
    app.tool("own")(lambda: "")

    def use():
        part = Server("part")
        part.tool("own")(lambda: part.name)
        with pytest.raises(RegistrationError):
            app.mount(part)
        return weakref.ref(part)

    gone = use()
    gc.collect()
    assert gone() is None


def test_an_unmounted_server_stays_until_its_last_call_has_ended():
    app, begun, released = Server("app"), threading.Semaphore(0), threading.Semaphore(0)

    def use():
        part = Server("part")

        # The second one waits until the first one has ended.
        @part.tool(max_concurrency=1)
        def slow() -> str:
            begun.release()
            assert released.acquire(timeout=SECONDS)
            return part.name

        app.mount(part, "in")
        return weakref.ref(part)

    with serving(app) as client:

        def ping():
            return client.request("ping")

        part = use()
        calls = [client.start_call("in_slow") for _ in range(2)]
        assert begun.acquire(timeout=SECONDS)
        # Its answer means that the server has received both calls.
        ping()
        app.unmount(part(), "in")
        gc.collect()
        released.release()
        assert begun.acquire(timeout=SECONDS)
        gc.collect()
        assert part() is not None
        released.release()
        assert [client.answer(call)["result"]["content"][0]["text"] for call in calls] == ["part", "part"]
        collected(ping, part)


def named(name, is_async):
    def guarded(ctx):
        if ctx.name.endswith("secret"):
            raise ToolError(f"{name} refuses {ctx.name}")

    def around(ctx, call_next):
        guarded(ctx)
        return f"{name}({call_next()})"

    async def around_async(ctx, call_next):
        guarded(ctx)
        return f"{name}({await call_next()})"

    return around_async if is_async else around


@pytest.mark.parametrize("handler_is_async", [False, True])
@pytest.mark.parametrize("is_async", ["fff", "ttt", "ftf", "tft"])
def test_the_middleware_of_a_mounted_server_is_around_what_it_has(is_async, handler_is_async):
    is_async = [letter == "t" for letter in is_async]
    app, middle, part = Server("app"), Server("middle"), Server("part")

    def hello():
        return "hello"

    async def hello_async():
        return "hello"

    part.tool("hello")(hello_async if handler_is_async else hello)
    part.tool("secret")(lambda: "told")
    # Other functions have the same numbers in their servers.
    app.tool("own")(lambda: "own")
    middle.tool("between")(lambda: "between")
    part.resource("part://static")(hello_async if handler_is_async else hello)
    part.prompt("say")(hello_async if handler_is_async else hello)
    part.middleware(named("part", is_async[0]))
    middle.mount(part, "in")
    app.mount(middle, "out")
    with Client(app) as client:
        assert client.call_tool("out_in_hello").text == "part(hello)"
        with pytest.raises(ToolError, match="part refuses out_in_secret"):
            client.call_tool("out_in_secret")
        # Also what comes later.
        middle.middleware(named("middle", is_async[1]))
        app.middleware(named("app", is_async[2]))
        assert client.call_tool("out_in_hello").text == "app(middle(part(hello)))"
        assert client.read_resource("part://out/in/static").text == "app(middle(part(hello)))"
        assert client.get_prompt("out_in_say").text == "app(middle(part(hello)))"
        assert client.call_tool("out_between").text == "app(middle(between))"
        assert client.call_tool("own").text == "app(own)"
    with pytest.raises(RegistrationError, match="lists belong to the server that is served"):
        part.middleware(named("lists", False), ops="tool_list")
    listed = Server("listed")
    listed.middleware(named("lists", False), ops="tool_list")
    with pytest.raises(RegistrationError, match='middleware around "tools/list"'):
        app.mount(listed, "sub")


def test_a_server_is_mounted_without_a_prefix_and_unmounted():
    app, part, other = Server("app"), Server("part"), Server("other")
    begun, released = threading.Event(), threading.Event()

    @part.tool
    def slow() -> str:
        begun.set()
        assert released.wait(SECONDS)
        return "slow"

    part.tool("hello")(lambda: "hello")
    other.tool("hello")(lambda: "")
    app.mount(part)
    with Client(app) as client:
        assert client.call_tool("hello").text == "hello"
        with pytest.raises(RegistrationError, match='tool "hello"'):
            app.mount(other)
        told = []
        thread = threading.Thread(target=lambda: told.append(client.call_tool("slow").text))
        thread.start()
        assert begun.wait(SECONDS)
        app.unmount(part)
        assert client.list_tools() == []
        with pytest.raises(McpError, match="Unknown tool"):
            client.call_tool("hello")
        released.set()
        thread.join(SECONDS)
        assert told == ["slow"]
        with pytest.raises(RegistrationError, match="not mounted here without a prefix"):
            app.unmount(part)
        app.mount(part, "again")
        assert client.call_tool("again_hello").text == "hello"
    with pytest.raises(RegistrationError, match="other must be a Server"):
        app.unmount(object())


def test_without_a_prefix_an_address_is_refused_that_is_taken():
    app, part = Server("app"), Server("part")
    app.resource("x://a")(lambda: "own")
    part.resource("x://b")(lambda: "other")
    part.resource("x://a")(lambda: "other")
    with pytest.raises(RegistrationError, match='resource "x://a"'):
        app.mount(part)
    assert list(app.resources) == ["x://a"]
    app.mount(part, "sub")
    with Client(app) as client:
        assert client.read_resource("x://a").text == "own"
        assert client.read_resource("x://sub/a").text == "other"
