"""What the engine answers while Python code blocks the interpreter."""

import http.client
import json
import statistics
import time

import pytest
from wire import ENVELOPE, Program

MOST_SECONDS = 0.05
BLOCK_SECONDS = 2

SERVER = """
import ctypes, sys
from tenon_mcp import Context, Server, SyncContext

app = Server("t")
usleep = ctypes.PyDLL(None).usleep  # called without letting go of the interpreter

@app.tool
async def block_loop(seconds: float, ctx: Context) -> str:
    ctx.progress(1)
    usleep(int(seconds * 1e6))
    return "over"

@app.tool
def block_worker(seconds: float, ctx: SyncContext) -> str:
    ctx.progress(1)
    usleep(int(seconds * 1e6))
    return "over"

app.run(stdio=True, http=0, on_started=lambda app: print(app.url, file=sys.stderr, flush=True))
"""


class Http:
    """One connection; requests of the stateless protocol."""

    def __init__(self, url):
        address, _, self.path = url.removeprefix("http://").partition("/")
        self.connection = http.client.HTTPConnection(address, timeout=20)

    def request(self, method):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": ENVELOPE}}
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": method,
        }
        self.connection.request("POST", "/" + self.path, json.dumps(body), headers)
        response = self.connection.getresponse()
        return response.status, json.loads(response.read())


class Session:
    """One connection; a legacy session, for the methods that only those have."""

    def __init__(self, url):
        address, _, self.path = url.removeprefix("http://").partition("/")
        self.connection = http.client.HTTPConnection(address, timeout=20)
        self.session = {}
        client = {"name": "t", "version": "1"}
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
        response, _ = self.request("initialize", params)
        self.session = {"Mcp-Session-Id": response.headers["mcp-session-id"]}

    def request(self, method, params=None):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            **self.session,
        }
        self.connection.request("POST", "/" + self.path, json.dumps(body), headers)
        response = self.connection.getresponse()
        return response, json.loads(response.read())


def timed(request):
    started = time.monotonic()
    answer = request()
    return time.monotonic() - started, answer


@pytest.mark.parametrize("tool", ["block_loop", "block_worker"])
def test_lists_and_pings_are_answered_while_the_interpreter_is_held(tool):
    with Program(SERVER) as program:
        client = program.client
        url = program.said()
        other, session = Http(url), Session(url)
        # The first use of a connection is not what is measured.
        assert other.request("tools/list")[0] == 200
        call = client.start_call(tool, {"seconds": BLOCK_SECONDS}, _meta={"progressToken": 1})
        assert client.receive()["params"] == {"progressToken": 1, "progress": 1}
        blocked_until = time.monotonic() + BLOCK_SECONDS
        times = {"list": [], "ping": [], "http list": [], "http ping": []}
        for _ in range(15):
            for what, request in [
                ("list", lambda: client.request("tools/list")["result"]["tools"]),
                ("ping", lambda: client.request("ping")["result"] == {}),
                ("http list", lambda: other.request("tools/list")[1]["result"]["tools"]),
                ("http ping", lambda: session.request("ping")[1]["result"] == {}),
            ]:
                took, good = timed(request)
                assert good
                times[what].append(took)
        assert time.monotonic() < blocked_until, "the answers came when the block was over"
        for what, took in times.items():
            assert statistics.median(took) < MOST_SECONDS, what
        assert client.answer(call)["result"]["content"][0]["text"] == "over"
