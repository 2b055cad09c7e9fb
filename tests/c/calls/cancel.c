/* tenon_call_on_cancel(): called once for each way in which a call ends early, with `destroy` once in every path. */
#include <unistd.h>

#include "support.h"

/* `calls` counts how often it ran. */
static void hear(void *user_data) {
    struct owned *owned = user_data;
    owned->thread = pthread_self();
    atomic_fetch_add(&owned->calls, 1);
    sem_post(&owned->go);
}

/* Unlike owned_destroy(), it leaves the thread as `hear` has it. */
static void end(void *user_data) {
    struct owned *owned = user_data;
    atomic_fetch_add(&owned->destroyed, 1);
    sem_post(&owned->gone);
}

static void wake(void *user_data) {
    struct owned *owned = user_data;
    atomic_fetch_add(&owned->calls, 1);
    sem_post(&owned->go);
}

/* Blocks until it is cancelled. */
static void block(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    OK(tenon_call_on_cancel(call, wake, owned, NULL));
    sem_post(&owned->entered);
    wait_for(&owned->go);
    CHECK(tenon_call_is_cancelled(call));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_return_text(call, "late", TENON_NUL));
    sem_post(&owned->gone);
}

static void keep(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    OK(tenon_call_retain(call));
    owned->slot = call;
    sem_post(&owned->entered);
}

/* Keeps the call, and hears of its end. */
static void keep_and_hear(void *user_data, tenon_call *call) {
    OK(tenon_call_on_cancel(call, hear, user_data, end));
    keep(user_data, call);
}

static void cancel(struct peer *peer, int id) {
    send_line(peer, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":%d}}", id);
}

/* What was sent before has been taken in. */
static void settle(struct peer *peer) {
    send_line(peer, "{\"jsonrpc\":\"2.0\",\"id\":99,\"method\":\"ping\"}");
    CHECK_IN("\"id\":99", next_line(peer));
}

static tenon_server *start(
    struct peer *peer, struct owned *owned, tenon_mode mode, tenon_handler_fn handler, uint32_t timeout_ms) {
    tenon_server *server = new_server();
    tenon_entry *tool = NULL;
    owned_init(owned);
    OK(tenon_tool_new("it", &tool, NULL));
    OK(tenon_entry_set_mode(tool, mode));
    if (timeout_ms) OK(tenon_entry_set_timeout_ms(tool, timeout_ms));
    OK(tenon_entry_set_handler(tool, handler, owned, NULL));
    OK(tenon_server_add(server, tool, NULL));
    serve(peer, server);
    initialize(peer, "{}");
    call_tool(peer, 1, "it", "{}");
    if (mode != TENON_MODE_POLL) wait_for(&owned->entered);
    return server;
}

/* A callback that blocks is woken while it does. */
static void a_blocked_worker_is_cancelled(void) {
    struct owned owned;
    struct peer peer;
    tenon_server *server = start(&peer, &owned, TENON_MODE_WORKER, block, 0);
    CHECK(owned.calls == 0);
    cancel(&peer, 1);
    wait_for(&owned.gone);
    settle(&peer);
    OK(tenon_server_free(server));
    CHECK(owned.calls == 1);
    close_peer(&peer);
}

static void a_blocked_worker_is_late(void) {
    struct owned owned;
    struct peer peer;
    tenon_server *server = start(&peer, &owned, TENON_MODE_WORKER, block, 30);
    CHECK_IN("timed out after 30 ms", next_line(&peer));
    wait_for(&owned.gone);
    OK(tenon_server_free(server));
    CHECK(owned.calls == 1);
    close_peer(&peer);
}

/* The end of the server waits for the callback, which nobody else wakes. */
static void a_blocked_worker_is_closed(void) {
    struct owned owned;
    struct peer peer;
    tenon_server *server = new_server();
    owned_init(&owned);
    OK(tenon_server_set_limit(server, TENON_LIMIT_DRAIN_TIMEOUT_MS, 20));
    add_tool(server, "it", NULL, TENON_MODE_WORKER, block, &owned, NULL);
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "it", "{}");
    wait_for(&owned.entered);
    OK(tenon_server_free(server));
    CHECK(owned.calls == 1);
    close_peer(&peer);
}

static void the_client_of_a_blocked_worker_goes(void) {
    tenon_server *server = new_server();
    struct owned owned;
    const char *url;
    int fd;
    owned_init(&owned);
    add_tool(server, "it", NULL, TENON_MODE_WORKER, block, &owned, NULL);
    OK(tenon_server_listen_http(server, "127.0.0.1:0", NULL));
    OK(tenon_server_start(server, NULL));
    OK(tenon_server_http_url(server, &url, NULL));
    fd = http_connect(url);
    http_post(fd, "it");
    wait_for(&owned.entered);
    close(fd);
    wait_for(&owned.gone);
    OK(tenon_server_free(server));
    CHECK(owned.calls == 1);
}

/* Inline callbacks that keep their call hear of its end on a thread that is not theirs. */
static void a_kept_inline_call(void) {
    struct owned owned;
    struct peer peer;
    tenon_server *server = start(&peer, &owned, TENON_MODE_INLINE, keep_and_hear, 0);
    cancel(&peer, 1);
    wait_for(&owned.gone);
    CHECK(owned.calls == 1 && owned.destroyed == 1);
    CHECK(!pthread_equal(owned.thread, pthread_self()));
    tenon_call_release(owned.slot);
    OK(tenon_server_free(server));
    CHECK(owned.calls == 1 && owned.destroyed == 1);
    close_peer(&peer);
}

/* In poll mode only who polls runs it. */
static void a_kept_polled_call(void) {
    struct owned owned;
    struct peer peer;
    uint32_t handled = 0;
    tenon_server *server = start(&peer, &owned, TENON_MODE_POLL, keep_and_hear, 0);
    OK(tenon_server_poll(server, 1, 30000, &handled));
    CHECK(handled == 1 && owned.slot != NULL);
    cancel(&peer, 1);
    settle(&peer);
    CHECK(tenon_call_is_cancelled(owned.slot));
    CHECK(owned.calls == 0 && owned.destroyed == 0);
    OK(tenon_server_poll(server, 1, 30000, &handled));
    CHECK(handled == 1 && owned.calls == 1 && owned.destroyed == 1);
    CHECK(pthread_equal(owned.thread, pthread_self()));
    tenon_call_release(owned.slot);
    OK(tenon_server_free(server));
    CHECK(owned.calls == 1 && owned.destroyed == 1);
    close_peer(&peer);
}

static tenon_server *polled;

/* Polls while it waits, as a modal dialog does. */
static void poll_until_heard(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    OK(tenon_call_on_cancel(call, hear, owned, end));
    sem_post(&owned->entered);
    while (owned->calls == 0) OK(tenon_server_poll(polled, 1, 30000, NULL));
    CHECK(owned->destroyed == 1);
}

static void *cancel_once_entered(void *argument) {
    void **given = argument;
    wait_for(&((struct owned *)given[0])->entered);
    cancel(given[1], 1);
    return NULL;
}

static void a_polled_callback_that_polls(void) {
    struct owned owned;
    struct peer peer;
    void *given[2] = {&owned, &peer};
    pthread_t thread;
    polled = start(&peer, &owned, TENON_MODE_POLL, poll_until_heard, 0);
    pthread_create(&thread, NULL, cancel_once_entered, given);
    OK(tenon_server_poll(polled, 1, 30000, NULL));
    CHECK(owned.calls == 1);
    pthread_join(thread, NULL);
    OK(tenon_server_free(polled));
    close_peer(&peer);
}

/* What nobody polls for any more is given up. */
static void a_polled_call_that_is_never_told(void) {
    struct owned owned;
    struct peer peer;
    tenon_server *server = start(&peer, &owned, TENON_MODE_POLL, keep_and_hear, 0);
    OK(tenon_server_poll(server, 1, 30000, NULL));
    cancel(&peer, 1);
    settle(&peer);
    OK(tenon_server_free(server));
    CHECK(owned.calls == 0 && owned.destroyed == 1);
    /* The call outlives its server, and is over. */
    OK(tenon_call_on_cancel(owned.slot, hear, &owned, end));
    CHECK(owned.calls == 1 && owned.destroyed == 2);
    tenon_call_release(owned.slot);
    close_peer(&peer);
}

static void one_that_was_cancelled_before(void) {
    struct owned owned;
    struct peer peer;
    tenon_server *server = start(&peer, &owned, TENON_MODE_WORKER, keep, 0);
    cancel(&peer, 1);
    settle(&peer);
    OK(tenon_call_on_cancel(owned.slot, hear, &owned, end));
    CHECK(owned.calls == 1 && owned.destroyed == 1);
    CHECK(pthread_equal(owned.thread, pthread_self()));
    OK(tenon_call_on_cancel(owned.slot, hear, &owned, NULL));
    CHECK(owned.calls == 2);
    tenon_call_release(owned.slot);
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static void one_that_is_completed(void) {
    struct owned owned;
    struct peer peer;
    tenon_server *server = start(&peer, &owned, TENON_MODE_WORKER, keep_and_hear, 0);
    OK(tenon_call_return_text(owned.slot, "done", TENON_NUL));
    CHECK(owned.calls == 0 && owned.destroyed == 1);
    CHECK(has_text(next_line(&peer), "done"));
    cancel(&peer, 1);
    settle(&peer);
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_on_cancel(owned.slot, hear, &owned, end));
    CHECK(owned.calls == 0 && owned.destroyed == 2);
    tenon_call_release(owned.slot);
    OK(tenon_server_free(server));
    CHECK(owned.calls == 0 && owned.destroyed == 2);
    close_peer(&peer);
}

static void ones_that_are_refused(void) {
    struct owned owned;
    struct peer peer;
    tenon_server *server = start(&peer, &owned, TENON_MODE_WORKER, keep, 0);
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_on_cancel(NULL, hear, &owned, end));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_on_cancel(owned.slot, NULL, &owned, end));
    CHECK(owned.destroyed == 2);
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_on_cancel(owned.slot, NULL, NULL, NULL));
    OK(tenon_call_fail(owned.slot, "enough"));
    tenon_call_release(owned.slot);
    CHECK_IN("enough", next_line(&peer));
    OK(tenon_server_free(server));
    CHECK(owned.calls == 0 && owned.destroyed == 2);
    close_peer(&peer);
}

static void leave(void *user_data, tenon_call *call) {
    OK(tenon_call_on_cancel(call, hear, user_data, end));
    sem_post(&((struct owned *)user_data)->entered);
}

static void one_whose_callback_just_returns(void) {
    struct owned owned;
    struct peer peer;
    tenon_server *server = start(&peer, &owned, TENON_MODE_WORKER, leave, 0);
    CHECK_IN("returned without completing the call", next_line(&peer));
    OK(tenon_server_free(server));
    CHECK(owned.calls == 0 && owned.destroyed == 1);
    close_peer(&peer);
}

static char order[4];

static void note(void *user_data) {
    size_t at = strlen(order);
    CHECK(at < sizeof order - 1);
    order[at] = *(const char *)user_data;
}

static void several_in_their_order(void) {
    struct owned owned;
    struct peer peer;
    tenon_server *server = start(&peer, &owned, TENON_MODE_WORKER, keep, 0);
    OK(tenon_call_on_cancel(owned.slot, note, "a", NULL));
    OK(tenon_call_on_cancel(owned.slot, note, "b", NULL));
    OK(tenon_call_on_cancel(owned.slot, hear, &owned, end));
    cancel(&peer, 1);
    wait_for(&owned.gone);
    CHECK(strcmp(order, "ab") == 0);
    tenon_call_release(owned.slot);
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static struct owned tardy;
static atomic_int ended;

/* Takes its time. */
static void hear_slowly(void *user_data) {
    (void)user_data;
    sem_post(&tardy.entered);
    wait_for(&tardy.go);
    ended = 1;
}

static void leave_when_cancelled(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    if (atomic_fetch_add(&tardy.calls, 1) > 0) {
        CHECK(ended == 1);
        OK(tenon_call_return_text(call, "second", TENON_NUL));
        return;
    }
    OK(tenon_call_on_cancel(call, hear_slowly, NULL, NULL));
    sem_post(&owned->entered);
    while (!tenon_call_is_cancelled(call)) sched_yield();
    wait_for(&tardy.entered);
}

/* The worker goes on to no other call before it has ended. */
static void a_callback_that_returns_waits_for_it(void) {
    tenon_server *server = new_server();
    struct owned owned;
    struct peer peer;
    owned_init(&owned);
    owned_init(&tardy);
    OK(tenon_server_set_worker_threads(server, 1));
    add_tool(server, "it", NULL, TENON_MODE_WORKER, leave_when_cancelled, &owned, NULL);
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "it", "{}");
    wait_for(&owned.entered);
    cancel(&peer, 1);
    call_tool(&peer, 2, "it", "{}");
    settle(&peer);
    /* The one worker has not come to the second call. */
    CHECK(tardy.calls == 1);
    sem_post(&tardy.go);
    CHECK(has_text(next_line(&peer), "second"));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static tenon_server *within;

static void free_the_server(void *user_data) {
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_free(within));
    hear(user_data);
}

static void it_is_inside_of_its_server(void) {
    struct owned owned;
    struct peer peer;
    within = start(&peer, &owned, TENON_MODE_WORKER, keep, 0);
    OK(tenon_call_on_cancel(owned.slot, free_the_server, &owned, end));
    cancel(&peer, 1);
    wait_for(&owned.gone);
    CHECK(owned.calls == 1);
    tenon_call_release(owned.slot);
    OK(tenon_server_free(within));
    close_peer(&peer);
}

static void follow(void *user_data, tenon_call *call) {
    OK(tenon_call_on_cancel(call, hear, user_data, end));
    OK(tenon_call_next(call, NULL, 0, NULL, NULL, NULL, NULL));
}

/* Middleware and its handler hear of the end each; a completion of either is none to the other. */
static void middleware_and_its_handler(void) {
    struct owned outer, owned;
    struct peer peer;
    tenon_server *server = new_server();
    owned_init(&outer);
    owned_init(&owned);
    add_tool(server, "it", NULL, TENON_MODE_WORKER, keep_and_hear, &owned, NULL);
    OK(tenon_server_add_middleware(server, "tool", TENON_MODE_WORKER, follow, &outer, NULL, NULL));
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "it", "{}");
    wait_for(&owned.entered);
    cancel(&peer, 1);
    wait_for(&owned.gone);
    wait_for(&outer.gone);
    CHECK(owned.calls == 1 && outer.calls == 1);
    tenon_call_release(owned.slot);
    call_tool(&peer, 2, "it", "{}");
    wait_for(&owned.entered);
    OK(tenon_call_return_text(owned.slot, "done", TENON_NUL));
    CHECK(has_text(next_line(&peer), "done"));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_on_cancel(owned.slot, hear, &owned, end));
    tenon_call_release(owned.slot);
    OK(tenon_server_free(server));
    CHECK(owned.calls == 1 && owned.destroyed == 3);
    CHECK(outer.calls == 1 && outer.destroyed == 2);
    close_peer(&peer);
}

#define ROUNDS 200

struct race {
    struct owned owned;
    sem_t start, done;
    int completed;
};

static void *complete(void *argument) {
    struct race *race = argument;
    for (int round = 0; round < ROUNDS; round++) {
        wait_for(&race->start);
        race->completed += tenon_call_return_bool(race->owned.slot, true) == TENON_OK;
        tenon_call_release(race->owned.slot);
        sem_post(&race->done);
    }
    return NULL;
}

/* Whoever is first, a call is completed or heard of, never both. */
static void completed_and_cancelled_at_once(void) {
    tenon_server *server = new_server();
    struct race race = {.completed = 0};
    struct peer peer;
    pthread_t thread;
    owned_init(&race.owned);
    sem_init(&race.start, 0, 0);
    sem_init(&race.done, 0, 0);
    add_tool(server, "it", NULL, TENON_MODE_WORKER, keep_and_hear, &race.owned, NULL);
    serve(&peer, server);
    initialize(&peer, "{}");
    pthread_create(&thread, NULL, complete, &race);
    for (int round = 1; round <= ROUNDS; round++) {
        call_tool(&peer, round, "it", "{}");
        wait_for(&race.owned.entered);
        sem_post(&race.start);
        cancel(&peer, round);
        wait_for(&race.done);
        wait_for(&race.owned.gone);
        CHECK(race.completed + race.owned.calls == round && race.owned.destroyed == round);
        send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":\"ping\",\"method\":\"ping\"}");
        while (strstr(next_line(&peer), "\"id\":\"ping\"") == NULL) {}
    }
    pthread_join(thread, NULL);
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static const struct test all[] = {
    {"a_blocked_worker_is_cancelled", a_blocked_worker_is_cancelled},
    {"a_blocked_worker_is_late", a_blocked_worker_is_late},
    {"a_blocked_worker_is_closed", a_blocked_worker_is_closed},
    {"the_client_of_a_blocked_worker_goes", the_client_of_a_blocked_worker_goes},
    {"a_kept_inline_call", a_kept_inline_call},
    {"a_kept_polled_call", a_kept_polled_call},
    {"a_polled_callback_that_polls", a_polled_callback_that_polls},
    {"a_polled_call_that_is_never_told", a_polled_call_that_is_never_told},
    {"one_that_was_cancelled_before", one_that_was_cancelled_before},
    {"one_that_is_completed", one_that_is_completed},
    {"ones_that_are_refused", ones_that_are_refused},
    {"one_whose_callback_just_returns", one_whose_callback_just_returns},
    {"several_in_their_order", several_in_their_order},
    {"a_callback_that_returns_waits_for_it", a_callback_that_returns_waits_for_it},
    {"it_is_inside_of_its_server", it_is_inside_of_its_server},
    {"middleware_and_its_handler", middleware_and_its_handler},
    {"completed_and_cancelled_at_once", completed_and_cancelled_at_once},
};
RUN_TESTS(all)
