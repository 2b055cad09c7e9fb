/* The program's log: which records it gets, and when its user data is destroyed. */
#include <unistd.h>

#include "support.h"

struct records {
    struct owned owned;
    pthread_mutex_t lock;
    int count;
    tenon_log_level level;
    char target[64], message[512];
    tenon_server *server;
    tenon_status freed;
};

static void records_init(struct records *records) {
    memset(records, 0, sizeof *records);
    owned_init(&records->owned);
    pthread_mutex_init(&records->lock, NULL);
}

static void note(void *user_data, tenon_log_level level, const char *target, const char *message) {
    struct records *records = user_data;
    CHECK(records->owned.destroyed == 0);
    pthread_mutex_lock(&records->lock);
    records->count++;
    records->level = level;
    snprintf(records->target, sizeof records->target, "%s", target);
    snprintf(records->message, sizeof records->message, "%s", message);
    pthread_mutex_unlock(&records->lock);
    if (records->server != NULL) records->freed = tenon_server_free(records->server);
    sem_post(&records->owned.entered);
}

static void heard(struct records *records, const char *message) {
    wait_for(&records->owned.entered);
    pthread_mutex_lock(&records->lock);
    CHECK(records->level == TENON_LOG_ERROR);
    CHECK_IN("tenon_mcp::call", records->target);
    CHECK_IN(message, records->message);
    pthread_mutex_unlock(&records->lock);
}

/* What each call of the tool does is told by its argument. */
static void tool(void *user_data, tenon_call *call) {
    const char *what = "";
    int64_t number;
    (void)user_data;
    OK(tenon_call_arg_string(call, "what", &what, NULL));
    if (strcmp(what, "fine") == 0) OK(tenon_call_return_json(call, "{}", TENON_NUL, NULL));
    if (strcmp(what, "fail") == 0) OK(tenon_call_fail(call, "the client hears this"));
    if (strcmp(what, "misfit") == 0) OK(tenon_call_return_json(call, "[1]", TENON_NUL, NULL));
    if (strcmp(what, "argument") == 0) CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_arg_int64(call, "gone", &number));
    if (strcmp(what, "release") == 0) {
        OK(tenon_call_retain(call));
        tenon_call_release(call);
    }
}

static tenon_server *with_tool(void) {
    tenon_server *server = new_server();
    tenon_entry *made = NULL;
    OK(tenon_tool_new("tool", &made, NULL));
    OK(tenon_tool_set_input_schema(made, "{\"type\":\"object\"}"));
    OK(tenon_tool_set_output_schema(made, "{\"type\":\"object\"}"));
    OK(tenon_entry_set_handler(made, tool, NULL, NULL));
    OK(tenon_server_add(server, made, NULL));
    return server;
}

static void what_no_client_is_told(void) {
    static const char *const said[][3] = {
        {"nothing", "returned without completing the call", "returned without completing the call"},
        {"release", "released without being completed", "released without being completed"},
        {"argument", "argument \\\"gone\\\" is missing", "argument \"gone\" is missing"},
        {"misfit", "does not fit its output schema", "does not fit its output schema"},
    };
    tenon_server *server = with_tool();
    struct records records;
    struct peer peer;
    char arguments[64];
    size_t i;
    records_init(&records);
    OK(tenon_server_set_log(server, note, &records, owned_destroy));
    serve(&peer, server);
    initialize(&peer, "{}");
    /* What the program says itself is for the client alone. */
    call_tool(&peer, 1, "tool", "{\"what\":\"fine\"}");
    CHECK_IN("\"structuredContent\":{}", next_line(&peer));
    call_tool(&peer, 2, "tool", "{\"what\":\"fail\"}");
    CHECK_IN("the client hears this", next_line(&peer));
    CHECK(records.count == 0);
    for (i = 0; i < sizeof said / sizeof *said; i++) {
        snprintf(arguments, sizeof arguments, "{\"what\":\"%s\"}", said[i][0]);
        call_tool(&peer, 10 + (int)i, "tool", arguments);
        CHECK_IN(said[i][1], next_line(&peer));
        heard(&records, said[i][2]);
        CHECK_IN("tool \"tool\"", records.message);
    }
    CHECK(records.count == (int)(sizeof said / sizeof *said));
    OK(tenon_server_free(server));
    CHECK(records.owned.destroyed == 1 && pthread_equal(records.owned.thread, pthread_self()));
    close_peer(&peer);
}

/* Exactly once, in every case. */
static void destroyed_once(void) {
    tenon_server *server = with_tool();
    struct records failed, replaced, late, last;
    struct peer peer;
    records_init(&failed);
    records_init(&replaced);
    records_init(&late);
    records_init(&last);
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_set_log(NULL, note, &failed, owned_destroy));
    CHECK(failed.owned.destroyed == 1);
    OK(tenon_server_set_log(server, note, &replaced, owned_destroy));
    OK(tenon_server_set_log(server, note, &last, owned_destroy));
    CHECK(replaced.owned.destroyed == 1 && last.owned.destroyed == 0);
    serve(&peer, server);
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_set_log(server, note, &late, owned_destroy));
    CHECK(late.owned.destroyed == 1);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "tool", "{\"what\":\"nothing\"}");
    CHECK_IN("without completing", next_line(&peer));
    heard(&last, "without completing");
    OK(tenon_server_free(server));
    CHECK(last.owned.destroyed == 1 && replaced.count == 0 && late.count == 0);
    close_peer(&peer);

    server = new_server();
    records_init(&failed);
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_set_log(server, NULL, &failed, owned_destroy));
    CHECK(failed.owned.destroyed == 1);
    records_init(&last);
    OK(tenon_server_set_log(server, note, &last, owned_destroy));
    OK(tenon_server_free(server));
    CHECK(last.owned.destroyed == 1 && failed.owned.destroyed == 1);
}

static void keep(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    OK(tenon_call_retain(call));
    owned->slot = call;
    sem_post(&owned->entered);
}

/* If nobody completes a kept call, the end of the server says which one. */
static void names_what_was_kept(void) {
    tenon_server *server = new_server();
    tenon_entry *made = NULL;
    struct records records;
    struct owned kept;
    struct peer peer;
    records_init(&records);
    owned_init(&kept);
    OK(tenon_tool_new("kept", &made, NULL));
    OK(tenon_entry_set_handler(made, keep, &kept, NULL));
    OK(tenon_server_add(server, made, NULL));
    OK(tenon_server_set_limit(server, TENON_LIMIT_STDIO_DRAIN_TIMEOUT_MS, 10));
    OK(tenon_server_set_log(server, note, &records, owned_destroy));
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 5, "kept", "{}");
    wait_for(&kept.entered);
    OK(tenon_server_free(server));
    CHECK(records.count == 1 && records.level == TENON_LOG_INFO);
    CHECK_IN("tenon_mcp::call", records.target);
    CHECK_IN("tool \"kept\" (request 5) was cut off", records.message);
    CHECK_IN(" s, because the server ended", records.message);
    tenon_call_release(kept.slot);
    close_peer(&peer);
}

/* The same over HTTP, which has a time of its own. */
static void names_what_was_kept_over_http(void) {
    tenon_server *server = new_server();
    struct records records;
    struct owned kept;
    const char *url;
    int fd;
    records_init(&records);
    owned_init(&kept);
    add_tool(server, "kept", NULL, TENON_MODE_WORKER, keep, &kept, NULL);
    OK(tenon_server_set_limit(server, TENON_LIMIT_DRAIN_TIMEOUT_MS, 10));
    OK(tenon_server_set_log(server, note, &records, owned_destroy));
    OK(tenon_server_listen_http(server, "127.0.0.1:0", NULL));
    OK(tenon_server_start(server, NULL));
    OK(tenon_server_http_url(server, &url, NULL));
    fd = http_connect(url);
    http_post(fd, "kept");
    wait_for(&kept.entered);
    OK(tenon_server_free(server));
    CHECK(records.count == 1 && records.level == TENON_LOG_INFO);
    CHECK_IN("tenon_mcp::call", records.target);
    CHECK_IN("tool \"kept\" (request 1) was cut off", records.message);
    CHECK_IN(" s, because the ", records.message);
    tenon_call_release(kept.slot);
    close(fd);
}

/* A kept call outlives the server, and the log does not. */
static void ends_before_kept_calls(void) {
    tenon_server *server = new_server();
    struct records records;
    struct owned owned;
    struct peer peer;
    records_init(&records);
    owned_init(&owned);
    OK(tenon_server_set_limit(server, TENON_LIMIT_DRAIN_TIMEOUT_MS, 0));
    OK(tenon_server_set_log(server, note, &records, owned_destroy));
    add_tool(server, "keep", NULL, TENON_MODE_WORKER, keep, &owned, NULL);
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "keep", "{}");
    wait_for(&owned.entered);
    OK(tenon_server_free(server));
    CHECK(records.owned.destroyed == 1);
    tenon_call_release(owned.slot);
    close_peer(&peer);
}

/* Freeing waits for the log, so the log cannot free. */
static void cannot_free_its_server(void) {
    tenon_server *server = with_tool();
    struct records records;
    struct peer peer;
    records_init(&records);
    records.server = server;
    OK(tenon_server_set_log(server, note, &records, owned_destroy));
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "tool", "{\"what\":\"nothing\"}");
    CHECK_IN("without completing", next_line(&peer));
    heard(&records, "without completing");
    CHECK(records.freed == TENON_ERR_STATE);
    OK(tenon_server_free(server));
    CHECK(records.owned.destroyed == 1);
    close_peer(&peer);
}

static const struct test all[] = {
    {"what_no_client_is_told", what_no_client_is_told},
    {"destroyed_once", destroyed_once},
    {"names_what_was_kept", names_what_was_kept},
    {"names_what_was_kept_over_http", names_what_was_kept_over_http},
    {"ends_before_kept_calls", ends_before_kept_calls},
    {"cannot_free_its_server", cannot_free_its_server},
};
RUN_TESTS(all)
