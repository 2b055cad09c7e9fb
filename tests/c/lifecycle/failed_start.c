/* A start that fails half-way releases everything. */
#include <dirent.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#define WORKERS 256

static void yes(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_bool(call, true));
}

/* The second number of /proc/self/statm is resident; the first is what RLIMIT_AS counts, in pages. */
static size_t address_space(void) {
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    CHECK(statm != NULL && fscanf(statm, "%lu", &pages) == 1);
    if (statm != NULL) fclose(statm);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static int threads(void) {
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;
    int count = 0;
    while ((entry = readdir(tasks)) != NULL) count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/* Leaves room for some threads' stacks, and not for all. */
static void leave_room(size_t room) {
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = room == 0 ? limit.rlim_max : address_space() + room;
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
}

static void a_thread_that_does_not_start(void) {
    tenon_server *server = new_server();
    struct peer peer;
    tenon_error *err = NULL;
    const char *preload = getenv("LD_PRELOAD");
    void *heap;
    int i;
    /* The limit would be valgrind's own too. */
    if (preload != NULL && strstr(preload, "vgpreload") != NULL) {
        OK(tenon_server_free(server));
        return;
    }
    /* What is allocated from here on comes from one heap that is large enough already. */
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    heap = malloc(16 << 20);
    free(heap);

    OK(tenon_server_set_worker_threads(server, WORKERS));
    add_tool(server, "yes", NULL, TENON_MODE_WORKER, yes, NULL, NULL);
    connect_peer(&peer, server);
    OK(tenon_server_listen_http(server, "127.0.0.1:0", NULL));
    leave_room(1 << 20);
    CHECK_STATUS(TENON_ERR_IO, tenon_server_start(server, &err));
    leave_room(0);
    CHECK_IN("cannot start thread", tenon_error_message(err));
    tenon_error_free(err);
    /* The system takes a moment to forget a thread that was joined. */
    for (i = 0; i < 1000000 && threads() > 1; i++) sched_yield();
    CHECK(threads() == 1);
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_close(server));
    CHECK(!tenon_server_is_closed(server));

    /* As if it had not been tried. */
    OK(tenon_server_set_worker_threads(server, 2));
    OK(tenon_server_start(server, NULL));
    initialize(&peer, "{}");
    call_tool(&peer, 1, "yes", "{}");
    CHECK(has_text(next_line(&peer), "true"));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static const struct test all[] = {{"a_thread_that_does_not_start", a_thread_that_does_not_start}};
RUN_TESTS(all)
