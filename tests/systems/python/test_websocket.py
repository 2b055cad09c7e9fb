"""Python: tools over WebSocket, called from a page in a browser."""

import socket
import subprocess
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest
from browser import opened
from example_servers import SECONDS, command, http

EXAMPLE = "python/websocket"
PAGE = r"http://127\.0\.0\.1:\d+/"


def read(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=SECONDS) as response:
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        return response.read().decode()


def call(page, tool, arguments):
    page.run(f"""
        document.querySelector('#result').textContent = ''
        document.querySelector('select').value = '{tool}'
        document.querySelector('input').value = {arguments!r}
        document.querySelector('button').click()""")
    return page.wait("document.querySelector('#result').textContent")


def test_a_page_calls_tools(tmp_path):
    with http(EXAMPLE, pattern=PAGE) as url, opened(url, tmp_path / "browser") as page:
        # One address for both: the page knows no other.
        assert page.run("return location.href") == url
        tools = page.wait("document.querySelectorAll('#tools li').length && document.querySelector('#tools').innerText")
        assert tools.split("\n") == ["echo: Say it again.", "calculate_sum: Add two numbers."]
        assert call(page, "echo", '{"message": "<b>Grüße</b>"}') == "Echo: <b>Grüße</b>"
        assert call(page, "calculate_sum", '{"a": 5, "b": 3.5}') == "8.5"
        assert call(page, "calculate_sum", '{"a": "five", "b": 3}').startswith("Failed: Invalid arguments")
        assert call(page, "echo", '{"message"').startswith("Error: ")


def test_the_page_is_at_the_address_of_the_socket():
    with http(EXAMPLE, pattern=r"ws://127\.0\.0\.1:\d+/ws") as websocket:
        url = websocket.replace("ws://", "http://").removesuffix("ws")
        assert "new WebSocket(`ws://${location.host}/ws`, 'mcp')" in read(url)
        with pytest.raises(urllib.error.HTTPError, match="426"):
            read(url + "ws")
        # A name that was made to resolve to this machine.
        with pytest.raises(urllib.error.HTTPError, match="403"):
            read(url, Host="evil.example")


def handshake(url, origin):
    """The first line of the answer to a page of this origin."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=SECONDS) as connection:
        head = [
            f"GET {address.path} HTTP/1.1",
            f"Host: {address.netloc}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Protocol: mcp",
            f"Origin: {origin}",
        ]
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        return connection.makefile("rb").readline().decode()


def test_pages_of_others_are_refused():
    with http(EXAMPLE, pattern=PAGE) as url:
        websocket = url.replace("http://", "ws://") + "ws"
        assert " 101 " in handshake(websocket, url.rstrip("/"))
        for origin in ("https://evil.example", "http://127.0.0.1.evil.example", "null"):
            assert " 403 " in handshake(websocket, origin), origin
        with pytest.raises(urllib.error.HTTPError, match="404"):
            read(url + "etc/passwd")


def test_an_address_that_is_none_is_said():
    program = [*command(EXAMPLE), "nowhere:port"]
    run = subprocess.run(program, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
    assert run.returncode != 0 and "nowhere:port" in run.stderr, run.stderr
