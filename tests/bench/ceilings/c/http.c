/* The HTTP endpoint: epoll, one thread, keep-alive connections with one request at a time on each. A connection
 * that misbehaves, or does not take an answer at once, is closed. */
#define _GNU_SOURCE
#include "ceiling.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_HEAD = 8 * 1024, HEAD_ROOM = 128, BATCH = 64 };

typedef struct {
    int fd;
    size_t filled;
    char input[MAX_HEAD + MAX_MESSAGE + 1]; /* one byte for the terminating NUL */
} connection;

static int listen_on(const char *address) {
    struct sockaddr_in bound = {.sin_family = AF_INET};
    socklen_t size = sizeof bound;
    char host[64];
    int port, one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (sscanf(address, "%63[0-9.]:%d", host, &port) != 2 || inet_pton(AF_INET, host, &bound.sin_addr) != 1) {
        fprintf(stderr, "not an IPv4 address with a port: %s\n", address);
        return -1;
    }
    bound.sin_port = htons((unsigned short)port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&bound, size) < 0 || listen(fd, 128) < 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &size) < 0)
        return perror(address), -1;
    printf("listening http://%s:%d/mcp\n", host, ntohs(bound.sin_port));
    fflush(stdout);
    return fd;
}

static int respond(connection *c, const char *body, size_t length) {
    static char buffer[HEAD_ROOM + MAX_MESSAGE + MAX_OVERHEAD];
    char head[HEAD_ROOM];
    size_t reply = answer(body, length, buffer + HEAD_ROOM);
    int n = reply ? snprintf(head, sizeof head,
                             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", reply)
                  : snprintf(head, sizeof head, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    /* The head goes right before the body, so that both leave in one write. */
    char *start = buffer + HEAD_ROOM - n;
    memcpy(start, head, (size_t)n);
    return send(c->fd, start, (size_t)n + reply, MSG_NOSIGNAL) == (ssize_t)((size_t)n + reply);
}

/* Returns 0 when the connection is to be closed. */
static int serve(connection *c) {
    ssize_t n = read(c->fd, c->input + c->filled, sizeof c->input - 1 - c->filled);
    if (n < 0) return errno == EAGAIN;
    if (n == 0) return 0;
    c->filled += (size_t)n;
    c->input[c->filled] = '\0';
    char *end = strstr(c->input, "\r\n\r\n");
    if (!end) return c->filled < MAX_HEAD;
    char *field = strcasestr(c->input, "\r\ncontent-length:");
    if (!field || field > end) return 0;
    size_t length = strtoul(field + sizeof "\r\ncontent-length:" - 1, NULL, 10);
    char *body = end + 4;
    size_t have = (size_t)(c->input + c->filled - body);
    if (length > MAX_MESSAGE || have > length) return 0;
    if (have < length) return 1;
    c->filled = 0;
    return respond(c, body, length);
}

static int accept_one(int epoll, int listener) {
    int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return errno == ECONNABORTED;
    connection *c = malloc(sizeof *c);
    if (!c) return 0;
    c->fd = fd;
    c->filled = 0;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

int http_endpoint(const char *address) {
    int listener = listen_on(address), epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[BATCH], event = {.events = EPOLLIN, .data.ptr = NULL};
    if (listener < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0) return 1;
    for (;;) {
        int ready = epoll_wait(epoll, events, BATCH, -1);
        if (ready < 0) return perror("epoll_wait"), 1;
        for (int i = 0; i < ready; i++) {
            connection *c = events[i].data.ptr;
            if (!c) {
                if (!accept_one(epoll, listener)) return perror("accept"), 1;
            } else if (!serve(c)) {
                close(c->fd);
                free(c);
            }
        }
    }
}
