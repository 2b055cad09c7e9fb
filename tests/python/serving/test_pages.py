"""Fixed pages at the server's HTTP address."""

import http.client
import json
import socket
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from tenon_mcp import RegistrationError, Server
from test_sockets import adder, serving
from test_web import WebSocket, call
from wire import SECONDS

PAGE = "<!doctype html><title>Grüße</title>"


@contextmanager
def connected(url):
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=SECONDS)
    try:
        yield connection
    finally:
        connection.close()


def ask(connection, path="/", method="GET", **headers):
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


def test_a_page_is_answered_where_tools_are():
    app = adder()
    app.page("/", PAGE)
    with serving(app, http="127.0.0.1:0", websocket="/ws"), connected(app.url) as connection:
        status, body, headers = ask(connection)
        assert (status, body.decode()) == (200, PAGE)
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-cache")
        assert ask(connection, if_none_match=headers["etag"])[:2] == (304, b"")
        status, body, head = ask(connection, method="HEAD")
        assert (status, body, head["content-length"]) == (200, b"", str(len(PAGE.encode())))
        assert ask(connection, method="PUT")[2]["allow"] == "GET, HEAD, OPTIONS"
        assert ask(connection, Host="evil.example")[0] == 403
        assert ask(connection, path="/other")[0] == 404
        client = WebSocket(app.websocket_url, Origin=app.url.removesuffix("/mcp"))
        assert client.ask(call("add", a=1, b=2))["result"]["structuredContent"] == 3
        client.close()


def test_scripts_of_allowed_origins_may_read_a_page():
    page, app = "https://app.example.com", Server("t")
    app.page("/", PAGE)
    http = {"port": 0, "allowed_origins": [page], "allowed_headers": ["X-Custom-Auth"]}
    with serving(app, http=http), connected(app.url) as connection:
        status, _, headers = ask(connection, Origin=page)
        assert (status, headers["access-control-allow-origin"], headers["vary"]) == (200, page, "Origin")
        # The same address has another answer without the header, so a cache must keep both apart.
        for more in ({}, {"if_none_match": headers["etag"]}):
            other = ask(connection, **more)[2]
            assert (other["access-control-allow-origin"], other["vary"]) == (None, "Origin"), more
        asks = {"Origin": page, "access_control_request_headers": "x-custom-auth"}
        status, body, headers = ask(connection, method="OPTIONS", **asks)
        assert (status, body, headers["access-control-allow-origin"]) == (204, b"", page)
        assert headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
        assert "x-custom-auth" in headers["access-control-allow-headers"].split(", ")
        status, _, headers = ask(connection, method="OPTIONS", Origin="https://evil.example")
        assert (status, headers["access-control-allow-origin"]) == (403, None)


def test_pages_change_while_they_are_served():
    app = Server("t")
    assert not app.remove_page("/a.bin")
    with serving(app, websocket="127.0.0.1:0"), connected(app.websocket_url) as connection:
        assert ask(connection, "/a.bin")[0] == 404
        app.page("/a.bin", b"\0\xff", content_type="application/octet-stream")
        status, body, headers = ask(connection, "/a.bin")
        assert (status, body, headers["content-type"]) == (200, b"\0\xff", "application/octet-stream")
        app.page("/a.bin", "")
        assert ask(connection, "/a.bin")[:2] == (200, b"")
        with pytest.raises(RegistrationError, match='page "/ws": WebSocket is served at /ws'):
            app.page("/ws", PAGE)
        assert app.remove_page("/a.bin")
        assert ask(connection, "/a.bin")[0] == 404


def test_a_unix_socket_has_them(tmp_path):
    app = Server("t")
    app.page("/", PAGE)
    with serving(app, http=f"unix:{tmp_path}/socket"), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        connection.connect(f"{tmp_path}/socket")
        connection.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(PAGE.encode())


@pytest.mark.parametrize(
    ("path", "body", "options", "message"),
    [
        ("index.html", "", {}, "it must begin with /"),
        ("/a b", "", {}, "percent-encoded"),
        ("/a\r\nb", "", {}, "control character"),
        ("/?", "", {}, r"\? or #"),
        ("/", "", {"content_type": "html"}, "content type"),
        ("/", "", {"content_type": None}, "content_type must be a str, not NoneType"),
        ("/", "123456", {}, r"max_page_bytes \(5\)"),
        ("/", None, {}, "body must be a str or bytes, not NoneType"),
        ("/", "\ud800", {}, "UTF-8"),
        (1, "", {}, "path must be a str, not int"),
        ("/b", "", {}, r"max_pages \(1\)"),
    ],
)
def test_what_is_no_page_is_refused(path, body, options, message):
    app = Server("t", max_pages=1, max_page_bytes=5)
    app.page("/a", "12345")
    with pytest.raises(RegistrationError, match=message):
        app.page(path, body, **options)


def test_a_server_does_not_start_with_a_page_where_mcp_is():
    app = Server("t")
    app.page("/mcp/", PAGE)
    with pytest.raises(RegistrationError, match='page "/mcp/": Streamable HTTP is served at /mcp'):
        app.run(http="127.0.0.1:0")
    assert app.remove_page("/mcp/")
    with serving(app, http="127.0.0.1:0"), connected(app.url) as connection:
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        connection.request("POST", "/mcp", json.dumps(ping), {"content-type": "application/json"})
        assert connection.getresponse().status == 400, "it has no session, and was read"


def test_a_mounted_server_keeps_its_pages():
    inner, outer = Server("inner"), Server("outer")
    inner.page("/", PAGE)
    outer.mount(inner, "in")
    with serving(outer, http="127.0.0.1:0"), connected(outer.url) as connection:
        assert ask(connection)[0] == 404
