/* Messages to a server from its own process: without a transport, in both eras, in every mode. */
#include "support.h"

#define MODERN \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"," \
    "\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{}}}"

/* Keeps what it hears, a line each. */
struct heard {
    char text[8192];
    int count;
};

static void hear(void *user_data, const char *message, size_t len) {
    struct heard *heard = user_data;
    size_t used = strlen(heard->text);
    CHECK(used + len + 2 < sizeof heard->text);
    memcpy(heard->text + used, message, len);
    memcpy(heard->text + used + len, "\n", 2);
    heard->count++;
}

static const char *exchange(tenon_server *server, struct heard *heard, const char *message) {
    tenon_error *error = NULL;
    tenon_status status;
    memset(heard, 0, sizeof *heard);
    status = tenon_server_exchange(server, message, TENON_NUL, 10000, hear, heard, &error);
    if (status != TENON_OK) check_failed(__FILE__, __LINE__, message, tenon_error_message(error));
    return heard->text;
}

static void whole(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_progress(call, 1, 2, NULL));
    OK(tenon_call_return_text(call, "done", TENON_NUL));
}

static void in_every_mode(void) {
    static const tenon_mode modes[] = {TENON_MODE_WORKER, TENON_MODE_POLL, TENON_MODE_INLINE};
    size_t i;
    for (i = 0; i < 3; i++) {
        struct heard heard;
        tenon_server *server = new_server();
        add_tool(server, "whole", NULL, modes[i], whole, NULL, NULL);
        CHECK_IN("\"whole\"", exchange(server, &heard,
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{" MODERN "}}"));
        exchange(server, &heard,
            "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"whole\",\"_meta\":{"
            "\"progressToken\":7,\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
            "\"io.modelcontextprotocol/clientCapabilities\":{}}}}");
        CHECK(heard.count == 2);
        CHECK_IN("notifications/progress", heard.text);
        CHECK_IN("\"text\":\"done\"", heard.text);
        CHECK(strstr(heard.text, "progress") < strstr(heard.text, "done"));
        OK(tenon_server_free(server));
    }
}

static void asks(void *user_data, tenon_call *call) {
    tenon_answer *answer = NULL;
    tenon_status status;
    (void)user_data;
    status = tenon_call_elicit(call, "who", "Who?", "{\"type\":\"object\",\"properties\":{}}", &answer, NULL);
    if (status == TENON_SUSPENDED) return;
    OK(status);
    tenon_answer_free(answer);
    OK(tenon_call_return_text(call, "asked", TENON_NUL));
}

static void a_legacy_session_is_asked(void) {
    static const tenon_mode modes[] = {TENON_MODE_WORKER, TENON_MODE_POLL, TENON_MODE_INLINE};
    size_t i;
    for (i = 0; i < 3; i++) {
        struct heard heard;
        tenon_server *server = new_server();
        add_tool(server, "asks", NULL, modes[i], asks, NULL, NULL);
        CHECK_IN("\"2025-11-25\"", exchange(server, &heard,
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"" LEGACY "\","
            "\"capabilities\":" ELICITATION ",\"clientInfo\":{\"name\":\"c\",\"version\":\"1\"}}}"));
        exchange(server, &heard, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
        CHECK(heard.count == 0);
        exchange(server, &heard,
            "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"asks\"}}");
        CHECK(heard.count == 1);
        CHECK_IN("elicitation/create", heard.text);
        exchange(server, &heard, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"action\":\"accept\",\"content\":{}}}");
        CHECK(heard.count == 1);
        CHECK_IN("\"text\":\"asked\"", heard.text);
        OK(tenon_server_free(server));
    }
}

static void never(void *user_data, tenon_call *call) {
    OK(tenon_call_retain(call));
    *(tenon_call **)user_data = call;
}

static void ends_and_misuse(void) {
    struct heard heard;
    tenon_call *call = NULL;
    tenon_error *error = NULL;
    tenon_server *server = new_server();
    memset(&heard, 0, sizeof heard);
    add_tool(server, "never", NULL, TENON_MODE_POLL, never, &call, NULL);
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_exchange(NULL, "{}", TENON_NUL, 0, hear, &heard, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_exchange(server, "{}", TENON_NUL, 0, NULL, &heard, NULL));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_server_exchange(server, "\xff", 1, 0, hear, &heard, NULL));
    CHECK(heard.count == 0);
    CHECK_IN("-32700", exchange(server, &heard, "{"));
    exchange(server, &heard, "");
    CHECK(heard.count == 0);
    CHECK_STATUS(TENON_ERR_IO, tenon_server_exchange(server,
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"never\"," MODERN "}}", TENON_NUL, 1,
        hear, &heard, &error));
    CHECK_IN("in time", tenon_error_message(error));
    tenon_error_free(error);
    /* Its callback runs in the next exchange, if the time was too short for it. */
    while (call == NULL) tenon_server_exchange(server, "", 0, 10, hear, &heard, NULL);
    OK(tenon_call_return_text(call, "late", TENON_NUL));
    tenon_call_release(call);
    CHECK_IN("late", exchange(server, &heard, ""));
    OK(tenon_server_close(server));
    while (tenon_server_poll(server, 0, -1, NULL) != TENON_ENDED) {}
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_exchange(server, "", 0, 0, hear, &heard, NULL));
    OK(tenon_server_free(server));
}

static const struct test tests[] = {
    {"in every mode", in_every_mode},
    {"a legacy session is asked", a_legacy_session_is_asked},
    {"ends and misuse", ends_and_misuse},
};
RUN_TESTS(tests)
