/* Requests as a program's own HTTP server hands them over: helpers of http.c and http_states.c. */
#ifndef HTTP_REQUESTS_H
#define HTTP_REQUESTS_H

#include "support.h"

#define MODERN "2026-07-28"
#define META \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" MODERN \
    "\",\"io.modelcontextprotocol/clientCapabilities\":{},\"progressToken\":1}"
#define INITIALIZE \
    "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"" LEGACY \
    "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}"

static atomic_int destroyed;

static inline void count_destroy(void *user_data) {
    (void)user_data;
    atomic_fetch_add(&destroyed, 1);
}

static inline void yes(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_bool(call, true));
}

static inline void steps(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_progress(call, 1, 2, NULL));
    OK(tenon_call_progress(call, 2, 2, NULL));
    OK(tenon_call_return_text(call, "done", TENON_NUL));
}

static inline void who(void *user_data, tenon_call *call) {
    const char *json;
    size_t len;
    (void)user_data;
    OK(tenon_call_get(call, "principal", &json, &len));
    OK(tenon_call_return_text(call, json, len));
}

static inline tenon_server *started(void) {
    tenon_server *server = new_server();
    add_tool(server, "yes", NULL, TENON_MODE_INLINE, yes, NULL, NULL);
    add_tool(server, "steps", NULL, TENON_MODE_WORKER, steps, NULL, NULL);
    add_tool(server, "who", NULL, TENON_MODE_WORKER, who, NULL, NULL);
    OK(tenon_server_listen_embedded(server, NULL));
    OK(tenon_server_start(server, NULL));
    return server;
}

static inline tenon_http *head(const char *method) {
    tenon_http *http;
    OK(tenon_http_new(method, &http, NULL));
    OK(tenon_http_add_header(http, "Content-Type", "application/json", TENON_NUL, NULL));
    OK(tenon_http_add_header(http, "Accept", "application/json, text/event-stream", TENON_NUL, NULL));
    return http;
}

/* Hands it over with this body. */
static inline void begin(tenon_server *server, tenon_http *http, const char *body) {
    OK(tenon_server_handle_http(server, http, NULL, NULL, NULL, NULL));
    OK(tenon_http_write(http, body, strlen(body) / 2));
    OK(tenon_http_write(http, body + strlen(body) / 2, strlen(body) - strlen(body) / 2));
    OK(tenon_http_end(http));
}

static inline tenon_http *call_with(tenon_server *server, const char *tool, const char *principal, const char *data) {
    char body[512];
    tenon_http *http = head("POST");
    OK(tenon_http_add_header(http, "mcp-protocol-version", MODERN, TENON_NUL, NULL));
    OK(tenon_http_add_header(http, "mcp-method", "tools/call", TENON_NUL, NULL));
    OK(tenon_http_add_header(http, "mcp-name", tool, TENON_NUL, NULL));
    if (principal != NULL) OK(tenon_http_set_principal(http, principal));
    if (data != NULL) OK(tenon_http_set_user_data(http, (void *)data, count_destroy));
    snprintf(
        body, sizeof body,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\"," META "}}", tool);
    begin(server, http, body);
    return http;
}

static inline tenon_http *call(tenon_server *server, const char *tool, const char *principal) {
    return call_with(server, tool, principal, NULL);
}

static inline uint32_t status_of(tenon_http *http) {
    tenon_http_step step;
    uint32_t status;
    OK(tenon_http_next(http, -1, &step));
    CHECK(step == TENON_HTTP_HEAD);
    OK(tenon_http_status(http, &status));
    return status;
}

/* The value of a header, or NULL. */
static inline const char *header(tenon_http *http, const char *wanted) {
    const char *name, *value;
    size_t len, place;
    for (place = 0; tenon_http_header(http, place, &name, &value, &len) == TENON_OK; place++) {
        CHECK(strlen(value) == len);
        if (strcmp(name, wanted) == 0) return value;
    }
    return NULL;
}

/* The rest of the body. */
static inline const char *body_of(tenon_http *http) {
    static char body[8192];
    size_t used = 0, len;
    const void *data;
    tenon_http_step step;
    for (;;) {
        OK(tenon_http_next(http, 30000, &step));
        CHECK(step == TENON_HTTP_DATA || step == TENON_HTTP_END);
        if (step == TENON_HTTP_END) break;
        OK(tenon_http_data(http, &data, &len));
        CHECK(used + len < sizeof body);
        memcpy(body + used, data, len);
        used += len;
    }
    body[used] = '\0';
    OK(tenon_http_data(http, &data, &len));
    CHECK(len == 0);
    return body;
}

#endif
