/* Where callbacks run: workers, poll mode, inline. */
#include <poll.h>
#include <unistd.h>

#include "support.h"

#define N_SCHEMA "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}"

static int is_readable_within(int fd, int ms) {
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    return poll(&ready, 1, ms) == 1;
}

static int is_readable(int fd) {
    return is_readable_within(fd, 0);
}

static void ping(struct peer *peer, int id) {
    char text[16];
    send_line(peer, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"ping\"}", id);
    snprintf(text, sizeof text, "\"id\":%d", id);
    CHECK_IN(text, next_line(peer));
}

static void note_thread(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    owned->thread = pthread_self();
    atomic_fetch_add(&owned->calls, 1);
    OK(tenon_call_return_text(call, "done", TENON_NUL));
}

static void on_poll_thread(void) {
    tenon_server *server = new_server();
    struct owned owned;
    struct peer peer;
    uint32_t handled = 77;
    int fd = -1, i;

    owned_init(&owned);
    add_tool(server, "here", NULL, TENON_MODE_POLL, note_thread, &owned, owned_destroy);
    serve(&peer, server);
    OK(tenon_server_wake_fd(server, &fd));
    CHECK(fd >= 0);
    initialize(&peer, "{}");
    OK(tenon_server_poll(server, 0, 0, &handled));
    CHECK(handled == 0 && !is_readable(fd));
    OK(tenon_server_poll(server, 0, 20, &handled));
    CHECK(handled == 0);
    for (i = 0; i < 3; i++) call_tool(&peer, i + 1, "here", "{}");
    /* The answer to the ping says that all three are queued, and no other thread has touched them. */
    ping(&peer, 10);
    CHECK(owned.calls == 0);
    for (i = 0; i < 3; i++) {
        /* The answer to the ping may come before the wake of the lines that were read together with it. */
        CHECK(is_readable_within(fd, 10000));
        OK(tenon_server_poll(server, 1, 0, &handled));
        CHECK(handled == 1 && owned.calls == i + 1 && pthread_equal(owned.thread, pthread_self()));
        CHECK(has_text(next_line(&peer), "done"));
    }
    OK(tenon_server_poll(server, 0, 0, &handled));
    CHECK(handled == 0 && !is_readable(fd));
    /* Without end, until something comes. */
    call_tool(&peer, 4, "here", "{}");
    OK(tenon_server_poll(server, 0, -1, &handled));
    CHECK(handled == 1);
    CHECK(has_text(next_line(&peer), "done"));
    OK(tenon_server_close(server));
    while (tenon_server_poll(server, 0, -1, &handled) == TENON_OK) {}
    CHECK(tenon_server_is_closed(server) && is_readable(fd));
    CHECK_STATUS(TENON_ENDED, tenon_server_poll(server, 0, -1, &handled));
    memset(&owned.thread, 0, sizeof owned.thread);
    OK(tenon_server_free(server));
    CHECK(owned.destroyed == 1 && pthread_equal(owned.thread, pthread_self()));
    close_peer(&peer);
}

static void slow(void *user_data, tenon_call *call) {
    (void)user_data;
    usleep(5000);
    OK(tenon_call_return_text(call, "done", TENON_NUL));
}

/* How long one poll goes on starting callbacks is a limit. */
static void poll_budget(void) {
    static const struct {
        uint64_t budget;
        uint32_t handled;
    } cases[] = {{0, 1}, {60000, 3}};
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        tenon_server *server = new_server();
        struct peer peer;
        uint32_t handled = 0, rest;
        int id;
        add_tool(server, "slow", NULL, TENON_MODE_POLL, slow, NULL, NULL);
        if (cases[i].budget > 0) OK(tenon_server_set_limit(server, TENON_LIMIT_POLL_BUDGET_MS, cases[i].budget));
        serve(&peer, server);
        initialize(&peer, "{}");
        for (id = 1; id <= 3; id++) call_tool(&peer, id, "slow", "{}");
        ping(&peer, 10);
        OK(tenon_server_poll(server, 0, 0, &handled));
        CHECK(handled == cases[i].handled);
        for (; handled < 3; handled += rest) OK(tenon_server_poll(server, 0, -1, &rest));
        OK(tenon_server_free(server));
        close_peer(&peer);
    }
}

struct nested {
    tenon_server *server;
    int depth, deepest;
};

/* Like a modal dialog: goes on serving from inside a callback. */
static void nest(void *user_data, tenon_call *call) {
    struct nested *nested = user_data;
    int64_t n = 0;
    OK(tenon_call_arg_int64(call, "n", &n));
    if (++nested->depth > nested->deepest) nested->deepest = nested->depth;
    if (n > 0) OK(tenon_server_poll(nested->server, 1, -1, NULL));
    nested->depth--;
    OK(tenon_call_return_int64(call, n));
}

static void nested_poll(void) {
    struct nested nested = {new_server(), 0, 0};
    struct peer peer;
    uint32_t handled = 0;
    int i;
    add_tool(nested.server, "nest", N_SCHEMA, TENON_MODE_POLL, nest, &nested, NULL);
    serve(&peer, nested.server);
    initialize(&peer, "{}");
    for (i = 5; i >= 0; i--) {
        char arguments[32];
        snprintf(arguments, sizeof arguments, "{\"n\":%d}", i);
        call_tool(&peer, i + 1, "nest", arguments);
    }
    OK(tenon_server_poll(nested.server, 1, -1, &handled));
    CHECK(handled == 1 && nested.deepest == 6);
    for (i = 0; i <= 5; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        CHECK(has_text(next_line(&peer), text));
    }
    OK(tenon_server_free(nested.server));
    close_peer(&peer);
}

static void *poll_to_the_end(void *server) {
    while (tenon_server_poll(server, 1, -1, NULL) == TENON_OK) {}
    return NULL;
}

static void meet(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    /* Returns only if another thread comes here too. */
    sem_post(&owned->entered);
    wait_for(&owned->go);
    OK(tenon_call_return_bool(call, true));
}

/* Several threads may poll, and one that is in a callback keeps no work from the others. */
static void several_pollers(void) {
    tenon_server *server = new_server();
    struct owned owned;
    struct peer peer;
    pthread_t threads[3];
    int i;
    owned_init(&owned);
    add_tool(server, "meet", NULL, TENON_MODE_POLL, meet, &owned, NULL);
    serve(&peer, server);
    for (i = 0; i < 3; i++) pthread_create(&threads[i], NULL, poll_to_the_end, server);
    initialize(&peer, "{}");
    for (i = 0; i < 3; i++) call_tool(&peer, i + 1, "meet", "{}");
    for (i = 0; i < 3; i++) wait_for(&owned.entered);
    for (i = 0; i < 3; i++) sem_post(&owned.go);
    for (i = 0; i < 3; i++) CHECK(has_text(next_line(&peer), "true"));
    OK(tenon_server_close(server));
    for (i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    OK(tenon_server_free(server));
    close_peer(&peer);
}

/* Calls that nobody polls for must not hold up the end. */
static void unpolled_calls_fail(void) {
    tenon_server *server = new_server();
    struct owned owned;
    struct peer peer;
    owned_init(&owned);
    add_tool(server, "here", NULL, TENON_MODE_POLL, note_thread, &owned, owned_destroy);
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "here", "{}");
    ping(&peer, 10);
    OK(tenon_server_free(server));
    CHECK(owned.calls == 0 && owned.destroyed == 1);
    CHECK_IN("the server is closing", next_line(&peer));
    close_peer(&peer);
}

struct sorter {
    tenon_server *server;
    struct owned worker, main_loop;
    pthread_t runner;
};

static void close_server(void *user_data, tenon_call *call) {
    OK(tenon_server_close(user_data));
    OK(tenon_call_return_text(call, "closing", TENON_NUL));
}

static void *run_server(void *argument) {
    struct sorter *sorter = argument;
    sorter->runner = pthread_self();
    OK(tenon_server_set_signals(sorter->server, false));
    OK(tenon_server_run(sorter->server, NULL));
    return NULL;
}

/* One tool on a worker, one on the thread of tenon_server_run(). */
static void mixed_under_run(void) {
    struct sorter sorter;
    struct peer peer;
    pthread_t thread;
    memset(&sorter, 0, sizeof sorter);
    sorter.server = new_server();
    owned_init(&sorter.worker);
    owned_init(&sorter.main_loop);
    add_tool(sorter.server, "worker", NULL, TENON_MODE_WORKER, note_thread, &sorter.worker, NULL);
    add_tool(sorter.server, "main", NULL, TENON_MODE_POLL, note_thread, &sorter.main_loop, NULL);
    add_tool(sorter.server, "close", NULL, TENON_MODE_POLL, close_server, sorter.server, NULL);
    connect_peer(&peer, sorter.server);
    pthread_create(&thread, NULL, run_server, &sorter);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "worker", "{}");
    CHECK(has_text(next_line(&peer), "done"));
    call_tool(&peer, 2, "main", "{}");
    CHECK(has_text(next_line(&peer), "done"));
    CHECK(pthread_equal(sorter.main_loop.thread, sorter.runner));
    CHECK(!pthread_equal(sorter.worker.thread, sorter.runner));
    CHECK(!pthread_equal(sorter.worker.thread, pthread_self()));
    call_tool(&peer, 3, "close", "{}");
    CHECK(has_text(next_line(&peer), "closing"));
    pthread_join(thread, NULL);
    CHECK(tenon_server_is_closed(sorter.server));
    OK(tenon_server_free(sorter.server));
    close_peer(&peer);
}

/* As many callbacks at once as there are workers. */
static void workers_run_at_once(void) {
    tenon_server *server = new_server();
    struct owned owned;
    struct peer peer;
    int i;
    owned_init(&owned);
    OK(tenon_server_set_worker_threads(server, 5));
    add_tool(server, "meet", NULL, TENON_MODE_WORKER, meet, &owned, NULL);
    serve(&peer, server);
    initialize(&peer, "{}");
    for (i = 0; i < 5; i++) call_tool(&peer, i + 1, "meet", "{}");
    for (i = 0; i < 5; i++) wait_for(&owned.entered);
    /* While all are busy the protocol is not. */
    ping(&peer, 10);
    for (i = 0; i < 5; i++) sem_post(&owned.go);
    for (i = 0; i < 5; i++) CHECK(has_text(next_line(&peer), "true"));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static void count_up(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    owned->thread = pthread_self();
    OK(tenon_call_return_int64(call, atomic_fetch_add(&owned->calls, 1)));
}

static void inline_in_order(void) {
    tenon_server *server = new_server();
    struct owned owned;
    struct peer peer;
    int i;
    owned_init(&owned);
    add_tool(server, "count", NULL, TENON_MODE_INLINE, count_up, &owned, owned_destroy);
    serve(&peer, server);
    initialize(&peer, "{}");
    for (i = 0; i < 300; i++) call_tool(&peer, i + 1, "count", "{}");
    for (i = 0; i < 300; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        CHECK(has_text(next_line(&peer), text));
    }
    CHECK(!pthread_equal(owned.thread, pthread_self()));
    OK(tenon_server_free(server));
    CHECK(owned.destroyed == 1);
    close_peer(&peer);
}

/* Inside an inline callback everything is allowed but to start, run or free. */
static void inline_reentry(void *user_data, tenon_call *call) {
    tenon_server *server = user_data, *other = new_server();
    struct owned *owned = malloc(sizeof *owned);
    owned_init(owned);
    add_tool(server, "added", NULL, TENON_MODE_INLINE, count_up, owned, owned_destroy);
    OK(tenon_server_remove(server, TENON_KIND_TOOL, "added"));
    CHECK(owned->destroyed == 1);
    free(owned);
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_free(server));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_run(server, NULL));
    OK(tenon_server_listen_http(other, "127.0.0.1:0", NULL));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_start(other, NULL));
    OK(tenon_server_free(other));
    OK(tenon_server_poll(server, 0, 0, NULL));
    OK(tenon_call_return_text(call, "fine", TENON_NUL));
    OK(tenon_server_close(server));
}

static void inline_is_reentrant(void) {
    tenon_server *server = new_server();
    struct peer peer;
    add_tool(server, "reenter", NULL, TENON_MODE_INLINE, inline_reentry, server, NULL);
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "reenter", "{}");
    CHECK(has_text(next_answer(&peer), "fine"));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static const struct test all[] = {
    {"on_poll_thread", on_poll_thread},
    {"poll_budget", poll_budget},
    {"nested_poll", nested_poll},
    {"several_pollers", several_pollers},
    {"unpolled_calls_fail", unpolled_calls_fail},
    {"mixed_under_run", mixed_under_run},
    {"workers_run_at_once", workers_run_at_once},
    {"inline_in_order", inline_in_order},
    {"inline_is_reentrant", inline_is_reentrant},
};
RUN_TESTS(all)
