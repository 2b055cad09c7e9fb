/* Who may use what: scopes, roles, public entries, keys, tokens, and logins. */
#include <unistd.h>

#include "http_requests.h"

#define SECRET "a secret for tests, of 32 bytes."
#define KEY "key-of-the-reader-0"
/* HS256 with SECRET; it has the scope read and the role admin, and expires in the year 2255. */
#define TOKEN \
    "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUiLCJhdWQiOiJodHRwczovL3Nob3AuZXhhbXBsZS9tY3AiLCJzdWIiO" \
    "iJhbm4iLCJzY29wZSI6InJlYWQiLCJyb2xlcyI6WyJhZG1pbiJdLCJleHAiOjkwMDAwMDAwMDB9._aQD-URAUT2sDAcfcynAl8YzgIvnKS7rMnbI_" \
    "82UAtA"
#define AUTH \
    "[{\"type\":\"api_keys\",\"keys\":[{\"subject\":\"reader\",\"value\":\"" KEY "\",\"scopes\":[\"read\"]}]}," \
    "{\"type\":\"jwt\",\"issuer\":\"https://login.example\",\"audience\":\"https://shop.example/mcp\",\"secret\":\"" SECRET \
    "\",\"leeway\":1000}]"

static void add_entry(tenon_server *server, tenon_entry *entry, const char *policy, const char *value) {
    if (policy != NULL) OK(tenon_entry_set(entry, policy, value, TENON_NUL));
    OK(tenon_entry_set_handler(entry, yes, NULL, NULL));
    OK(tenon_server_add(server, entry, NULL));
}

static void add_guarded(tenon_server *server, const char *name, const char *policy, const char *value) {
    tenon_entry *tool;
    OK(tenon_tool_new(name, &tool, NULL));
    add_entry(server, tool, policy, value);
}

static tenon_server *shop(void) {
    tenon_server *server = new_server();
    tenon_entry *entry;
    OK(tenon_server_set(server, "auth", AUTH, TENON_NUL));
    add_guarded(server, "about", "public", "true");
    add_guarded(server, "read", "scopes", "[\"read\"]");
    add_guarded(server, "erase", "roles", "[\"admin\",\"owner\"]");
    OK(tenon_resource_new("shop://prices", &entry, NULL));
    add_entry(server, entry, "scopes", "[\"read\"]");
    OK(tenon_prompt_new("audit", &entry, NULL));
    add_entry(server, entry, "roles", "[\"admin\"]");
    add_tool(server, "who", NULL, TENON_MODE_WORKER, who, NULL, NULL);
    return server;
}

static void start(tenon_server *server) {
    OK(tenon_server_listen_embedded(server, NULL));
    OK(tenon_server_start(server, NULL));
}

/* A request with these credentials, or with none. `named` is the tool, the resource or the prompt. */
static tenon_http *ask(tenon_server *server, const char *method, const char *named, const char *credentials) {
    char body[512], bearer[512], name[128] = "";
    tenon_http *http = head("POST");
    OK(tenon_http_add_header(http, "mcp-protocol-version", MODERN, TENON_NUL, NULL));
    OK(tenon_http_add_header(http, "mcp-method", method, TENON_NUL, NULL));
    if (named != NULL) {
        const char *member = strcmp(method, "resources/read") == 0 ? "uri" : "name";
        OK(tenon_http_add_header(http, "mcp-name", named, TENON_NUL, NULL));
        snprintf(name, sizeof name, "\"%s\":\"%s\",", member, named);
    }
    if (credentials != NULL) {
        snprintf(bearer, sizeof bearer, "Bearer %s", credentials);
        OK(tenon_http_add_header(http, "authorization", bearer, TENON_NUL, NULL));
    }
    snprintf(
        body, sizeof body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s" META "}}", method, name);
    begin(server, http, body);
    return http;
}

/* The status of a request; one without valid credentials gets a challenge. */
static uint32_t status(tenon_server *server, const char *method, const char *named, const char *credentials) {
    tenon_http *http = ask(server, method, named, credentials);
    const uint32_t status = status_of(http);
    const char *challenge = header(http, "www-authenticate");
    /* A role is nothing that a client could ask its authorization server for. */
    CHECK((challenge != NULL) == (status == 401));
    if (challenge != NULL) CHECK_IN("Bearer", challenge);
    OK(tenon_http_free(http));
    return status;
}

static void lists_show_what_calls_allow(void) {
    static const struct {
        const char *method, *named, *list, *shown;
        uint32_t nobody, key, token;
    } rows[] = {
        {"tools/call", "about", "tools/list", "\"about\"", 200, 200, 200},
        {"tools/call", "read", "tools/list", "\"read\"", 401, 200, 200},
        {"tools/call", "erase", "tools/list", "\"erase\"", 401, 403, 200},
        {"resources/read", "shop://prices", "resources/list", "\"shop://prices\"", 401, 200, 200},
        {"prompts/get", "audit", "prompts/list", "\"audit\"", 401, 403, 200},
    };
    tenon_server *server = shop();
    size_t i, who;
    start(server);
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const callers[] = {NULL, KEY, TOKEN};
        const uint32_t expected[] = {rows[i].nobody, rows[i].key, rows[i].token};
        for (who = 0; who < 3; who++) {
            tenon_http *http = ask(server, rows[i].list, NULL, callers[who]);
            CHECK(status_of(http) == 200);
            CHECK((strstr(body_of(http), rows[i].shown) != NULL) == (expected[who] == 200));
            OK(tenon_http_free(http));
            CHECK(status(server, rows[i].method, rows[i].named, callers[who]) == expected[who]);
        }
    }
    CHECK(status(server, "tools/call", "about", "unknown-key-0123456789") == 401);
    CHECK(status(server, "tools/call", "about", TOKEN "x") == 401);
    OK(tenon_server_free(server));
}

static void a_callback_learns_who_called(void) {
    tenon_server *server = shop();
    tenon_http *http;
    const char *body;
    start(server);
    http = ask(server, "tools/call", "who", TOKEN);
    CHECK(status_of(http) == 200);
    body = body_of(http);
    CHECK_IN("\\\"issuer\\\":\\\"https://login.example\\\",\\\"subject\\\":\\\"ann\\\"", body);
    CHECK_IN("\\\"scopes\\\":[\\\"read\\\"],\\\"roles\\\":[\\\"admin\\\"]", body);
    CHECK_IN("\\\"expires_at\\\":9000000002", body);
    OK(tenon_http_free(http));
    OK(tenon_server_free(server));
}

static void a_program_names_the_principal(void) {
    tenon_server *server = shop();
    tenon_http *http = head("POST");
    start(server);
    OK(tenon_http_add_header(http, "mcp-protocol-version", MODERN, TENON_NUL, NULL));
    OK(tenon_http_add_header(http, "mcp-method", "tools/call", TENON_NUL, NULL));
    OK(tenon_http_add_header(http, "mcp-name", "erase", TENON_NUL, NULL));
    CHECK_ERROR(
        TENON_ERR_INVALID, "unknown member \"role\"",
        tenon_http_set_principal_json(http, "{\"subject\":\"ann\",\"role\":[]}", TENON_NUL, &err));
    CHECK_ERROR(TENON_ERR_JSON, "the principal is not JSON", tenon_http_set_principal_json(http, "ann", 3, &err));
    OK(tenon_http_set_principal_json(http, "{\"subject\":\"ann\",\"roles\":[\"owner\"]}", TENON_NUL, NULL));
    begin(server, http, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"erase\"," META "}}");
    CHECK(status_of(http) == 200);
    CHECK_ERROR(TENON_ERR_STATE, "handed to a server", tenon_http_set_principal_json(http, "\"a\"", 3, &err));
    OK(tenon_http_free(http));
    OK(tenon_server_free(server));
}

/* Logs in as the argument says; what went wrong is its text. */
static void login(void *user_data, tenon_call *call) {
    const char *json;
    size_t len;
    tenon_error *err = NULL;
    (void)user_data;
    OK(tenon_call_arg_json(call, "principal", &json, &len));
    if (tenon_call_login(call, json, len, &err) == TENON_OK) OK(tenon_call_return_text(call, "in", TENON_NUL));
    else OK(tenon_call_fail(call, tenon_error_message(err)));
    tenon_error_free(err);
}

static void a_tool_logs_in_the_client_of_a_channel(void) {
    tenon_server *server = new_server();
    struct peer peer;
    add_tool(server, "login", "{\"type\":\"object\"}", TENON_MODE_WORKER, login, NULL, NULL);
    add_guarded(server, "erase", "roles", "[\"admin\"]");
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "erase", "{}");
    CHECK_IN("\"error\"", next_answer(&peer));
    call_tool(&peer, 2, "login", "{\"principal\":{\"subject\":\"ann\",\"expires_at\":1}}");
    CHECK_IN("have expired", next_answer(&peer));
    call_tool(&peer, 3, "login", "{\"principal\":{\"subject\":\"ann\",\"roles\":[\"admin\"]}}");
    CHECK_IN("\"in\"", next_answer(&peer));
    call_tool(&peer, 4, "erase", "{}");
    CHECK_IN("\"result\"", next_answer(&peer));
    call_tool(&peer, 5, "login", "{\"principal\":\"bob\"}");
    CHECK_IN("\"in\"", next_answer(&peer));
    call_tool(&peer, 6, "erase", "{}");
    CHECK_IN("\"error\"", next_answer(&peer));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static void enter(void *user_data, tenon_call *call) {
    (void)user_data;
    CHECK_ERROR(TENON_ERR_STATE, "over HTTP each request needs its own", tenon_call_login(call, "\"ann\"", 5, &err));
    CHECK_STATUS(TENON_ERR_JSON, tenon_call_login(call, "ann", 3, NULL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_call_login(call, "5", 1, NULL));
    OK(tenon_call_return_bool(call, true));
}

static void a_login_over_http_is_refused(void) {
    tenon_server *server = new_server();
    add_tool(server, "enter", NULL, TENON_MODE_WORKER, enter, NULL, NULL);
    start(server);
    CHECK(status(server, "tools/call", "enter", NULL) == 200);
    OK(tenon_server_free(server));
}

static void verifiers_in_a_settings_file(void) {
    char path[] = "/tmp/tenon-c-XXXXXX.toml", options[128];
    tenon_settings *settings;
    tenon_server *server = new_server();
    const char *value;
    size_t len;
    const int file = mkstemps(path, 5);
    FILE *out = fdopen(file, "w");
    CHECK(out != NULL);
    fputs(
        "[[server.auth]]\ntype = \"api_keys\"\nkeys = [{ subject = \"reader\", value = \"" KEY
        "\", scopes = [\"read\"] }]\n",
        out);
    CHECK(fclose(out) == 0);
    snprintf(options, sizeof options, "{\"file\":\"%s\",\"prefix\":\"\"}", path);
    OK(tenon_settings_load(options, TENON_NUL, &settings, NULL));
    OK(tenon_settings_get(settings, "server.auth", &value, &len));
    CHECK(strstr(value, KEY) == NULL);
    OK(tenon_server_set_settings(server, settings));
    add_guarded(server, "read", "scopes", "[\"read\"]");
    start(server);
    CHECK(status(server, "tools/call", "read", KEY) == 200);
    CHECK(status(server, "tools/call", "read", NULL) == 401);
    OK(tenon_server_free(server));
    tenon_settings_free(settings);
    unlink(path);
}

static void wrong_options_are_named(void) {
    static const struct {
        const char *member, *value, *said;
    } rows[] = {
        {"auth", "[{\"type\":\"jwks\"}]", "auth[0].type must be \"api_keys\", \"jwt\" or \"introspection\", not \"jwks\""},
        {"auth", "[{\"type\":\"jwt\",\"isuer\":\"a\"}]", "there is no option \"isuer\"; the nearest name is \"issuer\""},
        {"auth", "[{\"type\":\"jwt\",\"leeway\":\"soon\"}]", "auth[0].leeway must be a number of milliseconds above 0"},
        {"anonymous", "\"never\"", "anonymous must be \"refuse\" or \"allow\", not \"never\""},
        {"access_of_tags", "{\"a\":{\"role\":[]}}", "access_of_tags.a: there is no rule \"role\""},
        {"principal", "{\"sub\":\"a\"}", "the principal has no member subject"},
        /* What is secret is not shown. */
        {"auth", "{\"secret\":\"" SECRET "\"}", "auth must be a JSON array of verifiers"},
        {"auth", "[{\"type\":\"api_keys\",\"keys\":\"" SECRET "\"}]", "auth[0].keys must be a JSON array of keys"},
    };
    tenon_server *server = new_server();
    size_t i;
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_STATUS(TENON_ERR_INVALID, tenon_server_set(server, rows[i].member, rows[i].value, TENON_NUL));
        CHECK_IN(rows[i].said, tenon_error_last_message());
        CHECK(strstr(tenon_error_last_message(), SECRET) == NULL);
    }
    OK(tenon_server_free(server));
}

static const struct test tests[] = {
    {"lists show what calls allow", lists_show_what_calls_allow},
    {"a callback learns who called", a_callback_learns_who_called},
    {"a program names the principal", a_program_names_the_principal},
    {"a tool logs in the client of a channel", a_tool_logs_in_the_client_of_a_channel},
    {"a login over HTTP is refused", a_login_over_http_is_refused},
    {"verifiers in a settings file", verifiers_in_a_settings_file},
    {"wrong options are named", wrong_options_are_named},
};
RUN_TESTS(tests)
