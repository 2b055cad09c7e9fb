/* The hooks "start" and "stop": before the first call, after the last. */
#include "support.h"

static char told[16];
static int count;

static void note(char what) {
    told[count++] = what;
    told[count] = 0;
}

static void forget(void) {
    count = 0;
    told[0] = 0;
}

/* What happens is a letter; its case says which hook it was. */
static void starts(void *user_data, tenon_call *call) {
    (void)call;
    note(*(const char *)user_data);
}

static void stops(void *user_data, tenon_call *call) {
    (void)call;
    note((char)(*(const char *)user_data - 'A' + 'a'));
}

static void works(void *user_data, tenon_call *call) {
    (void)user_data;
    note('w');
    OK(tenon_call_return_bool(call, true));
}

static void fails(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_fail(call, "no database"));
}

static tenon_server *noted(char *name, tenon_mode mode) {
    tenon_server *server = new_server();
    OK(tenon_server_on(server, "start", mode, starts, name, NULL, NULL));
    OK(tenon_server_on(server, "stop", mode, stops, name, NULL, NULL));
    return server;
}

static void hooks_run_around_calls_in(tenon_mode mode) {
    char name[] = "A";
    struct peer peer;
    tenon_server *server = noted(name, mode);
    forget();
    add_tool(server, "work", NULL, TENON_MODE_WORKER, works, NULL, NULL);
    serve(&peer, server);
    CHECK(strcmp(told, "A") == 0);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "work", "{}");
    CHECK(has_text(next_line(&peer), "true"));
    OK(tenon_server_free(server));
    CHECK(strcmp(told, "Awa") == 0);
    close_peer(&peer);
}

static void hooks_run_around_calls(void) {
    hooks_run_around_calls_in(TENON_MODE_WORKER);
    hooks_run_around_calls_in(TENON_MODE_INLINE);
}

static void polling_runs_them(void) {
    char name[] = "A";
    struct peer peer;
    tenon_server *server = noted(name, TENON_MODE_POLL);
    forget();
    add_tool(server, "work", NULL, TENON_MODE_WORKER, works, NULL, NULL);
    serve(&peer, server);
    initialize(&peer, "{}");
    call_tool(&peer, 1, "work", "{}");
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}");
    /* The call waits, and the library's own answer does not. */
    CHECK_IN("\"id\":2", next_line(&peer));
    CHECK(count == 0);
    OK(tenon_server_poll(server, 0, -1, NULL));
    CHECK(has_text(next_line(&peer), "true"));
    OK(tenon_server_close(server));
    while (tenon_server_poll(server, 0, -1, NULL) == TENON_OK) {}
    CHECK(strcmp(told, "Awa") == 0);
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static void a_start_that_fails_is_named(void) {
    char name[] = "A";
    struct peer peer;
    tenon_error *err = NULL;
    tenon_server *server = new_server();
    forget();
    OK(tenon_server_on(server, "start", TENON_MODE_WORKER, fails, NULL, NULL, NULL));
    OK(tenon_server_on(server, "stop", TENON_MODE_WORKER, stops, name, NULL, NULL));
    connect_peer(&peer, server);
    CHECK_STATUS(TENON_ERR_START, tenon_server_start(server, &err));
    CHECK_IN("hook \"start\" failed: no database", tenon_error_message(err));
    tenon_error_free(err);
    CHECK(strcmp(next_line(&peer), "") == 0);
    OK(tenon_server_free(server));
    close_peer(&peer);
    CHECK(count == 0);

    server = new_server();
    OK(tenon_server_on(server, "start", TENON_MODE_POLL, fails, NULL, NULL, NULL));
    connect_peer(&peer, server);
    err = NULL;
    CHECK_STATUS(TENON_ERR_START, tenon_server_run(server, &err));
    CHECK_IN("no database", tenon_error_message(err));
    tenon_error_free(err);
    CHECK_STATUS(TENON_ERR_START, tenon_server_poll(server, 0, 0, NULL));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static void mounted_servers_go_along(void) {
    char outer_name[] = "A", inner_name[] = "B";
    struct peer peer;
    tenon_server *inner = noted(inner_name, TENON_MODE_WORKER), *outer = noted(outer_name, TENON_MODE_INLINE);
    forget();
    OK(tenon_server_mount(outer, inner, "in", NULL));
    serve(&peer, outer);
    CHECK(strcmp(told, "AB") == 0);
    OK(tenon_server_free(outer));
    CHECK(strcmp(told, "ABba") == 0);
    OK(tenon_server_free(inner));
    close_peer(&peer);
}

/* Mounted while the other one is served: it starts before its first call, and stops with it. */
static void what_is_mounted_later_goes_along_in(tenon_mode mode) {
    char outer_name[] = "A", inner_name[] = "B";
    struct peer peer;
    tenon_server *inner = noted(inner_name, mode), *outer = noted(outer_name, TENON_MODE_WORKER);
    forget();
    add_tool(inner, "work", NULL, TENON_MODE_WORKER, works, NULL, NULL);
    serve(&peer, outer);
    initialize(&peer, "{}");
    OK(tenon_server_mount(outer, inner, "in", NULL));
    call_tool(&peer, 1, "in_work", "{}");
    if (mode == TENON_MODE_POLL) {
        OK(tenon_server_poll(outer, 0, -1, NULL));
    }
    CHECK(has_text(next_answer(&peer), "true"));
    CHECK(strcmp(told, "ABw") == 0);
    if (mode == TENON_MODE_POLL) {
        OK(tenon_server_close(outer));
        while (tenon_server_poll(outer, 0, -1, NULL) == TENON_OK) {}
    }
    OK(tenon_server_free(outer));
    CHECK(strcmp(told, "ABwba") == 0);
    OK(tenon_server_free(inner));
    close_peer(&peer);
}

static void what_is_mounted_later_goes_along(void) {
    what_is_mounted_later_goes_along_in(TENON_MODE_WORKER);
    what_is_mounted_later_goes_along_in(TENON_MODE_INLINE);
    what_is_mounted_later_goes_along_in(TENON_MODE_POLL);
}

static void what_is_mounted_later_and_does_not_start_fails_alone(void) {
    char name[] = "A";
    struct peer peer;
    tenon_server *inner = new_server(), *outer = noted(name, TENON_MODE_WORKER);
    forget();
    OK(tenon_server_on(inner, "start", TENON_MODE_WORKER, fails, NULL, NULL, NULL));
    add_tool(inner, "work", NULL, TENON_MODE_WORKER, works, NULL, NULL);
    add_tool(outer, "work", NULL, TENON_MODE_WORKER, works, NULL, NULL);
    serve(&peer, outer);
    initialize(&peer, "{}");
    OK(tenon_server_mount(outer, inner, "in", NULL));
    call_tool(&peer, 1, "in_work", "{}");
    CHECK_IN("has not started", next_answer(&peer));
    call_tool(&peer, 2, "work", "{}");
    CHECK(has_text(next_answer(&peer), "true"));
    OK(tenon_server_free(outer));
    CHECK(strcmp(told, "Awa") == 0);
    OK(tenon_server_free(inner));
    close_peer(&peer);
}

static const struct test all[] = {
    {"hooks_run_around_calls", hooks_run_around_calls},
    {"polling_runs_them", polling_runs_them},
    {"a_start_that_fails_is_named", a_start_that_fails_is_named},
    {"mounted_servers_go_along", mounted_servers_go_along},
    {"what_is_mounted_later_goes_along", what_is_mounted_later_goes_along},
    {"what_is_mounted_later_and_does_not_start_fails_alone", what_is_mounted_later_and_does_not_start_fails_alone},
};
RUN_TESTS(all)
