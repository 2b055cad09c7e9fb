/* Middleware callbacks: order, changes to calls, shared state, lifetimes. */
#include "support.h"

static struct owned shared;
static struct owned afters;

/* Adds its name to the text that followed. */
static void name_result(void *data, tenon_call *call) {
    const char *json = NULL;
    size_t len = 0;
    tenon_outcome kind = -1;
    char text[200];
    OK(tenon_call_outcome(call, &kind, &json, &len));
    CHECK(kind == TENON_OUTCOME_VALUE);
    snprintf(text, sizeof text, "%.*s %s", (int)(len > 2 ? len - 2 : 0), json + 1, (const char *)data);
    OK(tenon_call_return_text(call, text, TENON_NUL));
}

static void around(void *user_data, tenon_call *call) {
    const char *json = NULL;
    size_t len = 0;
    CHECK_STATUS(TENON_ERR_STATE, tenon_call_outcome(call, NULL, &json, &len));
    if (tenon_call_state(call) == NULL) OK(tenon_call_set_state(call, &shared, owned_destroy));
    CHECK(tenon_call_state(call) == &shared);
    atomic_fetch_add(&shared.calls, 1);
    OK(tenon_call_next(call, NULL, 0, name_result, user_data, NULL, NULL));
}

static void seen(void *user_data, tenon_call *call) {
    (void)user_data;
    CHECK(tenon_call_state(call) == &shared);
    CHECK_STATUS(TENON_ERR_STATE, tenon_call_next(call, NULL, 0, NULL, NULL, NULL, NULL));
    OK(tenon_call_return_text(call, "handler", TENON_NUL));
}

static void the_first_is_outermost(void) {
    tenon_mode modes[] = {TENON_MODE_WORKER, TENON_MODE_INLINE};
    size_t i;
    for (i = 0; i < sizeof modes / sizeof *modes; i++) {
        tenon_server *server = new_server();
        struct peer peer;
        owned_init(&shared);
        OK(tenon_server_add_middleware(server, NULL, TENON_MODE_WORKER, around, "a", NULL, NULL));
        OK(tenon_server_add_middleware(server, "tool prompt", TENON_MODE_WORKER, around, "b", NULL, NULL));
        add_tool(server, "seen", NULL, modes[i], seen, NULL, NULL);
        serve(&peer, server);
        initialize(&peer, "{}");
        call_tool(&peer, 1, "seen", "{}");
        CHECK(has_text(next_line(&peer), "handler b a"));
        CHECK(shared.calls == 2);
        OK(tenon_server_free(server));
        close_peer(&peer);
        CHECK(shared.destroyed == 1);
    }
}

static void guard(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_fail(call, "refused by the part"));
}

static void whole(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_text(call, "handler", TENON_NUL));
}

/* What is mounted brings its middleware along, inside of the other one's. */
static void that_of_a_mounted_server(void) {
    tenon_server *server = new_server(), *part = new_server(), *listed = new_server();
    tenon_error *error = NULL;
    tenon_entry *entry;
    struct peer peer;
    owned_init(&shared);
    OK(tenon_server_add_middleware(server, "tool", TENON_MODE_WORKER, around, "a", NULL, NULL));
    OK(tenon_server_add_middleware(part, "tool", TENON_MODE_WORKER, around, "b", NULL, NULL));
    OK(tenon_server_add_middleware(part, "prompt", TENON_MODE_WORKER, guard, NULL, NULL, NULL));
    OK(tenon_server_add_middleware(listed, "tool_list", TENON_MODE_WORKER, around, "c", NULL, NULL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_mount(server, listed, "listed", &error));
    CHECK_IN("middleware around \"tools/list\"", tenon_error_message(error));
    tenon_error_free(error);
    add_tool(part, "seen", NULL, TENON_MODE_WORKER, whole, NULL, NULL);
    add_tool(server, "own", NULL, TENON_MODE_WORKER, whole, NULL, NULL);
    OK(tenon_prompt_new("say", &entry, NULL));
    OK(tenon_entry_set_handler(entry, whole, NULL, NULL));
    OK(tenon_server_add(part, entry, NULL));
    OK(tenon_server_mount(server, part, "sub", NULL));
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "sub_seen", "{}");
    CHECK(has_text(next_line(&peer), "handler b a"));
    call_tool(&peer, 2, "own", "{}");
    CHECK(has_text(next_line(&peer), "handler a"));
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"prompts/get\",\"params\":{\"name\":\"sub_say\"}}");
    CHECK_IN("refused by the part", next_line(&peer));
    OK(tenon_server_free(server));
    OK(tenon_server_free(part));
    OK(tenon_server_free(listed));
    close_peer(&peer);
}

/* Each server's is inside of that of the server it is mounted in. */
static void that_of_nested_mounts(void) {
    tenon_mode modes[] = {TENON_MODE_WORKER, TENON_MODE_INLINE};
    size_t i;
    for (i = 0; i < sizeof modes / sizeof *modes; i++) {
        tenon_server *server = new_server(), *part = new_server(), *within = new_server();
        struct peer peer;
        owned_init(&shared);
        OK(tenon_server_add_middleware(within, "tool", TENON_MODE_WORKER, around, "d", NULL, NULL));
        OK(tenon_server_add_middleware(server, "tool", TENON_MODE_WORKER, around, "a", NULL, NULL));
        OK(tenon_server_add_middleware(part, "tool", TENON_MODE_WORKER, around, "b", NULL, NULL));
        OK(tenon_server_add_middleware(part, "tool", TENON_MODE_WORKER, around, "c", NULL, NULL));
        add_tool(within, "seen", NULL, modes[i], whole, NULL, NULL);
        add_tool(part, "seen", NULL, modes[i], whole, NULL, NULL);
        OK(tenon_server_mount(server, part, "sub", NULL));
        OK(tenon_server_mount(part, within, "in", NULL));
        serve(&peer, server);
        initialize(&peer, "{}");
        call_tool(&peer, 1, "sub_in_seen", "{}");
        CHECK(has_text(next_line(&peer), "handler d c b a"));
        call_tool(&peer, 2, "sub_seen", "{}");
        CHECK(has_text(next_line(&peer), "handler c b a"));
        OK(tenon_server_free(server));
        OK(tenon_server_free(part));
        OK(tenon_server_free(within));
        close_peer(&peer);
        CHECK(shared.destroyed == 2);
    }
}

/* By its argument "n". */
static void changes(void *user_data, tenon_call *call) {
    int64_t n = 0;
    tenon_error *error = NULL;
    (void)user_data;
    OK(tenon_call_arg_int64(call, "n", &n));
    switch (n) {
        case 0: OK(tenon_call_next(call, "{\"n\":10}", TENON_NUL, NULL, &afters, owned_destroy, NULL)); break;
        case 1:
            CHECK_STATUS(
                TENON_ERR_INVALID, tenon_call_next(call, "{\"n\":[]}", TENON_NUL, NULL, &afters, owned_destroy, &error));
            CHECK_IN("are not valid", tenon_error_message(error));
            tenon_error_free(error);
            CHECK_STATUS(TENON_ERR_JSON, tenon_call_next(call, "{", TENON_NUL, NULL, &afters, owned_destroy, NULL));
            OK(tenon_call_return_text(call, "refused", TENON_NUL));
            break;
        case 2: OK(tenon_call_return_text(call, "not asked", TENON_NUL)); break;
        case 3: break;
        default: OK(tenon_call_next(call, NULL, 0, NULL, &afters, owned_destroy, NULL)); break;
    }
}

static void number(void *user_data, tenon_call *call) {
    int64_t n = 0;
    (void)user_data;
    OK(tenon_call_arg_int64(call, "n", &n));
    if (n == 4) {
        OK(tenon_call_error(call, 7, "forbidden", NULL));
    } else if (n != 5) {
        OK(tenon_call_return_int64(call, n));
    }
}

static void it_changes_arguments_and_answers_itself(void) {
    tenon_server *server = new_server();
    struct peer peer;
    const char *schema = "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}";
    owned_init(&afters);
    add_tool(server, "number", schema, TENON_MODE_WORKER, number, NULL, NULL);
    OK(tenon_server_add_middleware(server, "tool", TENON_MODE_WORKER, changes, NULL, NULL, NULL));
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "number", "{\"n\":0}");
    CHECK(has_text(next_line(&peer), "10"));
    call_tool(&peer, 2, "number", "{\"n\":1}");
    CHECK(has_text(next_line(&peer), "refused"));
    call_tool(&peer, 3, "number", "{\"n\":2}");
    CHECK(has_text(next_line(&peer), "not asked"));
    call_tool(&peer, 4, "number", "{\"n\":3}");
    CHECK_IN("returned without completing the call", next_line(&peer));
    call_tool(&peer, 5, "number", "{\"n\":4}");
    CHECK_IN("{\"code\":7,\"message\":\"forbidden\"}", next_line(&peer));
    call_tool(&peer, 6, "number", "{\"n\":5}");
    CHECK_IN("returned without completing the call", next_line(&peer));
    OK(tenon_server_free(server));
    close_peer(&peer);
    CHECK(afters.destroyed == 5);
}

static void filter(void *data, tenon_call *call) {
    const char *json = NULL;
    size_t len = 0;
    (void)data;
    OK(tenon_call_outcome(call, NULL, &json, &len));
    CHECK(strstr(json, "\"hidden\"") != NULL);
    OK(tenon_call_return_json(call, "{\"tools\":[]}", TENON_NUL, NULL));
}

static void filtered(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_next(call, NULL, 0, filter, NULL, NULL, NULL));
}

static void emphasised(void *user_data, tenon_call *call) {
    OK(tenon_call_next(call, NULL, 0, name_result, user_data, NULL, NULL));
}

/* In the mode of the middleware, the poll mode among them. */
static void lists_and_views_come_from_the_library(void) {
    tenon_mode modes[] = {TENON_MODE_WORKER, TENON_MODE_POLL, TENON_MODE_INLINE};
    size_t i;
    for (i = 0; i < sizeof modes / sizeof *modes; i++) {
        tenon_server *server = new_server();
        tenon_entry *view = NULL;
        struct peer peer;
        int polls = modes[i] == TENON_MODE_POLL;
        add_tool(server, "hidden", NULL, TENON_MODE_WORKER, number, NULL, NULL);
        OK(tenon_ui_new("ui://v", "<p>v</p>", &view, NULL));
        OK(tenon_server_add(server, view, NULL));
        OK(tenon_server_add_middleware(server, "tool_list", modes[i], filtered, NULL, NULL, NULL));
        OK(tenon_server_add_middleware(server, "resource", modes[i], emphasised, "!", NULL, NULL));
        serve(&peer, server);
        initialize(&peer, "{}");
        send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}");
        /* The call, then what followed. */
        if (polls) OK(tenon_server_poll(server, 1, 10000, NULL));
        if (polls) OK(tenon_server_poll(server, 1, 10000, NULL));
        CHECK_IN("\"tools\":[]", next_line(&peer));
        send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"resources/read\",\"params\":{\"uri\":\"ui://v\"}}");
        if (polls) OK(tenon_server_poll(server, 1, 10000, NULL));
        if (polls) OK(tenon_server_poll(server, 1, 10000, NULL));
        CHECK_IN("<p>v</p> !", next_line(&peer));
        OK(tenon_server_free(server));
        close_peer(&peer);
    }
}

static tenon_call *kept;
static sem_t is_kept;

static void keep(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_retain(call));
    kept = call;
    sem_post(&is_kept);
}

/* What follows may be run, and completed, later and by other threads; what ends meanwhile lets go of everything. */
static void later(void) {
    tenon_server *server = new_server();
    struct peer peer;
    owned_init(&shared);
    owned_init(&afters);
    sem_init(&is_kept, 0, 0);
    add_tool(server, "later", NULL, TENON_MODE_WORKER, keep, NULL, NULL);
    OK(tenon_server_add_middleware(server, "tool", TENON_MODE_WORKER, keep, &shared, owned_destroy, NULL));
    serve(&peer, server);
    initialize(&peer, "{}");
    for (int id = 1; id <= 2; id++) {
        tenon_call *outer, *inner;
        call_tool(&peer, id, "later", "{}");
        wait_for(&is_kept);
        outer = kept;
        OK(tenon_call_next(outer, NULL, 0, NULL, &afters, owned_destroy, NULL));
        wait_for(&is_kept);
        inner = kept;
        CHECK(inner != outer);
        CHECK_STATUS(TENON_ERR_STATE, tenon_call_next(outer, NULL, 0, NULL, NULL, NULL, NULL));
        if (id == 1) {
            OK(tenon_call_return_text(inner, "late", TENON_NUL));
            CHECK(has_text(next_line(&peer), "late"));
            CHECK_STATUS(TENON_ERR_STALE, tenon_call_return_text(outer, "too late", TENON_NUL));
        } else {
            send_line(&peer, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":2}}");
            send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\"}");
            CHECK_IN("\"id\":3", next_line(&peer));
            CHECK_STATUS(TENON_ERR_STALE, tenon_call_return_text(inner, "too late", TENON_NUL));
        }
        tenon_call_release(inner);
        tenon_call_release(outer);
    }
    OK(tenon_server_free(server));
    close_peer(&peer);
    CHECK(shared.destroyed == 1);
    CHECK(afters.destroyed == 2);
}

/* Says how often it was called, in texts of one length. */
static void count(void *user_data, tenon_call *call) {
    char text[2] = {(char)('0' + ++*(int *)user_data), '\0'};
    OK(tenon_call_return_text(call, text, TENON_NUL));
}

/* What followed is that of the last time, and what followed before stays readable. */
static void again_and_again(void) {
    tenon_server *server = new_server();
    struct peer peer;
    const char *came[9];
    int times = 0, i;
    sem_init(&is_kept, 0, 0);
    add_tool(server, "count", NULL, TENON_MODE_WORKER, count, &times, NULL);
    OK(tenon_server_add_middleware(server, "tool", TENON_MODE_WORKER, keep, NULL, NULL, NULL));
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "count", "{}");
    wait_for(&is_kept);
    for (i = 0; i < 9; i++) {
        const char *twice;
        size_t len = 0;
        OK(tenon_call_next(kept, NULL, 0, keep, NULL, NULL, NULL));
        OK(tenon_call_outcome(kept, NULL, &came[i], &len));
        CHECK(len == 3 && came[i][1] == '1' + i);
        OK(tenon_call_outcome(kept, NULL, &twice, &len));
        CHECK(twice == came[i]);
    }
    for (i = 0; i < 9; i++) CHECK(came[i][1] == '1' + i);
    OK(tenon_call_return_text(kept, "nine", TENON_NUL));
    CHECK(has_text(next_line(&peer), "nine"));
    for (i = 0; i < 10; i++) tenon_call_release(kept);
    OK(tenon_server_free(server));
    close_peer(&peer);
}

#define FORM "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}},\"required\":[\"name\"]}"

static void ask(void *user_data, tenon_call *call) {
    tenon_answer *answer = NULL;
    tenon_status status = tenon_call_elicit(call, user_data, "who?", FORM, &answer, NULL);
    if (status != TENON_OK) return;
    tenon_answer_free(answer);
    OK(tenon_call_return_text(call, "asked", TENON_NUL));
}

/* The chain runs again from its beginning. */
static void a_question_begins_the_chain_anew(void) {
    tenon_server *server = new_server();
    struct peer peer;
    owned_init(&shared);
    add_tool(server, "ask", NULL, TENON_MODE_WORKER, ask, "key", NULL);
    OK(tenon_server_add_middleware(server, "tool", TENON_MODE_WORKER, around, "a", NULL, NULL));
    serve(&peer, server);
    initialize(&peer, ELICITATION);
    call_tool(&peer, 1, "ask", "{}");
    CHECK_IN("elicitation/create", next_line(&peer));
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"action\":\"accept\",\"content\":{\"name\":\"x\"}}}");
    CHECK(has_text(next_line(&peer), "asked a"));
    CHECK(shared.calls == 2);
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static void refused(void) {
    tenon_server *server = new_server();
    tenon_error *error = NULL;
    owned_init(&shared);
    CHECK_STATUS(
        TENON_ERR_INVALID,
        tenon_server_add_middleware(server, "ping", TENON_MODE_WORKER, around, &shared, owned_destroy, &error));
    CHECK_IN("\"ping\" cannot have middleware", tenon_error_message(error));
    tenon_error_free(error);
    CHECK_STATUS(
        TENON_ERR_INVALID,
        tenon_server_add_middleware(server, "tool", 9, around, &shared, owned_destroy, NULL));
    CHECK_STATUS(
        TENON_ERR_NULL,
        tenon_server_add_middleware(server, "tool", TENON_MODE_WORKER, NULL, &shared, owned_destroy, NULL));
    CHECK_STATUS(
        TENON_ERR_NULL,
        tenon_server_add_middleware(NULL, "tool", TENON_MODE_WORKER, around, &shared, owned_destroy, NULL));
    CHECK(shared.destroyed == 4);
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_next(NULL, NULL, 0, NULL, &shared, owned_destroy, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_set_state(NULL, &shared, owned_destroy));
    CHECK(shared.destroyed == 6);
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_outcome(NULL, NULL, NULL, NULL));
    CHECK(tenon_call_state(NULL) == NULL);
    OK(tenon_server_free(server));
}

static void few_at_a_time(void) {
    tenon_server *server = new_server();
    tenon_entry *tool = NULL;
    tenon_call *first;
    struct peer peer;
    sem_init(&is_kept, 0, 0);
    OK(tenon_server_set_limit(server, TENON_LIMIT_WAITING_CALLS, 1));
    OK(tenon_tool_new("few", &tool, NULL));
    OK(tenon_entry_set(tool, "max_concurrency", "1", TENON_NUL));
    OK(tenon_entry_set_handler(tool, keep, NULL, NULL));
    OK(tenon_server_add(server, tool, NULL));
    serve(&peer, server);
    initialize(&peer, "{}");
    for (int id = 1; id <= 3; id++) call_tool(&peer, id, "few", "{}");
    CHECK_IN("runs 1 calls at a time, and 1 wait", next_line(&peer));
    wait_for(&is_kept);
    CHECK(sem_trywait(&is_kept) != 0);
    first = kept;
    OK(tenon_call_return_text(first, "one", TENON_NUL));
    CHECK_IN("\"id\":1", next_line(&peer));
    wait_for(&is_kept);
    OK(tenon_call_return_text(kept, "two", TENON_NUL));
    CHECK_IN("\"id\":2", next_line(&peer));
    tenon_call_release(first);
    tenon_call_release(kept);
    OK(tenon_server_free(server));
    close_peer(&peer);
    OK(tenon_tool_new("none", &tool, NULL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_entry_set(tool, "max_concurrency", "\"x\"", TENON_NUL));
    tenon_entry_free(tool);
}

static const struct test tests[] = {
    {"that of a mounted server", that_of_a_mounted_server},
    {"that of nested mounts", that_of_nested_mounts},
    {"the first is outermost", the_first_is_outermost},
    {"it changes arguments and answers itself", it_changes_arguments_and_answers_itself},
    {"lists and views come from the library", lists_and_views_come_from_the_library},
    {"later", later},
    {"again and again", again_and_again},
    {"a question begins the chain anew", a_question_begins_the_chain_anew},
    {"refused", refused},
    {"few at a time", few_at_a_time},
};

RUN_TESTS(tests)
