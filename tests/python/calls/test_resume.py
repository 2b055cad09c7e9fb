"""Calls that close their client's connection, and clients that resume."""

import asyncio
import threading

import pytest
from http_client import Peer, events, listening, text
from tenon_mcp import Context, Server, SyncContext


def told(response):
    """The ids of an event stream and its messages."""
    body = response.read().decode()
    parts = [dict(line.split(": ", 1) for line in part.split("\n")) for part in body.split("\n\n") if part]
    return [part["id"] for part in parts if "id" in part], body


def make(go_on):
    app = Server("t", stream_retry=0.25)

    @app.tool
    async def waits(ctx: Context) -> str:
        closed = ctx.close_stream()
        await asyncio.to_thread(go_on.wait)
        return str(closed)

    @app.tool
    def blocks(ctx: SyncContext) -> str:
        closed = ctx.close_stream()
        go_on.wait()
        return str(closed)

    return app


@pytest.mark.parametrize("tool", ["waits", "blocks"])
def test_a_client_comes_back_for_the_answer(tool):
    go_on = threading.Event()
    with listening(make(go_on)) as url:
        peer = Peer(url)
        session = peer.open_session()
        ids, body = told(peer.call(tool))
        assert len(ids) == 1
        assert "retry: 250\n" in body
        go_on.set()
        headers = {"Accept": "text/event-stream", "Mcp-Session-Id": session, "Last-Event-ID": ids[0]}
        peer.connection.request("GET", peer.path, headers=headers)
        assert text(list(events(peer.connection.getresponse()))[-1]) == "True"


@pytest.mark.parametrize("tool", ["waits", "blocks"])
def test_there_is_no_way_back_in_the_modern_era(tool):
    go_on = threading.Event()
    go_on.set()
    with listening(make(go_on)) as url:
        response = Peer(url).call(tool, modern=True)
        assert b"False" in response.read()


def test_an_unknown_event_is_refused():
    with listening(make(threading.Event())) as url:
        peer = Peer(url)
        headers = {"Accept": "text/event-stream", "Mcp-Session-Id": peer.open_session(), "Last-Event-ID": "7"}
        peer.connection.request("GET", peer.path, headers=headers)
        response = peer.connection.getresponse()
        assert response.status == 400
        assert b"last-event-id" in response.read()
