"""The server of the README does what it shows."""

from pathlib import Path

from wire import Program

EXAMPLES = Path(__file__).resolve().parents[2] / "examples/python"
NOTES = EXAMPLES / "notes/server.py"
VIEWS = EXAMPLES / "views/server.py"


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
