// Settings from a file, variables and code, and a server that uses them.
#include "support.hpp"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include <unistd.h>

namespace {

// A settings file that is removed at the end.
class File {
public:
    explicit File(const std::string &text) : path_("/tmp/tenon-cpp-" + std::to_string(getpid()) + ".toml") {
        std::ofstream(path_) << text;
    }
    ~File() { std::remove(path_.c_str()); }
    File(const File &) = delete;
    File &operator=(const File &) = delete;
    tenon::Settings load() const { return tenon::Settings::load(R"({"prefix":"","file":")" + path_ + R"("})"); }
    std::string text() const {
        std::ifstream file(path_);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    const std::string &path() const { return path_; }

private:
    std::string path_;
};

}  // namespace

TEST(settings_are_read_set_and_saved) {
    const File file("[server]\nname = \"demo\"\n");
    auto settings = file.load();
    const auto name = settings.get("server.name");
    CHECK(name == R"("demo")" && !settings.get("server.title"));
    CHECK_IN(".toml, line 2", settings.source("server.name").value_or(""));
    CHECK(!settings.source("server.title"));
    CHECK_THROWS(TENON_ERR_NOT_FOUND, "server.name", settings.get("server.nam"));
    CHECK_THROWS(TENON_ERR_INVALID, "code: limits.max_calls", settings.set("limits.max_calls", "0"));
    CHECK_THROWS(TENON_ERR_IO, file.path(), tenon::Settings::write_default(file.path()));
    settings.set("server.name", R"("other")").save();
    CHECK(file.text() == "[server]\nname = \"other\"\n");
    std::ofstream(file.path()) << "[limits]\nmax_calls = 0\n";
    CHECK_THROWS(TENON_ERR_INVALID, ".toml, line 2", settings.reload());
    const tenon::Settings moved = std::move(settings);
    CHECK(moved.get("server.name") == R"("other")" && name == R"("demo")");
    CHECK_IN(R"("server")", moved.schema());
    CHECK_THROWS(TENON_ERR_NULL, "", settings.get("server.name"));
}

TEST(a_server_has_settings) {
    const File file("[server]\nname = \"demo\"\nversion = \"7\"\n[serve.http]\nport = 0\npath = \"/own\"\n");
    tenon::Server own("own", "1");
    CHECK(!own.settings());
    own.set_settings(file.load());
    Client client(own);
    CHECK_IN(R"("serverInfo":{"name":"own","version":"1"})", client.request("initialize", R"("protocolVersion":"2025-11-25",)"
        R"("capabilities":{},"clientInfo":{"name":"t","version":"1"})"));
    tenon::Server app(file.load());
    CHECK(app.settings()->get("server.version") == R"("7")");
    app.start();
    CHECK_IN("/own", app.http_url());
    tenon::Server named(file.load(), "named");
    Client second(named);
    CHECK_IN(R"("serverInfo":{"name":"named","version":"7"})", second.request("initialize", R"("protocolVersion":"2025-11-25",)"
        R"("capabilities":{},"clientInfo":{"name":"t","version":"1"})"));
}
