// The verifier and the authorizer, with requests of another HTTP server.
#include "support.hpp"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>

namespace {

const auto limit = std::chrono::seconds(20);

struct Seen {
    std::uint32_t status;
    std::string body;
};

Seen pay(tenon::Server &app, std::string_view amount, std::string_view token) {
    tenon::Http http("POST");
    http.add_header("content-type", "application/json").add_header("accept", "application/json, text/event-stream");
    http.add_header("host", "localhost").add_header("mcp-protocol-version", "2026-07-28");
    http.add_header("mcp-method", "tools/call").add_header("mcp-name", "pay").set_version(1);
    if (!token.empty()) http.add_header("authorization", "Bearer " + std::string(token));
    app.handle_http(http);
    http.write(modern("pay", R"({"amount":)" + std::string(amount) + "}"));
    http.end();
    std::string body;
    for (;;) {
        const auto step = http.next(limit);
        CHECK(step != TENON_HTTP_WAIT);
        if (step == TENON_HTTP_DATA) body += http.data();
        if (step == TENON_HTTP_END) return {http.status(), body};
    }
}

}  // namespace

TEST(the_verifier_and_the_authorizer_decide) {
    tenon::Server app("t", "1");
    auto tool = tenon::tool("pay");
    tool.input_schema(R"({"type":"object","properties":{"amount":{"type":"integer"}}})");
    tool.handler([](tenon::Call &) { return "paid"; });
    app.add(std::move(tool));
    app.set_verifier(
        [](tenon::Call &call) {
            const auto token = call.find<std::string>("token");
            if (token == "throws") throw std::runtime_error("no route to hunter2");
            return tenon::Json{token == "good" ? R"({"subject":"ann"})" : "null"};
        },
        R"(["x-team"])");
    app.set_authorizer([](tenon::Call &call) {
        const bool known = call.arg<std::string>("/principal/subject") == "ann" && call.arg<std::string>("name") == "pay";
        if (!known) return tenon::Json{"false"};
        return tenon::Json{call.arg<int>("/arguments/amount") < 5 ? "true" : R"("too much")"};
    });
    app.listen_embedded();
    app.start();
    CHECK(pay(app, "1", "").status == 401);
    CHECK(pay(app, "1", "bad").status == 401);
    const auto failed_to_verify = pay(app, "1", "throws");
    CHECK(failed_to_verify.status == 503 && failed_to_verify.body.find("hunter2") == std::string::npos);
    const auto paid = pay(app, "1", "good");
    CHECK(paid.status == 200);
    CHECK_IN("paid", paid.body);
    const auto refused = pay(app, "5", "good");
    CHECK(refused.status == 403);
    CHECK_IN("too much", refused.body);
}

TEST(a_wrong_verifier_or_authorizer_is_thrown) {
    std::atomic<int> alive{0};
    {
        tenon::Server twice("t", "1");
        twice.set_authorizer([life = Life(alive)](tenon::Call &) { return true; });
        CHECK_THROWS(
            TENON_ERR_STATE, "already", twice.set_authorizer([life = Life(alive)](tenon::Call &) { return true; }));
        CHECK(alive == 1);
    }
    CHECK(alive == 0);
    tenon::Server wrong("t", "1");
    CHECK_THROWS(TENON_ERR_INVALID, "a b", wrong.set_verifier([](tenon::Call &) { return false; }, R"(["a b"])"));
    tenon::Server fine("t", "1");
    CHECK_THROWS(
        TENON_ERR_INVALID, "TENON_MODE_POLL",
        fine.set_authorizer([](tenon::Call &) { return true; }, TENON_MODE_INLINE));
}
