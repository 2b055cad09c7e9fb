/* Tools that ask the client something. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance.h"

#define STRING "{\"type\":\"string\"}"
#define TITLED(word, title) "{\"const\":\"" word "\",\"title\":\"" title "\"}"
#define OPTIONS "{\"type\":\"string\",\"enum\":[\"option1\",\"option2\",\"option3\"]}"

tenon_answer *elicits(tenon_call *call, const char *key, const char *message, const char *schema) {
    tenon_answer *answer;
    return tenon_call_elicit(call, key, message, schema, &answer, NULL) == TENON_OK ? answer : NULL;
}

/* Says what the user did, and frees the answer; NULL is ignored. */
static void say(tenon_call *call, const char *begin, tenon_answer *answer) {
    static const char *const actions[] = {"", "accept", "decline", "cancel"};
    const char *content = "null";
    char format[64], *text;
    size_t len = strlen(content);
    if (answer == NULL) return;
    tenon_answer_content(answer, &content, &len);
    if ((text = malloc(len + 1)) == NULL) {
        tenon_call_fail(call, "out of memory");
    } else {
        memcpy(text, content, len);
        text[len] = '\0';
        snprintf(format, sizeof format, "%s: action=%%s, content=%%s", begin);
        returns(call, format, actions[tenon_answer_action(answer)], text);
        free(text);
    }
    tenon_answer_free(answer);
}

/* The argument goes into the question as it stands in JSON. */
static void sample(void *user_data, tenon_call *call) {
    static const char format[] = SAMPLE("%.*s", "100");
    const char *prompt, *text;
    size_t len;
    char *params;
    tenon_answer *answer;
    tenon_status asked;
    (void)user_data;
    if (tenon_call_arg_json(call, "prompt", &prompt, &len) != TENON_OK) return;
    if (len > 1 << 20 || (params = malloc(len + sizeof format)) == NULL) {
        tenon_call_fail(call, "the prompt is too long");
        return;
    }
    sprintf(params, format, (int)len, prompt);
    asked = tenon_call_sample(call, NULL, params, TENON_NUL, &answer, NULL);
    free(params);
    if (asked != TENON_OK) return;
    if (tenon_answer_text(answer, &text, NULL) == TENON_OK) returns(call, "LLM response: %s%s", text, "");
    tenon_answer_free(answer);
}

static void elicit(void *user_data, tenon_call *call) {
    const char *message;
    (void)user_data;
    if (tenon_call_arg_string(call, "message", &message, NULL) != TENON_OK) return;
    say(call, "User response",
        elicits(call, NULL, message,
                "{\"type\":\"object\",\"properties\":{\"username\":" STRING ",\"email\":" STRING "},"
                "\"required\":[\"username\",\"email\"]}"));
}

static void defaults(void *user_data, tenon_call *call) {
    (void)user_data;
    say(call, "Elicitation completed",
        elicits(call, NULL, "Please review and update the form fields with defaults",
                "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"default\":\"John Doe\"},"
                "\"age\":{\"type\":\"integer\",\"default\":30},\"score\":{\"type\":\"number\",\"default\":95.5},"
                "\"status\":{\"type\":\"string\",\"enum\":[\"active\",\"inactive\",\"pending\"],\"default\":\"active\"},"
                "\"verified\":{\"type\":\"boolean\",\"default\":true}}}"));
}

static void enums(void *user_data, tenon_call *call) {
    (void)user_data;
    say(call, "Elicitation completed",
        elicits(call, NULL, "Please select options from the enum fields",
                "{\"type\":\"object\",\"properties\":{\"untitledSingle\":" OPTIONS ","
                "\"titledSingle\":{\"type\":\"string\",\"oneOf\":[" TITLED("value1", "First Option") ","
                TITLED("value2", "Second Option") "," TITLED("value3", "Third Option") "]},"
                "\"legacyEnum\":{\"type\":\"string\",\"enum\":[\"opt1\",\"opt2\",\"opt3\"],"
                "\"enumNames\":[\"Option One\",\"Option Two\",\"Option Three\"]},"
                "\"untitledMulti\":{\"type\":\"array\",\"items\":" OPTIONS "},"
                "\"titledMulti\":{\"type\":\"array\",\"items\":{\"anyOf\":[" TITLED("value1", "First Choice") ","
                TITLED("value2", "Second Choice") "," TITLED("value3", "Third Choice") "]}}}}"));
}

static void confirm(void *user_data, tenon_call *call) {
    tenon_answer *answer = elicits(call, "confirm", "Please confirm",
                                   "{\"type\":\"object\",\"properties\":{\"confirm\":{\"type\":\"boolean\"}}}");
    (void)user_data;
    if (answer == NULL) return;
    tenon_call_return_text(call, "Confirmed", TENON_NUL);
    tenon_answer_free(answer);
}

/* A question that the client did not declare fails with the error that the protocol has for it. */
static void need_sampling(void *user_data, tenon_call *call) {
    const char *json;
    char *capabilities;
    size_t len;
    (void)user_data;
    if (tenon_call_client_capabilities(call, &json, &len) != TENON_OK || (capabilities = malloc(len + 1)) == NULL) return;
    memcpy(capabilities, json, len);
    capabilities[len] = '\0';
    if (strstr(capabilities, "\"sampling\"") == NULL) {
        tenon_answer *answer = NULL;
        if (tenon_call_sample(call, NULL, SAMPLE("\"Hello\"", "1"), TENON_NUL, &answer, NULL) == TENON_OK)
            tenon_answer_free(answer);
    } else {
        tenon_call_return_text(call, "Sampling is supported", TENON_NUL);
    }
    free(capabilities);
}

tenon_status add_asking(tenon_server *server, tenon_error **err) {
    static const struct listed tools[] = {
        {"test_sampling", "Asks the client's model.", FORM("prompt"), sample},
        {"test_elicitation", "Asks the user for a name and an address.", FORM("message"), elicit},
        {"test_elicitation_sep1034_defaults", "Asks the user with a form that has defaults.", NULL, defaults},
        {"test_elicitation_sep1330_enums", "Asks the user with a form of choices.", NULL, enums},
        {"test_streaming_elicitation", "Asks the user while the response is open.", NULL, confirm},
        {"test_missing_capability", "Needs a client that can sample.", NULL, need_sampling},
    };
    return add_tools(server, tools, COUNT(tools), err);
}
