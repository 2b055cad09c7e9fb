/*
 * The server of the bench in C: one tool, `echo`, on worker threads, or with `--inline` where its call was received.
 * Serves stdio, or with `--http HOST:PORT` HTTP, and then prints `listening URL`. With `--auth FILE` callers need the
 * scope `use`, and the file is the setting `auth`. With `--policies FILE` each line of the file is a policy of the
 * tool: its name, a tab, its value in JSON. `--audit FILE` is the setting `audit`. With `--count` the tool puts behind
 * the text how often it has run.
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

/* For one run at a time. */
static void echo_and_count(void *user_data, tenon_call *call) {
    static int runs = 0;
    const char *text;
    char answer[200];
    size_t length;
    (void)user_data;
    if (tenon_call_arg_string(call, "text", &text, &length) != TENON_OK || length > 150) return;
    snprintf(answer, sizeof answer, "%.*s %d", (int)length, text, ++runs);
    tenon_call_return_text(call, answer, strlen(answer));
}

static int failed(tenon_error *err) {
    fprintf(stderr, "server: %s\n", tenon_error_message(err));
    tenon_error_free(err);
    return 1;
}

/* 1 if a call of the API failed that leaves its error with the thread. */
static int refused(tenon_status status) {
    if (status != TENON_OK) fprintf(stderr, "server: %s\n", tenon_error_last_message());
    return status != TENON_OK;
}

/* The text of a file, to be freed; NULL if it cannot be read. */
static char *contents(const char *path) {
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    long size = -1;

    if (file != NULL && fseek(file, 0, SEEK_END) == 0) size = ftell(file);
    if (size >= 0 && fseek(file, 0, SEEK_SET) == 0) text = calloc((size_t)size + 1, 1);
    if (text == NULL || fread(text, 1, (size_t)size, file) != (size_t)size) {
        fprintf(stderr, "server: cannot read %s\n", path);
        free(text);
        text = NULL;
    }
    if (file != NULL) fclose(file);
    return text;
}

/* Sets the setting `auth` from a file; 1 if that fails. */
static int authenticate(tenon_server *server, const char *path) {
    char *text = contents(path);
    int bad = text == NULL || refused(tenon_server_set(server, "auth", text, TENON_NUL));

    free(text);
    return bad;
}

/* Sets the setting `audit` to a path that needs no escapes; 1 if that fails. */
static int audit_into(tenon_server *server, const char *path) {
    char value[1000];

    snprintf(value, sizeof value, "\"%s\"", path);
    return refused(tenon_server_set(server, "audit", value, TENON_NUL));
}

/* Sets the policies of a file; 1 if that fails. */
static int declare(tenon_entry *tool, const char *path) {
    char *text = contents(path), *name, *value;
    int bad = text == NULL;

    for (name = bad ? NULL : strtok(text, "\t"); name != NULL && !bad; name = strtok(NULL, "\t")) {
        value = strtok(NULL, "\n");
        bad = value == NULL || refused(tenon_entry_set(tool, name, value, TENON_NUL));
    }
    free(text);
    return bad;
}

int main(int argc, char **argv) {
    tenon_server *server;
    tenon_entry *tool;
    tenon_error *err = NULL;
    const char *url, *http = NULL, *auth = NULL, *policies = NULL, *audit = NULL;
    int code, at, in_line = 0, count = 0;

    for (at = 1; at < argc; at++) {
        const char **value = strcmp(argv[at], "--http") == 0       ? &http
                             : strcmp(argv[at], "--auth") == 0     ? &auth
                             : strcmp(argv[at], "--policies") == 0 ? &policies
                             : strcmp(argv[at], "--audit") == 0    ? &audit
                                                                   : NULL;
        if (value != NULL && at + 1 < argc) {
            *value = argv[++at];
        } else if (strcmp(argv[at], "--inline") == 0) {
            in_line = 1;
        } else if (strcmp(argv[at], "--count") == 0) {
            count = 1;
        } else {
            fprintf(stderr, "usage: server [--inline] [--count] [--auth FILE] [--policies FILE] [--audit FILE] "
                            "[--http HOST:PORT]\n");
            return 2;
        }
    }
    if (tenon_server_new("bench", "1.0.0", &server, &err) != TENON_OK) return failed(err);
    if (auth != NULL && authenticate(server, auth)) return 1;
    if (audit != NULL && audit_into(server, audit)) return 1;
    if (tenon_tool_new("echo", &tool, &err) != TENON_OK) return failed(err);
    tenon_entry_set_description(tool, "Return the text unchanged.");
    tenon_tool_set_input_schema(tool, "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}},"
                                      "\"required\":[\"text\"],\"additionalProperties\":false}");
    if (in_line) tenon_entry_set_mode(tool, TENON_MODE_INLINE);
    if (auth != NULL) tenon_entry_set(tool, "scopes", "[\"use\"]", TENON_NUL);
    if (policies != NULL && declare(tool, policies)) return 1;
    tenon_entry_set_handler(tool, count ? echo_and_count : echo, NULL, NULL);
    if (tenon_server_add(server, tool, &err) != TENON_OK) return failed(err);
    if (http == NULL) {
        if (tenon_server_listen_stdio(server, &err) != TENON_OK) return failed(err);
    } else {
        if (tenon_server_listen_http(server, http, &err) != TENON_OK) return failed(err);
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
