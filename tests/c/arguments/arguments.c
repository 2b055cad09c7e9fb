/* Wrong values of arguments of server functions. refusals.py has arguments of a wrong type. */
#include <limits.h>
#include <pthread.h>
#include <unistd.h>

#include "support.h"

static void nothing(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_return_bool(call, true);
}

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

static void *message_of_another_thread(void *unused) {
    (void)unused;
    CHECK(strcmp(tenon_error_last_message(), "") == 0);
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_return_bool(NULL, true));
    CHECK_IN("call", tenon_error_last_message());
    return NULL;
}

static const char *failed(void) {
    return tenon_server_set_instructions(NULL, "a") == TENON_ERR_NULL ? "failed" : "did not fail";
}

/* The pointer stays good through later failures, whichever of the arguments is evaluated first. */
static void last_message_stays(void) {
    char text[3000], line[3000];
    const char *first;
    int i;
    failed();
    first = tenon_error_last_message();
    for (i = 0; i < 100; i++) CHECK_STATUS(TENON_ERR_NULL, tenon_call_return_bool(NULL, true));
    CHECK(first == tenon_error_last_message());
    CHECK_IN("call is NULL", first);
    snprintf(line, sizeof line, "%s %s", failed(), tenon_error_last_message());
    CHECK_IN("failed server is NULL", line);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    {
        tenon_entry *entry = NULL;
        OK(tenon_tool_new("a", &entry, NULL));
        CHECK_STATUS(TENON_ERR_INVALID, tenon_tool_add_param(entry, "p", text, NULL, 0));
        CHECK(strlen(tenon_error_last_message()) < TENON_ERROR_MESSAGE_SIZE);
        tenon_entry_free(entry);
    }
}

/* An entry that a server has taken or that was freed is found out, and so is what is no entry. */
static void dead_entries(void) {
    tenon_server *server = NULL;
    tenon_entry *taken = NULL, *freed = NULL, *refused = NULL, *other = NULL;
    tenon_result *result = NULL;
    tenon_error *err = NULL;
    OK(tenon_server_new("dead", "1", &server, NULL));
    OK(tenon_tool_new("a", &taken, NULL));
    OK(tenon_entry_set_handler(taken, nothing, NULL, NULL));
    OK(tenon_server_add(server, taken, NULL));
    OK(tenon_tool_new("b", &refused, NULL));
    CHECK(tenon_server_add(server, refused, NULL) == TENON_ERR_INVALID);
    OK(tenon_tool_new("c", &freed, NULL));
    tenon_entry_free(freed);
    /* None of the handles is given again. */
    OK(tenon_tool_new("d", &other, NULL));
    CHECK(other != taken && other != refused && other != freed);
    CHECK_STATUS(TENON_ERR_STATE, tenon_entry_set_description(taken, "x"));
    CHECK_IN("entry: this is an entry that was freed, or that a server has taken", tenon_error_last_message());
    CHECK_STATUS(TENON_ERR_STATE, tenon_entry_set(refused, "title", "\"x\"", TENON_NUL));
    CHECK_STATUS(TENON_ERR_STATE, tenon_tool_add_param(freed, "p", "string", NULL, 0));
    CHECK_STATUS(TENON_ERR_STATE, tenon_entry_set_handler(freed, nothing, NULL, NULL));
    CHECK(tenon_server_add(server, taken, &err) == TENON_ERR_STATE);
    CHECK(tenon_error_status(err) == TENON_ERR_STATE);
    tenon_error_free(err);
    CHECK(tenon_server_replace(server, freed, NULL) == TENON_ERR_STATE);
    OK(tenon_result_new(&result, NULL));
    CHECK_STATUS(TENON_ERR_STATE, tenon_entry_set_description((tenon_entry *)result, "x"));
    CHECK_STATUS(TENON_ERR_STATE, tenon_entry_set_description((tenon_entry *)server, "x"));
    tenon_result_free(result);
    tenon_entry_free(taken);
    tenon_entry_free(freed);
    OK(tenon_entry_set_description(other, "x"));
    tenon_entry_free(other);
    tenon_server_free(server);
}

/* What is wrong with a handle is said. */
#define WRONG(text, call) \
    do { \
        CHECK_STATUS(TENON_ERR_STATE, call); \
        CHECK_IN(text, tenon_error_last_message()); \
    } while (0)
/* The same of a function that returns no status. */
#define WRONG_VALUE(text, condition) \
    do { \
        CHECK_STATUS(TENON_ERR_NULL, tenon_server_set_instructions(NULL, "a")); \
        CHECK(condition); \
        CHECK_IN(text, tenon_error_last_message()); \
    } while (0)
#define AS(type, handle) ((type *)(void *)(handle))

/* A handle of another type is found out, and so is what is no handle at all. */
static void wrong_handles(void) {
    tenon_server *server = new_server(), *at;
    tenon_entry *entry = NULL, *taken = NULL;
    tenon_result *result = NULL;
    tenon_http *http = NULL;
    tenon_error *error = NULL, *err = NULL;
    OK(tenon_tool_new("a", &entry, NULL));
    OK(tenon_tool_new("b", &taken, NULL));
    OK(tenon_entry_set_handler(taken, nothing, NULL, NULL));
    OK(tenon_server_add(server, taken, NULL));
    OK(tenon_result_new(&result, NULL));
    OK(tenon_http_new("POST", &http, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_tool_new(NULL, NULL, &error));

    WRONG("server: this is a tenon_result", tenon_server_set_instructions(AS(tenon_server, result), "x"));
    WRONG("server: this is a tenon_entry", tenon_server_set_instructions(AS(tenon_server, entry), "x"));
    WRONG("server: this is an entry that was freed, or that a server has taken",
          tenon_server_set_instructions(AS(tenon_server, taken), "x"));
    at = (tenon_server *)(uintptr_t)4095;
    WRONG("server: this is not a handle", tenon_server_set_instructions(at, "x"));
    at = AS(tenon_server, (char *)server + 1);
    WRONG("server: this is not a handle", tenon_server_set_instructions(at, "x"));
    WRONG("other: this is a tenon_http", tenon_server_mount(server, AS(tenon_server, http), NULL, &err));
    CHECK_IN("other: this is a tenon_http", tenon_error_message(err));
    tenon_error_free(err);
    WRONG("call: this is a tenon_server", tenon_call_return_bool(AS(tenon_call, server), true));
    WRONG("call: this is a tenon_server", tenon_call_retain(AS(tenon_call, server)));
    WRONG("result: this is a tenon_error", tenon_result_add_text(AS(tenon_result, error), "x", 1));
    WRONG("result: this is a tenon_entry", tenon_result_begin_object(AS(tenon_result, entry), NULL));
    WRONG("http: this is a tenon_server", tenon_http_end(AS(tenon_http, server)));
    {
        const char *json;
        size_t len;
        WRONG("answer: this is a tenon_result", tenon_answer_content(AS(tenon_answer, result), &json, &len));
    }

    WRONG_VALUE("error: this is a tenon_http", tenon_error_status(AS(tenon_error, http)) == TENON_ERR_STATE);
    WRONG_VALUE("error: this is a tenon_http", strcmp(tenon_error_message(AS(tenon_error, http)), "") == 0);
    WRONG_VALUE("answer: this is a tenon_http", tenon_answer_action(AS(tenon_answer, http)) == 0);
    WRONG_VALUE("server: this is a tenon_http", tenon_server_exit_code(AS(tenon_server, http)) == 1);
    WRONG_VALUE("server: this is a tenon_http", !tenon_server_is_closed(AS(tenon_server, http)));
    WRONG_VALUE("call: this is a tenon_http", tenon_call_kind(AS(tenon_call, http)) == 0);
    WRONG_VALUE("call: this is a tenon_http", tenon_call_state(AS(tenon_call, http)) == NULL);
    WRONG_VALUE("call: this is a tenon_http", tenon_call_http_user_data(AS(tenon_call, http)) == NULL);
    WRONG_VALUE("call: this is a tenon_http", tenon_call_is_cancelled(AS(tenon_call, http)));

    /* What is not theirs they do not free. */
    WRONG("server: this is a tenon_http", tenon_server_free(AS(tenon_server, http)));
    WRONG("http: this is a tenon_server", tenon_http_free(AS(tenon_http, server)));
    WRONG_VALUE("result: this is a tenon_server", (tenon_result_free(AS(tenon_result, server)), true));
    WRONG_VALUE("answer: this is a tenon_server", (tenon_answer_free(AS(tenon_answer, server)), true));
    WRONG_VALUE("error: this is a tenon_server", (tenon_error_free(AS(tenon_error, server)), true));
    WRONG_VALUE("call: this is a tenon_server", (tenon_call_release(AS(tenon_call, server)), true));
    WRONG_VALUE("entry: this is an entry that was freed", (tenon_entry_free(taken), true));
    OK(tenon_server_set_instructions(server, "it lives"));
    OK(tenon_http_set_version(http, 2));
    OK(tenon_http_free(http));
    tenon_error_free(error);
    tenon_result_free(result);
    tenon_entry_free(entry);
    OK(tenon_server_free(server));
}

static tenon_call *freed_call;

static void keeps_too_short(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_retain(call));
    OK(tenon_call_return_bool(call, true));
    freed_call = call;
}

/* A handle that was freed is found out for as long as its memory is kept, whatever is made meanwhile. */
static void freed_handles(void) {
    tenon_server *server = new_server(), *served = new_server(), *others[8];
    tenon_result *result = NULL;
    tenon_http *http = NULL;
    tenon_error *error = NULL;
    struct peer peer;
    size_t i;
    if (!handles_are_checked()) {
        OK(tenon_server_free(server));
        OK(tenon_server_free(served));
        return;
    }
    add_tool(served, "short", NULL, TENON_MODE_WORKER, keeps_too_short, NULL, NULL);
    serve(&peer, served);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "short", "{}");
    CHECK(has_text(next_line(&peer), "true"));
    OK(tenon_server_free(served));
    close_peer(&peer);
    tenon_call_release(freed_call);
    OK(tenon_result_new(&result, NULL));
    tenon_result_free(result);
    OK(tenon_http_new("POST", &http, NULL));
    OK(tenon_http_free(http));
    CHECK_STATUS(TENON_ERR_NULL, tenon_tool_new(NULL, NULL, &error));
    tenon_error_free(error);
    OK(tenon_server_free(server));
    for (i = 0; i < 8; i++) others[i] = new_server();

    WRONG("server: this handle was freed", tenon_server_set_instructions(server, "x"));
    WRONG("server: this handle was freed", tenon_server_free(server));
    WRONG("server: this handle was freed", tenon_server_start(served, NULL));
    WRONG("call: this handle was freed", tenon_call_return_bool(freed_call, true));
    WRONG("result: this handle was freed", tenon_result_add_text(result, "x", 1));
    WRONG("result: this handle was freed", tenon_result_add_text(AS(tenon_result, error), "x", 1));
    WRONG("http: this handle was freed", tenon_http_end(http));
    WRONG("http: this handle was freed", tenon_http_free(http));
    WRONG_VALUE("result: this handle was freed", (tenon_result_free(result), true));
    WRONG_VALUE("call: this handle was freed", (tenon_call_release(freed_call), true));
    WRONG_VALUE("error: this handle was freed", tenon_error_status(error) == TENON_ERR_STATE);
    WRONG_VALUE("error: this handle was freed", (tenon_error_free(error), true));
    {
        /* The address of what is on the stack. */
        uint64_t room[8] = {0};
        WRONG("server: this is not a handle", tenon_server_set_instructions(AS(tenon_server, room), "x"));
    }
    for (i = 0; i < 8; i++) OK(tenon_server_free(others[i]));
}

/* What the last failure said is there without a tenon_error, for its thread alone. */
static void last_message(void) {
    tenon_entry *entry = NULL;
    pthread_t thread;

    CHECK_STATUS(TENON_ERR_NULL, tenon_server_set_instructions(NULL, "a"));
    CHECK_IN("server is NULL", tenon_error_last_message());
    OK(tenon_tool_new("a", &entry, NULL));
    CHECK_IN("server is NULL", tenon_error_last_message());
    CHECK_STATUS(TENON_ERR_INVALID, tenon_tool_add_param(entry, "p", "strnig", NULL, 0));
    CHECK_IN("strnig", tenon_error_last_message());
    CHECK(pthread_create(&thread, NULL, message_of_another_thread, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_IN("strnig", tenon_error_last_message());
    tenon_entry_free(entry);
}

static void servers(void) {
    tenon_server *server = NULL, *untouched = (tenon_server *)&server;
    const char *url = "untouched";
    uint32_t handled = 77;
    int fd = 77, pipes[2];

    /* Without a version, the server has that of its settings. */
    OK(tenon_server_new("a", NULL, &server, NULL));
    OK(tenon_server_free(server));
    server = NULL;
    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_server_new("a", "1", NULL, &err));
    CHECK_ERROR(TENON_ERR_UTF8, "name", tenon_server_new("\xff", "1", &untouched, &err));
    CHECK_ERROR(TENON_ERR_INVALID, "name", tenon_server_new("", "1", &untouched, &err));
    CHECK(untouched == (tenon_server *)&server);

    CHECK(!tenon_server_is_closed(NULL));
    CHECK(tenon_server_exit_code(NULL) == 1);
    OK(tenon_server_free(NULL));

    CHECK(tenon_call_state(NULL) == NULL);

    /* Descriptors are taken in every case, so they are closed afterwards. */
    CHECK(pipe(pipes) == 0);
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_listen_descriptors(NULL, pipes[0], pipes[1], NULL));
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
    OK(tenon_server_resource_updated(server, "a:b"));
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
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_allow_header(server, NULL));
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
        {TENON_ERR_INVALID, "log_level", "\"loud\""},
        {TENON_ERR_INVALID, "log_level", "1"},
        {TENON_ERR_INVALID, "end_with_stdin", "\"no\""},
        {TENON_ERR_INVALID, "cache_hints", "{\"ttlMs\":-1}"},
        {TENON_ERR_INVALID, "cache_hints_of", "{\"tools/call\":{\"ttlMs\":1}}"},
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
    OK(tenon_server_set(server, "log_level", "\"warn\"", TENON_NUL));
    OK(tenon_server_set(server, "cache_hints", "{\"ttlMs\":1000,\"cacheScope\":\"private\"}", TENON_NUL));
    OK(tenon_server_set(server, "cache_hints_of", "{\"tools/list\":{\"ttlMs\":5}}", TENON_NUL));
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

static const struct test all[] = {
    {"errors", errors},
    {"last_message", last_message},
    {"last_message_stays", last_message_stays},
    {"dead_entries", dead_entries},
    {"wrong_handles", wrong_handles},
    {"freed_handles", freed_handles},
    {"servers", servers},
    {"server_settings", server_settings},
    {"server_members", server_members},
};
RUN_TESTS(all)
