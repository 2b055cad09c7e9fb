/* Requests of a program's own HTTP server: waiting, waking, the end of the server, wrong uses. */
#include <time.h>
#include <unistd.h>

#include "http_requests.h"

static sem_t rung;

static void ring(void *user_data) {
    CHECK(user_data == &rung);
    sem_post(&rung);
}

/* A program that is woken instead of waiting. */
static void wakes(void) {
    tenon_server *server = started();
    tenon_http *http = call(server, "steps", NULL);
    tenon_http_step step = TENON_HTTP_WAIT;
    OK(tenon_http_free(http));
    http = head("POST");
    sem_init(&rung, 0, 0);
    atomic_store(&destroyed, 0);
    OK(tenon_server_handle_http(server, http, ring, &rung, count_destroy, NULL));
    OK(tenon_http_next(http, 0, &step));
    CHECK(step == TENON_HTTP_WAIT);
    OK(tenon_http_next(http, 1, &step));
    CHECK(step == TENON_HTTP_WAIT);
    OK(tenon_http_write(http, INITIALIZE, strlen(INITIALIZE)));
    OK(tenon_http_end(http));
    while (step == TENON_HTTP_WAIT) {
        sem_wait(&rung);
        OK(tenon_http_next(http, 0, &step));
    }
    CHECK(step == TENON_HTTP_HEAD);
    CHECK(atomic_load(&destroyed) == 0);
    OK(tenon_http_free(http));
    CHECK(atomic_load(&destroyed) == 1);
    OK(tenon_server_free(server));
}

static tenon_call *kept;

static void keeps(void *user_data, tenon_call *call) {
    OK(tenon_call_retain(call));
    kept = call;
    sem_post(user_data);
}

/* A `ready` that stays where it is, once it is told to. */
struct staying {
    atomic_int stays, freed, late;
    sem_t kept, entered, go, gone;
    tenon_server *server;
};

static void stay(void *user_data) {
    struct staying *staying = user_data;
    if (!atomic_exchange(&staying->stays, 0)) return;
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_free(staying->server));
    sem_post(&staying->entered);
    wait_for(&staying->go);
    atomic_fetch_add(&staying->late, atomic_load(&staying->freed));
}

static void *release(void *user_data) {
    (void)user_data;
    tenon_call_release(kept);
    return NULL;
}

static void *frees_server(void *user_data) {
    struct staying *staying = user_data;
    OK(tenon_server_free(staying->server));
    atomic_store(&staying->freed, 1);
    sem_post(&staying->gone);
    return NULL;
}

static void end_of_staying(void *user_data) {
    struct staying *staying = user_data;
    atomic_fetch_add(&staying->late, atomic_load(&staying->freed));
    atomic_fetch_add(&destroyed, 1);
}

/* The program's code is not run any more once its server was freed: that waits for `ready` and its `destroy`. */
static void the_end_waits_for_ready(void) {
    struct staying staying;
    struct timespec soon;
    tenon_http_step step;
    tenon_http *http = head("POST");
    pthread_t releasing, freeing;
    memset(&staying, 0, sizeof staying);
    sem_init(&staying.kept, 0, 0);
    sem_init(&staying.entered, 0, 0);
    sem_init(&staying.go, 0, 0);
    sem_init(&staying.gone, 0, 0);
    atomic_store(&destroyed, 0);
    staying.server = new_server();
    add_tool(staying.server, "keeps", NULL, TENON_MODE_INLINE, keeps, &staying.kept, NULL);
    OK(tenon_server_listen_embedded(staying.server, NULL));
    OK(tenon_server_start(staying.server, NULL));
    OK(tenon_http_add_header(http, "mcp-protocol-version", MODERN, TENON_NUL, NULL));
    OK(tenon_http_add_header(http, "mcp-method", "tools/call", TENON_NUL, NULL));
    OK(tenon_http_add_header(http, "mcp-name", "keeps", TENON_NUL, NULL));
    OK(tenon_server_handle_http(staying.server, http, stay, &staying, end_of_staying, NULL));
    {
        static const char body[] =
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"keeps\"," META "}}";
        OK(tenon_http_write(http, body, strlen(body)));
    }
    OK(tenon_http_end(http));
    OK(tenon_http_next(http, 0, &step));
    CHECK(step == TENON_HTTP_WAIT);
    wait_for(&staying.kept);
    atomic_store(&staying.stays, 1);
    CHECK(pthread_create(&releasing, NULL, release, NULL) == 0);
    wait_for(&staying.entered);
    OK(tenon_http_free(http));
    CHECK(atomic_load(&destroyed) == 0);
    CHECK(pthread_create(&freeing, NULL, frees_server, &staying) == 0);
    /* It does not come; who is slow sees less. */
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 50000000;
    soon.tv_sec += soon.tv_nsec / 1000000000;
    soon.tv_nsec %= 1000000000;
    CHECK(sem_timedwait(&staying.gone, &soon) != 0);
    sem_post(&staying.go);
    pthread_join(releasing, NULL);
    pthread_join(freeing, NULL);
    CHECK(atomic_load(&staying.late) == 0);
    CHECK(atomic_load(&destroyed) == 1);
}

/* Without `ready` the pointer is kept all the same. */
static void a_pointer_without_ready(void) {
    tenon_server *server = started();
    tenon_http *http = head("GET");
    atomic_store(&destroyed, 0);
    OK(tenon_server_handle_http(server, http, NULL, &destroyed, count_destroy, NULL));
    CHECK(atomic_load(&destroyed) == 0);
    OK(tenon_http_free(http));
    CHECK(atomic_load(&destroyed) == 1);
    OK(tenon_server_free(server));
}

static tenon_http *inside;

static void frees(void *user_data, tenon_call *call) {
    tenon_http_step step;
    (void)user_data;
    CHECK_STATUS(TENON_ERR_STATE, tenon_http_free(inside));
    CHECK_STATUS(TENON_ERR_STATE, tenon_http_next(inside, 0, &step));
    OK(tenon_call_return_bool(call, true));
}

static void wrong_uses(void) {
    tenon_server *server = new_server(), *other = new_server();
    tenon_http *http = NULL, *untouched = (tenon_http *)&http;
    tenon_error *err = NULL;
    tenon_http_step step;
    const char *text;
    const void *data;
    size_t len;
    uint32_t status;

    http = untouched;
    CHECK_STATUS(TENON_ERR_INVALID, tenon_http_new("GE T", &http, &err));
    CHECK(http == untouched);
    CHECK_IN("GE T", tenon_error_message(err));
    tenon_error_free(err);

    http = head("POST");
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_add_header(http, NULL, "b", 1, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_add_header(http, "a", NULL, 1, NULL));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_http_add_header(http, "a", "\xff", 1, NULL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_http_add_header(http, "a b", "c", 1, NULL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_http_add_header(http, "a", "c\nd", TENON_NUL, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_set_principal(http, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_set_address(http, NULL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_http_set_address(http, "localhost"));
    OK(tenon_http_set_address(http, "2001:db8::1"));
    OK(tenon_http_set_version(http, 2));
    CHECK_STATUS(TENON_ERR_STATE, tenon_http_write(http, "a", 1));
    CHECK_STATUS(TENON_ERR_STATE, tenon_http_end(http));
    CHECK_STATUS(TENON_ERR_STATE, tenon_http_next(http, 0, &step));
    CHECK_STATUS(TENON_ERR_STATE, tenon_http_status(http, &status));
    CHECK_STATUS(TENON_ERR_STATE, tenon_http_data(http, &data, &len));

    /* Not started, and then without requests. Whatever fails, `destroy` runs. */
    atomic_store(&destroyed, 0);
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_handle_http(NULL, http, NULL, NULL, count_destroy, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_handle_http(server, NULL, NULL, NULL, count_destroy, NULL));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_handle_http(server, http, NULL, NULL, count_destroy, NULL));
    OK(tenon_server_listen_http(other, "127.0.0.1:0", NULL));
    OK(tenon_server_start(other, NULL));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_handle_http(other, http, NULL, NULL, count_destroy, &err));
    CHECK_IN("tenon_server_listen_embedded", tenon_error_message(err));
    tenon_error_free(err);
    CHECK(atomic_load(&destroyed) == 4);

    add_tool(server, "frees", NULL, TENON_MODE_INLINE, frees, NULL, NULL);
    OK(tenon_server_allow_host(server, "mcp.example.com"));
    OK(tenon_server_listen_embedded(server, NULL));
    OK(tenon_server_start(server, NULL));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_listen_embedded(server, NULL));
    OK(tenon_http_add_header(http, "Host", "evil.example", TENON_NUL, NULL));
    begin(server, http, INITIALIZE);
    CHECK_STATUS(TENON_ERR_STATE, tenon_http_add_header(http, "a", "b", 1, NULL));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_handle_http(server, http, NULL, NULL, count_destroy, NULL));
    CHECK_STATUS(TENON_ERR_STATE, tenon_http_status(http, &status));
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_write(http, NULL, 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_next(http, 0, NULL));
    CHECK(status_of(http) == 403);
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_status(http, NULL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_http_header(http, 1000, &text, &text, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_data(http, NULL, NULL));
    OK(tenon_http_free(http));

    /* An inline callback runs inside tenon_http_next(). */
    inside = head("POST");
    OK(tenon_http_add_header(inside, "Host", "localhost", TENON_NUL, NULL));
    OK(tenon_http_add_header(inside, "mcp-protocol-version", MODERN, TENON_NUL, NULL));
    OK(tenon_http_add_header(inside, "mcp-method", "tools/call", TENON_NUL, NULL));
    OK(tenon_http_add_header(inside, "mcp-name", "frees", TENON_NUL, NULL));
    begin(server, inside, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"frees\"," META "}}");
    CHECK(status_of(inside) == 200);
    OK(tenon_server_free(server));
    /* What is left of a request after its server can be freed. */
    OK(tenon_http_free(inside));
    OK(tenon_server_free(other));
}

static const struct test tests[] = {
    {"a program can be woken", wakes},
    {"the end waits for ready", the_end_waits_for_ready},
    {"a pointer without ready", a_pointer_without_ready},
    {"wrong uses", wrong_uses},
};
RUN_TESTS(tests)
