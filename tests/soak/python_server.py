"""The server of python_calls.py: tools that leave something to be found if anything is kept, and one that looks."""

import asyncio
import gc
import os
import time
import tracemalloc
import weakref

from tenon_mcp import Context, Server, SyncContext

app = Server("soak", max_calls=4096, max_lane_calls=4096, max_peer_calls=4096)
LARGE = "x" * 65536
alive = weakref.WeakSet()
ended = 0


class Thing:
    """One per call: in its frame, its exception, its result."""

    def __init__(self):
        alive.add(self)


class Failed(Exception):
    def __init__(self, thing):
        super().__init__("failed")
        self.thing = thing


@app.tool
def echo(text: str) -> str:
    thing = Thing()
    return text if thing else ""


@app.tool
async def echo_async(text: str) -> str:
    thing = Thing()
    return text if thing else ""


@app.tool
def report(n: int, ctx: SyncContext) -> dict[str, int]:
    ctx.progress(n)
    return {"n": n}


@app.tool
async def report_async(n: int, ctx: Context) -> dict[str, int]:
    ctx.progress(n)
    await asyncio.sleep(0)
    return {"n": n}


@app.tool
def fail() -> None:
    raise Failed(Thing())


@app.tool
async def fail_async() -> None:
    await asyncio.sleep(0)
    raise Failed(Thing())


@app.tool
def large() -> str:
    return LARGE


@app.tool
async def wait(ctx: Context) -> None:
    global ended
    thing = Thing()
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        ended += bool(thing)


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@app.tool
async def look(trace: bool) -> dict:
    """What is there once the calls before have ended; with `trace` what Python has allocated since it looked first."""
    end = time.monotonic() + 20
    # Cancelled ones may be at it still.
    while alive and time.monotonic() < end:
        gc.collect()
        await asyncio.sleep(0.01)
    gc.collect()
    traced = 0
    if trace:
        if not tracemalloc.is_tracing():
            tracemalloc.start()
        traced = tracemalloc.get_traced_memory()[0]
    return {"alive": len(alive), "ended": ended, "resident": resident(), "traced": traced}


app.run()
