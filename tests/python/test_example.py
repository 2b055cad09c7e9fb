"""The server of the README does what it shows."""

from pathlib import Path

from wire import Program

NOTES = Path(__file__).resolve().parents[2] / "examples/python/notes/server.py"


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
