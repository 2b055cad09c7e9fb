/* Lines and HTTP on Unix sockets and on sockets that the program passes. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support.h"

static char directory[] = "/tmp/tenon-c-XXXXXX";

static const char *path_of(const char *name) {
    static char path[2][96];
    static int next;
    char *own = path[next++ % 2];
    snprintf(own, sizeof path[0], "%s/%s", directory, name);
    return own;
}

static void yes(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_bool(call, true));
}

static tenon_server *server_with_tool(void) {
    tenon_server *server = new_server();
    add_tool(server, "yes", NULL, TENON_MODE_WORKER, yes, NULL, NULL);
    return server;
}

static struct sockaddr_un address_of(const char *path) {
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    strcpy(address.sun_path, path);
    return address;
}

static int unix_connect(const char *path) {
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

static int unix_listen(const char *path) {
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0);
    return fd;
}

static void peer_on(struct peer *peer, int fd) {
    memset(peer, 0, sizeof *peer);
    CHECK(fd >= 0);
    peer->to = fd;
    peer->from = dup(fd);
}

static void is_served(struct peer *peer, int id) {
    call_tool(peer, id, "yes", "{}");
    CHECK(has_text(next_answer(peer), "true"));
}

/* The client of the descriptors leaves, and the others stay. */
static void the_end_of_input_leaves_others(void) {
    tenon_server *server = server_with_tool();
    struct peer peer, other;
    const char *path = path_of("stays");
    OK(tenon_server_set(server, "end_with_stdin", "false", TENON_NUL));
    OK(tenon_server_listen_unix(server, path, NULL));
    serve(&peer, server);
    initialize(&peer, "{}");
    is_served(&peer, 1);
    close(peer.to);
    peer.to = -1;
    CHECK(next_line(&peer)[0] == '\0');
    peer_on(&other, unix_connect(path));
    initialize(&other, "{}");
    is_served(&other, 2);
    CHECK(!tenon_server_is_closed(server));
    OK(tenon_server_free(server));
    close_peer(&other);
    close_peer(&peer);
}

static void many_clients_on_a_path(void) {
    tenon_server *server = server_with_tool();
    struct peer peers[3];
    struct stat found;
    int i;
    OK(tenon_server_listen_unix(server, path_of("lines"), NULL));
    OK(tenon_server_listen_http(server, "unix:/dev/null/nowhere", NULL));
    /* What fails leaves nothing. */
    CHECK_STATUS(TENON_ERR_ADDRESS, tenon_server_start(server, NULL));
    OK(tenon_server_free(server));
    CHECK(stat(path_of("lines"), &found) != 0);

    server = server_with_tool();
    OK(tenon_server_listen_unix(server, path_of("lines"), NULL));
    OK(tenon_server_start(server, NULL));
    CHECK(stat(path_of("lines"), &found) == 0 && (found.st_mode & 0777) == 0600);
    for (i = 0; i < 3; i++) {
        peer_on(&peers[i], unix_connect(path_of("lines")));
        initialize(&peers[i], "{}");
    }
    for (i = 0; i < 3; i++) is_served(&peers[i], 7);
    for (i = 0; i < 3; i++) close_peer(&peers[i]);
    CHECK(!tenon_server_is_closed(server));
    OK(tenon_server_free(server));
    CHECK(stat(path_of("lines"), &found) != 0);
}

static void modes_and_paths(void) {
    tenon_server *server = server_with_tool();
    struct stat found;
    char url[128], long_path[200];
    const char *said;
    tenon_error *err = NULL;
    int fd;
    memset(long_path, 'x', sizeof long_path);
    long_path[sizeof long_path - 1] = '\0';
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_listen_unix(server, long_path, &err));
    CHECK_IN("199 bytes", tenon_error_message(err));
    tenon_error_free(err);
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_listen_unix(server, NULL, NULL));
    OK(tenon_server_set_unix_mode(server, 0640));
    snprintf(url, sizeof url, "unix:%s", path_of("http"));
    OK(tenon_server_listen_http(server, url, NULL));
    OK(tenon_server_start(server, NULL));
    CHECK(stat(path_of("http"), &found) == 0 && (found.st_mode & 0777) == 0640);
    OK(tenon_server_http_url(server, &said, NULL));
    CHECK_IN(url, said);
    fd = unix_connect(path_of("http"));
    http_post(fd, "yes");
    http_read(fd, "true");
    close(fd);
    OK(tenon_server_free(server));
    server = new_server();
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_set_unix_mode(server, 01000));
    OK(tenon_server_free(server));
}

static void sockets_of_the_program(void) {
    tenon_server *server = server_with_tool();
    struct peer one, several;
    struct stat found;
    int ends[2], web, fd, listener = unix_listen(path_of("given"));
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    web = unix_listen(path_of("web"));
    OK(tenon_server_listen_socket(server, listener, NULL));
    OK(tenon_server_listen_socket(server, ends[0], NULL));
    OK(tenon_server_listen_http_socket(server, web, "/mcp", NULL));
    OK(tenon_server_start(server, NULL));
    peer_on(&several, unix_connect(path_of("given")));
    peer_on(&one, ends[1]);
    initialize(&several, "{}");
    initialize(&one, "{}");
    is_served(&several, 1);
    is_served(&one, 1);
    fd = unix_connect(path_of("web"));
    http_post(fd, "yes");
    http_read(fd, "true");
    close(fd);
    close_peer(&several);
    is_served(&one, 2);
    /* The server ends with its only client that has a channel of its own. */
    close_peer(&one);
    OK(tenon_server_run(server, NULL));
    OK(tenon_server_free(server));
    CHECK(fcntl(listener, F_GETFD) == -1 && fcntl(web, F_GETFD) == -1);
    CHECK(stat(path_of("given"), &found) == 0);
    CHECK(unlink(path_of("given")) == 0 && unlink(path_of("web")) == 0);
}

static void what_is_no_socket(void) {
    tenon_server *server = server_with_tool();
    tenon_error *err = NULL;
    int file = open("/dev/null", O_RDONLY), ends[2];
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_listen_socket(server, 1, &err));
    CHECK_IN("standard descriptor", tenon_error_message(err));
    tenon_error_free(err);
    err = NULL;
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_listen_socket(server, 1000000, NULL));
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    /* Taken whatever the status. */
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_listen_http_socket(server, ends[0], "mcp", &err));
    CHECK_IN("path", tenon_error_message(err));
    tenon_error_free(err);
    err = NULL;
    CHECK(fcntl(ends[0], F_GETFD) == -1);
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_listen_socket(NULL, ends[1], NULL));
    CHECK(fcntl(ends[1], F_GETFD) == -1);
    OK(tenon_server_listen_socket(server, file, NULL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_start(server, &err));
    CHECK_IN("not a socket", tenon_error_message(err));
    tenon_error_free(err);
    OK(tenon_server_free(server));
    CHECK(fcntl(file, F_GETFD) == -1);
}

int main(int argc, char **argv) {
    static const struct test tests[] = {
        {"many_clients_on_a_path", many_clients_on_a_path},
    {"the_end_of_input_leaves_others", the_end_of_input_leaves_others},
        {"modes_and_paths", modes_and_paths},
        {"sockets_of_the_program", sockets_of_the_program},
        {"what_is_no_socket", what_is_no_socket},
    };
    int result;
    if (mkdtemp(directory) == NULL) return 2;
    result = run_tests(argc, argv, tests, sizeof tests / sizeof *tests);
    rmdir(directory);
    return result;
}
