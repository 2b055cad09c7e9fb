"""The program that shutdown tests start as a process, and how they start it and wait for its exit."""

import time

TOOLS = """
import asyncio, ctypes, os, signal, subprocess, sys, threading, time
from tenon_mcp import AskError, Context, Server, SyncContext

app = Server("t", drain_timeout=0.5)

def hold_interpreter():
    # Never returns, keeps the interpreter, and no signal interrupts it.
    mutex, lock = ctypes.create_string_buffer(256), ctypes.PyDLL(None).pthread_mutex_lock
    lock(mutex)
    lock(mutex)

def sleep_on_the_main_thread():
    # In pieces: a signal that comes just before a sleep begins is seen when it ends.
    for _ in range(240):
        time.sleep(0.25)

@app.tool
def add(a: int, b: int) -> int:
    return a + b

@app.tool
async def wait(ctx: Context):
    ctx.progress(1)
    await asyncio.get_running_loop().create_future()

@app.tool
async def stubborn(ctx: Context):
    ctx.progress(1)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

@app.tool
async def block(ctx: Context):
    ctx.progress(1)
    sleep_on_the_main_thread()

@app.tool
async def spin(ctx: Context):
    ctx.progress(1)
    while True:
        pass

@app.tool
def sleep(ctx: SyncContext):
    ctx.progress(1)
    time.sleep(60)

@app.tool
async def in_thread(ctx: Context):
    ctx.progress(1)
    await asyncio.to_thread(time.sleep, 60)

@app.tool
async def in_task(ctx: Context):
    ctx.progress(1)
    async def task():
        sleep_on_the_main_thread()
    await asyncio.create_task(task())

@app.tool
def hold(ctx: SyncContext):
    ctx.progress(1)
    hold_interpreter()

@app.tool
async def hold_async(ctx: Context):
    ctx.progress(1)
    hold_interpreter()

@app.tool
def ask(ctx: SyncContext):
    ctx.elicit("?", {"type": "object", "properties": {"a": {"type": "string"}}})

@app.tool
async def soon(ctx: Context) -> str:
    ctx.progress(1)
    await asyncio.sleep(0.1)
    return "done"

@app.tool
def soon_sync(ctx: SyncContext) -> str:
    ctx.progress(1)
    time.sleep(0.1)
    return "done"

@app.tool
def noisy() -> str:
    print("from print")
    sys.stdout.flush()
    os.write(1, b"from write\\n")
    subprocess.run(["echo", "from a child"])
    return "quiet"

@app.tool
async def close(times: int) -> str:
    for _ in range(times):
        app.close()
    return "closing"

@app.tool
def close_sync() -> str:
    app.close()
    return "closing"
"""
RUN = TOOLS + "\napp.run()\n"
WITHIN = 4


def start(program, name, **arguments):
    """Starts a call and waits until its function runs."""
    request = program.client.start_call(name, arguments, _meta={"progressToken": 1})
    assert program.client.receive()["method"] in ("notifications/progress", "elicitation/create")
    return request


BLOCKED = ["wait", "stubborn", "block", "spin", "sleep", "in_thread", "in_task", "hold", "hold_async"]
PATIENT = TOOLS.replace("drain_timeout=0.5", "drain_timeout=60, stdio_drain_timeout=60") + "\napp.run()\n"


def ends(program, name=None):
    """The exit code of a program that ends soon and prints no traceback."""
    began = time.monotonic()
    code, errors = program.wait()
    took = time.monotonic() - began
    assert took < WITHIN, took
    # asyncio itself complains about a task that cannot be cancelled.
    assert errors == "" or name == "stubborn" and "Traceback" not in errors, errors
    return code
