/* Entries of every kind: what their callbacks get, and what clients get. */
#include "one_server.h"

static void says_its_address(void *user_data, tenon_call *call) {
    const char *uri, *name, *kind;
    char text[256];
    size_t uri_len, name_len, kind_len;
    (void)user_data;
    OK(tenon_call_uri(call, &uri, &uri_len));
    OK(tenon_call_name(call, &name, &name_len));
    OK(tenon_call_get(call, "kind", &kind, &kind_len));
    snprintf(text, sizeof text, "%.*s of %.*s, a %.*s", (int)uri_len, uri, (int)name_len, name, (int)kind_len, kind);
    OK(tenon_call_return_text(call, text, TENON_NUL));
}

static void bytes(void *user_data, tenon_call *call) {
    (void)user_data;
    CHECK(tenon_call_kind(call) == TENON_KIND_RESOURCE);
    OK(tenon_call_return_bytes(call, "\0\1\2\377", 4));
}

static void several(void *user_data, tenon_call *call) {
    tenon_result *result;
    (void)user_data;
    OK(tenon_result_new(&result, NULL));
    OK(tenon_result_add_text(result, "own", TENON_NUL));
    OK(tenon_result_add_resource(result, "test://other", "text/html", "other and more", 5));
    OK(tenon_result_add_resource_bytes(result, "test://third", NULL, "\377", 1));
    OK(tenon_result_set_last(result, "_meta", "{\"a\":1}", TENON_NUL));
    OK(tenon_call_return(call, result, NULL));
}

static void resources(void) {
    tenon_entry *entry;
    const char *line;
    server = new_server();
    OK(tenon_resource_new("test://one", &entry, NULL));
    OK(tenon_entry_set_description(entry, "The one."));
    OK(tenon_entry_set(entry, "mime_type", "\"text/plain\"", TENON_NUL));
    OK(tenon_entry_set(entry, "cache_hints", "{\"ttlMs\":5}", TENON_NUL));
    add(with(entry, says_its_address, NULL));
    OK(tenon_resource_new("test://bytes", &entry, NULL));
    add(with(entry, bytes, NULL));
    OK(tenon_resource_new("test://several", &entry, NULL));
    OK(tenon_entry_set(entry, "mimeType", "\"text/plain\"", TENON_NUL));
    add(with(entry, several, NULL));
    OK(tenon_resource_template_new("test://files/{+path}", &entry, NULL));
    add(with(entry, says_its_address, NULL));
    OK(tenon_resource_template_new("test://safe/{+path}{?d}", &entry, NULL));
    add(with(entry, says_its_address, NULL));
    OK(tenon_resource_template_new("test://free/{+path}{?d}", &entry, NULL));
    OK(tenon_entry_set(entry, "unsafe_paths", "true", TENON_NUL));
    add(with(entry, says_its_address, NULL));
    OK(tenon_resource_new("test://none", &entry, NULL));
    OK(tenon_entry_set(entry, "unsafe_paths", "true", TENON_NUL));
    CHECK(tenon_server_add(server, with(entry, says_its_address, NULL), NULL) == TENON_ERR_INVALID);
    OK(tenon_resource_provider_new("test://rows/{id}", &entry, NULL));
    OK(tenon_entry_set_list_handler(entry, lists_rows, NULL, NULL));
    add(with(entry, reads_row, NULL));
    begin();
    line = request(1, "resources/list", "{}");
    CHECK_IN("\"uri\":\"test://one\",\"name\":\"test://one\",\"description\":\"The one.\",\"mimeType\":\"text/plain\"", line);
    CHECK_IN("{\"uri\":\"test://rows/1\",\"name\":\"row 1\",\"title\":\"The first\",\"mimeType\":\"text/plain\"}", line);
    line = request(2, "resources/templates/list", "{}");
    CHECK_IN("test://files/{+path}", line);
    CHECK(strstr(line, "rows") == NULL);
    line = request(3, "resources/read", "{\"uri\":\"test://one\"}");
    CHECK_IN("\"mimeType\":\"text/plain\",\"text\":\"test://one of test://one, a \\\"resource\\\"\"", line);
    CHECK_IN("\"blob\":\"AAEC/w==\"", request(4, "resources/read", "{\"uri\":\"test://bytes\"}"));
    line = request(5, "resources/read", "{\"uri\":\"test://several\"}");
    CHECK_IN("{\"uri\":\"test://several\",\"mimeType\":\"text/plain\",\"text\":\"own\"}", line);
    CHECK_IN("{\"uri\":\"test://other\",\"mimeType\":\"text/html\",\"text\":\"other\"}", line);
    CHECK_IN("{\"uri\":\"test://third\",\"blob\":\"/w==\",\"_meta\":{\"a\":1}}", line);
    CHECK_IN("test://files/a/b of test://files/{+path}, a", request(6, "resources/read", "{\"uri\":\"test://files/a/b\"}"));
    CHECK_IN("\"text\":\"row 1\"", request(7, "resources/read", "{\"uri\":\"test://rows/1\"}"));
    line = request(8, "resources/read", "{\"uri\":\"test://rows/9\"}");
    CHECK_IN("\"code\":-32002", line);
    CHECK_IN("test://rows/9", line);
    /* No variable leads out of a folder, unless the template allows it. */
    CHECK_IN("test://safe/a?d=b of", request(9, "resources/read", "{\"uri\":\"test://safe/a?d=b\"}"));
    CHECK_IN("\"code\":-32002", request(10, "resources/read", "{\"uri\":\"test://safe//etc/x\"}"));
    CHECK_IN("\"code\":-32002", request(11, "resources/read", "{\"uri\":\"test://safe/C:/x\"}"));
    CHECK_IN("\"code\":-32002", request(12, "resources/read", "{\"uri\":\"test://safe/a?d=..%2Fx\"}"));
    CHECK_IN("test://free//etc/x of", request(13, "resources/read", "{\"uri\":\"test://free//etc/x\"}"));
    CHECK_IN("test://free/a?d=../x of", request(14, "resources/read", "{\"uri\":\"test://free/a?d=../x\"}"));
    end();
}

static void greets(void *user_data, tenon_call *call) {
    const char *name, *style;
    char text[128];
    (void)user_data;
    OK(tenon_call_arg_string(call, "name", &name, NULL));
    if (tenon_call_arg_string(call, "style", &style, NULL) != TENON_OK) style = "plain";
    snprintf(text, sizeof text, "Greet %s in a %s style.", name, style);
    OK(tenon_call_return_text(call, text, TENON_NUL));
}

static void shows(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_bytes(call, "\377", 1));
}

static void talks(void *user_data, tenon_call *call) {
    tenon_result *result;
    (void)user_data;
    OK(tenon_result_new(&result, NULL));
    OK(tenon_result_add_image(result, "\1", 1, "image/png"));
    OK(tenon_result_add_message(result, "assistant", "Understood.", TENON_NUL));
    OK(tenon_result_add(result, "{\"role\":\"assistant\",\"content\":{\"type\":\"text\",\"text\":\"Whole.\"}}", TENON_NUL));
    OK(tenon_result_set(result, "description", "\"A talk\"", TENON_NUL));
    OK(tenon_call_return(call, result, NULL));
}

static void suggests(void *user_data, tenon_call *call) {
    const char *typed, *known;
    size_t len;
    tenon_result *result;
    (void)user_data;
    OK(tenon_call_arg_string(call, "value", &typed, NULL));
    OK(tenon_call_arg_json(call, "arguments", &known, &len));
    CHECK(strcmp(typed, "f") == 0 && len == strlen("{\"name\":\"Ada\"}"));
    OK(tenon_result_new(&result, NULL));
    OK(tenon_result_add_value(result, "formal", TENON_NUL));
    OK(tenon_result_add_value(result, "funny and more", 5));
    OK(tenon_result_set(result, "total", "7", 1));
    OK(tenon_call_return(call, result, NULL));
}

static void prompts(void) {
    tenon_entry *entry;
    const char *line;
    server = new_server();
    OK(tenon_prompt_new("greet", &entry, NULL));
    OK(tenon_prompt_add_argument(entry, "name", "Whom to greet.", true));
    OK(tenon_prompt_add_argument(entry, "style", NULL, false));
    add(with(entry, greets, NULL));
    OK(tenon_prompt_new("talk", &entry, NULL));
    add(with(entry, talks, NULL));
    OK(tenon_prompt_new("show", &entry, NULL));
    add(with(entry, shows, NULL));
    OK(tenon_completion_new(TENON_KIND_PROMPT, "greet", "style", &entry, NULL));
    add(with(entry, suggests, NULL));
    begin();
    line = request(1, "prompts/list", "{}");
    CHECK_IN("\"arguments\":[{\"name\":\"name\",\"description\":\"Whom to greet.\",\"required\":true},{\"name\":\"style\"}]", line);
    line = request(2, "prompts/get", "{\"name\":\"greet\",\"arguments\":{\"name\":\"Ada\"}}");
    CHECK_IN("[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"Greet Ada in a plain style.\"}}]", line);
    CHECK_IN("\"code\":-32602", request(3, "prompts/get", "{\"name\":\"greet\"}"));
    line = request(4, "prompts/get", "{\"name\":\"talk\"}");
    CHECK_IN("{\"role\":\"user\",\"content\":{\"type\":\"image\",\"data\":\"AQ==\",\"mimeType\":\"image/png\"}}", line);
    CHECK_IN("{\"role\":\"assistant\",\"content\":{\"type\":\"text\",\"text\":\"Understood.\"}}", line);
    CHECK_IN("\"text\":\"Whole.\"", line);
    CHECK_IN("\"description\":\"A talk\"", line);
    line = request(4, "prompts/get", "{\"name\":\"show\"}");
    CHECK_IN("{\"uri\":\"prompt:///show\",\"mimeType\":\"application/octet-stream\",\"blob\":\"/w==\"}", line);
    line = request(5, "completion/complete",
                   "{\"ref\":{\"type\":\"ref/prompt\",\"name\":\"greet\"},\"argument\":{\"name\":\"style\",\"value\":\"f\"},"
                   "\"context\":{\"arguments\":{\"name\":\"Ada\"}}}");
    CHECK_IN("\"values\":[\"formal\",\"funny\"]", line);
    CHECK_IN("\"total\":7", line);
    end();
}

/* A completion of what does not exist is refused at the start, and while the server runs. */
static void completes_nothing(void) {
    tenon_entry *entry;
    tenon_error *err = NULL;
    server = new_server();
    OK(tenon_completion_new(TENON_KIND_PROMPT, "gret", "style", &entry, NULL));
    add(with(entry, suggests, NULL));
    OK(tenon_prompt_new("greet", &entry, NULL));
    OK(tenon_prompt_add_argument(entry, "style", NULL, false));
    add(with(entry, greets, NULL));
    /* Nobody is subscribed yet. */
    OK(tenon_server_resource_updated(server, "test://one"));
    connect_peer(&peer, server);
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_start(server, &err));
    CHECK_IN("completion: there is no prompt \"gret\"; the nearest name is \"greet\"", tenon_error_message(err));
    tenon_error_free(err);
    OK(tenon_prompt_new("gret", &entry, NULL));
    OK(tenon_prompt_add_argument(entry, "style", NULL, false));
    add(with(entry, greets, NULL));
    OK(tenon_server_start(server, NULL));
    initialize(&peer, "{}");
    OK(tenon_completion_new(TENON_KIND_PROMPT, "greet", "stile", &entry, NULL));
    OK(tenon_entry_set_handler(entry, suggests, NULL, NULL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_add(server, entry, &err));
    CHECK_IN("prompt \"greet\" has no argument \"stile\"; the nearest name is \"style\"", tenon_error_message(err));
    tenon_error_free(err);
    end();
}

static void takes_note(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    atomic_fetch_add(&owned->calls, 1);
    if (tenon_call_kind(call) == TENON_KIND_NOTIFICATION) {
        const char *where;
        OK(tenon_call_arg_string(call, "where", &where, NULL));
        CHECK(strcmp(where, "here") == 0);
    }
    sem_post(&owned->entered);
}

static void own_tools(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_json(call, "{\"tools\":[]}", TENON_NUL, NULL));
}

static void low_level(void) {
    struct owned noted, started, replaced;
    tenon_entry *entry;
    owned_init(&noted);
    owned_init(&started);
    owned_init(&replaced);
    server = new_server();
    OK(tenon_method_new("acme/status", &entry, NULL));
    add(with(entry, answers, NULL));
    OK(tenon_notification_new("notifications/acme/moved", &entry, NULL));
    add(with(entry, takes_note, &noted));
    OK(tenon_server_on(server, "session_start", TENON_MODE_WORKER, takes_note, &started, owned_destroy, NULL));
    begin();
    wait_for(&started.entered);
    CHECK_IN("\"state\":\"well\"", request(1, "acme/status", "{}"));
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/acme/moved\",\"params\":{\"where\":\"here\"}}");
    wait_for(&noted.entered);
    OK(tenon_method_new("tools/list", &entry, NULL));
    OK(tenon_server_replace(server, with(entry, own_tools, &replaced), NULL));
    CHECK_IN("\"result\":{\"tools\":[]", request(2, "tools/list", "{}"));
    OK(tenon_server_remove(server, TENON_KIND_METHOD, "tools/list"));
    wait_for(&replaced.gone);
    OK(tenon_server_notify(server, "notifications/acme/ready", "{\"n\":1}", TENON_NUL));
    CHECK_IN("\"method\":\"notifications/acme/ready\",\"params\":{\"n\":1}", next_line(&peer));
    end();
    CHECK(noted.destroyed == 1 && started.destroyed == 1 && started.calls == 1);
}

/* A second initialize is another session: the hooks hear of both, and what the first one asked for is not answered. */
static void begins_again(void) {
    struct owned started, ended;
    owned_init(&started);
    owned_init(&ended);
    server = new_server();
    add_tool(server, "held", NULL, TENON_MODE_POLL, answers, NULL, NULL);
    OK(tenon_server_on(server, "session_start", TENON_MODE_WORKER, takes_note, &started, owned_destroy, NULL));
    OK(tenon_server_on(server, "session_end", TENON_MODE_WORKER, takes_note, &ended, owned_destroy, NULL));
    begin();
    wait_for(&started.entered);
    /* Nobody polls, so it waits in its queue. */
    call_tool(&peer, 0, "held", "{}");
    initialize(&peer, "{}");
    wait_for(&ended.entered);
    wait_for(&started.entered);
    CHECK_IN("\"id\":1,\"result\":{}", request(1, "ping", "{}"));
    end();
    CHECK(started.calls == 2 && ended.calls == 2);
}

static void speaks(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_notify(call, "acme/speaks", "{\"n\":1}", TENON_NUL));
    OK(tenon_call_notify(call, "acme/bare", NULL, 0));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_call_notify(call, "notifications/progress", NULL, 0));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_call_notify(call, "acme/speaks", "[]", TENON_NUL));
    CHECK_STATUS(TENON_ERR_JSON, tenon_call_notify(call, "acme/speaks", "{", TENON_NUL));
    OK(tenon_call_log(call, "info", "part", "a \"text\"", TENON_NUL));
    OK(tenon_call_log(call, "debug", NULL, "dropped: the client wants less", TENON_NUL));
    OK(tenon_call_log_json(call, "emergency", NULL, "{\"n\":1}", TENON_NUL));
    OK(tenon_call_error(call, 4711, "No more.", "{\"left\":0}"));
}

static void logs_and_errors(void) {
    const char *line;
    server = new_server();
    OK(tenon_server_set(server, "capabilities", "[\"logging\"]", TENON_NUL));
    add_tool(server, "speak", NULL, TENON_MODE_WORKER, speaks, NULL, NULL);
    begin();
    CHECK_IN("\"result\":{}", request(1, "logging/setLevel", "{\"level\":\"info\"}"));
    call_tool(&peer, 2, "speak", "{}");
    CHECK_IN("\"method\":\"acme/speaks\",\"params\":{\"n\":1}", next_line(&peer));
    CHECK_IN("\"method\":\"acme/bare\",\"params\":{}", next_line(&peer));
    line = next_line(&peer);
    CHECK_IN("\"level\":\"info\",\"logger\":\"part\",\"data\":\"a \\\"text\\\"\"", line);
    line = next_line(&peer);
    CHECK_IN("\"level\":\"emergency\",\"data\":{\"n\":1}", line);
    line = next_line(&peer);
    CHECK_IN("\"error\":{\"code\":4711,\"message\":\"No more.\",\"data\":{\"left\":0}}", line);
    end();
}

static void subscriptions(void) {
    struct owned subscribed, unsubscribed;
    tenon_entry *entry;
    owned_init(&subscribed);
    owned_init(&unsubscribed);
    server = new_server();
    OK(tenon_resource_new("test://one", &entry, NULL));
    add(with(entry, bytes, NULL));
    OK(tenon_server_on(server, "subscribe", TENON_MODE_WORKER, takes_note, &subscribed, owned_destroy, NULL));
    OK(tenon_server_on(server, "unsubscribe", TENON_MODE_WORKER, takes_note, &unsubscribed, owned_destroy, NULL));
    begin();
    CHECK_IN("\"result\":{}", request(1, "resources/subscribe", "{\"uri\":\"test://one\"}"));
    wait_for(&subscribed.entered);
    OK(tenon_server_resource_updated(server, "test://one"));
    CHECK_IN("\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"test://one\"}", next_line(&peer));
    OK(tenon_server_list_changed(server, TENON_KIND_RESOURCE));
    CHECK_IN("\"method\":\"notifications/resources/list_changed\"", next_line(&peer));
    CHECK_IN("\"result\":{}", request(2, "resources/unsubscribe", "{\"uri\":\"test://one\"}"));
    wait_for(&unsubscribed.entered);
    end();
}

static const struct test all[] = {
    {"resources", resources},
    {"prompts", prompts},
    {"completes_nothing", completes_nothing},
    {"low_level", low_level},
    {"begins_again", begins_again},
    {"logs_and_errors", logs_and_errors},
    {"subscriptions", subscriptions},
};
RUN_TESTS(all)
