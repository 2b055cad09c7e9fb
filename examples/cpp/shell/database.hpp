// A SQLite connection that a prompt and clients share: one thread at a time, and clients read only.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <sqlite3.h>

namespace shell {

struct Blob {
    std::string bytes;
};
using Value = std::variant<std::nullptr_t, std::int64_t, double, std::string, Blob>;

/** Text whose bytes are what they should be; each that is not becomes U+FFFD. */
inline std::string as_utf8(std::string text) {
    std::string good;
    for (std::size_t at = 0, length; at < text.size(); at += length) {
        const auto first = static_cast<unsigned char>(text[at]);
        const auto second = at + 1 < text.size() ? static_cast<unsigned char>(text[at + 1]) : 0u;
        length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
        for (std::size_t i = 1; i < length; i++)
            if (at + i >= text.size() || (static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80) length = 0;
        // Spelled with more bytes than needed, half of a pair, beyond the last.
        if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || (first == 0xF0 && second < 0x90) ||
            (first == 0xF4 && second > 0x8F))
            length = 0;
        good += length == 0 ? "\xEF\xBF\xBD" : text.substr(at, length);
        length += length == 0;
    }
    return good;
}

struct Table {
    std::vector<std::string> columns;
    std::vector<std::vector<Value>> rows;
    bool truncated = false;
};

struct Query {
    std::string sql;
    std::vector<Value> parameters = {};
    std::int64_t limit = 1000;
    std::int64_t offset = 0;
    /** Asked again and again while it runs, whether to give up. */
    std::function<bool()> stopped = [] { return false; };
};

/** What a client's statement would have changed. */
class Refused : public std::runtime_error {
public:
    Refused() : std::runtime_error("Error: Only SELECT queries are allowed") {}
};

class Database {
public:
    explicit Database(const std::string &file) {
        const int opened = sqlite3_open(file.c_str(), &connection_);
        if (opened != SQLITE_OK) {
            const std::string reason = sqlite3_errmsg(connection_);
            sqlite3_close(connection_);
            throw std::runtime_error(file + ": " + reason);
        }
        sqlite3_exec(connection_, "PRAGMA temp_store = MEMORY", nullptr, nullptr, nullptr);
    }
    Database(const Database &) = delete;
    Database &operator=(const Database &) = delete;
    ~Database() { sqlite3_close(connection_); }

    /** Runs `changed` with a table's name for each row that changes. */
    void on_change(std::function<void(const std::string &)> changed) {
        changed_ = std::move(changed);
        sqlite3_update_hook(
            connection_,
            [](void *self, int, const char *, const char *table, sqlite3_int64) {
                static_cast<Database *>(self)->changed_(table);
            },
            this);
    }

    /** Answers one statement, which may read tables and call functions, and nothing else. */
    Table select(const Query &query) {
        const std::lock_guard<std::mutex> held(lock_);
        const Guard guard(connection_, query.stopped);
        return run(query, true);
    }

    /** Executes what was typed, and hands each result to `show`. */
    template <typename Show> void execute(std::string sql, Show show) {
        const std::lock_guard<std::mutex> held(lock_);
        while (!sql.empty()) {
            const char *rest = nullptr;
            sqlite3_stmt *statement = nullptr;
            check(sqlite3_prepare_v2(connection_, sql.c_str(), -1, &statement, &rest));
            sqlite3_finalize(statement);
            const std::string one = sql.substr(0, static_cast<std::size_t>(rest - sql.c_str()));
            if (statement != nullptr) show(run({one}, false));
            sql.erase(0, one.size());
        }
    }

    /** The names of tables and views, without SQLite's own. */
    std::vector<std::string> tables() {
        const std::lock_guard<std::mutex> held(lock_);
        std::vector<std::string> names;
        const char *sql = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' "
                          "ESCAPE '\\' ORDER BY name";
        for (const auto &row : run({sql, {}, -1}, false).rows) names.push_back(std::get<std::string>(row[0]));
        return names;
    }

    /** Of each column: its name, its type, whether it is not null, what it is by default, and its place in the key. */
    Table columns(const std::string &table) {
        const std::lock_guard<std::mutex> held(lock_);
        return run({"SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info(?)", {table}, -1}, false);
    }

private:
    /**
     * Instructions of the database between two looks at whether to go on. One of them may compare two values at each of their
     * places: short values and patterns, and looks that come often, keep what passes between two of them short.
     */
    static constexpr int steps = 20;
    static constexpr int most_value_bytes = 64 * 1024, most_pattern_bytes = 200;
    static constexpr auto most_time = std::chrono::seconds(5);
    static constexpr std::size_t most_bytes = 4 * 1024 * 1024;
    /** What a query keeps meanwhile, to sort it for instance: in memory, since a disk would fill without a bound. */
    static constexpr sqlite3_int64 most_heap = 256 * 1024 * 1024;

    /** While it lives the connection reads only, and gives up in time. */
    class Guard {
    public:
        Guard(sqlite3 *connection, const std::function<bool()> &stopped)
            : connection_(connection), stopped_(stopped), end_(std::chrono::steady_clock::now() + most_time),
              value_bytes_(sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, most_value_bytes)),
              pattern_bytes_(sqlite3_limit(connection, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, most_pattern_bytes)),
              heap_(sqlite3_hard_heap_limit64(sqlite3_memory_used() + most_heap)) {
            sqlite3_set_authorizer(connection_, permit, nullptr);
            sqlite3_progress_handler(
                connection_, steps,
                [](void *self) {
                    auto &guard = *static_cast<Guard *>(self);
                    return std::chrono::steady_clock::now() > guard.end_ || guard.stopped_() ? 1 : 0;
                },
                this);
        }
        Guard(const Guard &) = delete;
        Guard &operator=(const Guard &) = delete;
        ~Guard() {
            sqlite3_set_authorizer(connection_, nullptr, nullptr);
            sqlite3_progress_handler(connection_, 0, nullptr, nullptr);
            sqlite3_limit(connection_, SQLITE_LIMIT_LENGTH, value_bytes_);
            sqlite3_limit(connection_, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, pattern_bytes_);
            sqlite3_hard_heap_limit64(heap_);
        }

    private:
        static int permit(void *, int action, const char *, const char *name, const char *, const char *) {
            if (action == SQLITE_FUNCTION && sqlite3_stricmp(name, "load_extension") == 0) return SQLITE_DENY;
            const bool reads = action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_FUNCTION ||
                               action == SQLITE_RECURSIVE;
            return reads ? SQLITE_OK : SQLITE_DENY;
        }

        sqlite3 *connection_;
        const std::function<bool()> &stopped_;
        std::chrono::steady_clock::time_point end_;
        int value_bytes_, pattern_bytes_;
        sqlite3_int64 heap_;
    };

    struct Finalize {
        void operator()(sqlite3_stmt *statement) const { sqlite3_finalize(statement); }
    };
    using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

    void check(int code) const {
        if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
        if (code == SQLITE_AUTH) throw Refused();
        if (code == SQLITE_NOMEM) throw std::runtime_error("Database error: the query needs more than 256 MiB");
        if (code == SQLITE_INTERRUPT) throw std::runtime_error("Database error: the time limit of 5 s is over");
        throw std::runtime_error(std::string("Database error: ") + sqlite3_errmsg(connection_));
    }

    Statement prepare(const char *sql, const char **rest) const {
        sqlite3_stmt *statement = nullptr;
        const int code = sqlite3_prepare_v2(connection_, sql, -1, &statement, rest);
        Statement made(statement);
        check(code);
        return made;
    }

    Table run(const Query &query, bool alone) {
        const char *rest = nullptr;
        const Statement statement = prepare(query.sql.c_str(), &rest);
        if (!statement || (alone && prepare(rest, &rest)))
            throw std::runtime_error("Database error: exactly one statement is answered");
        // What finds nothing to do, such as REINDEX, asks for no permission.
        if (alone && sqlite3_column_count(statement.get()) == 0) throw Refused();
        if (sqlite3_bind_parameter_count(statement.get()) != static_cast<int>(query.parameters.size()))
            throw std::runtime_error("Database error: the number of parameters is not that of the statement");
        for (std::size_t i = 0; i < query.parameters.size(); i++)
            bind(statement.get(), static_cast<int>(i) + 1, query.parameters[i]);
        Table table;
        std::size_t bytes = 0;
        const int width = sqlite3_column_count(statement.get());
        for (int i = 0; i < width; i++) table.columns.emplace_back(sqlite3_column_name(statement.get(), i));
        std::int64_t seen = 0;
        for (int code; (code = sqlite3_step(statement.get())) != SQLITE_DONE;) {
            check(code);
            if (seen++ < query.offset) continue;
            if (query.limit >= 0 && static_cast<std::int64_t>(table.rows.size()) == query.limit) {
                table.truncated = true;
                break;
            }
            auto &row = table.rows.emplace_back();
            for (int i = 0; i < width; i++) {
                row.push_back(read(statement.get(), i));
                bytes += static_cast<std::size_t>(sqlite3_column_bytes(statement.get(), i));
            }
            if (bytes > most_bytes) throw std::runtime_error("Database error: the result is larger than 4 MiB");
        }
        return table;
    }

    void bind(sqlite3_stmt *statement, int place, const Value &value) const {
        if (const auto *number = std::get_if<std::int64_t>(&value)) {
            check(sqlite3_bind_int64(statement, place, *number));
        } else if (const auto *real = std::get_if<double>(&value)) {
            check(sqlite3_bind_double(statement, place, *real));
        } else if (const auto *text = std::get_if<std::string>(&value)) {
            check(sqlite3_bind_text64(statement, place, text->data(), text->size(), SQLITE_TRANSIENT, SQLITE_UTF8));
        }
    }

    static Value read(sqlite3_stmt *statement, int column) {
        switch (sqlite3_column_type(statement, column)) {
            case SQLITE_NULL: return nullptr;
            case SQLITE_INTEGER: return static_cast<std::int64_t>(sqlite3_column_int64(statement, column));
            case SQLITE_FLOAT: return sqlite3_column_double(statement, column);
            default: break;
        }
        const auto *data = static_cast<const char *>(sqlite3_column_blob(statement, column));
        std::string bytes(data == nullptr ? "" : data, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
        if (sqlite3_column_type(statement, column) == SQLITE_TEXT) return as_utf8(std::move(bytes));
        return Blob{std::move(bytes)};
    }

    sqlite3 *connection_ = nullptr;
    std::mutex lock_;
    std::function<void(const std::string &)> changed_;
};

}  // namespace shell
