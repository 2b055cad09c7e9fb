"""The policies of entries while the server runs."""

import pytest
from tenon_mcp import Cache, CircuitBreaker, McpError, RegistrationError, Retry, Server, ToolError
from tenon_mcp.testing import Client


def counted(**policies):
    app = Server("controlled")
    ran = []

    @app.tool(**policies)
    def count(how: str = "") -> str:
        ran.append(how)
        if how == "raise":
            raise OSError("down")
        return str(len(ran))

    return app, ran


def test_what_applies_is_shown():
    app, _ = counted(
        cache=Cache(60, public=True), rate_limit="5/min", max_concurrency=2, idempotent=True,
        retry=Retry(backoff=0.001), circuit_breaker=CircuitBreaker(failures=1, by="arguments.how"),
    )  # fmt: skip
    with Client(app) as client:
        client.call_tool("count")
        with pytest.raises(ToolError):
            client.call_tool("count", {"how": "raise"})
        shown = app.policies.of("tool", "count")
    assert shown["policies"]["cache"] == {"ttl": 60, "public": True}
    assert shown["switched_off"] == []
    assert shown["state"] == {
        "max_concurrency": {"running": 0, "waiting": 0},
        "circuit_breaker": {"circuits": 1, "open": 1},
        "retry": {"left": 10},
        "cache": {"entries": 1, "bytes": 193},
        "rate_limit": [{"limit": "5 calls per minute", "left": 3}],
    }
    assert app.policies.of("tool", "nothing") is None


def test_policies_change_while_the_server_runs():
    app, ran = counted(cache=60)
    with Client(app) as client:
        assert [client.call_tool("count").text for _ in range(2)] == ["1", "1"]
        app.policies.change("tool", "count", cache=None, rate_limit={"amount": 1, "per": 3600})
        assert client.call_tool("count").text == "2"
        with pytest.raises(McpError, match="Too many calls"):
            client.call_tool("count")
        app.policies.disable("tool", "count", "rate_limit")
        assert client.call_tool("count").text == "3"
        assert app.policies.of("tool", "count")["switched_off"] == ["rate_limit"]
        app.policies.enable("tool", "count", "rate_limit")
        with pytest.raises(McpError, match="Too many calls"):
            client.call_tool("count")
        app.policies.clear("tool", "count")
        assert client.call_tool("count").text == "4"
    assert len(ran) == 4


def test_kept_results_are_cleared():
    app, _ = counted(cache=Cache(60))
    with Client(app) as client:
        assert client.call_tool("count").text == client.call_tool("count").text == "1"
        app.policies.clear("tool", "count", "cache")
        assert client.call_tool("count").text == "2"


def test_a_provider_has_one_name():
    app = Server("controlled")
    reads = []

    def read(id: str) -> str:
        reads.append(id)
        return id

    app.resource_provider("row://{id}", list=lambda: [{"uri": "row://1", "name": "one"}], read=read, cache=60)

    with Client(app) as client:
        for _ in range(2):
            assert client.read_resource("row://1").text == "1"
        assert client.list_resources()[0]["uri"] == "row://1"
        app.policies.clear("resource_provider", "row://{id}", "cache")
        client.read_resource("row://1")
        app.policies.change("resource_provider", "row://{id}", cache=None)
        client.read_resource("row://1")
    assert len(reads) == 3


@pytest.mark.parametrize(
    ("policies", "why"),
    [
        ({"rate_limit": "fast"}, "'fast' is no rate"),
        ({"rate_limits": "1/s"}, 'there is no option "rate_limits"; the nearest name is "rate_limit"'),
        ({"scopes": ["a"]}, "scopes cannot change while the server runs"),
        ({"retry": 3}, "a handler that may not run again cannot be retried"),
    ],
)
def test_wrong_changes_are_refused(policies, why):
    app, _ = counted(cache=60)
    before = app.policies.of("tool", "count")
    with pytest.raises(RegistrationError) as refused:
        app.policies.change("tool", "count", **policies)
    assert why.replace("'", '"') in str(refused.value).replace("'", '"')
    assert app.policies.of("tool", "count") == before
    with pytest.raises(RegistrationError, match='there is no tool "nothing"'):
        app.policies.change("tool", "nothing", cache=None)
