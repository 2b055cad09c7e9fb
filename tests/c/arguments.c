/* Every function with NULL, and with what is not text, not JSON, out of range. The runner checks that none is missing. */
#include <limits.h>
#include <math.h>
#include <unistd.h>

#include "support.h"

static void nothing(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_return_bool(call, true);
}

/* A call with an error place: the status, a message that says something, and the detail agrees. */
#define CHECK_ERROR(status, needle, call) \
    do { \
        tenon_error *err = NULL; \
        CHECK_STATUS(status, call); \
        CHECK(tenon_error_status(err) == (status)); \
        CHECK_IN(needle, tenon_error_message(err)); \
        tenon_error_free(err); \
    } while (0)

static void errors(void) {
    CHECK(tenon_error_status(NULL) == TENON_OK);
    CHECK(strcmp(tenon_error_message(NULL), "") == 0);
    tenon_error_free(NULL);
    CHECK_IN("NULL", tenon_status_text(TENON_ERR_NULL));
    CHECK_IN("unknown", tenon_status_text(123456));
    CHECK_IN("unknown", tenon_status_text(INT_MIN));
    CHECK(strcmp(tenon_version(), TENON_VERSION) == 0);
    CHECK(tenon_abi_version() == TENON_ABI_VERSION);
}

static void servers(void) {
    tenon_server *server = NULL, *untouched = (tenon_server *)&server;
    const char *url = "untouched";
    uint32_t handled = 77;
    int fd = 77, pipes[2];
    uint8_t key[32] = {1};

    CHECK_ERROR(TENON_ERR_NULL, "name", tenon_server_new(NULL, "1", &server, &err));
    CHECK_ERROR(TENON_ERR_NULL, "version", tenon_server_new("a", NULL, &server, &err));
    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_server_new("a", "1", NULL, &err));
    CHECK_ERROR(TENON_ERR_UTF8, "name", tenon_server_new("\xff", "1", &untouched, &err));
    CHECK_ERROR(TENON_ERR_INVALID, "name", tenon_server_new("", "1", &untouched, &err));
    CHECK(untouched == (tenon_server *)&server);
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_new(NULL, NULL, NULL, NULL));

    CHECK_STATUS(TENON_ERR_NULL, tenon_server_set_instructions(NULL, "x"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_set_limit(NULL, TENON_LIMIT_CALLS, 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_add_state_key(NULL, key));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_set_worker_threads(NULL, 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_set_signals(NULL, true));
    CHECK_ERROR(TENON_ERR_NULL, "server", tenon_server_listen_stdio(NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "server", tenon_server_listen_http(NULL, "0", &err));
    CHECK_ERROR(TENON_ERR_NULL, "server", tenon_server_listen_unix(NULL, "path", &err));
    CHECK_ERROR(TENON_ERR_NULL, "server", tenon_server_listen_socket(NULL, 1000000, &err));
    CHECK_ERROR(TENON_ERR_NULL, "server", tenon_server_listen_http_socket(NULL, 1000000, NULL, &err));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_set_unix_mode(NULL, 0600));
    CHECK_ERROR(TENON_ERR_NULL, "server", tenon_server_listen_websocket(NULL, "0", &err));
    CHECK_ERROR(TENON_ERR_NULL, "server", tenon_server_listen_sse(NULL, "0", &err));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_allow_host(NULL, "a"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_allow_origin(NULL, "http://a"));
    CHECK_ERROR(TENON_ERR_NULL, "server", tenon_server_start(NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "server", tenon_server_run(NULL, &err));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_http_url(NULL, &url, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_websocket_url(NULL, &url, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_sse_url(NULL, &url, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_wake_fd(NULL, &fd));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_poll(NULL, 0, 0, &handled));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_close(NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_set_log(NULL, NULL, NULL, NULL));
    CHECK(!tenon_server_is_closed(NULL));
    CHECK(tenon_server_exit_code(NULL) == 1);
    OK(tenon_server_free(NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_remove(NULL, TENON_KIND_TOOL, "a"));

    CHECK_STATUS(TENON_ERR_NULL, tenon_server_enable(NULL, TENON_KIND_TOOL, "a"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_disable(NULL, TENON_KIND_TOOL, "a"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_mount(NULL, NULL, "a", NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_enable_tag(NULL, "a"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_disable_tag(NULL, "a"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_exchange(NULL, "{}", TENON_NUL, 0, NULL, NULL, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_entries(NULL, TENON_KIND_TOOL, NULL, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_set(NULL, "title", "\"a\"", TENON_NUL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_add_extension(NULL, "a/b", "{}", TENON_NUL));
    CHECK_ERROR(TENON_ERR_NULL, "server", tenon_server_on(NULL, "session_end", 0, nothing, NULL, NULL, &err));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_elicitation_complete(NULL, "a"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_notify(NULL, "a", "{}", TENON_NUL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_resource_updated(NULL, "a:b"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_list_changed(NULL, TENON_KIND_TOOL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_notify(NULL, "a", NULL, 0));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_close_stream(NULL, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_set_status(NULL, "a"));
    CHECK_ERROR(TENON_ERR_NULL, "server", tenon_server_add_middleware(NULL, NULL, 0, nothing, NULL, NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "call", tenon_call_next(NULL, NULL, 0, NULL, NULL, NULL, &err));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_outcome(NULL, NULL, NULL, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_set_state(NULL, NULL, NULL));
    CHECK(tenon_call_state(NULL) == NULL);
    CHECK_ERROR(TENON_ERR_NULL, "call", tenon_call_start_task(NULL, NULL, &err));

    /* Descriptors are taken in every case, so they are closed afterwards. */
    CHECK(pipe(pipes) == 0);
    CHECK_ERROR(TENON_ERR_NULL, "server", tenon_server_listen_descriptors(NULL, pipes[0], pipes[1], &err));
    CHECK(close(pipes[0]) == -1 && close(pipes[1]) == -1);

    server = new_server();
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_http_url(server, &url, NULL));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_wake_fd(server, &fd));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_poll(server, 0, 0, &handled));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_close(server));
    CHECK(!tenon_server_is_closed(server));
    CHECK(tenon_server_exit_code(server) == 1);
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_http_url(server, NULL, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_wake_fd(server, NULL));
    CHECK(strcmp(url, "untouched") == 0 && fd == 77 && handled == 77);
    CHECK_ERROR(TENON_ERR_INVALID, "transport", tenon_server_start(server, &err));
    CHECK_ERROR(TENON_ERR_INVALID, "transport", tenon_server_run(server, &err));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_remove(server, TENON_KIND_TOOL, NULL));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_server_remove(server, TENON_KIND_TOOL, "\xff"));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_remove(server, TENON_KIND_TOOL, "none"));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_remove(server, 0, "none"));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_remove(server, 99, "none"));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_remove(server, -1, "none"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_enable(server, TENON_KIND_PROMPT, NULL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_enable(server, TENON_KIND_PROMPT, "none"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_disable(server, TENON_KIND_PROMPT, NULL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_disable(server, TENON_KIND_PROMPT, "none"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_enable_tag(server, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_disable_tag(server, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_entries(server, TENON_KIND_TOOL, NULL, NULL));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_elicitation_complete(server, "a"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_elicitation_complete(server, NULL));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_notify(server, "a", NULL, 0));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_notify(server, NULL, NULL, 0));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_resource_updated(server, "a:b"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_resource_updated(server, NULL));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_list_changed(server, TENON_KIND_TOOL));
    CHECK_ERROR(TENON_ERR_NULL, "hook", tenon_server_on(server, NULL, 0, nothing, NULL, NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "middleware", tenon_server_add_middleware(server, NULL, 0, NULL, NULL, NULL, &err));
    CHECK_ERROR(TENON_ERR_INVALID, "no operation", tenon_server_add_middleware(server, "\xc3\xa4", 0, nothing, NULL, NULL, &err));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_server_add_middleware(server, "\xff", 0, nothing, NULL, NULL, NULL));
    CHECK_ERROR(TENON_ERR_NULL, "handler", tenon_server_on(server, "session_end", 0, NULL, NULL, NULL, &err));
    CHECK_ERROR(TENON_ERR_INVALID, "no mode 9", tenon_server_on(server, "session_end", 9, nothing, NULL, NULL, &err));
    CHECK_ERROR(TENON_ERR_INVALID, "session_start", tenon_server_on(server, "party", 0, nothing, NULL, NULL, &err));
    OK(tenon_server_on(server, "session_end", TENON_MODE_POLL, nothing, NULL, NULL, NULL));
    CHECK_ERROR(TENON_ERR_DUPLICATE, "session_end", tenon_server_on(server, "session_end", 0, nothing, NULL, NULL, &err));
    OK(tenon_server_remove(server, TENON_KIND_HOOK, "session_end"));
    CHECK(pipe(pipes) == 0);
    CHECK_ERROR(TENON_ERR_INVALID, "-1", tenon_server_listen_descriptors(server, pipes[0], -1, &err));
    CHECK_ERROR(TENON_ERR_INVALID, "not open", tenon_server_listen_descriptors(server, pipes[0], pipes[1], &err));
    CHECK(close(pipes[1]) == -1);
    OK(tenon_server_free(server));
}

/* A setter that fails also makes the start fail, with the detail of the first. */
static void server_settings(void) {
    static const struct {
        tenon_limit limit;
        uint64_t value;
    } wrong[] = {{0, 1}, {99, 1}, {-1, 1}, {TENON_LIMIT_CALLS, 0}, {TENON_LIMIT_CALL_TIMEOUT_MS, 0}};
    tenon_server *server;
    struct peer peer;
    size_t i;
    tenon_limit limit;

    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        server = new_server();
        CHECK_STATUS(TENON_ERR_INVALID, tenon_server_set_limit(server, wrong[i].limit, wrong[i].value));
        CHECK_STATUS(TENON_ERR_UTF8, tenon_server_set_instructions(server, "\xc3"));
        OK(tenon_server_listen_http(server, "127.0.0.1:0", NULL));
        CHECK_ERROR(TENON_ERR_INVALID, "limit", tenon_server_start(server, &err));
        OK(tenon_server_free(server));
    }
    server = new_server();
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_set_instructions(server, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_add_state_key(server, NULL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_set_worker_threads(server, 0));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_set_worker_threads(server, 100000));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_allow_host(server, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_allow_origin(server, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_listen_http(server, NULL, NULL));
    CHECK_ERROR(TENON_ERR_INVALID, "nonsense", tenon_server_listen_http(server, "nonsense", &err));
    OK(tenon_server_free(server));

    server = new_server();
    for (limit = TENON_LIMIT_MESSAGE_BYTES; limit <= TENON_LIMIT_RESULT_BYTES; limit++)
        OK(tenon_server_set_limit(server, limit, UINT64_MAX));
    OK(tenon_server_set_limit(server, TENON_LIMIT_CALLS, 100));
    OK(tenon_server_set_limit(server, TENON_LIMIT_DRAIN_TIMEOUT_MS, 0));
    OK(tenon_server_set_instructions(server, "Use it well."));
    add_tool(server, "nothing", NULL, TENON_MODE_WORKER, nothing, NULL, NULL);
    serve(&peer, server);
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"" LEGACY
                     "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}");
    CHECK_IN("Use it well.", next_line(&peer));
    call_tool(&peer, 1, "nothing", "{}");
    CHECK(has_text(next_line(&peer), "true"));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_set_instructions(server, "too late"));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_set_limit(server, TENON_LIMIT_CALLS, 1));
    CHECK_ERROR(TENON_ERR_STATE, "already", tenon_server_start(server, &err));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

/* What a server says of itself and how it works: wrong values are told at once. */
static void server_members(void) {
    static const struct {
        tenon_status status;
        const char *member, *value;
    } wrong[] = {
        {TENON_ERR_NULL, NULL, "1"},
        {TENON_ERR_NULL, "title", NULL},
        {TENON_ERR_UTF8, "title", "\"\xff\""},
        {TENON_ERR_JSON, "title", "unquoted"},
        {TENON_ERR_INVALID, "title", "1"},
        {TENON_ERR_INVALID, "nonsense", "1"},
        {TENON_ERR_INVALID, "name", "\"other\""},
        {TENON_ERR_INVALID, "website_url", "\"nowhere\""},
        {TENON_ERR_INVALID, "revisions", "\"2025-11-25\""},
        {TENON_ERR_INVALID, "revisions", "[\"2020-01-01\"]"},
        {TENON_ERR_INVALID, "revisions", "[]"},
        {TENON_ERR_INVALID, "capabilities", "[\"flight\"]"},
        {TENON_ERR_INVALID, "mask_errors", "1"},
        {TENON_ERR_INVALID, "cache", "{\"ttlMs\":-1}"},
        {TENON_ERR_INVALID, "cache_of", "{\"tools/call\":{\"ttlMs\":1}}"},
    };
    tenon_server *server;
    struct peer peer;
    const char *line;
    size_t i;
    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        server = new_server();
        CHECK_STATUS(wrong[i].status, tenon_server_set(server, wrong[i].member, wrong[i].value, TENON_NUL));
        OK(tenon_server_listen_http(server, "127.0.0.1:0", NULL));
        CHECK_STATUS(wrong[i].status, tenon_server_start(server, NULL));
        OK(tenon_server_free(server));
    }
    server = new_server();
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_add_extension(server, NULL, "{}", TENON_NUL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_add_extension(server, "a/b", NULL, TENON_NUL));
    CHECK_STATUS(TENON_ERR_JSON, tenon_server_add_extension(server, "a/b", "{", TENON_NUL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_add_extension(server, "a/b", "[]", TENON_NUL));
    OK(tenon_server_free(server));

    server = new_server();
    OK(tenon_server_set(server, "title", "\"A\" and more", 3));
    OK(tenon_server_set(server, "title", "\"The server\"", TENON_NUL));
    OK(tenon_server_set(server, "website_url", "\"https://example.com\"", TENON_NUL));
    OK(tenon_server_set(server, "revisions", "[\"2025-11-25\",\"2026-07-28\"]", TENON_NUL));
    OK(tenon_server_set(server, "capabilities", "[\"logging\",\"prompts\"]", TENON_NUL));
    OK(tenon_server_set(server, "mask_errors", "true", TENON_NUL));
    OK(tenon_server_set(server, "coerce_arguments", "false", TENON_NUL));
    OK(tenon_server_set(server, "assert_formats", "false", TENON_NUL));
    OK(tenon_server_set(server, "cache", "{\"ttlMs\":1000,\"cacheScope\":\"private\"}", TENON_NUL));
    OK(tenon_server_set(server, "cache_of", "{\"tools/list\":{\"ttlMs\":5}}", TENON_NUL));
    OK(tenon_server_add_extension(server, "com.example/thing", "{\"on\":true}", TENON_NUL));
    serve(&peer, server);
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2024-11-05"
                     "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}");
    line = next_line(&peer);
    CHECK_IN("\"title\":\"The server\"", line);
    CHECK_IN("\"websiteUrl\":\"https://example.com\"", line);
    CHECK_IN("\"protocolVersion\":\"2025-11-25\"", line);
    CHECK_IN("\"logging\":{}", line);
    CHECK_IN("\"prompts\":{", line);
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\",\"params\":{\"_meta\":{"
                     "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
                     "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"t\",\"version\":\"1\"},"
                     "\"io.modelcontextprotocol/clientCapabilities\":{}}}}");
    line = next_line(&peer);
    CHECK_IN("\"com.example/thing\":{\"on\":true}", line);
    CHECK_IN("\"ttlMs\":1000,\"cacheScope\":\"private\"", line);
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_set(server, "title", "\"late\"", TENON_NUL));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_add_extension(server, "a/b", "{}", TENON_NUL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_elicitation_complete(server, "nobody waits"));
    CHECK_STATUS(TENON_ERR_JSON, tenon_server_notify(server, "acme/moved", "{", TENON_NUL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_notify(server, "acme/moved", "[]", TENON_NUL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_notify(server, "notifications/message", "{}", TENON_NUL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_list_changed(server, TENON_KIND_HOOK));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_list_changed(server, 99));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

/* Every constructor and every setter of entries. */
static void entries(void) {
    tenon_server *server = new_server();
    tenon_entry *entry = NULL;
    CHECK_ERROR(TENON_ERR_NULL, "uri", tenon_resource_new(NULL, &entry, &err));
    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_resource_new("a:b", NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "uri template", tenon_resource_template_new(NULL, &entry, &err));
    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_resource_template_new("a:{b}", NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "uri template", tenon_resource_provider_new(NULL, &entry, &err));
    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_resource_provider_new("a:{b}", NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "name", tenon_prompt_new(NULL, &entry, &err));
    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_prompt_new("a", NULL, &err));
    CHECK_STATUS(TENON_ERR_NULL, tenon_prompt_add_argument(NULL, "a", NULL, true));
    CHECK_ERROR(TENON_ERR_NULL, "of", tenon_completion_new(TENON_KIND_PROMPT, NULL, "a", &entry, &err));
    CHECK_ERROR(TENON_ERR_NULL, "argument", tenon_completion_new(TENON_KIND_PROMPT, "a", NULL, &entry, &err));
    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_completion_new(TENON_KIND_PROMPT, "a", "b", NULL, &err));
    CHECK_ERROR(TENON_ERR_INVALID, "no kind 77", tenon_completion_new(77, "a", "b", &entry, &err));
    CHECK_ERROR(TENON_ERR_NULL, "name", tenon_method_new(NULL, &entry, &err));
    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_method_new("a/b", NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "name", tenon_notification_new(NULL, &entry, &err));
    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_notification_new("a/b", NULL, &err));
    CHECK(entry == NULL);
    CHECK_STATUS(TENON_ERR_NULL, tenon_entry_set(NULL, "title", "\"a\"", TENON_NUL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_entry_set_list_handler(NULL, nothing, NULL, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_tool_add_param(NULL, "a", "{}", true));
    CHECK_ERROR(TENON_ERR_NULL, "method", tenon_server_replace(server, NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "server", tenon_server_replace(NULL, NULL, &err));

    /* Each is refused with a reason that names the entry. */
#define REFUSED_ENTRY(status, needle, make, change) \
    do { \
        OK(make); \
        OK(tenon_entry_set_handler(entry, nothing, NULL, NULL)); \
        (void)(change); \
        CHECK_ERROR(status, needle, tenon_server_add(server, entry, &err)); \
    } while (0)
#define TOOL tenon_tool_new("odd", &entry, NULL)
#define RESOURCE tenon_resource_new("a:b", &entry, NULL)
#define PROMPT tenon_prompt_new("odd", &entry, NULL)
    REFUSED_ENTRY(TENON_ERR_NULL, "tool \"odd\": member is NULL", TOOL, tenon_entry_set(entry, NULL, "1", 1));
    REFUSED_ENTRY(TENON_ERR_NULL, "value is NULL", TOOL, tenon_entry_set(entry, "title", NULL, 1));
    REFUSED_ENTRY(TENON_ERR_JSON, "title is not JSON", TOOL, tenon_entry_set(entry, "title", "a", 1));
    REFUSED_ENTRY(TENON_ERR_INVALID, "\"color\"", TOOL, tenon_entry_set(entry, "color", "1", 1));
    REFUSED_ENTRY(TENON_ERR_INVALID, "title", TOOL, tenon_entry_set(entry, "title", "1", 1));
    REFUSED_ENTRY(TENON_ERR_INVALID, "refuse", TOOL, tenon_entry_set(entry, "unknown_arguments", "1", 1));
    REFUSED_ENTRY(TENON_ERR_INVALID, "true or false", TOOL, tenon_entry_set(entry, "coerce_arguments", "1", 1));
    REFUSED_ENTRY(TENON_ERR_INVALID, "cache", RESOURCE, tenon_entry_set(entry, "cache", "1", 1));
    REFUSED_ENTRY(TENON_ERR_INVALID, "resource \"a:b\"", RESOURCE, tenon_tool_set_input_schema(entry, "{}"));
    REFUSED_ENTRY(TENON_ERR_INVALID, "list handler", RESOURCE, tenon_entry_set_list_handler(entry, nothing, NULL, NULL));
    REFUSED_ENTRY(TENON_ERR_INVALID, "absolute URI", tenon_resource_new("nowhere", &entry, NULL), 0);
    REFUSED_ENTRY(TENON_ERR_INVALID, "a:{", tenon_resource_template_new("a:{", &entry, NULL), 0);
    REFUSED_ENTRY(TENON_ERR_INVALID, "no list handler", tenon_resource_provider_new("a:{b}", &entry, NULL), 0);
    REFUSED_ENTRY(TENON_ERR_INVALID, "tool", tenon_completion_new(TENON_KIND_TOOL, "a", "b", &entry, NULL), 0);
    REFUSED_ENTRY(TENON_ERR_INVALID, "a b", tenon_method_new("a b", &entry, NULL), 0);
    REFUSED_ENTRY(TENON_ERR_NULL, "name", PROMPT, tenon_prompt_add_argument(entry, NULL, NULL, false));
    REFUSED_ENTRY(TENON_ERR_UTF8, "description", PROMPT, tenon_prompt_add_argument(entry, "a", "\xff", false));
    REFUSED_ENTRY(TENON_ERR_INVALID, "arguments", TOOL, tenon_prompt_add_argument(entry, "a", NULL, false));
    REFUSED_ENTRY(TENON_ERR_NULL, "name", TOOL, tenon_tool_add_param(entry, NULL, "{}", false));
    REFUSED_ENTRY(TENON_ERR_JSON, "\"a\"", TOOL, tenon_tool_add_param(entry, "a", "{", false));
    REFUSED_ENTRY(TENON_ERR_DUPLICATE, "\"a\"", TOOL,
                  tenon_tool_add_param(entry, "a", "{}", true) || tenon_tool_add_param(entry, "a", "{}", true));
    REFUSED_ENTRY(TENON_ERR_INVALID, "one of them", TOOL,
                  tenon_tool_add_param(entry, "a", "{}", true) || tenon_tool_set_input_schema(entry, "{}"));
    REFUSED_ENTRY(TENON_ERR_NULL, "handler", RESOURCE, tenon_entry_set_list_handler(entry, NULL, NULL, NULL));
    OK(TOOL);
    OK(tenon_entry_set_handler(entry, nothing, NULL, NULL));
    CHECK_ERROR(TENON_ERR_INVALID, "only a method", tenon_server_replace(server, entry, &err));
    OK(TOOL);
    CHECK_ERROR(TENON_ERR_NULL, "server", tenon_server_replace(NULL, entry, &err));
    OK(tenon_server_free(server));
}

/* Every function of results. */
static void results(void) {
    tenon_result *result = NULL;
    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_result_new(NULL, &err));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_text(NULL, "a", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_image(NULL, "a", 1, "image/png"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_audio(NULL, "a", 1, "audio/wav"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_resource(NULL, "a:b", NULL, "a", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_resource_bytes(NULL, "a:b", NULL, "a", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_link(NULL, "a:b", "b", NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_message(NULL, "user", "a", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_value(NULL, "a", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add(NULL, "{}", 2));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_set_last(NULL, "title", "{}", 2));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_set(NULL, "is_error", "true", 4));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_set_structured(NULL, "{}", 2));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_set_meta(NULL, "{}", 2));
    tenon_result_free(NULL);
    OK(tenon_result_new(&result, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_text(result, NULL, 1));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_result_add_text(result, "\xff", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_image(result, NULL, 1, "image/png"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_image(result, "a", 1, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_audio(result, NULL, 1, "audio/wav"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_audio(result, "a", 1, NULL));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_result_add_audio(result, "a", SIZE_MAX, "audio/wav"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_resource(result, NULL, NULL, "a", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_resource(result, "a:b", NULL, NULL, 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_resource_bytes(result, NULL, NULL, "a", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_resource_bytes(result, "a:b", NULL, NULL, 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_link(result, NULL, "b", NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_link(result, "a:b", NULL, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_message(result, NULL, "a", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_message(result, "user", NULL, 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_value(result, NULL, 1));
    CHECK_STATUS(TENON_ERR_JSON, tenon_result_add(result, "{", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add(result, NULL, 1));
    CHECK_STATUS(TENON_ERR_STATE, tenon_result_set_last(result, "title", "1", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_set_last(result, NULL, "1", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_set(result, NULL, "1", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_set(result, "total", NULL, 1));
    CHECK_STATUS(TENON_ERR_JSON, tenon_result_set(result, "total", "", 0));
    CHECK_STATUS(TENON_ERR_JSON, tenon_result_set_structured(result, "{", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_set_structured(result, NULL, 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_set_meta(result, NULL, 1));
    CHECK_STATUS(TENON_ERR_JSON, tenon_result_set_meta(result, "{", 1));
    tenon_result_free(result);
    OK(tenon_result_new(&result, NULL));
    CHECK_ERROR(TENON_ERR_NULL, "call", tenon_call_return(NULL, result, &err));
}

static void tools(void) {
    static const char *const bad_names[] = {"", "a b", "\xc3\xa4", "a/b"};
    tenon_server *server = new_server();
    tenon_entry *tool = NULL;
    char *huge = malloc(1 << 20), *deep = malloc(1 << 20);
    size_t i;

    CHECK_ERROR(TENON_ERR_NULL, "name", tenon_tool_new(NULL, &tool, &err));
    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_tool_new("a", NULL, &err));
    CHECK_ERROR(TENON_ERR_UTF8, "name", tenon_tool_new("\xff", &tool, &err));
    CHECK(tool == NULL);
    CHECK_STATUS(TENON_ERR_NULL, tenon_entry_set_description(NULL, "x"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_tool_set_input_schema(NULL, "{}"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_tool_set_output_schema(NULL, "{}"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_tool_set_structured(NULL, true));
    CHECK_STATUS(TENON_ERR_NULL, tenon_tool_set_task_support(NULL, "optional"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_entry_set_timeout_ms(NULL, 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_entry_set_mode(NULL, TENON_MODE_POLL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_entry_set_handler(NULL, nothing, NULL, NULL));
    tenon_entry_free(NULL);
    CHECK_ERROR(TENON_ERR_NULL, "entry", tenon_server_add(server, NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "server", tenon_server_add(NULL, NULL, &err));

    OK(tenon_tool_new("a", &tool, NULL));
    CHECK_ERROR(TENON_ERR_NULL, "server", tenon_server_add(NULL, tool, &err));

    OK(tenon_tool_new("handless", &tool, NULL));
    CHECK_ERROR(TENON_ERR_INVALID, "\"handless\" has no handler", tenon_server_add(server, tool, &err));

    /* Each wrong setter fails, and makes the registration fail with its reason. */
#define REJECTED(status, needle, setter) \
    do { \
        OK(tenon_tool_new("wrong", &tool, NULL)); \
        OK(tenon_entry_set_handler(tool, nothing, NULL, NULL)); \
        CHECK_STATUS(status, setter); \
        CHECK_ERROR(status, "\"wrong\"", tenon_server_add(server, tool, &err)); \
        OK(tenon_tool_new("wrong", &tool, NULL)); \
        OK(tenon_entry_set_handler(tool, nothing, NULL, NULL)); \
        (void)setter; \
        CHECK_ERROR(status, needle, tenon_server_add(server, tool, &err)); \
    } while (0)
    REJECTED(TENON_ERR_NULL, "description", tenon_entry_set_description(tool, NULL));
    REJECTED(TENON_ERR_UTF8, "description", tenon_entry_set_description(tool, "a\xc3("));
    REJECTED(TENON_ERR_NULL, "input schema", tenon_tool_set_input_schema(tool, NULL));
    REJECTED(TENON_ERR_JSON, "input schema", tenon_tool_set_input_schema(tool, "{\"type\":"));
    REJECTED(TENON_ERR_JSON, "input schema", tenon_tool_set_input_schema(tool, ""));
    REJECTED(TENON_ERR_JSON, "output schema", tenon_tool_set_output_schema(tool, "{} {}"));
    REJECTED(TENON_ERR_NULL, "output schema", tenon_tool_set_output_schema(tool, NULL));
    REJECTED(TENON_ERR_INVALID, "time-out", tenon_entry_set_timeout_ms(tool, 0));
    REJECTED(TENON_ERR_INVALID, "mode 99", tenon_entry_set_mode(tool, 99));
    REJECTED(TENON_ERR_NULL, "handler", tenon_entry_set_handler(tool, NULL, NULL, NULL));

    memset(deep, '[', (1 << 20) - 1);
    deep[(1 << 20) - 1] = '\0';
    REJECTED(TENON_ERR_JSON, "input schema", tenon_tool_set_input_schema(tool, deep));

    /* JSON, but no schema for arguments. */
#define REFUSED(needle, text) \
    do { \
        OK(tenon_tool_new("odd", &tool, NULL)); \
        OK(tenon_entry_set_handler(tool, nothing, NULL, NULL)); \
        OK(tenon_tool_set_input_schema(tool, text)); \
        CHECK_ERROR(TENON_ERR_INVALID, needle, tenon_server_add(server, tool, &err)); \
    } while (0)
    REFUSED("\"odd\"", "{\"type\":\"string\"}");
    REFUSED("\"odd\"", "[]");
    REFUSED("\"odd\"", "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"nonsense\"}}}");

    for (i = 0; i < sizeof bad_names / sizeof *bad_names; i++) {
        OK(tenon_tool_new(bad_names[i], &tool, NULL));
        OK(tenon_entry_set_handler(tool, nothing, NULL, NULL));
        CHECK_ERROR(TENON_ERR_INVALID, "name", tenon_server_add(server, tool, &err));
    }
    memset(huge, 'a', (1 << 20) - 1);
    huge[(1 << 20) - 1] = '\0';
    OK(tenon_tool_new(huge, &tool, NULL));
    OK(tenon_entry_set_description(tool, huge));
    OK(tenon_entry_set_handler(tool, nothing, NULL, NULL));
    CHECK_ERROR(TENON_ERR_INVALID, "name", tenon_server_add(server, tool, &err));

    OK(tenon_tool_new("perhaps", &tool, NULL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_tool_set_task_support(tool, "perhaps"));
    tenon_entry_free(tool);

    add_tool(server, "twice", NULL, TENON_MODE_WORKER, nothing, NULL, NULL);
    OK(tenon_tool_new("twice", &tool, NULL));
    OK(tenon_tool_set_structured(tool, true));
    OK(tenon_entry_set_handler(tool, nothing, NULL, NULL));
    CHECK_ERROR(TENON_ERR_DUPLICATE, "twice", tenon_server_add(server, tool, &err));
    OK(tenon_server_free(server));
    free(huge);
    free(deep);
}

/* With a live call, in its callback. */
static void probe(void *user_data, tenon_call *call) {
    const char *text = "untouched";
    size_t len = 77;
    int64_t number = 77;
    double real = 77;
    bool truth = true;
    tenon_answer *answer = NULL;
    tenon_result *result = NULL;
    (void)user_data;

    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arguments(call, NULL, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arguments(call, &text, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_int64(call, NULL, &number));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_int64(call, "n", NULL));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_call_arg_int64(call, "\xff", &number));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_arg_int64(call, "none", &number));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_call_arg_int64(call, "s", &number));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_call_arg_int64(call, "big", &number));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_call_arg_int64(call, "half", &number));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_arg_double(call, "none", &real));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_call_arg_double(call, "s", &real));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_double(call, "half", NULL));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_call_arg_bool(call, "s", &truth));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_bool(call, NULL, &truth));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_bool(call, "t", NULL));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_call_arg_string(call, "n", &text, &len));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_arg_string(call, "", &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_string(call, "s", NULL, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_json(call, "s", NULL, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_json(call, "s", &text, NULL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_arg_json(call, "none", &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_name(call, NULL, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_uri(call, NULL, &len));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_uri(call, &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_get(call, NULL, &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_get(call, "meta", NULL, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_get(call, "meta", &text, NULL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_get(call, "uri", &text, &len));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_call_get(call, "color", &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_once_get(call, NULL, &text, &len));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_once_get(call, "k", &text, &len));
    CHECK_ERROR(TENON_ERR_NULL, "key", tenon_call_once_put(call, NULL, "1", 1, &err));
    CHECK_ERROR(TENON_ERR_NULL, "value", tenon_call_once_put(call, "k", NULL, 1, &err));
    CHECK_ERROR(TENON_ERR_JSON, "not JSON", tenon_call_once_put(call, "k", "{", 1, &err));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_log(call, NULL, NULL, "a", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_log(call, "info", NULL, NULL, 1));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_call_log(call, "loud", NULL, "a", 1));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_call_log(call, "info", "\xff", "a", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_log_json(call, NULL, NULL, "1", 1));
    CHECK_STATUS(TENON_ERR_JSON, tenon_call_log_json(call, "info", NULL, "{", 1));
    CHECK(tenon_call_kind(call) == TENON_KIND_TOOL);
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_request_id(call, &text, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_protocol_version(call, NULL, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_client_info(call, &text, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_client_capabilities(call, NULL, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_session_id(call, &text, NULL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_session_id(call, &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_meta(call, NULL, &len));
    CHECK(strcmp(text, "untouched") == 0 && len == 77 && number == 77 && real == 77 && truth);
    CHECK_STATUS(TENON_ERR_UTF8, tenon_call_progress(call, 1, 2, "\xff"));
    OK(tenon_call_progress(call, NAN, NAN, NULL));
    OK(tenon_call_progress(call, INFINITY, -1, NULL));

    CHECK_ERROR(TENON_ERR_NULL, "message", tenon_call_elicit(call, NULL, NULL, "{}", &answer, &err));
    CHECK_ERROR(TENON_ERR_NULL, "schema", tenon_call_elicit(call, NULL, "?", NULL, &answer, &err));
    CHECK_ERROR(TENON_ERR_NULL, "answer", tenon_call_elicit(call, NULL, "?", "{}", NULL, &err));
    CHECK_ERROR(TENON_ERR_JSON, "schema", tenon_call_elicit(call, NULL, "?", "{", &answer, &err));
    CHECK_ERROR(TENON_ERR_UTF8, "key", tenon_call_elicit(call, "\xff", "?", "{}", &answer, &err));
    CHECK_ERROR(TENON_ERR_INVALID, "elicitation", tenon_call_elicit(call, NULL, "?", "[]", &answer, &err));
    CHECK_ERROR(TENON_ERR_NULL, "url", tenon_call_elicit_url(call, NULL, "?", NULL, NULL, &answer, &err));
    CHECK_ERROR(TENON_ERR_NULL, "message", tenon_call_elicit_url(call, NULL, NULL, "a:b", NULL, &answer, &err));
    CHECK_ERROR(TENON_ERR_UNSUPPORTED, "", tenon_call_elicit_url(call, NULL, "?", "a:b", NULL, &answer, &err));
    CHECK_ERROR(TENON_ERR_NULL, "url", tenon_call_require_url(call, "?", NULL, NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "message", tenon_call_require_url(call, NULL, "a:b", NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "params", tenon_call_sample(call, NULL, NULL, 1, &answer, &err));
    CHECK_ERROR(TENON_ERR_JSON, "params", tenon_call_sample(call, NULL, "{", 1, &answer, &err));
    CHECK_ERROR(TENON_ERR_NULL, "answer", tenon_call_sample(call, NULL, "{}", 2, NULL, &err));
    CHECK_ERROR(TENON_ERR_UNSUPPORTED, "", tenon_call_sample(call, NULL, "{}", 2, &answer, &err));
    CHECK_ERROR(TENON_ERR_NULL, "answer", tenon_call_roots(call, NULL, NULL, &err));
    CHECK_ERROR(TENON_ERR_UNSUPPORTED, "", tenon_call_roots(call, NULL, &answer, &err));
    CHECK_ERROR(TENON_ERR_NULL, "question", tenon_call_ask(call, NULL, NULL, "{}", 2, &answer, &err));
    CHECK_ERROR(TENON_ERR_INVALID, "elicit_url", tenon_call_ask(call, "why", NULL, "{}", 2, &answer, &err));
    CHECK_ERROR(TENON_ERR_JSON, "params", tenon_call_ask(call, "roots", NULL, "{", 1, &answer, &err));
    CHECK_ERROR(TENON_ERR_NULL, "answer", tenon_call_ask(call, "roots", NULL, "{}", 2, NULL, &err));
    CHECK(answer == NULL);

    CHECK_ERROR(TENON_ERR_NULL, "result", tenon_call_return(call, NULL, &err));
    OK(tenon_result_new(&result, NULL));
    CHECK_STATUS(TENON_ERR_JSON, tenon_result_set_meta(result, "{", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_text(result, NULL, 1));
    CHECK_ERROR(TENON_ERR_JSON, "metadata is not JSON", tenon_call_return(call, result, &err));
    OK(tenon_result_new(&result, NULL));
    OK(tenon_result_set(result, "next_cursor", "1", 1));
    CHECK_ERROR(TENON_ERR_INVALID, "tool \"probe\": unknown member", tenon_call_return(call, result, &err));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_return_bytes(call, NULL, 1));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_call_not_found(call, "\xff"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_error(call, 1, NULL, NULL));
    CHECK_STATUS(TENON_ERR_JSON, tenon_call_error(call, 1, "a", "{"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_return_text(call, NULL, 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_return_text(call, NULL, TENON_NUL));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_call_return_text(call, "a\xff", TENON_NUL));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_call_return_text(call, "a\xc3\xa4", 2));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_call_return_text(call, "a", SIZE_MAX - 1));
    CHECK_ERROR(TENON_ERR_NULL, "result", tenon_call_return_json(call, NULL, 1, &err));
    CHECK_ERROR(TENON_ERR_JSON, "\"probe\"", tenon_call_return_json(call, "{\"a\":", TENON_NUL, &err));
    CHECK_ERROR(TENON_ERR_JSON, "not JSON", tenon_call_return_json(call, NULL, 0, &err));
    CHECK_ERROR(TENON_ERR_JSON, "not JSON", tenon_call_return_json(call, "{\"a\":1,\"a\":2}", TENON_NUL, &err));
    CHECK_ERROR(TENON_ERR_UTF8, "not UTF-8", tenon_call_return_json(call, "\"\xff\"", TENON_NUL, &err));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_call_return_double(call, NAN));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_call_return_double(call, -INFINITY));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_fail(call, NULL));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_call_fail(call, "\xff"));
    /* After all of these the call can still be completed, and once only. */
    CHECK(!tenon_call_is_cancelled(call));
    OK(tenon_call_return_text(call, "survived", 8));
    CHECK(tenon_call_is_cancelled(call));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_return_text(call, "again", TENON_NUL));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_return_json(call, "1", 1, NULL));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_fail(call, "again"));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_progress(call, 5, 6, "late"));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_log(call, "info", NULL, "late", 4));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_once_put(call, "k", "1", 1, NULL));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_return_bytes(call, NULL, 0));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_not_found(call, NULL));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_error(call, 1, "a", NULL));
    OK(tenon_result_new(&result, NULL));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_return(call, result, NULL));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_elicit(call, NULL, "?", "{\"type\":\"object\",\"properties\":{}}", &answer, NULL));
    OK(tenon_call_arg_string(call, "s", &text, &len));
    CHECK(strcmp(text, "x") == 0 && len == 1);
}

static void calls(void) {
    tenon_server *server = new_server();
    struct peer peer;
    add_tool(server, "probe", "{\"type\":\"object\"}", TENON_MODE_WORKER, probe, NULL, NULL);
    serve(&peer, server);
    initialize(&peer, ELICITATION);
    call_tool(&peer, 1, "probe", "{\"s\":\"x\",\"n\":1,\"big\":9223372036854775808,\"half\":0.5,\"t\":true}");
    CHECK(has_text(next_line(&peer), "survived"));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static void no_call(void) {
    const char *text;
    size_t len;
    int64_t number;
    double real;
    bool truth;
    tenon_answer *answer;

    CHECK_STATUS(TENON_ERR_NULL, tenon_call_retain(NULL));
    tenon_call_release(NULL);
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arguments(NULL, &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_int64(NULL, "a", &number));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_double(NULL, "a", &real));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_bool(NULL, "a", &truth));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_string(NULL, "a", &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_json(NULL, "a", &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_name(NULL, &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_uri(NULL, &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_get(NULL, "meta", &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_once_get(NULL, "k", &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_once_put(NULL, "k", "1", 1, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_log(NULL, "info", NULL, "a", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_log_json(NULL, "info", NULL, "1", 1));
    CHECK(tenon_call_kind(NULL) == 0);
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_request_id(NULL, &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_protocol_version(NULL, &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_client_info(NULL, &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_client_capabilities(NULL, &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_session_id(NULL, &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_meta(NULL, &text, &len));
    CHECK(tenon_call_is_cancelled(NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_progress(NULL, 1, 2, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_return_text(NULL, "a", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_return_json(NULL, "1", 1, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_return_int64(NULL, 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_return_double(NULL, 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_return_bool(NULL, true));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_fail(NULL, "a"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_elicit(NULL, NULL, "?", "{}", &answer, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_elicit_url(NULL, NULL, "?", "a:b", NULL, &answer, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_require_url(NULL, "?", "a:b", NULL, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_sample(NULL, NULL, "{}", 2, &answer, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_roots(NULL, NULL, &answer, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_ask(NULL, "roots", NULL, "{}", 2, &answer, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_return_bytes(NULL, "a", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_not_found(NULL, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_error(NULL, 1, "a", NULL));
    CHECK(tenon_answer_action(NULL) == 0);
    CHECK_STATUS(TENON_ERR_NULL, tenon_answer_text(NULL, &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_answer_root(NULL, 0, &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_answer_json(NULL, &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_answer_content(NULL, &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_answer_string(NULL, "a", &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_answer_int64(NULL, "a", &number));
    CHECK_STATUS(TENON_ERR_NULL, tenon_answer_double(NULL, "a", &real));
    CHECK_STATUS(TENON_ERR_NULL, tenon_answer_bool(NULL, "a", &truth));
    tenon_answer_free(NULL);
}

/* What the library serves without callbacks. */
static void served(void) {
    tenon_entry *entry = NULL;
    const char *json;
    size_t len;
    tenon_server *server = new_server();
    CHECK_STATUS(TENON_ERR_NULL, tenon_ui_new(NULL, "<p>", &entry, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_ui_new("ui://a", NULL, &entry, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_ui_new("ui://a", "<p>", NULL, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_ui_new_from_folder(NULL, "x", &entry, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_ui_new_from_folder("ui://a", NULL, &entry, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_tool_set_ui(NULL, "ui://a"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_add_skills(NULL, "x", NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_add_skills(server, NULL, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_extension(NULL, "x", &json, &len));
    OK(tenon_server_free(server));
}

/* A request of the program's own server. */
static void requests(void) {
    tenon_http *http = NULL;
    tenon_http_step step;
    const char *text;
    const void *data;
    size_t len;
    uint32_t status;
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_listen_embedded(NULL, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_new(NULL, &http, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_new("GET", NULL, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_add_header(NULL, "a", "b", 1, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_set_version(NULL, 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_set_principal(NULL, "a"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_write(NULL, "", 0));
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_end(NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_next(NULL, 0, &step));
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_status(NULL, &status));
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_header(NULL, 0, &text, &text, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_http_data(NULL, &data, &len));
    OK(tenon_http_free(NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_handle_http(NULL, NULL, NULL, NULL, NULL, NULL));
    CHECK(http == NULL);
}

static const struct test all[] = {
    {"served", served}, {"requests", requests},
    {"errors", errors}, {"servers", servers}, {"server_settings", server_settings},
    {"server_members", server_members}, {"entries", entries}, {"results", results},
    {"tools", tools},   {"calls", calls},     {"no_call", no_call},
};
RUN_TESTS(all)
