"""Which modules a program loads, and serving without an event loop until one is needed."""

import inspect
import json
import signal
import subprocess
import sys
import textwrap
import typing

import pytest
import tenon_mcp
from tenon_mcp._schema import annotations, inspection, signature
from wire import SECONDS, Program

WITHIN = 10

PLAIN = """
    import os, signal, sys
    from tenon_mcp import Server

    app = Server("t")

    @app.tool
    def loaded() -> list:
        return sorted(sys.modules)

    @app.tool
    def add_async() -> None:
        @app.tool
        async def late() -> str:
            import asyncio
            await asyncio.sleep(0)
            return "late" if asyncio.current_task() else "no task"

    @app.tool
    def stop() -> str:
        app.close()
        return "closing"

    @app.tool
    def fail() -> None:
        raise ZeroDivisionError("boom")

    @app.tool
    def remove() -> bool:
        return app.remove("tool", "fail")
"""
SERVED = PLAIN + "    app.run()\n"


def python(source):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)], capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_server_of_plain_functions_loads_nothing_that_takes_long():
    with Program(SERVED) as program:
        loaded = set(json.loads(program.client.text("loaded")))
        program.client.close()
        assert program.wait(WITHIN) == (0, "")
    assert "tenon_mcp._serve.serving" in loaded
    dear = {"asyncio", "inspect", "typing", "logging", "re", "dataclasses", "json", "concurrent", "importlib.metadata"}
    # What the interpreter's own start has loaded, or a `sitecustomize`, is not of our doing.
    assert not loaded & dear - set(python("import sys; print(*sys.modules)").split())


def test_every_public_name_is_there():
    assert set(tenon_mcp.__all__) <= set(dir(tenon_mcp))
    names = python("import tenon_mcp; print(*[n for n in dir(tenon_mcp) if n[0] != '_' and n[0].isupper()])").split()
    assert set(names) - {"TYPE_CHECKING"} == set(tenon_mcp.__all__)
    for name in tenon_mcp.__all__:
        # Unions have no name of their own.
        assert getattr(getattr(tenon_mcp, name), "__name__", None) == name or name in ("StoreOp", "StoreReply")
    assert python("from tenon_mcp import *; print(Answer, Entry, Image, HttpOptions)").count("tenon_mcp") == 4
    with pytest.raises(AttributeError, match="Nothing"):
        _ = tenon_mcp.Nothing


def test_an_async_function_that_comes_late_gets_its_loop():
    with Program(SERVED) as program:
        client = program.client
        assert client.text("add_async") == ""
        for _ in range(3):
            assert client.text("late") == "late"
        assert client.error("fail") == "boom"
        assert client.text("stop") == "closing"
        code, said = program.wait(WITHIN)
    assert code == 0 and "ZeroDivisionError: boom" in said


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("end", "code"),
    [
        (lambda program: program.client.close(), 0),
        (lambda program: program.client.text("stop"), 0),
        (lambda program: program.process.send_signal(signal.SIGINT), 130),
        (lambda program: program.process.send_signal(signal.SIGTERM), 0),
    ],
)
def test_ends_without_a_loop_and_with_one_that_came_late(end, code, late):
    with Program(SERVED) as program:
        if late:
            program.client.call("add_async")
            assert program.client.text("late") == "late"
        else:
            program.client.call("loaded")
        end(program)
        assert program.wait(WITHIN) == (code, "")


@pytest.mark.parametrize("late", [False, True])
def test_without_signals_an_interrupt_is_the_programs(late):
    source = PLAIN + textwrap.indent(
        """
try:
    app.run(signals=False)
except KeyboardInterrupt:
    print("interrupted", file=sys.stderr)
""",
        "    ",
    )
    with Program(source) as program:
        if late:
            program.client.call("add_async")
            assert program.client.text("late") == "late"
        else:
            program.client.call("loaded")
        program.interrupt()
        assert program.wait(WITHIN) == (0, "interrupted\n")


def test_a_handler_of_the_programs_own_runs_while_it_serves_without_a_loop():
    source = PLAIN + textwrap.indent(
        """
signal.signal(signal.SIGUSR1, lambda *_: print("signalled", file=sys.stderr, flush=True))
app.run()
""",
        "    ",
    )
    with Program(source) as program:
        program.client.call("loaded")
        program.process.send_signal(signal.SIGUSR1)
        assert program.said() == "signalled"
        assert program.client.call("loaded")
        program.client.close()
        assert program.wait(WITHIN) == (0, "signalled\n")


def test_what_is_logged_without_a_loop_arrives():
    made = 'Server("t", mask_errors=True); logging.basicConfig(level="DEBUG", format="%(name)s|%(message)s")'
    source = SERVED.replace("import os,", "import logging, os,").replace('Server("t")', made)
    with Program(source) as program:
        program.client.call("fail")
        program.client.close()
        code, said = program.wait(WITHIN)
    assert code == 0
    assert "tenon_mcp.call|tool 'fail' failed" in said
    assert "tenon_mcp.call|" in said.replace("tool 'fail' failed", "", 1), "nothing came from the engine"


def plain(a, b: int, /, c: str = "c", *d, e: "float" = 1.5, f: "list[int]", g: "None" = None, **h) -> "dict":
    """First.

        Indented\tmore.
      Less.

    """


def annotated(a: list[int], b: "int | None", c: "Unknown" = 1, d: int = None):  # noqa: F821, RUF013
    """One line.  """


def texts(a: "int", b: "str" = "", *, c: "bool" = True, d: "None") -> "dict":
    """
    Text
    """


async def coroutine(a: int | None, b: dict[str, list[int]]): ...


def generator():
    yield


async def async_generator():
    yield


FUNCTIONS = [plain, annotated, texts, coroutine, generator, async_generator]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_functions_are_read_as_inspect_reads_them(function):
    assert inspection.is_plain(function)
    own, inspected = signature._own(function), signature._inspected("t", function)
    assert [(kind, p.name, p.annotation, p.default) for kind, p in own] == [
        (kind, p.name, p.annotation, p.default) for kind, p in inspected
    ]
    assert inspection.is_async(function) == inspect.iscoroutinefunction(function)
    generates = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
    assert inspection.is_generator(function) == generates
    assert (inspection.doc(function) or "") == (inspect.getdoc(function) or "")
    try:
        expected = typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        with pytest.raises(NameError, match=str(error)):
            annotations.resolve_hints(function, True)
    else:
        assert annotations.resolve_hints(function, True) == expected


@pytest.mark.parametrize("function", [texts, coroutine], ids=lambda function: function.__name__)
def test_simple_annotations_are_read_without_typing(function):
    assert annotations._plain_hints(function) == typing.get_type_hints(function)


@pytest.mark.parametrize(
    "text", ["", "x", "\n", "  x  \n y\n   z ", "\t\n\n  a\n    b\n\n", "a\n \n  b\n", "\n  a\n b"]
)
def test_docstrings_are_cleaned_as_inspect_cleans_them(text):
    assert inspection.clean_doc(text) == inspect.cleandoc(text)
