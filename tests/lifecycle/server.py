"""The lifecycle test's server in Python: tools that block whatever they are told, and one that prints."""

import asyncio
import sys
import time

from tenon_mcp import Server

LONG = 600.0

limits = {"drain_timeout": LONG, "stdio_drain_timeout": LONG} if "--long" in sys.argv else {}
app = Server("lifecycle", **limits)


def hang() -> None:
    print("blocked", file=sys.stderr, flush=True)
    while True:
        time.sleep(LONG)


@app.tool
def block() -> None:
    hang()


@app.tool
async def block_loop() -> None:
    hang()


@app.tool
def quick() -> str:
    return "done"


@app.tool
def flood(lines: int) -> str:
    for _ in range(lines):
        sys.stderr.write("x" * 1023 + "\n")
    sys.stderr.flush()
    return "printed"


http = sys.argv[sys.argv.index("--http") + 1] if "--http" in sys.argv else None
if "--loop" in sys.argv:
    asyncio.run(app.serve(http=http))
else:
    app.run(http=http)
