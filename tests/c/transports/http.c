/* Requests of a program's own HTTP server: answers, refusals, sessions. */
#include <sys/wait.h>
#include <unistd.h>

#include "http_requests.h"

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

/* The program routes the path of the metadata (RFC 9728) to the endpoint. */
static void the_path_asks_for_the_metadata(void) {
    static const char auth[] = "[{\"type\":\"jwt\",\"issuer\":\"https://login.example\",\"audience\":\"https://shop.example/mcp\","
                               "\"secret\":\"a secret of at least 32 bytes...\"}]";
    static const char *const paths[] = {"/.well-known/oauth-protected-resource/mcp", "/mcp"};
    tenon_server *server = new_server();
    size_t i;
    OK(tenon_server_set(server, "auth", auth, TENON_NUL));
    OK(tenon_server_listen_embedded(server, NULL));
    OK(tenon_server_start(server, NULL));
    for (i = 0; i < 2; i++) {
        tenon_http *http;
        OK(tenon_http_new("GET", &http, NULL));
        OK(tenon_http_add_header(http, "host", "shop.example", TENON_NUL, NULL));
        OK(tenon_http_add_header(http, "authorization", "Bearer wrong", TENON_NUL, NULL));
        OK(tenon_http_add_header(http, ":path", paths[i], TENON_NUL, NULL));
        OK(tenon_server_handle_http(server, http, NULL, NULL, NULL, NULL));
        OK(tenon_http_end(http));
        CHECK(status_of(http) == (i == 0 ? 200 : 401));
        if (i == 0) CHECK_IN("\"resource\":\"http://shop.example/mcp\"", body_of(http));
        else CHECK_IN("resource_metadata=\"http://shop.example/.well-known/oauth-protected-resource/mcp\"", header(http, "www-authenticate"));
        OK(tenon_http_free(http));
    }
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

static const struct test tests[] = {
    {"a forked child leaves requests alone", a_forked_child_leaves_requests_alone},
    {"answers and streams come out", answers_and_streams},
    {"the path asks for the metadata", the_path_asks_for_the_metadata},
    {"refused by the head alone", refused_by_the_head_alone},
    {"an address has a share", an_address_has_a_share},
    {"what is put with a request is for its calls", what_is_put_with_a_request_is_for_its_calls},
    {"errors are masked where the address is not known", errors_are_masked},
    {"sessions, and the end of the server", sessions},
};
RUN_TESTS(tests)
