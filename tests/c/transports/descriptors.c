/* Descriptors passed to the library: each is closed once, and refused ones stay open. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support.h"

static atomic_int closed_twice;

/* In place of the C library's, for the library under test too. */
int close(int fd) {
    int result = (int)syscall(SYS_close, fd);
    if (result != 0 && errno == EBADF) atomic_fetch_add(&closed_twice, 1);
    return result;
}

static int is_open(int fd) { return fcntl(fd, F_GETFD) != -1; }

static void yes(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_bool(call, true));
}

static void one_number_for_both(void) {
    tenon_server *server = new_server();
    struct peer peer;
    int ends[2];
    memset(&peer, 0, sizeof peer);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    peer.to = ends[1];
    peer.from = dup(ends[1]);
    add_tool(server, "yes", NULL, TENON_MODE_WORKER, yes, NULL, NULL);
    OK(tenon_server_listen_descriptors(server, ends[0], ends[0], NULL));
    OK(tenon_server_start(server, NULL));
    initialize(&peer, "{}");
    call_tool(&peer, 1, "yes", "{}");
    CHECK(has_text(next_line(&peer), "true"));
    OK(tenon_server_free(server));
    CHECK(!is_open(ends[0]));
    close_peer(&peer);

    /* Taken whatever the status. */
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_listen_descriptors(NULL, ends[0], ends[0], NULL));
    CHECK(!is_open(ends[0]));
    close(ends[1]);
    CHECK(closed_twice == 0);
}

static void refused(tenon_server *server, int input, int output, const char *why) {
    tenon_error *err = NULL;
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_listen_descriptors(server, input, output, &err));
    CHECK_IN(why, tenon_error_message(err));
    tenon_error_free(err);
}

static void standard_descriptors_are_refused(void) {
    tenon_server *server = new_server();
    int number, fds[2];
    for (number = 0; number <= 2; number++) {
        CHECK(pipe(fds) == 0);
        refused(server, number, fds[1], "input descriptor");
        refused(server, fds[0], number, "standard descriptor of the process");
        refused(server, number, number, "tenon_server_listen_stdio()");
        CHECK(is_open(number));
        /* The others were taken. */
        CHECK(!is_open(fds[0]) && !is_open(fds[1]));
    }
    OK(tenon_server_listen_stdio(server, NULL));
    OK(tenon_server_free(server));
    CHECK(closed_twice == 0);
}

static void what_is_not_open_is_refused(void) {
    tenon_server *server = new_server();
    int fds[2];
    CHECK(pipe(fds) == 0);
    close(fds[0]);
    refused(server, fds[0], fds[1], "input descriptor");
    CHECK(!is_open(fds[1]));
    refused(server, fds[0], fds[0], "is not open");
    refused(server, -1, -1, "-1");
    /* A refusal leaves no transport behind. */
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_start(server, NULL));
    OK(tenon_server_free(server));
    CHECK(closed_twice == 0);
}

static const struct test all[] = {
    {"one_number_for_both", one_number_for_both},
    {"standard_descriptors_are_refused", standard_descriptors_are_refused},
    {"what_is_not_open_is_refused", what_is_not_open_is_refused},
};
RUN_TESTS(all)
