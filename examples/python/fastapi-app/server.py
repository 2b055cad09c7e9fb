"""An application of FastAPI with routes and a login of its own, which has its tools at /mcp."""

import os
import secrets
import sys
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from starlette.responses import JSONResponse
from tenon_mcp import Server

API_KEY = os.environ.get("API_KEY", "")
PROTECT_MCP = os.environ.get("PROTECT_MCP", "").lower() == "true"
CHALLENGE = {"WWW-Authenticate": "Bearer"}
app = FastAPI(title="An application with tools")
mcp = Server("fastapi-server", "1.0.0")


def user_of(request: Request) -> str | None:
    """Who sent this: there is one user, who has the key."""
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    good = kind.lower() == "bearer" and API_KEY and secrets.compare_digest(key.encode(), API_KEY.encode())
    return "owner" if good else None


def logged_in(request: Request) -> str:
    user = user_of(request)
    if user is None:
        raise HTTPException(401, "Authentication required", CHALLENGE)
    return user


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "healthy"}


@app.get("/me")
async def me(user: Annotated[str, Depends(logged_in)]) -> dict[str, str]:
    return {"user": user}


@mcp.tool
def echo(message: str) -> str:
    """Say a message back."""
    return f"Echo: {message}"


@mcp.tool(structured=True)
def calculate_sum(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


class Guarded:
    """The tools, for those who are logged in if the application says so. Sessions belong to who opened them."""

    def __init__(self) -> None:
        self._tools = mcp.asgi(path="/mcp", principal=lambda scope: user_of(Request(dict(scope))))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if PROTECT_MCP and user_of(Request(scope)) is None:
            refusal = JSONResponse({"detail": "Authentication required"}, 401, CHALLENGE)
            await refusal(scope, receive, send)
        else:
            await self._tools(scope, receive, send)


guarded = Guarded()
# Both answer; a mount would have Starlette redirect the first to the second.
app.add_route("/mcp", guarded)
app.add_route("/mcp/", guarded)

if __name__ == "__main__":
    host, _, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8000").rpartition(":")
    uvicorn.run(app, host=host or "127.0.0.1", port=int(port))
