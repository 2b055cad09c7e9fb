"""Python tools behind Streamable HTTP, in both eras."""

import asyncio
import json
import socket
import threading

import pytest
from http_client import Peer, events, listening, text
from tenon_mcp import Context, Server, SyncContext
from wire import ENVELOPE, SECONDS

FORM = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def make():
    app = Server("t")

    @app.tool
    def add(a: int, b: int) -> int:
        return a + b

    @app.tool
    async def count(ctx: Context) -> str:
        for n in (1, 2):
            ctx.progress(n, 2)
            await asyncio.sleep(0)
        return "counted"

    @app.tool
    async def session(ctx: Context) -> str:
        return str(ctx.session_id)

    @app.tool
    async def ask(ctx: Context) -> str:
        return (await ctx.elicit("Name?", FORM)).content["name"]

    @app.tool
    def ask_sync(ctx: SyncContext) -> str:
        return ctx.elicit("Name?", FORM).content["name"]

    return app


def test_an_address_has_a_share():
    limits = {"max_address_connections": 100, "max_address_buffered_bytes": 1 << 20, "max_address_calls": 100}
    with listening(Server("t", max_address_streams=1, max_session_listens=2, **limits)) as url:
        first, second = Peer(url), Peer(url)
        for peer, status in ((first, 200), (second, 429)):
            headers = {"Accept": "text/event-stream", "Mcp-Session-Id": peer.open_session()}
            peer.connection.request("GET", peer.path, headers=headers)
            response = peer.connection.getresponse()
            assert response.status == status
        assert response.getheader("Retry-After") == "1"
        assert "max_address_streams" in json.loads(response.read())["error"]["message"]
        assert second.post("ping", id=2).status == 200


def test_stateless_calls():
    with listening(make()) as url:
        peer = Peer(url)
        response = peer.call("add", {"a": 1, "b": 2}, modern=True)
        assert response.getheader("Content-Type") == "application/json"
        assert text(json.loads(response.read())) == "3"
        progress = {"_meta": {"progressToken": "p"}}
        first, second, last = events(peer.call("count", modern=True, **progress))
        assert [first["params"]["progress"], second["params"]["progress"]] == [1, 2]
        assert text(last) == "counted"
        assert text(json.loads(peer.call("session", modern=True).read())) == "None"


def test_sessions():
    with listening(make()) as url:
        peer = Peer(url)
        session = peer.open_session()
        assert text(json.loads(peer.call("add", {"a": 1, "b": 2}).read())) == "3"
        assert text(json.loads(peer.call("session").read())) == session


@pytest.mark.parametrize("name", ["ask", "ask_sync"])
def test_questions(name):
    with listening(make()) as url:
        peer = Peer(url)
        result = json.loads(peer.call(name, modern=True).read())["result"]
        assert result["resultType"] == "input_required"
        ((key, question),) = result["inputRequests"].items()
        assert question["params"]["message"] == "Name?"
        answers = {key: {"action": "accept", "content": {"name": "Bo"}}}
        again = peer.call(name, modern=True, requestState=result["requestState"], inputResponses=answers)
        assert text(json.loads(again.read())) == "Bo"

        peer, other = Peer(url), Peer(url)
        other.session = peer.open_session()
        stream = events(peer.call(name))
        question = next(message for message in stream if "method" in message)
        answer = {"action": "accept", "content": {"name": "Cy"}}
        assert other.post(None, id=question["id"], result=answer).status == 202
        assert text(next(stream)) == "Cy"


def test_a_stateless_client_that_leaves_cancels_its_call():
    app = make()
    started, ended = threading.Event(), threading.Event()

    @app.tool
    async def wait():
        started.set()
        try:
            await asyncio.sleep(SECONDS)
        finally:
            ended.set()

    with listening(app) as url:
        peer = Peer(url)
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": {"name": "wait", "arguments": {}, "_meta": ENVELOPE}}
        data = json.dumps(body).encode()
        host, _, port = peer.address.rpartition(":")
        with socket.create_connection((host, int(port)), SECONDS) as connection:
            connection.sendall(
                f"POST {peer.path} HTTP/1.1\r\nHost: {peer.address}\r\nContent-Type: application/json\r\n"
                "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
                f"Mcp-Method: tools/call\r\nMcp-Name: wait\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data
            )
            assert started.wait(SECONDS)
            assert not ended.is_set()
        assert ended.wait(SECONDS)
        assert text(json.loads(peer.call("add", {"a": 2, "b": 2}, modern=True).read())) == "4"


def test_both_transports_serve_one_server():
    import os

    app = make()
    to_server, ours = os.pipe()
    theirs, from_server = os.pipe()
    with listening(app, stdio=(to_server, from_server)) as url:
        os.close(to_server)
        os.close(from_server)
        os.write(ours, b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        assert json.loads(os.read(theirs, 1000)) == {"jsonrpc": "2.0", "id": 1, "result": {}}
        assert text(json.loads(Peer(url).call("add", {"a": 2, "b": 3}, modern=True).read())) == "5"
    os.close(ours)
    assert os.read(theirs, 1) == b""
    os.close(theirs)
