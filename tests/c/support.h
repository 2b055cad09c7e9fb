/* What the C tests share: checks that count, and a client at the other end of two pipes. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon.h>

#define CHECK(condition) \
    do { \
        if (!(condition)) check_failed(__FILE__, __LINE__, #condition, ""); \
    } while (0)
/* The text must hold the needle. */
#define CHECK_IN(needle, text) \
    do { \
        const char *checked_text = (text); \
        if (strstr(checked_text, (needle)) == NULL) check_failed(__FILE__, __LINE__, needle, checked_text); \
    } while (0)
/* The call must give the status. */
#define CHECK_STATUS(status, call) \
    do { \
        tenon_status checked_status = (call); \
        if (checked_status != (status)) check_failed(__FILE__, __LINE__, #call, tenon_status_text(checked_status)); \
    } while (0)
#define OK(call) CHECK_STATUS(TENON_OK, call)

/* A call with an error place: the status, a message that says something, and the detail agrees. */
#define CHECK_ERROR(status, needle, call) \
    do { \
        tenon_error *err = NULL; \
        CHECK_STATUS(status, call); \
        CHECK(tenon_error_status(err) == (status)); \
        CHECK_IN(needle, tenon_error_message(err)); \
        tenon_error_free(err); \
    } while (0)

/* Ends the process at once if called too often: a test that has lost its way should not run on. */
void check_failed(const char *file, int line, const char *what, const char *seen);

struct test {
    const char *name;
    void (*run)(void);
};

/* Runs the tests named in the arguments, or all; prints a line for each. To be returned from main. */
int run_tests(int argc, char **argv, const struct test *tests, size_t count);
#define RUN_TESTS(tests) \
    int main(int argc, char **argv) { return run_tests(argc, argv, tests, sizeof tests / sizeof *tests); }

/* A client at the other end of two pipes. */
struct peer {
    int to, from;
    char *line;
    size_t size, used, taken;
};

#define LEGACY "2025-11-25"
#define ELICITATION "{\"elicitation\":{}}"

tenon_server *new_server(void);
/* Adds a tool; the schema may be NULL. */
void add_tool(
    tenon_server *server, const char *name, const char *schema, tenon_mode mode, tenon_handler_fn handler,
    void *user_data, tenon_destroy_fn destroy);
/* Makes the pipes and has the server listen on them. */
void connect_peer(struct peer *peer, tenon_server *server);
/* The same, and starts the server. */
void serve(struct peer *peer, tenon_server *server);
/* Opens a legacy session with these capabilities of the client. */
void initialize(struct peer *peer, const char *capabilities);
/* Sends one line, made by printf rules. */
void send_line(struct peer *peer, const char *format, ...);
/* The next line from the server; it lives until the next call. "" at the end of the stream. */
const char *next_line(struct peer *peer);

/* The next line that is not told of a change of what is registered, which may come at any time. */
const char *next_answer(struct peer *peer);
/* Calls a tool in the legacy session. */
void call_tool(struct peer *peer, int id, const char *tool, const char *arguments);
/* Calls a tool the modern way; `extra` is more params, starting with a comma, or "". */
void call_modern(
    struct peer *peer, int id, const char *tool, const char *arguments, const char *capabilities, const char *extra);
/* Copies the string value of the first member of this name; to be freed. */
char *string_member(const char *line, const char *name);
/* The text of the line's first content block equals `text` (without escapes). */
int has_text(const char *line, const char *text);
void close_peer(struct peer *peer);

/* The library finds out every handle that was freed, without a look at its memory: a build with debug assertions. Others may read
   memory that was freed, which is not to be tried. */
bool handles_are_checked(void);

/* A connection to a URL of the library's. */
int http_connect(const char *url);
/* Listens on HTTP at a free port and starts; the URL. */
const char *http_listening(tenon_server *server);
/* A thread that polls the server, its argument, until the server ends. */
void *poll_until_the_end(void *server);
/* Posts a body, with header lines of its own. */
void http_send(int fd, const char *headers, const char *body);
/* Calls a tool the modern way, with these arguments or none. */
void http_call(int fd, const char *tool, const char *arguments);
void http_post(int fd, const char *tool);
/* Reads until the text has come, and checks that it has; the answer so far lives until the thread's next call. */
char *http_read(int fd, const char *until);

/* Counts its ends: a user_data with a destructor. */
struct owned {
    atomic_int calls;
    atomic_int destroyed;
    sem_t entered, go, gone;
    pthread_t thread;
    void *slot;
};
void owned_init(struct owned *owned);
void owned_destroy(void *owned);
/* Waits for a semaphore, not for ever. */
void wait_for(sem_t *semaphore);

#endif
