"""The server in the README does what the README says."""

from pathlib import Path

import pytest
from wire import Program

EXAMPLES = Path(__file__).resolve().parents[3] / "examples/python"
NOTES = EXAMPLES / "notes/server.py"
VIEWS = EXAMPLES / "views/server.py"
TRIPS = EXAMPLES / "trips/server.py"
RANGES = EXAMPLES / "trips/with_pydantic.py"


def test_the_notes():
    with Program(str(NOTES)) as program:
        client = program.client
        contents = client.request("resources/read", uri="notes://1")["result"]["contents"]
        assert contents == [{"uri": "notes://1", "mimeType": "text/plain", "text": "Buy milk."}]
        assert client.request("resources/read", uri="notes://2")["error"]["code"] == -32002
        (message,) = client.request("prompts/get", name="summarise")["result"]["messages"]
        assert "in a short style" in message["content"]["text"]
        assert client.call("draw")["content"][0]["mimeType"] == "image/png"
        call = client.start_call("delete", {"id": "1"})
        client.send(id=client.question()["id"], result={"action": "accept", "content": {"sure": True}})
        assert client.answer(call)["result"]["content"][0]["text"] == "Buy milk."
        call = client.start_call("delete", {"id": "1"})
        client.send(id=client.question()["id"], result={"action": "decline"})
        assert client.answer(call)["result"]["content"][0]["text"] == "The user did not agree."


def test_the_views():
    with Program(str(VIEWS)) as program:
        client = program.client
        (tool,) = client.request("tools/list")["result"]["tools"]
        view = client.request("resources/read", uri=tool["_meta"]["ui"]["resourceUri"])["result"]["contents"][0]
        assert view["mimeType"] == "text/html;profile=mcp-app" and view["_meta"] == {"ui": {"prefersBorder": True}}
        assert "<style>output" in view["text"] and '<script type="module">//' in view["text"]
        assert client.call("now")["structuredContent"] == {"hour": 12, "minute": 0}
        (skill,) = client.request("skills/list")["result"]["skills"]
        assert skill["uri"] == "skill://read-the-clock/SKILL.md"
        read = client.request("resources/read", uri=skill["uri"])["result"]["contents"][0]["text"]
        assert "description: " + skill["frontmatter"]["description"] in read


def test_the_trips():
    with Program(str(TRIPS)) as program:
        client = program.client
        place = {"city": "Lyon"}
        given = {"start": {"city": "Paris"}, "end": place, "leaves": "2026-07-28"}
        booked = client.call("book", trip=given)["structuredContent"]
        assert booked["start"] == {"city": "Paris", "country": "FR"} and booked["seats"] == "second"
        assert client.text("find", day="2026-07-27") == f"[{client.text('book', trip=booked)}]"
        assert client.text("find", day="2026-07-27", seats="first") == "[]"
        assert "/trip/end/country" in client.error("book", trip={**given, "end": {"city": "Rome", "country": "it"}})
        assert client.text("check") == "Paris to Lyon is on time"
        (message,) = client.request("prompts/get", name="plan", arguments={"day": "2026-07-28"})["result"]["messages"]
        assert message["content"]["text"] == "Plan a journey from 28 July to 29 July."
        read = client.request("resources/read", uri=f"trips://{booked['id']}")["result"]["contents"][0]["text"]
        assert '"city":"Paris"' in read


def test_the_ranges():
    pytest.importorskip("pydantic")
    with Program(str(RANGES)) as program:
        client = program.client
        assert client.text("split", whole={"high": 2}, parts=2) == '[{"low":0.0,"high":1.0},{"low":1.0,"high":2.0}]'
        assert "low must not be above high" in client.error("split", whole={"low": 3, "high": 2}, parts=2)
        assert "/parts" in client.error("split", whole={"high": 2}, parts=11)
