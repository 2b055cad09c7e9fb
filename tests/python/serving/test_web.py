"""WebSocket and HTTP+SSE of 2024-11-05, at their own address and at that of HTTP."""

import base64
import http.client
import io
import json
import os
import queue
import socket
import sys
import threading
from urllib.parse import urlsplit

import pytest
from tenon_mcp import RegistrationError, Server
from test_sockets import adder, serving
from wire import SECONDS

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


class WebSocket:
    """The little of a WebSocket client that these tests need."""

    def __init__(self, url, **headers):
        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname, address.port), SECONDS)
        self.stream = self.socket.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        head = {
            "Host": address.netloc,
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Protocol": "mcp",
            **headers,
        }
        lines = [f"GET {address.path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.status = int(self.stream.readline().split()[1])
        self.headers = http.client.parse_headers(self.stream)

    def send(self, message):
        payload = json.dumps(message).encode()
        assert len(payload) < 65536
        self.socket.sendall(b"\x81\xfe" + len(payload).to_bytes(2, "big") + bytes(4) + payload)

    def frame(self):
        first, length = self.stream.read(2)
        if length == 126:
            length = int.from_bytes(self.stream.read(2), "big")
        return first, self.stream.read(length)

    def ask(self, message):
        self.send(message)
        first, payload = self.frame()
        assert first == 0x81
        return json.loads(payload)

    def close(self):
        self.stream.close()
        self.socket.close()


def call(name, **arguments):
    params = {"name": name, "arguments": arguments, "_meta": META}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def text(answer):
    return answer["result"]["content"][0]["text"]


def test_websocket():
    app = adder()
    with serving(app, websocket=0):
        assert app.url is None and app.sse_url is None
        assert app.websocket_url.startswith("ws://127.0.0.1:") and app.websocket_url.endswith("/ws")
        peer = WebSocket(app.websocket_url)
        assert peer.status == 101 and peer.headers["sec-websocket-protocol"] == "mcp"
        assert text(peer.ask(call("add", a=1, b=2))) == "3"
        assert text(peer.ask(call("join", a="a", b="b"))) == "ab"
        app.close()
        assert peer.frame() == (0x88, (1001).to_bytes(2, "big"))
        peer.close()
    assert app.websocket_url is None


def test_paths_of_the_http_address():
    app = adder()
    page = "https://app.example.com"
    options = {"http": {"port": 0, "allowed_origins": [page]}, "websocket": {"path": "/chat"}, "sse": "/sse"}
    with serving(app, **options):
        authority = urlsplit(app.url).netloc
        assert app.websocket_url == f"ws://{authority}/chat" and app.sse_url == f"http://{authority}/sse"
        for origin, status in [(page, 101), ("https://other.example.com", 403)]:
            peer = WebSocket(app.websocket_url, Origin=origin)
            assert peer.status == status
            peer.close()


def test_pages_may_send_the_headers_that_are_allowed():
    page, app = "https://app.example.com", adder()
    app.page("/", "hello")
    allowed = {"allowed_origins": [page], "allowed_headers": ["X-Custom-Auth"]}
    with serving(app, http={"port": 0, **allowed}, sse={"port": 0, **allowed}):
        for url, path in [(app.url, "/mcp"), (app.url, "/"), (app.sse_url, "/sse"), (app.sse_url, "/messages")]:
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=SECONDS)
            asks = {"Origin": page, "Access-Control-Request-Headers": "x-custom-auth"}
            connection.request("OPTIONS", path, headers=asks)
            answer = connection.getresponse()
            assert answer.status == 204 and answer.headers["Access-Control-Allow-Origin"] == page, path
            assert "x-custom-auth" in answer.headers["Access-Control-Allow-Headers"].split(", "), path
            connection.close()


def test_pages_may_send_every_header_that_they_ask_for():
    app, allowed = adder(), {"port": 0, "allowed_headers": ["*"]}
    with serving(app, http=allowed, sse=allowed):
        for url, path in [(app.url, "/mcp"), (app.sse_url, "/sse")]:
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=SECONDS)
            asks = {"Origin": "http://localhost:6274", "Access-Control-Request-Headers": "x-one,x-other"}
            connection.request("OPTIONS", path, headers=asks)
            answer = connection.getresponse()
            names = answer.headers["Access-Control-Allow-Headers"].split(", ")
            assert (answer.status, names[-2:], "*" in names) == (204, ["x-one", "x-other"], False), path
            connection.close()


def test_a_websocket_takes_no_headers_of_pages():
    with pytest.raises(RegistrationError, match="unknown websocket option 'allowed_headers'"):
        Server("wrong").run(websocket={"port": 0, "allowed_headers": ["x-custom-auth"]})


def test_sse():
    app = adder()
    with serving(app, sse={"port": 0, "path": "/old/sse"}):
        address = urlsplit(app.sse_url)
        stream = http.client.HTTPConnection(address.netloc, timeout=SECONDS)
        stream.request("GET", address.path, headers={"Accept": "text/event-stream"})
        events = stream.getresponse()

        def event():
            lines = iter(events.readline, b"\n")
            return dict(line.decode().rstrip("\n").split(": ", 1) for line in lines)

        first = event()
        assert first["event"] == "endpoint" and first["data"].startswith("/old/messages?session=")

        def post(message):
            connection = http.client.HTTPConnection(address.netloc, timeout=SECONDS)
            connection.request("POST", first["data"], json.dumps(message), {"Content-Type": "application/json"})
            assert connection.getresponse().status == 202
            connection.close()

        info = {"name": "test", "version": "1"}
        params = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": info}
        post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
        answer = json.loads(event()["data"])
        assert answer["result"]["protocolVersion"] == "2024-11-05"
        post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        params = {"name": "add", "arguments": {"a": 1, "b": 2}}
        post({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        assert text(json.loads(event()["data"])) == "3"
        events.close()
        stream.close()


@pytest.mark.parametrize("option", ["websocket", "sse"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (True, "must be a port"),
        ([1], "must be a port"),
        ({"ports": 1}, "unknown {} option 'ports'"),
        ({"host": "localhost"}, "host needs the option port"),
        ({"port": 0, "allowed_origins": "https://app.example.com"}, "{} option allowed_origins must be a list"),
    ],
)
def test_wrong_options(option, given, said):
    with pytest.raises(RegistrationError, match=said.format(option)):
        Server("wrong").run(**{option: given})


def test_a_path_needs_an_http_address():
    with pytest.raises(Exception, match="none is served"):
        Server("wrong").run(websocket="/ws", signals=False)


def test_the_addresses_are_told(monkeypatch):
    said = queue.Queue()

    class Stderr(io.StringIO):
        def write(self, text):
            said.put(text)
            return len(text)

    monkeypatch.setattr(sys, "stderr", Stderr())
    app = adder()
    thread = threading.Thread(target=app.run, kwargs={"websocket": 0, "sse": 0, "stdio": False}, daemon=True)
    thread.start()
    told = ""
    while told.count("adder is listening on ") < 2:
        told += said.get(timeout=SECONDS)
    assert app.websocket_url in told and app.sse_url in told
    app.close()
    thread.join(SECONDS)
