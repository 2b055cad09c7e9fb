// A prompt for a SQLite database, which MCP clients read while somebody types: tools to ask it, and a resource for each table.
// A table that is made at the prompt appears in the lists of clients, and those subscribed to a table hear of its changes.
//
//     shell [ADDRESS [FILE]]
//
// With an address such as 127.0.0.1:8000 the prompt is on the terminal, and clients come over HTTP; with - or nothing there is no
// prompt, and the client is on stdio. Without a file the database is a temporary one.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <tenon.hpp>

#include "database.hpp"
#include "temporary.hpp"

namespace {

using shell::Blob;
using shell::Database;
using shell::Table;
using shell::Value;

constexpr tenon_param_flags optional = 0;
// So many queries run at the same time.
constexpr std::uint32_t worker_threads = 8;
constexpr std::size_t shown_rows = 50, shown_letters = 200, resource_rows = 100;
const std::string tables_uri = "database://tables/";

std::string base64(const std::string &bytes) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t three = 0;
        for (std::size_t j = i; j < i + 3; j++) three = three << 8 | (j < bytes.size() ? std::uint8_t(bytes[j]) : 0u);
        for (std::size_t j = 0; j < 4; j++) text += i + j <= bytes.size() ? letters[three >> (18 - 6 * j) & 63] : '=';
    }
    return text;
}

/** The address of a table. */
std::string address(const std::string &table) {
    static const char digits[] = "0123456789ABCDEF";
    std::string uri = tables_uri;
    for (const char c : table) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = byte < 0x80 && (std::isalnum(byte) || c == '_' || c == '-');
        uri += plain ? std::string(1, c) : std::string{'%', digits[byte >> 4], digits[byte & 15]};
    }
    return uri;
}

std::string text_of(const Value &value) {
    if (std::holds_alternative<std::nullptr_t>(value)) return "NULL";
    if (const auto *number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
    if (const auto *text = std::get_if<std::string>(&value)) return *text;
    if (const auto *blob = std::get_if<Blob>(&value)) return base64(blob->bytes);
    const double real = std::get<double>(value);
    char text[32];
    // As few digits as say the same number.
    for (int digits = 15; digits <= 17; digits++) {
        std::snprintf(text, sizeof text, "%.*g", digits, real);
        if (std::strtod(text, nullptr) == real) break;
    }
    return text;
}

/** Letters, as a terminal counts them. */
std::size_t width_of(const std::string &text) {
    std::size_t width = 0;
    for (const char c : text) width += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    return width;
}

/** A value on one line, of which the first letters are shown. */
std::string cell(const Value &value) {
    std::string text = text_of(value);
    std::replace(text.begin(), text.end(), '\n', ' ');
    if (width_of(text) <= shown_letters) return text;
    std::size_t end = 0;
    for (std::size_t width = 0; width < shown_letters; end++) width += (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
    return text.substr(0, end - 1) + "\u2026";
}

/** A table as people read it, of which the first 50 rows are shown. */
std::string as_text(const Table &table) {
    if (table.rows.empty()) return "No results found";
    const std::size_t count = std::min(table.rows.size(), shown_rows);
    std::vector<std::vector<std::string>> lines = {table.columns};
    for (std::size_t i = 0; i < count; i++) {
        auto &line = lines.emplace_back();
        for (const auto &value : table.rows[i]) line.push_back(cell(value));
    }
    std::vector<std::size_t> widths(table.columns.size());
    for (const auto &line : lines)
        for (std::size_t i = 0; i < line.size(); i++) widths[i] = std::max(widths[i], width_of(line[i]));
    std::string text;
    for (std::size_t i = 0; i < lines.size(); i++) {
        std::string line;
        for (std::size_t j = 0; j < lines[i].size(); j++) {
            line += (j > 0 ? " | " : "") + lines[i][j] + std::string(widths[j] - width_of(lines[i][j]), ' ');
        }
        text += line + "\n";
        if (i == 0) text += std::string(width_of(line), '-') + "\n";
    }
    if (count < table.rows.size()) text += "... and " + std::to_string(table.rows.size() - count) + " more rows\n";
    if (table.truncated) text += "(cut at " + std::to_string(table.rows.size()) + ", there are more)\n";
    text.pop_back();
    return text;
}

/** A string of JSON. */
std::string quoted(const std::string &text) {
    std::string json = "\"";
    for (const char c : text) {
        char escaped[8];
        if (c == '"' || c == '\\') {
            json += {'\\', c};
        } else if (static_cast<unsigned char>(c) < 0x20) {
            std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
            json += escaped;
        } else {
            json += c;
        }
    }
    return json + '"';
}

/** The names of columns; one that an earlier column has gets a number. */
std::vector<std::string> distinct(const std::vector<std::string> &columns) {
    std::set<std::string> taken;
    std::map<std::string, int> numbers;
    std::vector<std::string> names;
    for (const auto &column : columns) {
        int &number = numbers.try_emplace(column, 1).first->second;
        std::string name = number == 1 ? column : column + "_" + std::to_string(number);
        while (!taken.insert(name).second) name = column + "_" + std::to_string(++number);
        names.push_back(name);
    }
    return names;
}

/** The rows as an array of objects. */
std::string as_json(const Table &table) {
    std::vector<std::string> names;
    for (const auto &name : distinct(table.columns)) names.push_back(quoted(name));
    std::string json = "[";
    for (const auto &row : table.rows) {
        json += json.size() > 1 ? ",{" : "{";
        for (std::size_t i = 0; i < row.size(); i++) {
            json += (i > 0 ? "," : "") + names[i] + ":";
            const auto *real = std::get_if<double>(&row[i]);
            if (std::holds_alternative<std::nullptr_t>(row[i])) {
                json += "null";
            } else if (std::holds_alternative<std::int64_t>(row[i]) || (real != nullptr && std::isfinite(*real))) {
                json += text_of(row[i]);
            } else {
                json += quoted(text_of(row[i]));
            }
        }
        json += "}";
    }
    return json + "]";
}

std::vector<Value> parameters(const tenon::Call &call) {
    std::vector<Value> values;
    for (;;) {
        const auto place = "/params/" + std::to_string(values.size());
        const auto json = call.find<tenon::Json>(place);
        if (!json) return values;
        switch (json->text[0]) {
            case 'n': values.emplace_back(nullptr); break;
            case '"': values.emplace_back(call.arg<std::string>(place)); break;
            case 't':
            case 'f': values.emplace_back(std::int64_t(call.arg<bool>(place))); break;
            default:
                if (json->text.find_first_of(".eE") == std::string::npos) {
                    values.emplace_back(call.arg<std::int64_t>(place));
                } else {
                    values.emplace_back(call.arg<double>(place));
                }
        }
    }
}

bool exists(Database &database, const std::string &table) {
    const auto tables = database.tables();
    return std::find(tables.begin(), tables.end(), table) != tables.end();
}

void add_tools(tenon::Server &app, Database &database) {
    auto select = tenon::tool("execute_select");
    select.description("Answer one SELECT statement in SQLite's SQL.").structured();
    select.param("query", R"({"type":"string","maxLength":65536})", "The statement.");
    select.param(
        "params", R"({"type":["array","null"],"maxItems":1000,"items":{"type":["string","number","boolean","null"]}})",
        "What stands for its question marks.", optional);
    select.param(
        "limit", R"({"type":"integer","minimum":0,"maximum":1000,"default":1000})", "The most rows.", optional);
    select.param(
        "offset", R"({"type":"integer","minimum":0,"default":0})", "Rows to pass over before.", optional);
    select.handler([&](tenon::Call &call) {
        const Table table = database.select(
            {call.arg<std::string>("query"), parameters(call), call.arg<std::int64_t>("limit", 1000),
             call.arg<std::int64_t>("offset", 0), [&] { return call.is_cancelled(); }});
        tenon::Result result;
        result.add_text(as_text(table)).begin_object().begin_array("columns");
        for (const auto &column : distinct(table.columns)) result.put(std::nullopt, column);
        result.end().put("rows", tenon::Json{as_json(table)});
        result.put("row_count", std::int64_t(table.rows.size())).put("truncated", table.truncated).end();
        return result;
    });
    app.add(std::move(select));

    auto list = tenon::tool("list_tables");
    list.description("The tables and views.");
    list.handler([&](tenon::Call &) {
        std::string text = "Tables in database:";
        for (const auto &table : database.tables()) text += "\n- " + table;
        return text;
    });
    app.add(std::move(list));

    auto schema = tenon::tool("get_table_schema");
    schema.description("The columns of a table.").param("table_name", "string");
    schema.handler([&](tenon::Call &call) {
        const auto name = call.arg<std::string>("table_name");
        if (!exists(database, name)) throw std::invalid_argument("Table '" + name + "' not found");
        std::string text = "Schema for table '" + name + "':\n" + std::string(40, '-');
        for (const auto &row : database.columns(name).rows) {
            text += "\n  " + text_of(row[1]) + " (" + text_of(row[2]) + ")";
            if (std::get<std::int64_t>(row[3]) != 0) text += " NOT NULL";
            if (std::get<std::int64_t>(row[5]) != 0) text += " PRIMARY KEY";
            if (!std::holds_alternative<std::nullptr_t>(row[4])) text += " DEFAULT " + text_of(row[4]);
        }
        return text;
    });
    app.add(std::move(schema));
}

void add_resources(tenon::Server &app, Database &database) {
    auto provider = tenon::resource_provider(tables_uri + "{name}");
    provider.list_handler([&](tenon::Call &) {
        tenon::Result result;
        for (const auto &table : database.tables()) {
            result.add_link(address(table), "Table: " + table, "application/json");
            result.set_last("description", quoted("Access to " + table + " table"));
        }
        return result;
    });
    provider.handler([&](tenon::Call &call) {
        const auto name = call.arg<std::string>("name");
        if (!exists(database, name)) {
            call.not_found();
            return;
        }
        const Table table = database.select(
            {"SELECT * FROM " + Database::identifier(name), {}, resource_rows, 0, [&] { return call.is_cancelled(); },
             shell::Query::any_instructions});
        tenon::Result result;
        result.add_resource(*call.uri(), as_json(table), "application/json");
        call.complete(std::move(result));
    });
    app.add(std::move(provider));
}

/** Reads statements until the input ends or `.quit`, and says of each what it gives. */
void prompt(tenon::Server &app, Database &database) {
    auto known = database.tables();
    std::string line, sql;
    while (std::cout << (sql.empty() ? "sql> " : "...> ") << std::flush, std::getline(std::cin, line)) {
        if (sql.empty() && line == ".quit") return;
        sql += line + '\n';
        // What holds a NUL character is refused.
        if (sqlite3_complete(sql.c_str()) == 0 && sql.find('\0') == std::string::npos) continue;
        try {
            database.execute(
                std::exchange(sql, {}),
                [](const Table &table) {
                    if (!table.columns.empty()) std::cout << as_text(table) << '\n';
                },
                [&](const std::string &table) { app.resource_updated(address(table)); });
        } catch (const std::exception &error) {
            std::cout << error.what() << '\n';
        }
        try {
            if (auto tables = database.tables(); tables != known) {
                known = std::move(tables);
                app.list_changed(TENON_KIND_RESOURCE);
            }
        } catch (const std::exception &) {
            // A transaction of the prompt keeps the file locked: the next statement looks again.
        }
    }
}

}  // namespace

int main(int argc, char **argv) try {
    const bool has_prompt = argc > 1 && std::string(argv[1]) != "-";
    std::optional<shell::TemporaryFolder> temporary;
    if (argc <= 2) temporary.emplace();
    Database database(temporary ? temporary->file() : argv[2]);
    if (temporary) {
        database.write_ahead();
        // Over stdio the server handles signals.
        if (has_prompt) temporary->remove_on_signals();
    }
    tenon::Server app("sqlite-shell", "1.0.0");
    add_tools(app, database);
    add_resources(app, database);
    app.set_worker_threads(worker_threads);
    if (!has_prompt) {
        app.listen_stdio();
        return app.run();
    }
    app.listen_http(argv[1]);
    app.start();
    std::cerr << "listening " << app.http_url() << '\n';
    prompt(app, database);
    return 0;
} catch (const std::exception &error) {
    std::cerr << "shell: " << error.what() << '\n';
    return 1;
}
