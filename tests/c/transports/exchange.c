/* Messages to a server in the same process: without a transport, in both eras and every mode. */
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#include "support.h"

#define MODERN \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"," \
    "\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{}}}"

/* Keeps what it hears, a line each. */
struct heard {
    char text[8192];
    int count;
};

static void hear(void *user_data, const char *message, size_t len) {
    struct heard *heard = user_data;
    size_t used = strlen(heard->text);
    CHECK(used + len + 2 < sizeof heard->text);
    memcpy(heard->text + used, message, len);
    memcpy(heard->text + used + len, "\n", 2);
    heard->count++;
}

static const char *exchange(tenon_server *server, struct heard *heard, const char *message) {
    tenon_error *error = NULL;
    tenon_status status;
    memset(heard, 0, sizeof *heard);
    status = tenon_server_exchange(server, message, TENON_NUL, 10000, hear, heard, &error);
    if (status != TENON_OK) check_failed(__FILE__, __LINE__, message, tenon_error_message(error));
    return heard->text;
}

static void whole(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_progress(call, 1, 2, NULL));
    OK(tenon_call_return_text(call, "done", TENON_NUL));
}

static void in_every_mode(void) {
    static const tenon_mode modes[] = {TENON_MODE_WORKER, TENON_MODE_POLL, TENON_MODE_INLINE};
    size_t i;
    for (i = 0; i < 3; i++) {
        struct heard heard;
        tenon_server *server = new_server();
        add_tool(server, "whole", NULL, modes[i], whole, NULL, NULL);
        CHECK_IN("\"whole\"", exchange(server, &heard,
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{" MODERN "}}"));
        exchange(server, &heard,
            "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"whole\",\"_meta\":{"
            "\"progressToken\":7,\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
            "\"io.modelcontextprotocol/clientCapabilities\":{}}}}");
        CHECK(heard.count == 2);
        CHECK_IN("notifications/progress", heard.text);
        CHECK_IN("\"text\":\"done\"", heard.text);
        CHECK(strstr(heard.text, "progress") < strstr(heard.text, "done"));
        OK(tenon_server_free(server));
    }
}

static void asks(void *user_data, tenon_call *call) {
    tenon_answer *answer = NULL;
    tenon_status status;
    (void)user_data;
    status = tenon_call_elicit(call, "who", "Who?", "{\"type\":\"object\",\"properties\":{}}", &answer, NULL);
    if (status == TENON_SUSPENDED) return;
    OK(status);
    tenon_answer_free(answer);
    OK(tenon_call_return_text(call, "asked", TENON_NUL));
}

static void a_legacy_session_is_asked(void) {
    static const tenon_mode modes[] = {TENON_MODE_WORKER, TENON_MODE_POLL, TENON_MODE_INLINE};
    size_t i;
    for (i = 0; i < 3; i++) {
        struct heard heard;
        tenon_server *server = new_server();
        add_tool(server, "asks", NULL, modes[i], asks, NULL, NULL);
        CHECK_IN("\"2025-11-25\"", exchange(server, &heard,
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"" LEGACY "\","
            "\"capabilities\":" ELICITATION ",\"clientInfo\":{\"name\":\"c\",\"version\":\"1\"}}}"));
        exchange(server, &heard, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
        CHECK(heard.count == 0);
        exchange(server, &heard,
            "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"asks\"}}");
        CHECK(heard.count == 1);
        CHECK_IN("elicitation/create", heard.text);
        exchange(server, &heard, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"action\":\"accept\",\"content\":{}}}");
        CHECK(heard.count == 1);
        CHECK_IN("\"text\":\"asked\"", heard.text);
        OK(tenon_server_free(server));
    }
}

static void never(void *user_data, tenon_call *call) {
    OK(tenon_call_retain(call));
    *(tenon_call **)user_data = call;
}

static void ends_and_misuse(void) {
    struct heard heard;
    tenon_call *call = NULL;
    tenon_error *error = NULL;
    tenon_server *server = new_server();
    memset(&heard, 0, sizeof heard);
    add_tool(server, "never", NULL, TENON_MODE_POLL, never, &call, NULL);
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_exchange(NULL, "{}", TENON_NUL, 0, hear, &heard, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_exchange(server, "{}", TENON_NUL, 0, NULL, &heard, NULL));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_server_exchange(server, "\xff", 1, 0, hear, &heard, NULL));
    CHECK(heard.count == 0);
    CHECK_IN("-32700", exchange(server, &heard, "{"));
    exchange(server, &heard, "");
    CHECK(heard.count == 0);
    CHECK_STATUS(TENON_ERR_IO, tenon_server_exchange(server,
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"never\"," MODERN "}}", TENON_NUL, 1,
        hear, &heard, &error));
    CHECK_IN("in time", tenon_error_message(error));
    tenon_error_free(error);
    /* Its callback runs in the next exchange, if the time was too short for it. */
    while (call == NULL) tenon_server_exchange(server, "", 0, 10, hear, &heard, NULL);
    OK(tenon_call_return_text(call, "late", TENON_NUL));
    tenon_call_release(call);
    CHECK_IN("late", exchange(server, &heard, ""));
    OK(tenon_server_close(server));
    while (tenon_server_poll(server, 0, -1, NULL) != TENON_ENDED) {}
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_exchange(server, "", 0, 0, hear, &heard, NULL));
    OK(tenon_server_free(server));
}

static void takes_long(void *user_data, tenon_call *call) {
    const struct timespec long_enough = {0, 500000000};
    (void)user_data;
    nanosleep(&long_enough, NULL);
    OK(tenon_call_return_text(call, "done", TENON_NUL));
}

#define CALL(name) "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"" name "\"," MODERN "}}"

/* A thread that waits for a response sleeps until it is there. */
static void waits_without_looking(void) {
    struct heard heard;
    struct rusage before, after;
    tenon_server *server = new_server();
    add_tool(server, "whole", NULL, TENON_MODE_WORKER, whole, NULL, NULL);
    add_tool(server, "takes_long", NULL, TENON_MODE_WORKER, takes_long, NULL, NULL);
    /* What is done once has been done. */
    exchange(server, &heard, CALL("whole"));
    CHECK(getrusage(RUSAGE_THREAD, &before) == 0);
    CHECK_IN("done", exchange(server, &heard, CALL("takes_long")));
    CHECK(getrusage(RUSAGE_THREAD, &after) == 0);
    CHECK(after.ru_nvcsw - before.ru_nvcsw < 6);
    OK(tenon_server_free(server));
}

static void *polls(void *server) {
    while (tenon_server_poll(server, 0, -1, NULL) == TENON_OK) {}
    return NULL;
}

/* Somebody else polls meanwhile, and takes what is there to be taken: no wake is lost to the thread that exchanges. */
static void beside_a_thread_that_polls(void) {
    struct heard heard;
    pthread_t poller;
    int i;
    tenon_server *server = new_server();
    add_tool(server, "polled", NULL, TENON_MODE_POLL, whole, NULL, NULL);
    add_tool(server, "worked", NULL, TENON_MODE_WORKER, whole, NULL, NULL);
    exchange(server, &heard, CALL("worked"));
    CHECK(pthread_create(&poller, NULL, polls, server) == 0);
    for (i = 0; i < 300; i++) {
        CHECK_IN("done", exchange(server, &heard, CALL("polled")));
        CHECK_IN("done", exchange(server, &heard, CALL("worked")));
    }
    OK(tenon_server_close(server));
    CHECK(pthread_join(poller, NULL) == 0);
    OK(tenon_server_free(server));
}

struct of_several {
    tenon_server *server;
    int id, done;
};

static void hear_own(void *user_data, const char *message, size_t len) {
    (void)message, (void)len;
    *(int *)user_data += 1;
}

static void *exchanges(void *data) {
    struct of_several *own = data;
    char message[512];
    int i;
    for (i = 0; i < 100; i++) {
        sprintf(message,
                "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":{\"name\":\"worked\"," MODERN "}}",
                own->id + i);
        OK(tenon_server_exchange(own->server, message, TENON_NUL, 10000, hear_own, &own->done, NULL));
    }
    return NULL;
}

/* Several threads exchange at once: they are one client, and each comes back when that has all its responses. */
static void several_threads(void) {
    struct of_several own[3];
    struct heard heard;
    pthread_t threads[3];
    int i, done = 0;
    tenon_server *server = new_server();
    add_tool(server, "worked", NULL, TENON_MODE_WORKER, whole, NULL, NULL);
    for (i = 0; i < 3; i++) {
        own[i] = (struct of_several){server, (i + 1) * 1000, 0};
        CHECK(pthread_create(&threads[i], NULL, exchanges, &own[i]) == 0);
    }
    for (i = 0; i < 3; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        done += own[i].done;
    }
    exchange(server, &heard, "");
    CHECK(done + heard.count == 300);
    OK(tenon_server_free(server));
}

static void *close_it(void *server) {
    OK(tenon_server_close(server));
    return NULL;
}

/* Calls of this process have the time that those of transports have. */
static void calls_may_finish(void) {
    struct heard heard;
    pthread_t closer;
    tenon_call *call = NULL;
    tenon_server *server = new_server();
    memset(&heard, 0, sizeof heard);
    add_tool(server, "never", NULL, TENON_MODE_INLINE, never, &call, NULL);
    add_tool(server, "whole", NULL, TENON_MODE_WORKER, whole, NULL, NULL);
    CHECK_STATUS(TENON_ERR_IO, tenon_server_exchange(server,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"never\"," MODERN "}}", TENON_NUL, 1,
        hear, &heard, NULL));
    CHECK(call != NULL);
    CHECK(pthread_create(&closer, NULL, close_it, server) == 0);
    /* Until nothing new is begun; the first call is waited for as well, in vain. */
    while (strstr(heard.text, "shutting down") == NULL) {
        memset(&heard, 0, sizeof heard);
        CHECK_STATUS(TENON_ERR_IO, tenon_server_exchange(server,
            "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"whole\"," MODERN "}}", TENON_NUL,
            10, hear, &heard, NULL));
    }
    OK(tenon_call_return_text(call, "late", TENON_NUL));
    tenon_call_release(call);
    tenon_server_exchange(server, "", 0, 10000, hear, &heard, NULL);
    CHECK_IN("late", heard.text);
    pthread_join(closer, NULL);
    OK(tenon_server_free(server));
}

static const struct test tests[] = {
    {"waits without looking", waits_without_looking},
    {"beside a thread that polls", beside_a_thread_that_polls},
    {"several threads", several_threads},
    {"in every mode", in_every_mode},
    {"a legacy session is asked", a_legacy_session_is_asked},
    {"ends and misuse", ends_and_misuse},
    {"calls may finish", calls_may_finish},
};
RUN_TESTS(tests)
