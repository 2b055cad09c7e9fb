"""What handlers raise, and arguments that their schema refuses."""

import asyncio
import sys

import pytest
from tenon_mcp import Server
from wire import serving


class Quiet(Exception):
    pass


class Broken(Exception):
    def __str__(self):
        raise ValueError("no text")


class Unprintable(Exception):
    def __str__(self):
        return "\ud800"


ERRORS = [
    (RuntimeError("boom"), "boom"),
    (Quiet(), "Quiet"),
    (Broken(), "Broken"),
    (Unprintable(), "Unprintable"),
    (KeyError("k"), "'k'"),
    (SystemExit(3), "3"),
    (SystemExit(), "SystemExit"),
    (KeyboardInterrupt(), "KeyboardInterrupt"),
    (GeneratorExit(), "GeneratorExit"),
    (asyncio.CancelledError(), None),
    (StopIteration("over"), None),
]


@pytest.mark.parametrize("pause", [False, True])
@pytest.mark.parametrize(("error", "text"), ERRORS, ids=lambda value: type(value).__name__)
def test_whatever_is_raised_fails_the_call_and_nothing_else(error, text, pause):
    app = Server("t")

    @app.tool
    def sync():
        raise error

    @app.tool("async")
    async def asynchronous():
        if pause:
            await asyncio.sleep(0.001)
        raise error

    @app.tool
    async def fine() -> str:
        return "fine"

    with serving(app) as client:
        for name in ("sync", "async"):
            got = client.error(name)
            assert text is None or got == text
        assert client.text("fine") == "fine"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups are newer")
def test_groups_name_their_parts():
    app = Server("t")

    @app.tool
    async def grouped(count: int):
        async def part(name):
            await asyncio.sleep(0)
            raise ValueError(f"part {name}")

        async with asyncio.TaskGroup() as group:
            for name in range(count):
                group.create_task(part(name))

    with serving(app) as client:
        assert client.error("grouped", count=1) == "part 0"
        assert client.error("grouped", count=2) == "part 0; part 1"


def test_wrong_arguments_of_an_explicit_schema_are_the_functions_error():
    app = Server("t")

    @app.tool(input_schema={"type": "object"})
    def picky(a):
        return a

    with serving(app) as client:
        assert "unexpected keyword" in client.error("picky", b=1)
        assert "missing" in client.error("picky")
        assert client.text("picky", a=[1]) == "[1]"
