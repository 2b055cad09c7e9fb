"""Orders for those who have a token of the authorization server ISSUER. PUBLIC_URL is the URL that clients know."""

import os
import sys

from tenon_mcp import JWT, Context, Server

issuer = os.environ["ISSUER"]
keys = {"public_key_file": os.environ["KEY_FILE"]} if "KEY_FILE" in os.environ else {"jwks_url": f"{issuer}/jwks"}
app = Server(
    "jwt",
    "1.0.0",
    public_url=os.environ["PUBLIC_URL"],
    auth=[JWT(issuer=issuer, roles_claim="realm_access.roles", **keys)],
    scopes=["orders:read"],
    scope_hierarchy={"orders": ["orders:read", "orders:write"]},
    access_of_tags={"dangerous": {"roles": ["admin"]}},
)


@app.tool
async def my_orders(ctx: Context) -> str:
    """What the caller has ordered."""
    return f"{ctx.principal} has ordered tea"


@app.tool(scopes=["orders:write"])
async def add_order(item: str, ctx: Context) -> str:
    """Order something."""
    return f"{ctx.principal} orders {item}"


@app.tool(tags=["dangerous"])
async def delete_orders() -> str:
    """Delete all orders."""
    return "deleted"


if __name__ == "__main__":
    app.run(http=sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8000")
