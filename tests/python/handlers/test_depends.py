"""Parameters that are computed and hidden from clients (`Depends`)."""

# ruff: noqa: B008

import asyncio
import contextlib
import threading
from typing import Annotated

import pytest
from tenon_mcp import Context, Depends, RegistrationError, Server, SyncContext
from wire import SECONDS, serving


class Log(list):
    def __call__(self, word):
        self.append(word)
        return word


def test_a_def_tool_with_all_kinds():
    app, log = Server("t"), Log()

    def settings():
        log("settings")
        return {"n": 2}

    def connection(ctx: SyncContext, settings: Annotated[dict, Depends(settings)]):
        log(f"open {ctx.name}")
        yield settings["n"]
        log("close")

    class Service:
        def __init__(self, number: int = Depends(connection)):
            self.number = number

    @app.tool
    def tool(
        a: int,
        service: Service = Depends(Service),
        number: int = Depends(connection),
        *,
        settings: Annotated[dict, Depends(settings)],
    ) -> int:
        log("call")
        return a + service.number + number + settings["n"]

    with serving(app) as client:
        (listed,) = client.request("tools/list")["result"]["tools"]
        assert listed["inputSchema"] == {
            "type": "object",
            "properties": {"a": {"type": "integer"}},
            "required": ["a"],
            "additionalProperties": False,
        }
        assert client.text("tool", a=1) == "7"
        assert log == ["settings", "open tool", "call", "close"]
        assert "number" in client.error("tool", a=1, number=5)
        assert client.text("tool", a=1) == "7"
        assert log == ["settings", "open tool", "call", "close"] * 2


def test_an_async_tool_with_all_kinds():
    app, log = Server("t"), Log()

    async def token(ctx: Context):
        await asyncio.sleep(0)
        return ctx.kind

    async def session(token: str = Depends(token)):
        yield f"session of {token}"
        await asyncio.sleep(0)
        log("async closed")

    def plain(session: str = Depends(session)):
        yield session.upper()
        log("closed")

    @app.tool
    async def tool(ctx: Context, a: str = Depends(session), b: str = Depends(plain)) -> str:
        return f"{a} {b} {ctx.name}"

    @app.resource("test://{id}")
    async def resource(id: str, token: str = Depends(token)) -> str:
        return f"{id} {token}"

    with serving(app) as client:
        assert client.text("tool") == "session of tool SESSION OF TOOL tool"
        assert log == ["closed", "async closed"]
        contents = client.request("resources/read", uri="test://7")["result"]["contents"]
        assert contents[0]["text"] == "7 resource_template"


@pytest.mark.parametrize("is_async", [False, True])
def test_clean_up_follows_whatever_ends_the_call(is_async):
    app, log = Server("t"), Log()
    ended, started = threading.Event(), threading.Event()
    release = threading.Event()

    def sync_part():
        try:
            yield 1
        except BaseException as error:
            log(type(error).__name__)
            raise
        finally:
            ended.set()

    async def async_part():
        try:
            yield 1
        except BaseException as error:
            log(type(error).__name__)
            raise
        finally:
            await asyncio.sleep(0)
            ended.set()

    def sync(how: str, ctx: SyncContext, part: int = Depends(sync_part)) -> str:
        if how == "raise":
            raise ValueError("broken")
        if how == "ask":
            return ctx.elicit("Name?", FORM).content["name"]
        started.set()
        assert release.wait(SECONDS)
        return ""

    async def on_loop(how: str, ctx: Context, part: int = Depends(async_part)) -> str:
        if how == "raise":
            raise ValueError("broken")
        if how == "ask":
            return (await ctx.elicit("Name?", FORM)).content["name"]
        started.set()
        await asyncio.sleep(SECONDS)
        return ""

    FORM = {"type": "object", "properties": {"name": {"type": "string"}}}
    app.tool("tool")(on_loop if is_async else sync)
    with serving(app, modern=True) as client:
        assert client.error("tool", how="raise") == "broken"
        assert ended.is_set() and log == ["ValueError"]
        ended.clear()
        # The attempt that asks ends with the question; the next one runs with the answer.
        asked = client.call("tool", how="ask")
        assert asked["resultType"] == "input_required"
        assert ended.wait(SECONDS) and log == ["ValueError", "CancelledError" if is_async else "Suspended"]
        ended.clear()
        (key,) = asked["inputRequests"]
        answer = {key: {"action": "accept", "content": {"name": "Ada"}}}
        again = client.start(
            "tools/call",
            name="tool",
            arguments={"how": "ask"},
            inputResponses=answer,
            requestState=asked["requestState"],
        )
        assert client.answer(again)["result"]["content"][0]["text"] == "Ada"
        assert ended.is_set() and len(log) == 2
        ended.clear()
        id = client.start_call("tool", {"how": "wait"})
        assert started.wait(SECONDS)
        client.cancel(id)
        release.set()
        assert ended.wait(SECONDS)
        assert log[2:] == (["CancelledError"] if is_async else [])


def test_errors_around_a_call():
    app = Server("t")

    def nothing():
        return
        yield

    def twice():
        yield 1
        yield 2

    def swallows():
        try:
            yield 1
        except ValueError:
            pass

    def breaks():
        yield 1
        raise KeyError("at the end")

    async def fails():
        raise ValueError("no database")

    @app.tool("nothing")
    def a(x=Depends(nothing)):
        pass

    @app.tool("twice")
    def b(x=Depends(twice)):
        pass

    @app.tool("swallows")
    async def c(x=Depends(swallows)):
        raise ValueError("told")

    @app.tool("breaks")
    async def d(x=Depends(breaks)):
        return "done"

    @app.tool("fails")
    async def e(x=Depends(fails)):
        return "done"

    with serving(app) as client:
        assert "nothing) yielded nothing" in client.error("nothing")
        assert "must yield only once" in client.error("twice")
        assert client.error("swallows") == "told"
        assert "at the end" in client.error("breaks")
        assert client.error("fails") == "no database"


def test_overrides():
    app = Server("t")

    def database():
        raise AssertionError("not in tests")

    def other():
        return "other"

    def fake(other: str = Depends(other)):
        yield f"fake {other}"

    @app.tool
    def tool(db: str = Depends(database)) -> str:
        return db

    with serving(app) as client:
        assert client.error("tool") == "not in tests"
        app.dependency_overrides[database] = fake
        assert client.text("tool") == "fake other"
        app.dependency_overrides[other] = lambda: "third"
        assert client.text("tool") == "fake third"
        app.dependency_overrides.clear()
        assert client.error("tool") == "not in tests"


def test_with_a_generator_and_with_types():
    import datetime

    app, log = Server("t"), Log()

    def part():
        yield 1
        log("closed")

    @app.tool
    def tool(day: datetime.date, part: int = Depends(part)):
        yield f"{day:%d}"
        assert log == []
        yield str(part)

    with serving(app) as client:
        content = client.call("tool", day="2026-07-28")["content"]
        assert [block["text"] for block in content] == ["28", "1"] and log == ["closed"]


def needs_value(a: int):
    pass


async def on_loop():
    pass


def circle(x=None):
    pass


circle.__defaults__ = (Depends(circle),)


def wrong(*defaults):
    def tool(x):
        pass

    tool.__defaults__ = defaults
    return tool


def twice_said(x: Annotated[int, Depends(needs_value)] = Depends(on_loop)):
    pass


WRONG = [
    (wrong(Depends(needs_value)), ["'t'", "needs_value", "'a'"]),
    (wrong(Depends(on_loop)), ["'t'", "on_loop", "async"]),
    (wrong(Depends(circle)), ["'t'", "circle", "depends on itself"]),
    (twice_said, ["'t'", "'x'", "more than one"]),
]


@pytest.mark.parametrize(("function", "parts"), WRONG, ids=range(len(WRONG)))
def test_what_cannot_be_depended_on_is_refused(function, parts):
    with pytest.raises(RegistrationError) as caught:
        Server("t").tool("t")(function)
    for part in parts:
        assert part in str(caught.value)
    with pytest.raises(RegistrationError, match="Depends: the argument must be a function"):
        Depends(3)


def test_context_managers_are_entered():
    app, seen = Server("t"), []

    @contextlib.contextmanager
    def opened(ctx: SyncContext):
        seen.append("in")
        try:
            yield ctx.name
        except ValueError:
            seen.append("failed")
            raise
        finally:
            seen.append("out")

    @contextlib.asynccontextmanager
    async def opened_on_loop():
        seen.append("in on loop")
        yield "value"
        seen.append("out of loop")

    @app.tool
    def sync(fails: bool, what: str = Depends(opened)) -> str:
        if fails:
            raise ValueError("no")
        return what

    @app.tool
    async def on_loop(what: str = Depends(opened_on_loop)) -> str:
        return what

    with pytest.raises(RegistrationError, match="opened_on_loop.* is async"):
        app.tool("wrong")(lambda what=Depends(opened_on_loop): what)
    with serving(app) as client:
        assert client.text("sync", fails=False) == "sync"
        assert client.text("on_loop") == "value"
        assert client.call("sync", fails=True)["isError"]
    assert seen == ["in", "out", "in on loop", "out of loop", "in", "failed", "out"]
