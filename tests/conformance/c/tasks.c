/* Tools whose calls become tasks. */
#include <time.h>

#include "conformance.h"

/* Waits unless the call ends; the callback has a thread of its own meanwhile. */
static bool waits(tenon_call *call, double seconds) {
    const struct timespec step = {0, 10 * 1000 * 1000};
    double waited;
    for (waited = 0; waited < seconds; waited += 0.01) {
        if (tenon_call_is_cancelled(call)) return false;
        nanosleep(&step, NULL);
    }
    return true;
}

static void greet(void *user_data, tenon_call *call) {
    const char *name;
    (void)user_data;
    if (tenon_call_arg_string(call, "name", &name, NULL) == TENON_OK) returns(call, "Hello, %s!%s", name, "");
}

static void slow_compute(void *user_data, tenon_call *call) {
    const char *label = "";
    double seconds = 0;
    (void)user_data;
    if (tenon_call_arg_double(call, "seconds", &seconds) != TENON_OK) return;
    if (tenon_call_arg_string(call, "label", &label, NULL) != TENON_OK) return;
    tenon_call_set_status(call, "computing");
    if (waits(call, seconds)) returns(call, "%s computed%s", label, "");
}

static void failing_job(void *user_data, tenon_call *call) {
    (void)user_data;
    if (waits(call, 1)) tenon_call_fail(call, "The job failed");
}

static void protocol_error_job(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_error(call, -32603, "The job broke", NULL);
}

static void confirm_delete(void *user_data, tenon_call *call) {
    const char *filename;
    tenon_answer *answer;
    bool confirmed = false;
    (void)user_data;
    if (tenon_call_arg_string(call, "filename", &filename, NULL) != TENON_OK) return;
    if ((answer = elicits(call, "confirm", "Delete it?", FORM_OF("confirm", "boolean"))) == NULL) return;
    tenon_answer_bool(answer, "confirm", &confirmed);
    returns(call, "%s %s", confirmed ? "Deleted" : "Kept", filename);
    tenon_answer_free(answer);
}

static void multi_input(void *user_data, tenon_call *call) {
    tenon_answer *first = elicits(call, "first", "Go on?", FORM_OF("confirm", "boolean"));
    tenon_answer *second = elicits(call, "second", "And on?", FORM_OF("confirm", "boolean"));
    (void)user_data;
    if (first != NULL && second != NULL) tenon_call_return_text(call, "Both inputs received", TENON_NUL);
    tenon_answer_free(first);
    tenon_answer_free(second);
}

static void named_first(void *user_data, tenon_call *call) {
    tenon_answer *answer = elicits(call, "user_name", "What is your name?", FORM("name"));
    const char *name = "";
    (void)user_data;
    if (answer == NULL) return;
    tenon_answer_string(answer, "name", &name, NULL);
    if (tenon_call_start_task(call, NULL, NULL) == TENON_OK) returns(call, "Hello from a task, %s%s", name, "");
    tenon_answer_free(answer);
}

#define WORK \
    "{\"type\":\"object\",\"properties\":{\"seconds\":{\"type\":\"number\",\"default\":0}," \
    "\"label\":{\"type\":\"string\",\"default\":\"\"}}}"

tenon_status add_tasks(tenon_server *server, tenon_error **err) {
    static const struct {
        struct listed tool;
        const char *support;
        bool deferred;
    } tools[] = {
        {{"greet", "Greets, and never is a task.", FORM("name"), greet}, "forbidden", false},
        {{"slow_compute", "Takes its time.", WORK, slow_compute}, "optional", false},
        {{"failing_job", "Fails, as a task only.", NULL, failing_job}, "required", false},
        {{"protocol_error_job", "Ends with an error of the protocol.", NULL, protocol_error_job}, "optional", false},
        {{"confirm_delete", "Asks before it does anything.", FORM("filename"), confirm_delete}, "optional", false},
        {{"multi_input", "Asks two things at once.", NULL, multi_input}, "optional", false},
        {{"test_tool_with_task", "Asks before it becomes a task.", NULL, named_first}, "optional", true},
    };
    size_t i;
    for (i = 0; i < COUNT(tools); i++) {
        const struct listed *of = &tools[i].tool;
        tenon_entry *tool;
        tenon_status status = tenon_tool_new(of->name, &tool, err);
        if (status != TENON_OK) return status;
        tenon_entry_set_description(tool, of->description);
        if (of->schema != NULL) tenon_tool_set_input_schema(tool, of->schema);
        tenon_tool_set_task_support(tool, tools[i].support);
        if (tools[i].deferred) tenon_entry_set(tool, "defer_task", "true", TENON_NUL);
        tenon_entry_set_handler(tool, of->handler, NULL, NULL);
        if ((status = tenon_server_add(server, tool, err)) != TENON_OK) return status;
    }
    return TENON_OK;
}
