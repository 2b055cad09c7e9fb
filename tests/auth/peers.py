"""Clients of one server: Streamable HTTP, HTTP+SSE and WebSocket. Each request names its caller.

Every client has `ask(caller, message)`, which gives a `Reply`. In the legacy era all callers with a token share the
session of `owner`, except over WebSocket, where a connection is one caller.
"""

import base64
import http.client
import json
import os
import socket
import struct
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import tokens

SECONDS = 20
LEGACY, MODERN = "2025-11-25", "2026-07-28"
TASKS = "io.modelcontextprotocol/tasks"
SKILLS = "io.modelcontextprotocol/skills"
EXTENSIONS = {"extensions": {TASKS: {}, SKILLS: {}}}
CLIENT = {"name": "matrix", "version": "1"}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": EXTENSIONS,
    "io.modelcontextprotocol/clientInfo": CLIENT,
}
INITIALIZE = {"protocolVersion": LEGACY, "capabilities": EXTENSIONS, "clientInfo": CLIENT}


@dataclass
class Reply:
    """`status` is that of HTTP, if the message had a request of its own. `message` is the answer to a request."""

    status: int | None = None
    challenge: str | None = None
    message: dict | None = None
    # Notifications that came before the answer.
    before: list = field(default_factory=list)
    headers: dict = field(default_factory=dict)


def request(id, method, params, era):
    message = {"jsonrpc": "2.0", "method": method, "params": dict(params)}
    if id is not None:
        message["id"] = id
    if era == "modern":
        message["params"]["_meta"] = ENVELOPE
    return message


class Http:
    """Streamable HTTP, also where the server is mounted in another application."""

    def __init__(self, url, era, owner):
        place = urlsplit(url)
        self.address, self.path, self.era, self.owner = place.netloc, place.path, era, owner
        self.connection = http.client.HTTPConnection(self.address, timeout=SECONDS)
        self.sessions = {}

    def session_of(self, caller):
        """Nobody has a session of its own, if the server lets it open one."""
        opener = tokens.NOBODY if caller.authorization is None else self.owner
        if opener not in self.sessions:
            opened, session = self.open(opener)
            if opened.status != 200:
                if opener is self.owner:
                    raise OSError(f"the owner gets no session: {opened}")
                return self.session_of(self.owner)
            self.sessions[opener] = session
        return self.sessions[opener]

    def open(self, caller):
        opened = self.exchange(caller, request(0, "initialize", INITIALIZE, self.era), {})
        session = opened.headers.get("mcp-session-id")
        if session:
            headers = {"Mcp-Session-Id": session, "MCP-Protocol-Version": LEGACY}
            self.exchange(caller, request(None, "notifications/initialized", {}, self.era), headers)
        return opened, session

    def ask(self, caller, message):
        if message["method"] == "initialize":
            return self.exchange(caller, message, {})
        if self.era == "modern":
            return self.exchange(caller, message, self.named(message))
        return self.exchange(caller, message, self.headers_of(self.session_of(caller)))

    def headers_of(self, session):
        return {"Mcp-Session-Id": session, "MCP-Protocol-Version": LEGACY}

    def named(self, message):
        headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": message["method"]}
        params = message["params"]
        named = params.get("name", params.get("uri", params.get("taskId")))
        return headers | ({"Mcp-Name": named} if named else {})

    def exchange(self, caller, message, headers):
        both = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        headers = {**both, **headers, **caller.headers}
        return self.send("POST", self.path, headers, json.dumps(message), message.get("id"))

    def stream(self, caller):
        """Opens the stream of the session."""
        headers = {"Accept": "text/event-stream", **self.headers_of(self.session_of(caller)), **caller.headers}
        return self.send("GET", self.path, headers)

    def delete(self, caller):
        """Ends a session of the caller, or without valid credentials that of the owner."""
        session = None if caller.fault else self.open(caller)[1]
        session = session or self.session_of(self.owner)
        return self.send("DELETE", self.path, {**self.headers_of(session), **caller.headers})

    def send(self, method, path, headers, body=None, id=None):
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        reply = Reply(response.status, response.getheader("WWW-Authenticate"))
        reply.headers = {name.lower(): value for name, value in response.getheaders()}
        if response.getheader("Content-Type", "").startswith("text/event-stream"):
            if id is not None:
                self.read_events(response, reply, id)
            # The rest of a stream is not read.
            self.connection.close()
        elif text := response.read():
            reply.message = json.loads(text)
        return reply

    def read_events(self, response, reply, id):
        for line in response:
            if line.startswith(b"data:") and line[5:].strip():
                message = json.loads(line[5:])
                if message.get("id") == id and "method" not in message:
                    reply.message = message
                    return
                reply.before.append(message)
                if message.get("method") == "notifications/subscriptions/acknowledged":
                    return

    def close(self):
        self.connection.close()


class Sse(Http):
    """HTTP+SSE: one event stream for each session, and a POST for each message."""

    def __init__(self, url, era, owner):
        super().__init__(url, era, owner)
        self.path = "/sse"

    def open(self, caller):
        stream = http.client.HTTPConnection(self.address, timeout=SECONDS)
        stream.request("GET", self.path, headers={"Accept": "text/event-stream", **caller.headers})
        response = stream.getresponse()
        reply = Reply(response.status, response.getheader("WWW-Authenticate"))
        if response.status != 200:
            response.read()
            stream.close()
            return reply, None
        session = (stream, response, self.next_event(response))
        self.exchange(caller, request(0, "initialize", INITIALIZE, self.era), session)
        self.exchange(caller, request(None, "notifications/initialized", {}, self.era), session)
        return reply, session

    def next_event(self, response):
        for line in response:
            if line.startswith(b"data:"):
                return line[5:].strip().decode()
        raise OSError("the events ended")

    def ask(self, caller, message):
        if message["method"] != "initialize" or caller.fault:
            return self.exchange(caller, message, self.session_of(caller))
        opened, session = self.open(caller)
        if session is None:
            return opened
        session[0].close()
        opened.message = {"id": message["id"], "result": {"serverInfo": {"name": "access"}}}
        return opened

    def exchange(self, caller, message, session):
        _, response, path = session
        headers = {"Content-Type": "application/json", **caller.headers}
        reply = self.send("POST", path, headers, json.dumps(message))
        if reply.status == 202:
            reply.message = None
            while message.get("id") is not None and reply.message is None:
                answer = json.loads(self.next_event(response))
                if answer.get("id") == message["id"] and "method" not in answer:
                    reply.message = answer
        return reply

    def stream(self, caller):
        reply, session = self.open(caller)
        if session:
            session[0].close()
        return reply

    def close(self):
        super().close()
        for stream, *_ in self.sessions.values():
            stream.close()


class WebSocket:
    """A connection for each caller."""

    def __init__(self, url, era, owner):
        self.address, self.era, self.owner = urlsplit(url).netloc, era, owner
        self.connections = {}

    def ask(self, caller, message):
        connection = self.connections.get(caller)
        if connection is None:
            connection = Connection(self.address, caller)
            if connection.reply.status != 101:
                connection.close()
                return connection.reply
            if message["method"] == "initialize":
                answer = connection.exchange(message)
                connection.close()
                return answer
            if self.era == "legacy":
                connection.exchange(request(0, "initialize", INITIALIZE, self.era))
                connection.exchange(request(None, "notifications/initialized", {}, self.era))
            self.connections[caller] = connection
        elif message["method"] == "initialize":
            self.connections.pop(caller).close()
            return self.ask(caller, message)
        return connection.exchange(message)

    def close(self):
        for connection in self.connections.values():
            connection.close()


class Connection:
    def __init__(self, address, caller):
        host, port = address.split(":")
        self.sock = socket.create_connection((host, int(port)), SECONDS)
        self.file = self.sock.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        more = "".join(f"{name}: {value}\r\n" for name, value in caller.headers.items())
        self.sock.sendall((
            f"GET /ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: mcp\r\n{more}\r\n"
        ).encode())
        self.reply = Reply(int(self.file.readline().split()[1]))
        for line in iter(self.file.readline, b"\r\n"):
            name, _, value = line.decode().partition(":")
            if name.lower() == "www-authenticate":
                self.reply.challenge = value.strip()

    def exchange(self, message):
        payload = json.dumps(message).encode()
        size = len(payload)
        head = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else struct.pack("!BBH", 0x81, 0xFE, size)
        # A mask of zeros leaves the text as it is.
        self.sock.sendall(head + bytes(4) + payload)
        reply = Reply()
        while message.get("id") is not None:
            answer = self.receive()
            if answer.get("id") == message["id"] and "method" not in answer:
                reply.message = answer
                return reply
            reply.before.append(answer)
            if answer.get("method") == "notifications/subscriptions/acknowledged":
                break
        return reply

    def receive(self):
        first, size = self.file.read(2)
        if size == 126:
            size = int.from_bytes(self.file.read(2), "big")
        elif size == 127:
            size = int.from_bytes(self.file.read(8), "big")
        payload = self.file.read(size)
        if first != 0x81:
            raise OSError(f"no text: {first:#x} {payload}")
        return json.loads(payload)

    def close(self):
        self.file.close()
        self.sock.close()
