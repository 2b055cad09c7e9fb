"""The metadata of a protected resource, whose path the program routes to the application (RFC 9728)."""

import asyncio
import json

import pytest
from tenon_mcp import JWT, Server

WELL_KNOWN = "/.well-known/oauth-protected-resource"
ISSUER = "https://login.example"


def guarded(**settings):
    verifier = JWT(issuer=ISSUER, audience="https://shop.example/mcp", secret="a secret of at least 32 bytes...")
    return Server("shop", auth=[verifier], **settings)


async def ask(asgi, path, root_path=""):
    """The status, the headers and the body of the response to a GET."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    headers = [(b"host", b"shop.example"), (b"authorization", b"Bearer wrong")]
    scope = {"type": "http", "method": "GET", "http_version": "1.1", "path": path, "root_path": root_path,
             "headers": headers, "client": ("127.0.0.1", 1), "query_string": b""}  # fmt: skip
    await asgi(scope, receive, send)
    answered = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize(
    ("options", "path", "root_path", "resource"),
    [
        ({}, f"{WELL_KNOWN}/mcp", "", "/mcp"),
        ({}, f"{WELL_KNOWN}/api/tools", "", "/api/tools"),
        ({"path": "/mcp"}, f"{WELL_KNOWN}/mcp", "", "/mcp"),
        ({"path": "/mcp"}, f"{WELL_KNOWN}/mcp/", "", "/mcp"),
        # Mounted at the place of the document, by a router that cuts the path and by one that does not.
        ({}, "/mcp", WELL_KNOWN, "/mcp"),
        ({"path": "/mcp"}, f"{WELL_KNOWN}/mcp", WELL_KNOWN, "/mcp"),
    ],
)
def test_the_path_of_the_metadata_may_be_routed_to_the_application(options, path, root_path, resource):
    status, headers, body = asyncio.run(ask(guarded().asgi(**options), path, root_path))
    assert (status, headers["content-type"], headers["access-control-allow-origin"]) == (200, "application/json", "*")
    document = json.loads(body)
    assert document["resource"] == f"http://shop.example{resource}"
    assert document["authorization_servers"] == [ISSUER]


def test_the_challenge_names_the_metadata():
    for path, root_path in (("/mcp", ""), ("/mcp", "/api"), ("/api/mcp", "/api")):
        status, headers, _ = asyncio.run(ask(guarded().asgi(path="/mcp"), path, root_path))
        whole = "/mcp" if root_path == "" else "/api/mcp"
        assert status == 401
        assert f'resource_metadata="http://shop.example{WELL_KNOWN}{whole}"' in headers["www-authenticate"]


def test_other_paths_are_not_served():
    asgi = guarded().asgi(path="/mcp")
    for path in (f"{WELL_KNOWN}/other", f"{WELL_KNOWN}x/mcp", "/.well-known/mcp", "/"):
        assert asyncio.run(ask(asgi, path))[0] == 404, path


def test_the_public_url_counts():
    asgi = guarded(public_url="https://mcp.example/mcp").asgi()
    for path, expected in ((WELL_KNOWN, 200), (f"{WELL_KNOWN}/mcp", 200), (f"{WELL_KNOWN}/other", 404)):
        status, _, body = asyncio.run(ask(asgi, path))
        assert status == expected, path
        if status == 200:
            assert json.loads(body)["resource"] == "https://mcp.example/mcp"


@pytest.mark.parametrize("path", ["/mcp\ud800", "/mcp\n", "/a b", "mcp", ""])
def test_a_path_that_is_no_path_disturbs_nothing(path):
    status, headers, _ = asyncio.run(ask(guarded().asgi(), path))
    assert status == 401 and "resource_metadata=" in headers["www-authenticate"]


def test_a_quote_in_a_path_ends_no_part_of_the_challenge():
    status, headers, _ = asyncio.run(ask(guarded().asgi(), '/mcp", error="none'))
    assert status == 401 and "none" not in headers["www-authenticate"]
    status, headers, _ = asyncio.run(ask(guarded().asgi(), '/mcp"'))
    assert status == 401 and "resource_metadata" not in headers["www-authenticate"]
