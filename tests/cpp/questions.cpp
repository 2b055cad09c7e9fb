// Questions to the client, tasks of effects that happen once, and middleware.
#include "support.hpp"

#include <atomic>
#include <stdexcept>

namespace {

template <typename Function> void add(tenon::Server &app, std::string_view name, Function function) {
    auto tool = tenon::tool(name);
    tool.handler(std::move(function));
    app.add(std::move(tool));
}

}  // namespace

TEST(a_form_is_asked_and_its_handler_begins_again) {
    std::atomic<int> runs{0}, held{0};
    tenon::Server app("t", "1");
    add(app, "book", [&](tenon::Call &call) {
        const Life here(held);
        runs++;
        const auto made = call.once("made", [] { return "\"" + std::string("first") + "\""; });
        const auto answer = call.elicit(
            "When?", R"({"type":"object","properties":{"day":{"type":"string"},"n":{"type":"integer"},"b":{"type":"boolean"},)"
                     R"("d":{"type":"number"}}})", "when");
        CHECK(answer.accepted() && answer.action() == TENON_ACTION_ACCEPT);
        CHECK(answer.field<int>("n") == 3 && answer.field<bool>("b") && answer.field<double>("d") == 0.5);
        CHECK_THROWS(TENON_ERR_NOT_FOUND, "\"none\"", answer.field<int>("none"));
        CHECK_IN("monday", answer.content());
        CHECK_IN("accept", answer.json());
        return made + answer.field<std::string>("day");
    });
    Client client(app);
    const auto question = client.call("book");
    CHECK_IN("elicitation/create", question);
    CHECK_IN("When?", question);
    const auto said = client.answer(question, R"({"action":"accept","content":{"day":"monday","n":3,"b":true,"d":0.5}})");
    CHECK_IN(R"("text":"\"first\"monday")", said);
    CHECK(runs == 2);
    CHECK(held == 0);
}

TEST(an_answer_without_the_field_fails_the_call_with_the_reason) {
    tenon::Server app("t", "1");
    const auto asks = [](auto read) {
        return [read](tenon::Call &call) {
            return read(call.elicit("When?", R"({"type":"object","properties":{"n":{"type":"integer"}}})", "when"));
        };
    };
    add(app, "int", asks([](const tenon::Answer &answer) { return answer.field<int>("n"); }));
    add(app, "text", asks([](const tenon::Answer &answer) { return answer.field<std::string>("n"); }));
    Client client(app);
    const auto said = [&client](std::string_view tool, std::string_view content) {
        return client.answer(client.call(tool), R"({"action":"accept","content":)" + std::string(content) + "}");
    };
    CHECK_IN(R"("text":"3")", said("int", R"({"n":3})"));
    CHECK_IN(R"(field \"n\" is missing)", said("int", "{}"));
    CHECK_IN(R"(field \"n\" is not an integer of 32 bits)", said("int", R"({"n":4294967296})"));
    CHECK_IN(R"(field \"n\" is not a string)", said("text", R"({"n":3})"));
}

TEST(a_client_that_cannot_be_asked_fails_the_call_with_the_reason) {
    tenon::Server app("t", "1");
    add(app, "ask", [](tenon::Call &call) { return std::string(call.sample(R"({"messages":[],"maxTokens":1})").text()); });
    add(app, "catch", [](tenon::Call &call) {
        CHECK_THROWS(TENON_ERR_UNSUPPORTED, "", call.roots());
        return "told";
    });
    const auto limit = std::chrono::seconds(20);
    const auto said = app.exchange(modern("ask", "{}"), limit).back();
    CHECK_IN("sampling", said);
    CHECK_IN("error", said);
    CHECK_IN(R"("text":"told")", app.exchange(modern("catch", "{}"), limit).back());
}

TEST(models_and_roots_are_asked) {
    tenon::Server app("t", "1");
    add(app, "sample", [](tenon::Call &call) {
        return std::string(call.sample(R"({"messages":[{"role":"user","content":{"type":"text","text":"hi"}}],"maxTokens":9})").text());
    });
    add(app, "roots", [](tenon::Call &call) {
        const auto answer = call.roots();
        const auto roots = answer.roots();
        CHECK(roots.size() == 2);
        return std::string(roots.at(1));
    });
    Client client(app);
    const auto sampled = client.call("sample");
    CHECK_IN("sampling/createMessage", sampled);
    CHECK_IN(R"("text":"well")", client.answer(sampled, R"({"role":"assistant","content":{"type":"text","text":"well"},"model":"m"})"));
    const auto roots = client.call("roots");
    CHECK_IN("roots/list", roots);
    CHECK_IN("file:///b", client.answer(roots, R"({"roots":[{"uri":"file:///a"},{"uri":"file:///b"}]})"));
}

TEST(several_questions_are_asked_at_once) {
    tenon::Server app("t", "1");
    add(app, "both", [](tenon::Call &call) {
        const auto question = [&](const char *name) {
            return call.try_ask(
                "elicit", R"({"message":")" + std::string(name) + R"(","requestedSchema":{"type":"object","properties":{}}})", name);
        };
        const auto first = question("one"), second = question("two");
        if (!first || !second) return;
        call.return_text("both");
    });
    const auto said = app.exchange(modern("both", "{}"), std::chrono::seconds(20)).back();
    CHECK_IN("\"one\"", said);
    CHECK_IN("\"two\"", said);
}

TEST(pages_are_to_be_visited) {
    tenon::Server app("t", "1");
    add(app, "visit", [](tenon::Call &call) { return call.elicit_url("Pay", "https://example.com/pay", "id-1").accepted(); });
    add(app, "require", [](tenon::Call &call) { call.require_url("Pay", "https://example.com/pay", "id-2"); });
    Client client(app);
    const auto visit = client.call("visit");
    CHECK_IN("https://example.com/pay", visit);
    CHECK_IN(R"("text":"true")", client.answer(visit, R"({"action":"accept"})"));
    CHECK_IN("-32042", client.call("require"));
    CHECK(app.elicitation_complete("id-2"));
    CHECK(!app.elicitation_complete("id-3"));
}

TEST(middleware_sees_and_changes_what_follows) {
    tenon::Server app("t", "1");
    auto tool = tenon::tool("echo");
    tool.param("text", "string", "What to say.").handler([](tenon::Call &call) {
        auto *seen = call.state<std::string>();
        CHECK(seen != nullptr && call.state<int>() == nullptr);
        return *seen + call.arg<std::string>("text");
    });
    app.add(std::move(tool));
    app.add_middleware([](tenon::Call &call) {
        if (call.name() != "echo") return call.next();
        call.set_state(std::string("by "));
        call.next([](tenon::Call &after) {
            const auto outcome = after.outcome();
            CHECK(outcome.kind == TENON_OUTCOME_VALUE);
            after.return_text("<" + std::string(outcome.json) + ">");
        }, R"({"text":"other"})");
    }, "tool");
    app.add_middleware([](tenon::Call &call) {
        if (call.name() == "echo") return call.next();
        throw std::runtime_error("refused");
    });
    add(app, "other", [](tenon::Call &) { return 1; });
    Client client(app);
    CHECK_IN(R"(<\"by other\">)", client.call("echo", R"({"text":"mine"})"));
    CHECK_IN("refused", client.call("other"));
    CHECK_THROWS(TENON_ERR_INVALID, "nonsense", app.add_middleware([](tenon::Call &) {}, "nonsense"));
}

TEST(what_follows_may_throw_in_the_function_behind_it) {
    tenon::Server app("t", "1");
    std::atomic<int> held{0};
    add(app, "it", [](tenon::Call &) { return 1; });
    app.add_middleware([held = Life(held)](tenon::Call &call) {
        call.next([held](tenon::Call &) { throw std::runtime_error("behind"); });
    });
    CHECK_IN("behind", Client(app).call("it"));
    app.close();
}
