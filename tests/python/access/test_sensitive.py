"""Sensitive operations: audit events, and calls that the user confirms."""

import json
import logging
import queue
import subprocess
import sys
from pathlib import Path

import pytest
from tenon_mcp import McpError, RegistrationError, Server, ToolError
from tenon_mcp.testing import Client
from wire import SECONDS, serving

ERAS = ["2025-11-25", "2026-07-28"]


def payments(sink="log", /, **policies):
    app = Server("payments", audit=sink)
    paid = []

    @app.tool(**policies)
    def pay(amount: float, card: str = "") -> str:
        if amount < 0:
            raise ToolError("not this one")
        paid.append(amount)
        return f"paid {amount:g}"

    return app, paid


def events(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.parametrize("revision", ERAS)
def test_each_call_is_recorded(tmp_path, revision):
    file = tmp_path / "audit.jsonl"
    app, _ = payments(file, audit=["amount"])
    with Client(app, revision=revision, principal="ada") as client:
        assert client.call_tool("pay", {"amount": 5, "card": "hunter2"}).text == "paid 5"
        for wrong in ({"amount": -1, "card": "hunter2"}, {"amount": "much", "card": "hunter2"}):
            with pytest.raises((ToolError, McpError)):
                client.call_tool("pay", wrong)
        recorded = events(file)
        assert [event["outcome"] for event in recorded] == ["ok", "failed", "refused"]
        assert [event["arguments"] for event in recorded] == [{"amount": 5}, {"amount": -1}, {"amount": "much"}]
        assert all(event["subject"] == "ada" and event["name"] == "pay" for event in recorded)
        assert recorded[2]["stage"] == "arguments"
    assert "hunter2" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_tools_without_the_policy_are_not_recorded(tmp_path):
    file = tmp_path / "audit.jsonl"
    app, _ = payments(str(file))
    with Client(app) as client:
        client.call_tool("pay", {"amount": 5})
    # The start of the server has created it.
    assert file.read_text() == ""


def test_events_go_to_a_logger_of_their_own():
    kept = queue.Queue()

    class Handler(logging.Handler):
        def emit(self, record):
            kept.put(record)

    logger, handler = logging.getLogger("tenon_mcp.audit"), Handler()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        app, _ = payments(audit=True)
        with serving(app) as client:
            assert client.request("tools/call", name="pay", arguments={"amount": 5})["result"]
            record = kept.get(timeout=SECONDS)
    finally:
        logger.setLevel(logging.NOTSET)
        logger.removeHandler(handler)
    assert record.levelno == logging.INFO
    event = json.loads(record.getMessage())
    assert event["outcome"] == "ok" and "arguments" not in event and event["digest"].startswith("hmac-sha256:")


@pytest.mark.parametrize("is_async", [False, True])
def test_a_hook_gets_events(is_async):
    app, _ = payments(audit=["amount"])
    kept = queue.Queue()

    def heard(outcome, **event):
        kept.put((outcome, event))

    async def heard_on_loop(outcome, **event):
        kept.put((outcome, event))

    app.on("audit")(heard_on_loop if is_async else heard)
    with serving(app) as client:
        assert client.request("tools/call", name="pay", arguments={"amount": 5, "card": "hunter2"})["result"]
        outcome, event = kept.get(timeout=SECONDS)
    assert outcome == "ok" and event["arguments"] == {"amount": 5} and event["name"] == "pay"
    assert "hunter2" not in json.dumps(event)


@pytest.mark.parametrize("revision", ERAS)
def test_the_user_confirms(tmp_path, revision):
    file = tmp_path / "audit.jsonl"
    app, paid = payments(file, confirm="Pay the amount?", audit=True)
    asked = []

    def agree(params):
        asked.append(params["message"])
        return {}

    with Client(app, revision=revision, elicit=agree) as client:
        assert client.call_tool("pay", {"amount": 5}).text == "paid 5"
    assert (asked, paid) == (["Pay the amount?"], [5])
    with Client(app, revision=revision, elicit=False) as client:
        with pytest.raises(ToolError, match="did not run: the user declined"):
            client.call_tool("pay", {"amount": 6})
    with Client(app, revision=revision) as client:
        with pytest.raises((ToolError, McpError), match="needs the user's agreement"):
            client.call_tool("pay", {"amount": 7})
    assert paid == [5]
    refused = [event["by"] for event in events(file) if event["outcome"] == "refused"]
    assert refused == ["declined", "client_capability"]


def test_a_state_counts_once():
    app, paid = payments(confirm="Pay the amount?")
    with serving(app, modern=True) as client:
        call = {"name": "pay", "arguments": {"amount": 5}}
        result = client.request("tools/call", **call)["result"]
        (key,) = result["inputRequests"]
        agreed = {"inputResponses": {key: {"action": "accept", "content": {}}}, "requestState": result["requestState"]}
        assert client.request("tools/call", **call, **agreed)["result"]["content"][0]["text"] == "paid 5"
        assert "already used" in client.request("tools/call", **call, **agreed)["error"]["message"]
    assert paid == [5]


def test_a_tool_that_takes_any_names_records_any(tmp_path):
    file = tmp_path / "audit.jsonl"
    app = Server("payments", audit=str(file))

    @app.tool(audit=["foo"])
    def untyped(amount: float, **rest) -> str:
        return f"{amount:g} {sorted(rest)}"

    @app.tool(audit=["foo"])
    def typed(amount: float, **rest: int) -> str:
        return f"{amount:g} {sorted(rest)}"

    @app.method("acme/pay", audit=["foo"])
    def method(**rest) -> dict:
        return rest

    with Client(app) as client:
        for name in ("untyped", "typed"):
            assert client.call_tool(name, {"amount": 5, "foo": 1, "bar": 2}).text == "5 ['bar', 'foo']"
    assert [event["arguments"] for event in events(file)] == [{"foo": 1}, {"foo": 1}]
    with pytest.raises(RegistrationError, match="there is no argument 'foo'|there is no argument \"foo\""):
        payments(audit=["foo"])
    with pytest.raises(RegistrationError, match="there is no argument"):

        @app.tool(audit=["foo"], unknown_arguments="refuse")
        def refusing(amount: float, **rest) -> str:
            return ""


def test_wrong_values_are_refused():
    with pytest.raises(RegistrationError, match="True, False or a list of names of arguments"):
        payments(audit="amount")
    with pytest.raises(RegistrationError, match="confirm must be a text of 1 to 2048 bytes"):
        payments(confirm="")


def test_the_example(tmp_path):
    program, file = Path(__file__).parents[3] / "examples/python/sensitive/server.py", tmp_path / "audit.jsonl"
    lines = [
        {
            "id": 0,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"},
            },
        },
        {"method": "notifications/initialized"},
        {
            "id": 1,
            "method": "tools/call",
            "params": {"name": "transfer", "arguments": {"account": "DE1", "amount": 5}},
        },
    ]
    text = "".join(json.dumps({"jsonrpc": "2.0", **line}) + "\n" for line in lines)
    ran = subprocess.run(
        [sys.executable, program, file], input=text, capture_output=True, text=True, timeout=SECONDS, check=True
    )
    assert "needs the user's agreement" in ran.stdout
    (event,) = events(file)
    assert event["arguments"] == {"account": "DE1"} and event["by"] == "client_capability"
