"""The programs of the guide that need keys or tokens: in every language the same callers may do the same."""

import json
import time
import urllib.error
import urllib.request

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from example_servers import ROOT, http

READER, ADMIN = "the-key-of-the-reader", "the-key-of-the-admin-0"
KEYS = {"READER_KEY": READER, "ADMIN_KEY": ADMIN}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
ORDERS = {"1": "tea", "2": "cups"}


def ask(url, credentials, method, **params):
    """The status of a request, its challenge, and its result or error."""
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": method,
    }
    if credentials is not None:
        headers["Authorization"] = f"Bearer {credentials}"
    if "name" in params:
        headers["Mcp-Name"] = params["name"]
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": ENVELOPE}}
    request = urllib.request.Request(url, json.dumps(message).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, None, json.load(response)["result"]
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.status, refused.headers["WWW-Authenticate"], json.load(refused)


def call(url, credentials, name, **arguments):
    status, challenge, answer = ask(url, credentials, "tools/call", name=name, arguments=arguments)
    return status, challenge, answer["content"][0]["text"] if status == 200 else None


def tools(url, credentials):
    return {tool["name"] for tool in ask(url, credentials, "tools/list")[2]["tools"]}


@pytest.mark.parametrize("language", ["python", "node", "c", "rust"])
def test_keys_open_what_they_are_for(language):
    start = [str(ROOT / "target" / "ci" / "secure")] if language == "rust" else None
    with http(f"{language}/secure", env=KEYS, start=start) as url:
        assert tools(url, None) == {"opening_hours"}
        assert tools(url, READER) == {"opening_hours", "order"}
        assert tools(url, ADMIN) == {"opening_hours", "order", "cancel_order"}
        assert call(url, None, "opening_hours") == (200, None, "9 to 17")
        status, challenge, _ = call(url, None, "order", id="1")
        assert status == 401 and 'scope="orders:read"' in challenge
        assert call(url, READER, "cancel_order", id="1")[0] == 403
        assert call(url, "guessed-key-0123456789", "opening_hours")[0] == 401
        assert call(url, READER, "order", id="1") == (200, None, "tea")
        assert "cancelled" in call(url, ADMIN, "cancel_order", id="1")[2]
        assert "1" in call(url, READER, "order", id="1")[2], "it is gone"
        assert call(url, READER, "order", id="2") == (200, None, "cups")


def test_tokens_open_what_they_are_for(tmp_path):
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (tmp_path / "key.pem").write_bytes(public)
    issuer, audience = "https://login.example", "https://shop.example/mcp"

    def token(scope, *roles, **claims):
        body = {"iss": issuer, "aud": audience, "sub": "ann", "exp": int(time.time()) + 60, "scope": scope,
                "realm_access": {"roles": roles}, **claims}  # fmt: skip
        return jwt.encode(body, key, "RS256")

    variables = {"ISSUER": issuer, "PUBLIC_URL": audience, "KEY_FILE": str(tmp_path / "key.pem")}
    with http("python/jwt", env=variables) as url:
        status, challenge, _ = ask(url, None, "tools/list")
        assert status == 401
        assert "https://shop.example/.well-known/oauth-protected-resource/mcp" in challenge
        assert tools(url, token("orders:read")) == {"my_orders"}
        assert tools(url, token("orders")) == {"my_orders", "add_order"}
        assert tools(url, token("orders", "admin")) == {"my_orders", "add_order", "delete_orders"}
        assert call(url, token("orders:write"), "add_order", item="tea") == (200, None, "ann orders tea")
        assert call(url, token("orders:read"), "delete_orders")[0] == 403
        status, challenge, _ = call(url, token("orders:read"), "add_order", item="tea")
        assert status == 403 and 'error="insufficient_scope"' in challenge and "orders:write" in challenge
        for wrong in ({"aud": "https://other.example"}, {"exp": 1}, {"iss": "https://evil.example"}):
            assert call(url, token("orders:read", **wrong), "my_orders")[0] == 401
