"""Rate limits: how many calls of an entry, and how many requests of a server, are admitted in a time."""

import json
import sys
from pathlib import Path

import pytest
from http_client import Peer, listening
from tenon_mcp import McpError, RateLimit, RegistrationError, Server, ToolError
from tenon_mcp.testing import Client
from wire import serving

sys.path.append(str(Path(__file__).parents[2] / "stores"))
from memory_store import MemoryStore

ERAS = ["2025-11-25", "2026-07-28"]


def searches(limit=None, /, **settings):
    app = Server("searches", **settings)

    @app.tool(rate_limit=limit)
    def search(city: str = "") -> str:
        return "found"

    return app


def is_refused(client, **arguments):
    try:
        return client.call_tool("search", arguments).text != "found"
    except McpError as error:
        assert error.code == -32603
        assert 'Too many calls: tool "search" takes' in str(error)
        assert error.data["retryAfterMs"] > 0
        return True


@pytest.mark.parametrize("revision", ERAS)
@pytest.mark.parametrize(
    "limit", ["2/h", RateLimit(2, per=3600), {"amount": 2, "per": 3600}, ["9/h", RateLimit(2, per=3600)]]
)
def test_calls_above_the_limit_are_refused(revision, limit):
    with Client(searches(limit), revision=revision) as client:
        assert [is_refused(client) for _ in range(4)] == [False, False, True, True]


def test_callers_and_arguments_have_allowances_of_their_own():
    app = searches(RateLimit(1, per=3600, by=["principal", "arguments.city"]))
    with Client(app, principal="ann") as ann, Client(app, principal="ben") as ben:
        for client in (ann, ben):
            assert [is_refused(client, city=city) for city in ("Rome", "Oslo", "Rome")] == [False, False, True]


def test_a_refusal_can_be_a_result_with_a_text():
    limit = RateLimit(1, per=0.5, burst=1, window="bucket", refusal="result", text="Wait {wait} s.")
    with Client(searches(limit)) as client:
        client.call_tool("search", {})
        with pytest.raises(ToolError, match=r"^Wait 1 s\.$"):
            client.call_tool("search", {})


def test_a_request_above_the_limit_of_the_server_is_answered_with_429():
    with listening(searches(rate_limit=RateLimit(1, per=3600, by="address"))) as url:
        peer = Peer(url)
        first = peer.post("tools/list", modern=True, id=1)
        assert (first.status, "error" in json.loads(first.read())) == (200, False)
        reply = peer.post("tools/list", modern=True, id=2)
        assert (reply.status, reply.getheader("retry-after")) == (429, "3600")
        error = json.loads(reply.read())["error"]
        assert "the server takes 1 request per hour for each address" in error["message"]


@pytest.mark.parametrize("revision", ERAS)
def test_a_store_of_the_program_has_the_allowances(revision):
    with Client(searches("2/h", store=MemoryStore()), revision=revision) as client:
        assert [is_refused(client) for _ in range(3)] == [False, False, True]


class Failing:
    async def submit(self, op):
        raise OSError("the disk is gone")


def test_calls_are_refused_or_pass_if_the_store_fails():
    with Client(searches("2/h", store=Failing())) as client, pytest.raises(McpError, match="the store is unavailable"):
        client.call_tool("search", {})
    with Client(searches(RateLimit(2, per=3600, on_store_failure="pass"), store=Failing())) as client:
        assert client.call_tool("search", {}).text == "found"


def test_a_rate_limit_shows_its_members():
    limit = RateLimit(5, per=60, by="principal", text=None)
    assert limit == {"amount": 5, "per": 60, "by": "principal"}
    assert repr(limit) == "RateLimit(amount=5, per=60, by='principal')"


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (5, "rate_limit must be a str such as '60/min', a dict with amount and per, or a list of these, not 5"),
        ("many", "rate_limit: \"many\" is no rate"),
        (RateLimit(5), "rate_limit needs the member per"),
        (RateLimit(0, per=1), "rate_limit.amount must be a positive integer, not 0"),
        (RateLimit(5, per=-1), "rate_limit.per must be a number of seconds above 0, not -1"),
        (RateLimit(float("nan"), per=1), "rate_limit"),
        (RateLimit(5, per=float("nan")), "rate_limit"),
        (RateLimit(5, per=1, by="user"), "rate_limit.by: there is no key \"user\"; the keys are global, entry,"),
        (RateLimit(5, per=1, by="arguments.town"), "there is no argument \"town\"; the nearest name is \"city\""),
        (RateLimit(5, per=1, burst=2, window="sliding"), "a sliding window has no burst"),
        (RateLimit(5, per=1, window="fixed"), "rate_limit.window must be 'sliding' or 'bucket', not 'fixed'"),
    ],
)
def test_wrong_limits_are_refused(limit, text):
    with pytest.raises(RegistrationError) as caught:
        searches(limit)
    assert text in str(caught.value)


@pytest.mark.parametrize("modern", [False, True])
@pytest.mark.parametrize("limit", [None, "1000/h"])
def test_every_request_has_the_same_answer_if_the_store_is_asked_first(modern, limit):
    app = searches(store=MemoryStore(), rate_limit=limit)

    @app.prompt
    def greet() -> str:
        return "hello"

    @app.middleware(ops=["prompt_list"])
    async def around(ctx, call_next):
        return await call_next()

    with serving(app, modern=modern) as client:
        asked = {
            "prompts/list": {},
            "tools/list": {},
            "tools/call": {"name": "search", "arguments": {"city": 5}},
            "prompts/get": {"name": "greet"},
            "tasks/get": {"taskId": "nobody"},
            "no/such": {},
        }
        answers = {method: client.request(method, **params) for method, params in asked.items()}
    assert "in flight" not in str(answers)
    assert [prompt["name"] for prompt in answers["prompts/list"]["result"]["prompts"]] == ["greet"]
    assert answers["prompts/get"]["result"]["messages"][0]["content"]["text"] == "hello"
    assert answers["no/such"]["error"]["code"] == -32601


def test_a_provider_behind_middleware_is_limited():
    app = Server("rows")
    listed = []

    def rows():
        listed.append(1)
        return [{"uri": "row://1", "name": "row 1"}]

    app.resource_provider("row://{id}", list=rows, read=lambda id: id, rate_limit="1/h")

    @app.middleware(ops=["resource_list"])
    async def around(ctx, call_next):
        return await call_next()

    with Client(app) as client:
        assert len(client.list_resources()) == 1
        with pytest.raises(McpError, match="Too many calls: "):
            client.list_resources()
    assert listed == [1]
