"""Errors and a log: codes and data of the program's own, exceptions that stand for them, one handler for the rest."""

import logging.handlers
import os
import sys
from collections.abc import Callable
from typing import Any

from tenon_mcp import McpError, NotFound, Server, SyncContext

DOCUMENTS = {"welcome": "Hello.", "payroll": "Not for everybody."}
log = logging.getLogger("robust-server")
app = Server("robust-server", "1.0.0")
app.map_error(PermissionError, lambda _: McpError(-32001, "Unauthorized access to resource"))
app.map_error(KeyError, lambda _: NotFound())  # with the code of the client's revision
app.map_error(Exception, lambda error: McpError(-32603, "Internal server error", {"error": str(error)}))


@app.middleware
def log_errors(ctx: SyncContext, call_next: Callable[[], Any]) -> Any:
    """Whatever a handler raises is logged with its trace, before it becomes what it stands for."""
    try:
        return call_next()
    except Exception as error:
        log.exception("%s failed: %s", ctx.name, error)
        raise


@app.tool(structured=True)
def divide_numbers(a: float, b: float) -> float:
    """Divide a by b."""
    if b == 0:
        raise McpError(-32600, "Division by zero is not allowed", {"a": a, "b": b})
    result = a / b
    if abs(result) == float("inf"):
        raise McpError(-32600, "The quotient is too large", {"a": a, "b": b})
    log.info("divided %s by %s: %s", a, b, result)
    return result


@app.tool
def error_tool() -> str:
    """Fail as no one has foreseen."""
    raise RuntimeError("Test error")


@app.resource("documents://{name}")
def document(name: str) -> str:
    """A document, if it is there and for everybody."""
    if name == "payroll":
        raise PermissionError(name)
    return DOCUMENTS[name]


if __name__ == "__main__":
    to_file = logging.handlers.RotatingFileHandler(os.environ.get("LOG_FILE", "mcp_server.log"), "a", 10 << 20, 5)
    form = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"
    logging.basicConfig(level=logging.INFO, format=form, handlers=[to_file])
    app.run(http=sys.argv[1] if len(sys.argv) > 1 else None)
