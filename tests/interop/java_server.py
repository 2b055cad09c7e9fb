"""What the Java SDK does not read: a log message that is an object, and an answer behind a stream that was closed."""

import sys

from tenon_mcp import Context, Server

app = Server("java", stream_retry=0.1)
CLOSED = []


@app.tool
async def log_object(ctx: Context) -> str:
    ctx.log("info", {"a": 1})
    ctx.log("info", "a text")
    return "logged"


@app.tool
async def close(ctx: Context) -> str:
    ctx.log("error", "before")
    CLOSED.append(ctx.close_stream())
    return "done"


@app.tool
def closed() -> str:
    return str(CLOSED)


app.run(http=sys.argv[2], on_started=lambda app: print("listening", app.url, flush=True))
