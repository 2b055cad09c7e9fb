/* `destroy` runs exactly once on the less common paths; destroy.c has the common ones. */
#include "support.h"

static void answer_one(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_return_int64(call, 1);
}

static void say(void *user_data, tenon_log_level level, const char *target, const char *message) {
    (void)user_data, (void)level, (void)target, (void)message;
}

static tenon_server *server;
static tenon_status freed;

static void free_within(void *user_data, tenon_call *call) {
    freed = tenon_server_free(server);
    CHECK(atomic_load(&((struct owned *)user_data)->destroyed) == 0);
    tenon_call_return_int64(call, 1);
}

/* A callback that frees its own server is refused, in each mode, and the server goes on. */
static void free_inside_a_callback(void) {
    static const tenon_mode modes[] = {TENON_MODE_WORKER, TENON_MODE_POLL, TENON_MODE_INLINE};
    size_t i;
    for (i = 0; i < 3; i++) {
        struct owned owned;
        struct peer peer;
        server = new_server();
        owned_init(&owned);
        add_tool(server, "free", NULL, modes[i], free_within, &owned, owned_destroy);
        serve(&peer, server);
        initialize(&peer, "{}");
        freed = TENON_OK;
        call_tool(&peer, 1, "free", "{}");
        if (modes[i] == TENON_MODE_POLL) OK(tenon_server_poll(server, 1, 10000, NULL));
        CHECK(has_text(next_answer(&peer), "1"));
        CHECK(freed == TENON_ERR_STATE);
        CHECK(owned.destroyed == 0);
        OK(tenon_server_free(server));
        CHECK(owned.destroyed == 1);
        close_peer(&peer);
    }
}

static void hold(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    atomic_fetch_add(&owned->calls, 1);
    OK(tenon_call_retain(call));
    owned->slot = call;
    sem_post(&owned->entered);
    wait_for(&owned->go);
    tenon_call_return_int64(call, 1);
}

/* Closed while one call runs, one is kept and one has not been run yet; two completions come after the end. */
static void close_with_calls_pending(void) {
    static struct owned held, polled;
    struct peer peer;
    int i;
    owned_init(&held);
    owned_init(&polled);
    server = new_server();
    OK(tenon_server_set_worker_threads(server, 1));
    OK(tenon_server_set_limit(server, TENON_LIMIT_DRAIN_TIMEOUT_MS, 0));
    add_tool(server, "held", NULL, TENON_MODE_WORKER, hold, &held, owned_destroy);
    add_tool(server, "polled", NULL, TENON_MODE_POLL, answer_one, &polled, owned_destroy);
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "held", "{}");
    wait_for(&held.entered);
    call_tool(&peer, 2, "held", "{}");
    call_tool(&peer, 3, "polled", "{}");
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"ping\"}");
    CHECK_IN("\"id\":4", next_answer(&peer));
    OK(tenon_server_close(server));
    OK(tenon_server_close(server));
    /* All three are answered: none is run any more. */
    for (i = 0; i < 3; i++) CHECK_IN("\"error\"", next_answer(&peer));
    CHECK(tenon_call_is_cancelled(held.slot));
    CHECK(held.destroyed == 0 && polled.destroyed == 0);
    sem_post(&held.go);
    OK(tenon_server_free(server));
    /* The kept call outlives its server, and holds the data. */
    CHECK(held.destroyed == 0 && polled.destroyed == 1 && polled.calls == 0);
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_return_text(held.slot, "too late", TENON_NUL));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_fail(held.slot, "too late"));
    CHECK(held.destroyed == 0);
    tenon_call_release(held.slot);
    CHECK(held.calls == 1 && held.destroyed == 1 && polled.destroyed == 1);
    close_peer(&peer);
}

/* What has a `user_data` and no entry: each is given up once, whether it was taken, refused or replaced. */
static void hooks_logs_and_middleware(void) {
    struct owned hook, twice, wrong, log, other_log, around, refused;
    struct owned *all[] = {&hook, &twice, &wrong, &log, &other_log, &around, &refused};
    size_t i;
    for (i = 0; i < sizeof all / sizeof *all; i++) owned_init(all[i]);
    server = new_server();
    OK(tenon_server_on(server, "session_end", TENON_MODE_POLL, answer_one, &hook, owned_destroy, NULL));
    CHECK_STATUS(TENON_ERR_DUPLICATE,
                 tenon_server_on(server, "session_end", TENON_MODE_POLL, answer_one, &twice, owned_destroy, NULL));
    CHECK(hook.destroyed == 0 && twice.destroyed == 1);
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_on(server, "session_start", 9, answer_one, &wrong, owned_destroy, NULL));
    CHECK(wrong.destroyed == 1);
    OK(tenon_server_set_log(server, say, &log, owned_destroy));
    OK(tenon_server_set_log(server, say, &other_log, owned_destroy));
    CHECK(log.destroyed == 1 && other_log.destroyed == 0);
    OK(tenon_server_add_middleware(server, "tool", TENON_MODE_WORKER, answer_one, &around, owned_destroy, NULL));
    CHECK_STATUS(TENON_ERR_INVALID,
                 tenon_server_add_middleware(server, "nothing", 0, answer_one, &refused, owned_destroy, NULL));
    CHECK(around.destroyed == 0 && refused.destroyed == 1);
    OK(tenon_server_free(server));
    for (i = 0; i < sizeof all / sizeof *all; i++) CHECK(all[i]->destroyed == 1);
}

static void state(void *user_data, tenon_call *call) {
    struct owned *states = user_data;
    OK(tenon_call_set_state(call, &states[0], owned_destroy));
    OK(tenon_call_set_state(call, &states[1], owned_destroy));
    CHECK(states[0].destroyed == 1 && states[1].destroyed == 0);
    tenon_call_return_int64(call, 1);
}

/* The state of a call is given up when it is replaced, and with the call. */
static void states_of_calls(void) {
    static struct owned states[2];
    struct peer peer;
    owned_init(&states[0]);
    owned_init(&states[1]);
    server = new_server();
    add_tool(server, "state", NULL, TENON_MODE_WORKER, state, states, NULL);
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "state", "{}");
    CHECK(has_text(next_answer(&peer), "1"));
    wait_for(&states[1].gone);
    OK(tenon_server_free(server));
    CHECK(states[0].destroyed == 1 && states[1].destroyed == 1);
    close_peer(&peer);
}

/* A method that replaces one of the protocol's own, removed again while the server runs. */
static void replaced_method(void) {
    struct owned first, second;
    tenon_entry *method;
    struct peer peer;
    owned_init(&first);
    owned_init(&second);
    server = new_server();
    OK(tenon_method_new("tools/list", &method, NULL));
    OK(tenon_entry_set_handler(method, answer_one, &first, owned_destroy));
    OK(tenon_server_replace(server, method, NULL));
    OK(tenon_method_new("tools/list", &method, NULL));
    OK(tenon_entry_set_handler(method, answer_one, &second, owned_destroy));
    CHECK_STATUS(TENON_ERR_DUPLICATE, tenon_server_replace(server, method, NULL));
    CHECK(first.destroyed == 0 && second.destroyed == 1);
    serve(&peer, server);
    OK(tenon_server_remove(server, TENON_KIND_METHOD, "tools/list"));
    wait_for(&first.gone);
    OK(tenon_server_free(server));
    CHECK(first.destroyed == 1 && second.destroyed == 1);
    close_peer(&peer);
}

static const struct test all[] = {
    {"free_inside_a_callback", free_inside_a_callback},
    {"close_with_calls_pending", close_with_calls_pending},
    {"hooks_logs_and_middleware", hooks_logs_and_middleware},
    {"states_of_calls", states_of_calls},
    {"replaced_method", replaced_method},
};
RUN_TESTS(all)
