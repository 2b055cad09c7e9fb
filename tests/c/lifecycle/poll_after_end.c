/* tenon_server_run() with a TENON_MODE_POLL callback that goes on after the end of the server. */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

/* For what ends within two seconds. */
#define LONG_MS 30000
/* Longer than callbacks are waited for. */
#define PATIENCE_MS 1000
/* What main() returns where it gets that far. */
#define RETURNED 7

struct child {
    pid_t pid;
    /* Readable once the process has ended. */
    int end;
    struct peer peer, other;
};

static void block(void *user_data, tenon_call *call) {
    sem_t forever;
    (void)user_data;
    sem_init(&forever, 0, 0);
    OK(tenon_call_progress(call, 1, 2, NULL));
    for (;;) sem_wait(&forever);
}

/* Blocked, but for what it does as a main loop of its own. */
static void poll_on(void *server, tenon_call *call) {
    OK(tenon_call_progress(call, 1, 2, NULL));
    for (;;) tenon_server_poll(server, 0, 100, NULL);
}

static void until_ended(void *server, tenon_call *call) {
    OK(tenon_call_progress(call, 1, 2, NULL));
    while (!tenon_server_is_closed(server)) poll(NULL, 0, 1);
}

static void close_and_linger(void *server, tenon_call *call) {
    OK(tenon_server_close(server));
    until_ended(server, call);
    poll(NULL, 0, PATIENCE_MS);
}

static void close_and_block(void *server, tenon_call *call) {
    OK(tenon_server_close(server));
    block(server, call);
}

static void yes(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_bool(call, true));
}

static tenon_server *served(struct peer *peer) {
    tenon_server *server = new_server();
    add_tool(server, "block", NULL, TENON_MODE_POLL, block, server, NULL);
    add_tool(server, "poll", NULL, TENON_MODE_POLL, poll_on, server, NULL);
    add_tool(server, "until_ended", NULL, TENON_MODE_POLL, until_ended, server, NULL);
    add_tool(server, "close_and_linger", NULL, TENON_MODE_POLL, close_and_linger, server, NULL);
    add_tool(server, "close_and_block", NULL, TENON_MODE_POLL, close_and_block, server, NULL);
    add_tool(server, "yes", NULL, TENON_MODE_POLL, yes, server, NULL);
    connect_peer(peer, server);
    return server;
}

static void *run(void *server) {
    OK(tenon_server_run(server, NULL));
    return NULL;
}

/* A process that runs one server, or two, and then goes on for a while. */
static void start(struct child *child, bool two) {
    tenon_server *server = served(&child->peer), *other = two ? served(&child->other) : NULL;
    int life[2];
    CHECK(pipe(life) == 0);
    child->end = life[0];
    child->pid = fork();
    if (child->pid == 0) {
        pthread_t thread;
        close(life[0]);
        close(child->peer.to);
        close(child->peer.from);
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        if (two) {
            close(child->other.to);
            close(child->other.from);
            if (pthread_create(&thread, NULL, run, other) != 0) _exit(10);
        }
        run(server);
        if (two) pthread_join(thread, NULL);
        poll(NULL, 0, PATIENCE_MS);
        _exit(RETURNED);
    }
    close(life[1]);
    OK(tenon_server_free(server));
    OK(tenon_server_free(other));
    initialize(&child->peer, "{}");
    if (two) initialize(&child->other, "{}");
}

/* Calls a tool, which runs once it has told of its progress. */
static void enter(struct child *child, const char *tool) {
    call_tool(&child->peer, 1, tool, "{}");
    CHECK_IN("\"progressToken\":1", next_line(&child->peer));
}

static void end_input(struct peer *peer) {
    close(peer->to);
    peer->to = -1;
}

/* The exit code, or -1 if the process is there still. */
static int finish(struct child *child) {
    struct pollfd end = {child->end, POLLIN, 0};
    int status = 0;
    bool ended = poll(&end, 1, LONG_MS) == 1;
    if (!ended) kill(child->pid, SIGKILL);
    waitpid(child->pid, &status, 0);
    close(child->end);
    close_peer(&child->peer);
    return ended && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_blocked_poll_callback_keeps_no_process(void) {
    static const char *const tools[] = {"block", "poll"};
    static const int ends[][2] = {{0, 0}, {SIGTERM, 0}, {SIGINT, 130}};
    size_t t, i;
    for (t = 0; t < 2; t++) {
        for (i = 0; i < 3; i++) {
            struct child child;
            start(&child, false);
            enter(&child, tools[t]);
            if (ends[i][0] == 0) {
                end_input(&child.peer);
            } else {
                kill(child.pid, ends[i][0]);
            }
            CHECK_IN("\"id\":1,\"error\"", next_line(&child.peer));
            CHECK(strcmp(next_line(&child.peer), "") == 0);
            CHECK(finish(&child) == ends[i][1]);
        }
    }
}

static void a_callback_that_returns_in_time_ends_nothing(void) {
    struct child child;
    start(&child, false);
    enter(&child, "until_ended");
    end_input(&child.peer);
    CHECK(finish(&child) == RETURNED);
}

static void an_end_by_the_program_is_not_that_of_the_process(void) {
    struct child child;
    start(&child, false);
    enter(&child, "close_and_linger");
    CHECK(finish(&child) == RETURNED);
}

/* Unless a signal comes as well. */
static void a_signal_after_an_end_by_the_program(void) {
    struct child child;
    start(&child, false);
    enter(&child, "close_and_block");
    kill(child.pid, SIGINT);
    CHECK(finish(&child) == 130);
}

/* The process stays for the other server, and ends with that. */
static void another_server_is_not_taken_along(void) {
    struct child child;
    struct pollfd end;
    start(&child, true);
    enter(&child, "block");
    end_input(&child.peer);
    CHECK_IN("\"id\":1,\"error\"", next_line(&child.peer));
    CHECK(strcmp(next_line(&child.peer), "") == 0);
    end.fd = child.end;
    end.events = POLLIN;
    CHECK(poll(&end, 1, PATIENCE_MS) == 0);
    call_tool(&child.other, 1, "yes", "{}");
    CHECK(has_text(next_line(&child.other), "true"));
    end_input(&child.other);
    CHECK(finish(&child) == 0);
    close_peer(&child.other);
}

static const struct test all[] = {
    {"a_blocked_poll_callback_keeps_no_process", a_blocked_poll_callback_keeps_no_process},
    {"a_callback_that_returns_in_time_ends_nothing", a_callback_that_returns_in_time_ends_nothing},
    {"an_end_by_the_program_is_not_that_of_the_process", an_end_by_the_program_is_not_that_of_the_process},
    {"a_signal_after_an_end_by_the_program", a_signal_after_an_end_by_the_program},
    {"another_server_is_not_taken_along", another_server_is_not_taken_along},
};
RUN_TESTS(all)
