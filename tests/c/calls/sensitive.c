/* Sensitive operations: audit events, and calls that the user confirms. */
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

#define SCHEMA "{\"type\":\"object\",\"properties\":{\"amount\":{\"type\":\"number\"},\"card\":{\"type\":\"string\"}}}"
#define CAN_ASK "{\"elicitation\":{\"form\":{}}}"

static tenon_server *server;
static struct peer peer;
static atomic_int paid;

static void pay(void *user_data, tenon_call *call) {
    (void)user_data;
    paid++;
    OK(tenon_call_return_text(call, "paid", TENON_NUL));
}

/* A server with the tool "pay", which has these policies. "" is no policy. */
static void begin(const char *audit, const char *confirm, const char *file) {
    tenon_entry *tool;
    char setting[128];
    paid = 0;
    server = new_server();
    if (file != NULL) {
        snprintf(setting, sizeof setting, "\"%s\"", file);
        OK(tenon_server_set(server, "audit", setting, TENON_NUL));
    }
    OK(tenon_tool_new("pay", &tool, NULL));
    OK(tenon_tool_set_input_schema(tool, SCHEMA));
    if (audit[0] != '\0') OK(tenon_entry_set(tool, "audit", audit, TENON_NUL));
    if (confirm[0] != '\0') OK(tenon_entry_set(tool, "confirm", confirm, TENON_NUL));
    OK(tenon_entry_set_handler(tool, pay, NULL, NULL));
    OK(tenon_server_add(server, tool, NULL));
    serve(&peer, server);
}

static void end(void) {
    OK(tenon_server_free(server));
    close_peer(&peer);
}

/* Each call is a line of the file, without the arguments that the policy does not name. */
static void audit(void) {
    char path[] = "/tmp/tenon-c-audit-XXXXXX";
    char text[4096];
    struct stat about;
    FILE *file;
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    unlink(path);
    begin("[\"amount\"]", "", path);
    call_modern(&peer, 1, "pay", "{\"amount\":5,\"card\":\"hunter2\"}", CAN_ASK, "");
    CHECK(has_text(next_line(&peer), "paid"));
    CHECK(stat(path, &about) == 0 && (about.st_mode & 0777) == 0600);
    file = fopen(path, "r");
    CHECK(file != NULL);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    CHECK_IN("\"arguments\":{\"amount\":5}", text);
    CHECK_IN("\"outcome\":\"ok\"", text);
    CHECK(strstr(text, "hunter2") == NULL);
    CHECK(strchr(text, '\n') == text + strlen(text) - 1);
    unlink(path);
    end();
}

static void hears(void *user_data, tenon_call *call) {
    struct owned *heard = user_data;
    const char *outcome = "", *name = "";
    OK(tenon_call_arg_string(call, "outcome", &outcome, NULL));
    OK(tenon_call_arg_string(call, "name", &name, NULL));
    CHECK(strcmp(outcome, "ok") == 0 && strcmp(name, "pay") == 0);
    atomic_fetch_add(&heard->calls, 1);
    sem_post(&heard->entered);
}

/* A callback gets the events as well. */
static void hook(void) {
    struct owned heard;
    tenon_entry *tool;
    owned_init(&heard);
    server = new_server();
    OK(tenon_tool_new("pay", &tool, NULL));
    OK(tenon_entry_set(tool, "audit", "true", TENON_NUL));
    OK(tenon_entry_set_handler(tool, pay, NULL, NULL));
    OK(tenon_server_add(server, tool, NULL));
    OK(tenon_server_on(server, "audit", TENON_MODE_WORKER, hears, &heard, owned_destroy, NULL));
    serve(&peer, server);
    call_modern(&peer, 1, "pay", "{}", "{}", "");
    CHECK(has_text(next_line(&peer), "paid"));
    wait_for(&heard.entered);
    end();
    CHECK(heard.calls == 1 && heard.destroyed == 1);
}

/* A session waits for the user; a declined call does not run. */
static void confirm(void) {
    const char *line;
    begin("", "\"Pay the amount?\"", NULL);
    initialize(&peer, CAN_ASK);
    call_tool(&peer, 1, "pay", "{}");
    line = next_line(&peer);
    CHECK_IN("Pay the amount?", line);
    CHECK(paid == 0);
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{\"action\":\"accept\",\"content\":{}}}",
              atoi(strstr(line, "\"id\":") + 5));
    CHECK(has_text(next_line(&peer), "paid"));
    call_tool(&peer, 2, "pay", "{}");
    line = next_line(&peer);
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{\"action\":\"decline\"}}",
              atoi(strstr(line, "\"id\":") + 5));
    CHECK_IN("did not run: the user declined", next_line(&peer));
    CHECK(paid == 1);
    end();
}

/* In 2026-07-28, an agreement counts for one call. */
static void confirm_once(void) {
    char *state, extra[4096];
    begin("", "\"Pay the amount?\"", NULL);
    call_modern(&peer, 1, "pay", "{}", CAN_ASK, "");
    state = string_member(next_line(&peer), "requestState");
    snprintf(extra, sizeof extra,
             ",\"requestState\":\"%s\",\"inputResponses\":{\"tenon/confirm\":{\"action\":\"accept\",\"content\":{}}}",
             state);
    call_modern(&peer, 2, "pay", "{}", CAN_ASK, extra);
    CHECK(has_text(next_line(&peer), "paid"));
    call_modern(&peer, 3, "pay", "{}", CAN_ASK, extra);
    CHECK_IN("already used", next_line(&peer));
    call_modern(&peer, 4, "pay", "{}", "{}", "");
    CHECK_IN("needs the user's agreement", next_line(&peer));
    CHECK(paid == 1);
    free(state);
    end();
}

/* Wrong values are refused, with the reason. */
static void refused(void) {
    tenon_entry *tool;
    server = new_server();
    OK(tenon_tool_new("pay", &tool, NULL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_entry_set(tool, "audit", "\"amount\"", TENON_NUL));
    CHECK_IN("names of arguments", tenon_error_last_message());
    CHECK_STATUS(TENON_ERR_INVALID, tenon_entry_set(tool, "confirm", "\"\"", TENON_NUL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_set(server, "audit", "\"\"", TENON_NUL));
    CHECK_IN("name a file", tenon_error_last_message());
    tenon_entry_free(tool);
    OK(tenon_server_free(server));
}

static const struct test all[] = {
    {"audit", audit}, {"hook", hook}, {"confirm", confirm}, {"confirm_once", confirm_once}, {"refused", refused},
};
RUN_TESTS(all)
