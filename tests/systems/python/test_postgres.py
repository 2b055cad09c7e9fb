"""The example `postgres`, against a database of the test's own: what it says, and that nothing that is asked writes."""

import asyncio
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor

import injections
import postgres
import pytest
from example_servers import SECONDS, converse, load, refused, said, text
from mcp import MCPError
from tenon_mcp.testing import Client

DANGEROUS = "Error: Query contains potentially dangerous operations"
MANY = 12_000
SHOP = f"""
    CREATE TABLE tea (
        id serial PRIMARY KEY, name varchar(40) NOT NULL, price numeric DEFAULT 1.5, stock integer,
        updated_at timestamptz, created_at timestamp DEFAULT '2026-01-02 03:04:05', leaf bytea, tags text[], more jsonb
    );
    INSERT INTO tea (name, price, stock, leaf, tags, more) VALUES
        ('green', 4.5, 7, '\\x00ff', '{{a,b}}', '{{"a": 1}}'::jsonb), ('black', 3, NULL, NULL, NULL, NULL);
    INSERT INTO tea (name, price) VALUES ('grün', 'NaN');
    UPDATE tea SET price = 2 WHERE name = 'grün';
    CREATE TABLE order_items ("select" integer, "odd ""name" text);
    CREATE TABLE empty (x integer, y text);
    CREATE TABLE places (spot point, more json);
    INSERT INTO places VALUES ('(1,2)', '{{}}'), ('(1,2)', NULL);
    CREATE TABLE visits (seen json, day text, created_at timestamptz);
    INSERT INTO visits VALUES ('{{}}', 'Monday', now());
    CREATE TABLE gaps (n double precision);
    INSERT INTO gaps VALUES (NULL), (NULL);
    CREATE TABLE many (n integer);
    INSERT INTO many SELECT generate_series(1, {MANY});
    CREATE SEQUENCE counter;
    CREATE VIEW cheap AS SELECT * FROM tea WHERE price < 3;
    CREATE FUNCTION wipe() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM tea RETURNING id';
    CREATE FUNCTION peek(tea) RETURNS integer LANGUAGE sql VOLATILE AS 'SELECT 1';
    CREATE FUNCTION updated_at() RETURNS integer LANGUAGE sql VOLATILE AS 'SELECT 1';
    CREATE ROLE reader LOGIN;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO reader;
    CREATE ROLE writer LOGIN;
    GRANT ALL ON ALL TABLES IN SCHEMA public TO writer;
    GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO writer;
    GRANT ALL ON SCHEMA public TO writer;
"""
TABLES = ["cheap", "empty", "gaps", "many", "order_items", "places", "tea", "visits"]
# What the database is like, to be compared.
STATE = """
    SELECT (SELECT string_agg(tea::text, ';' ORDER BY id) FROM tea), (SELECT count(*) FROM pg_class),
           (SELECT last_value FROM counter), (SELECT count(*) FROM pg_largeobject_metadata),
           (SELECT count(*) FROM many),
           (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_authid)
"""


@pytest.fixture(scope="module")
def database():
    with postgres.cluster() as url:
        asyncio.run(postgres.run(url(), SHOP))
        yield url


def test_with_a_client(every_way, database):
    async def use(client):
        query = "SELECT id, name, price FROM tea WHERE price >= $1 ORDER BY id"
        found = await client.call_tool("execute_query", {"query": query, "params": [3]})
        table = "id | name  | price\n------------------\n1  | green | 4.5  \n2  | black | 3    "
        assert text(found) == table
        assert found.structured_content == {
            "columns": ["id", "name", "price"],
            "rows": [{"id": 1, "name": "green", "price": "4.5"}, {"id": 2, "name": "black", "price": "3"}],
            "row_count": 2,
            "truncated": False,
        }
        again = await client.call_tool("execute_query", {"query": query, "params": [3]})
        assert text(again) == f"(Cached) {table}" and again.structured_content == found.structured_content
        assert not (await said(client, "execute_query", query=query, params=[4])).startswith("(Cached)")
        assert await said(client, "execute_query", query="SELECT * FROM empty") == "No results found"
        lines = (await said(client, "execute_query", query="SELECT n FROM many ORDER BY n LIMIT 60")).splitlines()
        assert len(lines) == 53 and lines[-1] == "... and 10 more rows"
        for _ in range(2):
            wrong = await refused(client, "execute_query", query="SELECT taste FROM tea")
            assert wrong.startswith("Database error: ") and "taste" in wrong
        assert await refused(client, "execute_query", query="DELETE FROM tea") == DANGEROUS

        assert (await said(client, "get_table_schema", table_name="tea")).splitlines()[:5] == [
            "Schema for table 'tea':",
            "-" * 50,
            "  id (integer) NOT NULL DEFAULT nextval('tea_id_seq'::regclass)",
            "  name (character varying(40)) NOT NULL",
            "  price (numeric) DEFAULT 1.5",
        ]
        assert await refused(client, "get_table_schema", table_name="nothing") == "Table 'nothing' not found"
        assert (await said(client, "analyze_table", table_name="tea")).splitlines()[:15] == [
            "Analysis for table 'tea':",
            "Total rows: 3",
            "Total columns: 9",
            "  id (integer):",
            "    Range: 1 - 3",
            "    Average: 2.00",
            "    Distinct values: 3",
            "    Null values: 0",
            "  name (character varying):",
            "    Distinct values: 3",
            "    Null values: 0",
            "  price (numeric):",
            "    Range: 2 - 4.5",
            "    Average: 3.17",
            "    Distinct values: 3",
        ]
        assert "Total rows: 12,000\n" in await said(client, "analyze_table", table_name="many")
        for table, rows in (("empty", 0), ("gaps", 2)):
            analysis = await said(client, "analyze_table", table_name=table)
            assert "Range" not in analysis and f"Null values: {rows}" in analysis
        assert await refused(client, "analyze_table", table_name="nothing") == "Table 'nothing' not found"

        unknown = "Unknown analysis type. Available types: overview, analysis, quality"
        assert await refused(client, "suggest_queries", table_name="tea", analysis_type="all") == unknown
        for table in TABLES:
            for kind in ("overview", "analysis", "quality"):
                arguments = {"table_name": table, "analysis_type": kind}
                suggested = (await said(client, "suggest_queries", **arguments)).splitlines()
                assert suggested[:2] == [f"Suggested {kind} queries for {table}:", ""] and len(suggested) == 5
                for number, line in enumerate(suggested[2:], 1):
                    assert line.startswith(f"{number}. ")
                    await said(client, "execute_query", query=line[3:])
        overview = await said(client, "suggest_queries", table_name="tea")
        assert overview.startswith("Suggested overview queries for tea:")

        listed = (await client.list_resources()).resources
        assert [(str(one.uri), one.name, one.description, one.mime_type) for one in listed] == [
            (f"database://tables/{name}", f"Table: {name}", f"Access to {name} table", "application/json")
            for name in TABLES
        ]
        rows = json.loads((await client.read_resource("database://tables/tea")).contents[0].text)
        assert rows[0]["name"] == "green" and rows[0]["leaf"] == "AP8=" and rows[0]["tags"] == ["a", "b"]
        assert len(json.loads((await client.read_resource("database://tables/many")).contents[0].text)) == 100
        for uri, reason in (
            ("database://other/tea", "Invalid database URI"),
            ("database://tables/", "Invalid table name"),
            ("database://tables/nothing", "not found"),
            ("database://tables/pg_authid", "not found"),
        ):
            with pytest.raises(MCPError, match=reason):
                await client.read_resource(uri)

    converse("python/postgres", every_way, use, env={"DATABASE_URL": database("reader")})


@pytest.fixture(scope="module", params=["reader", "writer"])
def client(request, database):
    """Also with a role that might write: the transaction may not."""
    module = load("python/postgres", DATABASE_URL=database(request.param))
    with Client(module.app) as client:
        client.module = module
        yield client


@pytest.fixture
def unchanged(database):
    before = asyncio.run(postgres.fetch(database(), STATE))
    yield
    assert asyncio.run(postgres.fetch(database(), STATE)) == before, "the database has changed"


def call(client, tool, **arguments):
    return client.call_tool(tool, arguments, raise_on_error=False)


@pytest.mark.parametrize(
    "query",
    injections.of("tea", injections.WRITES, injections.STACKED)
    + [
        "SELECT * INTO evil FROM tea",
        "TRUNCATE tea",
        "MERGE INTO tea USING many ON tea.id = many.n WHEN MATCHED THEN DELETE",
        "WITH gone AS (DELETE FROM tea RETURNING *) SELECT * FROM gone",
        "WITH new AS (INSERT INTO tea (name) VALUES ('x') RETURNING *) SELECT * FROM new",
        "EXPLAIN ANALYZE DELETE FROM tea",
        "SELECT * FROM tea FOR UPDATE",
        "SELECT nextval('counter')",
        "SELECT setval('counter', 7)",
        "SELECT wipe()",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_ls_dir('/')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT pg_reload_conf()",
        "COPY tea TO '/tmp/evil'",
        "COPY tea TO PROGRAM 'id'",
        "COPY (SELECT 1) TO STDOUT",
        "/* /* */ select */ COPY tea TO PROGRAM 'id'",
        "DO $$ BEGIN DELETE FROM tea; END $$",
        "CALL wipe()",
        "CREATE ROLE evil SUPERUSER",
        "ALTER SYSTEM SET fsync = off",
        "GRANT ALL ON tea TO PUBLIC",
        "SET transaction_read_only = off",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "RESET ALL",
        "BEGIN READ WRITE",
        "COMMIT",
        "ROLLBACK",
        "LISTEN x",
        "LOCK TABLE tea",
        "VACUUM tea",
        "PREPARE evil AS DELETE FROM tea",
        "",
        ";",
        "SELECT 1\0; DELETE FROM tea",
    ],
)
def test_what_writes_is_refused(client, unchanged, query):
    result = call(client, "execute_query", query=query)
    assert result.is_error and result.text.startswith((DANGEROUS, "Database error: ")), result.text


@pytest.mark.parametrize(
    "query",
    [
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()",
        'VALUES ("pg_cancel_backend" /* ( */ (1))',
        'SELECT U&"\\0070g_terminate_backend"(1)',
        "SELECT e'\\'', pg_terminate_backend(1), ''",
        "SELECT $a$ ' $a$, pg_terminate_backend(1), $$ ' $$",
        "SELECT query_to_xml('SELECT pg_termin' || 'ate_backend(1)', true, true, '')",
        "SELECT pg_advisory_lock(1)",
        # A text goes on in the next line, by the rules of its first part.
        "SELECT e'a'\n'\\' , ' || pg_advisory_lock(1) || ''",
        "SELECT E'a' -- b\r\n -- c\n'\\' , ' || pg_advisory_lock(1) || ''",
        "SELECT 1 -- \r, pg_advisory_lock(1)",
        # Whatever is no ASCII is a letter to this database.
        "SELECT $€$ ' $€$ || pg_advisory_lock(1) || ''",
        "SELECT 1 AS €$$, pg_advisory_lock(1) AS €$$",
        "SELECT 1 AS ٣$$, pg_advisory_lock(1) AS ٣$$",
        "SELECT 1a$$, pg_advisory_lock(1) a$$",
        # As if it were a column.
        "SELECT (tea).peek FROM tea",
        'SELECT tea /* . */ . "peek" FROM tea',
    ],
)
def test_functions_that_do_something_are_not_called(client, query):
    refusal = call(client, "execute_query", query=query).text
    assert refusal == DANGEROUS or "syntax error" in refusal or "trailing junk" in refusal


@pytest.mark.parametrize(
    "query", ["SELECT lo_create(0)", "SELECT set_config('default_transaction_read_only', 'off', false)"]
)
def test_what_a_function_does_nevertheless_is_undone(client, unchanged, query):
    call(client, "execute_query", query=query)
    assert call(client, "execute_query", query="CREATE TABLE evil ()").is_error
    modes = [call(client, "execute_query", query=f"SHOW transaction_read_only -- {n}").data for n in range(5)]
    assert all("on" in json.dumps(mode) for mode in modes)


@pytest.mark.parametrize("name", injections.of("tea", injections.NAMES))
def test_names_are_those_of_the_catalogue(client, unchanged, name):
    for tool in ("get_table_schema", "analyze_table", "suggest_queries"):
        result = call(client, tool, table_name=name)
        assert result.is_error and result.text == f"Table '{name}' not found"


@pytest.mark.parametrize(
    "query",
    [
        "  \n\tsElEcT updated_at, 'DELETE; DROP' FROM tea",
        "-- UPDATE\n/* DROP TABLE */ SELECT 1",
        "WITH x AS (SELECT 1 AS a) SELECT a FROM x;",
        "/* a /* b */ c */ SELECT 1",
        "SELECT tea.updated_at, 1.5e3 FROM tea",
        "SELECT E'a'\n'\\' pg_advisory_lock(1) ', 'a' AS é$$",
        "SELECT random(), 'pg_terminate_backend(1)', $$ nextval( $$ /* setval(1) */ -- wipe()",
        "(VALUES (1), (2))",
        "TABLE tea",
        "EXPLAIN SELECT * FROM tea",
    ],
)
def test_what_reads_may_look_as_it_likes(client, query):
    assert call(client, "execute_query", query=query).structured["row_count"] >= 1


def test_answers_are_kept_by_query_and_parameters(client, monkeypatch):
    query = "SELECT $1::text AS a, pg_backend_pid() IS NOT NULL AS b"
    first = call(client, "execute_query", query=query, params=["1"])
    assert not first.text.startswith("(Cached)")
    assert call(client, "execute_query", query=query, params=["1"]).text == f"(Cached) {first.text}"
    number = call(client, "execute_query", query=query, params=[1])
    assert number.is_error, "a number is no text, and another key"
    now = client.module.time.monotonic()
    monkeypatch.setattr(client.module.time, "monotonic", lambda: now + 299)
    assert call(client, "execute_query", query=query, params=["1"]).text.startswith("(Cached)")
    monkeypatch.setattr(client.module.time, "monotonic", lambda: now + 301)
    assert not call(client, "execute_query", query=query, params=["1"]).text.startswith("(Cached)")


def test_bounds(client, monkeypatch):
    many = call(client, "execute_query", query="SELECT n FROM many ORDER BY n")
    assert many.structured["row_count"] == 10_000 and many.structured["truncated"]
    assert many.text.endswith("\n... and 9950 more rows\n(cut at 10,000, there are more)")
    for large in (
        "repeat('x', 100000)",
        "ARRAY[repeat('x', 50000), repeat('y', 50000)]",
        "decode(repeat('00', 100000), 'hex')",
    ):
        refusal = call(client, "execute_query", query=f"SELECT {large} FROM many").text
        assert refusal == "Database error: the result is larger than 4 MiB"
    began = time.process_time()
    wide = call(client, "execute_query", query="SELECT " + ", ".join(["1 AS a"] * 1600)).structured["columns"]
    assert wide[:3] == ["a", "a_2", "a_3"] and len(set(wide)) == 1600
    assert time.process_time() - began < 5
    for n in range(200):
        call(client, "execute_query", query=f"SELECT {n}")
    assert len(client.module.cache) <= 128
    for params in ([1, 2], [], [{"a": 1}], ["x"], [2**70]):
        result = call(client, "execute_query", query="SELECT $1::int", params=params)
        assert result.is_error and result.text.startswith("Database error: "), result.text
    assert call(client, "execute_query", query="SELECT " + "1+" * 500_000 + "1").is_error
    timeout = call(client, "execute_query", query="SHOW statement_timeout").structured
    assert timeout["rows"] == [{"statement_timeout": "30s"}]


def test_a_query_that_takes_too_long_is_ended(database):
    module = load("python/postgres", DATABASE_URL=database("reader"))
    import_of = module.Database.open.__func__.__globals__
    import_of["STATEMENT_SECONDS"] = 1
    with Client(module.app) as client:
        result = call(client, "execute_query", query="SELECT pg_sleep(60)")
        assert result.text == "Database error: the query took longer than 1 s"
        assert re.search(r"\b1\b", call(client, "execute_query", query="SELECT 1").text)


def test_connections_that_are_lost_are_said_and_replaced(database):
    ours = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = 'reader'"
    lost = f"SELECT pg_terminate_backend(pid) {ours}"
    asleep = f"SELECT pid {ours} AND state = 'active' AND query LIKE '%pg_sleep(50)%'"

    async def lose_while_asleep():
        while not await postgres.fetch(database(), asleep):
            await asyncio.sleep(0.02)
        await postgres.run(database(), lost)

    module = load("python/postgres", DATABASE_URL=database("reader"))
    with Client(module.app) as client, ThreadPoolExecutor() as pool:
        sleeping = pool.submit(call, client, "execute_query", query="SELECT pg_sleep(50)")
        asyncio.run(asyncio.wait_for(lose_while_asleep(), SECONDS))
        reason = sleeping.result(SECONDS).text
        assert reason.startswith("Database error: ") and "terminat" in reason, reason
        # What was idle is gone as well, and is found to be when it is used.
        for number in range(40):
            asyncio.run(postgres.run(database(), lost))
            result = call(client, "execute_query", query=f"SELECT {number}")
            assert not result.is_error or result.text.startswith("Database error: "), result.text
        assert any(not call(client, "execute_query", query=f"SELECT 'back', {n}").is_error for n in range(100))
