"""The example `sqlite`: what it reads, and that nothing that is asked of it writes."""

import asyncio
import hashlib
import json
import sqlite3
import time
from base64 import b64encode

import injections
import pytest
from example_servers import converse, load, refused, said, text
from mcp import MCPError
from tenon_mcp.testing import Client

BIG = 2**60 + 1
ONLY_SELECT = "Error: Only SELECT queries are allowed"
TOO_LARGE = "Database error: the query is too large, or needs more than 64 MiB"


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as made:
        made.executescript(
            """
            CREATE TABLE tea (
                id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL DEFAULT 1.5, updated_at TEXT, leaf BLOB
            );
            CREATE TABLE "order items" ("select" INTEGER, kind TEXT);
            CREATE TABLE empty (x INT, big INTEGER);
            CREATE TABLE sq_list (x);
            CREATE VIEW cheap AS SELECT * FROM tea WHERE price < 3;
            CREATE TABLE many (n INTEGER PRIMARY KEY AUTOINCREMENT);
            """
        )
        made.executemany(
            "INSERT INTO tea (name, price, updated_at, leaf) VALUES (?, ?, ?, ?)",
            [("green", 4.5, "2026-01-01", None), ("black", 3, None, b"\0\xff"), ("grün", 2, None, None)],
        )
        made.execute("INSERT INTO tea (name) VALUES ('plain')")
        made.executemany('INSERT INTO "order items" VALUES (?, ?)', [(1, "a"), (2, "a"), (5, "b")])
        made.executemany("INSERT INTO many VALUES (?)", [(n,) for n in range(1, 1501)])
    made.close()
    return path


def test_with_a_client(every_way, shop):
    async def use(client):
        tables = ["empty", "many", "order items", "sq_list", "tea"]
        listing = (await said(client, "list_tables")).splitlines()
        assert listing == ["Tables in database:", *(f"- {name}" for name in tables)]
        assert (await said(client, "get_table_schema", table_name="tea")).splitlines() == [
            "Schema for table 'tea':",
            "-" * 40,
            "  id (INTEGER) PRIMARY KEY",
            "  name (TEXT) NOT NULL",
            "  price (REAL) DEFAULT 1.5",
            "  updated_at (TEXT)",
            "  leaf (BLOB)",
        ]
        assert await refused(client, "get_table_schema", table_name="nothing") == "Table 'nothing' not found"
        query = "SELECT id, name, leaf FROM tea WHERE price >= ? ORDER BY id"
        found = await client.call_tool("execute_select", {"query": query, "params": [3]})
        leaf = b64encode(b"\0\xff").decode()
        assert text(found).splitlines() == [
            "id | name  | leaf",
            "-----------------",
            "1  | green | NULL",
            f"2  | black | {leaf}",
        ]
        assert found.structured_content == {
            "columns": ["id", "name", "leaf"],
            "rows": [{"id": 1, "name": "green", "leaf": None}, {"id": 2, "name": "black", "leaf": leaf}],
            "row_count": 2,
            "truncated": False,
        }
        assert await said(client, "execute_select", query="SELECT * FROM empty") == "No results found"
        assert "no such column: taste" in await refused(client, "execute_select", query="SELECT taste FROM tea")
        assert await refused(client, "execute_select", query="DELETE FROM tea") == ONLY_SELECT
        grouped = await client.call_tool(
            "execute_aggregation",
            {"table": "order items", "group_by": "kind", "aggregate_func": "sum", "column": "select"},
        )
        assert grouped.structured_content["rows"] == [{"kind": "a", "result": 3}, {"kind": "b", "result": 5}]
        listed = (await client.list_resources()).resources
        assert [one.name for one in listed] == [f"Table: {name}" for name in tables]
        assert {one.description for one in listed} == {f"Access to {name} table" for name in tables}
        uris = {one.name: str(one.uri) for one in listed}
        assert uris["Table: tea"] == "database://tables/tea"
        (rows,) = (await client.read_resource(uris["Table: order items"])).contents
        assert rows.mime_type == "application/json"
        assert json.loads(rows.text)[2] == {"select": 5, "kind": "b"}
        (many,) = (await client.read_resource("database://tables/many")).contents
        assert len(json.loads(many.text)) == 100
        for uri, reason in (
            ("database://other/tea", "Invalid database URI"),
            ("database://tables/", "Invalid table name"),
        ):
            with pytest.raises(MCPError, match=reason):
                await client.read_resource(uri)
        for name in ("nothing", "sqlite_master", "cheap%22"):
            with pytest.raises(MCPError):
                await client.read_resource(f"database://tables/{name}")

    converse("python/sqlite", every_way, use, env={"DATABASE_PATH": str(shop)})


@pytest.fixture
def client(shop):
    before = hashlib.sha256(shop.read_bytes()).digest()
    with Client(load("python/sqlite", DATABASE_PATH=shop).app) as client:
        yield client
    assert hashlib.sha256(shop.read_bytes()).digest() == before, "the database has changed"
    assert sorted(path.name for path in shop.parent.iterdir()) == ["shop.db"]


def fails(client, tool, **arguments):
    result = client.call_tool(tool, arguments, raise_on_error=False)
    assert result.is_error, f"{arguments}: {result.text}"
    return result.text


def select(client, query, **arguments):
    return client.call_tool("execute_select", {"query": query, **arguments})


def test_rows_beyond_fifty_are_counted_and_pages_follow_each_other(client):
    result = select(client, "SELECT n FROM many ORDER BY n", limit=60)
    lines = result.text.splitlines()
    assert lines[0] == "n " and len(lines) == 54
    assert lines[-2:] == ["... and 10 more rows", "(cut at 60, there are more)"]
    assert result.structured["row_count"] == 60 and result.structured["truncated"]
    assert len(select(client, "SELECT n FROM many", limit=50).text.splitlines()) == 53
    assert select(client, "SELECT n FROM many WHERE n <= 60").text.endswith("\n... and 10 more rows")
    all_of_them = select(client, "SELECT n FROM many")
    assert all_of_them.text.endswith("\n... and 950 more rows\n(cut at 1,000, there are more)")
    assert all_of_them.structured["row_count"] == 1000 and all_of_them.structured["truncated"]
    last = select(client, "SELECT n FROM many ORDER BY n", offset=1495)
    assert [row["n"] for row in last.structured["rows"]] == [1496, 1497, 1498, 1499, 1500]
    assert not last.structured["truncated"]
    assert select(client, "SELECT n FROM many", limit=0).text == "No results found"
    for wrong in ({"limit": -1}, {"offset": -1}, {"limit": 1001}, {"limit": "x"}):
        assert f"/{next(iter(wrong))}" in fails(client, "execute_select", query="SELECT 1", **wrong)


@pytest.mark.parametrize(
    "query",
    [
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n",
        "  \n\tsElEcT 1",
        "-- first\n/* DROP TABLE */ SELECT 'DELETE', ';'",
        "SELECT updated_at, substr(name, 2) FROM tea;",
        "VALUES (1), (2)",
        "SELECT * FROM cheap",
        "EXPLAIN QUERY PLAN SELECT * FROM tea",
        "PRAGMA table_info(tea)",
        "SELECT count(*) FROM sqlite_master",
        "SELECT trim(' a '), ltrim(' a'), rtrim('a ') FROM tea",
        "SELECT Upper('a') || 2, json_extract('[1]', '$[0]'), '[7]' -> 0, 1 LIKE 1, date(0, 'unixepoch')",
        "SELECT row_number() OVER (ORDER BY name), sum(price) OVER () FROM tea",
    ],
)
def test_what_reads_may_look_as_it_likes(client, query):
    assert select(client, query).structured["row_count"] >= 1


def test_values_are_exact(client):
    row = select(client, f"SELECT {BIG} AS big, 9e999 AS inf, 1 AS a, 2 AS a, '', x'00', ?", params=[BIG]).structured
    assert row["rows"][0]["big"] == BIG and row["rows"][0]["inf"] == "inf"
    assert row["columns"][2:4] == ["a", "a_2"] and row["rows"][0]["a_2"] == 2
    assert row["rows"][0]["?"] == BIG
    types = select(client, "SELECT typeof(?) a, typeof(?) b, typeof(?) c", params=[1, "1", None]).structured
    assert types["rows"] == [{"a": "integer", "b": "text", "c": "null"}]


@pytest.mark.parametrize(
    "query",
    injections.of("tea", injections.WRITES, injections.STACKED)
    + [
        "REPLACE INTO tea (id, name) VALUES (1, 'x')",
        "ATTACH 'other.db' AS other",
        "ATTACH ':memory:' AS other",
        "DETACH main",
        "VACUUM",
        "VACUUM INTO 'copy.db'",
        "REINDEX",
        "ANALYZE",
        "BEGIN IMMEDIATE",
        "SAVEPOINT a",
        "PRAGMA writable_schema = 1",
        "PRAGMA journal_mode = WAL",
        "PRAGMA query_only = 0",
        "PRAGMA user_version = 7",
        "PRAGMA wal_checkpoint",
        "PRAGMA optimize",
        "SELECT load_extension('x')",
        "SELECT LOAD_EXTENSION('/lib/x.so', 'main')",
        "SELECT fts3_tokenizer('simple', x'00')",
        "SELECT FTS3_TOKENIZER('simple')",
        "SELECT sqlite_compileoption_get(1)",
        "SELECT 1\0; DELETE FROM tea",
        "SELECT writefile('evil', 'x')",
        "SELECT readfile('/etc/passwd')",
        "CREATE VIRTUAL TABLE evil USING fts5(x)",
        "CREATE TRIGGER evil AFTER INSERT ON tea BEGIN DELETE FROM tea; END",
    ],
)
def test_what_writes_is_refused(client, query):
    assert fails(client, "execute_select", query=query).startswith((ONLY_SELECT, "Database error: "))


@pytest.mark.parametrize("name", injections.of("tea", injections.NAMES))
def test_names_are_those_of_the_catalogue(client, name):
    assert fails(client, "execute_aggregation", table=name).startswith(("Error: ", "Database error: "))
    assert fails(client, "execute_aggregation", table="tea", column=name).startswith(("Error: ", "Database error: "))
    assert fails(client, "execute_aggregation", table="tea", group_by=name).startswith(("Error: ", "Database error: "))
    assert fails(client, "get_table_schema", table_name=name).startswith(("Table '", "Database error: "))


def test_aggregates(client):
    def value(**arguments):
        return client.call_tool("execute_aggregation", arguments).structured["rows"][0]["result"]

    assert value(table="tea") == 4 and value(table="TEA", aggregate_func="max", column="Price") == 4.5
    assert value(table="tea", aggregate_func="Avg", column="price") == 2.75
    assert value(table="cheap", aggregate_func="MIN", column="price") == 1.5
    refusal = "Error: Only COUNT, SUM, AVG, MIN, MAX functions are allowed"
    for function in ("TOTAL", "COUNT(*); DROP TABLE tea; --", "", "load_extension"):
        assert fails(client, "execute_aggregation", table="tea", aggregate_func=function) == refusal
    assert fails(client, "execute_aggregation", table="tea", aggregate_func="SUM") == "Error: SUM needs a column"


def test_what_takes_too_long_or_too_much_ends(client):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    assert fails(client, "execute_select", query=endless) == "Database error: the query took longer than 5 s"
    # Each row compares a pattern with a long value at each place.
    began = time.monotonic()
    slow = f"SELECT sum(hex(zeroblob(32000)) LIKE '%{'0' * 45}' || n) FROM many, (VALUES (1), (2), (3), (4))"
    assert fails(client, "execute_select", query=slow) == "Database error: the query took longer than 5 s"
    assert time.monotonic() - began < 50
    huge = "SELECT length(hex(zeroblob(520000)))"
    assert fails(client, "execute_select", query=huge) == "Database error: string or blob too big"
    pattern = "SELECT hex(zeroblob(30000)) LIKE '%' || hex(zeroblob(10000)) || '1'"
    assert fails(client, "execute_select", query=pattern) == "Database error: LIKE or GLOB pattern too complex"
    for huge in ("zeroblob(100000000)", "hex(randomblob(1000000))", "randomblob(2000000000)"):
        assert fails(client, "execute_select", query=f"SELECT {huge}").startswith("Database error: ")
    assert fails(client, "execute_select", query="SELECT " + "1+" * 2_000_000 + "1").startswith("Database error: ")
    wide = "SELECT " + ", ".join(["randomblob(60000)"] * 30) + " FROM many"
    assert fails(client, "execute_select", query=wide) == "Database error: the result is larger than 4 MiB"
    began = time.process_time()
    columns = select(client, "SELECT " + ", ".join(["1 AS a"] * 1200)).structured["columns"]
    assert columns[:3] == ["a", "a_2", "a_3"] and len(set(columns)) == 1200
    assert time.process_time() - began < 5
    for params in ([1, 2], [], [{"a": 1}], [[1]], [2**64]):
        assert fails(client, "execute_select", query="SELECT ?", params=params).startswith("Database error: ")
    long = select(client, "SELECT hex(zeroblob(30000)) AS zeros")
    assert long.text.splitlines()[2] == "0" * 199 + "…" and len(long.structured["rows"][0]["zeros"]) == 60000
    assert select(client, "SELECT 1").text.endswith("\n1")


def test_one_row_takes_no_long_time(client):
    began = time.monotonic()
    for query, reason in injections.EXPENSIVE.items():
        refusal = fails(client, "execute_select", query=query)
        assert refusal.startswith("Database error: ") and reason in refusal, query
    for query in (injections.TOO_LARGE, injections.doubled(12)):
        refusal = fails(client, "execute_select", query=query)
        assert refusal == TOO_LARGE
    assert time.monotonic() - began < 50
    began = time.monotonic()
    slowest = client.call_tool("execute_select", {"query": injections.SLOWEST}, raise_on_error=False)
    assert time.monotonic() - began < 50
    assert slowest.text in ("found\n-----\n1    ", "Database error: the query took longer than 5 s")


@pytest.mark.parametrize(
    "query",
    [
        "WITH RECURSIVE n(i, b) AS (SELECT 1, zeroblob(60000) UNION ALL SELECT i + 1, zeroblob(60000) FROM n)"
        " SELECT i FROM n ORDER BY b",
        "SELECT a.n FROM many AS a, many AS b ORDER BY zeroblob(60000), a.n",
    ],
)
def test_what_is_kept_meanwhile_is_bounded_and_not_on_the_disk(client, query):
    assert fails(client, "execute_select", query=query) == TOO_LARGE
    assert select(client, "SELECT n FROM many ORDER BY n LIMIT 1").structured["rows"] == [{"n": 1}]


def test_cancelled_queries_give_their_connections_back(shop, monkeypatch):
    module = load("python/sqlite", DATABASE_PATH=shop)
    # The limit of time ends none of them within this test.
    monkeypatch.setitem(module.Database.read.__globals__, "SECONDS", 3600)
    opened = []
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **named: opened.append(1) or connect(*given, **named))
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

    async def main():
        async with Client(module.app) as client:
            # Ten of them take all connections, and two more wait.
            slow = [asyncio.create_task(client.call_tool("execute_select", {"query": endless})) for _ in range(12)]
            while len(opened) < 10:
                await asyncio.sleep(0.01)
            for one in slow:
                one.cancel()
            found = [client.call_tool("execute_select", {"query": "SELECT 1 AS one"}) for _ in range(12)]
            for result in await asyncio.gather(*found):
                assert result.structured["rows"] == [{"one": 1}]
            await asyncio.gather(*slow, return_exceptions=True)

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_refusal_names_the_function(client):
    for function in ("load_extension('x')", "PRINTF('%d', 1)", "sqlite_compileoption_get(1)"):
        refusal = fails(client, "execute_select", query=f"SELECT {function}")
        assert refusal == f"Database error: not authorized to use function: {function.partition('(')[0].lower()}"
    assert fails(client, "execute_select", query="DELETE FROM tea") == ONLY_SELECT


def test_files_with_a_full_text_index_and_an_index_that_trims_are_read(tmp_path):
    path = tmp_path / "search.db"
    with sqlite3.connect(path) as made:
        made.execute("CREATE VIRTUAL TABLE docs USING fts5(body)")
        made.execute("INSERT INTO docs VALUES ('green tea')")
        made.execute("CREATE TABLE tea (name)")
        made.execute("CREATE INDEX trimmed ON tea (trim(name, 'x'))")
        made.execute("INSERT INTO tea VALUES ('xgreenx')")
    made.close()
    with Client(load("python/sqlite", DATABASE_PATH=path).app) as client:
        assert select(client, "SELECT name FROM tea").structured["rows"] == [{"name": "xgreenx"}]
        for search in ("docs MATCH 'tea'", "docs = 'tea'"):
            assert fails(client, "execute_select", query=f"SELECT * FROM docs WHERE {search}") == ONLY_SELECT
        assert fails(client, "execute_select", query="SELECT * FROM docs('tea')") == ONLY_SELECT


def test_all_tables_and_columns_are_known(tmp_path):
    path = tmp_path / "wide.db"
    with sqlite3.connect(path) as made:
        for n in range(1100):
            made.execute(f"CREATE TABLE t{n:04} (a)")
        made.execute(f"CREATE TABLE wide ({', '.join(f'c{n}' for n in range(1500))})")
    made.close()
    with Client(load("python/sqlite", DATABASE_PATH=path).app) as client:
        assert len(client.call_tool("list_tables").text.splitlines()) == 1 + 1101
        assert len(client.list_resources()) == 1101
        assert client.call_tool("execute_aggregation", {"table": "t1099"}).structured["rows"] == [{"result": 0}]
        assert len(client.call_tool("get_table_schema", {"table_name": "wide"}).text.splitlines()) == 2 + 1500
        (wide,) = client.read_resource("database://tables/wide").contents
        assert wide.text == "[]"
        by_last = {"table": "wide", "group_by": "c1499"}
        assert client.call_tool("execute_aggregation", by_last).text == "No results found"


def test_a_missing_file_is_an_error_and_makes_none(tmp_path):
    with Client(load("python/sqlite", DATABASE_PATH=tmp_path / "none.db").app) as client:
        assert fails(client, "list_tables").startswith("Error: none.db: ")
    assert not list(tmp_path.iterdir())
