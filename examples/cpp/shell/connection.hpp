// One SQLite connection: what it is asked, and what clients may ask of it.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
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
    /** The most instructions of the database that it may consist of. */
    int instructions = most_instructions;

    /** For what clients ask. */
    static constexpr int most_instructions = 1500;
    /** Where clients have no say in the statement, and a table may be wide. */
    static constexpr int any_instructions = 1000000;
};

/** What a client's statement would have changed. */
class Refused : public std::runtime_error {
public:
    Refused() : std::runtime_error("Error: Only SELECT queries are allowed") {}
};

/** A connection. One thread at a time may use it. */
class Connection {
public:
    Connection(const std::string &file, int flags) {
        const int opened = sqlite3_open_v2(file.c_str(), &connection_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
        try {
            check(opened);
            // Already what follows waits for locks. No query reads for longer.
            sqlite3_busy_timeout(connection_, 6000);
            command("PRAGMA temp_store = MEMORY");
            // This also creates a file that does not exist, so that readers can open it.
            command("PRAGMA schema_version");
        } catch (const std::exception &error) {
            sqlite3_close(connection_);
            throw std::runtime_error(file + ": " + error.what());
        }
    }
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;
    ~Connection() { sqlite3_close(connection_); }

    sqlite3 *get() const { return connection_; }

    void command(const char *sql) const { check(sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr)); }

    void check(int code) const {
        if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
        if (code == SQLITE_AUTH) throw Refused();
        if (code == SQLITE_NOMEM) throw std::runtime_error("Database error: the query is too large, or needs more than 64 MiB");
        if (code == SQLITE_INTERRUPT) throw std::runtime_error("Database error: the time limit of 5 s is over");
        throw std::runtime_error(std::string("Database error: ") + sqlite3_errmsg(connection_));
    }

    /** How long the first statement of a text is, and whether it is only blanks and comments. */
    std::pair<std::size_t, bool> first(const std::string &sql) const {
        refuse_nul(sql);
        const char *rest = nullptr;
        const bool is_empty = !prepare(sql.c_str(), &rest);
        return {static_cast<std::size_t>(rest - sql.c_str()), is_empty};
    }

    /** Runs the first statement of a text; if `alone`, a further one is refused, and one that gives no columns too. */
    Table run(const Query &query, bool alone) const {
        refuse_nul(query.sql);
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

private:
    static constexpr std::size_t most_bytes = 4 * 1024 * 1024;

    struct Finalize {
        void operator()(sqlite3_stmt *statement) const { sqlite3_finalize(statement); }
    };
    using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

    /** SQLite ignores what follows a NUL character. */
    static void refuse_nul(const std::string &sql) {
        if (sql.find('\0') != std::string::npos)
            throw std::runtime_error("Database error: the statement contains a NUL character");
    }

    Statement prepare(const char *sql, const char **rest) const {
        sqlite3_stmt *statement = nullptr;
        const int code = sqlite3_prepare_v2(connection_, sql, -1, &statement, rest);
        Statement made(statement);
        check(code);
        return made;
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
};

}  // namespace shell
