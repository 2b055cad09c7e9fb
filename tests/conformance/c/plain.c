/* Tools that ask nothing. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../fixtures/c/media.h"
#include "conformance.h"

static void simple_text(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_return_text(call, "This is a simple text response for testing.", TENON_NUL);
}

static void image(void *user_data, tenon_call *call) {
    tenon_result *result;
    (void)user_data;
    if (tenon_result_new(&result, NULL) != TENON_OK) return;
    tenon_result_add_image(result, PNG, sizeof PNG, "image/png");
    tenon_call_return(call, result, NULL);
}

static void audio(void *user_data, tenon_call *call) {
    tenon_result *result;
    (void)user_data;
    if (tenon_result_new(&result, NULL) != TENON_OK) return;
    tenon_result_add_audio(result, WAV, sizeof WAV, "audio/wav");
    tenon_call_return(call, result, NULL);
}

static void embedded(void *user_data, tenon_call *call) {
    tenon_result *result;
    (void)user_data;
    if (tenon_result_new(&result, NULL) != TENON_OK) return;
    tenon_result_add_resource(result, "test://embedded-resource", "text/plain", "This is an embedded resource content.",
                              TENON_NUL);
    tenon_call_return(call, result, NULL);
}

static void several(void *user_data, tenon_call *call) {
    tenon_result *result;
    (void)user_data;
    if (tenon_result_new(&result, NULL) != TENON_OK) return;
    tenon_result_add_text(result, "Multiple content types test:", TENON_NUL);
    tenon_result_add_image(result, PNG, sizeof PNG, "image/png");
    tenon_result_add_resource(result, "test://mixed-content-resource", "application/json",
                              "{\"test\":\"data\",\"value\":123}", TENON_NUL);
    tenon_call_return(call, result, NULL);
}

static void fails(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_fail(call, "This tool intentionally returns an error for testing");
}

static void pause_50_ms(void) {
    struct timespec time = {0, 50000000};
    nanosleep(&time, NULL);
}

static void with_progress(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_progress(call, 0, 100, NULL);
    pause_50_ms();
    tenon_call_progress(call, 50, 100, NULL);
    pause_50_ms();
    tenon_call_progress(call, 100, 100, NULL);
    tenon_call_return_text(call, "Progress completed", TENON_NUL);
}

static void with_logging(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_log(call, "info", NULL, "Tool execution started", TENON_NUL);
    pause_50_ms();
    tenon_call_log(call, "info", NULL, "Tool processing data", TENON_NUL);
    pause_50_ms();
    tenon_call_log(call, "info", NULL, "Tool execution completed", TENON_NUL);
    tenon_call_return_text(call, "Logging completed", TENON_NUL);
}

static void lets_go(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_close_stream(call, NULL);
    pause_50_ms();
    pause_50_ms();
    tenon_call_return_text(call, "Reconnection completed", TENON_NUL);
}

static void logging(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_log(call, "info", NULL, "Logged", TENON_NUL);
    tenon_call_return_text(call, "Logged", TENON_NUL);
}

static void in_header(void *user_data, tenon_call *call) {
    const char *region, *level;
    (void)user_data;
    if (tenon_call_arg_string(call, "region", &region, NULL) != TENON_OK) return;
    if (tenon_call_arg_string(call, "level", &level, NULL) == TENON_OK)
        returns(call, "%s %s", region, level);
    else
        tenon_call_return_text(call, region, TENON_NUL);
}

static void ok(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_return_text(call, "ok", TENON_NUL);
}

static void tool_change(void *user_data, tenon_call *call) {
    tenon_server_list_changed(user_data, TENON_KIND_TOOL);
    tenon_call_return_text(call, "Changed", TENON_NUL);
}

static void prompt_change(void *user_data, tenon_call *call) {
    tenon_server_list_changed(user_data, TENON_KIND_PROMPT);
    tenon_call_return_text(call, "Changed", TENON_NUL);
}

tenon_status add_plain(tenon_server *server, tenon_error **err) {
    static const struct listed tools[] = {
        {"test_simple_text", "Returns one text.", NULL, simple_text},
        {"test_image_content", "Returns an image.", NULL, image},
        {"test_audio_content", "Returns a sound.", NULL, audio},
        {"test_embedded_resource", "Returns a resource.", NULL, embedded},
        {"test_multiple_content_types", "Returns a text, an image and a resource.", NULL, several},
        {"test_error_handling", "Always fails.", NULL, fails},
        {"test_tool_with_progress", "Reports progress.", NULL, with_progress},
        {"test_tool_with_logging", "Logs while it works.", NULL, with_logging},
        {"test_reconnection", "Lets go of its client's connection.", NULL, lets_go},
        {"test_logging_tool", "Logs one message.", NULL, logging},
        {"test_trigger_tool_change", "Says that the list of tools has changed.", NULL, tool_change},
        {"test_trigger_prompt_change", "Says that the list of prompts has changed.", NULL, prompt_change},
        {"test_x_mcp_header", "Takes an argument that clients repeat in a header.",
         "{\"type\":\"object\",\"properties\":{\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"},"
         "\"level\":{\"type\":\"string\"}},\"required\":[\"region\"]}",
         in_header},
        {"json_schema_2020_12_tool", "Has a schema that uses all of its dialect.",
         "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\",\"$defs\":{\"address\":{"
         "\"$anchor\":\"addressDef\",\"type\":\"object\",\"properties\":{\"street\":{\"type\":\"string\"},"
         "\"city\":{\"type\":\"string\"}}}},\"properties\":{\"name\":{\"type\":\"string\"},"
         "\"address\":{\"$ref\":\"#/$defs/address\"},\"contactMethod\":{\"type\":\"string\",\"enum\":[\"phone\",\"email\"]},"
         "\"phone\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"}},"
         "\"allOf\":[{\"anyOf\":[{\"required\":[\"phone\"]},{\"required\":[\"email\"]}]}],"
         "\"if\":{\"properties\":{\"contactMethod\":{\"const\":\"phone\"}},\"required\":[\"contactMethod\"]},"
         "\"then\":{\"required\":[\"phone\"]},\"else\":{\"required\":[\"email\"]},\"additionalProperties\":false}",
         ok},
    };
    return add_tools(server, tools, COUNT(tools), err);
}
