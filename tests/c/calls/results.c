/* What callbacks read, and what the client gets. */
#include <math.h>
#include <unistd.h>

#include "support.h"

static tenon_server *server;
static struct peer peer;

static void begin(const char *schema, tenon_handler_fn handler) {
    server = new_server();
    add_tool(server, "tool", schema, TENON_MODE_WORKER, handler, NULL, NULL);
    serve(&peer, server);
    initialize(&peer, "{}");
}

static void end(void) {
    OK(tenon_server_free(server));
    close_peer(&peer);
}

/* Returns the value that "what" names. */
static void value(void *user_data, tenon_call *call) {
    const char *what;
    (void)user_data;
    if (tenon_call_arg_string(call, "what", &what, NULL) != TENON_OK) return;
    if (strcmp(what, "min") == 0) OK(tenon_call_return_int64(call, INT64_MIN));
    if (strcmp(what, "max") == 0) OK(tenon_call_return_int64(call, INT64_MAX));
    if (strcmp(what, "whole") == 0) OK(tenon_call_return_double(call, -3.0));
    if (strcmp(what, "half") == 0) OK(tenon_call_return_double(call, 0.5));
    if (strcmp(what, "large") == 0) OK(tenon_call_return_double(call, 1e300));
    if (strcmp(what, "true") == 0) OK(tenon_call_return_bool(call, true));
    if (strcmp(what, "text") == 0) OK(tenon_call_return_text(call, "t\xc3\xa4xt and more", 5));
    if (strcmp(what, "empty") == 0) OK(tenon_call_return_text(call, NULL, 0));
    if (strcmp(what, "json") == 0) OK(tenon_call_return_json(call, "[1,\n 2]", TENON_NUL, NULL));
    if (strcmp(what, "string") == 0) OK(tenon_call_return_json(call, "\"just text\"", TENON_NUL, NULL));
    if (strcmp(what, "fail") == 0) OK(tenon_call_fail(call, "it failed"));
    /* After a failure that says so, the call can be completed in another way. */
    if (strcmp(what, "second try") == 0) {
        CHECK_STATUS(TENON_ERR_JSON, tenon_call_return_json(call, "[1", TENON_NUL, NULL));
        OK(tenon_call_return_text(call, "second try", TENON_NUL));
    }
    if (strcmp(what, "bad json") == 0) CHECK_STATUS(TENON_ERR_JSON, tenon_call_return_json(call, "[1", TENON_NUL, NULL));
    if (strcmp(what, "nan") == 0) CHECK_STATUS(TENON_ERR_TYPE, tenon_call_return_double(call, NAN));
}

static void values(void) {
    static const char *const expected[][2] = {
        {"min", "-9223372036854775808"}, {"max", "9223372036854775807"}, {"whole", "-3"}, {"half", "0.5"},
        {"large", "1e+300"},              {"true", "true"},               {"text", "t\xc3\xa4xt"}, {"empty", ""},
        {"json", "[1,2]"},               {"string", "just text"},        {"second try", "second try"},
    };
    static const char *const failing[][2] = {
        {"fail", "it failed"},
        {"bad json", "the result is not JSON"},
        {"nan", "returned a number: NaN"},
        {"nothing at all", "returned without completing the call"},
    };
    size_t i;
    begin("{\"type\":\"object\",\"properties\":{\"what\":{\"type\":\"string\"}}}", value);
    for (i = 0; i < sizeof expected / sizeof *expected; i++) {
        char arguments[64];
        snprintf(arguments, sizeof arguments, "{\"what\":\"%s\"}", expected[i][0]);
        call_tool(&peer, (int)i + 1, "tool", arguments);
        CHECK(has_text(next_line(&peer), expected[i][1]));
    }
    for (i = 0; i < sizeof failing / sizeof *failing; i++) {
        const char *line;
        char arguments[64];
        snprintf(arguments, sizeof arguments, "{\"what\":\"%s\"}", failing[i][0]);
        call_tool(&peer, (int)i + 100, "tool", arguments);
        line = next_line(&peer);
        CHECK_IN("\"isError\":true", line);
        CHECK_IN(failing[i][1], line);
    }
    call_tool(&peer, 200, "tool", "{}");
    CHECK_IN("argument \\\"what\\\" is missing", next_line(&peer));
    call_tool(&peer, 201, "tool", "{\"what\":1}");
    CHECK_IN("Invalid arguments for tool", next_line(&peer));
    end();
}

static int same(const char *text, size_t len, const char *expected) {
    return len == strlen(expected) && memcmp(text, expected, len) == 0;
}

static void read_all(void *user_data, tenon_call *call) {
    const char *text, *again;
    size_t len;
    int64_t number;
    double real;
    bool truth;
    (void)user_data;
    OK(tenon_call_arguments(call, &text, &len));
    CHECK(text[0] == '{' && text[len - 1] == '}');
    OK(tenon_call_arg_int64(call, "i", &number));
    CHECK(number == INT64_MIN);
    OK(tenon_call_arg_int64(call, "f", &number));
    CHECK(number == 3);
    OK(tenon_call_arg_double(call, "f", &real));
    CHECK(real == 3.0);
    OK(tenon_call_arg_double(call, "i", &real));
    CHECK(real == -9223372036854775808.0);
    OK(tenon_call_arg_bool(call, "t", &truth));
    CHECK(truth);
    OK(tenon_call_arg_bool(call, "u", &truth));
    CHECK(!truth);
    OK(tenon_call_arg_string(call, "s", &text, &len));
    CHECK(len == 5 && memcmp(text, "a\0\xc3\xa9\n", 6) == 0);
    OK(tenon_call_arg_string(call, "s", &again, NULL));
    CHECK(text == again);
    OK(tenon_call_arg_json(call, "o", &text, &len));
    CHECK(same(text, len, "{\"x\":[1, 2]}"));
    OK(tenon_call_arg_json(call, "n", &text, &len));
    CHECK(same(text, len, "null"));
    OK(tenon_call_name(call, &text, &len));
    CHECK(same(text, len, "tool"));
    OK(tenon_call_request_id(call, &text, &len));
    CHECK(same(text, len, "5"));
    OK(tenon_call_protocol_version(call, &text, &len));
    CHECK(same(text, len, LEGACY));
    OK(tenon_call_client_info(call, &text, &len));
    CHECK(same(text, len, "{\"name\":\"tester\",\"version\":\"1\"}"));
    OK(tenon_call_client_capabilities(call, &text, &len));
    CHECK(same(text, len, "{}"));
    OK(tenon_call_meta(call, &text, &len));
    CHECK(same(text, len, "{\"progressToken\":5}"));
    OK(tenon_call_return_text(call, "read", TENON_NUL));
}

static void arguments_and_context(void) {
    begin("{\"type\":\"object\"}", read_all);
    call_tool(&peer, 5, "tool",
              "{\"i\":-9223372036854775808,\"f\":3.0,\"t\":true,\"u\":false,\"s\":\"a\\u0000\\u00e9\\n\","
              "\"o\":{\"x\":[1, 2]},\"n\":null}");
    CHECK(has_text(next_line(&peer), "read"));
    end();
}

static void count(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_progress(call, 1, 2, "half way"));
    OK(tenon_call_progress(call, 1, 2, "dropped: no more than before"));
    OK(tenon_call_progress(call, 2, -1, NULL));
    OK(tenon_call_return_text(call, "counted", TENON_NUL));
}

static void progress(void) {
    const char *line;
    begin(NULL, count);
    call_tool(&peer, 9, "tool", "{}");
    line = next_line(&peer);
    CHECK_IN("\"progressToken\":9", line);
    CHECK_IN("\"total\":2", line);
    CHECK_IN("half way", line);
    line = next_line(&peer);
    CHECK_IN("\"progress\":2", line);
    CHECK(strstr(line, "total") == NULL && strstr(line, "message\"") == NULL);
    CHECK(has_text(next_line(&peer), "counted"));
    end();
}

static void object(void *user_data, tenon_call *call) {
    bool good = false;
    (void)user_data;
    OK(tenon_call_arg_bool(call, "good", &good));
    OK(tenon_call_return_json(call, good ? "{\"n\":1}" : "{\"n\":\"one\"}", TENON_NUL, NULL));
}

static void structured(void) {
    tenon_entry *tool = NULL;
    const char *line;
    server = new_server();
    OK(tenon_tool_new("tool", &tool, NULL));
    OK(tenon_tool_set_input_schema(tool, "{\"type\":\"object\"}"));
    OK(tenon_tool_set_output_schema(tool, "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}"));
    OK(tenon_entry_set_handler(tool, object, NULL, NULL));
    OK(tenon_server_add(server, tool, NULL));
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "tool", "{\"good\":true}");
    CHECK_IN("\"structuredContent\":{\"n\":1}", next_line(&peer));
    call_tool(&peer, 2, "tool", "{\"good\":false}");
    line = next_line(&peer);
    CHECK_IN("\"isError\":true", line);
    CHECK_IN("does not fit its output schema", line);
    end();
}

static char large[6 << 20];

static void return_large(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_json(call, large, TENON_NUL, NULL));
}

/* Results may be larger than messages; the limit has its own failure. */
static void sizes(void) {
    const char *line;
    memset(large, 'x', sizeof large - 1);
    large[0] = large[sizeof large - 2] = '"';
    begin(NULL, return_large);
    call_tool(&peer, 1, "tool", "{}");
    line = next_line(&peer);
    CHECK(strlen(line) > sizeof large);
    CHECK(strstr(line, "isError") == NULL);
    end();
    server = new_server();
    OK(tenon_server_set_limit(server, TENON_LIMIT_RESULT_BYTES, 1000));
    add_tool(server, "tool", NULL, TENON_MODE_WORKER, return_large, NULL, NULL);
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "tool", "{}");
    line = next_line(&peer);
    CHECK_IN("\"isError\":true", line);
    CHECK_IN("the limit is 1000", line);
    end();
}

/* Returns arrays nested as deeply as it is told. */
static void return_deep(void *user_data, tenon_call *call) {
    char text[2 * 200 + 1];
    int64_t depth;
    int i;
    (void)user_data;
    OK(tenon_call_arg_int64(call, "depth", &depth));
    for (i = 0; i < depth; i++) {
        text[i] = '[';
        text[2 * depth - 1 - i] = ']';
    }
    tenon_call_return_json(call, text, (size_t)(2 * depth), NULL);
}

/* A result is bounded in its depth as in the other hosts, by the server's limit. */
static void depth(void) {
    static const int limits[] = {128, 10};
    char arguments[32], expected[80];
    const char *line;
    size_t i;
    for (i = 0; i < 2; i++) {
        server = new_server();
        OK(tenon_server_set_limit(server, TENON_LIMIT_DEPTH, (uint64_t)limits[i]));
        add_tool(server, "tool", "{\"type\":\"object\"}", TENON_MODE_WORKER, return_deep, NULL, NULL);
        serve(&peer, server);
        initialize(&peer, "{}");
        snprintf(arguments, sizeof arguments, "{\"depth\":%d}", limits[i]);
        call_tool(&peer, 1, "tool", arguments);
        line = next_line(&peer);
        CHECK(strstr(line, "isError") == NULL);
        snprintf(arguments, sizeof arguments, "{\"depth\":%d}", limits[i] + 1);
        call_tool(&peer, 2, "tool", arguments);
        line = next_line(&peer);
        snprintf(expected, sizeof expected, "tool \\\"tool\\\": the result is nested deeper than %d levels", limits[i]);
        CHECK_IN("\"isError\":true", line);
        CHECK_IN(expected, line);
        end();
    }
}

/* Looks for an optional argument, goes on in the way its other argument names, and completes nothing. */
static void probe(void *user_data, tenon_call *call) {
    const char *then;
    int64_t number;
    size_t len;
    (void)user_data;
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_arg_int64(call, "optional", &number));
    OK(tenon_call_arg_string(call, "then", &then, NULL));
    if (strcmp(then, "probes again") == 0) CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_arg_int64(call, "other", &number));
    if (strcmp(then, "reads all") == 0) {
        CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_arg_int64(call, "other", &number));
        OK(tenon_call_arguments(call, &then, &len));
    }
    if (strcmp(then, "fails badly") == 0) CHECK_STATUS(TENON_ERR_NULL, tenon_call_fail(call, NULL));
    if (strcmp(then, "keeps") == 0) {
        CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_arg_int64(call, "other", &number));
        OK(tenon_call_retain(call));
        tenon_call_release(call);
    }
    if (strcmp(then, "gives up") == 0) tenon_call_arg_int64(call, "then", &number);
}

/* Only a failure that the callback lets through is why the call failed. */
static void a_probe_is_no_reason(void) {
    static const char *const reasons[][2] = {
        {"returns", "returned without completing the call"},
        {"reads all", "returned without completing the call"},
        {"probes again", "argument \\\"other\\\" is missing"},
        {"fails badly", "message is NULL"},
        {"keeps", "was released without being completed"},
        {"gives up", "argument \\\"then\\\" is not an integer"},
    };
    char arguments[64];
    size_t i;
    begin("{\"type\":\"object\"}", probe);
    for (i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        const char *line;
        snprintf(arguments, sizeof arguments, "{\"then\":\"%s\"}", reasons[i][0]);
        call_tool(&peer, (int)i + 1, "tool", arguments);
        line = next_line(&peer);
        CHECK_IN(reasons[i][1], line);
        CHECK(strstr(line, "optional") == NULL);
    }
    end();
}

/* In a session over HTTP there is an id, and the session's capabilities hold. */
static void whose(void *user_data, tenon_call *call) {
    const char *id, *capabilities;
    char text[256];
    size_t id_len, len;
    (void)user_data;
    OK(tenon_call_session_id(call, &id, &id_len));
    OK(tenon_call_client_capabilities(call, &capabilities, &len));
    snprintf(text, sizeof text, "[%.*s] %.*s", (int)id_len, id, (int)len, capabilities);
    OK(tenon_call_return_text(call, text, TENON_NUL));
}

static void session_and_capabilities(void) {
    static const char key[] = "mcp-session-id: ";
    char id[128] = "", headers[256], expected[256], *line;
    const char *url;
    int fd;
    server = new_server();
    add_tool(server, "tool", NULL, TENON_MODE_WORKER, whose, NULL, NULL);
    OK(tenon_server_listen_http(server, "127.0.0.1:0", NULL));
    OK(tenon_server_start(server, NULL));
    OK(tenon_server_http_url(server, &url, NULL));
    fd = http_connect(url);
    http_send(fd, "", "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"" LEGACY
                      "\",\"capabilities\":{\"roots\":{}},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}");
    line = strstr(http_read(fd, "\"serverInfo\""), key);
    CHECK(line != NULL);
    if (line != NULL) sscanf(line + strlen(key), "%127[^\r]", id);
    close(fd);
    snprintf(headers, sizeof headers, "Mcp-Session-Id: %s\r\nMCP-Protocol-Version: " LEGACY "\r\n", id);
    fd = http_connect(url);
    http_send(fd, headers, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    http_read(fd, "202 Accepted");
    close(fd);
    fd = http_connect(url);
    http_send(fd, headers, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"tool\"}}");
    snprintf(expected, sizeof expected, "[%s] {\\\"roots\\\":{}}", id);
    http_read(fd, expected);
    close(fd);
    OK(tenon_server_free(server));
}

static const struct test all[] = {
    {"values", values},
    {"arguments_and_context", arguments_and_context},
    {"progress", progress},
    {"structured", structured},
    {"sizes", sizes},
    {"depth", depth},
    {"a_probe_is_no_reason", a_probe_is_no_reason},
    {"session_and_capabilities", session_and_capabilities},
};
RUN_TESTS(all)
