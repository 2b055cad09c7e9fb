/*
 * The server of the bench in C: one tool, `echo`, on worker threads, or with `--inline` where its call was received. Serves
 * stdio, or with `--http HOST:PORT` HTTP, and then prints `listening URL`.
 */
#include <stdio.h>
#include <string.h>
#include <tenon.h>

static void echo(void *user_data, tenon_call *call) {
    const char *text;
    size_t length;
    (void)user_data;
    if (tenon_call_arg_string(call, "text", &text, &length) == TENON_OK) tenon_call_return_text(call, text, length);
}

static int failed(tenon_error *err) {
    fprintf(stderr, "server: %s\n", tenon_error_message(err));
    tenon_error_free(err);
    return 1;
}

int main(int argc, char **argv) {
    tenon_server *server;
    tenon_entry *tool;
    tenon_error *err = NULL;
    const char *url;
    int code, at = 1, in_line = argc > 1 && strcmp(argv[1], "--inline") == 0;

    if (in_line) at++;
    if (tenon_server_new("bench", "1.0.0", &server, &err) != TENON_OK) return failed(err);
    if (tenon_tool_new("echo", &tool, &err) != TENON_OK) return failed(err);
    tenon_entry_set_description(tool, "Return the text unchanged.");
    tenon_tool_set_input_schema(tool, "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}},"
                                      "\"required\":[\"text\"],\"additionalProperties\":false}");
    if (in_line) tenon_entry_set_mode(tool, TENON_MODE_INLINE);
    tenon_entry_set_handler(tool, echo, NULL, NULL);
    if (tenon_server_add(server, tool, &err) != TENON_OK) return failed(err);
    if (at == argc) {
        if (tenon_server_listen_stdio(server, &err) != TENON_OK) return failed(err);
    } else if (at + 2 == argc && strcmp(argv[at], "--http") == 0) {
        if (tenon_server_listen_http(server, argv[at + 1], &err) != TENON_OK) return failed(err);
    } else {
        fprintf(stderr, "usage: server [--inline] [--http HOST:PORT]\n");
        return 2;
    }
    if (tenon_server_start(server, &err) != TENON_OK) return failed(err);
    if (tenon_server_http_url(server, &url, NULL) == TENON_OK) {
        printf("listening %s\n", url);
        fflush(stdout);
    }
    if (tenon_server_run(server, &err) != TENON_OK) return failed(err);
    code = tenon_server_exit_code(server);
    tenon_server_free(server);
    return code;
}
