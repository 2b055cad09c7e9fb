"""C++: a prompt for a database, which clients read while somebody types."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from contextlib import contextmanager

import injections
import pytest
from example_servers import MODES, SECONDS, command, converse, refused, said
from mcp import Client, MCPError
from mcp.client.subscriptions import ResourcesListChanged, ResourceUpdated

EXAMPLE = "cpp/shell"
TEA = "database://tables/tea"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


class Prompt:
    """The shell, as somebody types at it."""

    def __init__(self, process):
        self.process = process
        self.url = process.stderr.readline().split()[-1]
        self.read()

    def read(self):
        said = ""
        while not said.endswith("sql> "):
            letter = self.process.stdout.read(1)
            assert letter, f"the shell has ended: {said}"
            said += letter
        return said.removesuffix("sql> ")

    def type(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.read()

    def readers(self, database):
        """How many connections it has to the file besides its own."""
        folder = f"/proc/{self.process.pid}/fd"
        open_files = [os.path.realpath(f"{folder}/{one}") for one in os.listdir(folder)]
        return open_files.count(str(database)) - 1


@contextmanager
def prompt(*arguments):
    program = [*command(EXAMPLE), "127.0.0.1:0", *map(str, arguments)]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(program, text=True, **pipes) as process:
        try:
            yield Prompt(process)
            process.stdin.write(".quit\n")
            process.stdin.flush()
            assert process.wait(SECONDS) == 0
        finally:
            process.kill()


def test_what_is_typed_reaches_clients():
    async def main(shell):
        async with Client(shell.url, mode=MODES["modern"], read_timeout_seconds=SECONDS) as client:
            assert await said(client, "list_tables") == "Tables in database:"
            assert (await client.list_resources()).resources == []
            async with client.listen(resources_list_changed=True, resource_subscriptions=[TEA]) as changes:
                assert shell.type("CREATE TABLE tea (name TEXT NOT NULL,\nprice REAL DEFAULT 3);") == "...> "
                assert await anext(changes) == ResourcesListChanged()
                assert await said(client, "list_tables") == "Tables in database:\n- tea"
                [table] = (await client.list_resources()).resources
                assert (table.name, table.description) == ("Table: tea", "Access to tea table")
                shell.type("INSERT INTO tea (name) VALUES ('green');")
                assert await anext(changes) == ResourceUpdated(TEA)
            assert json.loads((await client.read_resource(TEA)).contents[0].text) == [{"name": "green", "price": 3.0}]
            assert shell.type("SELECT * FROM tea;") == "name  | price\n-------------\ngreen | 3    \n"
            # What a client may not do the prompt may, also afterwards.
            assert await refused(client, "execute_select", query="DELETE FROM tea")
            assert shell.type("SELECT nope;") == "Database error: no such column: nope\n"
            assert shell.type("SELECT length(zeroblob(1000000)) AS n;") == "n      \n-------\n1000000\n"
            assert shell.type("DROP TABLE tea;") == ""
            assert await said(client, "list_tables") == "Tables in database:"
            with pytest.raises(MCPError):
                await client.read_resource(TEA)

    with prompt() as shell:
        asyncio.run(asyncio.wait_for(main(shell), SECONDS))


def test_slow_queries_block_nobody():
    async def main(shell):
        async with Client(shell.url, mode=MODES["modern"], read_timeout_seconds=SECONDS) as client:
            slow = [asyncio.create_task(refused(client, "execute_select", query=ENDLESS)) for _ in range(4)]
            # What is typed is committed meanwhile, and queries are answered, before the first slow one ends after 5 s.
            for round in range(10):
                await asyncio.to_thread(shell.type, f"CREATE TABLE t{round} (a);")
                listing = await said(client, "list_tables")
                assert len(listing.splitlines()) == round + 2
                assert "answer" in await said(client, "execute_select", query="SELECT 42 AS answer")
            assert not any(one.done() for one in slow)
            for one in slow:
                one.cancel()

    with prompt() as shell:
        asyncio.run(asyncio.wait_for(main(shell), SECONDS))


@pytest.mark.parametrize("read", ["tool", "resource"])
def test_what_is_cancelled_frees_its_worker_and_its_reader(read, database):
    with contextlib.closing(sqlite3.connect(database)) as made:
        made.execute(f"CREATE VIEW endless AS {ENDLESS}")

    async def main(shell):
        async with Client(shell.url, mode=MODES["modern"], read_timeout_seconds=SECONDS) as client:

            def endless():
                if read == "tool":
                    return client.call_tool("execute_select", {"query": ENDLESS})
                return client.read_resource("database://tables/endless")

            began = time.monotonic()
            # As many as there are workers.
            slow = [asyncio.create_task(endless()) for _ in range(8)]
            while shell.readers(database) < 8:
                await asyncio.sleep(0.01)
            for one in slow:
                one.cancel()
            await asyncio.gather(*slow, return_exceptions=True)
            answers = [said(client, "execute_select", query="SELECT 42 AS answer") for _ in range(8)]
            assert all("answer" in one for one in await asyncio.gather(*answers))
            # The time limit would have ended them after 5 s.
            assert time.monotonic() - began < 5
            assert shell.readers(database) == 8

    with prompt(database) as shell:
        asyncio.run(asyncio.wait_for(main(shell), SECONDS))


def test_a_new_reader_waits_for_a_lock(database):
    async def main(shell):
        async with Client(shell.url, mode=MODES["modern"], read_timeout_seconds=SECONDS) as client:
            slow = [asyncio.create_task(client.call_tool("execute_select", {"query": ENDLESS})) for _ in range(2)]
            while shell.readers(database) < 2:
                await asyncio.sleep(0.01)
            with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                waiting = asyncio.create_task(said(client, "execute_select", query="SELECT 42 AS answer"))
                while shell.readers(database) < 3 and not waiting.done():
                    await asyncio.sleep(0.01)
                # It has had the time to fail.
                await asyncio.wait([waiting], timeout=0.2)
                other.execute("COMMIT")
            assert "42" in await waiting
            for one in slow:
                one.cancel()
            await asyncio.gather(*slow, return_exceptions=True)

    with prompt(database) as shell:
        asyncio.run(asyncio.wait_for(main(shell), SECONDS))


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, None])
def test_a_temporary_database_is_removed(end, tmp_path):
    program = [*command(EXAMPLE), "127.0.0.1:0"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(program, text=True, env={**os.environ, "TMPDIR": str(tmp_path)}, **pipes) as process:
        shell = Prompt(process)
        shell.type("CREATE TABLE tea (name);")
        assert list(tmp_path.iterdir())
        if end is None:
            process.stdin.close()
        else:
            process.send_signal(end)
        assert process.wait(SECONDS) == (0 if end is None else 128 + end)
    assert not list(tmp_path.iterdir())


def test_clients_see_what_the_prompt_has_committed():
    async def main(shell):
        async with Client(shell.url, mode=MODES["modern"], read_timeout_seconds=SECONDS) as client:
            shell.type("CREATE TABLE tea (name TEXT);")
            async with client.listen(resource_subscriptions=[TEA]) as changes:
                shell.type("BEGIN;")
                shell.type("INSERT INTO tea VALUES ('green');")
                assert json.loads((await client.read_resource(TEA)).contents[0].text) == []
                shell.type("ROLLBACK;")
                shell.type("BEGIN; INSERT INTO tea VALUES ('black');")
                shell.type("COMMIT;")
                assert await anext(changes) == ResourceUpdated(TEA)
            assert json.loads((await client.read_resource(TEA)).contents[0].text) == [{"name": "black"}]
            assert shell.type("SELECT 1\0;") == "Database error: the statement contains a NUL character\n"

    with prompt() as shell:
        asyncio.run(asyncio.wait_for(main(shell), SECONDS))


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "shop.db"
    made = sqlite3.connect(path)
    made.execute("CREATE TABLE tea (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT 'x', price REAL, picture BLOB)")
    made.execute("CREATE TABLE 'odd \"name' (a)")
    teas = [(2**53 + 1, 'grün "q"\n', 4.1, b"\0\1\2\xff"), (1, "b", None, b"")]
    made.executemany("INSERT INTO tea VALUES (?, ?, ?, ?)", teas)
    made.executemany("INSERT INTO 'odd \"name' VALUES (?)", [(i,) for i in range(1200)])
    made.commit()
    made.close()
    return path


@pytest.mark.parametrize("era", MODES)
def test_tools(era, database):
    async def use(client):
        async def select(query, **arguments):
            result = await client.call_tool("execute_select", {"query": query, **arguments})
            assert not result.is_error, result.content[0].text
            return result

        result = await select("\n/* all */ sElEcT *, 5 AS id FROM tea ORDER BY price DESC -- end")
        assert result.structured_content == {
            "columns": ["id", "name", "price", "picture", "id_2"],
            "rows": [
                {"id": 2**53 + 1, "name": 'grün "q"\n', "price": 4.1, "picture": "AAEC/w==", "id_2": 5},
                {"id": 1, "name": "b", "price": None, "picture": "", "id_2": 5},
            ],
            "row_count": 2,
            "truncated": False,
        }
        listed = await select(
            "SELECT upper('a') || 2 AS f, json_extract('[1]', '$[0]') AS j, 1 LIKE 1 AS l,"
            " '[7]' -> 0 AS o, sum(1) OVER () AS s, date(0, 'unixepoch') AS d"
        )
        row = {"f": "A2", "j": 1, "l": 1, "o": "7", "s": 1, "d": "1970-01-01"}
        assert listed.structured_content["rows"] == [row]
        assert (await select("SELECT 1 WHERE 0")).content[0].text == "No results found"
        params = [2**53 + 1, 0.1, "' OR 1=1", None, True]
        result = await select("SELECT ? AS i, ? AS d, ? AS t, ? AS n, ? AS b", params=params)
        assert result.structured_content["rows"] == [{"i": 2**53 + 1, "d": 0.1, "t": "' OR 1=1", "n": None, "b": 1}]
        result = await select('SELECT a FROM "odd ""name"')
        lines = result.content[0].text.split("\n")
        assert lines[:3] == ["a ", "--", "0 "] and len(lines) == 54
        assert lines[-2:] == ["... and 950 more rows", "(cut at 1000, there are more)"]
        assert result.structured_content["row_count"] == 1000 and result.structured_content["truncated"]
        result = await select('SELECT a FROM "odd ""name" ORDER BY a', limit=3, offset=1198)
        assert [row["a"] for row in result.structured_content["rows"]] == [1198, 1199]
        assert result.structured_content["truncated"] is False

        result = await select('SELECT a FROM "odd ""name" ORDER BY a', limit=1)
        assert result.content[0].text == "a\n-\n0\n(cut at 1, there are more)"
        result = await select(
            "SELECT 'a\nb' AS x, hex(zeroblob(30000)) AS y, substr(hex(zeroblob(100)), 2) || 'é' AS z"
        )
        assert result.content[0].text.split("\n")[2] == f"a b | {'0' * 199}… | {'0' * 199}é"
        assert len(result.structured_content["rows"][0]["y"]) == 60000
        # Bytes that are no text of UTF-8, as old databases have.
        for given, shown in {
            "ff": "\ufffd",
            "67fc6e": "g\ufffdn",
            "c3bc": "ü",
            "e282ac": "€",
            "f09f8d8a": "🍊",
            "e282": "\ufffd" * 2,
            "c0af": "\ufffd" * 2,
            "eda080": "\ufffd" * 3,
            "f4908080": "\ufffd" * 4,
            "e08080": "\ufffd" * 3,
        }.items():
            result = await select(f"SELECT CAST(x'{given}' AS TEXT) AS t")
            assert result.structured_content["rows"] == [{"t": shown}], given
        result = await select("SELECT 1 AS a, 2 AS a_2, 3 AS a, " + ", ".join(["1 AS b"] * 1200))
        assert list(result.structured_content["rows"][0])[:5] == ["a", "a_2", "a_3", "b", "b_2"]
        assert result.structured_content["columns"][-1] == "b_1200"

        assert await said(client, "list_tables") == 'Tables in database:\n- odd "name\n- tea'
        assert await said(client, "get_table_schema", table_name="tea") == (
            "Schema for table 'tea':\n" + "-" * 40 + "\n  id (INTEGER) PRIMARY KEY\n  name (TEXT) NOT NULL DEFAULT 'x'"
            "\n  price (REAL)\n  picture (BLOB)"
        )
        assert await refused(client, "get_table_schema", table_name="tea'; --") == "Table 'tea'; --' not found"
        tables = {one.name: str(one.uri) for one in (await client.list_resources()).resources}
        assert tables == {'Table: odd "name': "database://tables/odd%20%22name", "Table: tea": TEA}
        content = (await client.read_resource(tables['Table: odd "name'])).contents[0]
        assert json.loads(content.text) == [{"a": i} for i in range(100)] and content.mime_type == "application/json"

    converse(EXAMPLE, ("stdio", era), use, "-", database)


def test_only_reads(database):
    written = "Error: Only SELECT queries are allowed"
    refusals = {
        "DELETE FROM tea": written,
        "dElEtE/**/FROM tea": written,
        "UPDATE tea SET name = 'x'": written,
        "INSERT INTO tea (name) VALUES ('x') RETURNING id": written,
        "WITH x AS (SELECT 1) DELETE FROM tea": written,
        "DROP TABLE tea": written,
        "CREATE TABLE other (a)": written,
        "CREATE TEMP TABLE other (a)": written,
        "ATTACH 'other.db' AS other": written,
        "PRAGMA writable_schema = 1": written,
        "PRAGMA journal_mode = DELETE": written,
        "VACUUM INTO 'other.db'": written,
        "BEGIN IMMEDIATE": written,
        "REINDEX": written,
        "SELECT load_extension('x')": "Database error: not authorized to use function: load_extension",
        "SELECT fts3_tokenizer('simple', x'4141414141414141')": "not authorized to use function: fts3_tokenizer",
        "SELECT FTS3_Tokenizer('simple')": "not authorized to use function: FTS3_Tokenizer",
        "SELECT sqlite_compileoption_get(1)": "not authorized to use function: sqlite_compileoption_get",
        "SELECT * FROM spy": "fts3_tokenizer",
        "SELECT 1\0; DELETE FROM tea": "Database error: the statement contains a NUL character",
        "SELECT 1\0": "Database error: the statement contains a NUL character",
        "\0": "Database error: the statement contains a NUL character",
        "SELECT 1; DELETE FROM tea": written,
        "SELECT 1; SELECT 2": "exactly one statement",
        "": "exactly one statement",
        "-- nothing": "exactly one statement",
        "SELECT nope FROM tea": "Database error: no such column: nope",
        "SELECT * FROM none": "Database error: no such table: none",
        "SELECT ?": "number of parameters",
        "SELECT 'unfinished": "Database error: unrecognized token",
        **injections.EXPENSIVE,
        injections.TOO_LARGE: "the query is too large",
        injections.doubled(12): "the query is too large",
        "SELECT zeroblob(100000000)": "Database error: string or blob too big",
        "SELECT length(hex(zeroblob(40000)))": "Database error: string or blob too big",
        "SELECT hex(zeroblob(30000)) LIKE '%' || hex(zeroblob(10000)) || '1'": "LIKE or GLOB pattern too complex",
        'SELECT randomblob(60000) FROM "odd ""name"': "larger than 4 MiB",
        'SELECT a.a FROM "odd ""name" AS a, "odd ""name" AS b ORDER BY zeroblob(60000), a.a': "needs more than 64 MiB",
        ENDLESS: "time limit of 5 s",
        "SELECT '" + "x" * 100_000 + "'": "/query",
    }
    # Each row compares a pattern with a long value at each place.
    compared = f"SELECT sum(hex(zeroblob(32000)) LIKE '%{'0' * 45}' || a)"
    refusals[f'{compared} FROM "odd ""name", (VALUES (1), (2), (3), (4), (5))'] = "time limit of 5 s"
    with contextlib.closing(sqlite3.connect(database)) as made:
        made.execute("CREATE VIEW spy AS SELECT fts3_tokenizer('simple')")
    before = database.read_bytes()

    async def use(client):
        planted = {"query": "SELECT fts3_tokenizer('simple', ?)", "params": ["AAAAAAAA"]}
        assert "not authorized to use function: fts3_tokenizer" in await refused(client, "execute_select", **planted)
        for query, reason in refusals.items():
            told = await refused(client, "execute_select", query=query)
            assert reason in told and len(told) < 1000, query
        began = time.monotonic()
        slowest = await client.call_tool("execute_select", {"query": injections.SLOWEST})
        assert time.monotonic() - began < 50
        assert slowest.content[0].text in ("found\n-----\n1    ", "Database error: the time limit of 5 s is over")
        for limits in ({"limit": -1}, {"limit": 1001}, {"offset": -1}, {"limit": "all"}):
            assert next(iter(limits)) in await refused(client, "execute_select", query="SELECT 1", **limits)

    converse(EXAMPLE, ("stdio", "modern"), use, "-", database)
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == [database.name]
