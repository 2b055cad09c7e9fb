"""Clients in the process of their server: in every revision, to wait for and to await."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from tenon_mcp import Context, McpError, RegistrationError, Server, StateError, SyncContext, ToolError
from tenon_mcp.testing import Client
from wire import SECONDS, serving

REVISIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]
ASKING = REVISIONS[2:]


def server(**options) -> Server:
    app = Server("t", page_size=1, **options)

    @app.tool
    def add(a: int, b: int) -> int:
        return a + b

    @app.tool
    async def double(n: int, ctx: Context) -> int:
        await asyncio.sleep(0)
        ctx.progress(1, 2, "half")
        ctx.log("info", "doubles")
        return 2 * n

    @app.tool
    def describe() -> dict:
        return {"v": 1}

    @app.tool
    def fail() -> str:
        raise ToolError("no luck")

    @app.tool
    def refuse() -> str:
        raise McpError(7, "not you", {"why": "me"})

    @app.tool
    def greet(ctx: SyncContext) -> str:
        answer = ctx.elicit("Who?", {"type": "object", "properties": {"name": {"type": "string"}}})
        return f"{answer.action} {answer.content}"

    @app.resource("config://app", mime_type="application/json")
    def config() -> dict:
        return {"v": 1}

    @app.resource("blob://b")
    def blob() -> bytes:
        return b"\x00\xff"

    @app.resource("note://{id}")
    def note(id: str) -> str:
        return f"note {id}"

    @app.prompt
    def ask(count: str) -> str:
        return f"{count} times"

    @app.completion(prompt="ask", argument="count")
    def counts(value: str) -> list:
        return [value + "0", value + "1"]

    return app


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_client_waits_for_everything(revision):
    with Client(server(), revision=revision) as client:
        assert client.call_tool("add", {"a": 3, "b": 5}).data == 8
        assert client.call_tool("double", {"n": 4}).text == "8"
        tools = client.list_tools()
        assert [tool.name for tool in tools] == ["add", "double", "describe", "fail", "refuse", "greet"]
        assert tools[0].input_schema["required"] == ["a", "b"] and tools[0]["inputSchema"]
        assert client.read_resource("config://app").data == {"v": 1}
        assert client.read_resource("blob://b").data == b"\x00\xff"
        assert client.read_resource("note://7").text == "note 7"
        assert [resource.uri for resource in client.list_resources()] == ["config://app", "blob://b"]
        assert client.list_resource_templates()[0].uri_template == "note://{id}"
        prompt = client.get_prompt("ask", {"count": 3})
        assert prompt.text == "3 times" and prompt.messages[0].role == "user"
        assert client.list_prompts()[0].name == "ask"
        assert client.complete("count", "2", prompt="ask").values == ["20", "21"]
        client.ping()


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_client_awaits_everything(revision):
    async def main():
        async with Client(server(), revision=revision) as client:
            sums = await asyncio.gather(*(client.call_tool("add", {"a": n, "b": 1}) for n in range(20)))
            assert [one.data for one in sums] == list(range(1, 21))
            assert (await client.call_tool("double", {"n": 4})).data == 8
            assert len(await client.list_tools()) == 6
            assert (await client.read_resource("config://app")).data == {"v": 1}
            assert (await client.list_resources())[0].uri == "config://app"
            assert (await client.list_resource_templates())[0].uri_template == "note://{id}"
            assert (await client.get_prompt("ask", {"count": 3})).text == "3 times"
            assert (await client.list_prompts())[0].name == "ask"
            assert (await client.complete("count", "2", prompt="ask")).values == ["20", "21"]
            await client.ping()

    asyncio.run(main())


def test_failures_and_errors_are_told_apart():
    with Client(server()) as client:
        with pytest.raises(ToolError, match="no luck"):
            client.call_tool("fail")
        failed = client.call_tool("fail", raise_on_error=False)
        assert failed.is_error and failed.text == "no luck"
        with pytest.raises(McpError) as refused:
            client.call_tool("refuse")
        assert (refused.value.code, refused.value.message, refused.value.data) == (7, "not you", {"why": "me"})
        with pytest.raises(McpError) as unknown:
            client.request("no/such")
        assert unknown.value.code == -32601

    async def main():
        async with Client(server()) as client:
            with pytest.raises(ToolError, match="no luck"):
                await client.call_tool("fail")
            with pytest.raises(McpError, match="not you"):
                await client.call_tool("refuse")

    asyncio.run(main())


def test_structured_content_and_text():
    with Client(server()) as client:
        described = client.call_tool("describe")
        assert described.structured == described.data == {"v": 1}
        assert described.content[0].type == "text"


@pytest.mark.parametrize("revision", ASKING)
def test_questions_are_answered(revision):
    app = server()
    asked = []

    def elicit(params):
        asked.append(params["message"])
        return {"name": "Ada"}

    async def later(params):
        await asyncio.sleep(0)
        return elicit(params)

    with Client(app, revision=revision, elicit=elicit) as client:
        assert client.call_tool("greet").text == "accept {'name': 'Ada'}"
    with Client(app, revision=revision, elicit=False) as client:
        assert client.call_tool("greet").text.startswith("decline")

    async def main():
        async with Client(app, revision=revision, elicit=later) as client:
            assert (await client.call_tool("greet")).text == "accept {'name': 'Ada'}"

    asyncio.run(main())
    assert asked == ["Who?", "Who?"]


@pytest.mark.parametrize("revision", ASKING)
def test_a_question_that_fails_or_cannot_be_asked(revision):
    def elicit(params):
        raise ValueError("out of order")

    with Client(server(), revision=revision, elicit=elicit) as client:
        with pytest.raises((ToolError, McpError), match="out of order"):
            client.call_tool("greet")
    with Client(server(), revision=revision) as client, pytest.raises((ToolError, McpError)):
        client.call_tool("greet")


def test_roots_and_sampling():
    app = Server("t")

    @app.tool
    def look(ctx: SyncContext) -> str:
        said = ctx.sample("hi", max_tokens=5)
        return f"{[root.uri for root in ctx.roots()]} {said.text}"

    for revision in REVISIONS:
        with Client(app, revision=revision, roots=["file:///a"], sample="hello") as client:
            assert client.call_tool("look").text == "['file:///a'] hello"


@pytest.mark.parametrize("revision", REVISIONS)
def test_progress_and_logs_are_heard(revision):
    heard = []
    with Client(server(), revision=revision, on_log=lambda log: heard.append(log["data"])) as client:
        client.call_tool("double", {"n": 1}, on_progress=lambda *told: heard.append(told))
    assert heard == [(1, 2, "half" if revision != "2024-11-05" else None), "doubles"]


def test_the_client_says_who_it_is():
    app = Server("t")

    @app.tool
    def who(ctx: SyncContext) -> list:
        return [ctx.client_info["name"], ctx.principal, ctx.protocol_version, ctx.meta.get("example.com/x")]

    with Client(app, revision="2025-06-18", name="me", principal="ada") as client:
        said = client.call_tool("who", meta={"example.com/x": 1})
        assert said.data == ["me", "ada", "2025-06-18", 1]


def test_the_default_is_the_newest_that_the_server_speaks():
    app = Server("t", revisions=["2025-03-26", "2025-06-18"])

    @app.tool
    def which(ctx: SyncContext) -> str:
        return ctx.protocol_version

    with Client(app) as client:
        assert client.call_tool("which").text == "2025-06-18"


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


def test_it_is_not_imported_with_the_package():
    program = "import sys, tenon_mcp; print([name for name in sys.modules if name.startswith('tenon_mcp')])"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert "testing" not in loaded


def test_functions_are_reached_by_name():
    app = server()
    assert app.tools["add"].fn(3, 5) == 8
    assert app.tools["add"].input_schema["required"] == ["a", "b"] and app.tools["add"].name == "add"
    assert list(app.tools) == ["add", "double", "describe", "fail", "refuse", "greet"] and len(app.tools) == 6
    assert app.resources["config://app"].fn() == {"v": 1} and app.resources["config://app"].mime_type
    assert app.resource_templates["note://{id}"].fn("7") == "note 7"
    assert app.prompts["ask"].fn("3") == "3 times"
    assert "none" not in app.tools and app.tools.get("none") is None
    with pytest.raises(KeyError):
        app.tools["none"]
    tools = app.tools
    app.remove("tool", "add")
    assert "add" not in tools


def test_a_server_calls_its_own_tools():
    app = server()

    @app.tool
    async def both(a: int) -> int:
        return (await app.call_tool("add", {"a": a, "b": a})).data

    async def main():
        assert (await app.call_tool("both", {"a": 2})).data == 4
        with pytest.raises(ToolError, match="no luck"):
            await app.call_tool("fail")
        assert (await app.call_tool("fail", raise_on_error=False)).is_error

    asyncio.run(main())
    assert app._running is None


def test_tags_hide_and_show():
    app = Server("t")
    app.tool("a", tags={"admin"})(lambda: "")
    app.tool("b", tags=["admin", "slow"])(lambda: "")
    app.tool("c")(lambda: "")
    app.resource("x://y", tags=["slow"])(lambda: "")
    app.resource_provider("row://{id}", list=lambda: [], read=lambda id: "", tags=["slow"])
    app.prompt("p", tags=("slow",))(lambda: "")

    def shown():
        return [name for view in (app.tools, app.resources, app.prompts) for name in view if view[name].enabled]

    assert app.disable(tags={"admin"}) and shown() == ["c", "x://y", "p"]
    assert app.disable(tags=["slow"]) and shown() == ["c"]
    assert not app.resource_templates["row://{id}"].enabled
    assert app.enable(tags=["admin"]) and shown() == ["a", "c"]
    assert app.enable(tags=["slow"]) and shown() == ["a", "b", "c", "x://y", "p"]
    assert not app.disable(tags=["none"])
    for wrong in ({}, {"tags": "admin"}, {"tags": [1]}):
        with pytest.raises(RegistrationError):
            app.disable(**wrong)
    with pytest.raises(RegistrationError):
        app.disable("tool")
    with pytest.raises(RegistrationError):
        app.tool("d", tags="admin")(lambda: "")


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


def collected(client, *refs):
    # The engine may let go of a call some time after its answer.
    deadline = time.monotonic() + SECONDS
    while any(one() is not None for one in refs):
        assert time.monotonic() < deadline, [one() for one in refs]
        client.ping()
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
            collected(client, *use(call))


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

    with Client(app) as client, ThreadPoolExecutor() as threads:
        part = use()
        calls = [threads.submit(lambda: client.call_tool("in_slow").text) for _ in range(2)]
        assert begun.acquire(timeout=SECONDS)
        client.ping()
        app.unmount(part(), "in")
        gc.collect()
        released.release()
        assert begun.acquire(timeout=SECONDS)
        gc.collect()
        assert part() is not None
        released.release()
        assert [call.result(SECONDS) for call in calls] == ["part", "part"]
        del calls
        collected(client, part)


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
    with pytest.raises(RegistrationError, match="no middleware of a mounted one"):
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
