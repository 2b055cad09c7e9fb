/* Prompts and completion. */
#include <string.h>

#include "../../fixtures/c/media.h"
#include "conformance.h"

static void simple(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_return_text(call, "This is a simple prompt for testing.", TENON_NUL);
}

static void with_arguments(void *user_data, tenon_call *call) {
    const char *one, *two;
    (void)user_data;
    if (tenon_call_arg_string(call, "arg1", &one, NULL) == TENON_OK &&
        tenon_call_arg_string(call, "arg2", &two, NULL) == TENON_OK)
        returns(call, "Prompt with arguments: arg1='%s', arg2='%s'", one, two);
}

static void with_resource(void *user_data, tenon_call *call) {
    const char *uri;
    tenon_result *result;
    (void)user_data;
    if (tenon_call_arg_string(call, "resourceUri", &uri, NULL) != TENON_OK || tenon_result_new(&result, NULL) != TENON_OK)
        return;
    tenon_result_add_resource(result, uri, "text/plain", "Embedded resource content for testing.", TENON_NUL);
    tenon_result_add_text(result, "Please process the embedded resource above.", TENON_NUL);
    tenon_call_return(call, result, NULL);
}

static void with_image(void *user_data, tenon_call *call) {
    tenon_result *result;
    (void)user_data;
    if (tenon_result_new(&result, NULL) != TENON_OK) return;
    tenon_result_add_image(result, PNG, sizeof PNG, "image/png");
    tenon_result_add_text(result, "Please analyze the image above.", TENON_NUL);
    tenon_call_return(call, result, NULL);
}

static void asks(void *user_data, tenon_call *call) {
    tenon_answer *answer =
        elicits(call, "user_context", "What context should the prompt use?", FORM("context"));
    const char *context = "";
    (void)user_data;
    if (answer == NULL) return;
    tenon_answer_string(answer, "context", &context, NULL);
    returns(call, "Use the following context: %s%s", context, "");
    tenon_answer_free(answer);
}

static void suggest(void *user_data, tenon_call *call) {
    static const char *const known[] = {"testValue1", "testValue2", "other"};
    const char *typed;
    tenon_result *result;
    size_t i;
    (void)user_data;
    if (tenon_call_arg_string(call, "value", &typed, NULL) != TENON_OK || tenon_result_new(&result, NULL) != TENON_OK)
        return;
    for (i = 0; i < COUNT(known); i++)
        if (strncmp(known[i], typed, strlen(typed)) == 0) tenon_result_add_value(result, known[i], TENON_NUL);
    tenon_call_return(call, result, NULL);
}

tenon_status add_prompts(tenon_server *server, tenon_error **err) {
    static const struct {
        const char *name, *description, *arguments[2];
        tenon_handler_fn handler;
    } prompts[] = {
        {"test_simple_prompt", "One message.", {NULL, NULL}, simple},
        {"test_prompt_with_arguments", "One message with two arguments in it.", {"arg1", "arg2"}, with_arguments},
        {"test_prompt_with_embedded_resource", "A resource, and what to do with it.", {"resourceUri", NULL}, with_resource},
        {"test_prompt_with_image", "An image, and what to do with it.", {NULL, NULL}, with_image},
        {"test_input_required_result_prompt", "Asks for its context.", {NULL, NULL}, asks},
    };
    tenon_entry *entry;
    tenon_status status;
    size_t i, a;
    for (i = 0; i < COUNT(prompts); i++) {
        if ((status = tenon_prompt_new(prompts[i].name, &entry, err)) != TENON_OK) return status;
        tenon_entry_set_description(entry, prompts[i].description);
        for (a = 0; a < 2; a++)
            if (prompts[i].arguments[a] != NULL)
                tenon_prompt_add_argument(entry, prompts[i].arguments[a], "Goes into the message.", true);
        tenon_entry_set_handler(entry, prompts[i].handler, NULL, NULL);
        if ((status = tenon_server_add(server, entry, err)) != TENON_OK) return status;
    }
    if ((status = tenon_completion_new(TENON_KIND_PROMPT, "test_prompt_with_arguments", "arg1", &entry, err)) != TENON_OK)
        return status;
    tenon_entry_set_handler(entry, suggest, NULL, NULL);
    return tenon_server_add(server, entry, err);
}
