/* Stores of a program: by URL, as a callback, and what becomes of their faults. */
#include "support.h"
#include "../../stores/memory_store.c"

#define GET "{\"op\":\"get\",\"key\":\"test/1\"}"
/* The bytes 0, 255, 10 and 34. */
#define PUT \
    "{\"op\":\"put\",\"key\":\"test/1\",\"value\":{\"base64\":\"AP8KIg==\"},\"ttl\":60000,\"when\":\"always\"}"

static char heard[4096];

static void hear(void *user_data, const char *reply, size_t len) {
    (void)user_data;
    CHECK(len < sizeof heard);
    memcpy(heard, reply, len);
    heard[len] = '\0';
}

/* The reply to an operation. */
static const char *reply_to(tenon_server *server, const char *op) {
    heard[0] = '\0';
    OK(tenon_server_store_operation(server, op, TENON_NUL, 20000, hear, NULL, NULL));
    return heard;
}

static void urls(void) {
    tenon_server *server = new_server();
    OK(tenon_server_set(server, "store", "\"memory:\"", TENON_NUL));
    CHECK_IN("\"result\":\"stored\"", reply_to(server, PUT));
    CHECK_IN("AP8KIg==", reply_to(server, GET));
    OK(tenon_server_free(server));
    server = new_server();
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_set(server, "store", "\"redys://user:secret@host/0\"", TENON_NUL));
    CHECK_IN("***@host", tenon_error_last_message());
    CHECK_IN("the schemes are memory:", tenon_error_last_message());
    CHECK(strstr(tenon_error_last_message(), "secret") == NULL);
    OK(tenon_server_free(server));
}

static void wrong_arguments(void) {
    struct owned owned;
    owned_init(&owned);
    tenon_server *server = new_server();
    CHECK_STATUS(
        TENON_ERR_INVALID,
        tenon_server_set_store(server, TENON_MODE_INLINE, memory_store_submit, &owned, owned_destroy));
    CHECK(owned.destroyed == 1);
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_set_store(server, TENON_MODE_WORKER, NULL, &owned, owned_destroy));
    CHECK(owned.destroyed == 2);
    OK(tenon_server_free(server));
    server = new_server();
    CHECK_ERROR(
        TENON_ERR_INVALID, "op must be",
        tenon_server_store_operation(server, "{\"op\":\"fetch\"}", TENON_NUL, -1, hear, NULL, &err));
    CHECK_STATUS(
        TENON_ERR_STATE,
        tenon_server_set_store(server, TENON_MODE_WORKER, memory_store_submit, &owned, owned_destroy));
    CHECK(owned.destroyed == 3);
    OK(tenon_server_free(server));
}

static void the_last_store_counts(void) {
    struct owned first, second, third;
    owned_init(&first);
    owned_init(&second);
    owned_init(&third);
    memory_store *store = memory_store_new(NULL);
    tenon_server *server = new_server();
    OK(tenon_server_set_store(server, TENON_MODE_WORKER, memory_store_submit, &first, owned_destroy));
    OK(tenon_server_set_store(server, TENON_MODE_WORKER, memory_store_submit, &second, owned_destroy));
    CHECK(first.destroyed == 1 && second.destroyed == 0);
    OK(tenon_server_set_store(server, TENON_MODE_WORKER, memory_store_submit, store, NULL));
    CHECK(second.destroyed == 1);
    CHECK_IN("\"result\":\"stored\"", reply_to(server, PUT));
    CHECK(store->items != NULL && find(store, RECORD, "test/1", store->now()) != NULL);
    OK(tenon_server_free(server));
    server = new_server();
    OK(tenon_server_set_store(server, TENON_MODE_WORKER, memory_store_submit, store, NULL));
    OK(tenon_server_set(server, "store", "\"memory:\"", TENON_NUL));
    CHECK(strstr(reply_to(server, GET), "AP8KIg==") == NULL);
    OK(tenon_server_free(server));
    server = new_server();
    OK(tenon_server_set_store(server, TENON_MODE_WORKER, memory_store_submit, &third, owned_destroy));
    OK(tenon_server_set(server, "title", "\"A title\"", TENON_NUL));
    CHECK(third.destroyed == 0);
    OK(tenon_server_set(server, "store", "\"memory:\"", TENON_NUL));
    CHECK(third.destroyed == 1);
    OK(tenon_server_free(server));
    CHECK(third.destroyed == 1);
    memory_store_free(store);
}

static void bytes_come_through(void) {
    const tenon_mode modes[] = {TENON_MODE_WORKER, TENON_MODE_POLL};
    for (size_t i = 0; i < 2; i++) {
        memory_store *store = memory_store_new(NULL);
        tenon_server *server = new_server();
        OK(tenon_server_set_store(server, modes[i], memory_store_submit, store, NULL));
        CHECK_IN("\"result\":\"stored\",\"version\":1", reply_to(server, PUT));
        const item *record = find(store, RECORD, "test/1", store->now());
        CHECK(record->len == 4 && memcmp(record->value, "\0\xff\n\"", 4) == 0);
        CHECK_IN("{\"value\":{\"base64\":\"AP8KIg==\"},\"version\":1}", reply_to(server, GET));
        OK(tenon_server_free(server));
        memory_store_free(store);
    }
}

/* What the callback below does. */
enum fault { NOTHING, FAIL, TEXT, NUMBER, WRONG_RESULT, WRONG_BYTES, UNAVAILABLE, TWICE, HANG, SOMETIMES };

struct faulty {
    enum fault fault;
    atomic_int calls;
    memory_store *store;
    tenon_call *kept;
    sem_t entered;
};

static void submit(void *user_data, tenon_call *call) {
    struct faulty *faulty = user_data;
    const int number = faulty->calls++;
    const void *data = NULL;
    size_t len = 0;
    switch (faulty->fault) {
    case NOTHING: break;
    case FAIL: OK(tenon_call_fail(call, "no route")); break;
    case TEXT: OK(tenon_call_return_text(call, "value", TENON_NUL)); break;
    case NUMBER: OK(tenon_call_return_int64(call, 5)); break;
    case WRONG_RESULT: OK(tenon_call_return_json(call, "{\"result\":\"stored\",\"version\":1}", TENON_NUL, NULL)); break;
    case WRONG_BYTES:
        CHECK_STATUS(TENON_ERR_TYPE, tenon_call_arg_bytes(call, "key", &data, &len));
        CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_arg_bytes(call, "value", &data, &len));
        OK(tenon_call_return_json(
            call, "{\"result\":\"value\",\"record\":{\"value\":\"text\",\"version\":1}}", TENON_NUL, NULL));
        break;
    case UNAVAILABLE:
        OK(tenon_call_return_json(call, "{\"result\":\"unavailable\",\"reason\":\"down for now\"}", TENON_NUL, NULL));
        break;
    case TWICE:
        OK(tenon_call_return_json(call, "{\"result\":\"value\"}", TENON_NUL, NULL));
        CHECK_STATUS(TENON_ERR_STALE, tenon_call_return_json(call, "{\"result\":\"full\"}", TENON_NUL, NULL));
        break;
    case HANG:
        OK(tenon_call_retain(call));
        faulty->kept = call;
        sem_post(&faulty->entered);
        break;
    case SOMETIMES:
        if (number % 2 == 1) OK(tenon_call_fail(call, "no route"));
        else memory_store_submit(faulty->store, call);
    }
}

static void faults(void) {
    const struct { enum fault fault; const char *reply; } all[] = {
        {NOTHING, "\"result\":\"unavailable\",\"reason\":\"it failed"},
        {FAIL, "\"reason\":\"no route\""},
        {TEXT, "\"reason\":\"it gave an invalid reply\""},
        {NUMBER, "\"reason\":\"it gave an invalid reply\""},
        {WRONG_RESULT, "\"reason\":\"it gave an invalid reply\""},
        {WRONG_BYTES, "\"reason\":\"it gave an invalid reply\""},
        {UNAVAILABLE, "\"reason\":\"down for now\""},
        {TWICE, "{\"result\":\"value\"}"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct faulty faulty = {.fault = all[i].fault};
        tenon_server *server = new_server();
        OK(tenon_server_set_store(server, TENON_MODE_WORKER, submit, &faulty, NULL));
        CHECK_IN(all[i].reply, reply_to(server, GET));
        OK(tenon_server_free(server));
    }
}

static void a_hanging_store_is_bounded(void) {
    struct faulty faulty = {.fault = HANG};
    sem_init(&faulty.entered, 0, 0);
    tenon_server *server = new_server();
    OK(tenon_server_set_limit(server, TENON_LIMIT_STORE_TIMEOUT_MS, 50));
    OK(tenon_server_set_store(server, TENON_MODE_WORKER, submit, &faulty, NULL));
    CHECK_IN("\"reason\":\"it did not answer in time\"", reply_to(server, GET));
    wait_for(&faulty.entered);
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_return_json(faulty.kept, "{\"result\":\"value\"}", TENON_NUL, NULL));
    tenon_call_release(faulty.kept);
    OK(tenon_server_free(server));
}

static void *answer_later(void *user_data) {
    struct faulty *faulty = user_data;
    wait_for(&faulty->entered);
    OK(tenon_call_return_json(faulty->kept, "{\"result\":\"value\"}", TENON_NUL, NULL));
    tenon_call_release(faulty->kept);
    return NULL;
}

static void a_store_may_answer_later_from_any_thread(void) {
    struct faulty faulty = {.fault = HANG};
    pthread_t thread;
    sem_init(&faulty.entered, 0, 0);
    tenon_server *server = new_server();
    OK(tenon_server_set_store(server, TENON_MODE_WORKER, submit, &faulty, NULL));
    CHECK(pthread_create(&thread, NULL, answer_later, &faulty) == 0);
    CHECK_IN("{\"result\":\"value\"}", reply_to(server, GET));
    pthread_join(thread, NULL);
    OK(tenon_server_free(server));
}

static void *operate(void *user_data) {
    reply_to(user_data, GET);
    return NULL;
}

static void the_end_answers_what_waits(void) {
    struct faulty faulty = {.fault = HANG};
    pthread_t thread;
    sem_init(&faulty.entered, 0, 0);
    tenon_server *server = new_server();
    OK(tenon_server_set_limit(server, TENON_LIMIT_DRAIN_TIMEOUT_MS, 50));
    OK(tenon_server_set_store(server, TENON_MODE_WORKER, submit, &faulty, NULL));
    CHECK(pthread_create(&thread, NULL, operate, server) == 0);
    wait_for(&faulty.entered);
    OK(tenon_server_close(server));
    pthread_join(thread, NULL);
    CHECK_IN("\"reason\":\"the server has ended\"", heard);
    tenon_call_release(faulty.kept);
    OK(tenon_server_free(server));
}

static tenon_server *listening(tenon_mode mode, tenon_handler_fn submit, void *store, const char **url) {
    tenon_server *server = new_server();
    OK(tenon_server_set_store(server, mode, submit, store, NULL));
    OK(tenon_server_listen_http(server, "127.0.0.1:0", NULL));
    OK(tenon_server_start(server, NULL));
    OK(tenon_server_http_url(server, url, NULL));
    return server;
}

/* Sends `initialize` on a new connection; the answer. */
static char *open_session(const char *url) {
    const int fd = http_connect(url);
    http_send(
        fd, "",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\","
        "\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}");
    return http_read(fd, "\"jsonrpc\"");
}

static void a_session_survives_in_another_server(void) {
    memory_store *store = memory_store_new(NULL);
    const char *first_url = NULL, *second_url = NULL;
    tenon_server *first = listening(TENON_MODE_WORKER, memory_store_submit, store, &first_url);
    tenon_server *second = listening(TENON_MODE_WORKER, memory_store_submit, store, &second_url);
    char session[128], headers[256];
    const char *begin = strcasestr(open_session(first_url), "mcp-session-id: ");
    CHECK(begin != NULL && sscanf(begin + 16, "%127[^\r\n]", session) == 1);
    OK(tenon_server_free(first));
    snprintf(headers, sizeof headers, "Mcp-Session-Id: %s\r\nMCP-Protocol-Version: 2025-11-25\r\n", session);
    int fd = http_connect(second_url);
    http_send(fd, headers, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}");
    CHECK_IN("200 OK", http_read(fd, "\"result\":{}"));
    fd = http_connect(second_url);
    http_send(fd, "Mcp-Session-Id: unknown\r\n", "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}");
    CHECK_IN("404", http_read(fd, "\r\n\r\n"));
    OK(tenon_server_free(second));
    memory_store_free(store);
}

static void a_failed_store_refuses_the_request_that_needs_it(void) {
    struct faulty faulty = {.fault = SOMETIMES, .store = memory_store_new(NULL)};
    const char *url = NULL;
    tenon_server *server = listening(TENON_MODE_WORKER, submit, &faulty, &url);
    for (int i = 0; i < 4; i++) {
        CHECK_IN("200 OK", open_session(url));
        const char *refused = open_session(url);
        CHECK_IN("503", refused);
        CHECK_IN("Server busy: sessions are unavailable: no route", refused);
    }
    OK(tenon_server_free(server));
    memory_store_free(faulty.store);
}

static const struct test tests[] = {
    {"URLs", urls},
    {"wrong arguments", wrong_arguments},
    {"the last store counts", the_last_store_counts},
    {"bytes come through", bytes_come_through},
    {"faults", faults},
    {"a hanging store is bounded", a_hanging_store_is_bounded},
    {"a store may answer later from any thread", a_store_may_answer_later_from_any_thread},
    {"the end answers what waits", the_end_answers_what_waits},
    {"a session survives in another server", a_session_survives_in_another_server},
    {"a failed store refuses the request that needs it", a_failed_store_refuses_the_request_that_needs_it},
};
RUN_TESTS(tests)
