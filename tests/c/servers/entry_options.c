/* Entries: declared parameters, switching on and off, tags, masked errors, refused arguments, failures; settings of a server. */
#include "one_server.h"

static void everything(void *user_data, tenon_call *call) {
    tenon_result *result;
    bool image;
    (void)user_data;
    OK(tenon_result_new(&result, NULL));
    OK(tenon_result_add_text(result, "text", TENON_NUL));
    OK(tenon_result_set_last(result, "annotations", "{\"priority\":1}", TENON_NUL));
    OK(tenon_result_set_last(result, "annotations", "{\"priority\":0.5}", TENON_NUL));
    OK(tenon_result_add_audio(result, NULL, 0, "audio/wav"));
    OK(tenon_result_add_link(result, "test://a", "a", NULL));
    OK(tenon_result_add_resource(result, "test://b", NULL, "b", 1));
    OK(tenon_result_set_last(result, "annotations", "{\"priority\":0}", TENON_NUL));
    OK(tenon_result_add(result, "{\"type\":\"text\",\"text\":\"whole\"}", TENON_NUL));
    OK(tenon_result_set_last(result, "text", "\"changed\"", TENON_NUL));
    OK(tenon_result_set_structured(result, "{\"n\":1}", TENON_NUL));
    OK(tenon_result_set_meta(result, "{\"example.com/a\":true}", TENON_NUL));
    OK(tenon_result_set(result, "is_error", "true", TENON_NUL));
    OK(tenon_call_arg_bool(call, "wrong", &image));
    if (image) OK(tenon_result_add(result, "{\"type\":\"image\"}", TENON_NUL));
    OK(tenon_call_return(call, result, NULL));
}

static void parameters(void) {
    tenon_entry *entry;
    const char *line;
    server = new_server();
    OK(tenon_tool_new("everything", &entry, NULL));
    OK(tenon_tool_add_param(entry, "wrong", "boolean", NULL, TENON_PARAM_REQUIRED));
    OK(tenon_tool_add_param(entry, "more", "{\"type\":\"integer\"}", NULL, 0));
    OK(tenon_entry_set(entry, "unknown_arguments", "\"drop\"", TENON_NUL));
    OK(tenon_entry_set(entry, "coerce_arguments", "true", TENON_NUL));
    OK(tenon_entry_set(entry, "title", "\"All of it\"", TENON_NUL));
    add(with(entry, everything, NULL));
    begin();
    line = request(1, "tools/list", "{}");
    CHECK_IN("\"title\":\"All of it\"", line);
    CHECK_IN("{\"type\":\"object\",\"properties\":{\"wrong\":{\"type\":\"boolean\"},\"more\":{\"type\":\"integer\"}},"
             "\"required\":[\"wrong\"],\"additionalProperties\":false}", line);
    call_tool(&peer, 2, "everything", "{\"wrong\":\"false\",\"unknown\":1}");
    line = next_line(&peer);
    CHECK_IN("{\"type\":\"text\",\"text\":\"text\",\"annotations\":{\"priority\":0.5}}", line);
    CHECK_IN("{\"type\":\"audio\",\"data\":\"\",\"mimeType\":\"audio/wav\"}", line);
    CHECK_IN("{\"type\":\"resource_link\",\"uri\":\"test://a\",\"name\":\"a\"}", line);
    CHECK_IN("{\"type\":\"resource\",\"resource\":{\"uri\":\"test://b\",\"text\":\"b\"},\"annotations\":{\"priority\":0}}", line);
    CHECK_IN("\"text\":\"changed\"", line);
    CHECK_IN("\"structuredContent\":{\"n\":1}", line);
    CHECK_IN("\"_meta\":{\"example.com/a\":true}", line);
    CHECK_IN("\"isError\":true", line);
    call_tool(&peer, 3, "everything", "{\"wrong\":true}");
    CHECK_IN("content[5]", next_line(&peer));
    end();
}

struct seen {
    int count, enabled;
    char last[256];
};

static void see(void *user_data, const char *definition, size_t len, bool enabled) {
    struct seen *seen = user_data;
    seen->count++;
    seen->enabled += enabled;
    snprintf(seen->last, sizeof seen->last, "%.*s", (int)len, definition);
}

static struct seen entries(tenon_kind kind) {
    struct seen seen = {0, 0, ""};
    OK(tenon_server_entries(server, kind, see, &seen));
    return seen;
}

/* Switched off and on, before the start and after it; a provider is one thing, though it is two for the engine. */
static void switches(void) {
    struct owned reads, lists;
    tenon_entry *entry;
    struct seen seen;
    owned_init(&reads);
    owned_init(&lists);
    server = new_server();
    OK(tenon_resource_provider_new("test://rows/{id}", &entry, NULL));
    OK(tenon_entry_set_list_handler(entry, lists_rows, &lists, owned_destroy));
    add(with(entry, reads_row, &reads));
    add_tool(server, "a", NULL, TENON_MODE_WORKER, answers, NULL, NULL);
    add_tool(server, "b", NULL, TENON_MODE_WORKER, answers, NULL, NULL);
    OK(tenon_server_disable(server, TENON_KIND_TOOL, "a"));
    /* A setting after that builds the server anew. */
    OK(tenon_server_set_instructions(server, "x"));
    seen = entries(TENON_KIND_TOOL);
    CHECK(seen.count == 2 && seen.enabled == 1);
    CHECK_IN("\"name\":\"b\"", seen.last);
    begin();
    CHECK(strstr(request(1, "tools/list", "{}"), "\"name\":\"a\"") == NULL);
    OK(tenon_server_enable(server, TENON_KIND_TOOL, "a"));
    CHECK_IN("notifications/tools/list_changed", next_line(&peer));
    CHECK_IN("\"name\":\"a\"", request(2, "tools/list", "{}"));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_remove(server, TENON_KIND_RESOURCE_TEMPLATE, "test://rows/{id}"));
    OK(tenon_server_disable(server, TENON_KIND_RESOURCE_PROVIDER, "test://rows/{id}"));
    CHECK_IN("notifications/resources/list_changed", next_line(&peer));
    CHECK_IN("\"error\"", request(3, "resources/read", "{\"uri\":\"test://rows/1\"}"));
    OK(tenon_server_enable(server, TENON_KIND_RESOURCE_PROVIDER, "test://rows/{id}"));
    CHECK_IN("notifications/resources/list_changed", next_line(&peer));
    CHECK_IN("row 1", request(4, "resources/read", "{\"uri\":\"test://rows/1\"}"));
    OK(tenon_server_remove(server, TENON_KIND_RESOURCE_PROVIDER, "test://rows/{id}"));
    wait_for(&reads.gone);
    wait_for(&lists.gone);
    CHECK(entries(TENON_KIND_RESOURCE_PROVIDER).count == 0 && entries(TENON_KIND_RESOURCE_TEMPLATE).count == 0);
    end();
    CHECK(reads.destroyed == 1 && lists.destroyed == 1);
}

static void tags(void) {
    tenon_entry *entry;
    server = new_server();
    OK(tenon_tool_new("a", &entry, NULL));
    OK(tenon_entry_set(entry, "tags", "[\"admin\",\"slow\"]", TENON_NUL));
    OK(tenon_entry_set_handler(entry, answers, NULL, NULL));
    OK(tenon_server_add(server, entry, NULL));
    OK(tenon_tool_new("b", &entry, NULL));
    CHECK_STATUS(TENON_ERR_JSON, tenon_entry_set(entry, "tags", "[", TENON_NUL));
    CHECK(tenon_entry_set(entry, "tags", "\"admin\"", TENON_NUL) != TENON_OK);
    tenon_entry_free(entry);
    OK(tenon_server_disable_tag(server, "admin"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_disable_tag(NULL, "admin"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_enable_tag(server, NULL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_disable_tag(server, "none"));
    /* A setting after that builds the server anew. */
    OK(tenon_server_set_instructions(server, "x"));
    begin();
    CHECK(strstr(request(1, "tools/list", "{}"), "\"name\":\"a\"") == NULL);
    OK(tenon_server_disable_tag(server, "slow"));
    OK(tenon_server_enable_tag(server, "admin"));
    CHECK(strstr(request(2, "tools/list", "{}"), "\"name\":\"a\"") == NULL);
    OK(tenon_server_enable_tag(server, "slow"));
    CHECK_IN("notifications/tools/list_changed", next_line(&peer));
    CHECK_IN("\"name\":\"a\"", request(3, "tools/list", "{}"));
    end();
}

static void keeps_silent(void *user_data, tenon_call *call) {
    (void)user_data;
    (void)call;
}

/* What a callback did wrong is no client's business where errors are masked; what it tells the client itself is. */
static void masked(void) {
    const char *line;
    server = new_server();
    OK(tenon_server_set(server, "mask_errors", "true", TENON_NUL));
    add_tool(server, "silent", NULL, TENON_MODE_WORKER, keeps_silent, NULL, NULL);
    begin();
    call_tool(&peer, 1, "silent", "{}");
    line = next_line(&peer);
    CHECK_IN("\"isError\":true", line);
    CHECK(strstr(line, "without completing") == NULL);
    end();
}

static void refuses(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_fail(call, "try again"));
}

static void too_odd(void *user_data, tenon_call *call) {
    (void)user_data;
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_fail_arguments(call, NULL));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_call_fail_arguments(call, "\xff"));
    OK(tenon_call_fail_arguments(call, "/n: too odd"));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_fail_arguments(call, "again"));
}

/* What a callback refuses is told as what the schema refuses, in every revision, also where errors are masked. */
static void arguments_refused(void) {
    static const char refused[] = "Invalid arguments for %s \\\"odd\\\": /n: too odd";
    static const char *const revisions[] = {"2025-06-18", LEGACY};
    tenon_entry *entry;
    char told[64];
    size_t i;
    for (i = 0; i < 2; i++) {
        server = new_server();
        OK(tenon_server_set(server, "mask_errors", "true", TENON_NUL));
        add_tool(server, "odd", NULL, TENON_MODE_WORKER, too_odd, NULL, NULL);
        OK(tenon_prompt_new("odd", &entry, NULL));
        add(with(entry, too_odd, NULL));
        serve(&peer, server);
        send_line(
            &peer,
            "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"%s\",\"capabilities\":{},"
            "\"clientInfo\":{\"name\":\"tester\",\"version\":\"1\"}}}",
            revisions[i]);
        CHECK_IN(revisions[i], next_line(&peer));
        snprintf(told, sizeof told, refused, "tool");
        CHECK_IN(told, request(1, "tools/call", "{\"name\":\"odd\"}"));
        CHECK_IN(i == 0 ? "\"code\":-32602" : "\"isError\":true", request(2, "tools/call", "{\"name\":\"odd\"}"));
        snprintf(told, sizeof told, refused, "prompt");
        CHECK_IN(told, request(3, "prompts/get", "{\"name\":\"odd\"}"));
        CHECK_IN("\"code\":-32602", request(4, "prompts/get", "{\"name\":\"odd\"}"));
        call_modern(&peer, 5, "odd", "{}", "{}", "");
        CHECK_IN("\"isError\":true", next_line(&peer));
        end();
    }
}

static void hears_of_failures(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    const char *kind, *name, *message;
    OK(tenon_call_arg_string(call, "kind", &kind, NULL));
    OK(tenon_call_arg_string(call, "name", &name, NULL));
    OK(tenon_call_arg_string(call, "message", &message, NULL));
    CHECK(strcmp(kind, "tool") == 0 && strcmp(name, "silent") == 0);
    CHECK_IN("without completing", message);
    atomic_fetch_add(&owned->calls, 1);
    sem_post(&owned->entered);
}

/* What callbacks do wrong is told to the program, and not what they tell the client. */
static void failures(void) {
    struct owned heard;
    owned_init(&heard);
    server = new_server();
    add_tool(server, "refuses", NULL, TENON_MODE_WORKER, refuses, NULL, NULL);
    add_tool(server, "silent", NULL, TENON_MODE_WORKER, keeps_silent, NULL, NULL);
    OK(tenon_server_on(server, "error", TENON_MODE_WORKER, hears_of_failures, &heard, owned_destroy, NULL));
    begin();
    CHECK_IN("try again", request(1, "tools/call", "{\"name\":\"refuses\"}"));
    CHECK_IN("without completing", request(2, "tools/call", "{\"name\":\"silent\"}"));
    wait_for(&heard.entered);
    end();
    CHECK(heard.calls == 1);
}

/* The last value of a setting counts, whichever function sets it. */
static void settings(void) {
    const char *line;
    server = new_server();
    OK(tenon_server_set(server, "instructions", "\"the first\"", TENON_NUL));
    OK(tenon_server_set_instructions(server, "the second"));
    OK(tenon_server_set(server, "extensions", "{\"a.example/x\":{\"n\":1}}", TENON_NUL));
    OK(tenon_server_add_extension(server, "a.example/x", "{\"n\":2}", TENON_NUL));
    serve(&peer, server);
    send_line(
        &peer,
        "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"%s\",\"capabilities\":"
        "{\"extensions\":{}},\"clientInfo\":{\"name\":\"tester\",\"version\":\"1\"}}}",
        LEGACY);
    line = next_line(&peer);
    CHECK_IN("\"instructions\":\"the second\"", line);
    CHECK_IN("\"a.example/x\":{\"n\":2}", line);
    CHECK(strstr(line, "{\"n\":1}") == NULL);
    end();
}

static const struct test all[] = {
    {"settings", settings},
    {"arguments_refused", arguments_refused},
    {"parameters", parameters},
    {"switches", switches},
    {"tags", tags},
    {"masked", masked},
    {"failures", failures},
};
RUN_TESTS(all)
