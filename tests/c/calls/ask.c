/* Sampling, roots and URLs, and `once` over all attempts of a call. */
#include "support.h"

#define PAGE "https://example.com/sign-in"
#define CAN_ALL "{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{},\"roots\":{}}"

static tenon_server *server;
static struct peer peer;
static atomic_int effects;

static void begin(tenon_handler_fn handler, const char *capabilities) {
    server = new_server();
    add_tool(server, "ask", NULL, TENON_MODE_WORKER, handler, NULL, NULL);
    serve(&peer, server);
    if (capabilities != NULL) initialize(&peer, capabilities);
}

static void end(void) {
    OK(tenon_server_free(server));
    close_peer(&peer);
}

/* Answers the question in `line`, which must hold the method. */
static void answer(const char *line, const char *method, const char *result) {
    const char *id = strstr(line, "\"id\":");
    CHECK_IN(method, line);
    if (id != NULL) send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":%s}", atoi(id + 5), result);
}

static int same(const char *text, size_t len, const char *expected) {
    return len == strlen(expected) && memcmp(text, expected, len) == 0;
}

static void visits(void *user_data, tenon_call *call) {
    tenon_answer *known;
    const char *json;
    size_t len;
    (void)user_data;
    if (tenon_call_elicit_url(call, NULL, "Please sign in.", PAGE, "visit-1", &known, NULL) != TENON_OK) return;
    CHECK(tenon_answer_action(known) == TENON_ACTION_ACCEPT);
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_answer_content(known, &json, &len));
    OK(tenon_answer_json(known, &json, &len));
    CHECK(same(json, len, "{\"action\":\"accept\"}"));
    tenon_answer_free(known);
    OK(tenon_call_return_text(call, "agreed", TENON_NUL));
}

static void url(void) {
    const char *line;
    begin(visits, CAN_ALL);
    call_tool(&peer, 1, "ask", "{}");
    line = next_line(&peer);
    CHECK_IN("\"mode\":\"url\"", line);
    CHECK_IN("\"url\":\"" PAGE "\"", line);
    CHECK_IN("\"elicitationId\":\"visit-1\"", line);
    answer(line, "elicitation/create", "{\"action\":\"accept\"}");
    CHECK(has_text(next_line(&peer), "agreed"));
    OK(tenon_server_elicitation_complete(server, "visit-1"));
    line = next_line(&peer);
    CHECK_IN("notifications/elicitation/complete", line);
    CHECK_IN("visit-1", line);
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_elicitation_complete(server, "visit-1"));
    end();
}

static void requires(void *user_data, tenon_call *call) {
    (void)user_data;
    CHECK_STATUS(TENON_SUSPENDED, tenon_call_require_url(call, "Please sign in.", PAGE, "visit-2", NULL));
}

static void required(void) {
    const char *line;
    begin(requires, CAN_ALL);
    call_tool(&peer, 1, "ask", "{}");
    line = next_line(&peer);
    CHECK_IN("\"code\":-32042", line);
    CHECK_IN(PAGE, line);
    OK(tenon_server_elicitation_complete(server, "visit-2"));
    CHECK_IN("visit-2", next_line(&peer));
    call_modern(&peer, 2, "ask", "{}", CAN_ALL, "");
    line = next_line(&peer);
    CHECK_IN("\"resultType\":\"input_required\"", line);
    CHECK_IN(PAGE, line);
    end();
}

static void samples(void *user_data, tenon_call *call) {
    static const char params[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"Which?\"}}],\"maxTokens\":100} and more";
    tenon_answer *known;
    const char *text, *again, *json;
    char said[64];
    size_t len;
    (void)user_data;
    if (tenon_call_sample(call, "model", params, sizeof params - 10, &known, NULL) != TENON_OK) return;
    OK(tenon_answer_text(known, &text, &len));
    OK(tenon_answer_text(known, &again, NULL));
    CHECK(text == again && strlen(text) == len);
    CHECK_STATUS(TENON_ERR_NULL, tenon_answer_text(known, NULL, &len));
    OK(tenon_answer_content(known, &json, &len));
    CHECK(json[0] == '{');
    OK(tenon_answer_json(known, &json, &len));
    CHECK(len > 10 && json[0] == '{');
    CHECK_STATUS(TENON_ERR_NULL, tenon_answer_json(known, &json, NULL));
    snprintf(said, sizeof said, "said %s", text);
    OK(tenon_call_return_text(call, said, TENON_NUL));
    tenon_answer_free(known);
}

static void sample(void) {
    const char *line;
    begin(samples, CAN_ALL);
    call_tool(&peer, 1, "ask", "{}");
    line = next_line(&peer);
    CHECK_IN("\"maxTokens\":100", line);
    answer(line, "sampling/createMessage",
           "{\"role\":\"assistant\",\"model\":\"m\",\"content\":{\"type\":\"text\",\"text\":\"this\"}}");
    CHECK(has_text(next_line(&peer), "said this"));
    end();
}

static void lists_roots(void *user_data, tenon_call *call) {
    tenon_answer *known;
    const char *uri;
    size_t len, i;
    char text[256] = "";
    (void)user_data;
    if (tenon_call_roots(call, NULL, &known, NULL) != TENON_OK) return;
    for (i = 0; tenon_answer_root(known, i, &uri, &len) == TENON_OK; i++) {
        CHECK(strlen(uri) == len);
        strcat(text, uri);
    }
    CHECK_STATUS(TENON_ERR_NULL, tenon_answer_root(known, 0, NULL, NULL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_answer_root(known, SIZE_MAX, &uri, NULL));
    OK(tenon_call_return_text(call, text, TENON_NUL));
    tenon_answer_free(known);
}

static void roots(void) {
    begin(lists_roots, CAN_ALL);
    call_tool(&peer, 1, "ask", "{}");
    answer(next_line(&peer), "roots/list", "{\"roots\":[{\"uri\":\"file:///a\"},{\"uri\":\"file:///b\",\"name\":\"B\"}]}");
    CHECK(has_text(next_line(&peer), "file:///afile:///b"));
    end();
}

static void asks_by_word(void *user_data, tenon_call *call) {
    static const char form[] =
        "{\"message\":\"Who?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}}}}";
    tenon_answer *known;
    const char *name;
    (void)user_data;
    if (tenon_call_ask(call, "elicit", "who", form, TENON_NUL, &known, NULL) != TENON_OK) return;
    OK(tenon_answer_string(known, "name", &name, NULL));
    OK(tenon_call_return_text(call, name, TENON_NUL));
    tenon_answer_free(known);
}

static void by_word(void) {
    begin(asks_by_word, CAN_ALL);
    call_tool(&peer, 1, "ask", "{}");
    answer(next_line(&peer), "elicitation/create", "{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}");
    CHECK(has_text(next_line(&peer), "Ada"));
    end();
}

/* Pays once, though it runs twice. */
static void pays(void *user_data, tenon_call *call) {
    tenon_answer *known;
    const char *receipt;
    char text[64];
    size_t len;
    if (tenon_call_once_get(call, "paid", &receipt, &len) != TENON_OK) {
        atomic_fetch_add(&effects, 1);
        OK(tenon_call_once_put(call, "paid", "{\"receipt\":7} and more", 13, NULL));
        CHECK_STATUS(TENON_ERR_INVALID, tenon_call_once_put(call, "paid", "8", 1, NULL));
        OK(tenon_call_once_get(call, "paid", &receipt, &len));
    }
    CHECK(same(receipt, len, "{\"receipt\":7}"));
    if (tenon_call_roots(call, NULL, &known, NULL) != TENON_OK) return;
    tenon_answer_free(known);
    snprintf(text, sizeof text, "paid %d time", atomic_load(&effects));
    OK(tenon_call_return_text(call, text, TENON_NUL));
    (void)user_data;
}

static void once(void) {
    char *state, extra[4096];
    const char *line;
    atomic_store(&effects, 0);
    begin(pays, CAN_ALL);
    call_tool(&peer, 1, "ask", "{}");
    answer(next_line(&peer), "roots/list", "{\"roots\":[]}");
    CHECK(has_text(next_line(&peer), "paid 1 time"));
    atomic_store(&effects, 0);
    call_modern(&peer, 2, "ask", "{}", CAN_ALL, "");
    line = next_line(&peer);
    state = string_member(line, "requestState");
    snprintf(extra, sizeof extra, ",\"requestState\":\"%s\",\"inputResponses\":{\"ask-1\":{\"roots\":[]}}", state);
    call_modern(&peer, 3, "ask", "{}", CAN_ALL, extra);
    CHECK(has_text(next_line(&peer), "paid 1 time"));
    free(state);
    end();
}

/* A round that is sent again is refused, where the tool says so. */
static void once_only(void) {
    tenon_entry *tool;
    char *state, extra[4096];
    server = new_server();
    OK(tenon_tool_new("ask", &tool, NULL));
    OK(tenon_entry_set(tool, "once_only", "true", TENON_NUL));
    OK(tenon_entry_set_handler(tool, lists_roots, NULL, NULL));
    OK(tenon_server_add(server, tool, NULL));
    serve(&peer, server);
    call_modern(&peer, 1, "ask", "{}", CAN_ALL, "");
    state = string_member(next_line(&peer), "requestState");
    snprintf(extra, sizeof extra, ",\"requestState\":\"%s\",\"inputResponses\":{\"ask-1\":{\"roots\":[]}}", state);
    call_modern(&peer, 2, "ask", "{}", CAN_ALL, extra);
    CHECK(has_text(next_line(&peer), ""));
    call_modern(&peer, 3, "ask", "{}", CAN_ALL, extra);
    CHECK_IN("\"error\"", next_line(&peer));
    free(state);
    end();
}

static void lets_go(void *user_data, tenon_call *call) {
    bool closed = true;
    (void)user_data;
    OK(tenon_call_close_stream(call, &closed));
    CHECK(!closed);
    OK(tenon_call_close_stream(call, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_close_stream(NULL, &closed));
    OK(tenon_call_return_text(call, "stayed", TENON_NUL));
}

/* A channel has no response that could end before its call. */
static void stream(void) {
    begin(lets_go, CAN_ALL);
    call_tool(&peer, 1, "ask", "{}");
    CHECK(has_text(next_line(&peer), "stayed"));
    end();
}

static const struct test all[] = {
    {"url", url},
    {"stream", stream}, {"required", required}, {"sample", sample}, {"roots", roots}, {"by_word", by_word}, {"once", once},
    {"once_only", once_only},
};
RUN_TESTS(all)
