/* What a callback prints before the process crashes reaches the client. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Often, since what is on its way when a process dies is mostly lost where nothing waits for it. */
#define TIMES 10

static void aborts(void *user_data, tenon_call *call) {
    (void)user_data;
    (void)call;
    fputs("last words\n", stderr);
    abort();
}

static void exits(void *user_data, tenon_call *call) {
    (void)user_data;
    (void)call;
    fputs("last words\n", stderr);
    exit(3);
}

static void faults(void *page, tenon_call *call) {
    (void)call;
    fputs("last words\n", stderr);
    *(volatile char *)page = 1;
}

/* A process that serves its standard input and output; `errors` is what it prints. */
static pid_t start(struct peer *peer, int *errors) {
    int in[2], out[2], printed[2];
    pid_t child;
    CHECK(pipe(in) == 0 && pipe(out) == 0 && pipe(printed) == 0);
    child = fork();
    if (child == 0) {
        static const struct rlimit none = {0, 0};
        tenon_server *server = new_server();
        void *page = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        setrlimit(RLIMIT_CORE, &none);
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(printed[1], 2);
        close(in[1]);
        close(out[0]);
        close(out[1]);
        close(printed[0]);
        close(printed[1]);
        add_tool(server, "aborts", NULL, TENON_MODE_WORKER, aborts, NULL, NULL);
        add_tool(server, "exits", NULL, TENON_MODE_POLL, exits, NULL, NULL);
        add_tool(server, "faults", NULL, TENON_MODE_INLINE, faults, page, NULL);
        if (tenon_server_listen_stdio(server, NULL) != TENON_OK) _exit(10);
        _exit(tenon_server_run(server, NULL) == TENON_OK ? 11 : 12);
    }
    close(in[0]);
    close(out[1]);
    close(printed[1]);
    memset(peer, 0, sizeof *peer);
    peer->to = in[1];
    peer->from = out[0];
    *errors = printed[0];
    return child;
}

/* What becomes of a process whose tool is called; its last words are looked at here. */
static int dies_of(const char *tool) {
    struct peer peer;
    char said[64] = "";
    size_t length = 0;
    ssize_t more;
    int errors, status = 0;
    pid_t child = start(&peer, &errors);
    initialize(&peer, "{}");
    call_tool(&peer, 1, tool, "{}");
    while ((more = read(errors, said + length, sizeof said - 1 - length)) > 0) length += (size_t)more;
    said[length] = '\0';
    CHECK_IN("last words\n", said);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    close(errors);
    close_peer(&peer);
    return status;
}

static void of_an_abort(void) {
    int i;
    for (i = 0; i < TIMES; i++) {
        int status = dies_of("aborts");
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
}

static void of_a_fault(void) {
    struct sigaction action;
    int i;
    sigaction(SIGSEGV, NULL, &action);
    /* A sanitizer has a handler of its own, which is left alone. */
    for (i = 0; i < TIMES && action.sa_handler == SIG_DFL; i++) {
        int status = dies_of("faults");
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    }
}

static void of_an_exit(void) {
    int i;
    /* Not the code: under valgrind that of a child is valgrind's. */
    for (i = 0; i < TIMES; i++) CHECK(WIFEXITED(dies_of("exits")));
}

static const struct test all[] = {
    {"of_an_abort", of_an_abort},
    {"of_a_fault", of_a_fault},
    {"of_an_exit", of_an_exit},
};
RUN_TESTS(all)
