"""Tools whose calls become tasks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tenon_mcp import Context, McpError, SyncContext, ToolError

if TYPE_CHECKING:
    from tenon_mcp import Server


def form(field: str, kind: str = "string") -> dict[str, Any]:
    return {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}


def add(app: Server) -> None:
    @app.tool
    def greet(name: str) -> str:
        """Greets, and never is a task."""
        return f"Hello, {name}!"

    @app.tool(task_support="optional")
    async def slow_compute(ctx: Context, seconds: float = 0, label: str = "") -> str:
        """Takes its time."""
        ctx.set_status("computing")
        await asyncio.sleep(seconds)
        return f"{label} computed in {seconds} s"

    @app.tool(task_support="required")
    async def failing_job() -> None:
        """Fails, as a task only."""
        await asyncio.sleep(1)
        raise ToolError("The job failed")

    @app.tool(task_support="optional")
    def protocol_error_job() -> None:
        """Ends with an error of the protocol."""
        raise McpError(-32603, "The job broke")

    @app.tool(task_support="optional")
    def confirm_delete(filename: str, ctx: SyncContext) -> str:
        """Asks before it does anything."""
        answer = ctx.elicit(f"Delete {filename}?", form("confirm", "boolean"), key="confirm")
        confirmed = bool(answer.content and answer.content["confirm"])
        return f"{'Deleted' if confirmed else 'Kept'} {filename}"

    @app.tool(task_support="optional")
    async def multi_input(ctx: Context) -> str:
        """Asks two things at once."""
        await asyncio.gather(
            ctx.elicit("Go on?", form("confirm", "boolean"), key="first"),
            ctx.elicit("And on?", form("confirm", "boolean"), key="second"),
        )
        return "Both inputs received"

    @app.tool(task_support="optional", defer_task=True)
    async def test_tool_with_task(ctx: Context) -> str:
        """Asks before it becomes a task."""
        answer = await ctx.elicit("What is your name?", form("name"), key="user_name")
        ctx.start_task()
        return f"Hello from a task, {(answer.content or {}).get('name')}"
