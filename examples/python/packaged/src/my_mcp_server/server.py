"""Puts the server together, and runs it: over stdio, or over HTTP at the address that is given."""

import json
import sys

from tenon_mcp import McpError, Server

from .resources.data_provider import DataProvider, add_resources
from .tools.operations import add_tools

INVALID_PARAMS = -32602


def make_server() -> Server:
    """A server with data of its own, so that tests do not see each other's."""
    app = Server("my-mcp-server", "1.0.0")
    data = DataProvider()
    add_resources(app, data)
    add_tools(app, data)

    @app.prompt(description="Data analysis prompt")
    def analyze_data(dataset: str) -> str:
        if dataset not in data.sources:
            known = ", ".join(data.sources)
            raise McpError(INVALID_PARAMS, f"Unknown dataset: {dataset}; there are {known}")
        return f"Analyze this dataset: {json.dumps(data.summary(dataset))}"

    return app


def main() -> None:
    make_server().run(http=sys.argv[1] if len(sys.argv) > 1 else None)


if __name__ == "__main__":
    main()
