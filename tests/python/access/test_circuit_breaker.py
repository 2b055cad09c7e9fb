"""Circuit breakers: calls are refused for a time after too many have failed."""

import pytest
from tenon_mcp import CircuitBreaker, McpError, NotFound, RegistrationError, Server, ToolError
from tenon_mcp.testing import Client

ERAS = ["2025-11-25", "2026-07-28"]


def fetches(**breaker):
    app = Server("fetches")
    ran = []

    @app.tool(circuit_breaker=CircuitBreaker(**breaker))
    def fetch(api: str, how: str = "") -> str:
        ran.append(api)
        if how == "raise":
            raise OSError("down")
        if how == "fail":
            raise ToolError("down")
        if how == "lost":
            raise NotFound(api)
        return "fetched"

    return app, ran


def call(client, how="", api="a"):
    """How a call ends: with a text, with a failed result, or refused."""
    try:
        return client.call_tool("fetch", {"api": api, "how": how}).text
    except ToolError:
        return "failed"
    except McpError as error:
        assert error.data["retryAfterMs"] > 0
        return str(error)


@pytest.mark.parametrize("revision", ERAS)
def test_exceptions_open_the_circuit(revision):
    app, ran = fetches(failures=2, open_for=3600, by="arguments.api", text="{api} is down for {wait} s.")
    with Client(app, revision=revision) as client:
        assert [call(client, "raise") for _ in range(2)] == ["failed"] * 2
        assert call(client).startswith("a is down for 3600 s.")
        assert call(client, api="b") == "fetched"
        assert ran == ["a", "a", "b"]


def test_a_probe_closes_it():
    app, _ = fetches(failures=1, open_for=0.001)
    with Client(app) as client:
        call(client, "raise")
        # The circuit has been open for long enough as soon as a call passes.
        while (text := call(client)) != "fetched":
            assert "have failed, so none is made" in text
        assert [call(client) for _ in range(3)] == ["fetched"] * 3


@pytest.mark.parametrize(
    ("counts", "how", "opens"),
    [
        (None, "fail", False),
        (None, "lost", False),
        (["failed"], "fail", True),
        (["failed", "errors", "exceptions"], "lost", False),
        (["failed"], "raise", False),
        (["exceptions", "failed"], "raise", True),
    ],
)
def test_what_counts_is_declared(counts, how, opens):
    app, ran = fetches(failures=1, counts=counts)
    with Client(app) as client:
        assert call(client, how) == "failed"
        assert (call(client) != "fetched") == opens
        assert len(ran) == (1 if opens else 2)


@pytest.mark.parametrize(
    ("breaker", "text"),
    [
        ({"failures": 0}, "circuit_breaker.failures must be a positive integer, not 0"),
        ({"failures": float("nan")}, "circuit_breaker"),
        ({"open_for": 0}, "circuit_breaker.open_for must be a number of seconds above 0, not 0"),
        ({"failure_percent": 101}, "circuit_breaker.failure_percent must be 1 to 100, not 101"),
        ({"by": "session"}, 'circuit_breaker.by: "session" has no circuits; the keys are entry and arguments.NAME'),
        ({"by": "arguments.apy"}, 'there is no argument "apy"; the nearest name is "api"'),
        ({"counts": ["everything"]}, 'there is no failure "everything"'),
        ({"failure": 3}, 'there is no option "failure"; the nearest name is "failures"'),
    ],
)
def test_wrong_breakers_are_refused(breaker, text):
    with pytest.raises(RegistrationError) as caught:
        fetches(**breaker)
    assert text in str(caught.value)
