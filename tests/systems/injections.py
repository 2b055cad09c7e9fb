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
