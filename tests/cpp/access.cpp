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

TEST(policies_change_and_the_program_limits_itself) {
    const auto hour = std::chrono::hours(1);
    tenon::Server app("t", "1");
    app.set("limiters", R"({"api":"1/h"})").set("breakers", R"({"api":{"failures":1,"open_for":3600000}})");
    auto tool = tenon::tool("pay");
    tool.handler([](tenon::Call &) { return "paid"; });
    app.add(std::move(tool));
    app.listen_embedded();
    app.start();
    app.change_policies(TENON_KIND_TOOL, "pay", R"({"max_concurrency":3})");
    app.disable_policy(TENON_KIND_TOOL, "pay", "max_concurrency");
    CHECK(app.policies(TENON_KIND_TOOL, "pay").find(R"("switched_off":["max_concurrency"])") != std::string::npos);
    app.enable_policy(TENON_KIND_TOOL, "pay", "max_concurrency");
    app.clear_policy(TENON_KIND_TOOL, "pay");
    CHECK(app.policies(TENON_KIND_TOOL, "pay").find(R"("running":0)") != std::string::npos);

    CHECK(app.limiter_acquire("api").count() == 0);
    const auto wait = app.limiter_acquire("api");
    CHECK(wait.count() > 0 && wait <= hour);
    app.limiter_feed("api", R"({"Retry-After":7200})");
    CHECK(app.limiter_acquire("api") > hour);
    const auto permit = app.breaker_allow("api");
    CHECK(permit.wait.count() == 0);
    app.breaker_record("api", permit, false);
    CHECK(app.breaker_allow("api").wait.count() > 0);
    CHECK(!app.cache_get("key"));
    app.cache_put("key", "[1]", limit);
    CHECK(app.cache_get("key") == "[1]");
    app.cache_delete("key");
    app.cache_delete();
    CHECK(!app.cache_get("key"));
}
