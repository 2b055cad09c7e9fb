"""The identity provider of the tests, what a browser and a client do with it, and the servers that trust it."""

import base64
import hashlib
import json
import platform
import secrets
import socket
import sys
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "systems"))

import example_servers  # noqa: E402
from example_servers import processes  # noqa: E402
from opener import Refused, visit  # noqa: E402

REDIRECT = "http://127.0.0.1/callback"
"""The address of clients that take the answer of the provider from the browser themselves."""
LISTENING = r"(?<=listening )http://\S+"
ASKING = {"BY": "questions", "SECRET": "secret of: the server"}
"""The variables of a server that asks about tokens."""
OTHER = "http://127.0.0.1:9/other"
"""A resource that is none of our servers."""


def newer_node():
    """The provider needs Node 22: where the tests run with an older one, npm has installed another beside it."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    node = HERE.parent / "node_modules" / f"node-{sys.platform}-{machine}" / "bin" / "node"
    return str(node) if node.exists() else processes.NODE


class Provider:
    """The provider at its issuer's URL."""

    def __init__(self, issuer):
        self.issuer = issuer

    def post(self, path, form, user=None):
        """What an endpoint answers to a form; `user` is the client that sends it, with its password."""
        request = urllib.request.Request(self.issuer + path, urllib.parse.urlencode(form).encode())
        if user:
            pair = ":".join(map(urllib.parse.quote_plus, user))
            request.add_header("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.loads(response.read() or "null")
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(error.read().decode()) from None

    def control(self, path, value):
        request = urllib.request.Request(f"{self.issuer}/test/{path}", json.dumps(value).encode())
        urllib.request.urlopen(request, timeout=30).close()

    def publish(self, *kids):
        """Replaces the key set."""
        self.control("keys", kids)

    def reset(self):
        """Keys and tokens are as at the start."""
        self.control("reset", None)

    def sign(self, resource, kid="rsa-1", format="jwt"):
        """Says how tokens for a resource are made."""
        self.control("resource", {"resource": resource, "kid": kid, "format": format})

    def log(self, **members):
        """The requests so far that have these members."""
        with urllib.request.urlopen(f"{self.issuer}/test/log", timeout=30) as response:
            return [entry for entry in json.load(response) if members.items() <= entry.items()]

    def sign_in(self, resource, scope="orders:read"):
        """A token for `ann`, by the code flow with PKCE."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "client_id": "person",
            "response_type": "code",
            "redirect_uri": REDIRECT,
            "scope": scope,
            "resource": resource,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        sent = urllib.parse.urlsplit(visit(f"{self.issuer}/auth?{urllib.parse.urlencode(query)}"))
        answer = dict(urllib.parse.parse_qsl(sent.query))
        if "code" not in answer:
            raise Refused(str(answer))
        form = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": REDIRECT}
        form |= {"client_id": "person", "code_verifier": verifier, "resource": resource}
        return self.post("/token", form)["access_token"]

    def robot(self, resource, scope="orders:read"):
        """A token for a program, which takes one request."""
        form = {"grant_type": "client_credentials", "scope": scope, "resource": resource}
        return self.post("/token", form, ("robot", "secret-of-the-robot"))["access_token"]

    def revoke(self, token):
        self.post("/token/revocation", {"token": token, "client_id": "person"})


@contextmanager
def provider():
    start = [newer_node(), str(HERE / "provider.mjs")]
    with example_servers.http("provider", start=start, pattern=LISTENING) as issuer:
        yield Provider(issuer)


def free_address():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % listener.getsockname()[1]


SERVERS = {
    "python": [processes.PYTHON, str(HERE / "server.py")],
    "node": [processes.NODE, str(HERE / "server.mjs")],
    # The same servers as a part of a web application.
    "fastapi": [processes.PYTHON, str(HERE / "server.py")],
    "express": [processes.NODE, str(HERE / "server.mjs")],
    # The program of the guide, which is closed to all without a token.
    "example": example_servers.command("python/jwt"),
}


@contextmanager
def server(issuer, host, **variables):
    """A server that trusts the provider; gives its URL, which tokens must be made for."""
    address = free_address()
    url = f"http://{address}/mcp"
    variables |= {"ISSUER": issuer, "PUBLIC_URL": url}
    if host in ("fastapi", "express"):
        variables["MOUNTED"] = "1"
    with example_servers.http(host, start=SERVERS[host], address=address, env=variables) as own:
        # uvicorn names no path.
        expected = url.removesuffix("/mcp") if host == "fastapi" else url
        assert own.rstrip("/") == expected, f"{own} is not {expected}"
        yield url


ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def call(url, token, name="my_orders", **arguments):
    """The status of a call; and its text, or its challenge if it was refused."""
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": name,
    }
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    params = {"name": name, "arguments": arguments, "_meta": ENVELOPE}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    request = urllib.request.Request(url, json.dumps(message).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)["result"]["content"][0]["text"]
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.status, refused.headers["WWW-Authenticate"]


def header(token):
    """The header of a JSON Web Token."""
    part = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
