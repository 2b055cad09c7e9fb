#include "support.hpp"

#include <cstdio>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

using Test = std::pair<const char *, void (*)()>;

std::vector<Test> &tests() {
    static std::vector<Test> all;
    return all;
}

}  // namespace

bool known(const char *name, void (*test)()) {
    tests().emplace_back(name, test);
    return true;
}

void failed(const char *file, int line, std::string_view what) {
    throw std::logic_error(std::string(file) + ":" + std::to_string(line) + ": " + std::string(what));
}

Client::Client(tenon::Server &server) : server_(server) {
    const auto said = request("initialize", R"("protocolVersion":"2025-11-25","capabilities":{"elicitation":{"form":{},"url":{}},)"
                                            R"("sampling":{},"roots":{}},"clientInfo":{"name":"tests","version":"1"})");
    CHECK_IN(R"("protocolVersion":"2025-11-25")", said);
    server_.exchange(R"({"jsonrpc":"2.0","method":"notifications/initialized"})", std::chrono::seconds(20));
}

std::string Client::exchange(const std::string &message) {
    std::string last;
    for (auto &said : server_.exchange(message, std::chrono::seconds(20)))
        if (said.find(R"("method":"notifications/)") == std::string::npos) last = std::move(said);
    CHECK(!last.empty());
    return last;
}

std::string Client::request(std::string_view method, std::string_view params) {
    return exchange(
        R"({"jsonrpc":"2.0","id":)" + std::to_string(++id_) + R"(,"method":")" + std::string(method) +
        R"(","params":{)" + std::string(params) + "}}");
}

std::string Client::call(std::string_view tool, std::string_view arguments) {
    return request("tools/call", R"("name":")" + std::string(tool) + R"(","arguments":)" + std::string(arguments));
}

std::string Client::answer(const std::string &question, std::string_view result) {
    const auto at = question.find(R"("id":)");
    CHECK(at != std::string::npos);
    const auto id = question.substr(at + 5, question.find_first_of(",}", at) - at - 5);
    return exchange(R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + std::string(result) + "}");
}

std::string modern(std::string_view tool, std::string_view arguments, std::string_view more) {
    return R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":")" + std::string(tool) + R"(","arguments":)" +
        std::string(arguments) + std::string(more) +
        R"(,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
        R"("io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}}})";
}

std::string with(std::string_view name, std::string_view type) {
    return R"({"type":"object","properties":{")" + std::string(name) + R"(":{"type":")" + std::string(type) + R"("}}})";
}

int main(int argc, char **argv) {
    int passed = 0, failures = 0;
    for (const auto &[name, test] : tests()) {
        bool wanted = argc < 2;
        for (int i = 1; i < argc; i++) wanted = wanted || std::string_view(argv[i]) == name;
        if (!wanted) continue;
        try {
            test();
            std::printf("ok %s\n", name);
            passed++;
        } catch (const std::exception &error) {
            std::printf("FAILED %s: %s\n", name, error.what());
            failures++;
        }
        std::fflush(stdout);
    }
    std::printf("%d passed, %d failed\n", passed, failures);
    return failures == 0 ? 0 : 1;
}
