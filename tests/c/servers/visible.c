/* The function of a program that decides which entries exist for a caller. */
#include "support.h"

#define META \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"," \
    "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"modern\",\"version\":\"2\"}," \
    "\"io.modelcontextprotocol/clientCapabilities\":{}}"

/* What the callback below has seen. */
struct decisions {
    atomic_int calls;
    char seen[512];
};

static void decide(void *user_data, tenon_call *call) {
    struct decisions *decisions = user_data;
    const char *json = NULL, *name = NULL;
    size_t len = 0;
    decisions->calls++;
    OK(tenon_call_arguments(call, &json, &len));
    CHECK(len < sizeof decisions->seen);
    snprintf(decisions->seen, sizeof decisions->seen, "%.*s", (int)len, json);
    OK(tenon_call_arg_string(call, "name", &name, &len));
    if (strcmp(name, "wrong") == 0) OK(tenon_call_return_int64(call, 7));
    else OK(tenon_call_return_bool(call, strcmp(name, "secret") != 0));
}

static void answer_text(void *user_data, tenon_call *call) {
    OK(tenon_call_return_text(call, user_data, TENON_NUL));
}

static void add(tenon_server *server, const char *name, char *text) {
    add_tool(server, name, "{\"type\":\"object\"}", TENON_MODE_WORKER, answer_text, text, NULL);
}

/* Sends a request on a new connection; the answer up to `until`. */
static const char *sending(const char *url, const char *method, const char *tool, const char *until) {
    char body[512], headers[512], name[64] = "", header[64] = "";
    const int fd = http_connect(url);
    if (tool != NULL) {
        snprintf(name, sizeof name, "\"name\":\"%s\",\"arguments\":{},", tool);
        snprintf(header, sizeof header, "Mcp-Name: %s\r\n", tool);
    }
    snprintf(
        body, sizeof body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s" META "}}", method, name);
    snprintf(headers, sizeof headers, "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: %s\r\n%s", method, header);
    http_send(fd, headers, body);
    return http_read(fd, until);
}

static void the_program_hides_entries(void) {
    const tenon_mode modes[] = {TENON_MODE_WORKER, TENON_MODE_POLL};
    for (size_t i = 0; i < 2; i++) {
        struct decisions decisions = {0};
        pthread_t thread;
        tenon_server *server = new_server();
        add(server, "open", "opened");
        add(server, "secret", "hunter2");
        OK(tenon_server_set_visible(server, modes[i], decide, &decisions, NULL, NULL));
        const char *url = http_listening(server);
        CHECK(pthread_create(&thread, NULL, poll_until_the_end, server) == 0);
        const char *list = sending(url, "tools/list", NULL, "\"cacheScope\":\"private\"");
        CHECK_IN("\"name\":\"open\"", list);
        CHECK(strstr(list, "secret") == NULL);
        CHECK(decisions.calls == 2);
        sending(url, "tools/call", "open", "opened");
        sending(url, "tools/call", "secret", "Unknown tool: secret");
        /* The decisions are kept. */
        CHECK(decisions.calls == 2);
        CHECK_IN("{\"principal\":null,\"kind\":\"tool\",\"name\":", decisions.seen);
        OK(tenon_server_close(server));
        pthread_join(thread, NULL);
        OK(tenon_server_free(server));
    }
}

static void what_is_no_decision_refuses_the_request(void) {
    struct decisions decisions = {0};
    tenon_server *server = new_server();
    add(server, "wrong", "called");
    OK(tenon_server_set_visible(server, TENON_MODE_WORKER, decide, &decisions, NULL, NULL));
    const char *url = http_listening(server);
    sending(url, "tools/list", NULL, "cannot decide what the caller may see");
    sending(url, "tools/call", "wrong", "cannot decide what the caller may see");
    OK(tenon_server_free(server));
}

static void it_is_set_once_and_before_the_start(void) {
    struct owned first, second;
    owned_init(&first);
    owned_init(&second);
    tenon_server *server = new_server();
    OK(tenon_server_set_visible(server, TENON_MODE_WORKER, decide, &first, owned_destroy, NULL));
    CHECK_ERROR(
        TENON_ERR_STATE, "already",
        tenon_server_set_visible(server, TENON_MODE_WORKER, decide, &second, owned_destroy, &err));
    CHECK(first.destroyed == 0 && second.destroyed == 1);
    OK(tenon_server_free(server));
    CHECK(first.destroyed == 1);
    server = new_server();
    CHECK_ERROR(
        TENON_ERR_INVALID, "the function visible runs in",
        tenon_server_set_visible(server, TENON_MODE_INLINE, decide, &second, owned_destroy, &err));
    CHECK(second.destroyed == 2);
    OK(tenon_server_free(server));
    server = new_server();
    http_listening(server);
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_set_visible(server, TENON_MODE_WORKER, decide, &second, owned_destroy, NULL));
    CHECK(second.destroyed == 3);
    OK(tenon_server_free(server));
}

static const struct test tests[] = {
    {"the program hides entries", the_program_hides_entries},
    {"what is no decision refuses the request", what_is_no_decision_refuses_the_request},
    {"it is set once, and before the start", it_is_set_once_and_before_the_start},
};
RUN_TESTS(tests)
