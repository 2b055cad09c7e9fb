"""Runs the larger examples as their users do, and connects a client of another maker: PyPI `mcp`, in either era.

An example takes the address to serve HTTP at as its first argument, and serves stdio without one. Over HTTP it says its
URL on stderr or stdout.
"""

import asyncio
import importlib.util
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from mcp import Client, StdioServerParameters

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
BUILT = ROOT / "build" / "c"

sys.path.insert(0, str(ROOT / "tests" / "support"))
import processes  # noqa: E402

MODES = {"legacy": "legacy", "modern": "auto"}
START_SECONDS = 60
STOP_SECONDS = 30
SECONDS = 120
"""For a whole test's conversation: what is over it hangs."""


def command(example):
    """How an example such as `python/files` or `c/devices` is started."""
    language, name = example.split("/")
    folder = EXAMPLES / language / name
    if language == "python":
        return [processes.PYTHON, str(folder / "server.py")]
    if language == "node":
        return [processes.NODE, str(folder / "server.mjs")]
    return [str(BUILT / (name if language == "c" else f"{name}-{language}"))]


def load(example, **environment):
    """The module of a Python example, loaded anew with these variables: its server is `app`."""
    path = EXAMPLES / example / "server.py"
    name = f"example_{path.parent.name}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    before = {key: os.environ.get(key) for key in environment}
    os.environ.update({key: str(value) for key, value in environment.items()})
    sys.path.insert(0, str(path.parent))
    # An example's own modules have names that others' may have too.
    known = set(sys.modules)
    try:
        # Dataclasses and annotations look their module up.
        sys.modules[name] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
        for own in set(sys.modules) - known - {name}:
            if (getattr(sys.modules[own], "__file__", None) or "").startswith(str(path.parent)):
                del sys.modules[own]
        for key, value in before.items():
            os.environ.pop(key, None) if value is None else os.environ.__setitem__(key, value)
    return module


@contextmanager
def http(
    example,
    *arguments,
    address="127.0.0.1:0",
    env=None,
    cwd=None,
    start=None,
    stdin=subprocess.DEVNULL,
    pattern=r"(?:https?|wss?)://[^\s,]+",
):
    """An example that serves HTTP, or whatever else it is told to, as long as this is entered; gives its URL.
    `start` is its command, unless that is the one of its language.
    """
    run = subprocess.Popen(
        [*(start or command(example)), address, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    said = []
    found = threading.Event()
    url = []

    def read():
        for line in run.stdout:
            said.append(line)
            match = re.search(pattern, line)
            if match and not url:
                url.append(match.group())
                found.set()
        found.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        assert found.wait(START_SECONDS) and url, f"{example} did not say where it listens: {''.join(said)}"
        yield url[0]
        assert run.poll() is None, f"{example} ended with {run.returncode}: {''.join(said)}"
        run.send_signal(signal.SIGTERM)
        code = run.wait(STOP_SECONDS)
        assert code in (0, -signal.SIGTERM, 128 + signal.SIGTERM), f"{example} ended with {code}: {''.join(said)}"
    finally:
        try:
            os.killpg(run.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        run.wait()
        reader.join()


@asynccontextmanager
async def connected(example, way, *arguments, env=None, cwd=None, **callbacks):
    """A client of an example; `way` is `stdio` or `http` and `legacy` or `modern`."""
    transport, era = way
    callbacks = {"mode": MODES[era], "read_timeout_seconds": SECONDS, **callbacks}
    if transport == "stdio":
        program, *rest = command(example)
        server = StdioServerParameters(
            command=program, args=[*rest, *map(str, arguments)], env={**os.environ, **(env or {})}, cwd=cwd
        )
        async with Client(server, **callbacks) as client:
            yield client
        return
    with http(example, *arguments, env=env, cwd=cwd) as url:
        async with Client(url, **callbacks) as client:
            yield client


def converse(example, way, use, *arguments, env=None, cwd=None, **callbacks):
    """Runs `use(client)` with a client of the example; returns what it returned."""

    async def session():
        async with connected(example, way, *arguments, env=env, cwd=cwd, **callbacks) as client:
            return await use(client)

    return asyncio.run(asyncio.wait_for(session(), SECONDS))


def text(result):
    """The texts of a result, a line each."""
    return "\n".join(block.text for block in result.content if block.type == "text")


async def said(client, tool, /, **arguments):
    """The text of a call that goes well."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text(result)
    return text(result)


async def refused(client, tool, /, **arguments):
    """The text of a call that fails as a tool does, or is refused by its schema."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, f"{tool} {arguments} went well: {text(result)}"
    return text(result)
