/* WebSocket, HTTP+SSE of 2024-11-05 and fixed pages, at their own address and at that of HTTP. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "support.h"

static void yes(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_bool(call, true));
}

static tenon_server *server_with_tool(void) {
    tenon_server *server = new_server();
    add_tool(server, "yes", NULL, TENON_MODE_WORKER, yes, NULL, NULL);
    return server;
}

/* Connects to the port of a URL of 127.0.0.1. */
static int connect_to(const char *url) {
    struct sockaddr_in address;
    struct timeval patience = {30, 0};
    const char *port = strstr(url, "127.0.0.1:");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(port != NULL);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)atoi(port + 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    return fd;
}

static void send_text(int fd, const char *text) {
    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

/* Reads until `end` has come. */
static const char *read_until(int fd, const char *end) {
    static char seen[8192];
    size_t length = 0;
    seen[0] = '\0';
    while (strstr(seen, end) == NULL) {
        ssize_t count = read(fd, seen + length, sizeof seen - 1 - length);
        CHECK(count > 0);
        /* The length in a frame's header may hold a zero. */
        for (; count > 0; count--, length++) {
            if (seen[length] == '\0') seen[length] = ' ';
        }
        seen[length] = '\0';
    }
    return seen;
}

static void upgrade(int fd, const char *path, const char *origin) {
    char head[512];
    snprintf(head, sizeof head,
             "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
             path, origin);
    send_text(fd, head);
}

static void websocket_is_served(void) {
    static const char call[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"yes\",\"arguments\":{},\"_meta\":{"
        "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
        "\"io.modelcontextprotocol/clientCapabilities\":{}}}}";
    unsigned char head[8] = {0x81, 0x80 | 126, (unsigned char)((sizeof call - 1) >> 8), (sizeof call - 1) & 0xff, 0, 0, 0, 0};
    tenon_server *server = server_with_tool();
    const char *url;
    size_t length;
    int fd;
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_websocket_url(server, &url, NULL));
    OK(tenon_server_listen_websocket(server, "0", NULL));
    OK(tenon_server_start(server, NULL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_http_url(server, &url, NULL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_sse_url(server, &url, NULL));
    OK(tenon_server_websocket_url(server, &url, &length));
    CHECK(strncmp(url, "ws://127.0.0.1:", 15) == 0 && length == strlen(url) && strcmp(url + length - 3, "/ws") == 0);
    fd = connect_to(url);
    upgrade(fd, "/ws", "");
    CHECK_IN("HTTP/1.1 101 ", read_until(fd, "\r\n\r\n"));
    CHECK(write(fd, head, sizeof head) == sizeof head);
    send_text(fd, call);
    read_until(fd, "\"true\"");
    close(fd);
    OK(tenon_server_close(server));
    OK(tenon_server_run(server, NULL));
    OK(tenon_server_free(server));
}

static void an_address_has_a_share(void) {
    tenon_server *server = server_with_tool();
    const char *url;
    int first, second;
    OK(tenon_server_set_limit(server, TENON_LIMIT_ADDRESS_CONNECTIONS, 100));
    OK(tenon_server_set_limit(server, TENON_LIMIT_ADDRESS_STREAMS, 1));
    OK(tenon_server_set_limit(server, TENON_LIMIT_ADDRESS_BUFFERED_BYTES, 1 << 20));
    OK(tenon_server_set_limit(server, TENON_LIMIT_ADDRESS_CALLS, 100));
    OK(tenon_server_set_limit(server, TENON_LIMIT_SESSION_LISTENS, 2));
    OK(tenon_server_listen_websocket(server, "0", NULL));
    OK(tenon_server_start(server, NULL));
    OK(tenon_server_websocket_url(server, &url, NULL));
    first = connect_to(url);
    upgrade(first, "/ws", "");
    CHECK_IN("HTTP/1.1 101 ", read_until(first, "\r\n\r\n"));
    second = connect_to(url);
    upgrade(second, "/ws", "");
    CHECK_IN("HTTP/1.1 429 ", read_until(second, "max_address_streams"));
    close(first);
    close(second);
    OK(tenon_server_close(server));
    OK(tenon_server_run(server, NULL));
    OK(tenon_server_free(server));
}

static void paths_of_the_http_address(void) {
    tenon_server *server = server_with_tool();
    const char *http, *url;
    char expected[128];
    int fd;
    OK(tenon_server_listen_sse(server, "/sse", NULL));
    OK(tenon_server_listen_websocket(server, "/chat", NULL));
    OK(tenon_server_listen_http(server, "0", NULL));
    OK(tenon_server_allow_origin(server, "https://app.example.com"));
    OK(tenon_server_allow_header(server, "X-Custom-Auth"));
    OK(tenon_server_start(server, NULL));
    OK(tenon_server_http_url(server, &http, NULL));
    OK(tenon_server_websocket_url(server, &url, NULL));
    snprintf(expected, sizeof expected, "ws%.*s/chat", (int)(strlen(http) - 8), http + 4);
    CHECK(strcmp(url, expected) == 0);
    fd = connect_to(url);
    upgrade(fd, "/chat", "Origin: https://app.example.com\r\n");
    CHECK_IN("HTTP/1.1 101 ", read_until(fd, "\r\n\r\n"));
    close(fd);
    fd = connect_to(url);
    upgrade(fd, "/chat", "Origin: https://other.example.com\r\n");
    CHECK_IN("HTTP/1.1 403 ", read_until(fd, "\r\n\r\n"));
    close(fd);
    OK(tenon_server_sse_url(server, &url, NULL));
    snprintf(expected, sizeof expected, "%.*s/sse", (int)(strlen(http) - 4), http);
    CHECK(strcmp(url, expected) == 0);
    fd = connect_to(url);
    send_text(fd, "GET /sse HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
    CHECK_IN("event: endpoint\ndata: /messages?session=", read_until(fd, "\n\n"));
    close(fd);
    fd = connect_to(url);
    send_text(fd, "OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example.com\r\n"
                  "Access-Control-Request-Headers: x-custom-auth\r\n\r\n");
    CHECK_IN(", x-custom-auth\r\n", read_until(fd, "\r\n\r\n"));
    close(fd);
    OK(tenon_server_close(server));
    OK(tenon_server_run(server, NULL));
    OK(tenon_server_free(server));
}

static void wrong_addresses(void) {
    tenon_server *server = server_with_tool();
    tenon_error *err = NULL;
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_listen_websocket(server, "localhost", &err));
    CHECK_IN("websocket address", tenon_error_message(err));
    tenon_error_free(err);
    err = NULL;
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_listen_sse(server, "0/messages", &err));
    CHECK_IN("messages", tenon_error_message(err));
    tenon_error_free(err);
    err = NULL;
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_listen_sse(NULL, "0", NULL));
    OK(tenon_server_listen_websocket(server, "/ws", NULL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_start(server, &err));
    CHECK_IN("none is served", tenon_error_message(err));
    tenon_error_free(err);
    OK(tenon_server_free(server));
}

#define HTML "text/html; charset=utf-8"

/* The whole answer to one request. */
static const char *ask(const char *url, const char *line, const char *header) {
    static char answer[8192];
    char head[256];
    size_t length = 0;
    ssize_t count;
    int fd = connect_to(url);
    snprintf(head, sizeof head, "%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", line, header);
    send_text(fd, head);
    while ((count = read(fd, answer + length, sizeof answer - 1 - length)) > 0) length += (size_t)count;
    CHECK(count == 0);
    answer[length] = '\0';
    close(fd);
    return answer;
}

static void pages_are_answered(void) {
    tenon_server *server = server_with_tool();
    const char *url, *etag;
    char header[128];
    OK(tenon_server_add_page(server, "/", HTML, "<p>old", 6, NULL));
    OK(tenon_server_add_page(server, "/", HTML, "<p>new", 6, NULL));
    OK(tenon_server_add_page(server, "/gone", HTML, NULL, 0, NULL));
    OK(tenon_server_remove_page(server, "/gone"));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_remove_page(server, "/gone"));
    /* They stay when settings change after them. */
    OK(tenon_server_set(server, "title", "\"T\"", TENON_NUL));
    OK(tenon_server_listen_websocket(server, "0", NULL));
    OK(tenon_server_start(server, NULL));
    OK(tenon_server_websocket_url(server, &url, NULL));
    CHECK_IN("HTTP/1.1 200 OK\r\n", ask(url, "GET /", ""));
    CHECK_IN("\r\ncontent-type: " HTML "\r\n", ask(url, "GET /", ""));
    CHECK_IN("\r\nx-content-type-options: nosniff\r\n", ask(url, "GET /", ""));
    CHECK_IN("\r\ncontent-length: 6\r\n", ask(url, "HEAD /", ""));
    CHECK(strstr(ask(url, "HEAD /", ""), "<p>") == NULL);
    CHECK_IN("\r\nallow: GET, HEAD, OPTIONS\r\n", ask(url, "PUT /", ""));
    CHECK_IN("HTTP/1.1 400 ", ask(url, "GET /", "Host: evil.example\r\n"));
    CHECK_IN("HTTP/1.1 404 ", ask(url, "GET /gone", ""));
    etag = strstr(ask(url, "GET /", ""), "etag: ");
    CHECK(etag != NULL);
    snprintf(header, sizeof header, "If-None-Match: %.*s\r\n", (int)strcspn(etag + 6, "\r"), etag + 6);
    CHECK_IN("HTTP/1.1 304 ", ask(url, "GET /", header));
    OK(tenon_server_add_page(server, "/", HTML, "<p>newest", 9, NULL));
    CHECK_IN("\r\n\r\n<p>newest", ask(url, "GET /", header));
    CHECK_ERROR(TENON_ERR_INVALID, "page \"/ws\": WebSocket is served at /ws",
                tenon_server_add_page(server, "/ws", HTML, "", 0, &err));
    OK(tenon_server_remove_page(server, "/"));
    CHECK_IN("HTTP/1.1 404 ", ask(url, "GET /", ""));
    OK(tenon_server_close(server));
    OK(tenon_server_run(server, NULL));
    OK(tenon_server_free(server));
}

static void what_is_no_page(void) {
    tenon_server *server = server_with_tool();
    /* The limits that hold are those that were set last. */
    OK(tenon_server_set_limit(server, TENON_LIMIT_PAGES, 1));
    OK(tenon_server_set_limit(server, TENON_LIMIT_PAGE_BYTES, 5));
    CHECK_ERROR(TENON_ERR_INVALID, "must begin with /", tenon_server_add_page(server, "a", HTML, "", 0, &err));
    CHECK_ERROR(TENON_ERR_INVALID, "content type", tenon_server_add_page(server, "/", "html", "", 0, &err));
    CHECK_ERROR(TENON_ERR_INVALID, "max_page_bytes (5)", tenon_server_add_page(server, "/", HTML, "123456", 6, &err));
    CHECK_ERROR(TENON_ERR_NULL, "body", tenon_server_add_page(server, "/", HTML, NULL, 1, &err));
    OK(tenon_server_add_page(server, "/mcp", HTML, "12345", 5, NULL));
    OK(tenon_server_add_page(server, "/mcp", HTML, "1234", 4, NULL));
    CHECK_ERROR(TENON_ERR_INVALID, "max_pages (1)", tenon_server_add_page(server, "/b", HTML, "", 0, &err));
    OK(tenon_server_listen_http(server, "0", NULL));
    CHECK_ERROR(TENON_ERR_INVALID, "Streamable HTTP is served at /mcp", tenon_server_start(server, &err));
    OK(tenon_server_remove_page(server, "/mcp"));
    OK(tenon_server_start(server, NULL));
    CHECK_ERROR(TENON_ERR_INVALID, "max_page_bytes (5)", tenon_server_add_page(server, "/", HTML, "123456", 6, &err));
    OK(tenon_server_close(server));
    OK(tenon_server_run(server, NULL));
    OK(tenon_server_free(server));
}

int main(int argc, char **argv) {
    static const struct test tests[] = {
        {"websocket_is_served", websocket_is_served},
        {"an_address_has_a_share", an_address_has_a_share},
        {"paths_of_the_http_address", paths_of_the_http_address},
        {"wrong_addresses", wrong_addresses},
        {"pages_are_answered", pages_are_answered},
        {"what_is_no_page", what_is_no_page},
    };
    return run_tests(argc, argv, tests, sizeof tests / sizeof *tests);
}
