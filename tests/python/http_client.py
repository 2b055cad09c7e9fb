"""A server over HTTP on a thread, and a client with one connection to it."""

import contextlib
import http.client
import json
import threading

from wire import ENVELOPE, SECONDS


@contextlib.contextmanager
def listening(app, **options):
    started = threading.Event()
    options["on_started"] = lambda _: started.set()
    thread = threading.Thread(target=app.run, kwargs={"http": "127.0.0.1:0", **options}, daemon=True)
    thread.start()
    assert started.wait(SECONDS)
    try:
        yield app.url
    finally:
        app.close()
        thread.join(SECONDS)
        assert not thread.is_alive(), "the server did not end"


class Peer:
    """One connection to a server."""

    def __init__(self, url, headers=None):
        self.headers = headers or {}
        self.address, _, path = url.removeprefix("http://").partition("/")
        self.path = "/" + path
        self.session = None
        self.connection = http.client.HTTPConnection(self.address, timeout=SECONDS)

    def post(self, method, params=None, modern=False, **message):
        headers = {
            "Content-Type": "application/json", "Accept": "application/json, text/event-stream", **self.headers
        }
        body = {"jsonrpc": "2.0", **message}
        if method:
            body["method"] = method
            body["params"] = params = dict(params or {})
        if modern:
            params["_meta"] = {**ENVELOPE, **params.get("_meta", {})}
            headers |= {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}
            named = params.get("name", params.get("uri"))
            if named is not None:
                headers["Mcp-Name"] = named
        if self.session:
            headers |= {"Mcp-Session-Id": self.session, "MCP-Protocol-Version": "2025-11-25"}
        self.connection.request("POST", self.path, json.dumps(body), headers)
        return self.connection.getresponse()

    def open_session(self):
        params = {"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}},
                  "clientInfo": {"name": "t", "version": "1"}}
        response = self.post("initialize", params, id=0)
        self.session = response.getheader("Mcp-Session-Id")
        assert response.status == 200 and self.session
        response.read()
        response = self.post("notifications/initialized")
        assert response.status == 202
        response.read()
        return self.session

    def call(self, name, arguments=None, modern=False, **params):
        return self.post("tools/call", {"name": name, "arguments": arguments or {}, **params}, modern, id=1)


def events(response):
    """The messages of an event stream, one by one."""
    assert response.getheader("Content-Type").startswith("text/event-stream")
    for line in response:
        if line.startswith(b"data:") and line[5:].strip():
            yield json.loads(line[5:])
    response.read()  # the end too, or the connection cannot be used again


def text(message):
    return message["result"]["content"][0]["text"]
