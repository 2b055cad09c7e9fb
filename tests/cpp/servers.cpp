// Servers: registration and its errors, life times, kinds of entries, ways to run, requests of another HTTP server.
#include "support.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <stdexcept>
#include <thread>

namespace {

const auto limit = std::chrono::seconds(20);

tenon::Entry answering(std::string_view name, int number) {
    auto tool = tenon::tool(name);
    tool.description("Answers.").handler([number](tenon::Call &) { return number; });
    return tool;
}

}  // namespace

TEST(what_is_wrong_with_an_entry_is_thrown_when_it_is_added) {
    std::atomic<int> alive{0};
    {
        tenon::Server app("t", "1");
        const auto tool = [&](std::string_view name) {
            auto made = tenon::tool(name);
            made.handler([life = Life(alive)](tenon::Call &) {});
            return made;
        };
        app.add(tool("twice"));
        CHECK_THROWS(TENON_ERR_DUPLICATE, "twice", app.add(tool("twice")));
        CHECK_THROWS(TENON_ERR_INVALID, "not a name", app.add(tool("not a name")));
        auto unreadable = tool("schema");
        unreadable.input_schema("{").description("more");
        CHECK_THROWS(TENON_ERR_JSON, "", app.add(std::move(unreadable)));
        CHECK(unreadable.get() == nullptr);
        CHECK_THROWS(TENON_ERR_NULL, "", app.add(std::move(unreadable)));
        CHECK_THROWS(TENON_ERR_INVALID, "NUL", tenon::tool(std::string_view("a\0b", 3)));
        CHECK_THROWS(TENON_ERR_UTF8, "", tenon::tool("\xff"));
        CHECK_THROWS(TENON_ERR_INVALID, "", app.on("nonsense", [life = Life(alive)](tenon::Call &) {}));
        CHECK_THROWS(TENON_ERR_INVALID, "", app.replace(tool("no method")));
        { const auto dropped = tool("dropped"); }
        CHECK(alive == 1);
        auto again = tool("handler twice");
        again.handler([life = Life(alive)](tenon::Call &) {});
        CHECK(alive == 2);
    }
    CHECK(alive == 0);
}

TEST(settings) {
    tenon::Server app("t", "1");
    app.set_instructions("Use it well.").set("title", "\"T\"").add_extension("com.example/x").set_limit(TENON_LIMIT_CALLS, 9);
    app.add_state_key({1, 2, 3}).set_worker_threads(2).set_signals(false).set_unix_mode(0600);
    app.allow_host("example.com").allow_origin("https://example.com").allow_header("x-custom-auth");
    CHECK_THROWS(TENON_ERR_INVALID, "tenon_server_set", app.set("nonsense", "1"));
    CHECK_THROWS(TENON_ERR_INVALID, "", app.set_worker_threads(0));
    CHECK_THROWS(TENON_ERR_STATE, "", app.close());
    tenon::Server moved = std::move(app);
    CHECK_THROWS(TENON_ERR_NULL, "", app.close());
    std::atomic<int> threads{0};
    {
        tenon::Server fine("t", "1");
        fine.set_instructions("Use it well.").set_thread_start([&](std::string_view name) {
            if (name.rfind("tenon-", 0) == 0) threads++;
            throw std::runtime_error("dropped");
        });
        Client client(fine);
        CHECK(!fine.is_closed());
        fine.close();
    }
    CHECK(threads > 0);
    CHECK(tenon::version() == TENON_VERSION && tenon::abi_version() == TENON_ABI_VERSION);
}

TEST(entries_of_every_kind) {
    tenon::Server app("t", "1");
    auto resource = tenon::resource("file:///a");
    resource.set("mime_type", "\"image/png\"").handler([](tenon::Call &) { return tenon::Bytes{std::string("\0\1", 2)}; });
    auto pages = tenon::resource_template("page:///{n}");
    pages.handler([](tenon::Call &call) { return std::string(*call.uri()) + "=" + call.arg<std::string>("n"); });
    auto rows = tenon::resource_provider("row:///{n}");
    rows.handler([](tenon::Call &call) { call.not_found(); });
    rows.list_handler([](tenon::Call &) {
        tenon::Result result;
        result.add_link("row:///1", "one");
        return result;
    });
    auto prompt = tenon::prompt("greet");
    prompt.argument("name", "Who.").handler([](tenon::Call &call) {
        tenon::Result result;
        result.add_message("assistant", "Hello " + call.arg<std::string>("name"));
        return result;
    });
    auto names = tenon::completion(TENON_KIND_PROMPT, "greet", "name");
    names.handler([](tenon::Call &call) {
        tenon::Result result;
        result.add_value(call.arg<std::string>("value") + "nn");
        return result;
    });
    auto method = tenon::method("acme/status");
    method.handler([](tenon::Call &) { return tenon::Json{R"({"fine":true})"}; });
    std::atomic<int> moved{0};
    auto notification = tenon::notification("notifications/acme/moved");
    notification.mode(TENON_MODE_INLINE).handler([&](tenon::Call &) { moved++; });
    auto tool = answering("shown", 4);
    tool.ui("ui://page").structured().output_schema(R"({"type":"object"})").task_support("forbidden");
    tool.timeout(std::chrono::seconds(5)).set("tags", R"(["late"])");
    tool.handler([](tenon::Call &) {
        tenon::Result result;
        result.set_structured(R"({"n":4})");
        return result;
    });
    for (auto *entry : {&resource, &pages, &rows, &prompt, &names, &method, &notification, &tool}) app.add(std::move(*entry));
    app.add(tenon::ui("ui://page", "<!doctype html><title>p</title>"));
    CHECK_THROWS(TENON_ERR_INVALID, "nowhere", app.add(tenon::ui_from_folder("ui://other", "/nowhere")));
    CHECK_THROWS(TENON_ERR_INVALID, "nowhere", app.add_skills("/nowhere"));

    Client client(app);
    CHECK_IN("AAE=", client.request("resources/read", R"("uri":"file:///a")"));
    CHECK_IN("page:///7=7", client.request("resources/read", R"("uri":"page:///7")"));
    CHECK_IN("row:///1", client.request("resources/list", ""));
    CHECK_IN("error", client.request("resources/read", R"("uri":"row:///2")"));
    CHECK_IN("Hello Ann", client.request("prompts/get", R"("name":"greet","arguments":{"name":"Ann"})"));
    CHECK_IN(R"("values":["Ann"])",
             client.request("completion/complete", R"("ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"name","value":"A"})"));
    CHECK_IN(R"("fine":true)", client.request("acme/status", ""));
    CHECK_IN(R"("structuredContent":{"n":4})", client.call("shown"));
    app.exchange(R"({"jsonrpc":"2.0","method":"notifications/acme/moved"})", limit);
    client.request("ping", "");
    CHECK(moved == 1);

    int seen = 0;
    app.entries(TENON_KIND_TOOL, [&](std::string_view definition, bool enabled) {
        CHECK_IN("shown", definition);
        CHECK(enabled);
        seen++;
    });
    CHECK(seen == 1);
    CHECK_THROWS(TENON_ERR_TYPE, "mine", app.entries(TENON_KIND_TOOL, [](std::string_view, bool) {
        throw tenon::Error(TENON_ERR_TYPE, "mine");
    }));
    app.disable(TENON_KIND_TOOL, "shown");
    CHECK_IN("error", client.call("shown"));
    app.enable(TENON_KIND_TOOL, "shown");
    CHECK(app.disable_tag("late") && !app.disable_tag("none"));
    CHECK_IN("error", client.call("shown"));
    CHECK(app.enable_tag("late"));
    app.list_changed(TENON_KIND_RESOURCE);
    app.resource_updated("file:///a");
    app.notify("notifications/acme/said", R"({"a":1})");
    app.remove(TENON_KIND_TOOL, "shown");
    CHECK_IN("error", client.call("shown"));
    CHECK_THROWS(TENON_ERR_NOT_FOUND, "", app.remove(TENON_KIND_TOOL, "shown"));
}

TEST(a_hook_a_replaced_method_and_a_mounted_server) {
    std::atomic<int> sessions{0};
    tenon::Server app("t", "1"), part("p", "1");
    part.add(answering("inner", 5));
    app.mount(part, "part");
    CHECK_THROWS(TENON_ERR_INVALID, "", app.mount(part, "not a prefix"));
    app.on("session_start", [&](tenon::Call &) { sessions++; }, TENON_MODE_INLINE);
    auto list = tenon::method("prompts/list");
    list.handler([](tenon::Call &) { return tenon::Json{R"({"prompts":[{"name":"mine"}]})"}; });
    app.replace(std::move(list));
    Client client(app);
    CHECK_IN(R"("text":"5")", client.call("part_inner"));
    CHECK_IN("mine", client.request("prompts/list", ""));
    CHECK(sessions == 1);
}

TEST(mounts_without_a_prefix_and_unmounts) {
    tenon::Server app("t", "1"), part("p", "1"), other("o", "1");
    part.add(answering("inner", 5));
    other.add(answering("inner", 6));
    app.mount(part).mount(part, "part");
    CHECK_THROWS(TENON_ERR_DUPLICATE, "tool \"inner\"", app.mount(other));
    CHECK_THROWS(TENON_ERR_NOT_FOUND, "not mounted here without a prefix", app.unmount(other));
    Client client(app);
    CHECK_IN(R"("text":"5")", client.call("inner"));
    CHECK_IN(R"("text":"5")", client.call("part_inner"));
    app.unmount(part);
    CHECK_IN("Unknown tool", client.call("inner"));
    CHECK_IN(R"("text":"5")", client.call("part_inner"));
    CHECK_THROWS(TENON_ERR_NOT_FOUND, "not mounted here without a prefix", app.unmount(part));
    app.mount(other).unmount(part, "part");
    CHECK_IN(R"("text":"6")", client.call("inner"));
    CHECK_IN("Unknown tool", client.call("part_inner"));
}

TEST(a_loop_of_the_program_runs_the_handlers) {
    const auto here = std::this_thread::get_id();
    tenon::Server app("t", "1");
    CHECK_THROWS(TENON_ERR_STATE, "", app.poll());
    CHECK_THROWS(TENON_ERR_STATE, "", app.wake_fd());
    auto tool = tenon::tool("where");
    tool.mode(TENON_MODE_POLL).handler([here](tenon::Call &) { return std::this_thread::get_id() == here; });
    app.add(std::move(tool));
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    app.listen_descriptors(ends[0], ends[0]);
    app.start();
    CHECK(app.wake_fd() >= 0);
    const auto message = modern("where", "{}") + "\n";
    CHECK(write(ends[1], message.data(), message.size()) == static_cast<ssize_t>(message.size()));
    while (app.poll(limit).handled == 0) {}
    char answer[4096];
    const auto got = read(ends[1], answer, sizeof answer);
    CHECK(got > 0);
    CHECK_IN(R"("text":"true")", std::string(answer, static_cast<std::size_t>(got)));
    close(ends[1]);
    while (!app.poll(limit).ended) {}
    CHECK(app.is_closed());
}

TEST(run_serves_until_the_end) {
    tenon::Server app("t", "1");
    app.set_signals(false);
    app.add(answering("seven", 7));
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    app.listen_descriptors(ends[0], ends[0]);
    const auto message = modern("seven", "{}") + "\n";
    CHECK(write(ends[1], message.data(), message.size()) == static_cast<ssize_t>(message.size()));
    CHECK(shutdown(ends[1], SHUT_WR) == 0);
    CHECK(app.run() == 0);
    CHECK(app.exit_code() == 0);
    char answer[4096];
    const auto got = read(ends[1], answer, sizeof answer);
    CHECK_IN(R"("text":"7")", std::string(answer, got > 0 ? static_cast<std::size_t>(got) : 0));
    close(ends[1]);
}

TEST(addresses) {
    tenon::Server app("t", "1");
    CHECK_THROWS(TENON_ERR_INVALID, "nonsense", app.listen_http("nonsense"));
    CHECK_THROWS(TENON_ERR_INVALID, "", app.listen_unix(""));
    CHECK_THROWS(TENON_ERR_INVALID, "", app.listen_socket(0));
    CHECK_THROWS(TENON_ERR_INVALID, "", app.listen_http_socket(0, "/mcp"));
    CHECK_THROWS(TENON_ERR_INVALID, "", app.listen_descriptors(0, 1));
    CHECK_THROWS(TENON_ERR_INVALID, "the nearest name is \"port\"", app.listen("http", R"({"prt":0})"));
    app.listen("http", R"({"port":0})").listen_websocket("/ws").listen_sse("127.0.0.1:0");
    CHECK_THROWS(TENON_ERR_STATE, "", app.http_url());
    app.start();
    CHECK_IN("http://127.0.0.1:", app.http_url());
    CHECK_IN("/ws", app.websocket_url());
    CHECK_IN("/sse", app.sse_url());
    CHECK_THROWS(TENON_ERR_STATE, "", app.listen_stdio());
}

TEST(pages) {
    tenon::Server app("t", "1");
    CHECK_THROWS(TENON_ERR_INVALID, "must begin with /", app.add_page("a", "text/html", ""));
    app.add_page("/", "text/html; charset=utf-8", "<p>old").add_page("/", "text/plain", std::string_view("n\0w", 3));
    app.listen_http("127.0.0.1:0").start();
    const std::string url = app.http_url();
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
    const std::string head = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    CHECK(write(fd, head.data(), head.size()) == static_cast<ssize_t>(head.size()));
    std::string answer;
    char part[4096];
    for (ssize_t got; (got = read(fd, part, sizeof part)) > 0;) answer.append(part, static_cast<std::size_t>(got));
    close(fd);
    CHECK_IN("HTTP/1.1 200 OK", answer);
    CHECK_IN("content-type: text/plain\r\n", answer);
    CHECK_IN(std::string_view("\r\n\r\nn\0w", 7), answer);
    app.remove_page("/");
    CHECK_THROWS(TENON_ERR_NOT_FOUND, "", app.remove_page("/"));
}

TEST(the_log_hears_of_calls_that_nobody_completed) {
    std::atomic<int> heard{0};
    {
        tenon::Server app("t", "1");
        app.set_log([&](tenon_log_level level, std::string_view target, std::string_view message) {
            if (level >= TENON_LOG_ERROR && !target.empty() && !message.empty()) heard++;
            throw std::runtime_error("dropped");
        });
        auto tool = tenon::tool("silent");
        tool.handler([](tenon::Call &) {});
        app.add(std::move(tool));
        CHECK_IN(R"("isError":true)", Client(app).call("silent"));
    }
    CHECK(heard > 0);
}

TEST(a_handler_logs_in_its_client) {
    tenon::Server app("t", "1");
    auto tool = tenon::tool("login");
    tool.handler([](tenon::Call &call) {
        CHECK(!call.principal());
        call.login(R"({"subject":"ann","roles":["owner"]})");
        return "in";
    });
    app.add(std::move(tool));
    CHECK_IN(R"("text":"in")", Client(app).call("login"));
}

TEST(requests_of_another_http_server) {
    tenon::Server app("t", "1");
    auto tool = tenon::tool("who");
    tool.handler([](tenon::Call &call) {
        CHECK(call.http_user_data<int>() == nullptr && *call.http_user_data<std::string>() == "put with it");
        // The handler fails if one of these does.
        CHECK_THROWS(TENON_ERR_STATE, "over HTTP each request needs its own credentials", call.login("\"bob\""));
        CHECK_THROWS(TENON_ERR_INVALID, "no member subject", call.login("{}"));
        return tenon::Json{std::string(*call.principal())};
    });
    app.add(std::move(tool));
    app.listen_embedded();
    std::atomic<int> alive{0};
    const auto message = modern("who", "{}");
    CHECK_THROWS(TENON_ERR_INVALID, "", tenon::Http("NO SUCH"));
    {
        tenon::Http early("POST");
        CHECK_THROWS(TENON_ERR_STATE, "", app.handle_http(early, [life = Life(alive)] {}));
        CHECK(alive == 0);
    }
    app.start();
    std::string body;
    {
        tenon::Http http("POST");
        http.add_header("content-type", "application/json").add_header("accept", "application/json, text/event-stream");
        http.add_header("host", "localhost").add_header("mcp-protocol-version", "2026-07-28");
        http.add_header("mcp-method", "tools/call").add_header("mcp-name", "who").set_version(1);
        CHECK_THROWS(TENON_ERR_INVALID, "unknown member", http.set_principal_json(R"({"subject":"a","role":[]})"));
        http.set_principal("bob").set_principal_json(R"({"subject":"ann","roles":["owner"]})");
        http.set_user_data(std::string("put with it"));
        CHECK_THROWS(TENON_ERR_STATE, "", http.status());
        app.handle_http(http, [life = Life(alive)] { throw std::runtime_error("dropped"); });
        http.write(message);
        http.end();
        for (;;) {
            const auto step = http.next(limit);
            CHECK(step != TENON_HTTP_WAIT);
            if (step == TENON_HTTP_DATA) body += http.data();
            if (step == TENON_HTTP_END) break;
        }
        if (http.status() != 200) failed(__FILE__, __LINE__, body);
        bool typed = false;
        for (const auto &[name, value] : http.headers()) typed = typed || (name == "content-type" && !value.empty());
        CHECK(typed);
    }
    CHECK_IN(R"(\"subject\":\"ann\",\"scopes\":[],\"roles\":[\"owner\"])", body);
    // The function may be running yet, on a thread of the library.
    const auto end = std::chrono::steady_clock::now() + limit;
    while (alive != 0 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    CHECK(alive == 0);
    tenon::Http plain("GET");
    app.handle_http(plain);
    plain.end();
    CHECK(plain.next(limit) == TENON_HTTP_HEAD && plain.status() >= 400);
}
