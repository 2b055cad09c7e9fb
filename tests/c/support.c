#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Longer than anything takes, under valgrind too. */
#define PATIENCE_S 60

static atomic_int failures;

void check_failed(const char *file, int line, const char *what, const char *seen) {
    fprintf(stderr, "  %s:%d: %s%s%s\n", file, line, what, *seen ? "; seen: " : "", seen);
    if (atomic_fetch_add(&failures, 1) > 20) _exit(99);
}

int run_tests(int argc, char **argv, const struct test *tests, size_t count) {
    int failed = 0, i;
    size_t t;
    for (t = 0; t < count; t++) {
        int wanted = argc < 2;
        for (i = 1; i < argc; i++) wanted |= strcmp(argv[i], tests[t].name) == 0;
        if (!wanted) continue;
        atomic_store(&failures, 0);
        tests[t].run();
        printf("%s %s\n", atomic_load(&failures) ? "FAILED" : "ok", tests[t].name);
        fflush(stdout);
        failed |= atomic_load(&failures) != 0;
    }
    return failed;
}

static void give_up(const char *what) {
    fprintf(stderr, "  %s\n", what);
    _exit(99);
}

tenon_server *new_server(void) {
    tenon_server *server = NULL;
    OK(tenon_server_new("test", "1.0.0", &server, NULL));
    return server;
}

void add_tool(
    tenon_server *server, const char *name, const char *schema, tenon_mode mode, tenon_handler_fn handler,
    void *user_data, tenon_destroy_fn destroy) {
    tenon_entry *tool = NULL;
    tenon_error *err = NULL;
    OK(tenon_tool_new(name, &tool, NULL));
    if (schema != NULL) OK(tenon_tool_set_input_schema(tool, schema));
    OK(tenon_entry_set_mode(tool, mode));
    OK(tenon_entry_set_handler(tool, handler, user_data, destroy));
    if (tenon_server_add(server, tool, &err) != TENON_OK) give_up(tenon_error_message(err));
}

void connect_peer(struct peer *peer, tenon_server *server) {
    int in[2], out[2];
    memset(peer, 0, sizeof *peer);
    if (pipe(in) != 0 || pipe(out) != 0) give_up("no pipe");
    peer->to = in[1];
    peer->from = out[0];
    OK(tenon_server_listen_descriptors(server, in[0], out[1], NULL));
}

void serve(struct peer *peer, tenon_server *server) {
    tenon_error *err = NULL;
    connect_peer(peer, server);
    if (tenon_server_start(server, &err) != TENON_OK) give_up(tenon_error_message(err));
}

void send_line(struct peer *peer, const char *format, ...) {
    va_list arguments;
    char *text;
    int length, at = 0;
    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    text = malloc((size_t)length + 2);
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text[length] = '\n';
    while (at <= length) {
        ssize_t sent = write(peer->to, text + at, (size_t)(length + 1 - at));
        if (sent < 0) give_up("the server does not read");
        at += (int)sent;
    }
    free(text);
}

const char *next_line(struct peer *peer) {
    for (;;) {
        struct pollfd ready;
        ssize_t got;
        if (peer->line != NULL) {
            char *start = peer->line + peer->taken, *end = memchr(start, '\n', peer->used - peer->taken);
            if (end != NULL) {
                *end = '\0';
                peer->taken = (size_t)(end + 1 - peer->line);
                return start;
            }
        }
        if (peer->taken > 0) {
            memmove(peer->line, peer->line + peer->taken, peer->used - peer->taken);
            peer->used -= peer->taken;
            peer->taken = 0;
        }
        if (peer->size - peer->used < 4096) {
            peer->size = peer->size * 2 + 8192;
            peer->line = realloc(peer->line, peer->size);
        }
        ready.fd = peer->from;
        ready.events = POLLIN;
        if (poll(&ready, 1, PATIENCE_S * 1000) == 0) give_up("the server does not answer");
        got = read(peer->from, peer->line + peer->used, peer->size - peer->used);
        if (got == 0) return "";
        if (got > 0) peer->used += (size_t)got;
    }
}

const char *next_answer(struct peer *peer) {
    const char *line;
    do line = next_line(peer);
    while (strstr(line, "/list_changed") != NULL);
    return line;
}

void initialize(struct peer *peer, const char *capabilities) {
    send_line(
        peer,
        "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"" LEGACY
        "\",\"capabilities\":%s,\"clientInfo\":{\"name\":\"tester\",\"version\":\"1\"}}}",
        capabilities);
    CHECK_IN("\"protocolVersion\":\"" LEGACY "\"", next_line(peer));
    send_line(peer, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
}

void call_tool(struct peer *peer, int id, const char *tool, const char *arguments) {
    send_line(
        peer,
        "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\",\"arguments\":%s,"
        "\"_meta\":{\"progressToken\":%d}}}",
        id, tool, arguments, id);
}

void call_modern(
    struct peer *peer, int id, const char *tool, const char *arguments, const char *capabilities, const char *extra) {
    send_line(
        peer,
        "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\",\"arguments\":%s,"
        "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
        "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"modern\",\"version\":\"2\"},"
        "\"io.modelcontextprotocol/clientCapabilities\":%s}%s}}",
        id, tool, arguments, capabilities, extra);
}

char *string_member(const char *line, const char *name) {
    char quoted[64];
    const char *start, *end;
    char *copy;
    snprintf(quoted, sizeof quoted, "\"%s\":\"", name);
    start = strstr(line, quoted);
    if (start == NULL || (end = strchr(start + strlen(quoted), '"')) == NULL) {
        check_failed(__FILE__, __LINE__, name, line);
        return calloc(1, 1);
    }
    start += strlen(quoted);
    copy = calloc(1, (size_t)(end - start) + 1);
    memcpy(copy, start, (size_t)(end - start));
    return copy;
}

int has_text(const char *line, const char *text) {
    char *found = string_member(line, "text");
    int same = strcmp(found, text) == 0;
    if (!same) fprintf(stderr, "  text: %s\n", found);
    free(found);
    return same;
}

void close_peer(struct peer *peer) {
    close(peer->to);
    close(peer->from);
    free(peer->line);
}

const char *http_listening(tenon_server *server) {
    const char *url = NULL;
    OK(tenon_server_listen_http(server, "127.0.0.1:0", NULL));
    OK(tenon_server_start(server, NULL));
    OK(tenon_server_http_url(server, &url, NULL));
    return url;
}

void *poll_until_the_end(void *server) {
    uint32_t handled = 0;
    while (tenon_server_poll(server, 0, 1000, &handled) == TENON_OK) continue;
    return NULL;
}

int http_connect(const char *url) {
    struct sockaddr_in address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)atoi(url + strlen("http://127.0.0.1:")));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

void http_send(int fd, const char *headers, const char *body) {
    char request[4096];
    int length = snprintf(request, sizeof request,
                          "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                          "Accept: application/json, text/event-stream\r\n%sContent-Length: %d\r\n\r\n%s",
                          headers, (int)strlen(body), body);
    CHECK(length < (int)sizeof request && write(fd, request, (size_t)length) == length);
}

void http_call(int fd, const char *tool, const char *arguments) {
    char body[3800], headers[256];
    int length = snprintf(
        body, sizeof body,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\",\"arguments\":%s,\"_meta\":{"
        "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
        "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"modern\",\"version\":\"2\"},"
        "\"io.modelcontextprotocol/clientCapabilities\":{}}}}",
        tool, arguments);
    CHECK(length < (int)sizeof body);
    snprintf(headers, sizeof headers,
             "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: %s\r\n", tool);
    http_send(fd, headers, body);
}

void http_post(int fd, const char *tool) { http_call(fd, tool, "{}"); }

char *http_read(int fd, const char *until) {
    static _Thread_local char answer[8192];
    size_t all = 0;
    answer[0] = '\0';
    while (strstr(answer, until) == NULL && all < sizeof answer - 1) {
        struct pollfd ready = {fd, POLLIN, 0};
        ssize_t got;
        if (poll(&ready, 1, PATIENCE_S * 1000) == 0) give_up("the server does not answer over HTTP");
        got = read(fd, answer + all, sizeof answer - 1 - all);
        if (got <= 0) break;
        all += (size_t)got;
        answer[all] = '\0';
    }
    CHECK_IN(until, answer);
    return answer;
}

bool handles_are_checked(void) { return getenv("TENON_HANDLES_CHECKED") != NULL; }

void owned_init(struct owned *owned) {
    memset(owned, 0, sizeof *owned);
    sem_init(&owned->entered, 0, 0);
    sem_init(&owned->go, 0, 0);
    sem_init(&owned->gone, 0, 0);
}

void owned_destroy(void *data) {
    struct owned *owned = data;
    atomic_fetch_add(&owned->destroyed, 1);
    owned->thread = pthread_self();
    sem_post(&owned->gone);
}

void wait_for(sem_t *semaphore) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_S;
    while (sem_timedwait(semaphore, &end) != 0)
        if (errno != EINTR) give_up("what was waited for did not happen");
}
