/* Signals: the end of tenon_server_run(), clients that disconnect, handlers of the program. */
#include <errno.h>
#include <poll.h>
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

static tenon_call *kept;

/* Never completed: the drain waits for it. */
static void keep(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_retain(call));
    kept = call;
    OK(tenon_call_progress(call, 1, 2, NULL));
}

/* Whoever hears of the progress knows that the server is ending. */
static void close_and_keep(void *user_data, tenon_call *call) {
    OK(tenon_call_retain(call));
    kept = call;
    OK(tenon_server_close(user_data));
    OK(tenon_call_progress(call, 1, 2, NULL));
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
    /* Longer than any test: what ends before it was ended by something else. */
    OK(tenon_server_set_limit(server, TENON_LIMIT_DRAIN_TIMEOUT_MS, 3600000));
    OK(tenon_server_set_limit(server, TENON_LIMIT_STDIO_DRAIN_TIMEOUT_MS, 3600000));
    add_tool(server, "tool", NULL, TENON_MODE_POLL, handler, server, NULL);
    add_tool(server, "keep", NULL, TENON_MODE_POLL, keep, server, NULL);
    add_tool(server, "close", NULL, TENON_MODE_POLL, close_and_keep, server, NULL);
    connect_peer(&child->peer, server);
    child->pid = fork();
    if (child->pid == 0) {
        struct sigaction action, after;
        int code;
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
        code = tenon_server_exit_code(server);
        tenon_call_release(kept);
        _exit(tenon_server_free(server) == TENON_OK ? code : 13);
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

/* What main() should return is told by the first signal. */
static void interrupt_and_terminate(void) {
    static const int signals[][2] = {{SIGINT, 130}, {SIGTERM, 0}};
    size_t i;
    for (i = 0; i < 2; i++) {
        struct child child;
        start(&child, true, former, yes);
        kill(child.pid, signals[i][0]);
        CHECK(strcmp(next_line(&child.peer), "") == 0);
        CHECK(finish(&child) == signals[i][1]);
    }
}

/* A signal ends at once the time that calls are given by tenon_server_close(), and they get their answers. */
static void a_signal_ends_a_drain(void) {
    static const int signals[][2] = {{SIGINT, 130}, {SIGTERM, 0}};
    size_t i;
    for (i = 0; i < 2; i++) {
        struct child child;
        const char *line;
        start(&child, true, former, yes);
        call_tool(&child.peer, 2, "close", "{}");
        CHECK_IN("\"progressToken\":2", next_line(&child.peer));
        kill(child.pid, signals[i][0]);
        line = next_line(&child.peer);
        CHECK_IN("\"id\":2", line);
        CHECK_IN("\"error\":", line);
        CHECK(finish(&child) == signals[i][1]);
    }
}

/* The second ends the process, though a call would keep the server for longer. */
static void a_second_signal_ends_the_process(void) {
    static const int signals[] = {SIGINT, SIGTERM};
    size_t i;
    for (i = 0; i < 2; i++) {
        struct child child;
        int status = 0;
        start(&child, true, former, yes);
        call_tool(&child.peer, 2, "keep", "{}");
        CHECK_IN("\"progressToken\":2", next_line(&child.peer));
        /* Two that come at once are one: as many as it takes. */
        while (waitpid(child.pid, &status, WNOHANG) == 0) {
            struct pollfd end = {child.peer.from, POLLIN, 0};
            kill(child.pid, signals[i]);
            /* Time to take it. */
            poll(&end, 1, 5);
        }
        close_peer(&child.peer);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 128 + signals[i]);
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
    kill(child.pid, SIGTERM);
    CHECK(finish(&child) == 0);
}

/* A child of a server that runs makes a server of its own and runs it; afterwards its signals are as they were before the
 * parent's server, and the parent's still works. */
static void own_server(void *user_data, tenon_call *call) {
    int in[2], out[2], status = 0;
    struct peer peer;
    pid_t child;
    memset(&peer, 0, sizeof peer);
    (void)user_data;
    CHECK(pipe(in) == 0 && pipe(out) == 0);
    child = fork();
    if (child == 0) {
        tenon_server *server = new_server();
        struct sigaction after;
        close(in[1]);
        close(out[0]);
        add_tool(server, "tool", NULL, TENON_MODE_POLL, yes, NULL, NULL);
        if (tenon_server_listen_descriptors(server, in[0], out[1], NULL) != TENON_OK) _exit(20);
        if (tenon_server_run(server, NULL) != TENON_OK) _exit(21);
        sigaction(SIGINT, NULL, &after);
        if (after.sa_handler != former) _exit(22);
        sigaction(SIGTERM, NULL, &after);
        if (after.sa_handler != SIG_DFL) _exit(23);
        if (tenon_server_exit_code(server) != 0) _exit(24);
        if (tenon_server_free(server) != TENON_OK) _exit(25);
        raise(SIGTERM);
        _exit(26);
    }
    close(in[0]);
    close(out[1]);
    peer.to = in[1];
    peer.from = out[0];
    initialize(&peer, "{}");
    call_tool(&peer, 1, "tool", "{}");
    CHECK(has_text(next_line(&peer), "true"));
    kill(child, SIGTERM);
    CHECK(strcmp(next_line(&peer), "") == 0);
    waitpid(child, &status, 0);
    if (WIFEXITED(status)) fprintf(stderr, "  the child ended with %d\n", WEXITSTATUS(status));
    close_peer(&peer);
    OK(tenon_call_return_bool(call, WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM));
}

static void child_with_its_own_server(void) {
    struct child child;
    start(&child, true, former, own_server);
    kill(child.pid, SIGINT);
    CHECK(finish(&child) == 130);
}

static tenon_server *served(struct peer *peer) {
    tenon_server *server = new_server();
    add_tool(server, "tool", NULL, TENON_MODE_POLL, yes, NULL, NULL);
    connect_peer(peer, server);
    return server;
}

static void *run(void *server) {
    OK(tenon_server_run(server, NULL));
    return NULL;
}

static void meet(struct peer *peer) {
    initialize(peer, "{}");
    call_tool(peer, 1, "tool", "{}");
    CHECK(has_text(next_line(peer), "true"));
}

static void (*present(int signal))(int) {
    struct sigaction action;
    sigaction(signal, NULL, &action);
    return action.sa_handler;
}

static void other(int signal) { (void)signal; }

/* One signal ends all servers that are run, on a stack of its own if the program has one. */
static void two_servers_at_once(void) {
    struct peer peers[2];
    tenon_server *servers[2];
    pthread_t threads[2];
    struct sigaction installed;
    int i;
    signal(SIGINT, former);
    signal(SIGTERM, former);
    for (i = 0; i < 2; i++) {
        servers[i] = served(&peers[i]);
        pthread_create(&threads[i], NULL, run, servers[i]);
        meet(&peers[i]);
    }
    sigaction(SIGINT, NULL, &installed);
    CHECK(installed.sa_handler != former && (installed.sa_flags & SA_ONSTACK));
    kill(getpid(), SIGINT);
    for (i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        CHECK(tenon_server_exit_code(servers[i]) == 130);
        OK(tenon_server_free(servers[i]));
        close_peer(&peers[i]);
    }
    CHECK(present(SIGINT) == former && present(SIGTERM) == former);
}

/* The program puts its own handler over ours, then runs another server. */
static void nested_handlers(void) {
    struct peer peers[2];
    tenon_server *servers[2];
    pthread_t threads[2];
    int i;
    signal(SIGTERM, former);
    for (i = 0; i < 2; i++) {
        servers[i] = served(&peers[i]);
        pthread_create(&threads[i], NULL, run, servers[i]);
        meet(&peers[i]);
        if (i == 0) signal(SIGTERM, other);
    }
    CHECK(present(SIGTERM) != other);
    kill(getpid(), SIGTERM);
    for (i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        CHECK(tenon_server_exit_code(servers[i]) == 0);
        OK(tenon_server_free(servers[i]));
        close_peer(&peers[i]);
    }
    CHECK(present(SIGTERM) == other);
}

static void *run_often(void *argument) {
    int i;
    (void)argument;
    for (i = 0; i < 60; i++) {
        struct peer peer;
        tenon_server *server = served(&peer);
        close(peer.to);
        peer.to = -1;
        run(server);
        OK(tenon_server_free(server));
        close_peer(&peer);
    }
    return NULL;
}

/* Whoever is the last puts the handlers back, while others come and go. */
static void runs_come_and_go(void) {
    pthread_t threads[3];
    int i;
    signal(SIGINT, former);
    signal(SIGTERM, other);
    for (i = 0; i < 3; i++) pthread_create(&threads[i], NULL, run_often, NULL);
    for (i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    CHECK(present(SIGINT) == former && present(SIGTERM) == other);
}

/* A run that cannot start leaves no handler. */
static void a_failed_run(void) {
    tenon_server *server = new_server();
    signal(SIGTERM, former);
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_run(server, NULL));
    CHECK(present(SIGTERM) == former);
    OK(tenon_server_free(server));
}

static void end_of_input(void) {
    struct child child;
    start(&child, true, former, yes);
    close(child.peer.to);
    child.peer.to = -1;
    CHECK(finish(&child) == 0);
}

static void block(void *user_data, tenon_call *call) {
    sem_t forever;
    (void)user_data;
    sem_init(&forever, 0, 0);
    OK(tenon_call_progress(call, 1, 2, NULL));
    for (;;) sem_wait(&forever);
}

/* With the default limits: main() returns, whatever a worker is at. */
static void a_blocked_callback_keeps_no_program(void) {
    /* Not lost when main() returns. */
    static tenon_server *server;
    struct child child;
    server = new_server();
    add_tool(server, "block", NULL, TENON_MODE_WORKER, block, NULL, NULL);
    connect_peer(&child.peer, server);
    child.pid = fork();
    if (child.pid == 0) {
        close(child.peer.to);
        close(child.peer.from);
        if (tenon_server_run(server, NULL) != TENON_OK) _exit(10);
        exit(tenon_server_exit_code(server));
    }
    OK(tenon_server_free(server));
    initialize(&child.peer, "{}");
    call_tool(&child.peer, 1, "block", "{}");
    CHECK_IN("\"progressToken\":1", next_line(&child.peer));
    close(child.peer.to);
    child.peer.to = -1;
    CHECK_IN("\"id\":1,\"error\"", next_line(&child.peer));
    CHECK(strcmp(next_line(&child.peer), "") == 0);
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

static void http_client_vanishes(void) {
    tenon_server *server = new_server();
    const char *url;
    char start[16];
    struct linger now = {1, 0};
    int i, fd;
    signal(SIGPIPE, SIG_DFL);
    big = malloc(BIG);
    memset(big, 'x', BIG);
    add_tool(server, "big", NULL, TENON_MODE_WORKER, return_big, NULL, NULL);
    add_tool(server, "yes", NULL, TENON_MODE_WORKER, yes, NULL, NULL);
    OK(tenon_server_listen_http(server, "127.0.0.1:0", NULL));
    OK(tenon_server_start(server, NULL));
    OK(tenon_server_http_url(server, &url, NULL));
    for (i = 0; i < 5; i++) {
        fd = http_connect(url);
        http_post(fd, "big");
        CHECK(read(fd, start, 16) == 16);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(fd);
    }
    fd = http_connect(url);
    http_post(fd, "yes");
    http_read(fd, "\"true\"");
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
    {"a_signal_ends_a_drain", a_signal_ends_a_drain},
    {"a_second_signal_ends_the_process", a_second_signal_ends_the_process},
    {"ignored_stays_ignored", ignored_stays_ignored},
    {"switched_off", switched_off},
    {"child_of_a_running_server", child_of_a_running_server},
    {"child_with_its_own_server", child_with_its_own_server},
    {"two_servers_at_once", two_servers_at_once},
    {"nested_handlers", nested_handlers},
    {"runs_come_and_go", runs_come_and_go},
    {"a_failed_run", a_failed_run},
    {"end_of_input", end_of_input},
    {"a_blocked_callback_keeps_no_program", a_blocked_callback_keeps_no_program},
    {"reader_vanishes", reader_vanishes},
    {"http_client_vanishes", http_client_vanishes},
    {"broken_pipe_in_a_worker", broken_pipe_in_a_worker},
};
RUN_TESTS(all)
