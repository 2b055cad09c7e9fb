"""Caches: results that later calls get without a run of the handler."""

import asyncio
import threading

import pytest
from tenon_mcp import Cache, Context, Image, RateLimit, RegistrationError, Server, ToolError
from tenon_mcp.testing import Client

ERAS = ["2025-11-25", "2026-07-28"]


@pytest.mark.parametrize("revision", ERAS)
def test_a_result_is_used_again(revision):
    app = Server("cached")
    ran = []

    @app.tool(cache=60)
    def forecast(city: str, days: int = 3) -> dict[str, str]:
        ran.append((city, days))
        return {"city": city, "run": str(len(ran))}

    with Client(app, revision=revision) as client:
        first = client.call_tool("forecast", {"city": "Rome"})
        again = client.call_tool("forecast", {"days": 3, "city": "Rome"})
        assert again.structured == first.structured == {"city": "Rome", "run": "1"}
        assert client.call_tool("forecast", {"city": "Rome", "days": 4}).structured["run"] == "2"
        assert ran == [("Rome", 3), ("Rome", 4)]


def test_everything_a_handler_returns_is_used_again():
    app = Server("cached")
    ran = []
    made = {"text": "é", "bytes": b"\x00\xff", "image": Image(b"png", "png"), "json": {"a": [1, None]}, "none": None}

    @app.tool(cache=Cache(60, max_entries=10))
    def make(what: str):
        ran.append(what)
        return made[what]

    @app.prompt(cache=60)
    def prompt(who: str) -> str:
        ran.append(who)
        return f"Hello {who}"

    @app.resource("data:bytes", cache=60)
    def data() -> bytes:
        ran.append("bytes")
        return b"\x00\xff"

    with Client(app) as client:
        for what in made:
            first, again = (client.call_tool("make", {"what": what}) for _ in range(2))
            assert again.content == first.content and again.structured == first.structured
        prompts = [client.get_prompt("prompt", {"who": "ann"}).messages for _ in range(2)]
        assert prompts[0] == prompts[1]
        reads = [client.read_resource("data:bytes").contents for _ in range(2)]
        assert reads[0] == reads[1]
    assert ran == [*made, "ann", "bytes"]


def test_failures_and_what_users_say_are_not_kept():
    app = Server("cached")
    ran = []

    @app.tool(cache=60)
    async def ask(ctx: Context, how: str) -> str:
        ran.append(how)
        if how == "raise":
            raise OSError("down")
        if how == "fail":
            raise ToolError("down")
        answer = await ctx.elicit("Name?", {"type": "object", "properties": {"name": {"type": "string"}}})
        return answer.content["name"]

    names = iter(["ann", "ben"])
    with Client(app, elicit=lambda _: {"name": next(names)}) as client:
        for how in ["raise", "fail"]:
            for _ in range(2):
                with pytest.raises(ToolError):
                    client.call_tool("ask", {"how": how})
        assert [client.call_tool("ask", {"how": "ask"}).text for _ in range(2)] == ["ann", "ben"]
    assert ran.count("raise") == ran.count("fail") == 2


def test_callers_have_results_of_their_own():
    app = Server("cached")

    @app.tool(cache=60)
    async def own(ctx: Context) -> str:
        return ctx.principal.subject

    @app.tool(cache=Cache(60, public=True))
    async def shared(ctx: Context) -> str:
        return ctx.principal.subject

    said = []
    for subject in ["ann", "ben"]:
        with Client(app, principal=subject) as client:
            said += [client.call_tool("own").text, client.call_tool("shared").text]
    assert said == ["ann", "ann", "ben", "ann"]


def test_calls_at_the_same_time_run_once():
    app = Server("cached")
    ran = []

    @app.tool(cache=60)
    async def slow() -> str:
        ran.append(1)
        while app_waits():
            await asyncio.sleep(0)
        return "done"

    started = threading.Event()

    def app_waits():
        return not started.is_set()

    async def all_calls():
        async with Client(app) as client:
            calls = [asyncio.ensure_future(client.call_tool("slow")) for _ in range(20)]
            while not ran:
                await asyncio.sleep(0)
            started.set()
            return {(await call).text for call in calls}

    assert asyncio.run(all_calls()) == {"done"}
    assert ran == [1]


def test_a_failure_that_follows_a_result_may_be_hidden():
    app = Server("cached")
    ran = []

    @app.tool(cache=Cache(0.001, stale_if_error=60))
    def flaky() -> str:
        ran.append(1)
        if len(ran) > 1:
            raise OSError("down")
        return "works"

    with Client(app) as client:
        texts = set()
        while len(ran) < 3:
            texts.add(client.call_tool("flaky").text)
        assert texts == {"works"}


def test_an_old_result_is_renewed_in_the_background():
    app = Server("cached")
    ran = []

    @app.tool(cache=Cache(0.001, stale_while_revalidate=60))
    def count() -> str:
        ran.append(1)
        return str(len(ran))

    with Client(app) as client:
        assert client.call_tool("count").text == "1"
        # Each result is followed by a newer one, because the handler runs again.
        while client.call_tool("count").text == "1":
            pass
        assert len(ran) >= 2


def test_a_limit_may_count_what_is_not_kept():
    app = Server("cached")

    @app.tool(cache=60, rate_limit=RateLimit(1, per=3600, counts="misses", refusal="result"))
    def count(key: str) -> str:
        return key

    with Client(app) as client:
        assert [client.call_tool("count", {"key": "a"}).text for _ in range(3)] == ["a"] * 3
        with pytest.raises(ToolError, match="Too many calls"):
            client.call_tool("count", {"key": "b"})


@pytest.mark.parametrize(
    ("cache", "why"),
    [
        (0, "cache must be a number of seconds above 0, not 0"),
        ("60", "cache must be a number of seconds above 0, or a dict with ttl, not '60'"),
        ({"max_entries": 5}, "cache needs the member ttl"),
        ({"ttl": 1, "max_bytes": 0}, "cache.max_bytes must be a positive integer, not 0"),
        ({"ttl": 1, "size": 5}, 'cache: there is no option "size"'),
    ],
)
def test_wrong_caches_are_refused(cache, why):
    app = Server("cached")
    with pytest.raises(RegistrationError) as refused:
        app.tool(cache=cache)(lambda: "x")
    assert why in str(refused.value)
