"""Middleware as `def` and `async def`, around handlers and the engine's own answers; concurrency limits."""

import asyncio
import contextlib
import contextvars
import threading

import pytest
from tenon_mcp import Content, Context, McpError, RegistrationError, Server, SyncContext, ToolError
from wire import serving

FORM = {"type": "object", "properties": {}}
ACCEPT = {"action": "accept", "content": {}}


def ways():
    """Each way to write middleware, with each way to write a handler."""
    return pytest.mark.parametrize(
        ("outer", "inner", "handler"),
        [(outer, inner, handler) for outer in ("a", "d") for inner in ("a", "d") for handler in ("a", "d", "l")],
    )


@ways()
def test_a_context_variable_that_is_set_reaches_what_is_further_inside(outer, inner, handler):
    app, variable = Server("t"), contextvars.ContextVar("variable", default="")
    for way, name in ((outer, "outer"), (inner, "inner")):
        if way == "a":

            async def around(ctx: Context, call_next, name=name):
                variable.set(f"{variable.get()} {name}")
                return await call_next()

        else:

            def around(ctx: SyncContext, call_next, name=name):
                variable.set(f"{variable.get()} {name}")
                return call_next()

        app.middleware(around)

    async def on_loop():
        return variable.get()

    if handler == "a":
        app.tool("t")(on_loop)
    else:
        app.tool("t", thread="loop" if handler == "l" else None)(lambda: variable.get())
    with serving(app) as client:
        assert client.text("t") == client.text("t") == " outer inner"


def add_around(app, way, name, seen):
    if way == "a":

        @app.middleware
        async def around(ctx: Context, call_next):
            seen.append((name, ctx.name, ctx.arguments))
            ctx.state.setdefault("seen", []).append(name)
            result = await call_next()
            return f"{result} {name}"

    else:

        @app.middleware(ops="tool")
        def around(ctx: SyncContext, call_next):
            seen.append((name, ctx.name, ctx.arguments))
            ctx.state.setdefault("seen", []).append(name)
            return f"{call_next()} {name}"


def add_tool(app, way, **options):
    if way == "a":

        @app.tool("greet", **options)
        async def greet(who: str, ctx: Context) -> str:
            await asyncio.sleep(0)
            return f"{who} {','.join(ctx.state['seen'])}"

    else:

        @app.tool("greet", thread="loop" if way == "l" else None, **options)
        def greet_(who: str, ctx: SyncContext) -> str:
            return f"{who} {','.join(ctx.state['seen'])}"


@ways()
def test_the_first_is_outermost_and_state_is_shared(outer, inner, handler):
    app, seen = Server("t"), []
    add_around(app, outer, "x", seen)
    add_around(app, inner, "y", seen)
    add_tool(app, handler)
    with serving(app) as client:
        for _ in range(2):
            assert client.text("greet", who="w") == "w x,y y x"
    assert seen[:2] == [("x", "greet", {"who": "w"}), ("y", "greet", {"who": "w"})]


@ways()
def test_errors_go_through_as_they_are(outer, inner, handler):
    app = Server("t")

    class Denied(Exception):
        pass

    async def maps(ctx, call_next):
        try:
            return await call_next()
        except Denied as error:
            raise McpError(7, "forbidden") from error

    def maps_sync(ctx, call_next):
        try:
            return call_next()
        except Denied as error:
            raise McpError(7, "forbidden") from error

    async def passes(ctx, call_next):
        return await call_next()

    def passes_sync(ctx, call_next):
        return call_next()

    app.middleware(maps if outer == "a" else maps_sync)
    app.middleware(passes if inner == "a" else passes_sync)

    async def denied() -> str:
        raise Denied

    def denied_sync() -> str:
        raise Denied

    if handler == "a":
        app.tool("denied")(denied)
    else:
        app.tool("denied", thread="loop" if handler == "l" else None)(denied_sync)
    with serving(app) as client:
        assert client.request("tools/call", name="denied")["error"] == {"code": 7, "message": "forbidden"}


@ways()
def test_a_question_anywhere_goes_out_and_comes_back(outer, inner, handler):
    app = Server("t")

    async def asks(ctx: Context, call_next):
        answer = await ctx.elicit("outer?", FORM, key="outer")
        return f"{answer.action} {await call_next()}"

    def asks_sync(ctx: SyncContext, call_next):
        answer = ctx.elicit("outer?", FORM, key="outer")
        return f"{answer.action} {call_next()}"

    async def passes(ctx, call_next):
        return await call_next()

    def passes_sync(ctx, call_next):
        return call_next()

    app.middleware(asks if outer == "a" else asks_sync)
    app.middleware(passes if inner == "a" else passes_sync)
    if handler == "a":

        @app.tool("ask")
        async def ask(ctx: Context) -> str:
            return (await ctx.elicit("inner?", FORM, key="inner")).action

    else:

        @app.tool("ask")
        def ask_sync(ctx: SyncContext) -> str:
            return ctx.elicit("inner?", FORM, key="inner").action

    with serving(app) as client:
        call = client.start_call("ask")
        for _ in range(2):
            question = client.question()
            client.send(id=question["id"], result=ACCEPT)
        assert client.answer(call)["result"]["content"][0]["text"] == "accept accept"
    with serving(app, modern=True) as client:
        params = {}
        for key in ("outer", "inner"):
            result = client.request("tools/call", name="ask", arguments={}, **params)["result"]
            assert list(result["inputRequests"]) == [key]
            params = {"requestState": result["requestState"], "inputResponses": {key: ACCEPT}}
        result = client.request("tools/call", name="ask", arguments={}, **params)["result"]
        assert result["content"][0]["text"] == "accept accept"


@pytest.mark.parametrize("is_async", [False, True])
def test_it_changes_arguments_answers_itself_and_tries_again(is_async):
    app, tries = Server("t"), []

    def of(ctx, call_next):
        n = ctx.arguments["n"]
        if n == 1:
            return call_next({"n": 10})
        if n == 2:
            return "not asked"
        if n == 3:
            return call_next({"n": []})
        if n == 4:
            return call_next(5)
        return call_next()

    if is_async:

        @app.middleware
        async def around(ctx, call_next):
            result = of(ctx, call_next)
            if ctx.arguments["n"] == 5:
                with contextlib.suppress(ToolError):
                    return await result
                return await call_next()
            return result if isinstance(result, str) else await result

    else:

        @app.middleware
        def around_sync(ctx, call_next):
            if ctx.arguments["n"] == 5:
                with contextlib.suppress(ToolError):
                    return call_next()
                return call_next()
            return of(ctx, call_next)

    @app.tool
    def double(n: int):
        if n == 5 and not tries:
            tries.append(n)
            raise ToolError("not yet")
        return 2 * n

    with serving(app) as client:
        assert client.text("double", n=0) == "0"
        assert client.text("double", n=1) == "20"
        assert client.text("double", n=2) == "not asked"
        assert "the arguments are not valid" in client.error("double", n=3)
        assert "must be a dict" in client.error("double", n=4)
        assert client.text("double", n=5) == "10"


@pytest.mark.parametrize("is_async", [False, True])
def test_lists_views_and_resources(is_async):
    app = Server("t")
    app.ui("ui://v", "<p>v</p>")

    @app.tool
    def shown() -> str:
        return "x"

    @app.tool
    def hidden() -> str:
        return "x"

    @app.resource("r://a")
    def a() -> bytes:
        return b"a"

    app.resource_provider("p://{x}", list=lambda: [{"uri": "p://1", "name": "one"}], read=lambda x: x)

    def change(ctx, result):
        if ctx.name == "ui://v":
            return result + "!"
        if isinstance(result, dict) and "tools" in result:
            return {**result, "tools": [tool for tool in result["tools"] if tool["name"] != "hidden"]}
        return result

    async def around(ctx, call_next):
        return change(ctx, await call_next())

    def around_sync(ctx, call_next):
        return change(ctx, call_next())

    app.middleware(ops=["tool_list", "resource_list", "resource"])(around if is_async else around_sync)
    for modern in (False, True):
        with serving(app, modern=modern) as client:
            tools = client.request("tools/list")["result"]["tools"]
            assert [tool["name"] for tool in tools] == ["shown"]
            resources = client.request("resources/list")["result"]["resources"]
            assert [resource["uri"] for resource in resources] == ["ui://v", "r://a", "p://1"]
            read = lambda uri: client.request("resources/read", uri=uri)["result"]["contents"][0]  # noqa: E731
            assert read("ui://v")["text"] == "<p>v</p>!"
            assert read("r://a")["blob"] == "YQ=="
            assert read("p://7")["text"] == "7"
            assert client.request("tools/list", cursor="x")["error"]["code"] == -32602
            assert client.text("hidden") == "x"


def test_a_second_call_of_what_the_engine_answers_is_refused_while_the_first_is_open():
    app = Server("t")
    told = []
    app.tool("t")(lambda: "x")

    app.resource_provider("p://{x}", list=lambda: [{"uri": "p://1", "name": "one"}], read=lambda x: x)

    @app.middleware(ops=["tool_list", "resource_list"])
    async def twice(ctx: Context, call_next):
        both = await asyncio.gather(call_next(), call_next(), return_exceptions=True)
        told.append([str(one) if isinstance(one, Exception) else "came" for one in both])
        return await call_next()

    with serving(app) as client:
        # One is answered by the engine at once, the other by a provider's function.
        assert len(client.request("tools/list")["result"]["tools"]) == 1
        assert len(client.request("resources/list")["result"]["resources"]) == 1
    assert told[0] == ["came", "call_next() is already running; await it before calling it again"]
    assert all(one == told[0] for one in told)


def test_results_are_judged_like_a_handlers():
    app = Server("t")

    @app.middleware
    def around(ctx, call_next):
        return {"content": Content.text("said"), "object": object(), "dict": {"a": 1}}[ctx.name]

    for name in ("content", "object", "dict"):
        app.tool(name)(lambda: "x")
    with serving(app) as client:
        assert client.text("content") == "said"
        assert "object, which JSON cannot hold" in client.error("object")
        assert client.text("dict") == '{"a":1}'


def test_cancellation_reaches_the_chain():
    app, began, ended = Server("t"), threading.Event(), threading.Event()

    @app.middleware
    async def around(ctx, call_next):
        try:
            return await call_next()
        except asyncio.CancelledError:
            ended.set()
            raise

    @app.tool
    async def wait() -> str:
        began.set()
        await asyncio.Event().wait()
        return "never"

    with serving(app) as client:
        call = client.start_call("wait")
        assert began.wait(20)
        client.cancel(call)
        assert ended.wait(20)


def test_what_cannot_be_wrapped_is_refused():
    app = Server("t")

    def around(ctx, call_next):
        return call_next()

    with pytest.raises(RegistrationError, match="cannot have middleware, because the engine answers it"):
        app.middleware(ops="ping")(around)
    with pytest.raises(RegistrationError, match="no operation"):
        app.middleware(ops=["tools"])(around)
    with pytest.raises(RegistrationError, match="must be a function"):
        app.middleware(5)
    assert app.middleware(around) is around


def test_as_many_run_at_a_time_as_max_concurrency_says():
    app = Server("t", max_waiting_calls=1)
    entered, go = threading.Semaphore(0), threading.Semaphore(0)

    @app.tool(max_concurrency=1)
    def few() -> str:
        entered.release()
        assert go.acquire(timeout=20)
        return "done"

    with serving(app) as client:
        first = client.start_call("few")
        assert entered.acquire(timeout=20)
        second = client.start_call("few")
        assert "runs 1 calls at a time, and 1 wait" in client.request("tools/call", name="few")["error"]["message"]
        assert not entered.acquire(blocking=False)
        go.release()
        client.answer(first)
        assert entered.acquire(timeout=20)
        go.release()
        client.answer(second)
    with pytest.raises(RegistrationError, match="max_concurrency must be a positive integer"):
        app.tool("none", max_concurrency=0)(lambda: "x")


def bounded(app, wait):
    """Registers one of each further kind with max_concurrency=1; gives a request for each."""

    @app.resource("few://a", max_concurrency=1)
    def resource() -> str:
        return wait()

    @app.resource("few://t/{x}", max_concurrency=1)
    def template(x: str) -> str:
        return wait()

    app.resource_provider("few://p/{x}", list=lambda: [] if wait() else [], read=lambda x: wait(), max_concurrency=1)

    @app.prompt(max_concurrency=1)
    def prompt() -> str:
        return wait()

    @app.completion(prompt="prompt", argument="x", max_concurrency=1)
    def complete(value: str) -> list[str]:
        return [wait()]

    @app.method("acme/few", max_concurrency=1)
    def method() -> dict[str, str]:
        return {"a": wait()}

    @app.replace("prompts/list", max_concurrency=1)
    def prompts() -> dict[str, list[str]]:
        return {"prompts": [] if wait() else []}

    argument = {"name": "x", "value": ""}
    return [
        ("resources/read", {"uri": "few://a"}),
        ("resources/read", {"uri": "few://t/1"}),
        ("resources/read", {"uri": "few://p/1"}),
        ("resources/list", {}),
        ("prompts/get", {"name": "prompt"}),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "prompt"}, "argument": argument}),
        ("acme/few", {}),
        ("prompts/list", {}),
    ]


def test_every_kind_has_max_concurrency():
    app = Server("t", max_waiting_calls=1)
    entered, go = threading.Semaphore(0), threading.Semaphore(0)

    def wait():
        entered.release()
        assert go.acquire(timeout=20)
        return "done"

    requests = bounded(app, wait)
    told = []

    @app.notification("acme/told", max_concurrency=1)
    def hears(n: int) -> None:
        wait()
        told.append(n)

    with serving(app) as client:
        for method, params in requests:
            first = client.start(method, **params)
            assert entered.acquire(timeout=20), method
            second = client.start(method, **params)
            refused = client.request(method, **params)["error"]["message"]
            assert "runs 1 calls at a time, and 1 wait" in refused, method
            assert not entered.acquire(blocking=False), method
            go.release()
            client.answer(first)
            assert entered.acquire(timeout=20), method
            go.release()
            client.answer(second)
        for n in (1, 2):
            client.send(method="acme/told", params={"n": n})
        assert entered.acquire(timeout=20)
        client.request("ping")
        assert not entered.acquire(blocking=False)
        go.release()
        assert entered.acquire(timeout=20)
        assert told == [1]
        go.release()


def test_async_middleware_is_around_functions_of_the_main_thread():
    app, seen = Server("t"), []

    @app.middleware
    async def around(ctx: Context, call_next):
        await asyncio.sleep(0)
        return f"{await call_next()} around"

    @app.tool(thread="main")
    def where(ctx: SyncContext) -> str:
        seen.append(threading.current_thread())
        return ctx.name

    @app.tool(thread="main")
    def fails() -> None:
        raise ToolError("no")

    # Where the program does not poll, the thread that serves is the main one.
    with serving(app) as client:
        assert client.text("where") == "where around"
        assert client.call("fails")["isError"]
    (thread,) = seen
    assert thread is not threading.current_thread()
