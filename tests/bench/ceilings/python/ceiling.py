"""The Python ceiling: a line loop on asyncio, or with `--http HOST:PORT` an endpoint on an asyncio protocol.

It answers the messages of the load client with the standard library's JSON and nothing else. This is no MCP
server: `initialize` gets a canned answer, every other request is taken for an `echo` call, nothing is checked.
"""

import asyncio
import json
import sys

INITIALIZED = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "ceiling", "version": "1.0.0"},
}
encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def answer(message):
    """The answer to one message as bytes; a notification has none."""
    request = json.loads(message)
    if "id" not in request:
        return b""
    if request["method"] == "initialize":
        result = INITIALIZED
    else:
        result = {"content": [{"type": "text", "text": request["params"]["arguments"]["text"]}]}
    return encode({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode()


class Lines(asyncio.Protocol):
    """Lines on stdin; one write for all the lines that one read brought."""

    def __init__(self, done):
        self.rest = b""
        self.done = done

    def data_received(self, data):
        lines = (self.rest + data).split(b"\n")
        self.rest = lines.pop()
        replies = [reply for line in lines if (reply := answer(line))]
        if replies:
            self.out.write(b"\n".join(replies) + b"\n")

    def connection_lost(self, error):
        self.done.set_result(None)


async def line_loop():
    loop = asyncio.get_running_loop()
    lines = Lines(loop.create_future())
    lines.out, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, sys.stdout)
    await loop.connect_read_pipe(lambda: lines, sys.stdin)
    await lines.done


class Endpoint(asyncio.Protocol):
    """One keep-alive connection; expects one request at a time, with a Content-Length."""

    def connection_made(self, transport):
        self.transport = transport
        self.buffer = b""

    def data_received(self, data):
        data = self.buffer + data
        head, found, body = data.partition(b"\r\n\r\n")
        length = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] if found else b""
        if not found or len(body) < int(length):
            self.buffer = data
            return
        self.buffer = b""
        reply = answer(body)
        if reply:
            start = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            self.transport.write(start % len(reply) + reply)
        else:
            self.transport.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")


async def http(host, port):
    server = await asyncio.get_running_loop().create_server(Endpoint, host, port)
    print("listening http://%s:%d/mcp" % server.sockets[0].getsockname(), flush=True)
    await server.serve_forever()


if sys.argv[1:2] == ["--http"]:
    host, _, port = sys.argv[2].rpartition(":")
    asyncio.run(http(host, int(port)))
else:
    asyncio.run(line_loop())
