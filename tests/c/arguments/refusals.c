/* Runs the cases of refusals.py: reports the status of each, and errors in how it was refused. */
#include "support.h"

/* In the message of the failure before the case. */
#define BEFORE "the-failure-before"
#define MARK ((const char *)(uintptr_t)0x5a5a5a5a)

/* What the arguments of one case are made of. */
struct given {
    tenon_server *server, *other, *ended_server, *made_server;
    tenon_settings *settings, *made_settings;
    tenon_entry *entry, *prompt, *made_entry;
    tenon_call *call, *ended_call;
    tenon_result *result, *made_result;
    tenon_answer *answer, *made_answer;
    tenon_http *http, *made_http;
    tenon_error *error, *err;
    tenon_server *freed_server;
    tenon_settings *freed_settings;
    tenon_entry *freed_entry;
    tenon_call *freed_call;
    tenon_result *freed_result;
    tenon_answer *freed_answer;
    tenon_http *freed_http;
    tenon_error *freed_error;
    const char *text;
    uint64_t room[4];
    uint8_t bytes[32];
    int destroyed;
    /* What is no status was looked at. */
    bool looked;
};

struct refusal {
    const char *name;
    enum { OUTSIDE, IN_CALL } where;
    bool counts, has_error;
    tenon_status (*run)(struct given *given);
};

static char *huge, *huge_json;

static void count(void *given) { ((struct given *)given)->destroyed++; }
static void nothing(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_return_bool(call, true);
}
static void say(void *user_data, tenon_log_level level, const char *target, const char *message) {
    (void)user_data, (void)level, (void)target, (void)message;
}
static void visit(void *user_data, const char *definition, size_t len, bool enabled) {
    (void)user_data, (void)definition, (void)len, (void)enabled;
}
static void hear(void *user_data, const char *message, size_t len) { (void)user_data, (void)message, (void)len; }
static void ready(void *user_data) { (void)user_data; }
static void named(void *user_data, const char *name) { (void)user_data, (void)name; }

#include "refusals.h"

static const struct refusal *present;
static int faults;

static void fault(const char *what) {
    printf("fault: %s: %s\n", present->name, what);
    faults++;
}

static const char *word(tenon_status status) {
#define WORD(name) \
    if (status == TENON_##name) return #name;
    WORD(OK) WORD(SUSPENDED) WORD(ENDED) WORD(ERR_NULL) WORD(ERR_UTF8) WORD(ERR_JSON) WORD(ERR_INVALID)
    WORD(ERR_DUPLICATE) WORD(ERR_NOT_FOUND) WORD(ERR_STATE) WORD(ERR_ADDRESS) WORD(ERR_IO) WORD(ERR_FORKED)
    WORD(ERR_STALE) WORD(ERR_TYPE) WORD(ERR_UNSUPPORTED) WORD(ERR_CLIENT)
    return "UNKNOWN";
}

/* It is given a handle that is wrong. */
static bool is_wrong(void) {
    return strstr(present->name, " freed") != NULL || strstr(present->name, " other-type") != NULL ||
           strstr(present->name, " an-entry") != NULL;
}

/* Runs the present case, and looks at how it failed. */
static void judge(struct given *given) {
    tenon_status status;
    const char *said;
    size_t i;
    bool failed;
    given->text = MARK;
    for (i = 0; i < 4; i++) given->room[i] = 0x5a5a5a5a5a5a5a5a;
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_listen_http(given->other, "[" BEFORE, NULL));
    status = present->run(given);
    failed = status < 0;
    said = tenon_error_last_message();
    printf("%s %s\n", present->name, word(status));
    if (getenv("TENON_SAY") != NULL && status < 0) fprintf(stderr, "%s: %s\n", present->name, said);
    if (strlen(tenon_status_text(status)) == 0) fault("its status has no text");
    /* One function returns the status of an error, and does not fail itself; those that return none fail without. */
    if (strncmp(present->name, "tenon_error_status ", 19) == 0) failed = false;
    if ((failed || is_wrong()) != (strstr(said, BEFORE) == NULL)) fault("the message is not that of the last failure");
    if (is_wrong() && strstr(said, ": this ") == NULL) fault("the message does not say what is wrong with the handle");
    if (strlen(said) < 8) fault("the message says nothing");
    if (strlen(said) > 1000) fault("the message is too long");
    if (status < 0 && present->has_error) {
        if (given->err == NULL) {
            fault("failed without a tenon_error");
        } else {
            if (tenon_error_status(given->err) != status) fault("the error has another status");
            if (strcmp(tenon_error_message(given->err), said) != 0) fault("the error has another message");
        }
    } else if (given->err != NULL) {
        fault("did not fail and left an error");
    }
    if (status < 0) {
        bool touched = given->text != MARK || given->made_server || given->made_settings || given->made_entry ||
                       given->made_result || given->made_answer || given->made_http;
        for (i = 0; i < 4; i++) touched |= given->room[i] != 0x5a5a5a5a5a5a5a5a;
        if (touched) fault("failed and wrote an output");
    }
    tenon_error_free(given->err);
    given->err = NULL;
    tenon_server_free(given->made_server);
    tenon_settings_free(given->made_settings);
    tenon_entry_free(given->made_entry);
    tenon_result_free(given->made_result);
    tenon_answer_free(given->made_answer);
    tenon_http_free(given->made_http);
}

/* What is not of the call. */
static void prepare(struct given *given) {
    OK(tenon_server_new("other", "1", &given->other, NULL));
    OK(tenon_settings_load("{\"prefix\":\"\",\"values\":{\"limits.max_calls\":9}}", TENON_NUL, &given->settings, NULL));
    OK(tenon_tool_new("tool", &given->entry, NULL));
    OK(tenon_entry_set_handler(given->entry, nothing, NULL, NULL));
    OK(tenon_prompt_new("prompt", &given->prompt, NULL));
    OK(tenon_entry_set_handler(given->prompt, nothing, NULL, NULL));
    OK(tenon_result_new(&given->result, NULL));
    OK(tenon_http_new("POST", &given->http, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_tool_new(NULL, &given->made_entry, &given->error));
}

/* What was made and freed. */
static void free_some(struct given *given) {
    OK(tenon_tool_new("freed", &given->freed_entry, NULL));
    tenon_entry_free(given->freed_entry);
    if (!handles_are_checked()) return;
    OK(tenon_server_new("freed", "1", &given->freed_server, NULL));
    OK(tenon_server_free(given->freed_server));
    OK(tenon_settings_load("{}", TENON_NUL, &given->freed_settings, NULL));
    tenon_settings_free(given->freed_settings);
    OK(tenon_result_new(&given->freed_result, NULL));
    tenon_result_free(given->freed_result);
    OK(tenon_http_new("POST", &given->freed_http, NULL));
    OK(tenon_http_free(given->freed_http));
    CHECK_STATUS(TENON_ERR_NULL, tenon_tool_new(NULL, &given->made_entry, &given->freed_error));
    tenon_error_free(given->freed_error);
}

static void clean(struct given *given) {
    OK(tenon_http_free(given->http));
    tenon_error_free(given->error);
    tenon_settings_free(given->settings);
    tenon_result_free(given->result);
    tenon_entry_free(given->entry);
    tenon_entry_free(given->prompt);
    OK(tenon_server_free(given->server));
    OK(tenon_server_free(given->other));
    OK(tenon_server_free(given->ended_server));
}

#define CALL(capabilities) \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"probe\",\"_meta\":{" \
    "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"," \
    "\"io.modelcontextprotocol/clientCapabilities\":" capabilities "}}}"
#define ALL "{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{},\"roots\":{}}"

/* A call that has ended, kept for one case. */
static tenon_call *ended_call;

static void probe(void *user_data, tenon_call *call) {
    struct given *given = user_data;
    given->call = call;
    given->ended_call = ended_call;
    judge(given);
    given->call = NULL;
    tenon_call_return_bool(call, true);
}

static void end_at_once(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_retain(call));
    OK(tenon_call_return_bool(call, true));
    ended_call = call;
}

/* A server in which a tool runs once, now. */
static tenon_server *call_once(tenon_handler_fn handler, void *user_data) {
    tenon_server *server = new_server();
    add_tool(server, "probe", NULL, TENON_MODE_POLL, handler, user_data, NULL);
    OK(tenon_server_exchange(server, CALL(ALL), TENON_NUL, 20000, hear, NULL, NULL));
    return server;
}

/* The answer that the functions of answers are given: to a form with one field. */
static void ask(void *place, tenon_call *call) {
    static const char *const form = "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}";
    if (tenon_call_elicit(call, NULL, "?", form, place, NULL) == TENON_OK) tenon_call_return_bool(call, true);
}

static void note_id(void *place, const char *message, size_t len) {
    char *copy = strndup(message, len), *found = copy == NULL ? NULL : strstr(copy, "\"id\":");
    if (found != NULL && strstr(copy, "elicitation/create") != NULL) *(int *)place = atoi(found + 5);
    free(copy);
}

static tenon_answer *an_answer(void) {
    tenon_answer *answer = NULL;
    tenon_server *server = new_server();
    char reply[128];
    int id = -1;
    add_tool(server, "ask", NULL, TENON_MODE_POLL, ask, &answer, NULL);
    OK(tenon_server_exchange(
        server,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"" LEGACY
        "\",\"capabilities\":" ELICITATION ",\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}",
        TENON_NUL, 20000, hear, NULL, NULL));
    OK(tenon_server_exchange(server, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", TENON_NUL, 20000,
                             hear, NULL, NULL));
    OK(tenon_server_exchange(
        server, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"ask\",\"arguments\":{}}}",
        TENON_NUL, 20000, note_id, &id, NULL));
    sprintf(reply, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{\"action\":\"accept\",\"content\":{\"a\":\"b\"}}}", id);
    OK(tenon_server_exchange(server, reply, TENON_NUL, 20000, hear, NULL, NULL));
    OK(tenon_server_free(server));
    CHECK(answer != NULL);
    return answer;
}

int main(void) {
    const size_t size = 8 << 20;
    size_t i;
    huge = malloc(size + 1);
    huge_json = malloc(size + 1);
    CHECK(huge != NULL && huge_json != NULL);
    memset(huge, 'a', size);
    memset(huge_json, 'a', size);
    huge_json[0] = huge_json[size - 1] = '"';
    huge[size] = huge_json[size] = '\0';
    for (i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct given given = {0};
        tenon_server *within = NULL;
        present = &refusals[i];
        prepare(&given);
        if (strstr(present->name, "tenon_answer_") == present->name) given.answer = an_answer();
        given.server = new_server();
        if (strstr(present->name, " ended") != NULL && present->where == OUTSIDE) {
            given.ended_server = call_once(nothing, NULL);
            OK(tenon_server_close(given.ended_server));
            while (!tenon_server_is_closed(given.ended_server)) {
                uint32_t handled;
                if (tenon_server_poll(given.ended_server, 0, 10, &handled) == TENON_ENDED) break;
            }
        }
        if (strstr(present->name, " ended") != NULL && present->where == IN_CALL)
            OK(tenon_server_free(call_once(end_at_once, NULL)));
        if (strstr(present->name, " freed") != NULL) {
            free_some(&given);
            if (handles_are_checked() && strstr(present->name, " call freed") != NULL) {
                OK(tenon_server_free(call_once(end_at_once, NULL)));
                tenon_call_release(given.freed_call = ended_call);
                ended_call = NULL;
            }
            if (handles_are_checked() && strstr(present->name, " answer freed") != NULL)
                tenon_answer_free(given.freed_answer = an_answer());
        }
        if (present->where == IN_CALL)
            within = call_once(probe, &given);
        else
            judge(&given);
        tenon_call_release(ended_call);
        ended_call = NULL;
        tenon_answer_free(given.answer);
        clean(&given);
        OK(tenon_server_free(within));
        if (present->counts && given.destroyed != 1) fault(given.destroyed == 0 ? "never destroyed" : "destroyed twice");
    }
    free(huge);
    free(huge_json);
    return faults != 0;
}
