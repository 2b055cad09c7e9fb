/* `destroy` runs exactly once, after the last callback and the last kept call. */
#include "support.h"

static void answer_one(void *user_data, tenon_call *call) {
    atomic_fetch_add(&((struct owned *)user_data)->calls, 1);
    tenon_call_return_int64(call, 1);
}

static void hold(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    sem_post(&owned->entered);
    wait_for(&owned->go);
    CHECK(atomic_load(&owned->destroyed) == 0);
    tenon_call_return_int64(call, 1);
}

static void keep(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    OK(tenon_call_retain(call));
    owned->slot = call;
    sem_post(&owned->entered);
}

static void without_server(void) {
    struct owned a, b;
    tenon_entry *tool = NULL;

    owned_init(&a);
    CHECK_STATUS(TENON_ERR_NULL, tenon_entry_set_handler(NULL, answer_one, &a, owned_destroy));
    CHECK(a.destroyed == 1);

    owned_init(&a);
    OK(tenon_tool_new("a", &tool, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_entry_set_handler(tool, NULL, &a, owned_destroy));
    CHECK(a.destroyed == 1);
    tenon_entry_free(tool);
    CHECK(a.destroyed == 1);

    owned_init(&a);
    owned_init(&b);
    OK(tenon_tool_new("a", &tool, NULL));
    OK(tenon_entry_set_handler(tool, answer_one, &a, owned_destroy));
    CHECK(a.destroyed == 0);
    OK(tenon_entry_set_handler(tool, answer_one, &b, owned_destroy));
    CHECK(a.destroyed == 1 && b.destroyed == 0);
    tenon_entry_free(tool);
    CHECK(a.destroyed == 1 && b.destroyed == 1);
}

static void failed_registration(void) {
    static const char *const schemas[] = {"{\"type\":\"string\"}", "not json", "{\"type\":\"object\"}"};
    tenon_server *server = new_server();
    struct owned a, first;
    tenon_entry *tool = NULL;
    size_t i;

    owned_init(&a);
    OK(tenon_tool_new("a", &tool, NULL));
    OK(tenon_entry_set_handler(tool, answer_one, &a, owned_destroy));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_add(NULL, tool, NULL));
    CHECK(a.destroyed == 1);

    owned_init(&first);
    add_tool(server, "taken", NULL, TENON_MODE_WORKER, answer_one, &first, owned_destroy);
    for (i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        owned_init(&a);
        OK(tenon_tool_new("taken", &tool, NULL));
        tenon_tool_set_input_schema(tool, schemas[i]);
        OK(tenon_entry_set_handler(tool, answer_one, &a, owned_destroy));
        CHECK(tenon_server_add(server, tool, NULL) < 0);
        CHECK(a.destroyed == 1);
    }
    CHECK(first.destroyed == 0);
    OK(tenon_server_free(server));
    CHECK(first.destroyed == 1);
}

static void removal(void) {
    tenon_server *server = new_server();
    struct owned before, after, again;
    struct peer peer;

    owned_init(&before);
    owned_init(&after);
    owned_init(&again);
    add_tool(server, "before", NULL, TENON_MODE_WORKER, answer_one, &before, owned_destroy);
    add_tool(server, "after", NULL, TENON_MODE_WORKER, answer_one, &after, owned_destroy);
    OK(tenon_server_remove(server, TENON_KIND_TOOL, "before"));
    CHECK(before.destroyed == 1);
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_remove(server, TENON_KIND_TOOL, "before"));
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "after", "{}");
    CHECK(has_text(next_answer(&peer), "1"));
    OK(tenon_server_remove(server, TENON_KIND_TOOL, "after"));
    wait_for(&after.gone);
    CHECK(after.destroyed == 1);
    call_tool(&peer, 2, "after", "{}");
    CHECK_IN("Unknown tool", next_answer(&peer));
    /* The name is free again, also while the server runs. */
    add_tool(server, "after", NULL, TENON_MODE_WORKER, answer_one, &again, owned_destroy);
    call_tool(&peer, 3, "after", "{}");
    CHECK(has_text(next_answer(&peer), "1"));
    CHECK(again.calls == 1 && after.calls == 1);
    OK(tenon_server_free(server));
    CHECK(before.destroyed == 1 && after.destroyed == 1 && again.destroyed == 1);
    close_peer(&peer);
}

/* Removed while its callback runs, with a second call waiting behind it. */
static void removal_during_callback(void) {
    tenon_server *server = new_server();
    struct owned owned;
    struct peer peer;

    owned_init(&owned);
    OK(tenon_server_set_worker_threads(server, 1));
    add_tool(server, "hold", NULL, TENON_MODE_WORKER, hold, &owned, owned_destroy);
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "hold", "{}");
    wait_for(&owned.entered);
    call_tool(&peer, 2, "hold", "{}");
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\"}");
    CHECK_IN("\"id\":3", next_answer(&peer));
    OK(tenon_server_remove(server, TENON_KIND_TOOL, "hold"));
    CHECK(owned.destroyed == 0);
    sem_post(&owned.go);
    CHECK(has_text(next_answer(&peer), "1"));
    wait_for(&owned.gone);
    CHECK_IN("was removed before its call was run", next_answer(&peer));
    CHECK(owned.destroyed == 1);
    OK(tenon_server_free(server));
    CHECK(owned.destroyed == 1);
    close_peer(&peer);
}

/* A kept call holds the data: beyond the removal, beyond the server. */
static void kept_calls(void) {
    tenon_server *server = new_server();
    struct owned one, two;
    struct peer peer;

    owned_init(&one);
    owned_init(&two);
    OK(tenon_server_set_limit(server, TENON_LIMIT_DRAIN_TIMEOUT_MS, 0));
    add_tool(server, "one", NULL, TENON_MODE_WORKER, keep, &one, owned_destroy);
    add_tool(server, "two", NULL, TENON_MODE_POLL, keep, &two, owned_destroy);
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "one", "{}");
    call_tool(&peer, 2, "two", "{}");
    OK(tenon_server_poll(server, 1, 10000, NULL));
    wait_for(&one.entered);
    wait_for(&two.entered);
    OK(tenon_server_remove(server, TENON_KIND_TOOL, "one"));
    CHECK(one.destroyed == 0);
    OK(tenon_call_return_text(one.slot, "late", TENON_NUL));
    CHECK(has_text(next_answer(&peer), "late"));
    CHECK(one.destroyed == 0);
    tenon_call_release(one.slot);
    /* Here, or where the callback is just returning: whichever is the last. */
    wait_for(&one.gone);
    CHECK(one.destroyed == 1);
    OK(tenon_server_free(server));
    CHECK(two.destroyed == 0);
    CHECK(tenon_call_is_cancelled(two.slot));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_return_text(two.slot, "too late", TENON_NUL));
    tenon_call_release(two.slot);
    CHECK(two.destroyed == 1 && pthread_equal(two.thread, pthread_self()));
    close_peer(&peer);
}

static void never_started(void) {
    tenon_server *server = new_server();
    struct owned owned;
    owned_init(&owned);
    add_tool(server, "a", NULL, TENON_MODE_INLINE, answer_one, &owned, owned_destroy);
    OK(tenon_server_free(server));
    CHECK(owned.destroyed == 1 && pthread_equal(owned.thread, pthread_self()));
}

/* A start that fails leaves the tools as they are. */
static void failed_start(void) {
    tenon_server *server = new_server();
    struct owned owned;
    owned_init(&owned);
    add_tool(server, "a", NULL, TENON_MODE_WORKER, answer_one, &owned, owned_destroy);
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_start(server, NULL));
    CHECK(owned.destroyed == 0);
    OK(tenon_server_free(server));
    CHECK(owned.destroyed == 1);
}

static const struct test all[] = {
    {"without_server", without_server},
    {"failed_registration", failed_registration},
    {"removal", removal},
    {"removal_during_callback", removal_during_callback},
    {"kept_calls", kept_calls},
    {"never_started", never_started},
    {"failed_start", failed_start},
};
RUN_TESTS(all)
