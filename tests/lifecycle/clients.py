"""Clients of a server that serves every transport, a connection each.

`exchange` sends a message and gives what comes next, whatever it is; `ask` does it with the call of a tool.
"""

import http.client
import json
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

# How a socket is opened and a frame is made is known there already.
sys.path.append(str(Path(__file__).resolve().parent.parent / "soak" / "hostile"))

import sockets

VERSION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
}
# The one revision that has batches, and one in which questions are requests.
BATCHES, QUESTIONS = "2025-03-26", "2025-11-25"
WAIT_LIMIT = 30
JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


class Client:
    # What each request has besides.
    more = {"_meta": META}

    def request(self, ident, method, **params):
        return self.exchange(self.message(ident, method, **params))

    def message(self, ident, method, **params):
        return {"jsonrpc": "2.0", "id": ident, "method": method, "params": {**params, **self.more}}

    def begin(self, version):
        """Begins a legacy session."""
        self.more = {}
        info = {"name": "lifecycle", "version": "1"}
        capabilities = {"elicitation": {}}
        self.request(0, "initialize", protocolVersion=version, capabilities=capabilities, clientInfo=info)
        self.notify("notifications/initialized")

    def notify(self, method):
        """There is no answer: what comes next is that of a later request."""
        self.post({"jsonrpc": "2.0", "method": method, "params": {}})

    def ask(self, ident, tool="quick", **arguments):
        return self.request(ident, "tools/call", name=tool, arguments=arguments)


class Stdio(Client):
    """The one client of a process."""

    def __init__(self, server, _url, _folder):
        self.server = server

    def post(self, message):
        self.server.process.stdin.write(json.dumps(message).encode() + b"\n")

    def exchange(self, message):
        self.post(message)
        return self.server.receive()

    def close(self):
        self.server.process.stdin.close()


class Unix(Client):
    def __init__(self, _server, _url, folder):
        self.open(sockets.connect_unix(f"{folder}/socket"))

    def open(self, sock):
        self.sock = sock
        self.sock.settimeout(WAIT_LIMIT)
        self.file = self.sock.makefile("rb")

    def post(self, message):
        self.sock.sendall(self.framed(json.dumps(message).encode()))

    def exchange(self, message):
        self.post(message)
        return json.loads(self.receive())

    def close(self):
        self.file.close()
        self.sock.close()

    def framed(self, text):
        return text + b"\n"

    def receive(self):
        return self.file.readline()


class WebSocket(Unix):
    def __init__(self, _server, url, _folder):
        url = f"{url.rsplit('/', 1)[0]}/ws"
        self.open(sockets.connect(url))
        self.sock.sendall(sockets.upgrade(url))
        if b" 101 " not in (status := self.file.readline()):
            raise OSError(f"no WebSocket: {status}")
        while self.file.readline().strip():
            pass

    def framed(self, text):
        return sockets.frame(1, text)

    def receive(self):
        first, size = self.file.read(2)
        if size == 126:
            size = int.from_bytes(self.file.read(2), "big")
        payload = self.file.read(size)
        if first & 15 != 1:
            raise OSError(f"no text: {first:#x} {payload}")
        return payload


class Http(Client):
    """All requests are on one connection."""

    session = None

    def __init__(self, _server, url, _folder):
        place = urlsplit(url)
        self.path = place.path
        self.connection = http.client.HTTPConnection(place.hostname, place.port, timeout=WAIT_LIMIT)
        self.connection.connect()
        self.sock = self.connection.sock

    def post(self, message):
        if (answer := self.exchange(message)) is not None:
            raise OSError(f"a notification was answered: {answer}")

    def begun(self, message):
        headers = {**JSON, **(self.named(message) if self.more else self.session or {})}
        self.connection.request("POST", self.path, json.dumps(message), headers)
        return self.connection.getresponse()

    def exchange(self, message):
        response = self.begun(message)
        body = response.read()
        if session := response.getheader("Mcp-Session-Id"):
            self.session = {"Mcp-Session-Id": session}
        answer = None if response.status == 202 else json.loads(body)
        if self.connection.sock is not self.sock:
            raise OSError("the connection was closed")
        return answer

    def events(self, message):
        """The messages of the stream that the answer is."""
        response = self.begun(message)
        for line in response:
            if line.startswith(b"data:") and (data := line[5:].strip()):
                yield json.loads(data)

    def within(self, session):
        """Further messages are of the session that another client has begun."""
        self.more, self.session = {}, session

    def named(self, message):
        headers = {"MCP-Protocol-Version": VERSION, "Mcp-Method": message["method"]}
        if name := message["params"].get("name", message["params"].get("uri")):
            headers["Mcp-Name"] = name
        return headers

    def close(self):
        self.connection.close()


class Sse(Client):
    """HTTP+SSE: events come on one connection, messages go on another."""

    def __init__(self, _server, url, _folder):
        place = urlsplit(url)
        self.events = socket.create_connection((place.hostname, place.port), WAIT_LIMIT)
        self.events.sendall(f"GET /sse HTTP/1.1\r\nHost: {place.netloc}\r\nAccept: text/event-stream\r\n\r\n".encode())
        self.file = self.events.makefile("rb")
        self.messages = self.receive()
        self.connection = http.client.HTTPConnection(place.hostname, place.port, timeout=WAIT_LIMIT)
        self.begin(BATCHES)

    def post(self, message):
        if (answer := self.send(message)) is not None:
            raise OSError(f"a notification was answered: {answer}")

    def send(self, message):
        """Gives what came in place of 202."""
        self.connection.request("POST", self.messages, json.dumps(message), JSON)
        response = self.connection.getresponse()
        body = response.read()
        return None if response.status == 202 else json.loads(body)

    def receive(self):
        while line := self.file.readline():
            if line.startswith(b"data:"):
                return line[5:].strip().decode()
        raise OSError("the events ended")

    def exchange(self, message):
        return self.send(message) or json.loads(self.receive())

    def close(self):
        self.connection.close()
        self.file.close()
        self.events.close()


# Those by which servers are reached from outside.
TRANSPORTS = {"stdio": Stdio, "Unix sockets": Unix, "WebSocket": WebSocket, "HTTP": Http, "HTTP+SSE": Sse}
