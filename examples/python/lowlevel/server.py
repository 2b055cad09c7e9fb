"""For programs that have a registry of their own: each method of the protocol is answered by a function."""

import sys
from collections.abc import Callable
from typing import Any

import data
import operations
from jsonschema import Draft202012Validator
from tenon_mcp import McpError, Server, ToolError

app = Server("my-mcp-server", "1.0.0", capabilities=["tools", "resources", "prompts", "logging"])
INVALID = -32602
SCHEME = "custom://"
DATASET = {"name": "dataset", "description": "Name of the dataset", "required": True}
STRING = {"type": "string"}
Answer = Callable[..., dict[str, Any]]


def answers(
    method: str, arguments: dict[str, Any] | None = None, **required: dict[str, Any]
) -> Callable[[Answer], Answer]:
    """A function that answers a method of the protocol, once its params are what it takes."""
    schema = {"properties": {**required, "arguments": arguments or {}}, "required": list(required)}
    validator = Draft202012Validator(schema)

    def register(function: Answer) -> Answer:
        @app.replace(method)
        def checked(**params: Any) -> dict[str, Any]:
            for error in validator.iter_errors(params):
                place = "".join(f"/{part}" for part in error.path)
                raise McpError(INVALID, f"Invalid params of {method}: {place and place + ': '}{error.message[:200]}")
            return function(**params)

        return function

    return register


@answers("tools/list")
def list_tools(**_: Any) -> dict[str, Any]:
    return {
        "tools": [
            {"name": name, "description": f"Tool for {name.replace('_', ' ')}", "inputSchema": one.schema}
            for name, one in operations.TOOLS.items()
        ]
    }


@answers("tools/call", {"type": "object"}, name=STRING)
def call_tool(name: str, arguments: dict[str, Any] | None = None, **_: Any) -> dict[str, Any]:
    if name not in operations.TOOLS:
        raise McpError(INVALID, f"Unknown tool: {name}")
    try:
        text, structured = operations.run(name, arguments or {})
    except ToolError as error:
        return failed(str(error))
    except Exception as error:
        return failed(f"Internal error: {error}")
    if name in ("create_user", "update_user", "delete_user"):
        app.resource_updated(f"{SCHEME}data/users")
    result: dict[str, Any] = {"content": [{"type": "text", "text": text}]}
    return result if structured is None else {**result, "structuredContent": structured}


def failed(reason: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": reason}], "isError": True}


@answers("resources/list")
def list_resources(**_: Any) -> dict[str, Any]:
    return {
        "resources": [
            {
                "uri": f"{SCHEME}data/{source}",
                "name": f"{source.title()} Data",
                "description": f"Access to {source} information",
                "mimeType": "application/json",
            }
            for source in data.SOURCES
        ]
    }


@answers("resources/read", uri=STRING)
def read_resource(uri: str, **_: Any) -> dict[str, Any]:
    if not uri.startswith(SCHEME):
        raise McpError(INVALID, f"Unsupported URI scheme: {uri}")
    place, _, source = uri.removeprefix(SCHEME).partition("/")
    if place != "data":
        raise McpError(INVALID, f"Unknown resource: {uri}")
    if source not in data.SOURCES:
        raise McpError(INVALID, f"Unknown data source: {source}")
    return {"contents": [{"uri": uri, "mimeType": "application/json", "text": data.as_text(source)}]}


@answers("prompts/list")
def list_prompts(**_: Any) -> dict[str, Any]:
    return {"prompts": [{"name": "analyze_data", "description": "Data analysis prompt", "arguments": [DATASET]}]}


@answers("prompts/get", {"type": "object", "additionalProperties": STRING}, name=STRING)
def get_prompt(name: str, arguments: dict[str, str] | None = None, **_: Any) -> dict[str, Any]:
    if name != "analyze_data":
        raise McpError(INVALID, f"Unknown prompt: {name}")
    dataset = (arguments or {}).get("dataset")
    if dataset not in data.SOURCES:
        raise McpError(INVALID, f"Unknown dataset: {dataset}; there are {', '.join(data.SOURCES)}")
    text = f"Analyze this dataset: {data.summary(dataset)}"
    message = {"role": "user", "content": {"type": "text", "text": text}}
    return {"description": "Data analysis prompt", "messages": [message]}


if __name__ == "__main__":
    app.run(http=sys.argv[1] if len(sys.argv) > 1 else None)
