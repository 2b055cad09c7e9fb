/* Resources. */
#include <stdio.h>

#include "../../fixtures/c/media.h"
#include "conformance.h"

static void static_text(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_return_text(call, "This is the content of the static text resource.", TENON_NUL);
}

static void static_binary(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_return_bytes(call, PNG, sizeof PNG);
}

static void watched(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_return_text(call, "Watched resource content", TENON_NUL);
}

static void template_data(void *user_data, tenon_call *call) {
    const char *id;
    char json[1024];
    size_t len;
    (void)user_data;
    if (tenon_call_arg_json(call, "id", &id, &len) != TENON_OK) return;
    if (len > sizeof json / 3) {
        tenon_call_not_found(call, NULL);
        return;
    }
    /* The id as it stands in JSON, with its quotes and without. */
    snprintf(json, sizeof json, "{\"id\":%.*s,\"templateTest\":true,\"data\":\"Data for ID: %.*s\"}", (int)len, id,
             (int)len - 2, id + 1);
    tenon_call_return_json(call, json, TENON_NUL, NULL);
}

static tenon_status add(
    tenon_server *server, tenon_entry *entry, const char *name, const char *mime_type, tenon_handler_fn handler,
    tenon_error **err) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", name);
    tenon_entry_set(entry, "name", quoted, TENON_NUL);
    snprintf(quoted, sizeof quoted, "\"%s\"", mime_type);
    tenon_entry_set(entry, "mime_type", quoted, TENON_NUL);
    tenon_entry_set_handler(entry, handler, NULL, NULL);
    return tenon_server_add(server, entry, err);
}

tenon_status add_resources(tenon_server *server, tenon_error **err) {
    static const struct {
        const char *name, *mime_type;
        tenon_handler_fn handler;
    } resources[] = {
        {"static-text", "text/plain", static_text},
        {"static-binary", "image/png", static_binary},
        {"watched-resource", "text/plain", watched},
    };
    tenon_entry *entry;
    tenon_status status;
    size_t i;
    for (i = 0; i < COUNT(resources); i++) {
        char uri[64];
        snprintf(uri, sizeof uri, "test://%s", resources[i].name);
        if ((status = tenon_resource_new(uri, &entry, err)) != TENON_OK) return status;
        status = add(server, entry, resources[i].name, resources[i].mime_type, resources[i].handler, err);
        if (status != TENON_OK) return status;
    }
    if ((status = tenon_resource_template_new("test://template/{id}/data", &entry, err)) != TENON_OK) return status;
    return add(server, entry, "template-data", "application/json", template_data, err);
}
