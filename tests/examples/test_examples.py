"""The examples in C and C++, and those of limits in all languages, as a client of another maker finds them: PyPI `mcp`
starts and calls each, in both eras."""

import asyncio
import json
import os
import re
import sqlite3
import sys
import time
from pathlib import Path

import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp_types import ElicitResult

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "build" / "c"
SECONDS = 30

pytestmark = pytest.mark.parametrize("mode", ["legacy", "auto"])


def served(mode, program, use, *arguments, env=None, **callbacks):
    """Runs `use(client)` with a client of a program of C, or of a command; returns what it returned."""
    command, *before = [str(BUILT / program)] if isinstance(program, str) else program

    async def session():
        server = StdioServerParameters(command=command, args=[*before, *(str(each) for each in arguments)], env=env)
        async with Client(server, mode=mode, read_timeout_seconds=SECONDS, **callbacks) as client:
            return await use(client)

    return asyncio.run(asyncio.wait_for(session(), 2 * SECONDS))


async def text(client, tool, arguments=None):
    result = await client.call_tool(tool, arguments or {})
    return result.content[0].text


@pytest.mark.parametrize("program", ["quickstart", "quickstart-cpp"])
def test_quickstart(mode, program):
    async def use(client):
        assert [tool.name for tool in (await client.list_tools()).tools] == ["add"]
        return await text(client, "add", {"a": 1, "b": 2.5})

    assert served(mode, program, use) == "3.5"


PYTHON = (sys.executable, "examples/python/resilient/server.py")
LIMITED = ["limits", ("node", "examples/node/limits/server.mjs"), PYTHON]


DOWN = "the service does not answer"


@pytest.mark.parametrize("program", LIMITED)
def test_limits(mode, program):
    async def use(client):
        for city in ("Rome", "Oslo"):
            texts = [await text(client, "report", {"city": city}) for _ in range(3)]
            assert texts[:2] == [f"all about the weather in {city}"] * 2
            assert re.fullmatch(r"It is written. Ask again in 3[0-9]{3} s.", texts[2]), texts
        measured = [await text(client, "temperature", {"city": city}) for city in ("Rome", "Rome", "Oslo", "Rome")]
        assert measured == ["15.1 °C in Rome", "15.1 °C in Rome", "15.2 °C in Oslo", "15.1 °C in Rome"]
        said = [await text(client, "warnings", {"country": country}) for country in ("IT", "NO", "IT", "IT", "NO")]
        assert said == [DOWN, "no warnings for NO", DOWN, DOWN, "no warnings for NO"]
        with pytest.raises(MCPError, match="No service for IT for [0-9]+ s."):
            await text(client, "warnings", {"country": "IT"})
        calls = [text(client, "forecast", {"city": "Rome"}) for _ in range(70)]
        done = await asyncio.gather(*calls, return_exceptions=True)
        passed = [answer for answer in done if answer == "sunny in Rome"]
        refused = [str(answer) for answer in done if isinstance(answer, MCPError)]
        # Ten a second, so the calls need not be refused because of the sixty a minute.
        assert 10 <= len(passed) <= 60 and len(passed) + len(refused) == 70
        takes = re.compile(r"takes [0-9]+ calls per (second|minute for each principal); retry in")
        assert all(takes.search(why) for why in refused)

    program = program if isinstance(program, str) else (program[0], str(ROOT / program[1]))
    served(mode, program, use, env={**os.environ, "DOWN": "IT"})


def test_mainloop(mode):
    async def use(client):
        assert await text(client, "set_label", {"label": "new"}) == "done"
        return await text(client, "status")

    assert served(mode, "mainloop", use).endswith(' ticks, label "new"')


def test_late(mode):
    async def use(client):
        calls = [text(client, "count_primes", {"below": below}) for below in (10, 100000, 100)]
        return await asyncio.gather(*calls)

    assert served(mode, "late", use) == ["4", "9592", "25"]


@pytest.mark.parametrize("sure", [True, False])
def test_notes(mode, sure):
    async def agree(_context, _params):
        return ElicitResult(action="accept", content={"sure": sure})

    async def use(client):
        assert await text(client, "add_note", {"text": "milk"}) == "1"
        assert await text(client, "add_note", {"text": "eggs"}) == "2"
        refused = await client.call_tool("add_note", {"text": ""})
        assert refused.is_error and refused.content[0].text == "an empty note is not kept"
        listed = await client.call_tool("list_notes", {})
        assert listed.structured_content == {"notes": [{"number": 1, "text": "milk"}, {"number": 2, "text": "eggs"}]}
        assert [str(one.uri) for one in (await client.list_resources()).resources] == ["note:///1", "note:///2"]
        assert (await client.read_resource("note:///2")).contents[0].text == "eggs"
        with pytest.raises(MCPError):
            await client.read_resource("note:///3")
        said = await text(client, "clear_notes")
        return said, len((await client.list_resources()).resources)

    expected = ("2 forgotten", 0) if sure else ("nothing was forgotten", 2)
    assert served(mode, "notes", use, elicitation_callback=agree) == expected


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE tea (name TEXT, price REAL, stock INTEGER, picture BLOB)")
        made.execute('CREATE TABLE "odd name" (x)')
        made.executemany("INSERT INTO tea VALUES (?, ?, ?, ?)", [("green", 4.5, 3, None), ("black", 3, None, b"\0\1")])
    made.close()
    return path


def test_database(mode, database):
    async def use(client):
        result = await client.call_tool("query", {"sql": "SELECT * FROM tea ORDER BY price;"})
        assert result.structured_content == {
            "columns": ["name", "price", "stock", "picture"],
            "rows": [["black", 3.0, None, "(2 bytes)"], ["green", 4.5, 3, None]],
            "more": False,
        }
        assert json.loads(result.content[0].text) == result.structured_content
        tables = {one.name: str(one.uri) for one in (await client.list_resources()).resources}
        assert tables == {"odd name": "table:///odd%20name", "tea": "table:///tea"}
        assert (await client.read_resource(tables["tea"])).contents[0].text.startswith("CREATE TABLE tea")
        assert (await client.read_resource(tables["odd name"])).contents[0].text.startswith('CREATE TABLE "odd name"')
        with pytest.raises(MCPError):
            await client.read_resource("table:///none")
        many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 501) SELECT i FROM n"
        result = await client.call_tool("query", {"sql": many})
        assert len(result.structured_content["rows"]) == 500 and result.structured_content["more"]
        for refused in (
            "DELETE FROM tea",
            "ATTACH 'other.db' AS other",
            "PRAGMA writable_schema = 1",
            "SELECT load_extension('x')",
            "SELECT fts3_tokenizer('simple', x'4141414141414141')",
            "SELECT 1\0; DELETE FROM tea",
            "SELECT 1; SELECT 2",
            "SELECT nothing FROM tea",
            "SELECT length(hex(zeroblob(40000)))",
            "SELECT printf('%.*c', 1000000000, 'x')",
            "SELECT format('%.*c', 1000000000, 'x')",
            "SELECT instr('b', 'b')",
            "SELECT replace('b', 'b', 'a')",
            "SELECT 'b' GLOB 'b'",
            "SELECT trim(hex(zeroblob(32000)), hex(zeroblob(32000)) || 'b')",
            "SELECT " + ", ".join(f"upper({n})" for n in range(1500)),
            "SELECT hex(zeroblob(30000)) LIKE '%' || hex(zeroblob(10000)) || '1'",
            "",
        ):
            assert (await client.call_tool("query", {"sql": refused})).is_error, refused
        # A row that compares at each place of a long value, as often as a row may.
        compared = " + ".join(f"(value LIKE '%{'0' * 45}{n}')" for n in range(300))
        long = "WITH one AS MATERIALIZED (SELECT hex(zeroblob(32000)) AS value)"
        began = time.monotonic()
        result = await client.call_tool("query", {"sql": f"{long} SELECT {compared} FROM one"})
        assert time.monotonic() - began < SECONDS
        assert result.is_error or result.structured_content["rows"] == [[1]]
        result = await client.call_tool("query", {"sql": "SELECT trim(' a '), ltrim(' a'), rtrim('a ')"})
        assert result.structured_content["rows"] == [["a", "a", "a"]]
        endless = "WITH RECURSIVE n(i, b) AS (SELECT 1, zeroblob(60000) UNION ALL SELECT i + 1, b FROM n)"
        result = await client.call_tool("query", {"sql": f"{endless} SELECT i FROM n ORDER BY b"})
        assert result.is_error and result.content[0].text == "out of memory"

    served(mode, "database", use, database)
    with sqlite3.connect(database) as left:
        assert left.execute("SELECT count(*) FROM tea").fetchone() == (2,)
    left.close()
