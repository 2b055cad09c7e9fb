/* The verifier and the authorizer of a program, and keys in a settings file. */
#include <unistd.h>

#include "support.h"

/* What the callbacks below do, and what they have seen. */
struct access {
    atomic_int calls;
    bool keeps;
    tenon_call *kept;
    sem_t entered;
    char seen[512];
};

static void access_init(struct access *access) {
    memset(access, 0, sizeof *access);
    sem_init(&access->entered, 0, 0);
}

static void answer(tenon_call *call, const char *token) {
    const char *object = "{\"subject\":\"ann\",\"scopes\":[\"pay\"],\"claims\":{\"team\":\"red\"}}";
    if (strcmp(token, "text") == 0) OK(tenon_call_return_text(call, "ann", TENON_NUL));
    else if (strcmp(token, "object") == 0) OK(tenon_call_return_json(call, object, TENON_NUL, NULL));
    else if (strcmp(token, "null") == 0) OK(tenon_call_return_json(call, "null", TENON_NUL, NULL));
    else if (strcmp(token, "false") == 0) OK(tenon_call_return_bool(call, false));
    else if (strcmp(token, "true") == 0) OK(tenon_call_return_bool(call, true));
    else if (strcmp(token, "members") == 0) OK(tenon_call_return_json(call, "{\"name\":\"ann\"}", TENON_NUL, NULL));
    else if (strcmp(token, "fail") == 0) OK(tenon_call_fail(call, "no route to hunter2"));
}

static void verify(void *user_data, tenon_call *call) {
    struct access *access = user_data;
    const char *json = NULL, *token = NULL;
    size_t len = 0;
    access->calls++;
    OK(tenon_call_arguments(call, &json, &len));
    CHECK(len < sizeof access->seen);
    snprintf(access->seen, sizeof access->seen, "%.*s", (int)len, json);
    if (access->keeps) {
        OK(tenon_call_retain(call));
        access->kept = call;
        sem_post(&access->entered);
        return;
    }
    if (tenon_call_arg_string(call, "token", &token, &len) != TENON_OK) token = "text";
    answer(call, token);
}

static void decide(void *user_data, tenon_call *call) {
    struct access *access = user_data;
    const char *json = NULL;
    size_t len = 0;
    access->calls++;
    OK(tenon_call_arguments(call, &json, &len));
    CHECK(len < sizeof access->seen);
    snprintf(access->seen, sizeof access->seen, "%.*s", (int)len, json);
    if (strstr(access->seen, "\"amount\":1") != NULL) OK(tenon_call_return_bool(call, true));
    else if (strstr(access->seen, "\"amount\":2") != NULL) OK(tenon_call_return_bool(call, false));
    else if (strstr(access->seen, "\"amount\":3") != NULL) OK(tenon_call_return_text(call, "only on Mondays", TENON_NUL));
    else if (strstr(access->seen, "\"amount\":4") != NULL) OK(tenon_call_return_int64(call, 7));
}

static void pay(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_text(call, "paid", TENON_NUL));
}

static tenon_server *with_tool(void) {
    tenon_server *server = new_server();
    add_tool(server, "pay", "{\"type\":\"object\"}", TENON_MODE_WORKER, pay, NULL, NULL);
    return server;
}

/* Calls the tool on a new connection with this header line, or none; the answer up to `until`. */
static const char *calling(const char *url, const char *header, int amount, const char *until) {
    char body[512], headers[512];
    const int fd = http_connect(url);
    snprintf(
        body, sizeof body,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"pay\",\"arguments\":{\"amount\":%d},"
        "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
        "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"modern\",\"version\":\"2\"},"
        "\"io.modelcontextprotocol/clientCapabilities\":{}}}}",
        amount);
    snprintf(
        headers, sizeof headers,
        "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: pay\r\n%s", header);
    http_send(fd, headers, body);
    return http_read(fd, until);
}

static void the_verifier_accepts_and_refuses(void) {
    const struct { const char *token, *status; } all[] = {
        {"text", "200 OK"}, {"object", "200 OK"}, {"null", "401"}, {"false", "401"},
        {"true", "503"}, {"members", "503"}, {"fail", "503"}, {"nothing", "503"},
    };
    char header[128];
    struct access access;
    access_init(&access);
    tenon_server *server = with_tool();
    OK(tenon_server_set_verifier(server, NULL, 0, TENON_MODE_WORKER, verify, &access, NULL, NULL));
    const char *url = http_listening(server);
    CHECK_IN("401", calling(url, "", 1, "\r\n\r\n"));
    CHECK(access.calls == 0);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        snprintf(header, sizeof header, "Authorization: Bearer %s\r\n", all[i].token);
        const char *seen = calling(url, header, 1, "\r\n\r\n");
        CHECK_IN(all[i].status, seen);
        CHECK(strstr(seen, "hunter2") == NULL);
        CHECK(access.calls == (int)i + 1);
    }
    CHECK_IN("\"token\":\"nothing\",\"headers\":{}", access.seen);
    /* The answer is kept. */
    CHECK_IN("paid", calling(url, "Authorization: Bearer text\r\n", 1, "paid"));
    CHECK(access.calls == (int)(sizeof all / sizeof *all));
    OK(tenon_server_free(server));
}

static void the_verifier_reads_headers(void) {
    struct access access;
    access_init(&access);
    tenon_server *server = with_tool();
    OK(tenon_server_set_verifier(
        server, "[\"X-Team\"]", TENON_NUL, TENON_MODE_WORKER, verify, &access, NULL, NULL));
    const char *url = http_listening(server);
    CHECK_IN("200 OK", calling(url, "X-Team: red\r\n", 1, "paid"));
    CHECK_IN("{\"token\":null,\"headers\":{\"x-team\":\"red\"}}", access.seen);
    OK(tenon_server_free(server));
}

static void *answer_later(void *user_data) {
    struct access *access = user_data;
    wait_for(&access->entered);
    answer(access->kept, "object");
    tenon_call_release(access->kept);
    return NULL;
}

static void any_thread_may_answer_later(void) {
    struct access access;
    pthread_t thread;
    access_init(&access);
    access.keeps = true;
    tenon_server *server = with_tool();
    OK(tenon_server_set_verifier(server, NULL, 0, TENON_MODE_WORKER, verify, &access, NULL, NULL));
    const char *url = http_listening(server);
    CHECK(pthread_create(&thread, NULL, answer_later, &access) == 0);
    CHECK_IN("200 OK", calling(url, "Authorization: Bearer a\r\n", 1, "paid"));
    pthread_join(thread, NULL);
    OK(tenon_server_free(server));
}

static void a_verifier_that_hangs_is_bounded(void) {
    struct access access;
    access_init(&access);
    access.keeps = true;
    tenon_server *server = with_tool();
    OK(tenon_server_set_limit(server, TENON_LIMIT_STORE_TIMEOUT_MS, 50));
    OK(tenon_server_set_verifier(server, NULL, 0, TENON_MODE_WORKER, verify, &access, NULL, NULL));
    const char *url = http_listening(server);
    CHECK_IN("503", calling(url, "Authorization: Bearer a\r\n", 1, "\r\n\r\n"));
    wait_for(&access.entered);
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_return_text(access.kept, "ann", TENON_NUL));
    tenon_call_release(access.kept);
    OK(tenon_server_free(server));
}

static void the_authorizer_decides(void) {
    const tenon_mode modes[] = {TENON_MODE_WORKER, TENON_MODE_POLL};
    for (size_t i = 0; i < 2; i++) {
        struct access access;
        pthread_t thread;
        access_init(&access);
        tenon_server *server = with_tool();
        OK(tenon_server_set_authorizer(server, modes[i], decide, &access, NULL, NULL));
        const char *url = http_listening(server);
        CHECK(pthread_create(&thread, NULL, poll_until_the_end, server) == 0);
        CHECK_IN("200 OK", calling(url, "", 1, "paid"));
        CHECK_IN("{\"principal\":null,\"kind\":\"tool\",\"name\":\"pay\",\"arguments\":{\"amount\":1}}", access.seen);
        CHECK_IN("403", calling(url, "", 2, "the call is not permitted"));
        CHECK_IN("403", calling(url, "", 3, "only on Mondays"));
        calling(url, "", 4, "cannot decide about this call");
        calling(url, "", 5, "cannot decide about this call");
        CHECK(access.calls == 5);
        OK(tenon_server_close(server));
        pthread_join(thread, NULL);
        OK(tenon_server_free(server));
    }
}

static void the_authorizer_gets_the_principal(void) {
    struct access first, second;
    access_init(&first);
    access_init(&second);
    tenon_server *server = with_tool();
    OK(tenon_server_set_verifier(server, NULL, 0, TENON_MODE_WORKER, verify, &first, NULL, NULL));
    OK(tenon_server_set_authorizer(server, TENON_MODE_WORKER, decide, &second, NULL, NULL));
    const char *url = http_listening(server);
    CHECK_IN("200 OK", calling(url, "Authorization: Bearer object\r\n", 1, "paid"));
    CHECK_IN(
        "{\"principal\":{\"issuer\":\"host\",\"subject\":\"ann\",\"scopes\":[\"pay\"],\"roles\":[],"
        "\"claims\":{\"team\":\"red\"}}",
        second.seen);
    OK(tenon_server_free(server));
}

static void wrong_arguments(void) {
    struct owned owned;
    owned_init(&owned);
    const struct { const char *headers; tenon_mode mode; tenon_handler_fn verifier; tenon_status status; const char *why; } all[] = {
        {NULL, TENON_MODE_INLINE, verify, TENON_ERR_INVALID, "the verifier runs in TENON_MODE_WORKER or TENON_MODE_POLL"},
        {NULL, TENON_MODE_WORKER, NULL, TENON_ERR_NULL, "verifier"},
        {"[", TENON_MODE_WORKER, verify, TENON_ERR_JSON, "headers is not JSON"},
        {"\"x-team\"", TENON_MODE_WORKER, verify, TENON_ERR_INVALID, "headers must be an array of strings"},
        {"[\"a b\"]", TENON_MODE_WORKER, verify, TENON_ERR_INVALID, "\"a b\" is not the name of a header"},
    };
    int destroyed = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tenon_server *server = new_server();
        CHECK_ERROR(
            all[i].status, all[i].why,
            tenon_server_set_verifier(
                server, all[i].headers, TENON_NUL, all[i].mode, all[i].verifier, &owned, owned_destroy, &err));
        CHECK(owned.destroyed == ++destroyed);
        /* The start reports it too. */
        CHECK_ERROR(all[i].status, all[i].why, tenon_server_start(server, &err));
        OK(tenon_server_free(server));
    }
    tenon_server *server = new_server();
    CHECK_ERROR(
        TENON_ERR_INVALID, "the authorizer runs in",
        tenon_server_set_authorizer(server, TENON_MODE_INLINE, decide, &owned, owned_destroy, &err));
    CHECK(owned.destroyed == ++destroyed);
    OK(tenon_server_free(server));
}

static void each_is_set_once_and_before_the_start(void) {
    struct access access;
    struct owned first, second;
    access_init(&access);
    owned_init(&first);
    owned_init(&second);
    tenon_server *server = new_server();
    OK(tenon_server_set_verifier(server, NULL, 0, TENON_MODE_WORKER, verify, &first, owned_destroy, NULL));
    CHECK_ERROR(
        TENON_ERR_STATE, "already",
        tenon_server_set_verifier(server, NULL, 0, TENON_MODE_WORKER, verify, &second, owned_destroy, &err));
    CHECK(first.destroyed == 0 && second.destroyed == 1);
    OK(tenon_server_free(server));
    CHECK(first.destroyed == 1);
    server = with_tool();
    OK(tenon_server_set_authorizer(server, TENON_MODE_WORKER, decide, &access, NULL, NULL));
    const char *url = http_listening(server);
    CHECK_ERROR(
        TENON_ERR_STATE, "already started",
        tenon_server_set_verifier(server, NULL, 0, TENON_MODE_WORKER, verify, &second, owned_destroy, &err));
    CHECK(second.destroyed == 2);
    CHECK_IN("200 OK", calling(url, "", 1, "paid"));
    OK(tenon_server_free(server));
}

#define KEYS_OF(page_size, more) \
    "[server]\nname = \"shop\"\n[limits]\npage_size = " page_size "\n[[server.auth]]\n" more
#define KEY_OF(page_size, key) \
    KEYS_OF(page_size, "type = \"api_keys\"\nkeys = [{ subject = \"ann\", value = \"" key "\" }]\n")
#define SIGNED "type = \"jwt\"\nissuer = \"https://a.example\"\naudience = \"https://b.example\"\n"
#define OLD "key-of-ann-in-march"
#define NEW "key-of-ann-in-april"

static char settings_file[] = "/tmp/tenon-c-XXXXXX.toml";

static void write_settings(const char *toml) {
    FILE *file = fopen(settings_file, "w");
    CHECK(file != NULL && fputs(toml, file) >= 0 && fclose(file) == 0);
}

static tenon_settings *settings_of(const char *toml) {
    char options[128];
    tenon_settings *settings = NULL;
    write_settings(toml);
    snprintf(options, sizeof options, "{\"file\":\"%s\",\"prefix\":\"\"}", settings_file);
    OK(tenon_settings_load(options, TENON_NUL, &settings, NULL));
    return settings;
}

static tenon_server *server_with(tenon_settings *settings) {
    tenon_server *server = with_tool();
    add_tool(server, "repay", NULL, TENON_MODE_WORKER, pay, NULL, NULL);
    OK(tenon_server_set_settings(server, settings));
    return server;
}

/* Lists the tools with this key; the answer has this text. A refusal ends the connection. */
static void list_with(int fd, const char *key, const char *text) {
    char headers[256];
    snprintf(
        headers, sizeof headers,
        "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/list\r\nAuthorization: Bearer %s\r\n", key);
    http_send(
        fd, headers,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"_meta\":{"
        "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
        "\"io.modelcontextprotocol/clientCapabilities\":{}}}}");
    http_read(fd, text);
}

/* A connection that keeps the key, because it has sent it several times. */
static int connected_with(const char *url, const char *key) {
    const int fd = http_connect(url);
    for (int i = 0; i < 3; i++) list_with(fd, key, "nextCursor");
    return fd;
}

/* On a connection of its own. */
static void check_key(const char *url, const char *key, const char *status) {
    const int fd = http_connect(url);
    list_with(fd, key, status);
    close(fd);
}

static void a_reload_replaces_keys(void) {
    tenon_settings *settings = settings_of(KEY_OF("1", OLD));
    tenon_server *server = server_with(settings);
    const char *url = http_listening(server);
    const int first = connected_with(url, OLD), second = connected_with(url, OLD);
    write_settings(KEY_OF("1", NEW));
    list_with(first, OLD, "nextCursor");
    check_key(url, NEW, "HTTP/1.1 401");
    OK(tenon_settings_reload(settings, NULL));
    list_with(first, OLD, "HTTP/1.1 401");
    list_with(second, NEW, "nextCursor");
    list_with(second, OLD, "HTTP/1.1 401");
    check_key(url, OLD, "HTTP/1.1 401");
    check_key(url, NEW, "HTTP/1.1 200");
    close(first);
    close(second);
    OK(tenon_server_free(server));
    tenon_settings_free(settings);
}

static void check_page_size(tenon_settings *settings, const char *expected) {
    const char *value = "";
    OK(tenon_settings_get(settings, "limits.page_size", &value, NULL));
    CHECK(strcmp(value, expected) == 0);
}

static void wrong_keys_change_nothing(void) {
    static const struct {
        const char *toml, *why;
        tenon_status status;
    } cases[] = {
        {KEY_OF("2", "short-1"), "line 7: server.auth: auth[0].keys[0]: the key has 7 bytes", TENON_ERR_STATE},
        {KEYS_OF("2", SIGNED "secret = \"short-1\"\n"), "line 9: server.auth: auth[0].secret: the secret has 7 bytes",
         TENON_ERR_STATE},
        {KEYS_OF("2", SIGNED "algorithms = [\"HS255\"]\n"),
         "line 9: server.auth[0].algorithms: there is no word \"HS255\"", TENON_ERR_INVALID},
    };
    tenon_settings *settings = settings_of(KEY_OF("1", OLD));
    tenon_server *server = server_with(settings);
    const char *url = http_listening(server);
    const int fd = connected_with(url, OLD);
    char why[128];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_settings(cases[i].toml);
        snprintf(why, sizeof why, "%s, %s", settings_file, cases[i].why);
        CHECK_ERROR(cases[i].status, why, tenon_settings_reload(settings, &err));
        check_page_size(settings, "1");
        list_with(fd, OLD, "nextCursor");
    }
    write_settings(KEY_OF("2", NEW));
    OK(tenon_settings_reload(settings, NULL));
    list_with(fd, OLD, "HTTP/1.1 401");
    check_key(url, NEW, "HTTP/1.1 200");
    check_page_size(settings, "2");
    close(fd);
    OK(tenon_server_free(server));
    tenon_settings_free(settings);
}

static const struct test tests[] = {
    {"the verifier accepts and refuses", the_verifier_accepts_and_refuses},
    {"the verifier reads headers", the_verifier_reads_headers},
    {"any thread may answer later", any_thread_may_answer_later},
    {"a verifier that hangs is bounded", a_verifier_that_hangs_is_bounded},
    {"the authorizer decides", the_authorizer_decides},
    {"the authorizer gets the principal", the_authorizer_gets_the_principal},
    {"wrong arguments", wrong_arguments},
    {"each is set once, and before the start", each_is_set_once_and_before_the_start},
    {"a reload replaces keys", a_reload_replaces_keys},
    {"wrong keys change nothing", wrong_keys_change_nothing},
};

int main(int argc, char **argv) {
    const int file = mkstemps(settings_file, 5);
    int code;
    if (file < 0) return 2;
    close(file);
    code = run_tests(argc, argv, tests, sizeof tests / sizeof *tests);
    unlink(settings_file);
    return code;
}
