/* Transports by their names, with options as JSON. */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

static char directory[] = "/tmp/tenon-c-XXXXXX";

static tenon_status add(tenon_server *server, const char *transport, const char *options) {
    return tenon_server_listen(server, transport, options, TENON_NUL, NULL);
}

/* The URL that a function gives; "" if there is none. */
static const char *url_of(tenon_server *server, tenon_status (*get)(const tenon_server *, const char **, size_t *)) {
    const char *url = "";
    return get(server, &url, NULL) == TENON_OK ? url : "";
}

static void options_are_in_force(void) {
    tenon_server *server = new_server();
    char options[160];
    struct stat found;
    OK(add(server, "http", "{\"host\":\"127.0.0.1\",\"port\":0,\"path\":\"/x\",\"allowed_hosts\":[\"a.example\"]}"));
    OK(add(server, "websocket", "\"/chat\""));
    OK(add(server, "sse", "{\"path\":\"/old/sse\",\"allowed_headers\":[\"x-a\"]}"));
    OK(add(server, "embedded", "true"));
    snprintf(options, sizeof options, "{\"path\":\"%s/own\",\"mode\":432}", directory);
    OK(add(server, "unix", options));
    /* Those of the server's functions are for options that are not set. */
    OK(tenon_server_set_unix_mode(server, 0640));
    snprintf(options, sizeof options, "\"%s/other\"", directory);
    OK(add(server, "unix", options));
    OK(tenon_server_start(server, NULL));
    CHECK_IN("/x", url_of(server, tenon_server_http_url));
    CHECK_IN("/chat", url_of(server, tenon_server_websocket_url));
    CHECK_IN("/old/sse", url_of(server, tenon_server_sse_url));
    snprintf(options, sizeof options, "%s/own", directory);
    CHECK(stat(options, &found) == 0 && (found.st_mode & 0777) == 0660);
    snprintf(options, sizeof options, "%s/other", directory);
    CHECK(stat(options, &found) == 0 && (found.st_mode & 0777) == 0640);
    OK(tenon_server_free(server));
}

static void descriptors_are_duplicated(void) {
    tenon_server *server = new_server();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    char options[64], url[64];
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    snprintf(options, sizeof options, "{\"socket\":%d}", fd);
    OK(add(server, "http", options));
    OK(tenon_server_start(server, NULL));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/mcp", ntohs(address.sin_port));
    CHECK_IN(url, url_of(server, tenon_server_http_url));
    OK(tenon_server_free(server));
    /* The program's own is still open. */
    CHECK(fcntl(fd, F_GETFD) >= 0);
    close(fd);
}

static void wrong_options_are_told(void) {
    tenon_server *server = new_server();
#define WRONG(status, text, transport, options) \
    CHECK_ERROR(status, text, tenon_server_listen(server, transport, options, TENON_NUL, &err))
    WRONG(TENON_ERR_INVALID, "there is no transport \"htp\"; the nearest name is \"http\"", "htp", "8000");
    WRONG(TENON_ERR_INVALID, "there is no transport \"in_process\"", "in_process", "true");
    WRONG(TENON_ERR_JSON, "http is not JSON", "http", "{");
    WRONG(TENON_ERR_INVALID, "http: there is no option \"prt\"; the nearest name is \"port\"", "http", "{\"prt\":1}");
    WRONG(TENON_ERR_INVALID, "http: port must be a number from 0 to 65535, not 70000", "http", "70000");
    WRONG(TENON_ERR_INVALID, "set only one of host and port, unix and mode, or socket", "http", "{\"unix\":\"a\",\"port\":1}");
    WRONG(TENON_ERR_INVALID, "the host cannot be resolved", "http", "\"no.such.host.invalid:1\"");
    WRONG(TENON_ERR_INVALID, "unix: mode must be a number from 0 to 511 (octal 777), not 512", "unix",
          "{\"path\":\"a\",\"mode\":512}");
    WRONG(TENON_ERR_IO, "socket: descriptor 1000000: it cannot be duplicated", "socket", "1000000");
    WRONG(TENON_ERR_NULL, "options", "http", NULL);
    OK(add(server, "stdio", "true"));
    WRONG(TENON_ERR_STATE, "already listens on stdio", "stdio", "[0,1]");
    OK(tenon_server_free(server));
}

int main(int argc, char **argv) {
    static const struct test tests[] = {
        {"options_are_in_force", options_are_in_force},
        {"descriptors_are_duplicated", descriptors_are_duplicated},
        {"wrong_options_are_told", wrong_options_are_told},
    };
    int result;
    CHECK(mkdtemp(directory) != NULL);
    result = run_tests(argc, argv, tests, sizeof tests / sizeof *tests);
    CHECK(rmdir(directory) == 0);
    return result;
}
