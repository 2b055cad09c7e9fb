"""Orders for those who have a token of the identity provider ISSUER, and with OPEN opening hours for all.

With MOUNTED they are a part of a FastAPI application. PUBLIC_URL is the URL that clients know. BY says how tokens are
verified: by `keys`, by `questions` to the provider with the password SECRET, or both. SECONDS is how long a verified
token is kept; without it, as long as by default.
"""

import os
import sys

from tenon_mcp import JWT, Context, Introspection, Server

issuer = os.environ["ISSUER"]
client = {"client_id": "resource-server", "client_secret": os.environ.get("SECRET")}
verifiers = {
    "keys": JWT(issuer=issuer, jwks_url=f"{issuer}/jwks"),
    "questions": Introspection(url=f"{issuer}/token/introspection", issuer=issuer, **client),
}
app = Server(
    "orders",
    public_url=os.environ["PUBLIC_URL"],
    auth=[verifiers[kind] for kind in os.environ.get("BY", "keys").split()],
    authorization_servers=issuer,
    scopes=["orders:read"],
    **({"token_cache_time": float(os.environ["SECONDS"])} if "SECONDS" in os.environ else {}),
)


if "OPEN" in os.environ:

    @app.tool(public=True)
    async def opening_hours() -> str:
        return "9 to 17"


@app.tool
async def my_orders(ctx: Context) -> str:
    return f"{ctx.principal} has ordered tea"


@app.tool(scopes=["orders:write"])
async def add_order(item: str, ctx: Context) -> str:
    return f"{ctx.principal} orders {item}"


if "MOUNTED" in os.environ:
    import uvicorn
    from fastapi import FastAPI

    web, asgi = FastAPI(), app.asgi(path="/mcp")
    web.add_route("/mcp", asgi)
    web.add_route("/.well-known/oauth-protected-resource/mcp", asgi)
    host, port = sys.argv[1].split(":")
    uvicorn.run(web, host=host, port=int(port))
else:
    app.run(http=sys.argv[1])
