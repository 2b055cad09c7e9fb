/* Settings from a file, variables and code, and the servers that use them. */
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static char directory[] = "/tmp/tenon-c-XXXXXX";

static char *path_of(const char *name) {
    static char path[64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void write_file(const char *name, const char *text) {
    FILE *file = fopen(path_of(name), "w");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static const char *file_text(const char *name) {
    static char text[65536];
    FILE *file = fopen(path_of(name), "r");
    CHECK(file != NULL);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

/* The options for app.toml and for variables that begin with TENON_C_TEST; `more` begins with a comma, or is "". */
static const char *options_with(const char *more) {
    static char options[512];
    snprintf(options, sizeof options, "{\"file\":\"%s\",\"prefix\":\"TENON_C_TEST\"%s}", path_of("app.toml"), more);
    return options;
}

static tenon_settings *load(const char *toml, const char *more) {
    tenon_settings *settings = NULL;
    write_file("app.toml", toml);
    OK(tenon_settings_load(options_with(more), TENON_NUL, &settings, NULL));
    return settings;
}

static const char *get(const tenon_settings *settings, const char *key) {
    const char *value = "";
    size_t len = 0;
    OK(tenon_settings_get(settings, key, &value, &len));
    CHECK(strlen(value) == len);
    return value;
}

static const char *source(const tenon_settings *settings, const char *key) {
    const char *source = "";
    OK(tenon_settings_source(settings, key, &source, NULL));
    return source;
}

static void later_sources_count_more(void) {
    const char *value, *schema = "";
    tenon_settings *settings;
    setenv("TENON_C_TEST_LIMITS__MAX_TASKS", "20", 1);
    setenv("TENON_C_TEST_SHOP__TOWN", "Ulm", 1);
    settings = load(
        "[limits]\nmax_calls = 1\nmax_tasks = 2\nmax_pages = 3\ncall_timeout = 0.5\n",
        ",\"values\":{\"limits.max_pages\":30},\"sections\":{\"shop\":{\"type\":\"object\",\"properties\":{\"town\":{\"type\":"
        "\"string\"}}}}");
    unsetenv("TENON_C_TEST_LIMITS__MAX_TASKS");
    unsetenv("TENON_C_TEST_SHOP__TOWN");
    value = get(settings, "limits.max_calls");
    CHECK(strcmp(value, "1") == 0);
    CHECK(strcmp(get(settings, "limits.max_tasks"), "20") == 0);
    CHECK(strcmp(get(settings, "limits.max_pages"), "30") == 0);
    CHECK(strcmp(get(settings, "limits.call_timeout"), "0.5") == 0);
    CHECK(strcmp(get(settings, "shop"), "{\"town\":\"Ulm\"}") == 0);
    CHECK(strcmp(get(settings, "server.title"), "null") == 0);
    CHECK_IN("app.toml, line 2", source(settings, "limits.max_calls"));
    CHECK_IN("the variable TENON_C_TEST_LIMITS__MAX_TASKS", source(settings, "limits.max_tasks"));
    CHECK(strcmp(source(settings, "limits.max_pages"), "code") == 0);
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_settings_source(settings, "limits.max_sessions", &schema, NULL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_settings_get(settings, "limits.max_call", &schema, NULL));
    CHECK_IN("max_calls", tenon_error_last_message());
    OK(tenon_settings_schema(settings, &schema, NULL));
    CHECK_IN("\"shop\":{\"type\":\"object\"", schema);
    /* A text lives until the next one of the same function, also without the handle. */
    OK(tenon_settings_set(settings, "limits.max_calls", "7", 1, NULL));
    value = get(settings, "limits.max_calls");
    CHECK(strcmp(source(settings, "limits.max_calls"), "code") == 0 && strcmp(value, "7") == 0);
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_settings_get(settings, "limits.max_call", &schema, NULL));
    tenon_settings_free(settings);
    CHECK(strcmp(value, "7") == 0);
}

static void errors_name_the_line(void) {
    tenon_settings *settings = NULL;
    write_file("app.toml", "[server]\nname = \"demo\"\nlog_levl = \"info\"\n");
    CHECK_ERROR(
        TENON_ERR_INVALID, "app.toml, line 3: server: there is no setting \"log_levl\"; the nearest name is \"log_level\"",
        tenon_settings_load(options_with(""), TENON_NUL, &settings, &err));
    CHECK_ERROR(
        TENON_ERR_NOT_FOUND, "none.toml",
        tenon_settings_load("{\"file\":\"none.toml\"}", TENON_NUL, &settings, &err));
    CHECK_ERROR(TENON_ERR_JSON, "options", tenon_settings_load("{", 1, &settings, &err));
    CHECK_ERROR(TENON_ERR_INVALID, "files", tenon_settings_load("{\"files\":1}", TENON_NUL, &settings, &err));
    CHECK(settings == NULL);
}

static void values_are_set_and_saved(void) {
    tenon_settings *settings = load("# The server.\n[server]\nname = \"demo\" # its name\nstore = \"memory:\"\n", "");
    CHECK(strcmp(get(settings, "server"), "{\"name\":\"demo\",\"store\":true}") == 0);
    CHECK(strcmp(get(settings, "server.store"), "true") == 0);
    OK(tenon_settings_set(settings, "server.name", "\"other\"", TENON_NUL, NULL));
    CHECK_ERROR(
        TENON_ERR_INVALID, "code: limits.max_calls must be an integer from 1, not \"x\"",
        tenon_settings_set(settings, "limits.max_calls", "\"x\"", TENON_NUL, &err));
    OK(tenon_settings_save(settings, NULL));
    CHECK(strcmp(file_text("app.toml"), "# The server.\n[server]\nname = \"other\" # its name\nstore = \"memory:\"\n") == 0);
    OK(tenon_settings_set(settings, "server.store", "\"memory:\"", TENON_NUL, NULL));
    CHECK_ERROR(TENON_ERR_INVALID, "server.store is secret", tenon_settings_save(settings, &err));
    OK(tenon_settings_set(settings, "server.name", "null", TENON_NUL, NULL));
    write_file("app.toml", "[server]\nname = \"third\"\n");
    OK(tenon_settings_reload(settings, NULL));
    CHECK(strcmp(get(settings, "server.name"), "\"third\"") == 0);
    write_file("app.toml", "[server]\nname = 5\n");
    CHECK_ERROR(TENON_ERR_INVALID, "app.toml, line 2", tenon_settings_reload(settings, &err));
    CHECK(strcmp(get(settings, "server.name"), "\"third\"") == 0);
    tenon_settings_free(settings);
    OK(tenon_settings_write_default(path_of("default.toml"), NULL));
    CHECK_IN("# max_calls = ", file_text("default.toml"));
    CHECK_ERROR(TENON_ERR_IO, "default.toml", tenon_settings_write_default(path_of("default.toml"), &err));
}

static char heard[65536];

static void hear(void *user_data, const char *message, size_t len) {
    (void)user_data;
    CHECK(len < sizeof heard);
    memcpy(heard, message, len);
    heard[len] = '\0';
}

static const char *exchange(tenon_server *server, const char *message) {
    heard[0] = '\0';
    OK(tenon_server_exchange(server, message, TENON_NUL, 20000, hear, NULL, NULL));
    return heard;
}

#define HELLO \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"" LEGACY \
    "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}"
#define READY "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"
#define LIST "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"}"

static void shown(void *user_data, tenon_call *call) {
    tenon_settings *settings = tenon_server_settings(user_data);
    OK(tenon_call_return_text(call, get(settings, "server.title"), TENON_NUL));
    tenon_settings_free(settings);
}

static tenon_server *server_of(const char *name, tenon_settings *settings) {
    tenon_server *server = NULL;
    OK(tenon_server_new(name, NULL, &server, NULL));
    OK(tenon_server_set_settings(server, settings));
    add_tool(server, "one", NULL, TENON_MODE_WORKER, shown, server, NULL);
    add_tool(server, "two", NULL, TENON_MODE_WORKER, shown, server, NULL);
    return server;
}

#define DEMO "[server]\nname = \"of the file\"\nversion = \"7\"\ntitle = \"Of the file\"\n[limits]\npage_size = 1\n"

static void a_server_uses_them(void) {
    tenon_settings *settings = load(DEMO, "");
    tenon_server *server = server_of(NULL, settings);
    tenon_settings_free(settings);
    CHECK_IN("\"serverInfo\":{\"name\":\"of the file\",\"title\":\"Of the file\",\"version\":\"7\"}", exchange(server, HELLO));
    exchange(server, READY);
    CHECK_IN("\"nextCursor\"", exchange(server, LIST));
    CHECK_IN(
        "\\\"Of the file\\\"",
        exchange(server, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":{\"name\":\"one\"}}"));
    OK(tenon_server_free(server));
    server = new_server();
    CHECK(tenon_server_settings(server) == NULL && tenon_server_settings(NULL) == NULL);
    OK(tenon_server_free(server));
}

/* What the program sets counts, whether it comes before or after. */
static void code_counts_more_than_the_file(void) {
    tenon_settings *settings = load(DEMO, "");
    tenon_server *server = NULL;
    for (int settings_come_first = 0; settings_come_first < 2; settings_come_first++) {
        OK(tenon_server_new("of code", "8", &server, NULL));
        if (settings_come_first) OK(tenon_server_set_settings(server, settings));
        OK(tenon_server_set(server, "title", "\"Of code\"", TENON_NUL));
        OK(tenon_server_set_limit(server, TENON_LIMIT_PAGE_SIZE, 2));
        if (!settings_come_first) OK(tenon_server_set_settings(server, settings));
        add_tool(server, "one", NULL, TENON_MODE_WORKER, shown, server, NULL);
        add_tool(server, "two", NULL, TENON_MODE_WORKER, shown, server, NULL);
        CHECK_IN("\"serverInfo\":{\"name\":\"of code\",\"title\":\"Of code\",\"version\":\"8\"}", exchange(server, HELLO));
        exchange(server, READY);
        CHECK(strstr(exchange(server, LIST), "\"nextCursor\"") == NULL);
        CHECK_STATUS(TENON_ERR_STATE, tenon_server_set_settings(server, settings));
        OK(tenon_server_free(server));
    }
    tenon_settings_free(settings);
}

static void without_a_name_nothing_starts(void) {
    tenon_settings *settings = load("[limits]\nmax_calls = 5\n", "");
    tenon_server *server = NULL;
    OK(tenon_server_new(NULL, NULL, &server, NULL));
    OK(tenon_server_listen_http(server, "0", NULL));
    CHECK_ERROR(TENON_ERR_INVALID, "server.name is not set", tenon_server_start(server, &err));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_set_settings(server, settings));
    CHECK_IN("server.name is not set", tenon_error_last_message());
    OK(tenon_server_free(server));
    tenon_settings_free(settings);
}

/* The status line of the answer to a request with this Host. */
static void check_host(const char *url, const char *host, const char *status) {
    char request[256];
    const int fd = http_connect(url);
    snprintf(
        request, sizeof request, "POST /own HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", host);
    CHECK(write(fd, request, strlen(request)) == (ssize_t)strlen(request));
    CHECK_IN(status, http_read(fd, "\r\n\r\n"));
    close(fd);
}

static void the_transports_of_the_file_are_served(void) {
    tenon_settings *settings = load("[server]\nname = \"demo\"\n[serve.http]\nport = 0\npath = \"/own\"\n", "");
    tenon_server *server = server_of(NULL, settings);
    const char *url = "";
    /* An option that the file does not have. */
    OK(tenon_server_allow_host(server, "shop.example"));
    OK(tenon_server_start(server, NULL));
    OK(tenon_server_http_url(server, &url, NULL));
    CHECK_IN("/own", url);
    check_host(url, "shop.example", "HTTP/1.1 4");
    check_host(url, "other.example", "HTTP/1.1 403");
    OK(tenon_server_free(server));
    /* A transport that the program names counts more. */
    server = server_of(NULL, settings);
    OK(tenon_server_listen(server, "websocket", "0", TENON_NUL, NULL));
    OK(tenon_server_start(server, NULL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_http_url(server, &url, NULL));
    OK(tenon_server_websocket_url(server, &url, NULL));
    OK(tenon_server_free(server));
    tenon_settings_free(settings);
    /* As without settings, if the file names none. */
    settings = load("[server]\nname = \"demo\"\n", "");
    server = server_of(NULL, settings);
    CHECK_ERROR(TENON_ERR_INVALID, "no transport is set", tenon_server_start(server, &err));
    OK(tenon_server_free(server));
    tenon_settings_free(settings);
}

static void a_running_server_changes_or_nothing_does(void) {
    tenon_settings *settings = load(DEMO, "");
    tenon_server *server = server_of(NULL, settings);
    exchange(server, HELLO);
    exchange(server, READY);
    CHECK_IN("\"one\"", exchange(server, LIST));
    write_file("app.toml", DEMO "call_timeout = 5\n[server.disabled]\ntools = [\"o*\"]\n");
    OK(tenon_settings_reload(settings, NULL));
    CHECK(strstr(exchange(server, LIST), "\"one\"") == NULL);
    write_file("app.toml", DEMO "max_calls = 5\n");
    CHECK_ERROR(
        TENON_ERR_STATE, "app.toml, line 7: limits.max_calls: it differs from what the server was built with",
        tenon_settings_reload(settings, &err));
    CHECK(strstr(exchange(server, LIST), "\"one\"") == NULL);
    CHECK(strcmp(get(settings, "limits.call_timeout"), "5") == 0 || strcmp(get(settings, "limits.call_timeout"), "5.0") == 0);
    /* What the program has set stays. */
    OK(tenon_server_free(server));
    server = server_of(NULL, settings);
    OK(tenon_server_set_limit(server, TENON_LIMIT_CALLS, 3));
    exchange(server, HELLO);
    OK(tenon_settings_reload(settings, NULL));
    OK(tenon_server_free(server));
    tenon_settings_free(settings);
}

static void keep(void *user_data, tenon_call *call) {
    OK(tenon_call_retain(call));
    *(tenon_call **)user_data = call;
}

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"keep\"}}"

/* A call that the program keeps holds the server's memory, and nothing else of it. */
static void a_freed_server_refuses_no_reload(void) {
    for (int is_mounted = 0; is_mounted < 2; is_mounted++) {
        tenon_settings *settings = load(DEMO, "");
        tenon_server *server = server_of(NULL, settings), *outer = new_server(), *served = is_mounted ? outer : server;
        tenon_call *call = NULL;
        add_tool(server, "keep", NULL, TENON_MODE_WORKER, keep, &call, NULL);
        if (is_mounted) OK(tenon_server_mount(outer, server, NULL, NULL));
        OK(tenon_server_set_limit(served, TENON_LIMIT_CALL_TIMEOUT_MS, 1000));
        exchange(served, HELLO);
        exchange(served, READY);
        CHECK_IN("timed out", exchange(served, CALL));
        CHECK(call != NULL);
        write_file("app.toml", DEMO "max_calls = 5\n");
        CHECK_STATUS(TENON_ERR_STATE, tenon_settings_reload(settings, NULL));
        OK(tenon_server_free(server));
        /* The part is still there for the clients of the other server. */
        if (is_mounted) CHECK_STATUS(TENON_ERR_STATE, tenon_settings_reload(settings, NULL));
        OK(tenon_server_free(outer));
        OK(tenon_settings_reload(settings, NULL));
        CHECK(strcmp(get(settings, "limits.max_calls"), "5") == 0);
        tenon_call_release(call);
        tenon_settings_free(settings);
    }
}

static void files_that_cannot_be_read_say_why(void) {
    static const struct {
        const char *name, *why;
        tenon_status status;
    } cases[] = {
        {"none.toml", "there is no such file", TENON_ERR_NOT_FOUND},
        {"folder.toml", "it is not a regular file", TENON_ERR_INVALID},
        {"large.toml", "it is larger than 1048576 bytes", TENON_ERR_INVALID},
        {"secret.toml", "it cannot be read", TENON_ERR_IO},
    };
    char options[512];
    size_t i;
    CHECK(mkdir(path_of("folder.toml"), 0700) == 0);
    write_file("large.toml", "");
    CHECK(truncate(path_of("large.toml"), 100000000) == 0);
    write_file("secret.toml", "");
    CHECK(chmod(path_of("secret.toml"), 0) == 0);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        tenon_settings *settings = NULL;
        /* The superuser can read every file. */
        if (cases[i].status == TENON_ERR_IO && access(path_of(cases[i].name), R_OK) == 0) continue;
        snprintf(options, sizeof options, "{\"file\":\"%s\",\"prefix\":\"\"}", path_of(cases[i].name));
        CHECK_ERROR(cases[i].status, cases[i].why, tenon_settings_load(options, TENON_NUL, &settings, &err));
    }
    CHECK(rmdir(path_of("folder.toml")) == 0 && unlink(path_of("large.toml")) == 0 && unlink(path_of("secret.toml")) == 0);
}

static void keys_are_settings_too(void) {
    char toml[256];
    tenon_settings *settings;
    tenon_server *server = NULL;
    write_file("keys", "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f\n");
    snprintf(toml, sizeof toml, "[server]\nname = \"demo\"\nstate_keys_file = \"%s\"\n", path_of("keys"));
    settings = load(toml, "");
    CHECK(strcmp(get(settings, "server.state_keys"), "true") == 0);
    tenon_settings_free(settings);
    OK(tenon_server_new("demo", "1", &server, NULL));
    OK(tenon_server_set(server, "state_keys", "[\"Dw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8=\"]", TENON_NUL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_set(server, "state_keys", "[\"hunter2\"]", TENON_NUL));
    CHECK_IN("state_keys[0] must have 32 bytes", tenon_error_last_message());
    CHECK(strstr(tenon_error_last_message(), "hunter2") == NULL);
    OK(tenon_server_free(server));
    unlink(path_of("keys"));
}

/* Writes a file, sends the signal, and waits until the settings have changed. */
static void hang_up(void *user_data, tenon_call *call) {
    const char *changed = "false";
    int i;
    write_file("app.toml", DEMO "[server.disabled]\ntools = [\"one\"]\n");
    raise(SIGHUP);
    for (i = 0; i < 20000 && strcmp(changed, "true") != 0; i++) {
        usleep(1000);
        changed = strcmp(get(user_data, "server.disabled"), "null") != 0 ? "true" : "false";
    }
    OK(tenon_call_return_text(call, changed, TENON_NUL));
}

static void a_hangup_reloads_them(void) {
    tenon_settings *settings = load(DEMO, "");
    tenon_server *server = server_of(NULL, settings);
    struct peer peer;
    pid_t child;
    int status = 0;
    add_tool(server, "hang_up", NULL, TENON_MODE_POLL, hang_up, settings, NULL);
    connect_peer(&peer, server);
    child = fork();
    if (child == 0) {
        struct sigaction after;
        close(peer.to);
        close(peer.from);
        if (tenon_server_run(server, NULL) != TENON_OK) _exit(10);
        sigaction(SIGHUP, NULL, &after);
        _exit(after.sa_handler == SIG_DFL ? 0 : 11);
    }
    OK(tenon_server_free(server));
    tenon_settings_free(settings);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "hang_up", "{}");
    CHECK(has_text(next_answer(&peer), "true"));
    call_tool(&peer, 2, "one", "{}");
    CHECK_IN("one", next_answer(&peer));
    close_peer(&peer);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static const struct test tests[] = {
    {"later sources count more", later_sources_count_more},
    {"errors name the line", errors_name_the_line},
    {"values are set and saved", values_are_set_and_saved},
    {"a server uses them", a_server_uses_them},
    {"code counts more than the file", code_counts_more_than_the_file},
    {"without a name nothing starts", without_a_name_nothing_starts},
    {"the transports of the file are served", the_transports_of_the_file_are_served},
    {"a running server changes, or nothing does", a_running_server_changes_or_nothing_does},
    {"a freed server refuses no reload", a_freed_server_refuses_no_reload},
    {"files that cannot be read say why", files_that_cannot_be_read_say_why},
    {"keys are settings too", keys_are_settings_too},
    {"a hangup reloads them", a_hangup_reloads_them},
};

int main(int argc, char **argv) {
    int code;
    if (mkdtemp(directory) == NULL) return 2;
    code = run_tests(argc, argv, tests, sizeof tests / sizeof *tests);
    unlink(path_of("app.toml"));
    unlink(path_of("default.toml"));
    rmdir(directory);
    return code;
}
