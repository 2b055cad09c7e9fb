/* What asks in rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance.h"

#define CAPITAL SAMPLE("\"What is the capital of France?\"", "100")

/* The text in a form of one field. */
static const char *entered(const tenon_answer *answer, const char *field) {
    const char *text = "";
    tenon_answer_string(answer, field, &text, NULL);
    return text;
}

static void greet(void *user_data, tenon_call *call) {
    tenon_answer *answer = elicits(call, "user_name", "What is your name?", FORM("name"));
    (void)user_data;
    if (answer == NULL) return;
    returns(call, "Hello, %s!%s", entered(answer, "name"), "");
    tenon_answer_free(answer);
}

static void sample(void *user_data, tenon_call *call) {
    tenon_answer *answer;
    const char *text;
    (void)user_data;
    if (tenon_call_sample(call, "capital_question", CAPITAL, TENON_NUL, &answer, NULL) != TENON_OK) return;
    if (tenon_answer_text(answer, &text, NULL) == TENON_OK) tenon_call_return_text(call, text, TENON_NUL);
    tenon_answer_free(answer);
}

static void list_roots(void *user_data, tenon_call *call) {
    tenon_answer *answer;
    const char *uri;
    char text[4096] = "";
    size_t i, len, used = 0;
    (void)user_data;
    if (tenon_call_roots(call, "client_roots", &answer, NULL) != TENON_OK) return;
    for (i = 0; tenon_answer_root(answer, i, &uri, &len) == TENON_OK && used + len + 2 < sizeof text; i++)
        used += (size_t)sprintf(text + used, "%s%s", i > 0 ? "\n" : "", uri);
    tenon_call_return_text(call, text, used);
    tenon_answer_free(answer);
}

static void confirm(void *user_data, tenon_call *call) {
    tenon_answer *answer = elicits(call, "confirm", "Please confirm", FORM_OF("ok", "boolean"));
    (void)user_data;
    if (answer == NULL) return;
    tenon_call_return_text(call, "state-ok", TENON_NUL);
    tenon_answer_free(answer);
}

static void several(void *user_data, tenon_call *call) {
    tenon_answer *name = NULL, *greeting = NULL, *roots = NULL;
    tenon_status one, two, three;
    (void)user_data;
    one = tenon_call_elicit(call, "user_name", "What is your name?", FORM("name"), &name, NULL);
    two = tenon_call_sample(call, "greeting", SAMPLE("\"Generate a greeting\"", "50"), TENON_NUL, &greeting, NULL);
    three = tenon_call_roots(call, "client_roots", &roots, NULL);
    if (one == TENON_OK && two == TENON_OK && three == TENON_OK)
        tenon_call_return_text(call, "Multiple inputs received", TENON_NUL);
    tenon_answer_free(name);
    tenon_answer_free(greeting);
    tenon_answer_free(roots);
}

static void two_rounds(void *user_data, tenon_call *call) {
    tenon_answer *name = elicits(call, "step1", "Step 1: What is your name?", FORM("name")), *color;
    (void)user_data;
    if (name == NULL) return;
    color = elicits(call, "step2", "Step 2: What is your favorite color?", FORM("color"));
    if (color != NULL) returns(call, "%s likes %s", entered(name, "name"), entered(color, "color"));
    tenon_answer_free(name);
    tenon_answer_free(color);
}

/* What the client declared and nothing else. */
static void declared(void *user_data, tenon_call *call) {
    tenon_answer *name = NULL, *model = NULL;
    const char *json;
    char *capabilities;
    size_t len;
    tenon_status one = TENON_OK, two = TENON_OK;
    (void)user_data;
    if (tenon_call_client_capabilities(call, &json, &len) != TENON_OK || (capabilities = malloc(len + 1)) == NULL) return;
    memcpy(capabilities, json, len);
    capabilities[len] = '\0';
    if (strstr(capabilities, "\"elicitation\"") != NULL)
        one = tenon_call_elicit(call, "user_name", "What is your name?", FORM("name"), &name, NULL);
    if (strstr(capabilities, "\"sampling\"") != NULL)
        two = tenon_call_sample(call, "capital_question", CAPITAL, TENON_NUL, &model, NULL);
    if (one == TENON_OK && two == TENON_OK) tenon_call_return_text(call, "Capabilities respected", TENON_NUL);
    tenon_answer_free(name);
    tenon_answer_free(model);
    free(capabilities);
}

#define NAMED(what) "test_input_required_result_" what

tenon_status add_rounds(tenon_server *server, tenon_error **err) {
    static const struct listed tools[] = {
        {NAMED("elicitation"), "Asks the user for a name.", NULL, greet},
        {NAMED("sampling"), "Asks the model for a capital.", NULL, sample},
        {NAMED("list_roots"), "Asks for the client's roots.", NULL, list_roots},
        {NAMED("request_state"), "Asks the user to confirm.", NULL, confirm},
        {NAMED("multiple_inputs"), "Asks three questions at once.", NULL, several},
        {NAMED("multi_round"), "Asks one question after the other.", NULL, two_rounds},
        {NAMED("tampered_state"), "Asks the user to confirm, and trusts no changed state.", NULL, confirm},
        {NAMED("capabilities"), "Asks what the client declared.", NULL, declared},
    };
    return add_tools(server, tools, COUNT(tools), err);
}
