/* Signals: the end of tenon_server_run(), clients that vanish, and the program's own handlers. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static void former(int signal) { (void)signal; }

static void yes(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_bool(call, true));
}

/* A child of a program that is being run must die by a signal, as any process would. */
static void forking(void *user_data, tenon_call *call) {
    pid_t child = fork();
    int status = 0;
    (void)user_data;
    if (child == 0) {
        raise(SIGTERM);
        _exit(0);
    }
    waitpid(child, &status, 0);
    OK(tenon_call_return_bool(call, WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM));
}

struct child {
    pid_t pid;
    struct peer peer;
};

/* Runs a server in a child. The callback answers on the thread of tenon_server_run(), so once it has, the handlers are in
 * place. */
static void start(struct child *child, bool handled, void (*sigint)(int), tenon_handler_fn handler) {
    tenon_server *server = new_server();
    OK(tenon_server_set_signals(server, handled));
    add_tool(server, "tool", NULL, TENON_MODE_POLL, handler, NULL, NULL);
    connect_peer(&child->peer, server);
    child->pid = fork();
    if (child->pid == 0) {
        struct sigaction action, after;
        memset(&action, 0, sizeof action);
        action.sa_handler = sigint;
        sigaction(SIGINT, &action, NULL);
        signal(SIGTERM, SIG_DFL);
        close(child->peer.to);
        close(child->peer.from);
        if (tenon_server_run(server, NULL) != TENON_OK) _exit(10);
        sigaction(SIGINT, NULL, &after);
        if (after.sa_handler != sigint) _exit(11);
        sigaction(SIGTERM, NULL, &after);
        if (after.sa_handler != SIG_DFL) _exit(12);
        _exit(tenon_server_free(server) == TENON_OK ? 0 : 13);
    }
    OK(tenon_server_free(server));
    initialize(&child->peer, "{}");
    call_tool(&child->peer, 1, "tool", "{}");
    CHECK(has_text(next_line(&child->peer), "true"));
}

static int finish(struct child *child) {
    int status = 0;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) {}
    close_peer(&child->peer);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void interrupt_and_terminate(void) {
    static const int signals[] = {SIGINT, SIGTERM};
    size_t i;
    for (i = 0; i < 2; i++) {
        struct child child;
        start(&child, true, former, yes);
        kill(child.pid, signals[i]);
        CHECK(strcmp(next_line(&child.peer), "") == 0);
        CHECK(finish(&child) == 0);
    }
}

static void ignored_stays_ignored(void) {
    struct child child;
    start(&child, true, SIG_IGN, yes);
    kill(child.pid, SIGINT);
    call_tool(&child.peer, 2, "tool", "{}");
    CHECK(has_text(next_line(&child.peer), "true"));
    kill(child.pid, SIGTERM);
    CHECK(finish(&child) == 0);
}

static void switched_off(void) {
    struct child child;
    start(&child, false, SIG_DFL, yes);
    kill(child.pid, SIGTERM);
    CHECK(finish(&child) == 1000 + SIGTERM);
}

static void child_of_a_running_server(void) {
    struct child child;
    start(&child, true, former, forking);
    call_tool(&child.peer, 2, "tool", "{}");
    CHECK(has_text(next_line(&child.peer), "true"));
    kill(child.pid, SIGINT);
    CHECK(finish(&child) == 0);
}

static void end_of_input(void) {
    struct child child;
    start(&child, true, former, yes);
    close(child.peer.to);
    child.peer.to = -1;
    CHECK(finish(&child) == 0);
}

static char *big;
#define BIG ((size_t)1 << 20)

static void return_big(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_return_text(call, big, BIG);
}

/* The client goes while a response is being written to it. SIGPIPE has its default here, which would end the process. */
static void reader_vanishes(void) {
    static const tenon_mode modes[] = {TENON_MODE_WORKER, TENON_MODE_POLL, TENON_MODE_INLINE};
    size_t m;
    int i;
    signal(SIGPIPE, SIG_DFL);
    big = malloc(BIG);
    memset(big, 'x', BIG);
    for (m = 0; m < 3; m++) {
        tenon_server *server = new_server();
        struct peer peer;
        char start[16];
        add_tool(server, "big", NULL, modes[m], return_big, NULL, NULL);
        serve(&peer, server);
        initialize(&peer, "{}");
        for (i = 0; i < 4; i++) call_tool(&peer, i + 1, "big", "{}");
        if (modes[m] == TENON_MODE_POLL) OK(tenon_server_poll(server, 4, -1, NULL));
        /* More than a pipe holds has been started. */
        CHECK(read(peer.from, start, sizeof start) > 0);
        close(peer.from);
        while (tenon_server_poll(server, 0, -1, NULL) == TENON_OK) {}
        OK(tenon_server_free(server));
        close(peer.to);
        free(peer.line);
    }
    free(big);
}

static int connect_to(const char *url) {
    struct sockaddr_in address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)atoi(url + strlen("http://127.0.0.1:")));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

static void post(int fd, const char *tool) {
    char body[1024], request[2048];
    int length;
    snprintf(body, sizeof body,
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\",\"arguments\":{},\"_meta\":{"
             "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
             "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"modern\",\"version\":\"2\"},"
             "\"io.modelcontextprotocol/clientCapabilities\":{}}}}",
             tool);
    length = snprintf(request, sizeof request,
                      "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                      "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
                      "Mcp-Method: tools/call\r\nMcp-Name: %s\r\nContent-Length: %d\r\n\r\n%s",
                      tool, (int)strlen(body), body);
    CHECK(write(fd, request, (size_t)length) == length);
}

static void http_client_vanishes(void) {
    tenon_server *server = new_server();
    const char *url;
    char start[4096];
    struct linger now = {1, 0};
    int i, fd;
    ssize_t got, all = 0;
    signal(SIGPIPE, SIG_DFL);
    big = malloc(BIG);
    memset(big, 'x', BIG);
    add_tool(server, "big", NULL, TENON_MODE_WORKER, return_big, NULL, NULL);
    add_tool(server, "yes", NULL, TENON_MODE_WORKER, yes, NULL, NULL);
    OK(tenon_server_listen_http(server, "127.0.0.1:0", NULL));
    OK(tenon_server_start(server, NULL));
    OK(tenon_server_http_url(server, &url, NULL));
    for (i = 0; i < 5; i++) {
        fd = connect_to(url);
        post(fd, "big");
        CHECK(read(fd, start, 16) == 16);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(fd);
    }
    fd = connect_to(url);
    post(fd, "yes");
    do {
        got = read(fd, start + all, sizeof start - 1 - (size_t)all);
        all += got > 0 ? got : 0;
        start[all] = '\0';
    } while (got > 0 && strstr(start, "\"true\"") == NULL);
    CHECK_IN("200 OK", start);
    CHECK_IN("\"true\"", start);
    close(fd);
    OK(tenon_server_free(server));
    free(big);
}

/* A broken pipe inside a worker callback is an error there, not the end of the process. */
static void broken_pipe(void *user_data, tenon_call *call) {
    int fds[2];
    ssize_t written;
    (void)user_data;
    CHECK(pipe(fds) == 0);
    close(fds[0]);
    written = write(fds[1], "x", 1);
    OK(tenon_call_return_bool(call, written == -1 && errno == EPIPE));
    close(fds[1]);
}

static void broken_pipe_in_a_worker(void) {
    tenon_server *server = new_server();
    struct peer peer;
    signal(SIGPIPE, SIG_DFL);
    add_tool(server, "broken", NULL, TENON_MODE_WORKER, broken_pipe, NULL, NULL);
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "broken", "{}");
    CHECK(has_text(next_line(&peer), "true"));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static const struct test all[] = {
    {"interrupt_and_terminate", interrupt_and_terminate},
    {"ignored_stays_ignored", ignored_stays_ignored},
    {"switched_off", switched_off},
    {"child_of_a_running_server", child_of_a_running_server},
    {"end_of_input", end_of_input},
    {"reader_vanishes", reader_vanishes},
    {"http_client_vanishes", http_client_vanishes},
    {"broken_pipe_in_a_worker", broken_pipe_in_a_worker},
};
RUN_TESTS(all)
