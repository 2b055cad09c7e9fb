"""Keys and tokens of callers, and a server that tells them apart."""

import base64
import hashlib
import hmac
import json
import time

from tenon_mcp import JWT, ApiKey, ApiKeys, Context, Server

SECRET = "a secret for tests, of 32 bytes."
ISSUER = "https://login.example"
AUDIENCE = "https://shop.example/mcp"
READER, ROOT = "key-of-the-reader-0", "key-of-root-0123456"


def part(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def token(secret=SECRET, **claims):
    """A JSON Web Token with HS256."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": int(time.time()) + 600, **claims}
    head = {"alg": "HS256", "typ": "JWT"}
    signed = ".".join(part(json.dumps(each).encode()) for each in (head, claims))
    digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{part(digest)}"


def keys(**options):
    reader = ApiKey(subject="reader", value=READER, scopes=["read"])
    root = ApiKey(subject="root", hash=f"sha256:{hashlib.sha256(ROOT.encode()).hexdigest()}", roles=["admin"],
                  scopes=["read", "write"], client_id="console")
    return ApiKeys(keys=[reader, root], **options)


def jwt(**options):
    return JWT(**{"issuer": ISSUER, "audience": AUDIENCE, "secret": SECRET, **options})


def shop(auth, **options):
    """A server whose entries need different things."""
    app = Server("shop", auth=auth, **options)

    @app.tool(public=True)
    async def about() -> str:
        return "open"

    @app.tool
    async def who(ctx: Context) -> dict:
        principal = ctx.principal
        return {"text": str(principal), "issuer": principal.issuer, "client_id": principal.client_id,
                "scopes": principal.scopes, "roles": principal.roles, "claims": principal.claims,
                "expires_at": principal.expires_at}

    @app.tool(scopes=["read"])
    def read() -> str:
        return "read"

    @app.tool(roles=["admin", "owner"])
    def erase() -> str:
        return "erased"

    app.resource("shop://prices", scopes=["read"])(lambda: "1 EUR")
    app.resource("shop://rules", public=True)(lambda: "none")

    @app.resource("shop://orders/{id}", scopes=["read"])
    def order(id: str) -> str:
        return id

    @app.prompt(roles=["admin"])
    def audit() -> str:
        return "look"

    @app.prompt(public=True)
    def greet() -> str:
        return "hello"

    return app
