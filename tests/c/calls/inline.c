/* Inline callbacks run only on the thread that received the call or its last answer. */
#include <unistd.h>

#include "support.h"

#define FORM "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}},\"required\":[\"name\"]}"

static void thread_name(char *name, size_t size) { CHECK(pthread_getname_np(pthread_self(), name, size) == 0); }

static tenon_call *kept[300];

static void is_reader(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    char name[32];
    int number = atomic_fetch_add(&owned->calls, 1);
    thread_name(name, sizeof name);
    if (strcmp(name, "tenon-stdin") != 0) check_failed(__FILE__, __LINE__, "the callback runs on the reader", name);
    if (number % 3 == 0) {
        /* Never completed: it times out. */
        OK(tenon_call_retain(call));
        kept[number] = call;
    } else {
        /* May have timed out as well. */
        tenon_call_return_bool(call, true);
    }
}

/* Neither the timer, which ends calls meanwhile, nor any other thread runs them. */
static void on_the_receiving_thread(void) {
    tenon_server *server = new_server();
    struct owned owned;
    struct peer peer;
    tenon_entry *tool = NULL;
    int i;
    owned_init(&owned);
    OK(tenon_tool_new("here", &tool, NULL));
    OK(tenon_entry_set_mode(tool, TENON_MODE_INLINE));
    OK(tenon_entry_set_timeout_ms(tool, 1));
    OK(tenon_entry_set_handler(tool, is_reader, &owned, NULL));
    OK(tenon_server_add(server, tool, NULL));
    serve(&peer, server);
    initialize(&peer, "{}");
    for (i = 0; i < 300; i++) call_tool(&peer, i + 1, "here", "{}");
    for (i = 0; i < 300; i++) CHECK_IN("\"result\"", next_line(&peer));
    CHECK(owned.calls == 300);
    for (i = 0; i < 300; i++) tenon_call_release(kept[i]);
    OK(tenon_server_free(server));
    close_peer(&peer);
}

/* A program that holds its lock around the library's functions, and takes it in callbacks. */
struct program {
    pthread_mutex_t lock;
    pthread_t main_thread;
    tenon_call *call;
    sem_t asked;
    atomic_int attempts, inside;
};

static void ask_and_keep(void *user_data, tenon_call *call) {
    struct program *program = user_data;
    tenon_answer *answer = NULL;
    const char *name;
    if (pthread_equal(pthread_self(), program->main_thread)) {
        atomic_fetch_add(&program->inside, 1);
    } else {
        pthread_mutex_lock(&program->lock);
        pthread_mutex_unlock(&program->lock);
    }
    atomic_fetch_add(&program->attempts, 1);
    if (tenon_call_elicit(call, NULL, "Who?", FORM, &answer, NULL) == TENON_OK) {
        OK(tenon_answer_string(answer, "name", &name, NULL));
        OK(tenon_call_return_text(call, name, TENON_NUL));
        tenon_answer_free(answer);
        return;
    }
    OK(tenon_call_retain(call));
    program->call = call;
    sem_post(&program->asked);
}

/* The answer has come when the program gives up the attempt: the next one must not run inside tenon_call_release(). */
static void never_inside_a_function_of_the_program(void) {
    tenon_server *server = new_server();
    struct program program = {.lock = PTHREAD_MUTEX_INITIALIZER, .main_thread = pthread_self()};
    struct peer peer;
    const char *line;
    int i;
    sem_init(&program.asked, 0, 0);
    add_tool(server, "ask", NULL, TENON_MODE_INLINE, ask_and_keep, &program, NULL);
    serve(&peer, server);
    initialize(&peer, ELICITATION);
    for (i = 1; i <= 20; i++) {
        call_tool(&peer, i, "ask", "{}");
        wait_for(&program.asked);
        line = next_line(&peer);
        CHECK_IN("Who?", line);
        send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}}",
                  atoi(strstr(line, "\"id\":") + 5));
        send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"ping\"}", 1000 + i);
        CHECK_IN("\"id\":10", next_line(&peer));
        pthread_mutex_lock(&program.lock);
        tenon_call_release(program.call);
        pthread_mutex_unlock(&program.lock);
        CHECK(has_text(next_line(&peer), "Ada"));
    }
    CHECK(program.attempts == 40 && program.inside == 0);
    pthread_mutex_lock(&program.lock);
    OK(tenon_server_free(server));
    pthread_mutex_unlock(&program.lock);
    close_peer(&peer);
}

static void block(void *user_data, tenon_call *call) {
    struct owned *owned = user_data;
    char name[32];
    thread_name(name, sizeof name);
    CHECK(strncmp(name, "tenon-io", 8) == 0);
    sem_post(&owned->entered);
    wait_for(&owned->go);
    OK(tenon_call_return_text(call, "blocked", TENON_NUL));
}

static void quick(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_text(call, "quick", TENON_NUL));
}

/* While a callback of one connection blocks, which it should not, another connection is served. */
static void a_blocked_callback_holds_no_other_connection(void) {
    tenon_server *server = new_server();
    struct owned owned;
    const char *url;
    int round;
    owned_init(&owned);
    add_tool(server, "block", NULL, TENON_MODE_INLINE, block, &owned, NULL);
    add_tool(server, "quick", NULL, TENON_MODE_INLINE, quick, NULL, NULL);
    OK(tenon_server_listen_http(server, "127.0.0.1:0", NULL));
    OK(tenon_server_start(server, NULL));
    OK(tenon_server_http_url(server, &url, NULL));
    for (round = 0; round < 20; round++) {
        int blocked = http_connect(url), other = http_connect(url);
        http_post(other, "quick");
        http_read(other, "\"quick\"");
        /* Alone, so that the thread which waits for sockets finds nothing else to do. */
        http_post(blocked, "block");
        wait_for(&owned.entered);
        http_post(other, "quick");
        http_read(other, "\"quick\"");
        sem_post(&owned.go);
        http_read(blocked, "\"blocked\"");
        close(blocked);
        close(other);
    }
    OK(tenon_server_free(server));
}

static tenon_server *with_threads(uint64_t count, struct owned *owned) {
    tenon_server *server = new_server();
    OK(tenon_server_set_limit(server, TENON_LIMIT_IO_THREADS, count));
    add_tool(server, "block", NULL, TENON_MODE_INLINE, block, owned, NULL);
    add_tool(server, "quick", NULL, TENON_MODE_INLINE, quick, NULL, NULL);
    OK(tenon_server_listen_http(server, "127.0.0.1:0", NULL));
    OK(tenon_server_start(server, NULL));
    return server;
}

static int connect_to(tenon_server *server) {
    const char *url;
    OK(tenon_server_http_url(server, &url, NULL));
    return http_connect(url);
}

static void is_quick(int fd) {
    http_post(fd, "quick");
    http_read(fd, "\"quick\"");
}

/* A thread that starts while the reserve of another one is released is still there once that is held again. */
static void a_thread_that_starts_meanwhile_goes_on(void) {
    int with_server, i;
    for (with_server = 0; with_server < 2; with_server++) {
        struct owned owned;
        tenon_server *server, *second, *third = NULL;
        int blocked, helped, other;
        owned_init(&owned);
        /* Each server begins on the next of three threads, and its connections go round from there. */
        server = with_threads(3, &owned);
        second = with_threads(3, &owned);
        blocked = connect_to(server);
        is_quick(blocked);
        http_post(blocked, "block");
        wait_for(&owned.entered);
        /* The reserve of the first thread accepts it, so that has been released. */
        helped = connect_to(server);
        is_quick(helped);
        if (with_server) third = with_threads(3, &owned);
        other = connect_to(with_server ? third : server);
        is_quick(other);
        sem_post(&owned.go);
        http_read(blocked, "\"blocked\"");
        /* The reserve is held again about 5 ms later. */
        for (i = 0; i < 100; i++) {
            is_quick(other);
            usleep(1000);
        }
        close(other);
        close(helped);
        close(blocked);
        if (third != NULL) OK(tenon_server_free(third));
        OK(tenon_server_free(second));
        OK(tenon_server_free(server));
    }
}

struct traffic {
    int fd;
    atomic_int ended, calls;
};

static void *calls_always(void *data) {
    struct traffic *traffic = data;
    while (!traffic->ended) {
        is_quick(traffic->fd);
        traffic->calls++;
    }
    return NULL;
}

/* What goes on on one thread does not hide that a callback blocks another one. */
static void a_blocked_callback_is_seen_in_the_traffic_of_others(void) {
    tenon_server *server;
    struct owned owned;
    struct traffic traffic = {0};
    pthread_t thread;
    int blocked, third, round;
    owned_init(&owned);
    server = with_threads(2, &owned);
    /* In turn on the two threads. */
    blocked = connect_to(server);
    is_quick(blocked);
    traffic.fd = connect_to(server);
    is_quick(traffic.fd);
    third = connect_to(server);
    is_quick(third);
    CHECK(pthread_create(&thread, NULL, calls_always, &traffic) == 0);
    for (round = 0; round < 5; round++) {
        http_post(blocked, "block");
        wait_for(&owned.entered);
        traffic.calls = 0;
        is_quick(third);
        /* It takes two looks of 5 ms, in which there is room for some hundred calls. */
        CHECK(traffic.calls < 20000);
        sem_post(&owned.go);
        http_read(blocked, "\"blocked\"");
    }
    traffic.ended = 1;
    CHECK(pthread_join(thread, NULL) == 0);
    close(third);
    close(traffic.fd);
    close(blocked);
    OK(tenon_server_free(server));
}

static const struct test all[] = {
    {"on_the_receiving_thread", on_the_receiving_thread},
    {"never_inside_a_function_of_the_program", never_inside_a_function_of_the_program},
    {"a_blocked_callback_holds_no_other_connection", a_blocked_callback_holds_no_other_connection},
    {"a_thread_that_starts_meanwhile_goes_on", a_thread_that_starts_meanwhile_goes_on},
    {"a_blocked_callback_is_seen_in_the_traffic_of_others", a_blocked_callback_is_seen_in_the_traffic_of_others},
};
RUN_TESTS(all)
