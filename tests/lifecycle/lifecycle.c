/* The lifecycle test's server in C: a tool that blocks whatever it is told, and one that prints. */
#include <stdio.h>
#include <string.h>
#include <tenon.h>
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

static int add(tenon_server *app, const char *name, tenon_handler_fn handler) {
    tenon_entry *tool;
    if (tenon_tool_new(name, &tool, NULL)) return 1;
    tenon_tool_set_input_schema(tool, "{\"type\":\"object\"}");
    tenon_entry_set_handler(tool, handler, NULL, NULL);
    return tenon_server_add(app, tool, NULL) != TENON_OK;
}

int main(int argc, char **argv) {
    const char *http = NULL, *url;
    tenon_server *app;
    tenon_error *err = NULL;
    int i;
    if (tenon_server_new("lifecycle", "1.0.0", &app, &err)) goto failed;
    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--http") == 0 && i + 1 < argc) http = argv[++i];
        if (strcmp(argv[i], "--long") == 0) {
            tenon_server_set_limit(app, TENON_LIMIT_DRAIN_TIMEOUT_MS, LONG_MS);
            tenon_server_set_limit(app, TENON_LIMIT_STDIO_DRAIN_TIMEOUT_MS, LONG_MS);
        }
    }
    if (add(app, "block", block) || add(app, "quick", quick) || add(app, "flood", print)) return 1;
    if (http ? tenon_server_listen_http(app, http, &err) : tenon_server_listen_stdio(app, &err)) goto failed;
    if (tenon_server_start(app, &err)) goto failed;
    if (tenon_server_http_url(app, &url, NULL) == TENON_OK) fprintf(stderr, "listening %s\n", url);
    if (tenon_server_run(app, &err) == TENON_OK) return tenon_server_exit_code(app);
failed:
    return fprintf(stderr, "server: %s\n", tenon_error_message(err)), 1;
}
