/*
 * A program with a main loop of its own: epoll, a timer that ticks, and a server whose callbacks run in that loop. They
 * share the program's state without a lock, because no other thread touches it.
 *
 * Serves stdio; with an argument such as 127.0.0.1:8000, HTTP.
 */
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <tenon.h>

struct state {
    long ticks;
    char label[128];
};

static void status(void *user_data, tenon_call *call) {
    struct state *state = user_data;
    char text[256];
    snprintf(text, sizeof text, "%ld ticks, label \"%s\"", state->ticks, state->label);
    tenon_call_return_text(call, text, TENON_NUL);
}

static void set_label(void *user_data, tenon_call *call) {
    struct state *state = user_data;
    const char *label;
    size_t len;
    if (tenon_call_arg_string(call, "label", &label, &len) != TENON_OK) return;
    if (len >= sizeof state->label) {
        tenon_call_fail(call, "the label is too long");
        return;
    }
    memcpy(state->label, label, len + 1);
    tenon_call_return_text(call, "done", TENON_NUL);
}

static tenon_status add(
    tenon_server *server, const char *name, const char *description, const char *schema, tenon_handler_fn handler,
    struct state *state, tenon_error **err) {
    tenon_entry *tool;
    tenon_status made = tenon_tool_new(name, &tool, err);
    if (made != TENON_OK) return made;
    tenon_entry_set_description(tool, description);
    if (schema != NULL) tenon_tool_set_input_schema(tool, schema);
    tenon_entry_set_mode(tool, TENON_MODE_POLL);
    tenon_entry_set_handler(tool, handler, state, NULL);
    return tenon_server_add(server, tool, err);
}

static int failed(tenon_error *err) {
    fprintf(stderr, "mainloop: %s\n", tenon_error_message(err));
    tenon_error_free(err);
    return 1;
}

int main(int argc, char **argv) {
    struct state state = {0, "none"};
    struct itimerspec every = {{0, 100000000}, {0, 100000000}};
    struct epoll_event event = {0};
    tenon_server *server;
    tenon_error *err = NULL;
    const char *url;
    int loop = epoll_create1(EPOLL_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), wake;

    if (tenon_server_new("mainloop", "1.0.0", &server, &err) != TENON_OK) return failed(err);
    if (add(server, "status", "Tell the program's state.", NULL, status, &state, &err) != TENON_OK) return failed(err);
    if (add(server, "set_label", "Change the label.",
            "{\"type\":\"object\",\"properties\":{\"label\":{\"type\":\"string\"}},\"required\":[\"label\"]}", set_label,
            &state, &err) != TENON_OK)
        return failed(err);
    if (argc > 1) {
        if (tenon_server_listen_http(server, argv[1], &err) != TENON_OK) return failed(err);
    } else {
        if (tenon_server_listen_stdio(server, &err) != TENON_OK) return failed(err);
    }
    if (tenon_server_start(server, &err) != TENON_OK) return failed(err);
    if (tenon_server_http_url(server, &url, NULL) == TENON_OK) {
        printf("listening %s\n", url);
        fflush(stdout);
    }
    tenon_server_wake_fd(server, &wake);

    timerfd_settime(timer, 0, &every, NULL);
    event.events = EPOLLIN;
    event.data.fd = timer;
    epoll_ctl(loop, EPOLL_CTL_ADD, timer, &event);
    event.data.fd = wake;
    epoll_ctl(loop, EPOLL_CTL_ADD, wake, &event);

    for (;;) {
        if (epoll_wait(loop, &event, 1, -1) < 1) continue;
        if (event.data.fd == timer) {
            uint64_t expired;
            if (read(timer, &expired, sizeof expired) == sizeof expired) state.ticks += (long)expired;
        } else if (tenon_server_poll(server, 0, 0, NULL) != TENON_OK) {
            break; /* TENON_ENDED */
        }
    }
    close(timer);
    close(loop);
    return tenon_server_free(server) == TENON_OK ? 0 : 1;
}
