from fastapi import FastAPI
from tenon_mcp import Server

mcp = Server("shop")
app = FastAPI()


@mcp.tool
def price(product: str) -> float:
    """What a product costs."""
    return {"tea": 4.5}[product]


@app.get("/")
def index() -> str:
    return "A shop with tools at /mcp"


# As a route, both /mcp and /mcp/ answer; app.mount("/mcp", mcp.asgi()) has Starlette redirect the first to the second.
app.add_route("/mcp{slash:path}", mcp.asgi(path="/mcp"))
