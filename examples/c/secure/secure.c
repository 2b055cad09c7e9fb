/* Orders that only their readers see and only an admin cancels, audited. The keys are in READER_KEY and ADMIN_KEY. */
#include <stdio.h>
#include <string.h>
#include <tenon.h>

static const char AUTH[] =
    "[{\"type\":\"api_keys\",\"keys\":["
    "{\"subject\":\"reader\",\"env\":\"READER_KEY\",\"scopes\":[\"orders:read\"]},"
    "{\"subject\":\"ann\",\"env\":\"ADMIN_KEY\",\"scopes\":[\"orders:read\"],\"roles\":[\"admin\"]}]}]";
/* All callbacks run on the thread of tenon_server_run(), so nothing needs a lock. */
static const char *orders[] = {"tea", "cups"};

static void opening_hours(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_return_text(call, "9 to 17", TENON_NUL);
}

/* An order, which is cancelled if there is `user_data`. */
static void order(void *user_data, tenon_call *call) {
    const char *id;
    int place;
    if (tenon_call_arg_string(call, "id", &id, NULL) != TENON_OK) return;
    place = strcmp(id, "1") == 0 ? 0 : strcmp(id, "2") == 0 ? 1 : -1;
    if (place < 0 || orders[place] == NULL) {
        tenon_call_not_found(call, id);
        return;
    }
    tenon_call_return_text(call, user_data != NULL ? "cancelled" : orders[place], TENON_NUL);
    if (user_data != NULL) orders[place] = NULL;
}

static int add(tenon_server *app, const char *name, const char *policy, const char *json, tenon_handler_fn run, tenon_error **err) {
    const int cancels = strcmp(name, "cancel_order") == 0;
    tenon_entry *tool;
    if (tenon_tool_new(name, &tool, err)) return 1;
    if (run == order) tenon_tool_add_param(tool, "id", "string", NULL, TENON_PARAM_REQUIRED);
    tenon_entry_set(tool, policy, json, TENON_NUL);
    if (cancels) tenon_entry_set(tool, "audit", "[\"id\"]", TENON_NUL);
    tenon_entry_set_mode(tool, TENON_MODE_POLL);
    tenon_entry_set_handler(tool, run, cancels ? orders : NULL, NULL);
    return tenon_server_add(app, tool, err);
}

int main(int argc, char **argv) {
    tenon_server *app; tenon_error *err = NULL; const char *url;
    if (tenon_server_new("secure", "1.0.0", &app, &err)) goto failed;
    if (tenon_server_set(app, "auth", AUTH, TENON_NUL)) return fprintf(stderr, "secure: %s\n", tenon_error_last_message()), 1;
    if (add(app, "opening_hours", "public", "true", opening_hours, &err) || add(app, "order", "scopes", "[\"orders:read\"]", order, &err) ||
        add(app, "cancel_order", "roles", "[\"admin\"]", order, &err)) goto failed;
    if (tenon_server_listen_http(app, argc > 1 ? argv[1] : "127.0.0.1:8000", &err) || tenon_server_start(app, &err)) goto failed;
    if (tenon_server_http_url(app, &url, NULL) == TENON_OK) fprintf(stderr, "listening %s\n", url);
    if (tenon_server_run(app, &err) == TENON_OK) return tenon_server_exit_code(app);
failed:
    return fprintf(stderr, "secure: %s\n", tenon_error_message(err)), 1;
}
