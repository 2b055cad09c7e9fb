/* One server with one client: helpers of kinds.c and entry_options.c. */
#ifndef ONE_SERVER_H
#define ONE_SERVER_H

#include "support.h"

static tenon_server *server;
static struct peer peer;

static inline void begin(void) {
    serve(&peer, server);
    initialize(&peer, "{}");
}

static inline void end(void) {
    OK(tenon_server_free(server));
    close_peer(&peer);
}

/* Sends a request of the legacy session and gives the answer. */
static inline const char *request(int id, const char *method, const char *params) {
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":%s}", id, method, params);
    return next_line(&peer);
}

static inline tenon_entry *with(tenon_entry *entry, tenon_handler_fn handler, void *user_data) {
    OK(tenon_entry_set_handler(entry, handler, user_data, user_data == NULL ? NULL : owned_destroy));
    return entry;
}

static inline void add(tenon_entry *entry) {
    tenon_error *err = NULL;
    OK(tenon_server_add(server, entry, &err));
    if (err != NULL) check_failed(__FILE__, __LINE__, "tenon_server_add", tenon_error_message(err));
    tenon_error_free(err);
}

static inline void reads_row(void *user_data, tenon_call *call) {
    const char *id;
    (void)user_data;
    OK(tenon_call_arg_string(call, "id", &id, NULL));
    if (strcmp(id, "1") == 0)
        OK(tenon_call_return_text(call, "row 1", TENON_NUL));
    else
        OK(tenon_call_not_found(call, NULL));
}

static inline void lists_rows(void *user_data, tenon_call *call) {
    tenon_result *result;
    (void)user_data;
    CHECK(tenon_call_kind(call) == TENON_KIND_RESOURCE_PROVIDER);
    OK(tenon_result_new(&result, NULL));
    OK(tenon_result_add_link(result, "test://rows/1", "row 1", "text/plain"));
    OK(tenon_result_set_last(result, "title", "\"The first\"", TENON_NUL));
    OK(tenon_call_return(call, result, NULL));
}

static inline void answers(void *user_data, tenon_call *call) {
    tenon_result *result;
    (void)user_data;
    OK(tenon_result_new(&result, NULL));
    OK(tenon_result_set(result, "state", "\"well\"", TENON_NUL));
    OK(tenon_call_return(call, result, NULL));
}

#endif
