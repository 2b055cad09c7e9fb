/* Calls that other threads complete after their callback returned. */
#include "support.h"

#define CALLS 200

struct work {
    pthread_mutex_t lock;
    pthread_cond_t more;
    tenon_call *calls[CALLS];
    int put, got;
    int stop;
};

static void enqueue(void *user_data, tenon_call *call) {
    struct work *work = user_data;
    OK(tenon_call_retain(call));
    pthread_mutex_lock(&work->lock);
    work->calls[work->put++] = call;
    pthread_cond_signal(&work->more);
    pthread_mutex_unlock(&work->lock);
}

static void *complete_all(void *argument) {
    struct work *work = argument;
    pthread_mutex_lock(&work->lock);
    for (;;) {
        tenon_call *call;
        int64_t n;
        while (work->got == work->put && !work->stop) pthread_cond_wait(&work->more, &work->lock);
        if (work->got == work->put) break;
        call = work->calls[work->got++];
        pthread_mutex_unlock(&work->lock);
        OK(tenon_call_arg_int64(call, "n", &n));
        OK(tenon_call_return_int64(call, n * 2));
        tenon_call_release(call);
        pthread_mutex_lock(&work->lock);
    }
    pthread_mutex_unlock(&work->lock);
    return NULL;
}

static void from_other_threads(void) {
    static struct work work = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};
    tenon_server *server = new_server();
    struct peer peer;
    pthread_t threads[3];
    int i, seen[CALLS] = {0};

    for (i = 0; i < 3; i++) pthread_create(&threads[i], NULL, complete_all, &work);
    add_tool(server, "double", "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}", TENON_MODE_WORKER,
             enqueue, &work, NULL);
    serve(&peer, server);
    initialize(&peer, "{}");
    for (i = 0; i < CALLS; i++) {
        char arguments[32];
        snprintf(arguments, sizeof arguments, "{\"n\":%d}", i);
        call_tool(&peer, i + 1, "double", arguments);
    }
    for (i = 0; i < CALLS; i++) {
        const char *line = next_line(&peer);
        char text[16];
        int id = atoi(strstr(line, "\"id\":") + 5);
        CHECK(id >= 1 && id <= CALLS && !seen[id - 1]);
        seen[id - 1] = 1;
        snprintf(text, sizeof text, "%d", (id - 1) * 2);
        CHECK(has_text(line, text));
    }
    pthread_mutex_lock(&work.lock);
    work.stop = 1;
    pthread_cond_broadcast(&work.more);
    pthread_mutex_unlock(&work.lock);
    for (i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static void keep(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    OK(tenon_call_retain(call));
    owned->slot = call;
    sem_post(&owned->entered);
}

static void start(tenon_server **server, struct peer *peer, struct owned *owned, uint32_t timeout_ms) {
    tenon_entry *tool = NULL;
    *server = new_server();
    owned_init(owned);
    OK(tenon_tool_new("keep", &tool, NULL));
    if (timeout_ms) OK(tenon_entry_set_timeout_ms(tool, timeout_ms));
    OK(tenon_entry_set_handler(tool, keep, owned, owned_destroy));
    OK(tenon_server_add(*server, tool, NULL));
    serve(peer, *server);
    initialize(peer, "{}");
    call_tool(peer, 7, "keep", "{}");
    wait_for(&owned->entered);
}

/* Released without being completed: the client gets a failure, not silence. */
static void dropped(void) {
    tenon_server *server;
    struct peer peer;
    struct owned owned;
    const char *line;
    start(&server, &peer, &owned, 0);
    OK(tenon_call_retain(owned.slot));
    tenon_call_release(owned.slot);
    CHECK(!tenon_call_is_cancelled(owned.slot));
    tenon_call_release(owned.slot);
    line = next_line(&peer);
    CHECK_IN("\"id\":7", line);
    CHECK_IN("released without being completed", line);
    CHECK_IN("\"isError\":true", line);
    OK(tenon_server_free(server));
    CHECK(owned.destroyed == 1);
    close_peer(&peer);
}

static void double_completion(void) {
    tenon_server *server;
    struct peer peer;
    struct owned owned;
    start(&server, &peer, &owned, 0);
    OK(tenon_call_return_text(owned.slot, "first", TENON_NUL));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_return_text(owned.slot, "second", TENON_NUL));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_fail(owned.slot, "third"));
    CHECK(has_text(next_line(&peer), "first"));
    tenon_call_release(owned.slot);
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"ping\"}");
    CHECK_IN("\"id\":8", next_line(&peer));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static void after_cancellation(void) {
    tenon_server *server;
    struct peer peer;
    struct owned owned;
    start(&server, &peer, &owned, 0);
    CHECK(!tenon_call_is_cancelled(owned.slot));
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":7}}");
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"ping\"}");
    CHECK_IN("\"id\":8", next_line(&peer));
    CHECK(tenon_call_is_cancelled(owned.slot));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_progress(owned.slot, 1, 2, NULL));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_return_text(owned.slot, "too late", TENON_NUL));
    tenon_call_release(owned.slot);
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static void after_timeout(void) {
    tenon_server *server;
    struct peer peer;
    struct owned owned;
    start(&server, &peer, &owned, 30);
    CHECK_IN("timed out after 30 ms", next_line(&peer));
    CHECK(tenon_call_is_cancelled(owned.slot));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_return_text(owned.slot, "too late", TENON_NUL));
    tenon_call_release(owned.slot);
    OK(tenon_server_free(server));
    close_peer(&peer);
}

/* The end of the input lets calls finish; what they come to is still sent. */
static void during_drain(void) {
    tenon_server *server;
    struct peer peer;
    struct owned owned;
    start(&server, &peer, &owned, 0);
    OK(tenon_server_close(server));
    CHECK(!tenon_server_is_closed(server));
    OK(tenon_call_return_text(owned.slot, "just in time", TENON_NUL));
    tenon_call_release(owned.slot);
    CHECK(has_text(next_line(&peer), "just in time"));
    while (tenon_server_poll(server, 0, -1, NULL) != TENON_ENDED) {}
    CHECK(tenon_server_is_closed(server));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static pthread_key_t key;
static atomic_int told;

static void of_its_thread(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_retain(call));
    CHECK(pthread_setspecific(key, call) == 0);
}

static void let_go(void *call) { tenon_call_release(call); }

static void tell(void *user_data, tenon_log_level level, const char *target, const char *message) {
    (void)user_data;
    (void)level;
    (void)target;
    CHECK_IN("released", message);
    atomic_fetch_add(&told, 1);
}

static void at_once(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_text(call, "at once", TENON_NUL));
}

static void *polls(void *server) {
    uint32_t handled = 0, all = 0;
    while (all < 2 && tenon_server_poll(server, 1, -1, &handled) == TENON_OK) all += handled;
    return NULL;
}

/* A thread lets go of its call behind everything else that belongs to it. */
static void at_the_end_of_a_thread(void) {
    tenon_server *server = new_server();
    struct peer peer;
    pthread_t thread;
    CHECK(pthread_key_create(&key, let_go) == 0);
    OK(tenon_server_set_log(server, tell, NULL, NULL));
    add_tool(server, "at_once", NULL, TENON_MODE_POLL, at_once, NULL, NULL);
    add_tool(server, "kept", NULL, TENON_MODE_POLL, of_its_thread, NULL, NULL);
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "at_once", "{}");
    call_tool(&peer, 2, "kept", "{}");
    CHECK(pthread_create(&thread, NULL, polls, server) == 0);
    CHECK(has_text(next_line(&peer), "at once"));
    CHECK_IN("was released without being completed", next_line(&peer));
    pthread_join(thread, NULL);
    CHECK(atomic_load(&told) == 1);
    OK(tenon_server_free(server));
    close_peer(&peer);
    pthread_key_delete(key);
}

static const struct test all[] = {
    {"from_other_threads", from_other_threads},
    {"dropped", dropped},
    {"double_completion", double_completion},
    {"after_cancellation", after_cancellation},
    {"after_timeout", after_timeout},
    {"during_drain", during_drain},
    {"at_the_end_of_a_thread", at_the_end_of_a_thread},
};
RUN_TESTS(all)
