/* Wrong arguments of entry functions: the error names the entry, in the setter or when the entry is added. */

#include "support.h"

static void nothing(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_return_bool(call, true);
}

/* Every constructor and every setter of entries. */
static void entries(void) {
    tenon_server *server = new_server();
    tenon_entry *entry = NULL;
    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_resource_new("a:b", NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_resource_template_new("a:{b}", NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_resource_provider_new("a:{b}", NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_prompt_new("a", NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "of", tenon_completion_new(TENON_KIND_PROMPT, NULL, "a", &entry, &err));
    CHECK_ERROR(TENON_ERR_NULL, "argument", tenon_completion_new(TENON_KIND_PROMPT, "a", NULL, &entry, &err));
    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_completion_new(TENON_KIND_PROMPT, "a", "b", NULL, &err));
    CHECK_ERROR(TENON_ERR_INVALID, "no kind 77", tenon_completion_new(77, "a", "b", &entry, &err));
    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_method_new("a/b", NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_notification_new("a/b", NULL, &err));
    CHECK(entry == NULL);
    CHECK_ERROR(TENON_ERR_NULL, "method", tenon_server_replace(server, NULL, &err));

    /* Each is refused with a reason that names the entry. */
#define REFUSED_ENTRY(status, needle, make, change) \
    do { \
        OK(make); \
        OK(tenon_entry_set_handler(entry, nothing, NULL, NULL)); \
        (void)(change); \
        CHECK_ERROR(status, needle, tenon_server_add(server, entry, &err)); \
    } while (0)
#define TOOL tenon_tool_new("odd", &entry, NULL)
#define RESOURCE tenon_resource_new("a:b", &entry, NULL)
#define PROMPT tenon_prompt_new("odd", &entry, NULL)
    REFUSED_ENTRY(TENON_ERR_NULL, "tool \"odd\": member is NULL", TOOL, tenon_entry_set(entry, NULL, "1", 1));
    REFUSED_ENTRY(TENON_ERR_NULL, "value is NULL", TOOL, tenon_entry_set(entry, "title", NULL, 1));
    REFUSED_ENTRY(TENON_ERR_JSON, "title is not JSON", TOOL, tenon_entry_set(entry, "title", "a", 1));
    REFUSED_ENTRY(TENON_ERR_INVALID, "\"color\"", TOOL, tenon_entry_set(entry, "color", "1", 1));
    REFUSED_ENTRY(TENON_ERR_INVALID, "title", TOOL, tenon_entry_set(entry, "title", "1", 1));
    REFUSED_ENTRY(TENON_ERR_INVALID, "refuse", TOOL, tenon_entry_set(entry, "unknown_arguments", "1", 1));
    REFUSED_ENTRY(TENON_ERR_INVALID, "true or false", TOOL, tenon_entry_set(entry, "coerce_arguments", "1", 1));
    REFUSED_ENTRY(TENON_ERR_INVALID, "cache_hints", RESOURCE, tenon_entry_set(entry, "cache_hints", "1", 1));
    REFUSED_ENTRY(TENON_ERR_INVALID, "resource \"a:b\"", RESOURCE, tenon_tool_set_input_schema(entry, "{}"));
    REFUSED_ENTRY(TENON_ERR_INVALID, "list handler", RESOURCE, tenon_entry_set_list_handler(entry, nothing, NULL, NULL));
    REFUSED_ENTRY(TENON_ERR_INVALID, "absolute URI", tenon_resource_new("nowhere", &entry, NULL), 0);
    REFUSED_ENTRY(TENON_ERR_INVALID, "a:{", tenon_resource_template_new("a:{", &entry, NULL), 0);
    REFUSED_ENTRY(TENON_ERR_INVALID, "no list handler", tenon_resource_provider_new("a:{b}", &entry, NULL), 0);
    REFUSED_ENTRY(TENON_ERR_INVALID, "tool", tenon_completion_new(TENON_KIND_TOOL, "a", "b", &entry, NULL), 0);
    REFUSED_ENTRY(TENON_ERR_INVALID, "a b", tenon_method_new("a b", &entry, NULL), 0);
    REFUSED_ENTRY(TENON_ERR_NULL, "name", PROMPT, tenon_prompt_add_argument(entry, NULL, NULL, false));
    REFUSED_ENTRY(TENON_ERR_UTF8, "description", PROMPT, tenon_prompt_add_argument(entry, "a", "\xff", false));
    REFUSED_ENTRY(TENON_ERR_INVALID, "arguments", TOOL, tenon_prompt_add_argument(entry, "a", NULL, false));
    REFUSED_ENTRY(TENON_ERR_NULL, "handler", RESOURCE, tenon_entry_set_list_handler(entry, NULL, NULL, NULL));
    OK(TOOL);
    OK(tenon_entry_set_handler(entry, nothing, NULL, NULL));
    CHECK_ERROR(TENON_ERR_INVALID, "only a method", tenon_server_replace(server, entry, &err));
    OK(tenon_method_new("tool/list", &entry, NULL));
    OK(tenon_entry_set_handler(entry, nothing, NULL, NULL));
    CHECK_ERROR(TENON_ERR_INVALID, "\"tool/list\": the protocol has no such", tenon_server_replace(server, entry, &err));
    OK(tenon_server_free(server));
}

/* Every function of results. */
static void results(void) {
    tenon_result *result = NULL;
    tenon_result_free(NULL);
    OK(tenon_result_new(&result, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_text(result, NULL, 1));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_result_add_text(result, "\xff", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_image(result, NULL, 1, "image/png"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_image(result, "a", 1, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_audio(result, NULL, 1, "audio/wav"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_audio(result, "a", 1, NULL));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_result_add_audio(result, "a", SIZE_MAX, "audio/wav"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_resource(result, NULL, NULL, "a", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_resource(result, "a:b", NULL, NULL, 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_resource_bytes(result, NULL, NULL, "a", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_resource_bytes(result, "a:b", NULL, NULL, 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_link(result, NULL, "b", NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_link(result, "a:b", NULL, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_message(result, NULL, "a", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_message(result, "user", NULL, 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_value(result, NULL, 1));
    CHECK_STATUS(TENON_ERR_JSON, tenon_result_add(result, "{", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add(result, NULL, 1));
    CHECK_STATUS(TENON_ERR_STATE, tenon_result_set_last(result, "title", "1", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_set_last(result, NULL, "1", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_set(result, NULL, "1", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_set(result, "total", NULL, 1));
    CHECK_STATUS(TENON_ERR_JSON, tenon_result_set(result, "total", "", 0));
    CHECK_STATUS(TENON_ERR_JSON, tenon_result_set_structured(result, "{", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_set_structured(result, NULL, 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_set_meta(result, NULL, 1));
    CHECK_STATUS(TENON_ERR_JSON, tenon_result_set_meta(result, "{", 1));
    tenon_result_free(result);
}

static void tools(void) {
    static const char *const bad_names[] = {"", "a b", "\xc3\xa4", "a/b"};
    tenon_server *server = new_server();
    tenon_entry *tool = NULL;
    char *huge = malloc(1 << 20), *deep = malloc(1 << 20);
    size_t i;

    CHECK_ERROR(TENON_ERR_NULL, "out", tenon_tool_new("a", NULL, &err));
    CHECK_ERROR(TENON_ERR_UTF8, "name", tenon_tool_new("\xff", &tool, &err));
    CHECK(tool == NULL);
    tenon_entry_free(NULL);
    CHECK_ERROR(TENON_ERR_NULL, "entry", tenon_server_add(server, NULL, &err));

    OK(tenon_tool_new("handless", &tool, NULL));
    CHECK_ERROR(TENON_ERR_INVALID, "\"handless\" has no handler", tenon_server_add(server, tool, &err));

    /* Each wrong setter fails, and makes the registration fail with its reason. */
#define REJECTED(status, needle, setter) \
    do { \
        OK(tenon_tool_new("wrong", &tool, NULL)); \
        OK(tenon_entry_set_handler(tool, nothing, NULL, NULL)); \
        CHECK_STATUS(status, setter); \
        CHECK_ERROR(status, "\"wrong\"", tenon_server_add(server, tool, &err)); \
        OK(tenon_tool_new("wrong", &tool, NULL)); \
        OK(tenon_entry_set_handler(tool, nothing, NULL, NULL)); \
        (void)setter; \
        CHECK_ERROR(status, needle, tenon_server_add(server, tool, &err)); \
    } while (0)
    REJECTED(TENON_ERR_NULL, "description", tenon_entry_set_description(tool, NULL));
    REJECTED(TENON_ERR_UTF8, "description", tenon_entry_set_description(tool, "a\xc3("));
    REJECTED(TENON_ERR_NULL, "input schema", tenon_tool_set_input_schema(tool, NULL));
    REJECTED(TENON_ERR_JSON, "input schema", tenon_tool_set_input_schema(tool, "{\"type\":"));
    REJECTED(TENON_ERR_JSON, "input schema", tenon_tool_set_input_schema(tool, ""));
    REJECTED(TENON_ERR_JSON, "output schema", tenon_tool_set_output_schema(tool, "{} {}"));
    REJECTED(TENON_ERR_NULL, "output schema", tenon_tool_set_output_schema(tool, NULL));
    REJECTED(TENON_ERR_INVALID, "timeout_ms must be more than 0", tenon_entry_set_timeout_ms(tool, 0));
    REJECTED(TENON_ERR_INVALID, "mode 99", tenon_entry_set_mode(tool, 99));
    REJECTED(TENON_ERR_NULL, "handler", tenon_entry_set_handler(tool, NULL, NULL, NULL));

    memset(deep, '[', (1 << 20) - 1);
    deep[(1 << 20) - 1] = '\0';
    REJECTED(TENON_ERR_JSON, "input schema", tenon_tool_set_input_schema(tool, deep));

    /* JSON, but no schema for arguments. */
#define REFUSED(needle, text) \
    do { \
        OK(tenon_tool_new("odd", &tool, NULL)); \
        OK(tenon_entry_set_handler(tool, nothing, NULL, NULL)); \
        OK(tenon_tool_set_input_schema(tool, text)); \
        CHECK_ERROR(TENON_ERR_INVALID, needle, tenon_server_add(server, tool, &err)); \
    } while (0)
    REFUSED("\"odd\"", "{\"type\":\"string\"}");
    REFUSED("\"odd\"", "[]");
    REFUSED("\"odd\"", "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"nonsense\"}}}");

    for (i = 0; i < sizeof bad_names / sizeof *bad_names; i++) {
        OK(tenon_tool_new(bad_names[i], &tool, NULL));
        OK(tenon_entry_set_handler(tool, nothing, NULL, NULL));
        CHECK_ERROR(TENON_ERR_INVALID, "name", tenon_server_add(server, tool, &err));
    }
    memset(huge, 'a', (1 << 20) - 1);
    huge[(1 << 20) - 1] = '\0';
    OK(tenon_tool_new(huge, &tool, NULL));
    OK(tenon_entry_set_description(tool, huge));
    OK(tenon_entry_set_handler(tool, nothing, NULL, NULL));
    CHECK_ERROR(TENON_ERR_INVALID, "name", tenon_server_add(server, tool, &err));

    OK(tenon_tool_new("perhaps", &tool, NULL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_tool_set_task_support(tool, "perhaps"));
    tenon_entry_free(tool);

    add_tool(server, "twice", NULL, TENON_MODE_WORKER, nothing, NULL, NULL);
    OK(tenon_tool_new("twice", &tool, NULL));
    OK(tenon_tool_set_structured(tool, true));
    OK(tenon_entry_set_handler(tool, nothing, NULL, NULL));
    CHECK_ERROR(TENON_ERR_DUPLICATE, "twice", tenon_server_add(server, tool, &err));
    OK(tenon_server_free(server));
    free(huge);
    free(deep);
}

static const struct test all[] = {
    {"entries", entries},
    {"results", results},
    {"tools", tools},
};
RUN_TESTS(all)
