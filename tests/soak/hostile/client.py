"""The well-behaved client of the hostile soak: one call after the other over each transport. It checks each answer.

Argument: the addresses as JSON. Each line of standard input names the phase that begins; its end ends the client.
Prints one JSON object: per phase and transport the number of calls and the p99 in milliseconds, and the errors.
"""

import json
import socket
import sys
import threading
import time

import sockets

PAUSE = 0.02
MOST_ERRORS = 20
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "well-behaved", "version": "1"},
}
HANDSHAKE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "well-behaved", "version": "1"},
}


class Http:
    """One connection that is kept alive; `legacy` opens a session."""

    legacy = False

    def __init__(self, addresses):
        self.url = addresses["http"]
        self.sock = sockets.connect(self.url)
        self.file = self.sock.makefile("rb")
        self.session = ""
        if self.legacy:
            self.exchange({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": HANDSHAKE})
            self.exchange({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def exchange(self, message):
        body = json.dumps(message).encode()
        headers = [
            f"POST {sockets.path_of(self.url)} HTTP/1.1",
            f"Host: {sockets.authority(self.url)}",
            "Content-Type: application/json",
            "Accept: application/json, text/event-stream",
            f"Content-Length: {len(body)}",
        ]
        if self.legacy and self.session:
            headers += [f"Mcp-Session-Id: {self.session}", "MCP-Protocol-Version: 2025-11-25"]
        elif not self.legacy:
            headers += [
                "MCP-Protocol-Version: 2026-07-28",
                f"Mcp-Method: {message['method']}",
                f"Mcp-Name: {message['params']['name']}",
            ]
        self.sock.sendall("\r\n".join([*headers, "", ""]).encode() + body)
        status = int(self.file.readline().split()[1])
        fields = {}
        while (line := self.file.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            fields[name.lower()] = value.strip().decode()
        self.session = fields.get(b"mcp-session-id", self.session)
        if fields.get(b"transfer-encoding") == "chunked":
            data = b""
            while size := int(self.file.readline(), 16):
                data += self.file.read(size)
                self.file.readline()
            self.file.readline()
        else:
            data = self.file.read(int(fields.get(b"content-length", 0)))
        if status not in (200, 202):
            raise AssertionError(f"status {status}: {data[:200]!r}")
        if fields.get(b"content-type", "").startswith("text/event-stream"):
            lines = [line[5:].strip() for line in data.splitlines() if line.startswith(b"data:")]
            data = [line for line in lines if b'"id"' in line][-1]
        return json.loads(data) if data else None

    def call(self, number, name, arguments):
        params = {"name": name, "arguments": arguments}
        if not self.legacy:
            params["_meta"] = ENVELOPE
        return self.exchange({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})


class LegacyHttp(Http):
    legacy = True


class Lines:
    """Lines on a Unix socket, or messages that `send` and `receive` of a subclass carry."""

    def __init__(self, addresses):
        self.open(addresses)
        self.send({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": HANDSHAKE})
        self.receive()
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def open(self, addresses):
        self.sock = sockets.connect_unix(addresses["unix"])
        self.file = self.sock.makefile("rb")

    def send(self, message):
        self.sock.sendall(json.dumps(message).encode() + b"\n")

    def receive(self):
        return json.loads(self.file.readline())

    def call(self, number, name, arguments):
        params = {"name": name, "arguments": arguments}
        self.send({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
        while "id" not in (answer := self.receive()):
            pass
        return answer


class WebSocket(Lines):
    def open(self, addresses):
        self.sock = sockets.connect(addresses["websocket"])
        self.file = self.sock.makefile("rb")
        self.sock.sendall(sockets.upgrade(addresses["websocket"]))
        status = self.file.readline()
        if b" 101 " not in status:
            raise AssertionError(f"no upgrade: {status!r}")
        while self.file.readline().strip():
            pass

    def send(self, message):
        self.sock.sendall(sockets.frame(1, json.dumps(message).encode()))

    def receive(self):
        while True:
            first, size = self.file.read(2)
            if size == 126:
                size = int.from_bytes(self.file.read(2), "big")
            elif size == 127:
                size = int.from_bytes(self.file.read(8), "big")
            payload = self.file.read(size)
            if first & 15 == 9:
                self.sock.sendall(sockets.frame(10, payload))
            elif first & 15 == 1:
                return json.loads(payload)
            else:
                raise AssertionError(f"frame {first:#x} {payload[:100]!r}")


class Sse(Lines):
    """HTTP+SSE of 2024-11-05: events of one stream, and a connection for each message."""

    def open(self, addresses):
        self.url = addresses["sse"]
        self.sock = sockets.connect(self.url)
        self.sock.sendall(
            f"GET {sockets.path_of(self.url)} HTTP/1.1\r\nHost: {sockets.authority(self.url)}\r\n"
            "Accept: text/event-stream\r\n\r\n".encode()
        )
        self.file = self.sock.makefile("rb")
        self.place = self.event()

    def event(self):
        data = None
        while True:
            line = self.file.readline()
            if not line:
                raise AssertionError("the event stream has ended")
            if line.startswith(b"data:"):
                data = line[5:].strip().decode()
            elif not line.strip() and data is not None:
                return data

    def send(self, message):
        body = json.dumps(message).encode()
        with sockets.connect(self.url) as sock:
            sock.sendall(
                f"POST {self.place} HTTP/1.1\r\nHost: {sockets.authority(self.url)}\r\nConnection: close\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
            )
            status = sock.makefile("rb").readline()
        if b" 202 " not in status:
            raise AssertionError(f"message refused: {status!r}")

    def receive(self):
        return json.loads(self.event())


TRANSPORTS = {"http": Http, "legacy http": LegacyHttp, "unix": Lines, "websocket": WebSocket, "sse": Sse}


class Caller:
    """Calls over one transport, with their latencies per phase."""

    def __init__(self, name, addresses):
        self.name = name
        self.addresses = addresses
        self.latencies = {}
        self.errors = []
        self.phase = None
        self.over = False

    def run(self):
        client, number = None, 0
        while not self.over:
            number += 1
            phase, began = self.phase, time.monotonic()
            try:
                client = client or TRANSPORTS[self.name](self.addresses)
                self.check(client, number)
            except Exception as error:
                client = None
                if len(self.errors) < MOST_ERRORS:
                    self.errors.append(f"{self.name}, {phase}, call {number}: {type(error).__name__}: {error}")
            if phase and phase == self.phase:
                self.latencies.setdefault(phase, []).append(time.monotonic() - began)
            time.sleep(PAUSE)

    def check(self, client, number):
        if number % 2:
            answer = client.call(number, "add", {"a": number, "b": 1})
            expected = str(number + 1)
        else:
            answer = client.call(number, "echo", {"text": f"text {number}"})
            expected = f"text {number}"
        if answer.get("id") != number or answer["result"]["content"][0]["text"] != expected:
            raise AssertionError(f"answer {json.dumps(answer)[:300]}")


def p99(values):
    return sorted(values)[int(len(values) * 0.99)] * 1000


def main():
    socket.setdefaulttimeout(sockets.SECONDS)
    callers = [Caller(name, json.loads(sys.argv[1])) for name in TRANSPORTS]
    threads = [threading.Thread(target=caller.run) for caller in callers]
    for thread in threads:
        thread.start()
    for line in sys.stdin:
        for caller in callers:
            caller.phase = line.strip()
    for caller in callers:
        caller.over = True
    for thread in threads:
        thread.join()
    report = {
        caller.name: {
            "errors": caller.errors,
            **{phase: {"calls": len(some), "p99": p99(some)} for phase, some in caller.latencies.items()},
        }
        for caller in callers
    }
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
