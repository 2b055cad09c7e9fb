/*
 * The server of the bench in C: one tool, `echo`, on worker threads, or with `--inline` where its call was received. Serves
 * stdio, or with `--http HOST:PORT` HTTP, and then prints `listening URL`. With `--auth FILE` callers need the scope `use`, and
 * the file is the setting `auth`.
 */
#include <stdio.h>
#include <stdlib.h>
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

/* Sets the setting `auth` from a file; 1 if that fails. */
static int authenticate(tenon_server *server, const char *path) {
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    long size = -1;
    int set = 0;

    if (file != NULL && fseek(file, 0, SEEK_END) == 0) size = ftell(file);
    if (size > 0 && fseek(file, 0, SEEK_SET) == 0) text = malloc((size_t)size);
    if (text != NULL && fread(text, 1, (size_t)size, file) == (size_t)size) {
        set = tenon_server_set(server, "auth", text, (size_t)size) == TENON_OK;
        if (!set) fprintf(stderr, "server: %s\n", tenon_error_last_message());
    } else {
        fprintf(stderr, "server: cannot read %s\n", path);
    }
    free(text);
    if (file != NULL) fclose(file);
    return !set;
}

int main(int argc, char **argv) {
    tenon_server *server;
    tenon_entry *tool;
    tenon_error *err = NULL;
    const char *url, *auth = NULL;
    int code, at = 1, in_line = argc > 1 && strcmp(argv[1], "--inline") == 0;

    if (in_line) at++;
    if (at + 1 < argc && strcmp(argv[at], "--auth") == 0) {
        auth = argv[at + 1];
        at += 2;
    }
    if (tenon_server_new("bench", "1.0.0", &server, &err) != TENON_OK) return failed(err);
    if (auth != NULL && authenticate(server, auth)) return 1;
    if (tenon_tool_new("echo", &tool, &err) != TENON_OK) return failed(err);
    tenon_entry_set_description(tool, "Return the text unchanged.");
    tenon_tool_set_input_schema(tool, "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}},"
                                      "\"required\":[\"text\"],\"additionalProperties\":false}");
    if (in_line) tenon_entry_set_mode(tool, TENON_MODE_INLINE);
    if (auth != NULL) tenon_entry_set(tool, "scopes", "[\"use\"]", TENON_NUL);
    tenon_entry_set_handler(tool, echo, NULL, NULL);
    if (tenon_server_add(server, tool, &err) != TENON_OK) return failed(err);
    if (at == argc) {
        if (tenon_server_listen_stdio(server, &err) != TENON_OK) return failed(err);
    } else if (at + 2 == argc && strcmp(argv[at], "--http") == 0) {
        if (tenon_server_listen_http(server, argv[at + 1], &err) != TENON_OK) return failed(err);
    } else {
        fprintf(stderr, "usage: server [--inline] [--auth FILE] [--http HOST:PORT]\n");
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
