// A SQLite database that a prompt writes and clients read, each query over a connection of its own.
#pragma once

#include <set>

#include "reader.hpp"

namespace shell {

/** The prompt's functions are for one thread; those of clients for any, several at once. */
class Database {
public:
    explicit Database(const std::string &file) : file_(file), writer_(file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) {
        sqlite3_update_hook(
            writer_.get(),
            [](void *self, int, const char *, const char *table, sqlite3_int64) {
                static_cast<Database *>(self)->changed_.insert(table);
            },
            this);
        sqlite3_rollback_hook(
            writer_.get(), [](void *self) { static_cast<Database *>(self)->changed_.clear(); }, this);
    }

    /** Has readers and the prompt never wait for each other. It leaves files beside the database. */
    void write_ahead() { writer_.command("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF"); }

    /** For the prompt: executes what was typed, hands each result to `show`, and gives the names of tables whose rows changed. */
    template <typename Show, typename Changed> void execute(std::string sql, Show show, Changed changed) {
        while (!sql.empty()) {
            const auto [length, is_empty] = writer_.first(sql);
            std::string one = sql.substr(0, length);
            sql.erase(0, length);
            if (is_empty) continue;
            show(writer_.run({std::move(one)}, false));
            // Before the end of a transaction clients see nothing of it.
            if (sqlite3_get_autocommit(writer_.get()) == 0) continue;
            for (const auto &table : std::exchange(changed_, {})) changed(table);
        }
    }

    /** For clients: answers one statement that reads. */
    Table select(const Query &query) {
        const Borrowed reader(*this);
        return reader->select(query);
    }

    /** The names of tables and views, without SQLite's own. */
    std::vector<std::string> tables() {
        std::vector<std::string> names;
        const char *sql = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' "
                          "ESCAPE '\\' ORDER BY name";
        for (const auto &row : select({sql, {}, -1}).rows) names.push_back(std::get<std::string>(row[0]));
        return names;
    }

    /** Of each column: its number, name and type, whether it is not null, what it is by default, and its place in the key. */
    Table columns(const std::string &table) {
        return select({"PRAGMA table_info(" + identifier(table) + ")", {}, -1, 0, [] { return false; }, Query::any_instructions});
    }

    /** A name, quoted. */
    static std::string identifier(const std::string &name) {
        std::string quoted = "\"";
        for (const char c : name) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
        return quoted + '"';
    }

private:
    /** A reader for one query. It is opened if all others are in use, and stays open afterwards. */
    class Borrowed {
    public:
        explicit Borrowed(Database &database) : database_(database) {
            {
                const std::lock_guard<std::mutex> held(database_.lock_);
                if (!database_.idle_.empty()) {
                    reader_ = std::move(database_.idle_.back());
                    database_.idle_.pop_back();
                }
            }
            if (!reader_) reader_ = std::make_unique<Reader>(database_.file_);
        }
        Borrowed(const Borrowed &) = delete;
        Borrowed &operator=(const Borrowed &) = delete;
        ~Borrowed() {
            const std::lock_guard<std::mutex> held(database_.lock_);
            database_.idle_.push_back(std::move(reader_));
        }
        Reader *operator->() const { return reader_.get(); }

    private:
        Database &database_;
        std::unique_ptr<Reader> reader_;
    };

    const std::string file_;
    Connection writer_;
    std::set<std::string> changed_;
    std::mutex lock_;
    std::vector<std::unique_ptr<Reader>> idle_;
};

}  // namespace shell
