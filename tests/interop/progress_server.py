"""A server whose tool reports progress and returns at once. The first argument is the limit progress_gap in seconds."""

import sys

from tenon_mcp import Context, Server

app = Server("progress", progress_gap=float(sys.argv[1]))


@app.tool
async def count(ctx: Context, to: int) -> str:
    for step in range(1, to + 1):
        ctx.progress(step, to)
    return "done"


if len(sys.argv) > 2:
    kind, address = sys.argv[2].lstrip("-"), sys.argv[3]
    url = {"http": "url", "sse": "sse_url", "websocket": "websocket_url"}[kind]
    app.run(**{kind: address}, on_started=lambda app: print("listening", getattr(app, url), flush=True))
else:
    app.run()
