/* Schemas whose check could take for ever: refused at registration, or stopped at a limit. */
#include "support.h"

static void publish(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_text(call, "published", TENON_NUL));
}

/* Twenty definitions, each of which refers ten times to the next. */
static void expanding(char *schema) {
    int level, times;
    schema += sprintf(schema, "{\"type\":\"object\",\"properties\":{\"x\":{\"$ref\":\"#/$defs/d0\"}},\"$defs\":{");
    for (level = 0; level < 20; level++) {
        schema += sprintf(schema, "\"d%d\":{\"allOf\":[", level);
        for (times = 0; times < 10; times++) {
            schema += sprintf(schema, "%s{\"$ref\":\"#/$defs/d%d\"}", times ? "," : "", level + 1);
        }
        schema += sprintf(schema, "]},");
    }
    sprintf(schema, "\"d20\":{\"type\":\"integer\"}}}");
}

static void an_expanding_schema(void) {
    static char schema[16384];
    tenon_server *server = new_server();
    tenon_entry *entry;
    int output;
    expanding(schema);
    for (output = 0; output < 2; output++) {
        OK(tenon_tool_new("odd", &entry, NULL));
        OK(tenon_entry_set_handler(entry, publish, NULL, NULL));
        if (output) {
            OK(tenon_tool_set_input_schema(entry, "{\"type\":\"object\"}"));
            (void)tenon_tool_set_output_schema(entry, schema);
        } else {
            (void)tenon_tool_set_input_schema(entry, schema);
        }
        CHECK_ERROR(TENON_ERR_INVALID, "more than 10000 schemas apply to one value", tenon_server_add(server, entry, &err));
    }
    OK(tenon_server_free(server));
}

static void a_pattern_at_its_limit(void) {
    static char arguments[2100];
    struct peer peer;
    tenon_server *server = new_server();
    add_tool(server, "publish",
        "{\"type\":\"object\",\"properties\":{\"slug\":{\"type\":\"string\",\"pattern\":\"^(?!-)[a-z0-9-]+(?<!-)$\"}}}",
        TENON_MODE_WORKER, publish, NULL, NULL);
    serve(&peer, server);
    strcpy(arguments, "{\"slug\":\"");
    memset(arguments + 9, 'a', 2000);
    strcpy(arguments + 2009, "!\"}");
    call_modern(&peer, 1, "publish", arguments, "{}", "");
    CHECK_IN("takes too many steps to be matched", next_answer(&peer));
    call_modern(&peer, 2, "publish", "{\"slug\":\"a-b\"}", "{}", "");
    CHECK_IN("published", next_answer(&peer));
    close_peer(&peer);
    OK(tenon_server_free(server));
}

static const struct test tests[] = {
    {"an expanding schema", an_expanding_schema},
    {"a pattern at its limit", a_pattern_at_its_limit},
};
RUN_TESTS(tests)
