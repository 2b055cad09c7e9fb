/* Mounted servers: mounting, unmounting, and what remains until calls have ended. */
#include "support.h"
#include <sys/wait.h>
#include <unistd.h>

static tenon_server *server;
static struct peer peer;

static void begin(void) {
    serve(&peer, server);
    initialize(&peer, "{}");
}

static void end(void) {
    OK(tenon_server_free(server));
    close_peer(&peer);
}

/* Sends a request of the legacy session and gives the answer. */
static const char *request(int id, const char *method, const char *params) {
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":%s}", id, method, params);
    return next_line(&peer);
}

static tenon_entry *with(tenon_entry *entry, tenon_handler_fn handler, void *user_data) {
    OK(tenon_entry_set_handler(entry, handler, user_data, user_data == NULL ? NULL : owned_destroy));
    return entry;
}

static void add(tenon_entry *entry) {
    tenon_error *err = NULL;
    OK(tenon_server_add(server, entry, &err));
    if (err != NULL) check_failed(__FILE__, __LINE__, "tenon_server_add", tenon_error_message(err));
    tenon_error_free(err);
}

static void says_hello(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_text(call, "hello", TENON_NUL));
}

static void mount_without_a_prefix_and_unmount(void) {
    tenon_server *part = new_server(), *other = new_server();
    tenon_error *error = NULL;
    server = new_server();
    add_tool(part, "hello", NULL, TENON_MODE_WORKER, says_hello, NULL, NULL);
    add_tool(other, "hello", NULL, TENON_MODE_WORKER, says_hello, NULL, NULL);
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_unmount(server, part, NULL, NULL));
    OK(tenon_server_mount(server, part, NULL, NULL));
    CHECK_STATUS(TENON_ERR_DUPLICATE, tenon_server_mount(server, other, NULL, &error));
    CHECK_IN("tool \"hello\"", tenon_error_message(error));
    tenon_error_free(error);
    /* A setting after that builds the server anew. */
    OK(tenon_server_set_instructions(server, "x"));
    begin();
    CHECK_IN("\"text\":\"hello\"", request(1, "tools/call", "{\"name\":\"hello\"}"));
    OK(tenon_server_unmount(server, part, NULL, NULL));
    CHECK_IN("notifications/tools/list_changed", next_line(&peer));
    CHECK_IN("Unknown tool", request(2, "tools/call", "{\"name\":\"hello\"}"));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_unmount(server, part, NULL, NULL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_unmount(server, other, "sub", NULL));
    OK(tenon_server_mount(server, part, "again", NULL));
    CHECK_IN("notifications/tools/list_changed", next_line(&peer));
    CHECK_IN("\"text\":\"hello\"", request(3, "tools/call", "{\"name\":\"again_hello\"}"));
    end();
    OK(tenon_server_free(part));
    OK(tenon_server_free(other));
}

static tenon_entry *resource(void) {
    tenon_entry *entry;
    OK(tenon_resource_new("test://one", &entry, NULL));
    OK(tenon_entry_set(entry, "name", "\"one\"", TENON_NUL));
    return with(entry, says_hello, NULL);
}

static tenon_entry *resource_template(void) {
    tenon_entry *entry;
    OK(tenon_resource_template_new("test://rows/{id}", &entry, NULL));
    OK(tenon_entry_set(entry, "name", "\"rows\"", TENON_NUL));
    return with(entry, says_hello, NULL);
}

static tenon_entry *prompt(void) {
    tenon_entry *entry;
    OK(tenon_prompt_new("greet", &entry, NULL));
    return with(entry, says_hello, NULL);
}

/* Without a prefix what both have is refused by its name, whatever its kind, and nothing of the part is mounted. */
static void mount_refuses_what_both_have(void) {
    static const struct {
        tenon_entry *(*make)(void);
        const char *named, *list;
    } kinds[] = {
        {resource, "resource \"test://one\"", "resources/list"},
        {resource_template, "template \"test://rows/{id}\"", "resources/templates/list"},
        {prompt, "prompt \"greet\"", "prompts/list"},
    };
    size_t i;
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        tenon_server *part = new_server();
        server = new_server();
        add(kinds[i].make());
        add_tool(part, "only", NULL, TENON_MODE_WORKER, says_hello, NULL, NULL);
        OK(tenon_server_add(part, kinds[i].make(), NULL));
        CHECK_ERROR(TENON_ERR_DUPLICATE, kinds[i].named, tenon_server_mount(server, part, NULL, &err));
        OK(tenon_server_mount(server, part, "sub", NULL));
        OK(tenon_server_unmount(server, part, "sub", NULL));
        begin();
        CHECK_IN("Unknown tool", request(1, "tools/call", "{\"name\":\"only\"}"));
        CHECK_IN(i == 2 ? "greet" : "test://", request(2, kinds[i].list, "{}"));
        end();
        OK(tenon_server_free(part));
    }
}

static pthread_t polled_on, called_on;

static void says_where_it_polls(void *user_data, tenon_call *call) {
    polled_on = pthread_self();
    says_hello(user_data, call);
}

static void says_where_it_is_called(void *user_data, tenon_call *call) {
    called_on = pthread_self();
    says_hello(user_data, call);
}

/* Where callbacks run is what their entries say, in the server that is served. */
static void modes_in_a_mounted_server(void) {
    tenon_server *part = new_server(), *within = new_server();
    uint32_t handled = 0;
    server = new_server();
    add_tool(within, "polled", NULL, TENON_MODE_POLL, says_where_it_polls, NULL, NULL);
    add_tool(part, "polled", NULL, TENON_MODE_POLL, says_where_it_polls, NULL, NULL);
    add_tool(within, "here", NULL, TENON_MODE_INLINE, says_where_it_is_called, NULL, NULL);
    OK(tenon_server_mount(part, within, "in", NULL));
    OK(tenon_server_mount(server, part, "sub", NULL));
    begin();
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_poll(part, 0, 0, NULL));
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"sub_polled\"}}");
    OK(tenon_server_poll(server, 1, -1, &handled));
    CHECK(handled == 1 && pthread_equal(polled_on, pthread_self()));
    CHECK_IN("\"text\":\"hello\"", next_line(&peer));
    polled_on = 0;
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"sub_in_polled\"}}");
    OK(tenon_server_poll(server, 1, -1, &handled));
    CHECK(handled == 1 && pthread_equal(polled_on, pthread_self()));
    CHECK_IN("\"text\":\"hello\"", next_line(&peer));
    CHECK_IN("\"text\":\"hello\"", request(3, "tools/call", "{\"name\":\"sub_in_here\"}"));
    CHECK(!pthread_equal(called_on, pthread_self()));
    end();
    OK(tenon_server_free(part));
    OK(tenon_server_free(within));
}

/* What was unmounted before the start does not come back with the settings that are set before the start or after the unmount. */
static void unmount_before_the_start(void) {
    int later;
    for (later = 0; later < 2; later++) {
        tenon_server *part = new_server();
        const char *line;
        server = new_server();
        add_tool(part, "hello", NULL, TENON_MODE_WORKER, says_hello, NULL, NULL);
        add_tool(server, "own", NULL, TENON_MODE_WORKER, says_hello, NULL, NULL);
        OK(tenon_server_set_limit(server, TENON_LIMIT_CALLS, 100));
        OK(tenon_server_mount(server, part, "sub", NULL));
        OK(tenon_server_mount(server, part, "other", NULL));
        OK(tenon_server_unmount(server, part, "sub", NULL));
        if (later) OK(tenon_server_set_limit(server, TENON_LIMIT_CALLS, 101));
        begin();
        line = request(1, "tools/list", "{}");
        CHECK_IN("\"name\":\"own\"", line);
        CHECK_IN("\"name\":\"other_hello\"", line);
        CHECK(strstr(line, "sub_hello") == NULL);
        CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_unmount(server, part, "sub", NULL));
        end();
        OK(tenon_server_free(part));
    }
}

static void waits_to_go(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    sem_post(&owned->entered);
    wait_for(&owned->go);
    OK(tenon_call_return_text(call, "gone on", TENON_NUL));
}

/* A call that runs and one that waits for a thread both come to their end. Then nothing of the part is left here. */
static void unmount_with_calls_in_flight(void) {
    tenon_server *part = new_server();
    tenon_entry *entry;
    struct owned owned;
    const char *line;
    int id;
    owned_init(&owned);
    server = new_server();
    OK(tenon_server_set_worker_threads(server, 1));
    OK(tenon_tool_new("waits", &entry, NULL));
    OK(tenon_server_add(part, with(entry, waits_to_go, &owned), NULL));
    OK(tenon_server_mount(server, part, "sub", NULL));
    begin();
    call_tool(&peer, 1, "sub_waits", "{}");
    wait_for(&owned.entered);
    call_tool(&peer, 2, "sub_waits", "{}");
    /* Once this is answered, the call before it waits for a thread. */
    CHECK_IN("\"id\":3,\"result\"", request(3, "ping", "{}"));
    OK(tenon_server_unmount(server, part, "sub", NULL));
    CHECK_IN("notifications/tools/list_changed", next_line(&peer));
    CHECK_IN("Unknown tool", request(4, "tools/call", "{\"name\":\"sub_waits\"}"));
    OK(tenon_server_free(part));
    CHECK(owned.destroyed == 0);
    for (id = 1; id <= 2; id++) {
        sem_post(&owned.go);
        line = next_line(&peer);
        CHECK(has_text(line, "gone on"));
    }
    wait_for(&owned.gone);
    CHECK(owned.destroyed == 1);
    end();
    CHECK(owned.destroyed == 1);
}

static void keeps_for_later(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    OK(tenon_call_retain(call));
    owned->slot = call;
    sem_post(&owned->entered);
}

/* The last call may be one that the program keeps. */
static void unmount_with_a_kept_call(void) {
    tenon_server *part = new_server();
    tenon_entry *entry;
    struct owned owned;
    owned_init(&owned);
    server = new_server();
    OK(tenon_tool_new("kept", &entry, NULL));
    OK(tenon_server_add(part, with(entry, keeps_for_later, &owned), NULL));
    OK(tenon_server_mount(server, part, "sub", NULL));
    begin();
    call_tool(&peer, 1, "sub_kept", "{}");
    wait_for(&owned.entered);
    OK(tenon_server_unmount(server, part, "sub", NULL));
    CHECK_IN("notifications/tools/list_changed", next_line(&peer));
    OK(tenon_server_free(part));
    OK(tenon_call_return_text(owned.slot, "late", TENON_NUL));
    CHECK(has_text(next_line(&peer), "late"));
    CHECK(owned.destroyed == 0);
    tenon_call_release(owned.slot);
    wait_for(&owned.gone);
    end();
    CHECK(owned.destroyed == 1);
}

/* A server that is mounted nowhere any more is one of its own. */
static void an_unmounted_server_is_free(void) {
    tenon_server *part = new_server(), *other = new_server();
    tenon_entry *entry;
    struct owned owned;
    int i;
    owned_init(&owned);
    server = new_server();
    OK(tenon_tool_new("hello", &entry, NULL));
    OK(tenon_server_add(part, with(entry, says_hello, &owned), NULL));
    begin();
    for (i = 0; i < 3; i++) {
        OK(tenon_server_mount(server, part, "sub", NULL));
        OK(tenon_server_mount(other, part, NULL, NULL));
        OK(tenon_server_unmount(server, part, "sub", NULL));
        CHECK_STATUS(TENON_ERR_STATE, tenon_server_set_instructions(part, "too early"));
        OK(tenon_server_unmount(other, part, NULL, NULL));
        OK(tenon_server_set_instructions(part, "on its own"));
    }
    /* The end of the one that it is mounted in frees it too. */
    OK(tenon_server_mount(other, part, NULL, NULL));
    OK(tenon_server_free(other));
    OK(tenon_server_set_instructions(part, "again"));
    OK(tenon_server_free(part));
    CHECK(owned.destroyed == 1);
    end();
}

static void counts_the_stop(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    (void)call;
    atomic_fetch_add(&owned->calls, 1);
}

/* It is told of the stop after it was unmounted, so its callbacks stay that long. */
static void an_unmounted_server_hears_of_the_stop(void) {
    tenon_server *part = new_server();
    struct owned owned;
    owned_init(&owned);
    server = new_server();
    OK(tenon_server_on(part, "stop", TENON_MODE_WORKER, counts_the_stop, &owned, owned_destroy, NULL));
    add_tool(part, "hello", NULL, TENON_MODE_WORKER, says_hello, NULL, NULL);
    OK(tenon_server_mount(server, part, "sub", NULL));
    begin();
    /* Once this is answered, the client is told of changes. */
    CHECK_IN("\"id\":1,\"result\"", request(1, "ping", "{}"));
    OK(tenon_server_unmount(server, part, "sub", NULL));
    CHECK_IN("notifications/tools/list_changed", next_line(&peer));
    OK(tenon_server_free(part));
    CHECK(owned.destroyed == 0);
    end();
    CHECK(owned.calls == 1 && owned.destroyed == 1);
}

/* Only its hooks stay, and the hook that it has at the end is told. */
static void an_unmounted_server_has_another_stop(void) {
    tenon_server *part = new_server();
    struct owned tool, early, late;
    tenon_entry *entry;
    owned_init(&tool);
    owned_init(&early);
    owned_init(&late);
    server = new_server();
    OK(tenon_server_on(part, "start", TENON_MODE_WORKER, counts_the_stop, &early, owned_destroy, NULL));
    OK(tenon_tool_new("hello", &entry, NULL));
    OK(tenon_server_add(part, with(entry, says_hello, &tool), NULL));
    OK(tenon_server_mount(server, part, "sub", NULL));
    begin();
    CHECK_IN("\"id\":1,\"result\"", request(1, "ping", "{}"));
    OK(tenon_server_unmount(server, part, "sub", NULL));
    OK(tenon_server_remove(part, TENON_KIND_TOOL, "hello"));
    CHECK(tool.destroyed == 1);
    OK(tenon_server_on(part, "stop", TENON_MODE_WORKER, counts_the_stop, &late, owned_destroy, NULL));
    end();
    CHECK(early.calls == 1 && late.calls == 1 && late.destroyed == 0);
    OK(tenon_server_free(part));
    CHECK(early.destroyed == 1 && late.destroyed == 1);
}

/* A call that a forked child has a copy of lets go of nothing there. */
static void unmount_and_fork(void) {
    tenon_server *part = new_server();
    struct owned kept, other;
    tenon_entry *entry;
    pid_t child;
    int status;
    owned_init(&kept);
    owned_init(&other);
    server = new_server();
    OK(tenon_tool_new("kept", &entry, NULL));
    OK(tenon_server_add(part, with(entry, keeps_for_later, &kept), NULL));
    OK(tenon_tool_new("other", &entry, NULL));
    OK(tenon_server_add(part, with(entry, says_hello, &other), NULL));
    OK(tenon_server_mount(server, part, "sub", NULL));
    begin();
    call_tool(&peer, 1, "sub_kept", "{}");
    wait_for(&kept.entered);
    OK(tenon_server_unmount(server, part, "sub", NULL));
    CHECK_IN("notifications/tools/list_changed", next_line(&peer));
    OK(tenon_server_free(part));
    child = fork();
    if (child == 0) {
        tenon_call_release(kept.slot);
        /* Nothing of the child runs at its end: valgrind would count what it has of its parent as lost. */
        if (kept.destroyed == 0 && other.destroyed == 0) kill(getpid(), SIGKILL);
        _exit(1);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK(kept.destroyed == 0 && other.destroyed == 0);
    OK(tenon_call_return_text(kept.slot, "late", TENON_NUL));
    CHECK(has_text(next_line(&peer), "late"));
    tenon_call_release(kept.slot);
    end();
    CHECK(kept.destroyed == 1 && other.destroyed == 1);
}

static void mount(void) {
    tenon_server *part = new_server();
    tenon_error *error = NULL;
    struct owned owned;
    tenon_entry *entry;
    owned_init(&owned);
    server = new_server();
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_mount(NULL, part, "sub", NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_mount(server, NULL, "sub", NULL));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_mount(server, part, "a_b", NULL));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_mount(server, server, "sub", &error));
    tenon_error_free(error);
    OK(tenon_tool_new("hello", &entry, NULL));
    OK(tenon_entry_set_handler(entry, says_hello, &owned, owned_destroy));
    OK(tenon_server_add(part, entry, NULL));
    add_tool(part, "here", NULL, TENON_MODE_INLINE, says_hello, NULL, NULL);
    OK(tenon_server_mount(server, part, "sub", NULL));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_set_instructions(part, "too late"));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_mount(part, server, "back", NULL));
    CHECK_STATUS(TENON_ERR_DUPLICATE, tenon_server_mount(server, part, "sub", NULL));
    /* A setting after that builds the server anew. */
    OK(tenon_server_set_instructions(server, "x"));
    begin();
    CHECK_IN("\"text\":\"hello\"", request(1, "tools/call", "{\"name\":\"sub_hello\"}"));
    CHECK_IN("\"text\":\"hello\"", request(2, "tools/call", "{\"name\":\"sub_here\"}"));
    add_tool(part, "more", NULL, TENON_MODE_WORKER, says_hello, NULL, NULL);
    CHECK_IN("notifications/tools/list_changed", next_line(&peer));
    CHECK_IN("\"text\":\"hello\"", request(3, "tools/call", "{\"name\":\"sub_more\"}"));
    /* What it had stays. */
    OK(tenon_server_free(part));
    CHECK(owned.destroyed == 0);
    CHECK_IN("\"text\":\"hello\"", request(4, "tools/call", "{\"name\":\"sub_hello\"}"));
    end();
    CHECK(owned.destroyed == 1);
}

static const struct test all[] = {
    {"mount", mount},
    {"mount without a prefix, and unmount", mount_without_a_prefix_and_unmount},
    {"mount refuses what both have", mount_refuses_what_both_have},
    {"modes in a mounted server", modes_in_a_mounted_server},
    {"unmount before the start", unmount_before_the_start},
    {"unmount with calls in flight", unmount_with_calls_in_flight},
    {"unmount with a kept call", unmount_with_a_kept_call},
    {"an unmounted server is free", an_unmounted_server_is_free},
    {"an unmounted server hears of the stop", an_unmounted_server_hears_of_the_stop},
    {"an unmounted server has another stop", an_unmounted_server_has_another_stop},
    {"unmount and fork", unmount_and_fork},
};
RUN_TESTS(all)
