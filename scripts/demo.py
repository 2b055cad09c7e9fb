"""Starts the Python quickstart over HTTP, talks to it with PyPI `mcp` in both eras, prints the conversation, stops it.

    demo.py            run with the interpreter of .venv
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

from mcp import Client

ROOT = Path(__file__).resolve().parent.parent
SERVER = "examples/python/quickstart/server.py"
START_SECONDS = 20
STOP_SECONDS = 10
ERAS = {"modern": "auto", "legacy": "legacy"}


def start_server():
    """Starts the quickstart on a free port; returns the process and its URL."""
    command = [sys.executable, SERVER, "127.0.0.1:0"]
    print("$ python", *command[1:], flush=True)
    server = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    timer = threading.Timer(START_SECONDS, server.kill)
    timer.start()
    for line in server.stderr:
        print("  server:", line.rstrip(), flush=True)
        found = re.search(r"http://\S+", line)
        if found:
            timer.cancel()
            # What the server says later must not fill the pipe.
            threading.Thread(target=server.stderr.read, daemon=True).start()
            return server, found.group()
    server.wait()
    raise SystemExit(f"demo: the server ended with code {server.returncode} before it listened")


async def converse(url, era):
    print(f"\n== {era} client ==", flush=True)
    async with Client(url, mode=ERAS[era]) as client:
        info = client.server_info
        print(f"-> connect {url}\n<- {info.name} {info.version}, protocol {client.protocol_version}")
        print("-> list tools")
        tools = (await client.list_tools()).tools
        for tool in tools:
            properties = tool.input_schema["properties"].items()
            arguments = ", ".join(f"{name}: {kind.get('type', 'any')}" for name, kind in properties)
            print(f"<- {tool.name}({arguments})  {tool.description or ''}")
        for name, arguments in CALLS:
            print(f"-> call {name} {arguments}")
            result = await client.call_tool(name, arguments)
            text = " ".join(block.text for block in result.content)
            print(f"<- {'error: ' if result.is_error else ''}{text}", flush=True)
            if result.is_error == (arguments in GOOD):
                raise SystemExit(f"demo: unexpected answer to {name} {arguments}: {text}")


CALLS = [("add", {"a": 2, "b": 3}), ("add", {"a": "two", "b": 3})]
GOOD = [{"a": 2, "b": 3}]


async def main():
    server, url = start_server()
    try:
        for era in ERAS:
            await converse(url, era)
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            raise SystemExit("demo: the server did not stop at Ctrl-C") from None
    print(f"\n$ Ctrl-C\nThe server has ended with code {server.returncode}. The demo is done.")


if __name__ == "__main__":
    os.chdir(ROOT)
    # In the background of a shell Ctrl-C is ignored, also by what is started there.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    asyncio.run(main())
