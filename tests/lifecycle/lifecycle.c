/* The lifecycle test's server in C: a tool that blocks whatever it is told, and one that prints.
   `--http ADDRESS` serves HTTP, `--all FOLDER` every transport, `--client FILE` a client in this process,
   `--embedded FILE` requests that this process hands over; with `--throw` there are callbacks of every kind that return
   without an answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon.h>
#include <time.h>
#include <unistd.h>

#define LONG_MS 600000

static void block(void *user_data, tenon_call *call) {
    (void)user_data;
    (void)call;
    fprintf(stderr, "blocked\n");
    for (;;) pause();
}

static void quick(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_return_text(call, "done", TENON_NUL);
}

static void print(void *user_data, tenon_call *call) {
    char text[1024];
    int64_t lines = 0;
    (void)user_data;
    if (tenon_call_arg_int64(call, "lines", &lines) != TENON_OK) return;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\n';
    while (lines-- > 0) fwrite(text, 1, sizeof text, stderr);
    tenon_call_return_text(call, "printed", TENON_NUL);
}

static void print_record(void *user_data, tenon_log_level level, const char *target, const char *message) {
    (void)user_data;
    (void)level;
    (void)target;
    fprintf(stderr, "%s\n", message);
}

/* A long text is not matched where others wait. */
#define LONG_TEXT "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\",\"pattern\":\"(?!-)x\"}}}"

static int add(tenon_server *app, const char *name, tenon_handler_fn handler, uint32_t timeout_ms) {
    tenon_entry *tool;
    if (tenon_tool_new(name, &tool, NULL)) return 1;
    tenon_tool_set_input_schema(tool, strcmp(name, "costly") == 0 ? LONG_TEXT : "{\"type\":\"object\"}");
    tenon_entry_set_handler(tool, handler, NULL, NULL);
    if (timeout_ms) tenon_entry_set_timeout_ms(tool, timeout_ms);
    return tenon_server_add(app, tool, NULL) != TENON_OK;
}

static void no_answer(void *user_data, tenon_call *call) {
    (void)user_data;
    (void)call;
}

/* Of what needs no answer. */
static void thrown(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_fail(call, "thrown");
}

static void guard(void *user_data, tenon_call *call) {
    const char *name;
    size_t len;
    (void)user_data;
    if (tenon_call_name(call, &name, &len) == TENON_OK && strcmp(name, "guarded") == 0) return;
    if (tenon_call_next(call, NULL, 0, NULL, NULL, NULL, NULL) != TENON_OK) fprintf(stderr, "no next\n");
}

static tenon_status add_made(tenon_server *app, tenon_status made, tenon_entry *entry) {
    if (made != TENON_OK) return made;
    tenon_entry_set_handler(entry, no_answer, NULL, NULL);
    return tenon_server_add(app, entry, NULL);
}

static int fail_everywhere(tenon_server *app) {
    tenon_entry *entry = NULL;
    tenon_status made = tenon_resource_new("throw://now", &entry, NULL);
    if (add(app, "throw", no_answer, 0) || add(app, "guarded", quick, 0)) return 1;
    if (tenon_server_add_middleware(app, "tool", TENON_MODE_WORKER, guard, NULL, NULL, NULL) != TENON_OK) return 1;
    if (tenon_server_add_middleware(app, "tool_list", TENON_MODE_WORKER, no_answer, NULL, NULL, NULL) != TENON_OK) return 1;
    if (add_made(app, made, entry) != TENON_OK) return 1;
    made = tenon_resource_template_new("thrown://{when}", &entry, NULL);
    if (add_made(app, made, entry) != TENON_OK) return 1;
    made = tenon_method_new("demo/throw", &entry, NULL);
    if (add_made(app, made, entry) != TENON_OK) return 1;
    made = tenon_prompt_new("greet", &entry, NULL);
    if (made == TENON_OK) tenon_prompt_add_argument(entry, "name", "Whom to greet.", true);
    if (add_made(app, made, entry) != TENON_OK) return 1;
    made = tenon_completion_new(TENON_KIND_PROMPT, "greet", "name", &entry, NULL);
    if (add_made(app, made, entry) != TENON_OK) return 1;
    made = tenon_completion_new(TENON_KIND_RESOURCE_TEMPLATE, "thrown://{when}", "when", &entry, NULL);
    if (add_made(app, made, entry) != TENON_OK) return 1;
    made = tenon_resource_provider_new("row://{number}", &entry, NULL);
    if (made == TENON_OK) tenon_entry_set_list_handler(entry, no_answer, NULL, NULL);
    if (add_made(app, made, entry) != TENON_OK) return 1;
    if (tenon_method_new("resources/templates/list", &entry, NULL) != TENON_OK) return 1;
    tenon_entry_set_handler(entry, no_answer, NULL, NULL);
    if (tenon_server_replace(app, entry, NULL) != TENON_OK) return 1;
    if (tenon_notification_new("notifications/demo/throw", &entry, NULL) != TENON_OK) return 1;
    tenon_entry_set_handler(entry, thrown, NULL, NULL);
    if (tenon_server_add(app, entry, NULL) != TENON_OK) return 1;
    if (tenon_server_on(app, "session_start", TENON_MODE_WORKER, thrown, NULL, NULL, NULL) != TENON_OK) return 1;
    return tenon_server_on(app, "error", TENON_MODE_WORKER, thrown, NULL, NULL, NULL) != TENON_OK;
}

static void wait_for_end(void *user_data, tenon_call *call) {
    struct timespec pause = {0, 10000000};
    (void)user_data;
    while (!tenon_call_is_cancelled(call)) nanosleep(&pause, NULL);
}

static void ask(void *user_data, tenon_call *call) {
    static const char form[] = "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}}}";
    tenon_answer *answer = NULL;
    (void)user_data;
    if (tenon_call_elicit(call, "name", "Name?", form, &answer, NULL) != TENON_OK) return;
    tenon_answer_free(answer);
    tenon_call_return_text(call, "asked", TENON_NUL);
}

/* Prints the text of an answer, or the code and the message of its error. */
static void hear(void *user_data, const char *message, size_t len) {
    const char *code, *text;
    char line[4096];
    (void)user_data;
    snprintf(line, sizeof line, "%.*s", (int)len, message);
    code = strstr(line, "\"code\":");
    text = strstr(line, code ? "\"message\":\"" : "\"text\":\"");
    if (code) printf("%ld ", strtol(code + 7, NULL, 10));
    if (text) {
        text = strchr(text, ':') + 2;
        printf("%.*s\n", (int)strcspn(text, "\""), text);
    }
}

/* Gives the message to a client in this process. */
static tenon_status exchange(tenon_server *app, const char *message, tenon_error **err) {
    return tenon_server_exchange(app, message, TENON_NUL, 30000, hear, NULL, err);
}

/* Hands it over as a program's own HTTP server does. */
static tenon_status hand_over(tenon_server *app, const char *message, tenon_error **err) {
    static const char *const headers[][2] = {
        {"Host", "localhost"},
        {"Content-Type", "application/json"},
        {"Accept", "application/json, text/event-stream"},
        {"MCP-Protocol-Version", "2026-07-28"},
        {"Mcp-Method", "tools/call"},
        {"Mcp-Name", "quick"},
    };
    char answer[4096];
    size_t i, len, used = 0;
    const void *data;
    tenon_http *http;
    tenon_http_step step = TENON_HTTP_HEAD;
    tenon_status status = tenon_http_new("POST", &http, err);
    for (i = 0; status == TENON_OK && i < sizeof headers / sizeof *headers; i++) {
        status = tenon_http_add_header(http, headers[i][0], headers[i][1], TENON_NUL, err);
    }
    if (status == TENON_OK) status = tenon_server_handle_http(app, http, NULL, NULL, NULL, err);
    if (status == TENON_OK) status = tenon_http_write(http, message, strlen(message));
    if (status == TENON_OK) status = tenon_http_end(http);
    while (status == TENON_OK && step != TENON_HTTP_END) {
        status = tenon_http_next(http, 30000, &step);
        if (status != TENON_OK || step != TENON_HTTP_DATA) continue;
        status = tenon_http_data(http, &data, &len);
        if (used + len > sizeof answer) return TENON_ERR_INVALID;
        memcpy(answer + used, data, len);
        used += len;
    }
    if (status == TENON_OK) hear(NULL, answer, used);
    tenon_http_free(http);
    return status;
}

/* Calls before, at and after the fault that `file` arms. */
static int call_within(
    tenon_server *app, const char *file, tenon_status (*call)(tenon_server *, const char *, tenon_error **)) {
    static const char message[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"quick\",\"_meta\":{"
        "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
        "\"io.modelcontextprotocol/clientCapabilities\":{}}}}";
    int number;
    for (number = 0; number < 3; number++) {
        tenon_error *err = NULL;
        if (number == 1) {
            FILE *armed = fopen(file, "w");
            if (!armed || fclose(armed)) return 1;
        }
        if (call(app, message, &err) != TENON_OK) return printf("%s\n", tenon_error_message(err)), 1;
    }
    return tenon_server_free(app) != TENON_OK;
}

/* The same without a client. */
static int call_embedded(tenon_server *app, const char *file) {
    if (tenon_server_listen_embedded(app, NULL) != TENON_OK || tenon_server_start(app, NULL) != TENON_OK) return 1;
    return call_within(app, file, hand_over);
}

/* Every transport at once. */
static tenon_status listen_all(tenon_server *app, const char *folder, tenon_error **err) {
    char path[512];
    tenon_status status = tenon_server_listen_stdio(app, err);
    snprintf(path, sizeof path, "%s/socket", folder);
    if (status == TENON_OK) status = tenon_server_listen_http(app, "127.0.0.1:0", err);
    if (status == TENON_OK) status = tenon_server_listen_websocket(app, "/ws", err);
    if (status == TENON_OK) status = tenon_server_listen_sse(app, "/sse", err);
    if (status == TENON_OK) status = tenon_server_listen_unix(app, path, err);
    return status;
}

static tenon_status listen_as_told(tenon_server *app, const char *http, const char *folder, tenon_error **err) {
    if (folder) return listen_all(app, folder, err);
    return http ? tenon_server_listen_http(app, http, err) : tenon_server_listen_stdio(app, err);
}

int main(int argc, char **argv) {
    const char *http = NULL, *folder = NULL, *file = NULL, *embedded = NULL, *url;
    tenon_server *app;
    tenon_error *err = NULL;
    int i, fails = 0;
    if (tenon_server_new("lifecycle", "1.0.0", &app, &err)) goto failed;
    tenon_server_set_log(app, print_record, NULL, NULL);
    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--http") == 0 && i + 1 < argc) http = argv[++i];
        if (strcmp(argv[i], "--all") == 0 && i + 1 < argc) folder = argv[++i];
        if (strcmp(argv[i], "--throw") == 0) fails = 1;
        if (strcmp(argv[i], "--client") == 0 && i + 1 < argc) file = argv[++i];
        if (strcmp(argv[i], "--embedded") == 0 && i + 1 < argc) embedded = argv[++i];
        if (strcmp(argv[i], "--long") == 0) {
            tenon_server_set_limit(app, TENON_LIMIT_DRAIN_TIMEOUT_MS, LONG_MS);
            tenon_server_set_limit(app, TENON_LIMIT_STDIO_DRAIN_TIMEOUT_MS, LONG_MS);
        }
    }
    if (add(app, "block", block, 0) || add(app, "quick", quick, 0) || add(app, "flood", print, 0)) return 1;
    if (add(app, "late", wait_for_end, 100) || add(app, "ask", ask, 0)) return 1;
    if (add(app, "costly", quick, 0)) return 1;
    if (fails && fail_everywhere(app)) return 1;
    if (file) return call_within(app, file, exchange);
    if (embedded) return call_embedded(app, embedded);
    if (listen_as_told(app, http, folder, &err) != TENON_OK) goto failed;
    if (tenon_server_start(app, &err)) goto failed;
    if (tenon_server_http_url(app, &url, NULL) == TENON_OK) fprintf(stderr, "listening %s\n", url);
    if (tenon_server_run(app, &err) == TENON_OK) return tenon_server_exit_code(app);
failed:
    return fprintf(stderr, "server: %s\n", tenon_error_message(err)), 1;
}
