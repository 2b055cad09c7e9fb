"""Limiters, circuit breakers and the cache that handlers use by code."""

import asyncio
import json
import threading

import pytest
from tenon_mcp import (
    BreakerOpen,
    CircuitBreaker,
    Context,
    NotFound,
    RateLimit,
    RegistrationError,
    Server,
    SyncContext,
    ToolError,
)
from tenon_mcp.testing import Client

LIMITERS = {"api": RateLimit(2, per=3600), "fast": "1000/s"}
BREAKERS = {"api": CircuitBreaker(failures=2, open_for=3600)}


def server(**options) -> Server:
    return Server("resilient", limiters=LIMITERS, breakers=BREAKERS, **options)


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_a_limiter_says_how_long_to_wait(kind):
    app = server()

    @app.tool(name="async")
    async def on_loop(ctx: Context) -> list[float]:
        await ctx.limiter("fast").acquire()
        return [ctx.limiter("api").try_acquire() for _ in range(3)]

    @app.tool(name="sync")
    def in_pool(ctx: SyncContext) -> list[float]:
        ctx.limiter("fast").acquire()
        return [ctx.limiter("api").try_acquire() for _ in range(3)]

    with Client(app) as client:
        first, second, third = client.call_tool(kind).structured
    assert (first, second) == (0, 0)
    assert 3500 < third <= 3600


def test_a_service_tells_its_own_limit():
    app = server()

    @app.tool
    async def fetch(ctx: Context) -> float:
        limiter = ctx.limiter("fast")
        limiter.feed({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "120"})
        return limiter.try_acquire()

    with Client(app) as client:
        assert 100 < client.call_tool("fetch").structured <= 120


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_a_breaker_opens_after_failures(kind):
    app = server()
    ran = []

    def fail(error: str):
        ran.append(error)
        raise {"os": OSError("down"), "none": NotFound("x")}[error]

    @app.tool(name="async")
    async def on_loop(error: str, ctx: Context) -> str:
        async def call():
            fail(error)

        return await ctx.breaker("api").run(call)

    @app.tool(name="sync")
    def in_pool(error: str, ctx: SyncContext) -> str:
        return ctx.breaker("api").run(lambda: fail(error))

    with Client(app) as client:
        for error in ("none", "os", "none", "os", "os", "none"):
            with pytest.raises(ToolError) as raised:
                client.call_tool(kind, {"error": error})
    # What does not exist is no failure, and no success either.
    assert ran == ["none", "os", "none", "os"]
    assert str(raised.value) == "Circuit breaker open for api: try again in 3600 s"


def test_a_permit_records_the_result():
    app = server()

    @app.tool
    def use(ctx: SyncContext) -> list[object]:
        breaker = ctx.breaker("api")
        for _ in range(2):
            permit = breaker.allow()
            permit.record(False)
            permit.record(True)
        try:
            breaker.allow()
        except BreakerOpen as error:
            return [str(error), error.retry_after > 3500]
        return []

    with Client(app) as client:
        assert json.loads(client.call_tool("use").text) == ["Circuit breaker open for api: try again in 3600 s", True]


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_calls_that_want_one_value_share_one_run(kind):
    app = server()
    ran, waiting = [], threading.Event()

    @app.tool(name="async")
    async def on_loop(key: str, ctx: Context) -> dict[str, int]:
        async def load():
            ran.append(key)
            while not waiting.is_set():
                await asyncio.sleep(0.001)
            return {"runs": len(ran)}

        return await ctx.cache.get_or_set(key, 60, load)

    @app.tool(name="sync")
    def in_pool(key: str, ctx: SyncContext) -> dict[str, int]:
        def load():
            ran.append(key)
            waiting.wait(30)
            return {"runs": len(ran)}

        return ctx.cache.get_or_set(key, 60, load)

    with Client(app) as client:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(4) as pool:
            calls = [pool.submit(client.call_tool, kind, {"key": "a"}) for _ in range(4)]
            waiting.set()
            results = [call.result().structured for call in calls]
    assert results == [{"runs": 1}] * 4
    assert ran == ["a"]


def test_an_exception_is_not_kept_and_values_can_be_removed():
    app = server()
    ran = []

    @app.tool
    async def fetch(ctx: Context, fails: bool = False) -> int:
        async def load():
            ran.append(fails)
            if fails:
                raise OSError("down")
            return len(ran)

        return await ctx.cache.get_or_set("key", 60, load)

    @app.tool
    async def drop(ctx: Context) -> list[object]:
        ctx.cache.put("other", [1, None], 60)
        seen = [ctx.cache.get("other"), ctx.cache.get("none", "absent")]
        deleted = [ctx.cache.delete("key"), ctx.cache.delete("key")]
        ctx.cache.clear()
        return [*seen, *deleted, ctx.cache.get("other")]

    with Client(app) as client:
        with pytest.raises(ToolError, match="down"):
            client.call_tool("fetch", {"fails": True})
        assert client.call_tool("fetch").structured == 2
        assert client.call_tool("fetch").structured == 2
        assert json.loads(client.call_tool("drop").text) == [[1, None], "absent", True, False, None]
        assert client.call_tool("fetch").structured == 3


def test_if_the_call_that_produces_is_cancelled_another_one_takes_over():
    app = server()
    ran = []

    @app.tool
    async def race(ctx: Context) -> list[object]:
        async def load():
            ran.append(1)
            if len(ran) == 1:
                await asyncio.sleep(3600)
            return len(ran)

        first, second = (asyncio.ensure_future(ctx.cache.get_or_set("key", 60, load)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        return [await second, first.cancelled()]

    with Client(app) as client:
        assert json.loads(client.call_tool("race").text) == [2, True]


def test_the_parts_of_a_mounted_server_are_its_own():
    inner, outer = server(), Server("outer")

    @inner.tool
    async def inside(ctx: Context) -> float:
        ctx.cache.put("key", "inner", 60)
        return ctx.limiter("api").try_acquire()

    @outer.tool
    async def outside(ctx: Context) -> object:
        return ctx.cache.get("key")

    outer.mount(inner)
    with Client(outer) as client:
        assert client.call_tool("inside").structured == 0
        assert client.call_tool("outside").structured is None


def test_wrong_names_and_values_are_refused():
    app = server()
    errors = []

    @app.tool
    async def use(ctx: Context) -> None:
        for call in (
            lambda: ctx.limiter("b"),
            lambda: ctx.breaker("b"),
            lambda: ctx.cache.put("key", object(), 60),
            lambda: ctx.cache.put("key", 1, 0),
        ):
            try:
                call()
            except (RegistrationError, ValueError) as error:
                errors.append(str(error))

    with Client(app) as client:
        client.call_tool("use")
    assert errors[:2] == [
        'there is no "b" in the setting limiters, which has api, fast',
        'there is no "b" in the setting breakers, which has api',
    ]
    assert errors[2].startswith("cache: the value of \"key\": ")
    assert errors[3] == "cache: ttl must be a number of seconds above 0, not 0"
    with pytest.raises(RegistrationError, match="limiters.a.by is for policies of entries"):
        Server("x", limiters={"a": RateLimit(1, per=1, by="principal")})
    with pytest.raises(RegistrationError, match="breakers.a must be a dict, not 5"):
        Server("x", breakers={"a": 5})


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_a_function_that_asks_for_its_own_key_fails(kind):
    app = server()

    @app.tool(name="async")
    async def on_loop(ctx: Context) -> int:
        async def load():
            return await ctx.cache.get_or_set("key", 60, load)

        return await ctx.cache.get_or_set("key", 60, load)

    @app.tool(name="sync")
    def in_pool(ctx: SyncContext) -> int:
        def load():
            return ctx.cache.get_or_set("key", 60, load)

        return ctx.cache.get_or_set("key", 60, load)

    with Client(app) as client:
        for _ in range(2):
            with pytest.raises(ToolError, match="the function for 'key' asks for its own key"):
                client.call_tool(kind)


def test_each_call_gets_an_object_of_its_own():
    app = server()

    @app.tool
    async def use(ctx: Context) -> list[object]:
        async def load():
            await asyncio.sleep(0)
            return {"a": []}

        first, second = await asyncio.gather(*(ctx.cache.get_or_set("key", 60, load) for _ in range(2)))
        first["a"].append(1)
        return [second, ctx.cache.get("key")]

    with Client(app) as client:
        assert json.loads(client.call_tool("use").text) == [{"a": []}, {"a": []}]


def test_the_end_of_a_call_is_no_failure_of_others():
    app = server()
    ran, began, waits = [], threading.Event(), threading.Event()

    @app.tool(timeout=0.05)
    def short(ctx: SyncContext) -> int:
        def load():
            ran.append("short")
            began.set()
            while not ctx.cancelled:
                threading.Event().wait(0.001)
            waits.wait(30)
            raise OSError("ended")

        return ctx.cache.get_or_set("key", 60, load)

    @app.tool
    def patient(ctx: SyncContext) -> int:
        waits.set()
        return ctx.cache.get_or_set("key", 60, lambda: 7)

    with Client(app) as client:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as pool:
            failed = pool.submit(client.call_tool, "short")
            assert began.wait(30)
            assert client.call_tool("patient").structured == 7
            with pytest.raises(ToolError, match="timed out"):
                failed.result()


def test_headers_have_many_forms():
    app = server()

    @app.tool
    async def use(ctx: Context) -> list[bool]:
        waits = []
        for headers in ({b"Retry-After": b"60"}, [("retry-after", "60")], {"Retry-After": ["60"], "X-Other": "\udce9"}):
            ctx.limiter("fast").feed(headers)
            waits.append(ctx.limiter("fast").try_acquire() > 50)
        try:
            ctx.cache.put("key", 1, float("nan"))
        except ValueError:
            waits.append(True)
        return waits

    with Client(app) as client:
        assert client.call_tool("use").structured == [True] * 4
