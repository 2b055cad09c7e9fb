/* The server that the public conformance suite is run against: `--http HOST:PORT`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance.h"

void returns(tenon_call *call, const char *format, const char *first, const char *second) {
    size_t size = strlen(format) + strlen(first) + strlen(second) + 1;
    char *text = malloc(size);
    if (text == NULL) {
        tenon_call_fail(call, "out of memory");
        return;
    }
    snprintf(text, size, format, first, second);
    tenon_call_return_text(call, text, TENON_NUL);
    free(text);
}

tenon_status add_tools(tenon_server *server, const struct listed *tools, size_t count, tenon_error **err) {
    size_t i;
    for (i = 0; i < count; i++) {
        tenon_entry *tool;
        tenon_status status = tenon_tool_new(tools[i].name, &tool, err);
        if (status != TENON_OK) return status;
        tenon_entry_set_description(tool, tools[i].description);
        if (tools[i].schema != NULL) tenon_tool_set_input_schema(tool, tools[i].schema);
        tenon_entry_set_handler(tool, tools[i].handler, server, NULL);
        if ((status = tenon_server_add(server, tool, err)) != TENON_OK) return status;
    }
    return TENON_OK;
}

static int failed(tenon_error *err) {
    fprintf(stderr, "conformance: %s\n", tenon_error_message(err));
    tenon_error_free(err);
    return 1;
}

static tenon_status set_settings(tenon_server *server, const char *path, tenon_error **err) {
    char options[4096];
    tenon_settings *settings;
    tenon_status status;
    snprintf(options, sizeof options, "{\"file\":\"%s\"}", path);
    if ((status = tenon_settings_load(options, TENON_NUL, &settings, err)) != TENON_OK) return status;
    status = tenon_server_set_settings(server, settings);
    tenon_settings_free(settings);
    return status;
}

int main(int argc, char **argv) {
    tenon_server *server;
    tenon_error *err = NULL;
    const char *url;
    int code;
    bool secured = argc == 5 && strcmp(argv[3], "--settings") == 0;
    if ((argc != 3 && !secured) || strcmp(argv[1], "--http") != 0) {
        fprintf(stderr, "usage: conformance --http HOST:PORT [--settings FILE]\n");
        return 2;
    }
    if (tenon_server_new("tenon-conformance", "1.0.0", &server, &err) != TENON_OK) return failed(err);
    if (secured && set_settings(server, argv[4], &err) != TENON_OK) return failed(err);
    if (add_plain(server, &err) != TENON_OK || add_asking(server, &err) != TENON_OK ||
        add_rounds(server, &err) != TENON_OK || add_tasks(server, &err) != TENON_OK ||
        add_resources(server, &err) != TENON_OK || add_prompts(server, &err) != TENON_OK ||
        tenon_server_add_skills(server, "tests/fixtures/skills", &err) != TENON_OK)
        return failed(err);
    if (tenon_server_listen_http(server, argv[2], &err) != TENON_OK) return failed(err);
    if (tenon_server_start(server, &err) != TENON_OK) return failed(err);
    if (tenon_server_http_url(server, &url, NULL) == TENON_OK) printf("listening %s\n", url);
    fflush(stdout);
    if (tenon_server_run(server, &err) != TENON_OK) return failed(err);
    code = tenon_server_exit_code(server);
    tenon_server_free(server);
    return code;
}
