/* Requests of a program's own HTTP server. */
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

#define MODERN "2026-07-28"
#define META \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" MODERN \
    "\",\"io.modelcontextprotocol/clientCapabilities\":{},\"progressToken\":1}"
#define INITIALIZE \
    "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"" LEGACY \
    "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}"

static atomic_int destroyed;

static void count_destroy(void *user_data) {
    (void)user_data;
    atomic_fetch_add(&destroyed, 1);
}

static void yes(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_bool(call, true));
}

static void steps(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_progress(call, 1, 2, NULL));
    OK(tenon_call_progress(call, 2, 2, NULL));
    OK(tenon_call_return_text(call, "done", TENON_NUL));
}

static void who(void *user_data, tenon_call *call) {
    const char *json;
    size_t len;
    (void)user_data;
    OK(tenon_call_get(call, "principal", &json, &len));
    OK(tenon_call_return_text(call, json, len));
}

static tenon_server *started(void) {
    tenon_server *server = new_server();
    add_tool(server, "yes", NULL, TENON_MODE_INLINE, yes, NULL, NULL);
    add_tool(server, "steps", NULL, TENON_MODE_WORKER, steps, NULL, NULL);
    add_tool(server, "who", NULL, TENON_MODE_WORKER, who, NULL, NULL);
    OK(tenon_server_listen_embedded(server, NULL));
    OK(tenon_server_start(server, NULL));
    return server;
}

static tenon_http *head(const char *method) {
    tenon_http *http;
    OK(tenon_http_new(method, &http, NULL));
    OK(tenon_http_add_header(http, "Content-Type", "application/json", TENON_NUL, NULL));
    OK(tenon_http_add_header(http, "Accept", "application/json, text/event-stream", TENON_NUL, NULL));
    return http;
}

/* Hands it over with this body. */
static void begin(tenon_server *server, tenon_http *http, const char *body) {
    OK(tenon_server_handle_http(server, http, NULL, NULL, NULL, NULL));
    OK(tenon_http_write(http, body, strlen(body) / 2));
    OK(tenon_http_write(http, body + strlen(body) / 2, strlen(body) - strlen(body) / 2));
    OK(tenon_http_end(http));
}

static tenon_http *call_with(tenon_server *server, const char *tool, const char *principal, const char *data) {
    char body[512];
    tenon_http *http = head("POST");
    OK(tenon_http_add_header(http, "mcp-protocol-version", MODERN, TENON_NUL, NULL));
    OK(tenon_http_add_header(http, "mcp-method", "tools/call", TENON_NUL, NULL));
    OK(tenon_http_add_header(http, "mcp-name", tool, TENON_NUL, NULL));
    if (principal != NULL) OK(tenon_http_set_principal(http, principal));
    if (data != NULL) OK(tenon_http_set_user_data(http, (void *)data, count_destroy));
    snprintf(
        body, sizeof body,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\"," META "}}", tool);
    begin(server, http, body);
    return http;
}

static tenon_http *call(tenon_server *server, const char *tool, const char *principal) {
    return call_with(server, tool, principal, NULL);
}

/* Completes with the text that was put with the request. */
static void tells(void *user_data, tenon_call *call) {
    const char *text = tenon_call_http_user_data(call);
    (void)user_data;
    OK(tenon_call_return_text(call, text == NULL ? "nothing" : text, TENON_NUL));
}

/* A request that was handed over is its process's; one that was not is anyone's. */
static void a_forked_child_leaves_requests_alone(void) {
    tenon_server *server = started();
    tenon_http *begun = call(server, "yes", NULL), *kept = head("POST");
    tenon_http_step step;
    int report[2];
    char seen = -1;
    pid_t child;
    CHECK(pipe(report) == 0);
    child = fork();
    if (child == 0) {
        const void *data;
        uint32_t status;
        size_t len;
        char wrong = 0;
        wrong += tenon_http_next(begun, -1, &step) != TENON_ERR_FORKED;
        wrong += tenon_http_write(begun, "a", 1) != TENON_ERR_FORKED;
        wrong += tenon_http_end(begun) != TENON_ERR_FORKED;
        wrong += tenon_http_status(begun, &status) != TENON_ERR_FORKED;
        wrong += tenon_http_data(begun, &data, &len) != TENON_ERR_FORKED;
        wrong += tenon_server_handle_http(server, kept, NULL, NULL, NULL, NULL) != TENON_ERR_FORKED;
        wrong += tenon_http_free(begun) != TENON_ERR_FORKED;
        wrong += tenon_http_set_version(kept, 2) != TENON_OK;
        wrong += tenon_http_free(kept) != TENON_OK;
        _exit(write(report[1], &wrong, 1) != 1);
    }
    /* Without this end, a child that dies first is read as the end and not waited for. */
    close(report[1]);
    CHECK(read(report[0], &seen, 1) == 1 && seen == 0);
    close(report[0]);
    waitpid(child, NULL, 0);
    OK(tenon_http_next(begun, -1, &step));
    CHECK(step == TENON_HTTP_HEAD);
    OK(tenon_http_free(begun));
    OK(tenon_http_free(kept));
    OK(tenon_server_free(server));
}

static uint32_t status_of(tenon_http *http) {
    tenon_http_step step;
    uint32_t status;
    OK(tenon_http_next(http, -1, &step));
    CHECK(step == TENON_HTTP_HEAD);
    OK(tenon_http_status(http, &status));
    return status;
}

/* The value of a header, or NULL. */
static const char *header(tenon_http *http, const char *wanted) {
    const char *name, *value;
    size_t len, place;
    for (place = 0; tenon_http_header(http, place, &name, &value, &len) == TENON_OK; place++) {
        CHECK(strlen(value) == len);
        if (strcmp(name, wanted) == 0) return value;
    }
    return NULL;
}

/* The rest of the body. */
static const char *body_of(tenon_http *http) {
    static char body[8192];
    size_t used = 0, len;
    const void *data;
    tenon_http_step step;
    for (;;) {
        OK(tenon_http_next(http, 30000, &step));
        CHECK(step == TENON_HTTP_DATA || step == TENON_HTTP_END);
        if (step == TENON_HTTP_END) break;
        OK(tenon_http_data(http, &data, &len));
        CHECK(used + len < sizeof body);
        memcpy(body + used, data, len);
        used += len;
    }
    body[used] = '\0';
    OK(tenon_http_data(http, &data, &len));
    CHECK(len == 0);
    return body;
}

static void what_is_put_with_a_request_is_for_its_calls(void) {
    static const tenon_mode modes[] = {TENON_MODE_INLINE, TENON_MODE_WORKER};
    static const char *const names[] = {"inline", "worker"}, *const users[] = {"ann", "bob", NULL};
    tenon_server *server = new_server();
    tenon_http *http, *all[3];
    size_t i, k;
    atomic_store(&destroyed, 0);
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_set_user_data(NULL, &destroyed, count_destroy));
    CHECK(atomic_load(&destroyed) == 1);
    /* One that another takes the place of, and that of a request that is never handed over. */
    http = head("POST");
    OK(tenon_http_set_user_data(http, &destroyed, count_destroy));
    OK(tenon_http_set_user_data(http, &destroyed, count_destroy));
    CHECK(atomic_load(&destroyed) == 2);
    OK(tenon_http_free(http));
    CHECK(atomic_load(&destroyed) == 3);
    for (i = 0; i < 2; i++) add_tool(server, names[i], NULL, modes[i], tells, NULL, NULL);
    OK(tenon_server_listen_embedded(server, NULL));
    OK(tenon_server_start(server, NULL));
    for (i = 0; i < 2; i++) {
        for (k = 0; k < 3; k++) all[k] = call_with(server, names[i], NULL, users[k]);
        for (k = 0; k < 3; k++) {
            CHECK_STATUS(TENON_ERR_STATE, tenon_http_set_user_data(all[k], &destroyed, count_destroy));
            CHECK(status_of(all[k]) == 200);
            CHECK_IN(users[k] == NULL ? "nothing" : users[k], body_of(all[k]));
            OK(tenon_http_free(all[k]));
        }
    }
    OK(tenon_server_free(server));
    /* Six came too late, and four had a call. */
    CHECK(atomic_load(&destroyed) == 3 + 6 + 4);
    CHECK(tenon_call_http_user_data(NULL) == NULL);
}

static void answers_and_streams(void) {
    tenon_server *server = started();
    tenon_http *http = call(server, "yes", NULL);
    CHECK(status_of(http) == 200);
    CHECK(strcmp(header(http, "content-type"), "application/json") == 0);
    CHECK(header(http, "content-length") != NULL);
    CHECK_IN("true", body_of(http));
    OK(tenon_http_free(http));
    http = call(server, "steps", NULL);
    CHECK(status_of(http) == 200);
    CHECK(strcmp(header(http, "content-type"), "text/event-stream") == 0);
    CHECK_IN("\"done\"", body_of(http));
    OK(tenon_http_free(http));
    http = call(server, "who", "ann");
    CHECK(status_of(http) == 200);
    CHECK_IN("ann", body_of(http));
    OK(tenon_http_free(http));
    OK(tenon_server_free(server));
}

static void refused_by_the_head_alone(void) {
    static const char *const rows[][2] = {{"content-encoding", "gzip"}, {"transfer-encoding", "gzip, chunked"}};
    static const uint32_t statuses[] = {415, 400};
    tenon_server *server = started();
    size_t i;
    for (i = 0; i < 2; i++) {
        tenon_http *http = head("POST");
        OK(tenon_http_add_header(http, rows[i][0], rows[i][1], TENON_NUL, NULL));
        OK(tenon_http_add_header(http, "Content-Length", "1000000", TENON_NUL, NULL));
        OK(tenon_server_handle_http(server, http, NULL, NULL, NULL, NULL));
        /* No piece of the body was written, and its end neither. */
        CHECK(status_of(http) == statuses[i]);
        CHECK(strcmp(header(http, "connection"), "close") == 0);
        OK(tenon_http_free(http));
    }
    OK(tenon_server_free(server));
}

static void keeps_silent(void *user_data, tenon_call *call) {
    (void)user_data;
    (void)call;
}

static atomic_int places;

static void count_places(void *user_data, tenon_log_level level, const char *target, const char *message) {
    (void)user_data;
    if (strcmp(target, "tenon_mcp::server") != 0) return;
    CHECK(level == TENON_LOG_WARN);
    CHECK_IN("which other machines may reach", message);
    atomic_fetch_add(&places, 1);
}

/* Where the address is not known, what a callback did wrong is no client's business, unless the program says otherwise. */
static void errors_are_masked(void) {
    static const char *const settings[] = {NULL, "true", "false"};
    size_t i;
    for (i = 0; i < 3; i++) {
        tenon_server *server = new_server();
        tenon_http *http;
        const char *body;
        atomic_store(&places, 0);
        OK(tenon_server_set_log(server, count_places, NULL, NULL));
        if (settings[i] != NULL) OK(tenon_server_set(server, "mask_errors", settings[i], TENON_NUL));
        add_tool(server, "silent", NULL, TENON_MODE_WORKER, keeps_silent, NULL, NULL);
        OK(tenon_server_listen_embedded(server, NULL));
        OK(tenon_server_start(server, NULL));
        http = call(server, "silent", NULL);
        CHECK(status_of(http) == 200);
        body = body_of(http);
        CHECK((strstr(body, "without completing") == NULL) == (i != 2));
        CHECK(atomic_load(&places) == (i == 1 ? 0 : 1));
        tenon_http_free(http);
        OK(tenon_server_free(server));
    }
}

static void an_address_has_a_share(void) {
    static const char *const addresses[] = {"192.0.2.1", "192.0.2.1", "192.0.2.2"};
    static const uint32_t statuses[] = {200, 429, 200};
    tenon_server *server = new_server();
    tenon_http *all[3], *opened;
    const char *session;
    size_t i;
    OK(tenon_server_set_limit(server, TENON_LIMIT_ADDRESS_STREAMS, 1));
    OK(tenon_server_listen_embedded(server, NULL));
    OK(tenon_server_start(server, NULL));
    opened = head("POST");
    begin(server, opened,
          "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\","
          "\"capabilities\":{},\"clientInfo\":{\"name\":\"c\",\"version\":\"1\"}}}");
    CHECK(status_of(opened) == 200);
    session = header(opened, "mcp-session-id");
    for (i = 0; i < 3; i++) {
        all[i] = head("GET");
        OK(tenon_http_add_header(all[i], "Mcp-Session-Id", session, TENON_NUL, NULL));
        OK(tenon_http_set_address(all[i], addresses[i]));
        OK(tenon_server_handle_http(server, all[i], NULL, NULL, NULL, NULL));
        OK(tenon_http_end(all[i]));
        CHECK(status_of(all[i]) == statuses[i]);
    }
    CHECK_IN("max_address_streams", body_of(all[1]));
    for (i = 0; i < 3; i++) OK(tenon_http_free(all[i]));
    OK(tenon_http_free(opened));
    OK(tenon_server_free(server));
}

static void sessions(void) {
    tenon_server *server = started();
    tenon_http *http = head("POST");
    char session[128];
    begin(server, http, INITIALIZE);
    CHECK(status_of(http) == 200);
    snprintf(session, sizeof session, "%s", header(http, "mcp-session-id"));
    OK(tenon_http_free(http));
    /* A listening stream says nothing, and ends with the server. */
    http = head("GET");
    OK(tenon_http_add_header(http, "mcp-session-id", session, strlen(session), NULL));
    OK(tenon_http_add_header(http, "mcp-protocol-version", LEGACY, TENON_NUL, NULL));
    begin(server, http, "");
    CHECK(status_of(http) == 200);
    OK(tenon_server_close(server));
    (void)body_of(http);
    OK(tenon_http_free(http));
    http = head("POST");
    begin(server, http, INITIALIZE);
    CHECK(status_of(http) == 503);
    OK(tenon_http_free(http));
    OK(tenon_server_free(server));
}

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
    {"a forked child leaves requests alone", a_forked_child_leaves_requests_alone},
    {"answers and streams come out", answers_and_streams},
    {"refused by the head alone", refused_by_the_head_alone},
    {"an address has a share", an_address_has_a_share},
    {"what is put with a request is for its calls", what_is_put_with_a_request_is_for_its_calls},
    {"errors are masked where the address is not known", errors_are_masked},
    {"sessions, and the end of the server", sessions},
    {"a program can be woken", wakes},
    {"the end waits for ready", the_end_waits_for_ready},
    {"a pointer without ready", a_pointer_without_ready},
    {"wrong uses", wrong_uses},
};
RUN_TESTS(tests)
