// Handlers: their arguments, what they return, what they throw, and calls that are kept.
#include "support.hpp"

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>

namespace {

template <typename Function> std::string called(Function function, std::string_view arguments, std::string_view schema) {
    tenon::Server app("t", "1");
    auto tool = tenon::tool("it");
    tool.input_schema(schema).handler(std::move(function));
    app.add(std::move(tool));
    return Client(app).call("it", arguments);
}

std::string text(std::string_view text) { return R"("content":[{"type":"text","text":")" + std::string(text) + R"("}])"; }

}  // namespace

TEST(what_a_handler_returns_completes_its_call) {
    const auto none = with("x", "string");
    CHECK_IN(text("plain"), called([](tenon::Call &) { return "plain"; }, "{}", none));
    CHECK_IN(text("string"), called([](tenon::Call &) { return std::string("string"); }, "{}", none));
    CHECK_IN(text("7"), called([](tenon::Call &) { return 7; }, "{}", none));
    CHECK_IN(text("0.5"), called([](tenon::Call &) { return 0.5; }, "{}", none));
    CHECK_IN(text("true"), called([](tenon::Call &) { return true; }, "{}", none));
    CHECK_IN(text(R"({\"a\":1})"), called([](tenon::Call &) { return tenon::Json{R"({"a":1})"}; }, "{}", none));
    CHECK_IN(text("one"), called(
                              [](tenon::Call &) {
                                  tenon::Result result;
                                  result.add_text("one");
                                  return result;
                              },
                              "{}", none));
    CHECK_IN(text("by itself"), called([](tenon::Call &call) { CHECK(call.return_text("by itself")); }, "{}", none));
}

TEST(arguments_have_types) {
    const std::string schema = R"({"type":"object","properties":{"s":{"type":"string"},"i":{"type":"integer"},)"
                               R"("d":{"type":"number"},"b":{"type":"boolean"},"o":{"type":"object"}}})";
    const auto all = [](tenon::Call &call) {
        CHECK(call.arg<std::string>("s") == "x\ny");
        CHECK(call.arg<std::string_view>("s") == "x\ny");
        CHECK(call.arg<std::int64_t>("i") == -3000000000);
        CHECK(call.arg<double>("d") == 0.5);
        CHECK(call.arg<float>("d") == 0.5F);
        CHECK(call.arg<bool>("b"));
        CHECK(call.arg<tenon::Json>("o").text == R"({"k":[1]})");
        CHECK(call.arg<int>("/o/k/0") == 1);
        CHECK_THROWS(TENON_ERR_INVALID, "", call.arg<int>("/~"));
        CHECK(call.arg<int>("absent", 9) == 9);
        CHECK(!call.find<std::string>("absent"));
        CHECK_THROWS(TENON_ERR_TYPE, "\"i\"", call.arg<int>("i"));
        CHECK_THROWS(TENON_ERR_TYPE, "\"i\"", call.arg<std::uint64_t>("i"));
        CHECK_THROWS(TENON_ERR_TYPE, "\"s\"", call.find<int>("s"));
        CHECK_THROWS(TENON_ERR_INVALID, "NUL", call.find<int>(std::string_view("i\0", 2)));
        CHECK_IN("3000000000", call.arguments());
        return "fine";
    };
    CHECK_IN(text("fine"), called(all, R"({"s":"x\ny","i":-3000000000,"d":0.5,"b":true,"o":{"k":[1]}})", schema));
}

TEST(an_argument_that_is_missing_fails_the_call_with_the_reason_of_the_library) {
    const auto said = called([](tenon::Call &call) { return call.arg<int>("n"); }, "{}", with("n", "integer"));
    CHECK_IN(R"("isError":true)", said);
    CHECK_IN("argument \\\"n\\\"", said);
}

TEST(arguments_that_a_handler_refuses_are_told_as_the_schema_s_are) {
    const auto schema = with("n", "integer");
    const std::string refused = R"(Invalid arguments for tool \"it\": )";
    const auto odd = [](tenon::Call &) { throw tenon::ArgumentError("/n: too odd"); };
    CHECK_IN(text(refused + "/n: too odd"), called(odd, "{}", schema));
    CHECK_IN(text(refused + "/n: too odd"), called([](tenon::Call &call) { call.fail_arguments("/n: too odd"); }, "{}", schema));
    CHECK_IN("is not UTF-8", called([](tenon::Call &) { throw tenon::ArgumentError("\xff"); }, "{}", schema));
    const auto narrow = [](tenon::Call &call) { return static_cast<int>(call.arg<std::int8_t>("n")); };
    CHECK_IN(text("-128"), called(narrow, R"({"n":-128})", schema));
    CHECK_IN(
        text(refused + R"(argument \"n\" is not an integer of 8 bits)"), called(narrow, R"({"n":128})", schema));
    const auto natural = [](tenon::Call &call) { return static_cast<int>(call.arg<std::uint32_t>("n", 7)); };
    CHECK_IN(text("7"), called(natural, "{}", schema));
    CHECK_IN(
        text(refused + R"(argument \"n\" is not an unsigned integer of 32 bits)"), called(natural, R"({"n":-1})", schema));
}

TEST(what_a_handler_throws_is_an_error_of_the_tool) {
    const auto none = with("x", "string");
    const auto thrown = called([](tenon::Call &) { throw std::runtime_error("no paper"); }, "{}", none);
    CHECK_IN(text("no paper"), thrown);
    CHECK_IN(R"("isError":true)", thrown);
    CHECK_IN("is not a std::exception", called([](tenon::Call &) { throw 7; }, "{}", none));
    CHECK_IN("is not UTF-8", called([](tenon::Call &) { throw std::runtime_error("\xff"); }, "{}", none));
    // What was completed before stays.
    const auto late = [](tenon::Call &call) {
        call.return_text("first");
        throw std::runtime_error("second");
    };
    CHECK_IN(text("first"), called(late, "{}", none));
}

TEST(ways_to_end_a_call) {
    const auto none = with("x", "string");
    CHECK_IN(R"("isError":true)", called([](tenon::Call &call) { call.fail("no"); }, "{}", none));
    CHECK_IN(R"("code":-5)", called([](tenon::Call &call) { call.error(-5, "five", R"({"d":1})"); }, "{}", none));
    CHECK_IN(text("Not found: nothing there"), called([](tenon::Call &call) { call.not_found("nothing there"); }, "{}", none));
    CHECK_IN(text("false"), called([](tenon::Call &call) { call.return_bool(false); }, "{}", none));
    CHECK_IN(text("1.5"), called([](tenon::Call &call) { call.return_double(1.5); }, "{}", none));
    CHECK_IN(text("12"), called([](tenon::Call &call) { call.return_int64(12); }, "{}", none));
    const auto twice = [](tenon::Call &call) {
        CHECK(call.return_text("once"));
        CHECK(!call.return_text("twice"));
        CHECK(!call.return_json("1"));
        CHECK(!call.complete(tenon::Result()));
        CHECK(call.is_cancelled());
    };
    CHECK_IN(text("once"), called(twice, "{}", none));
    const auto wrong = [](tenon::Call &call) {
        CHECK_THROWS(TENON_ERR_JSON, "", call.return_json("{"));
        CHECK_THROWS(TENON_ERR_UTF8, "", call.return_text("\xff"));
        call.return_text("still open");
    };
    CHECK_IN(text("still open"), called(wrong, "{}", none));
}

TEST(results_of_several_parts) {
    const auto parts = [](tenon::Call &) {
        tenon::Result result;
        result.add_text("t").add_image("i", "image/png").set_last("annotations", R"({"priority":1})");
        result.add_audio("a", "audio/wav").add_resource("file:///r", "text", "text/plain").add_resource("file:///n", "text");
        result.add_resource_bytes("file:///b", "bytes").add_link("file:///l", "link").add(R"({"type":"text","text":"j"})");
        result.set_meta(R"({"m":1})").set("is_error", "true");
        return result;
    };
    const auto said = called(parts, "{}", with("x", "string"));
    for (const char *part : {R"({"type":"text","text":"t"})", R"("data":"aQ==")", R"("priority":1)", "audio/wav", "file:///r",
                             "Ynl0ZXM=", R"("name":"link")", R"({"type":"text","text":"j"})", R"({"m":1})"})
        CHECK_IN(part, said);
    CHECK_IN(R"("isError":true)", said);
    // What was wrong with a part is said where the result is handed in.
    const auto wrong = [](tenon::Call &call) {
        tenon::Result result;
        result.add_text("fine").add("{");
        CHECK_THROWS(TENON_ERR_JSON, "", call.complete(std::move(result)));
        CHECK(result.get() == nullptr);
        return "seen";
    };
    CHECK_IN(text("seen"), called(wrong, "{}", with("x", "string")));
}

TEST(structured_content_piece_by_piece) {
    const auto pieces = [](tenon::Call &) {
        tenon::Result result;
        result.begin_object().put("s", "text").put("i", 7).put("d", 0.5).put("b", true).put("n", nullptr);
        result.put("j", tenon::Json{"{}"}).begin_array("a").put(std::nullopt, std::string("x")).begin_array().end().end().end();
        return result;
    };
    CHECK_IN(R"({"s":"text","i":7,"d":0.5,"b":true,"n":null,"j":{},"a":["x",[]]})", called(pieces, "{}", with("x", "string")));
    const auto open = [](tenon::Call &call) {
        tenon::Result result;
        result.begin_object();
        CHECK_THROWS(TENON_ERR_STATE, "", call.complete(std::move(result)));
        return "seen";
    };
    CHECK_IN(text("seen"), called(open, "{}", with("x", "string")));
}

TEST(a_kept_call_is_completed_by_another_thread) {
    std::thread worker;
    const auto keep = [&](tenon::Call &call) {
        worker = std::thread([kept = call.keep()] {
            const tenon::KeptCall copy = kept;
            copy.progress(1, 2, "half");
            copy.return_text("later");
        });
    };
    CHECK_IN(text("later"), called(keep, "{}", with("x", "string")));
    worker.join();
    // Given up without an answer, it fails.
    const auto drop = [](tenon::Call &call) {
        auto kept = call.keep();
        auto moved = std::move(kept);
        CHECK(kept.tenon::Call::get() == nullptr);
        kept = moved;
    };
    CHECK_IN(R"("isError":true)", called(drop, "{}", with("x", "string")));
}

TEST(a_handler_hears_that_its_call_was_cancelled) {
    for (const bool throws : {false, true}) {
        tenon::Server server("tests", "1");
        std::promise<void> entered, ended;
        std::atomic<bool> heard = false;
        const auto wait = [&](tenon::Call &call) {
            // Shared: the function may still be in set_value() when this returns.
            auto cancelled = std::make_shared<std::promise<void>>();
            CHECK(call.on_cancel([&heard, throws, cancelled] {
                heard = true;
                cancelled->set_value();
                if (throws) throw std::runtime_error("goes no further");
            }));
            entered.set_value();
            cancelled->get_future().wait_for(std::chrono::seconds(60));
            ended.set_value();
        };
        server.add(std::move(tenon::tool("wait").handler(wait)));
        const Client client(server);
        std::thread caller([&] {
            server.exchange(
                R"({"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"wait"}})", std::chrono::seconds(60));
        });
        const bool began = entered.get_future().wait_for(std::chrono::seconds(60)) == std::future_status::ready;
        server.exchange(
            R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}})", std::chrono::seconds(60));
        caller.join();
        CHECK(began && ended.get_future().wait_for(std::chrono::seconds(60)) == std::future_status::ready);
        CHECK(heard);
    }
    const auto completes = [](tenon::Call &call) {
        CHECK_THROWS(TENON_ERR_NULL, "", call.on_cancel({}));
        auto kept = std::make_shared<int>(1);
        CHECK(call.on_cancel([kept] {}));
        CHECK(kept.use_count() == 2);
        call.return_text("completed");
        CHECK(kept.use_count() == 1);
        CHECK(!call.on_cancel([kept] {}));
        CHECK(kept.use_count() == 1);
    };
    CHECK_IN(text("completed"), called(completes, "{}", with("x", "string")));
}

TEST(what_a_call_knows) {
    const auto look = [](tenon::Call &call) {
        CHECK(call.kind() == TENON_KIND_TOOL);
        CHECK(call.name() == "it");
        CHECK(call.protocol_version() == "2025-11-25");
        CHECK_IN("tests", *call.client_info());
        CHECK_IN("sampling", call.client_capabilities());
        CHECK(call.request_id().has_value());
        CHECK(!call.uri() && !call.session_id() && !call.meta() && !call.extension("com.example/none"));
        CHECK(*call.get("kind") == "\"tool\"");
        CHECK_THROWS(TENON_ERR_INVALID, "nonsense", call.get("nonsense"));
        CHECK(!call.close_stream());
        CHECK(!call.start_task());
        call.progress(1);
        call.set_status("at work");
        call.log("info", "words", "logger");
        call.log_json("info", "{}");
        call.notify("notifications/acme", R"({"a":1})");
        CHECK_THROWS(TENON_ERR_INVALID, "loud", call.log("loud", "words"));
        return "known";
    };
    CHECK_IN(text("known"), called(look, "{}", with("x", "string")));
}
