/* Start and end of a server, and calls that are refused in each state. */
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static void free_inside(void *user_data, tenon_call *call) {
    tenon_server *server = user_data;
    tenon_error *err = NULL;
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_run(server, &err));
    CHECK_IN("inside", tenon_error_message(err));
    tenon_error_free(err);
    OK(tenon_call_return_int64(call, tenon_server_free(server)));
}

static void free_inside_a_callback(void) {
    static const tenon_mode modes[] = {TENON_MODE_WORKER, TENON_MODE_POLL, TENON_MODE_INLINE};
    size_t i;
    for (i = 0; i < 3; i++) {
        tenon_server *server = new_server();
        struct peer peer;
        char text[16];
        add_tool(server, "free", NULL, modes[i], free_inside, server, NULL);
        serve(&peer, server);
        initialize(&peer, "{}");
        call_tool(&peer, 1, "free", "{}");
        if (modes[i] == TENON_MODE_POLL) OK(tenon_server_poll(server, 1, -1, NULL));
        snprintf(text, sizeof text, "%d", TENON_ERR_STATE);
        CHECK(has_text(next_line(&peer), text));
        OK(tenon_server_free(server));
        close_peer(&peer);
    }
}

static void keep(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    OK(tenon_call_retain(call));
    owned->slot = call;
    sem_post(&owned->entered);
}

/* The drain has an end, and what is left is cancelled. */
static void close_with_calls_pending(void) {
    tenon_server *server = new_server();
    struct owned owned;
    struct peer peer;
    const char *line;
    owned_init(&owned);
    OK(tenon_server_set_limit(server, TENON_LIMIT_DRAIN_TIMEOUT_MS, 50));
    add_tool(server, "keep", NULL, TENON_MODE_WORKER, keep, &owned, owned_destroy);
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "keep", "{}");
    wait_for(&owned.entered);
    OK(tenon_server_close(server));
    OK(tenon_server_close(server));
    while (tenon_server_poll(server, 0, -1, NULL) == TENON_OK) {}
    CHECK(tenon_call_is_cancelled(owned.slot));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_return_bool(owned.slot, true));
    line = next_line(&peer);
    CHECK_IN("\"id\":1", line);
    CHECK_IN("\"error\":", line);
    CHECK(strcmp(next_line(&peer), "") == 0);
    OK(tenon_server_free(server));
    CHECK(owned.destroyed == 0);
    tenon_call_release(owned.slot);
    CHECK(owned.destroyed == 1);
    close_peer(&peer);
}

static void slow(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    sem_post(&owned->entered);
    while (!tenon_call_is_cancelled(call)) sched_yield();
    atomic_fetch_add(&owned->calls, 1);
}

/* Freeing waits for callbacks that are still at it. */
static void free_waits_for_callbacks(void) {
    tenon_server *server = new_server();
    struct owned owned;
    struct peer peer;
    owned_init(&owned);
    OK(tenon_server_set_limit(server, TENON_LIMIT_DRAIN_TIMEOUT_MS, 20));
    add_tool(server, "slow", NULL, TENON_MODE_WORKER, slow, &owned, owned_destroy);
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "slow", "{}");
    wait_for(&owned.entered);
    OK(tenon_server_free(server));
    CHECK(owned.calls == 1 && owned.destroyed == 1);
    close_peer(&peer);
}

/* A port in use is an error at the start, and the start can be repeated. */
static void port_in_use(void) {
    tenon_server *first = new_server(), *second = new_server();
    tenon_error *err = NULL;
    const char *url = NULL, *other = NULL;
    char address[64];
    size_t len = 0;
    /* A transport that was refused is not there, and that is all. */
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_listen_http(first, "nonsense", NULL));
    OK(tenon_server_listen_http(first, "127.0.0.1:0", NULL));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_listen_http(first, "127.0.0.1:0", NULL));
    OK(tenon_server_start(first, NULL));
    OK(tenon_server_http_url(first, &url, &len));
    CHECK(strlen(url) == len && strncmp(url, "http://127.0.0.1:", 17) == 0);
    snprintf(address, sizeof address, "127.0.0.1:%d", atoi(url + 17));
    OK(tenon_server_listen_http(second, address, NULL));
    CHECK_STATUS(TENON_ERR_ADDRESS, tenon_server_start(second, &err));
    CHECK_IN(address, tenon_error_message(err));
    tenon_error_free(err);
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_close(second));
    OK(tenon_server_free(first));
    OK(tenon_server_start(second, NULL));
    OK(tenon_server_http_url(second, &other, NULL));
    CHECK_IN(address, other);
    OK(tenon_server_free(second));
}

/* Two servers in one process do not know of each other. */
static void two_servers(void) {
    tenon_server *a = new_server(), *b = new_server();
    struct peer to_a, to_b;
    add_tool(a, "free", NULL, TENON_MODE_WORKER, free_inside, a, NULL);
    serve(&to_a, a);
    serve(&to_b, b);
    initialize(&to_a, "{}");
    initialize(&to_b, "{}");
    call_tool(&to_b, 1, "free", "{}");
    CHECK_IN("Unknown tool", next_line(&to_b));
    OK(tenon_server_free(a));
    send_line(&to_b, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}");
    CHECK_IN("\"id\":2", next_line(&to_b));
    OK(tenon_server_free(b));
    close_peer(&to_a);
    close_peer(&to_b);
}

/* Whether a forked child said so. Under valgrind its status may be valgrind's: its parent's memory stays behind. */
static bool ended_well(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 98);
}

/* A started server is the parent's; one that was not started is anyone's. */
static void fork_after_start(void) {
    tenon_server *server = new_server();
    struct owned owned;
    struct peer peer;
    pid_t child;
    int report[2];
    char seen = -1;
    owned_init(&owned);
    CHECK(pipe(report) == 0);
    add_tool(server, "keep", NULL, TENON_MODE_WORKER, keep, &owned, NULL);
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "keep", "{}");
    wait_for(&owned.entered);
    child = fork();
    if (child == 0) {
        const char *text;
        size_t len;
        int fd;
        char wrong = 0;
        wrong += tenon_server_close(server) != TENON_ERR_FORKED;
        wrong += tenon_server_poll(server, 0, -1, NULL) != TENON_ERR_FORKED;
        wrong += tenon_server_wake_fd(server, &fd) != TENON_ERR_FORKED;
        wrong += tenon_server_run(server, NULL) != TENON_ERR_FORKED;
        wrong += tenon_server_start(server, NULL) != TENON_ERR_FORKED;
        wrong += tenon_server_remove(server, TENON_KIND_TOOL, "keep") != TENON_ERR_FORKED;
        wrong += tenon_server_set_signals(server, false) != TENON_ERR_FORKED;
        wrong += tenon_server_free(server) != TENON_ERR_FORKED;
        wrong += tenon_server_is_closed(server);
        wrong += tenon_call_return_bool(owned.slot, true) != TENON_ERR_FORKED;
        wrong += tenon_call_progress(owned.slot, 1, 1, NULL) != TENON_ERR_FORKED;
        wrong += tenon_call_retain(owned.slot) != TENON_ERR_FORKED;
        wrong += !tenon_call_is_cancelled(owned.slot);
        wrong += tenon_call_arguments(owned.slot, &text, &len) != TENON_OK;
        tenon_call_release(owned.slot);
        /* Not the exit status: under valgrind that of a child is valgrind's. */
        _exit(write(report[1], &wrong, 1) != 1);
    }
    waitpid(child, NULL, 0);
    CHECK(read(report[0], &seen, 1) == 1 && seen == 0);
    close(report[0]);
    close(report[1]);
    OK(tenon_call_return_text(owned.slot, "parent", TENON_NUL));
    tenon_call_release(owned.slot);
    CHECK(has_text(next_line(&peer), "parent"));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

/* The child is inside the callback still, but that is not what keeps it from the server. */
static void fork_here(void *server, tenon_call *call) {
    int report[2];
    char wrong = -1;
    pid_t child;
    CHECK(pipe(report) == 0);
    child = fork();
    if (child == 0) {
        wrong = 0;
        wrong += tenon_server_free(server) != TENON_ERR_FORKED;
        wrong += tenon_server_run(server, NULL) != TENON_ERR_FORKED;
        wrong += tenon_server_start(server, NULL) != TENON_ERR_FORKED;
        _exit(write(report[1], &wrong, 1) != 1);
    }
    waitpid(child, NULL, 0);
    OK(tenon_call_return_bool(call, read(report[0], &wrong, 1) == 1 && wrong == 0));
    close(report[0]);
    close(report[1]);
}

static void forked_child_of_a_callback(void) {
    static const tenon_mode modes[] = {TENON_MODE_WORKER, TENON_MODE_POLL, TENON_MODE_INLINE};
    size_t m;
    for (m = 0; m < 3; m++) {
        tenon_server *server = new_server();
        struct peer peer;
        add_tool(server, "fork", NULL, modes[m], fork_here, server, NULL);
        serve(&peer, server);
        initialize(&peer, "{}");
        call_tool(&peer, 1, "fork", "{}");
        if (modes[m] == TENON_MODE_POLL) OK(tenon_server_poll(server, 1, -1, NULL));
        CHECK(has_text(next_line(&peer), "true"));
        OK(tenon_server_free(server));
        close_peer(&peer);
    }
}

static void yes(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_return_bool(call, true);
}

static void fork_before_start(void) {
    tenon_server *server = new_server();
    struct peer peer;
    pid_t child;
    add_tool(server, "yes", NULL, TENON_MODE_WORKER, yes, NULL, NULL);
    connect_peer(&peer, server);
    child = fork();
    if (child == 0) {
        /* The parent's ends, which must not keep the server's input open. */
        close(peer.to);
        close(peer.from);
        if (tenon_server_run(server, NULL) != TENON_OK) _exit(1);
        _exit(tenon_server_free(server) == TENON_OK ? 0 : 2);
    }
    initialize(&peer, "{}");
    call_tool(&peer, 1, "yes", "{}");
    CHECK(has_text(next_line(&peer), "true"));
    close(peer.to);
    peer.to = -1;
    CHECK(ended_well(child));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

/* A child has none of its parent's threads, and its own come to lie where those were. */
static void fork_while_threads_wait(void) {
    tenon_server *parents = new_server();
    struct peer to_parents;
    int i;
    OK(tenon_server_set_worker_threads(parents, 16));
    add_tool(parents, "yes", NULL, TENON_MODE_WORKER, yes, NULL, NULL);
    serve(&to_parents, parents);
    initialize(&to_parents, "{}");
    for (i = 0; i < 5; i++) {
        int in[2], out[2];
        struct peer peer;
        pid_t child;
        CHECK(pipe(in) == 0 && pipe(out) == 0);
        child = fork();
        if (child == 0) {
            tenon_server *server = new_server();
            alarm(50);
            close(in[1]);
            close(out[0]);
            OK(tenon_server_set_worker_threads(server, 16));
            add_tool(server, "yes", NULL, TENON_MODE_WORKER, yes, NULL, NULL);
            if (tenon_server_listen_descriptors(server, in[0], out[1], NULL) != TENON_OK) _exit(1);
            if (tenon_server_run(server, NULL) != TENON_OK) _exit(2);
            _exit(tenon_server_free(server) == TENON_OK ? 0 : 3);
        }
        close(in[0]);
        close(out[1]);
        memset(&peer, 0, sizeof peer);
        peer.to = in[1];
        peer.from = out[0];
        initialize(&peer, "{}");
        call_tool(&peer, 1, "yes", "{}");
        CHECK(has_text(next_line(&peer), "true"));
        close(peer.to);
        peer.to = -1;
        CHECK(ended_well(child));
        close_peer(&peer);
    }
    call_tool(&to_parents, 1, "yes", "{}");
    CHECK(has_text(next_line(&to_parents), "true"));
    OK(tenon_server_free(parents));
    close_peer(&to_parents);
}

static atomic_bool enough;

static void *make_entries(void *nothing) {
    (void)nothing;
    while (!enough) {
        tenon_entry *entry;
        OK(tenon_tool_new("made", &entry, NULL));
        tenon_entry_free(entry);
    }
    return NULL;
}

/* A child may make entries, whatever its parent's threads did to theirs when it was forked off. */
static void fork_while_entries_are_made(void) {
    pthread_t makers[2];
    int i;
    enough = false;
    for (i = 0; i < 2; i++) CHECK(pthread_create(&makers[i], NULL, make_entries, NULL) == 0);
    for (i = 0; i < 300; i++) {
        pid_t child = fork();
        if (child == 0) {
            tenon_entry *entry;
            alarm(30);
            if (tenon_tool_new("childs", &entry, NULL) != TENON_OK) _exit(1);
            tenon_entry_free(entry);
            _exit(0);
        }
        if (!ended_well(child)) break;
    }
    enough = true;
    CHECK(i == 300);
    for (i = 0; i < 2; i++) CHECK(pthread_join(makers[i], NULL) == 0);
}

static const struct test all[] = {
    {"free_inside_a_callback", free_inside_a_callback},
    {"close_with_calls_pending", close_with_calls_pending},
    {"free_waits_for_callbacks", free_waits_for_callbacks},
    {"port_in_use", port_in_use},
    {"two_servers", two_servers},
    {"fork_after_start", fork_after_start},
    {"forked_child_of_a_callback", forked_child_of_a_callback},
    {"fork_before_start", fork_before_start},
    {"fork_while_threads_wait", fork_while_threads_wait},
    {"fork_while_entries_are_made", fork_while_entries_are_made},
};
RUN_TESTS(all)
