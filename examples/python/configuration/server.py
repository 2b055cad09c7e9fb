"""A server that is configured by its environment, and by a file where that says nothing."""

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tenon_mcp import Server


@dataclass(frozen=True)
class ServerConfig:
    name: str
    debug: bool
    max_connections: int
    # Not in what is printed or logged of it.
    api_key: str = field(repr=False)
    database_url: str = field(repr=False)


def load_config(config_path: str = "server_config.json") -> dict[str, Any]:
    """What the file says; nothing if there is none."""
    path = Path(config_path)
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds no object")
    return found


def configured() -> ServerConfig:
    said = os.environ.get
    connections = said("MAX_CONNECTIONS", "100")
    if not (connections.isascii() and connections.isdecimal() and int(connections) > 0):
        raise ValueError(f"MAX_CONNECTIONS is a number above 0, not {connections!r}")
    return ServerConfig(
        name=said("SERVER_NAME") or load_config().get("name") or "default-server",
        debug=said("DEBUG", "false").lower() == "true",
        max_connections=int(connections),
        api_key=said("API_KEY", ""),
        database_url=said("DATABASE_URL", ""),
    )


try:
    config = configured()
except (ValueError, OSError) as error:
    sys.exit(f"configuration: {error}")
# What nobody has foreseen clients are told only where somebody looks for its cause.
app = Server(config.name, "1.0.0", mask_errors=not config.debug, max_connections=config.max_connections)


@app.tool(structured=True)
def show_config() -> dict[str, Any]:
    """Tell what this server runs with, but no secrets."""
    secrets = {"has_api_key": bool(config.api_key), "has_database": bool(config.database_url)}
    return {"name": config.name, "debug": config.debug, "max_connections": config.max_connections, **secrets}


@app.tool
def error_tool() -> str:
    """Fail as no one has foreseen."""
    raise RuntimeError("Test error")


if __name__ == "__main__":
    app.run(http=sys.argv[1] if len(sys.argv) > 1 else None)
