"""Orders that only their readers see and only an admin cancels, audited. The keys are in READER_KEY and ADMIN_KEY."""

import sys

from tenon_mcp import ApiKey, ApiKeys, NotFound, Server, SyncContext

reader = ApiKey(subject="reader", env="READER_KEY", scopes=["orders:read"])
admin = ApiKey(subject="ann", env="ADMIN_KEY", scopes=["orders:read"], roles=["admin"])
app = Server("secure", "1.0.0", auth=[ApiKeys(keys=[reader, admin])])
orders = {"1": "tea", "2": "cups"}


@app.tool(public=True)
def opening_hours() -> str:
    """When the shop is open."""
    return "9 to 17"


@app.tool(scopes=["orders:read"])
def order(id: str) -> str:
    """What was ordered."""
    if id not in orders:
        raise NotFound(f"order {id}")
    return orders[id]


@app.tool(roles=["admin"], audit=["id"])
def cancel_order(id: str, ctx: SyncContext) -> str:
    """Cancel an order."""
    if orders.pop(id, None) is None:
        raise NotFound(f"order {id}")
    return f"{ctx.principal} cancelled order {id}"


if __name__ == "__main__":
    app.run(http=sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8000")
