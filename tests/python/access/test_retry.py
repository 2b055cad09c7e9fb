"""Retries: handlers that run again after they have failed."""

import asyncio

import pytest
from tenon_mcp import NotFound, RegistrationError, Retry, Server, SyncContext, ToolError
from tenon_mcp.testing import Client

ERAS = ["2025-11-25", "2026-07-28"]


@pytest.mark.parametrize("revision", ERAS)
@pytest.mark.parametrize("thread", ["pool", "loop"])
def test_a_handler_that_raises_runs_again(revision, thread):
    app = Server("retried")
    ran = []

    async def on_loop(failures: int) -> str:
        return in_pool(failures)

    def in_pool(failures: int) -> str:
        ran.append(failures)
        if len(ran) <= failures:
            raise OSError(f"down {len(ran)}")
        return f"run {len(ran)}"

    handler = on_loop if thread == "loop" else in_pool
    app.tool(name="fetch", idempotent=True, retry=Retry(attempts=3, backoff=0.001))(handler)
    with Client(app, revision=revision) as client:
        assert client.call_tool("fetch", {"failures": 2}).text == "run 3"
        ran.clear()
        with pytest.raises(ToolError, match="down 3"):
            client.call_tool("fetch", {"failures": 9})
        assert len(ran) == 3


@pytest.mark.parametrize(("error", "runs"), [(OSError, 2), (ToolError, 1), (NotFound, 1)])
def test_only_exceptions_are_retried(error, runs):
    app = Server("retried")
    ran = []

    @app.tool(annotations={"readOnlyHint": True}, retry=2)
    def fetch() -> str:
        ran.append(1)
        raise error("x")

    with Client(app) as client, pytest.raises(ToolError):
        client.call_tool("fetch")
    assert len(ran) == runs


def test_each_attempt_has_a_state_of_its_own():
    app = Server("retried")
    seen = []

    @app.tool(idempotent=True, retry=Retry(backoff=0.001))
    def fetch(ctx: SyncContext) -> str:
        seen.append(dict(ctx.state))
        ctx.state["attempt"] = len(seen)
        if len(seen) < 3:
            raise OSError("down")
        return "works"

    with Client(app) as client:
        assert client.call_tool("fetch").text == "works"
    assert seen == [{}, {}, {}]


def test_middleware_runs_with_each_attempt():
    app = Server("retried")
    around = []

    @app.middleware
    async def count(ctx, call_next):
        around.append(1)
        return await call_next()

    @app.tool(idempotent=True, retry=Retry(backoff=0.001))
    async def fetch() -> str:
        if len(around) < 3:
            raise OSError("down")
        return "works"

    with Client(app) as client:
        assert client.call_tool("fetch").text == "works"
    assert len(around) == 3


def test_a_cancelled_call_does_not_run_again():
    app = Server("retried")
    ran = []

    @app.tool(idempotent=True, retry=Retry(attempts=10, backoff=60, max_backoff=60))
    async def fetch() -> str:
        ran.append(1)
        raise OSError("down")

    async def cancel():
        async with Client(app) as client:
            call = asyncio.ensure_future(client.call_tool("fetch"))
            while not ran:
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)

    asyncio.run(cancel())
    assert ran == [1]


def test_resources_and_prompts_are_read_again():
    app = Server("retried")
    ran = []

    def flaky() -> str:
        ran.append(1)
        if len(ran) % 2:
            raise OSError("down")
        return "works"

    app.resource("a:b", retry=Retry(backoff=0.001))(flaky)
    app.prompt(name="p", retry=Retry(backoff=0.001))(flaky)
    with Client(app) as client:
        assert client.read_resource("a:b").text == "works"
        assert client.get_prompt("p").messages[0]["content"]["text"] == "works"
    assert len(ran) == 4


@pytest.mark.parametrize(
    ("policies", "why"),
    [
        ({"retry": 3}, "a handler that may not run again cannot be retried: set idempotent"),
        ({"retry": 1, "idempotent": True}, "retry must be an integer from 2, not 1"),
        ({"retry": {"attempts": 11}, "idempotent": True}, "retry.attempts must be 2 to 10, not 11"),
        ({"retry": Retry(counts=["timeouts"]), "idempotent": True}, "calls that take too long are not retried"),
        ({"retry": 3, "idempotent": True, "confirm": "Sure?"}, "set retry or confirm"),
    ],
)
def test_wrong_policies_are_refused(policies, why):
    app = Server("retried")
    with pytest.raises(RegistrationError) as refused:
        app.tool(name="x", **policies)(lambda: "x")
    assert why in str(refused.value)
