"""A tool with a view, and a skill that explains when to use the tool."""

from pathlib import Path

from tenon_mcp import Server, SyncContext

HERE = Path(__file__).parent
app = Server("clock", "1.0.0")
app.ui("ui://clock", HERE / "view", title="Clock", prefers_border=True)
app.skills(HERE / "skills")


@app.tool(ui="ui://clock", structured=True)
def now(ctx: SyncContext) -> dict[str, int]:
    """Tell the time."""
    # The view gets the structured content. Clients without views get the same content as text.
    if ctx.extension("io.modelcontextprotocol/ui") is None:
        ctx.log("info", "the client shows no views")
    return {"hour": 12, "minute": 0}


if __name__ == "__main__":
    app.run()
