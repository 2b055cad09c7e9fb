/*
 * Serves a database file, read only: a tool that answers SELECT statements, and a resource for each table, its definition.
 *
 *     database FILE [ADDRESS]
 *
 * Over stdio; with an address such as 127.0.0.1:8000, over HTTP. Each call opens the file anew, so that calls share nothing.
 * Virtual tables are refused, and so is full-text search.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>
#include <tenon.h>

/* A model reads the answer: this many rows, and this many bytes of one value. */
#define MOST_ROWS 500
#define MOST_BYTES 4096
/*
 * Instructions of the database between two looks at whether the call has ended. SQLite looks only where a statement jumps back, so
 * a whole row may pass between two looks. Bounds on instructions, values and patterns keep the slowest row that is known (LIKE in
 * all of its instructions) at about 2 s. SQLite doubles the room for instructions, so the bound is 1,344 of them.
 */
#define STEPS 20
#define VALUE_BYTES 65536
#define PATTERN_BYTES 50
#define INSTRUCTIONS 1500
/*
 * What all queries keep at a time: in memory, since a disk would fill without a bound. It bounds one sort too, which SQLite does
 * without a look.
 */
#define HEAP_BYTES (64 * 1024 * 1024)

/*
 * The functions that a statement may call. SQLite has others that reach outside of the database: load_extension runs a library's
 * code, fts3_tokenizer takes an address of memory. One call of printf or format can take seconds. The time of glob, instr and
 * replace grows with the product of two lengths. A next release may add more, so the list says what is safe.
 */
static const char *const functions[] = {
    "->", "->>", "abs", "avg", "char", "coalesce", "concat", "count", "cume_dist", "current_date", "current_time",
    "current_timestamp", "date", "datetime", "dense_rank", "first_value", "group_concat", "hex", "ifnull", "iif", "json", "json_array", "json_array_length", "json_extract", "json_group_array", "json_group_object", "json_object",
    "json_quote", "json_type", "json_valid", "julianday", "lag", "last_value", "lead", "length", "like", "lower", "ltrim", "max",
    "min", "nth_value", "ntile", "nullif", "percent_rank", "quote", "random", "randomblob", "rank", "round",
    "row_number", "rtrim", "strftime", "substr", "substring", "sum", "time", "total", "trim", "typeof", "unicode", "upper",
    "zeroblob",
};

/* Statements may read tables and call the functions above. Other files (ATTACH) and settings (PRAGMA) are refused. */
static int permit(void *unused, int action, const char *first, const char *second, const char *third, const char *fourth) {
    size_t i;
    (void)unused, (void)first, (void)third, (void)fourth;
    if (action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_RECURSIVE) return SQLITE_OK;
    if (action != SQLITE_FUNCTION) return SQLITE_DENY;
    for (i = 0; i < sizeof functions / sizeof *functions; i++)
        if (sqlite3_stricmp(second, functions[i]) == 0) return SQLITE_OK;
    return SQLITE_DENY;
}

/* With a second value, trim compares each character with each of that value. */
static void refuse(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count, (void)values;
    sqlite3_result_error(context, "ltrim, rtrim and trim take one value here", -1);
}

static int interrupt(void *call) {
    return tenon_call_is_cancelled(call);
}

/* Opens the file for a call. NULL if that failed, and then the call has failed too. */
static sqlite3 *open_database(const char *file, tenon_call *call) {
    static const char *const one_value[] = {"ltrim", "rtrim", "trim"};
    /* An index of the file may name them. */
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    sqlite3 *database = NULL;
    size_t i;
    if (sqlite3_open_v2(file, &database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
        tenon_call_fail(call, sqlite3_errmsg(database));
        sqlite3_close(database);
        return NULL;
    }
    sqlite3_busy_timeout(database, 1000);
    sqlite3_exec(database, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL);
    sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_limit(database, SQLITE_LIMIT_LENGTH, VALUE_BYTES);
    sqlite3_limit(database, SQLITE_LIMIT_SQL_LENGTH, VALUE_BYTES);
    sqlite3_limit(database, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN_BYTES);
    sqlite3_limit(database, SQLITE_LIMIT_VDBE_OP, INSTRUCTIONS);
    for (i = 0; i < sizeof one_value / sizeof *one_value; i++)
        sqlite3_create_function(database, one_value[i], 2, flags, NULL, refuse, NULL, NULL);
    sqlite3_set_authorizer(database, permit, NULL);
    sqlite3_progress_handler(database, STEPS, interrupt, call);
    return database;
}

/* Hands in a result, or fails the call with what was wrong with it, such as a text that is not UTF-8. */
static void finish(tenon_call *call, tenon_result *result) {
    tenon_error *err = NULL;
    if (tenon_call_return(call, result, &err) < 0) {
        tenon_call_fail(call, tenon_error_message(err));
        tenon_error_free(err);
    }
}

static void put_value(tenon_result *result, sqlite3_stmt *statement, int column) {
    const int bytes = sqlite3_column_bytes(statement, column);
    char text[64];
    switch (sqlite3_column_type(statement, column)) {
        case SQLITE_INTEGER: tenon_result_put_int64(result, NULL, sqlite3_column_int64(statement, column)); break;
        case SQLITE_NULL: tenon_result_put_null(result, NULL); break;
        case SQLITE_FLOAT: {
            const double number = sqlite3_column_double(statement, column);
            /* JSON has no infinities. */
            if (number - number == 0) {
                tenon_result_put_double(result, NULL, number);
            } else {
                tenon_result_put_string(result, NULL, number > 0 ? "Infinity" : "-Infinity", TENON_NUL);
            }
            break;
        }
        case SQLITE_TEXT:
            if (bytes <= MOST_BYTES) {
                tenon_result_put_string(result, NULL, (const char *)sqlite3_column_text(statement, column), (size_t)bytes);
                break;
            }
            /* fallthrough */
        default:
            snprintf(text, sizeof text, "(%d bytes)", bytes);
            tenon_result_put_string(result, NULL, text, TENON_NUL);
    }
}

static void query(void *file, tenon_call *call) {
    const char *sql, *rest;
    sqlite3 *database;
    sqlite3_stmt *statement = NULL;
    tenon_result *result;
    size_t length;
    int i, rows = 0, step = SQLITE_DONE;
    if (tenon_call_arg_string(call, "sql", &sql, &length) != TENON_OK) return;
    /* SQLite would ignore what follows. */
    if (strlen(sql) != length) {
        tenon_call_fail(call, "the statement contains a NUL character");
        return;
    }
    if ((database = open_database(file, call)) == NULL) return;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, &rest) != SQLITE_OK) {
        tenon_call_fail(call, sqlite3_errmsg(database));
    } else if (statement == NULL || rest[strspn(rest, " \t\r\n;")] != '\0') {
        tenon_call_fail(call, "exactly one statement is answered");
    } else if (tenon_result_new(&result, NULL) == TENON_OK) {
        const int columns = sqlite3_column_count(statement);
        tenon_result_begin_object(result, NULL);
        tenon_result_begin_array(result, "columns");
        for (i = 0; i < columns; i++) tenon_result_put_string(result, NULL, sqlite3_column_name(statement, i), TENON_NUL);
        tenon_result_end(result);
        tenon_result_begin_array(result, "rows");
        while ((step = sqlite3_step(statement)) == SQLITE_ROW && rows++ < MOST_ROWS) {
            tenon_result_begin_array(result, NULL);
            for (i = 0; i < columns; i++) put_value(result, statement, i);
            tenon_result_end(result);
        }
        tenon_result_end(result);
        tenon_result_put_bool(result, "more", step == SQLITE_ROW);
        tenon_result_end(result);
        if (step == SQLITE_ROW || step == SQLITE_DONE) {
            finish(call, result);
        } else {
            tenon_call_fail(call, sqlite3_errmsg(database));
            tenon_result_free(result);
        }
    }
    sqlite3_finalize(statement);
    sqlite3_close(database);
}

/* The address of a table; to be freed. One with a slash in its name is listed but cannot be read: no variable holds one. */
static char *address(const char *name) {
    char *uri = malloc(sizeof "table:///" + 3 * strlen(name)), *out;
    if (uri == NULL) return NULL;
    out = uri + sprintf(uri, "table:///");
    for (; *name != '\0'; name++) {
        const unsigned char c = (unsigned char)*name;
        const int plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        out += sprintf(out, plain ? "%c" : "%%%02X", c);
    }
    *out = '\0';
    return uri;
}

static void list_tables(void *file, tenon_call *call) {
    sqlite3 *database = open_database(file, call);
    sqlite3_stmt *statement = NULL;
    tenon_result *result;
    int step = SQLITE_DONE;
    if (database == NULL) return;
    if (sqlite3_prepare_v2(
            database, "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name",
            -1, &statement, NULL) == SQLITE_OK &&
        tenon_result_new(&result, NULL) == TENON_OK) {
        while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
            const char *name = (const char *)sqlite3_column_text(statement, 0);
            char *uri = address(name);
            if (uri != NULL) tenon_result_add_link(result, uri, name, "application/sql");
            free(uri);
        }
        finish(call, result);
    } else {
        tenon_call_fail(call, sqlite3_errmsg(database));
    }
    sqlite3_finalize(statement);
    sqlite3_close(database);
}

static void read_table(void *file, tenon_call *call) {
    const char *name;
    size_t len;
    sqlite3 *database;
    sqlite3_stmt *statement = NULL;
    if (tenon_call_arg_string(call, "name", &name, &len) != TENON_OK) return;
    if ((database = open_database(file, call)) == NULL) return;
    if (sqlite3_prepare_v2(database, "SELECT sql FROM sqlite_master WHERE name = ?1", -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_bind_text(statement, 1, name, (int)len, SQLITE_TRANSIENT) != SQLITE_OK) {
        tenon_call_fail(call, sqlite3_errmsg(database));
    } else if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_text(statement, 0) != NULL) {
        tenon_call_return_text(call, (const char *)sqlite3_column_text(statement, 0), TENON_NUL);
    } else {
        tenon_call_not_found(call, NULL);
    }
    sqlite3_finalize(statement);
    sqlite3_close(database);
}

static int failed(tenon_error *err) {
    fprintf(stderr, "database: %s\n", tenon_error_message(err));
    tenon_error_free(err);
    return 1;
}

int main(int argc, char **argv) {
    tenon_server *server;
    tenon_entry *tool, *tables;
    tenon_error *err = NULL;
    if (argc < 2) return fprintf(stderr, "usage: database FILE [ADDRESS]\n"), 2;
    sqlite3_hard_heap_limit64(HEAP_BYTES);
    if (tenon_server_new("database", "1.0.0", &server, &err) != TENON_OK) return failed(err);
    if (tenon_tool_new("query", &tool, &err) != TENON_OK) return failed(err);
    tenon_entry_set_description(tool, "Answer one SELECT statement in SQLite's SQL. The resources are the tables' definitions.");
    tenon_tool_add_param(tool, "sql", "string", "The statement.", TENON_PARAM_REQUIRED);
    tenon_tool_set_structured(tool, true);
    tenon_entry_set(tool, "annotations", "{\"readOnlyHint\":true}", TENON_NUL);
    tenon_entry_set_timeout_ms(tool, 10000);
    tenon_entry_set_handler(tool, query, argv[1], NULL);
    if (tenon_server_add(server, tool, &err) != TENON_OK) return failed(err);
    if (tenon_resource_provider_new("table:///{name}", &tables, &err) != TENON_OK) return failed(err);
    tenon_entry_set_list_handler(tables, list_tables, argv[1], NULL);
    tenon_entry_set_handler(tables, read_table, argv[1], NULL);
    if (tenon_server_add(server, tables, &err) != TENON_OK) return failed(err);
    if (argc > 2 ? tenon_server_listen_http(server, argv[2], &err) : tenon_server_listen_stdio(server, &err))
        return failed(err);
    if (tenon_server_run(server, &err) != TENON_OK) return failed(err);
    return tenon_server_exit_code(server);
}
