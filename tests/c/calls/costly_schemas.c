/* Schemas that are costly to check: refused at registration, or stopped at a limit. */
#include <dirent.h>
#include <poll.h>
#include <unistd.h>

#include "support.h"

static void publish(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_text(call, "published", TENON_NUL));
}

/* Twenty definitions, each of which refers ten times to the next. */
static void expanding(char *schema) {
    int level, times;
    schema += sprintf(schema, "{\"type\":\"object\",\"properties\":{\"x\":{\"$ref\":\"#/$defs/d0\"}},\"$defs\":{");
    for (level = 0; level < 20; level++) {
        schema += sprintf(schema, "\"d%d\":{\"allOf\":[", level);
        for (times = 0; times < 10; times++) {
            schema += sprintf(schema, "%s{\"$ref\":\"#/$defs/d%d\"}", times ? "," : "", level + 1);
        }
        schema += sprintf(schema, "]},");
    }
    sprintf(schema, "\"d20\":{\"type\":\"integer\"}}}");
}

static void an_expanding_schema(void) {
    static char schema[16384];
    tenon_server *server = new_server();
    tenon_entry *entry;
    int output;
    expanding(schema);
    for (output = 0; output < 2; output++) {
        OK(tenon_tool_new("odd", &entry, NULL));
        OK(tenon_entry_set_handler(entry, publish, NULL, NULL));
        if (output) {
            OK(tenon_tool_set_input_schema(entry, "{\"type\":\"object\"}"));
            (void)tenon_tool_set_output_schema(entry, schema);
        } else {
            (void)tenon_tool_set_input_schema(entry, schema);
        }
        CHECK_ERROR(TENON_ERR_INVALID, "more than 10000 schemas apply to one value", tenon_server_add(server, entry, &err));
    }
    OK(tenon_server_free(server));
}

static void a_pattern_at_its_limit(void) {
    static char arguments[2100];
    struct peer peer;
    tenon_server *server = new_server();
    add_tool(server, "publish",
        "{\"type\":\"object\",\"properties\":{\"slug\":{\"type\":\"string\",\"pattern\":\"^(?!-)[a-z0-9-]+(?<!-)$\"}}}",
        TENON_MODE_WORKER, publish, NULL, NULL);
    serve(&peer, server);
    strcpy(arguments, "{\"slug\":\"");
    memset(arguments + 9, 'a', 2000);
    strcpy(arguments + 2009, "!\"}");
    call_modern(&peer, 1, "publish", arguments, "{}", "");
    CHECK_IN("takes too many steps to be matched", next_answer(&peer));
    call_modern(&peer, 2, "publish", "{\"slug\":\"a-b\"}", "{}", "");
    CHECK_IN("published", next_answer(&peer));
    close_peer(&peer);
    OK(tenon_server_free(server));
}

/* Whether a thread is there that checks arguments; it is there for nothing else. */
static bool checking(void) {
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    bool found = false;
    CHECK(tasks != NULL);
    while (!found && (task = readdir(tasks)) != NULL) {
        char path[300], name[32] = "";
        FILE *file;
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        file = fopen(path, "r");
        /* It may have ended meanwhile. */
        if (file == NULL) continue;
        found = fgets(name, sizeof name, file) != NULL && strcmp(name, "tenon-check\n") == 0;
        fclose(file);
    }
    closedir(tasks);
    return found;
}

/* The connections of the client whose calls are costly. */
#define CONNECTIONS 30

/* Whether all of them have an answer. */
static bool answered(const int *greedy) {
    int number;
    for (number = 0; number < CONNECTIONS; number++) {
        struct pollfd ready = {greedy[number], POLLIN, 0};
        if (poll(&ready, 1, 0) == 0) return false;
    }
    return true;
}

static void a_costly_check_holds_up_no_other_client(void) {
    tenon_server *server = new_server();
    const char *url;
    int greedy[CONNECTIONS], other, calls, number;
    static char arguments[3100];
    /* It looks at the rest of a text once for each character. */
    add_tool(server, "costly",
        "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\",\"pattern\":\"(?=.*b)x\"}}}",
        TENON_MODE_WORKER, publish, NULL, NULL);
    add_tool(server, "cheap", NULL, TENON_MODE_WORKER, publish, NULL, NULL);
    OK(tenon_server_listen_http(server, "127.0.0.1:0", NULL));
    OK(tenon_server_start(server, NULL));
    OK(tenon_server_http_url(server, &url, NULL));
    for (number = 0; number < CONNECTIONS; number++) greedy[number] = http_connect(url);
    other = http_connect(url);
    strcpy(arguments, "{\"text\":\"");
    memset(arguments + 9, 'a', 3000);
    strcpy(arguments + 3009, "\"}");
    /* All of them take about a hundred times as long as the calls of the other client together. */
    for (number = 0; number < CONNECTIONS; number++) http_call(greedy[number], "costly", arguments);
    while (!checking() && !answered(greedy)) continue;
    /* Otherwise no thread of its own checked them. */
    CHECK(!answered(greedy));
    for (calls = 0; calls < 10; calls++) {
        http_post(other, "cheap");
        http_read(other, "published");
    }
    CHECK(checking() && !answered(greedy));
    for (number = 0; number < CONNECTIONS; number++) {
        http_read(greedy[number], "takes too many steps to be matched");
        close(greedy[number]);
    }
    close(other);
    OK(tenon_server_free(server));
}

static const struct test tests[] = {
    {"an expanding schema", an_expanding_schema},
    {"a pattern at its limit", a_pattern_at_its_limit},
    {"a costly check holds up no other client", a_costly_check_holds_up_no_other_client},
};
RUN_TESTS(tests)
