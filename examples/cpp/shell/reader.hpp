// A connection for what clients ask: it reads tables, calls the functions listed here, and gives up in time.
#pragma once

#include "connection.hpp"

namespace shell {

/**
 * The functions that a client's statement may call. SQLite has others that reach outside of the database: load_extension runs a
 * library's code, fts3_tokenizer takes an address of memory. One call of printf or format can take seconds. The time of glob,
 * instr, json_patch, replace and unhex grows with the product of two lengths. Its next release may add more, therefore the
 * list says what is allowed.
 */
constexpr std::string_view functions[] = {
    // Values and text. Operators such as LIKE and -> are functions too.
    "abs", "char", "coalesce", "concat", "concat_ws", "hex", "ifnull", "iif", "length", "like", "likelihood", "likely", "lower",
    "ltrim", "nullif", "octet_length", "quote", "random", "randomblob", "round", "rtrim", "sign", "soundex", "sqlite_version",
    "substr", "substring", "trim", "typeof", "unicode", "unlikely", "upper", "zeroblob",
    // Aggregates and windows.
    "avg", "count", "cume_dist", "dense_rank", "first_value", "group_concat", "lag", "last_value", "lead", "max", "min",
    "nth_value", "ntile", "percent_rank", "rank", "row_number", "string_agg", "sum", "total",
    // Times.
    "current_date", "current_time", "current_timestamp", "date", "datetime", "julianday", "strftime", "time", "timediff",
    "unixepoch",
    // Mathematics.
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "ceil", "ceiling", "cos", "cosh", "degrees", "exp", "floor", "ln",
    "log", "log10", "log2", "mod", "pi", "pow", "power", "radians", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
    // JSON.
    "->", "->>", "json", "json_array", "json_array_length", "json_error_position", "json_extract", "json_group_array",
    "json_group_object", "json_insert", "json_object", "json_pretty", "json_quote", "json_remove", "json_replace", "json_set",
    "json_type", "json_valid",
};

/** With a second value these compare each character with each of that value. */
constexpr const char *one_value[] = {"ltrim", "rtrim", "trim"};

/** What a client's statement may ask about the database. */
constexpr std::string_view pragmas[] = {"foreign_key_list", "index_info", "index_list", "table_info", "table_list", "table_xinfo"};

/**
 * What all queries may keep at a time: in memory, since a disk would fill without a bound. It bounds one sort too, which SQLite
 * does without a look at the time. SQLite counts for the process, so the limit begins with the first query and ends with
 * the last.
 */
class HeapLimit {
public:
    HeapLimit() {
        const std::lock_guard<std::mutex> held(lock());
        if (queries()++ == 0) sqlite3_hard_heap_limit64(sqlite3_memory_used() + most_heap);
    }
    HeapLimit(const HeapLimit &) = delete;
    HeapLimit &operator=(const HeapLimit &) = delete;
    ~HeapLimit() {
        const std::lock_guard<std::mutex> held(lock());
        if (--queries() == 0) sqlite3_hard_heap_limit64(0);
    }

private:
    static constexpr sqlite3_int64 most_heap = 64 * 1024 * 1024;

    static std::mutex &lock() {
        static std::mutex one;
        return one;
    }
    static int &queries() {
        static int running = 0;
        return running;
    }
};

class Reader {
public:
    explicit Reader(const std::string &file) : connection_(file, SQLITE_OPEN_READONLY) {
        sqlite3 *const opened = connection_.get();
        connection_.command("PRAGMA query_only = 1");
        sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
        sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
        sqlite3_db_config(opened, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
        sqlite3_db_config(opened, SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0, nullptr);
        sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, most_value_bytes);
        sqlite3_limit(opened, SQLITE_LIMIT_SQL_LENGTH, most_value_bytes);
        sqlite3_limit(opened, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, most_pattern_bytes);
        sqlite3_limit(opened, SQLITE_LIMIT_ATTACHED, 0);
        // An index of the file may name them.
        constexpr int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
        for (const char *const name : one_value)
            sqlite3_create_function(opened, name, 2, flags, nullptr, refuse, nullptr, nullptr);
        sqlite3_set_authorizer(opened, permit, nullptr);
        // What the prompt writes is waited for no longer than a query may take.
        sqlite3_busy_handler(
            opened,
            [](void *self, int) {
                if (static_cast<Reader *>(self)->is_over()) return 0;
                sqlite3_sleep(5);
                return 1;
            },
            this);
        sqlite3_progress_handler(
            opened, steps, [](void *self) { return static_cast<Reader *>(self)->is_over() ? 1 : 0; }, this);
    }
    Reader(const Reader &) = delete;
    Reader &operator=(const Reader &) = delete;

    /** Answers one statement, which may read tables and call the functions of the list, and nothing else. */
    Table select(const Query &query) {
        const HeapLimit limit;
        end_ = std::chrono::steady_clock::now() + most_time;
        query_ = &query;
        sqlite3_limit(connection_.get(), SQLITE_LIMIT_VDBE_OP, query.instructions);
        return connection_.run(query, true);
    }

private:
    /**
     * Instructions of the database between two looks at whether to go on. SQLite looks only where a statement jumps back, so a
     * whole row may pass between two looks. Bounds on instructions, values and patterns keep the slowest row that is known (LIKE
     * in all of its instructions) at about 2 s. SQLite doubles the room for instructions, so the bound is 1,344 of them.
     */
    static constexpr int steps = 20;
    static constexpr int most_value_bytes = 64 * 1024, most_pattern_bytes = 50;
    static constexpr auto most_time = std::chrono::seconds(5);

    bool is_over() const { return std::chrono::steady_clock::now() > end_ || query_->stopped(); }

    template <std::size_t Count> static bool has(const std::string_view (&names)[Count], const char *name) {
        return std::any_of(std::begin(names), std::end(names), [name](std::string_view one) {
            return sqlite3_stricmp(one.data(), name) == 0;
        });
    }

    static void refuse(sqlite3_context *context, int, sqlite3_value **) {
        sqlite3_result_error(context, "ltrim, rtrim and trim take one value here", -1);
    }

    static int permit(void *, int action, const char *first, const char *second, const char *, const char *) {
        switch (action) {
            case SQLITE_SELECT:
            case SQLITE_READ:
            case SQLITE_RECURSIVE: return SQLITE_OK;
            case SQLITE_FUNCTION: return has(functions, second) ? SQLITE_OK : SQLITE_DENY;
            case SQLITE_PRAGMA: return has(pragmas, first) ? SQLITE_OK : SQLITE_DENY;
            default: return SQLITE_DENY;
        }
    }

    std::chrono::steady_clock::time_point end_;
    const Query *query_ = nullptr;
    Connection connection_;
};

}  // namespace shell
