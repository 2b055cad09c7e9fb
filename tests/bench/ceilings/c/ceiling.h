/* The C ceiling: a line loop, or with `--http HOST:PORT` an epoll endpoint, both on one thread. It answers the
 * messages of the load client with one scan over each and nothing else. This is no MCP server: `initialize` gets
 * a canned answer, every other request is taken for an `echo` call, and the JSON is not validated. */
#ifndef CEILING_H
#define CEILING_H

#include <stddef.h>

/* Longest message, in bytes; a longer one ends the connection. */
enum { MAX_MESSAGE = 64 * 1024 };
/* What an answer needs beyond the message it answers. */
enum { MAX_OVERHEAD = 256 };

/* Writes the answer to a message to `out` (room for MAX_MESSAGE + MAX_OVERHEAD) and returns its length;
 * 0 for a notification. */
size_t answer(const char *message, size_t length, char *out);

int line_loop(void);
int http_endpoint(const char *address);

#endif
