/* Elicitation in both eras and in all modes. */
#include "support.h"

#define FORM(property) \
    "{\"type\":\"object\",\"properties\":{\"" property "\":{\"type\":\"string\"}},\"required\":[\"" property "\"]}"
#define MODERN "{\"elicitation\":{\"form\":{}}}"

static void ask_name(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    tenon_answer *answer = NULL;
    tenon_error *err = NULL;
    const char *name;
    char text[64];
    tenon_status status = tenon_call_elicit(call, NULL, "What is your name?", FORM("name"), &answer, &err);
    atomic_fetch_add(&owned->calls, 1);
    if (status != TENON_OK) {
        CHECK(answer == NULL);
        if (status == TENON_SUSPENDED) CHECK(err == NULL);
        else CHECK(tenon_error_status(err) == status);
        tenon_error_free(err);
        return;
    }
    if (tenon_answer_action(answer) == TENON_ACTION_ACCEPT) {
        const char *json;
        size_t len;
        int64_t number;
        OK(tenon_answer_string(answer, "name", &name, NULL));
        OK(tenon_answer_content(answer, &json, &len));
        CHECK(len > 2 && json[0] == '{' && json[len - 1] == '}');
        CHECK_STATUS(TENON_ERR_TYPE, tenon_answer_int64(answer, "name", &number));
        CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_answer_int64(answer, "none", &number));
        CHECK_STATUS(TENON_ERR_NULL, tenon_answer_int64(answer, NULL, &number));
        CHECK_STATUS(TENON_ERR_NULL, tenon_answer_string(answer, "name", NULL, NULL));
        snprintf(text, sizeof text, "Hello, %s!", name);
    } else {
        CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_answer_string(answer, "name", &name, NULL));
        snprintf(text, sizeof text, "action %d", tenon_answer_action(answer));
    }
    OK(tenon_call_return_text(call, text, TENON_NUL));
    tenon_answer_free(answer);
}

static const tenon_mode modes[] = {TENON_MODE_WORKER, TENON_MODE_POLL, TENON_MODE_INLINE};

static void *poll_to_the_end(void *server) {
    while (tenon_server_poll(server, 0, -1, NULL) == TENON_OK) {}
    return NULL;
}

struct session {
    tenon_server *server;
    struct peer peer;
    struct owned owned;
    pthread_t poller;
};

static void begin(struct session *session, tenon_handler_fn handler, tenon_mode mode) {
    session->server = new_server();
    owned_init(&session->owned);
    add_tool(session->server, "ask", "{\"type\":\"object\"}", mode, handler, &session->owned, NULL);
    serve(&session->peer, session->server);
    pthread_create(&session->poller, NULL, poll_to_the_end, session->server);
}

static void end(struct session *session) {
    OK(tenon_server_close(session->server));
    pthread_join(session->poller, NULL);
    OK(tenon_server_free(session->server));
    close_peer(&session->peer);
}

/* Answers the question in `line`. */
static void answer(struct peer *peer, const char *line, const char *result) {
    const char *id = strstr(line, "\"id\":");
    CHECK_IN("elicitation/create", line);
    if (id != NULL)
        send_line(peer, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":%s}", atoi(id + 5), result);
}

static void legacy(void) {
    size_t i;
    for (i = 0; i < 3; i++) {
        struct session s;
        const char *line;
        begin(&s, ask_name, modes[i]);
        initialize(&s.peer, ELICITATION);
        call_tool(&s.peer, 1, "ask", "{}");
        line = next_line(&s.peer);
        CHECK_IN("What is your name?", line);
        answer(&s.peer, line, "{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}");
        CHECK(has_text(next_line(&s.peer), "Hello, Ada!"));
        CHECK(s.owned.calls == 2);
        call_tool(&s.peer, 2, "ask", "{}");
        answer(&s.peer, next_line(&s.peer), "{\"action\":\"decline\"}");
        CHECK(has_text(next_line(&s.peer), "action 2"));
        call_tool(&s.peer, 3, "ask", "{}");
        answer(&s.peer, next_line(&s.peer), "{\"action\":\"cancel\"}");
        CHECK(has_text(next_line(&s.peer), "action 3"));
        end(&s);
    }
}

static void modern(void) {
    size_t i;
    for (i = 0; i < 3; i++) {
        struct session s;
        const char *line;
        char *state, extra[4096];
        begin(&s, ask_name, modes[i]);
        call_modern(&s.peer, 1, "ask", "{}", MODERN, "");
        line = next_line(&s.peer);
        CHECK_IN("\"resultType\":\"input_required\"", line);
        CHECK_IN("What is your name?", line);
        state = string_member(line, "requestState");
        snprintf(extra, sizeof extra,
                 ",\"requestState\":\"%s\",\"inputResponses\":{\"ask-1\":{\"action\":\"accept\",\"content\":{\"name\":"
                 "\"Ada\"}}}",
                 state);
        call_modern(&s.peer, 2, "ask", "{}", MODERN, extra);
        CHECK(has_text(next_line(&s.peer), "Hello, Ada!"));
        CHECK(s.owned.calls == 2);
        free(state);
        end(&s);
    }
}

static void ask_two(void *user_data, tenon_call *call) {
    tenon_answer *first = NULL, *second = NULL;
    const char *one, *two;
    char text[64];
    tenon_status a = tenon_call_elicit(call, "first", "First?", FORM("value"), &first, NULL);
    tenon_status b = tenon_call_elicit(call, "second", "Second?", FORM("value"), &second, NULL);
    atomic_fetch_add(&((struct owned *)user_data)->calls, 1);
    if (a == TENON_OK && b == TENON_OK) {
        OK(tenon_answer_string(first, "value", &one, NULL));
        OK(tenon_answer_string(second, "value", &two, NULL));
        snprintf(text, sizeof text, "%s %s", one, two);
        OK(tenon_call_return_text(call, text, TENON_NUL));
    } else {
        CHECK(a == TENON_SUSPENDED || a == TENON_OK);
        CHECK(b == TENON_SUSPENDED || b == TENON_OK);
    }
    tenon_answer_free(first);
    tenon_answer_free(second);
}

/* Both questions are out before either is answered. */
static void two_at_once(void) {
    struct session s;
    char *first, *state, extra[4096];
    const char *line;

    begin(&s, ask_two, TENON_MODE_WORKER);
    initialize(&s.peer, ELICITATION);
    call_tool(&s.peer, 1, "ask", "{}");
    first = strdup(next_line(&s.peer));
    CHECK_IN("First?", first);
    line = next_line(&s.peer);
    CHECK_IN("Second?", line);
    answer(&s.peer, line, "{\"action\":\"accept\",\"content\":{\"value\":\"b\"}}");
    answer(&s.peer, first, "{\"action\":\"accept\",\"content\":{\"value\":\"a\"}}");
    CHECK(has_text(next_line(&s.peer), "a b"));
    CHECK(s.owned.calls == 2);
    free(first);

    call_modern(&s.peer, 2, "ask", "{}", MODERN, "");
    line = next_line(&s.peer);
    CHECK_IN("First?", line);
    CHECK_IN("Second?", line);
    state = string_member(line, "requestState");
    snprintf(extra, sizeof extra,
             ",\"requestState\":\"%s\",\"inputResponses\":{"
             "\"second\":{\"action\":\"accept\",\"content\":{\"value\":\"d\"}},"
             "\"first\":{\"action\":\"accept\",\"content\":{\"value\":\"c\"}}}",
             state);
    call_modern(&s.peer, 3, "ask", "{}", MODERN, extra);
    CHECK(has_text(next_line(&s.peer), "c d"));
    CHECK(s.owned.calls == 4);
    free(state);
    end(&s);
}

static void unsupported(void) {
    struct session s;
    const char *line;
    begin(&s, ask_name, TENON_MODE_WORKER);
    initialize(&s.peer, "{}");
    call_tool(&s.peer, 1, "ask", "{}");
    line = next_line(&s.peer);
    CHECK_IN("\"isError\":true", line);
    CHECK_IN("cannot be asked", line);
    call_modern(&s.peer, 2, "ask", "{}", "{}", "");
    line = next_line(&s.peer);
    CHECK_IN("\"error\":", line);
    CHECK_IN("requiredCapabilities", line);
    end(&s);
}

/* What the client sends back is not what was asked for. */
static void unusable_answers(void) {
    struct session s;
    const char *line;
    begin(&s, ask_name, TENON_MODE_WORKER);
    initialize(&s.peer, ELICITATION);
    call_tool(&s.peer, 1, "ask", "{}");
    answer(&s.peer, next_line(&s.peer), "{\"action\":\"accept\",\"content\":{\"name\":7}}");
    line = next_line(&s.peer);
    CHECK_IN("\"isError\":true", line);
    CHECK_IN("not usable", line);
    call_tool(&s.peer, 2, "ask", "{}");
    line = next_line(&s.peer);
    send_line(&s.peer, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"error\":{\"code\":-1,\"message\":\"no user\"}}",
              atoi(strstr(line, "\"id\":") + 5));
    line = next_line(&s.peer);
    CHECK_IN("the client failed: no user", line);
    end(&s);
}

static void fields(void *user_data, tenon_call *call) {
    tenon_answer *answer = NULL;
    int64_t number = 0;
    double real = 0;
    bool truth = false;
    (void)user_data;
    if (tenon_call_elicit(call, NULL, "All?",
                          "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"},\"x\":{\"type\":\"number\"},"
                          "\"t\":{\"type\":\"boolean\"}}}",
                          &answer, NULL) != TENON_OK)
        return;
    OK(tenon_answer_int64(answer, "n", &number));
    OK(tenon_answer_double(answer, "x", &real));
    OK(tenon_answer_bool(answer, "t", &truth));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_answer_bool(answer, "n", &truth));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_answer_double(answer, "t", &real));
    CHECK(number == 7 && real == 2.5 && truth);
    tenon_answer_free(answer);
    OK(tenon_call_return_bool(call, true));
}

static void typed_fields(void) {
    struct session s;
    begin(&s, fields, TENON_MODE_WORKER);
    initialize(&s.peer, ELICITATION);
    call_tool(&s.peer, 1, "ask", "{}");
    answer(&s.peer, next_line(&s.peer), "{\"action\":\"accept\",\"content\":{\"n\":7,\"x\":2.5,\"t\":true}}");
    CHECK(has_text(next_line(&s.peer), "true"));
    end(&s);
}

/* A question of a kept call: the attempt ends when the call is released. */
static void keep_and_ask(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    OK(tenon_call_retain(call));
    owned->slot = call;
    sem_post(&owned->entered);
}

static void asked_late(void) {
    struct session s;
    tenon_answer *known = NULL;
    tenon_call *call;
    const char *line, *name;
    begin(&s, keep_and_ask, TENON_MODE_WORKER);
    initialize(&s.peer, ELICITATION);
    call_tool(&s.peer, 1, "ask", "{}");
    wait_for(&s.owned.entered);
    call = s.owned.slot;
    CHECK_STATUS(TENON_SUSPENDED, tenon_call_elicit(call, NULL, "Who?", FORM("name"), &known, NULL));
    tenon_call_release(call);
    line = next_line(&s.peer);
    CHECK_IN("Who?", line);
    answer(&s.peer, line, "{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}");
    wait_for(&s.owned.entered);
    call = s.owned.slot;
    OK(tenon_call_elicit(call, NULL, "Who?", FORM("name"), &known, NULL));
    OK(tenon_call_return_text(call, "asked late", TENON_NUL));
    tenon_call_release(call);
    CHECK(has_text(next_line(&s.peer), "asked late"));
    /* An answer outlives its call. */
    OK(tenon_answer_string(known, "name", &name, NULL));
    CHECK(strcmp(name, "Ada") == 0);
    tenon_answer_free(known);
    end(&s);
}

static const struct test all[] = {
    {"legacy", legacy},
    {"modern", modern},
    {"two_at_once", two_at_once},
    {"unsupported", unsupported},
    {"unusable_answers", unusable_answers},
    {"typed_fields", typed_fields},
    {"asked_late", asked_late},
};
RUN_TESTS(all)
