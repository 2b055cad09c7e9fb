"""Queries that write, or reach outside of the database, in all the ways that filters of words let through."""

# Each is to be refused, with nothing changed. `{table}` is a table that exists, with a column `name`.
WRITES = [
    "INSERT INTO {table} (name) VALUES ('x')",
    "insert into {table} (name) values ('x')",
    "InSeRt/**/InTo {table} (name) VALUES ('x')",
    "  \n\t DELETE FROM {table}",
    "-- SELECT\nDELETE FROM {table}",
    "/* SELECT */ DELETE FROM {table}",
    "/* a /* b */ UPDATE {table} SET name = 'x'",
    "UPDATE {table} SET name = 'x' WHERE 1=1 OR 'a'='a'",
    "DROP TABLE {table}",
    "DrOp TaBlE IF EXISTS {table}",
    "ALTER TABLE {table} ADD COLUMN evil TEXT",
    "ALTER TABLE {table} RENAME TO gone",
    "CREATE TABLE evil (x int)",
    "CREATE TABLE evil AS SELECT * FROM {table}",
    "CREATE TEMP TABLE evil (x int)",
    "CREATE VIEW evil AS SELECT * FROM {table}",
    "CREATE INDEX evil ON {table} (name)",
    "WITH gone AS (SELECT 1) DELETE FROM {table}",
    "WITH x AS (SELECT 'y' AS name) INSERT INTO {table} (name) SELECT name FROM x",
    "INSERT INTO {table} (name) SELECT name FROM {table}",
    "INSERT INTO {table} (name) VALUES ('x') RETURNING name",
    "DELETE FROM {table} RETURNING name",
    "UPDATE {table} SET name = 'x' RETURNING name",
]
STACKED = [
    "SELECT 1; DROP TABLE {table}",
    "SELECT 1;DELETE FROM {table}",
    "SELECT 1; -- \nDELETE FROM {table}",
    "SELECT 1;;DELETE FROM {table};--",
    "SELECT name FROM {table} WHERE name = ''; DROP TABLE {table}; --'",
    "SELECT name FROM {table} WHERE name = '' OR 1=1; UPDATE {table} SET name='x'",
    "; DELETE FROM {table}",
    "SELECT 1;/**/UPDATE {table} SET name = 'x'",
    "SELECT 1; COMMIT; DELETE FROM {table}; BEGIN",
    "COMMIT; DELETE FROM {table}",
]
# The time of one row of each has no useful bound, and SQLite does not look at the time within a row. Beside each is a
# part of its refusal.
EXPENSIVE = {
    "SELECT printf('%.*c', 1000000000, 'x')": "not authorized to use function: printf",
    "SELECT format('%.*c', 1000000000, 'x')": "not authorized to use function: format",
    "SELECT " + ",".join(f"instr(hex(zeroblob(32000)), hex(zeroblob(16000)) || {n})" for n in range(900)): (
        "not authorized to use function: instr"
    ),
    "SELECT replace(hex(zeroblob(32000)), hex(zeroblob(16000)) || 1, '')": "not authorized to use function: replace",
    "SELECT unhex(hex(zeroblob(32000)), hex(zeroblob(32000)))": "function: unhex",
    "SELECT glob('*[0-9]', hex(zeroblob(9)))": "not authorized to use function: glob",
    "SELECT hex(zeroblob(9)) GLOB '*[0-9]'": "not authorized to use function: ",
    "SELECT json_patch('{}', '{}')": "not authorized to use function: json_patch",
    **{
        f"SELECT {name}(hex(zeroblob(32000)), hex(zeroblob(32000)) || 'b')": "take"
        for name in ("trim", "ltrim", "rtrim")
    },
    f"SELECT hex(zeroblob(32000)) LIKE '%{'0' * 50}1'": "LIKE or GLOB pattern too complex",
}
# What compares at each place of a long value, as often as one row may.
SLOWEST = f"""
    WITH one AS MATERIALIZED (SELECT hex(zeroblob(32000)) AS value)
    SELECT {" + ".join(f"(value LIKE '%{'0' * 45}{n}')" for n in range(300))} AS found FROM one
"""
# It has more instructions than a statement may.
TOO_LARGE = "SELECT " + ", ".join(f"upper({n})" for n in range(1500))


def doubled(levels):
    """A short query whose compiled form is 2 to the power of `levels` times as long."""
    source = "(SELECT abs(random()) AS x)"
    for _ in range(levels):
        source = f"(SELECT x + x AS x FROM {source})"
    return f"SELECT x FROM {source}"


# What comes in where a name is expected.
NAMES = [
    "{table}; DROP TABLE {table}",
    "{table}; DROP TABLE {table}--",
    "{table}--",
    "{table} --",
    "{table}/**/",
    '{table}"; DROP TABLE {table}; --',
    '"{table}"',
    "'{table}'",
    "`{table}`",
    "[{table}]",
    "{table} WHERE 1=1",
    "{table} UNION SELECT 1",
    "(SELECT 1)",
    "{table}, {table}",
    "main.{table}x",
    "{table}\0",
    "{table}\n",
    " {table}",
    "*; DELETE FROM {table}",
    "",
    "nothing",
    "name) FROM {table}; DROP TABLE {table}; --",
    "1 OR 1=1",
    "' OR ''='",
    "%",
    "_",
]


def of(table, *lists):
    return [each.replace("{table}", table) for one in lists for each in one]
