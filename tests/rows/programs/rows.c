/* Uses the rows of the tables from C. */
#include <stdio.h>
#include <stdlib.h>
#include <tenon.h>

static void probe(void *user_data, tenon_call *call) {
    const char *json;
    size_t len;
    (void)user_data;
    if (tenon_call_get(call, "row_field", &json, &len) == TENON_OK)
        /* Without the quotes of the JSON text. */
        tenon_call_return_text(call, json + 1, len - 2);
}

int main(void) {
    tenon_server *app;
    tenon_entry *tool;
    tenon_error *err = NULL;
    char http[256];
    if (tenon_server_new("rows", "1.0.0", &app, &err) || tenon_tool_new("probe", &tool, &err)) goto failed;
    tenon_server_set(app, "row_setting", "\"the setting of a row\"", TENON_NUL);
    tenon_entry_set(tool, "row_policy", "\"a word of the entry\"", TENON_NUL);
    tenon_entry_set_handler(tool, probe, NULL, NULL);
    snprintf(
        http, sizeof http, "{\"unix\":\"%s\",\"allowed_origins\":[\"*\"],\"row_headers\":[\"x-row\"]}",
        getenv("ROWS_SOCKET"));
    if (tenon_server_add(app, tool, &err) || tenon_server_listen(app, "http", http, TENON_NUL, &err)) goto failed;
    if (tenon_server_listen(app, "stdio", "true", TENON_NUL, &err)) goto failed;
    if (tenon_server_run(app, &err) == TENON_OK) return tenon_server_exit_code(app);
failed:
    return fprintf(stderr, "rows: %s\n", tenon_error_message(err)), 1;
}
