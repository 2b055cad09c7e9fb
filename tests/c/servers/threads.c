/* The threads of servers: their number, and the callback at their start. */
#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

enum { SERVERS = 100, MOST_IO = 4 };

static int threads(void) {
    DIR *tasks = opendir("/proc/self/task");
    int count = -2; /* . and .. */
    while (readdir(tasks) != NULL) count++;
    closedir(tasks);
    return count;
}

/* Waits until there are so many. */
static void threads_become(int count) {
    int i;
    for (i = 0; i < 20000 && threads() != count; i++) usleep(1000);
    CHECK(threads() == count);
}

static void yes(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_bool(call, true));
}

static void begins(void *user_data, tenon_call *call) {
    (void)user_data;
    (void)call;
}

static tenon_server *http_server(void) {
    tenon_server *server = new_server();
    add_tool(server, "yes", NULL, TENON_MODE_WORKER, yes, NULL, NULL);
    OK(tenon_server_listen_http(server, "127.0.0.1:0", NULL));
    return server;
}

static void is_served(tenon_server *server) {
    const char *url;
    int fd;
    OK(tenon_server_http_url(server, &url, NULL));
    fd = http_connect(url);
    http_post(fd, "yes");
    CHECK_IN("true", http_read(fd, "true"));
    close(fd);
}

static void many_servers_share_threads(void) {
    static tenon_server *servers[SERVERS];
    int i, before = threads();
    for (i = 0; i < SERVERS; i++) {
        servers[i] = http_server();
        OK(tenon_server_start(servers[i], NULL));
        /* The clock, a thread for sockets and one in reserve; workers come with calls. */
        if (i == 0) CHECK(threads() == before + 3);
    }
    CHECK(threads() <= before + 1 + 2 * MOST_IO);
    is_served(servers[0]);
    is_served(servers[SERVERS - 1]);
    CHECK(threads() <= before + 1 + 2 * MOST_IO + 2);
    for (i = 0; i < SERVERS; i++) OK(tenon_server_free(servers[i]));
    threads_become(before);
}

struct names {
    struct owned owned;
    pthread_mutex_t lock;
    char all[1024];
};

static void started(void *user_data, const char *name) {
    struct names *names = user_data;
    size_t used;
    CHECK(names->owned.destroyed == 0);
    pthread_mutex_lock(&names->lock);
    used = strlen(names->all);
    snprintf(names->all + used, sizeof names->all - used, "%s;", name);
    pthread_mutex_unlock(&names->lock);
    sem_post(&names->owned.entered);
}

static bool has_started(struct names *names, const char *name) {
    bool has;
    pthread_mutex_lock(&names->lock);
    has = strstr(names->all, name) != NULL;
    pthread_mutex_unlock(&names->lock);
    return has;
}

static void a_hook_is_called_on_each_thread(void) {
    tenon_server *server = http_server();
    struct names replaced, names, late;
    owned_init(&replaced.owned);
    owned_init(&names.owned);
    owned_init(&late.owned);
    pthread_mutex_init(&names.lock, NULL);
    names.all[0] = '\0';
    CHECK_STATUS(TENON_ERR_NULL, tenon_server_set_thread_start(NULL, started, &late, owned_destroy));
    CHECK(late.owned.destroyed == 1);
    OK(tenon_server_set_thread_start(server, started, &replaced, owned_destroy));
    OK(tenon_server_set_thread_start(server, started, &names, owned_destroy));
    CHECK(replaced.owned.destroyed == 1 && names.owned.destroyed == 0);
    OK(tenon_server_on(server, "start", TENON_MODE_INLINE, begins, NULL, NULL, NULL));
    OK(tenon_server_set_limit(server, TENON_LIMIT_IO_THREADS, 1));
    OK(tenon_server_set_limit(server, TENON_LIMIT_THREAD_STACK_BYTES, 1 << 20));
    OK(tenon_server_start(server, NULL));
    CHECK_STATUS(TENON_ERR_STATE, tenon_server_set_thread_start(server, started, &late, owned_destroy));
    CHECK(late.owned.destroyed == 2);
    is_served(server);
    /* It may begin to run late; a hook of a server that was freed is not called any more. */
    while (!has_started(&names, "tenon-timer;")) wait_for(&names.owned.entered);
    OK(tenon_server_free(server));
    CHECK(names.owned.destroyed == 1);
    CHECK_IN("tenon-io;", names.all);
    CHECK_IN("tenon-timer;", names.all);
    CHECK_IN("tenon-worker-1;", names.all);
    CHECK_IN("tenon-inline;", names.all);
    CHECK_IN("tenon-close;", names.all);
    CHECK(strstr(names.all, "tenon-worker-2;") == NULL);
}

/* The copy that a forked child has of a listening socket does not keep the port. */
static void a_forked_child_keeps_no_port(void) {
    tenon_server *server = http_server();
    struct sockaddr_in address;
    const char *url;
    int hold[2], fd, status;
    pid_t child;
    OK(tenon_server_start(server, NULL));
    OK(tenon_server_http_url(server, &url, NULL));
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)atoi(strchr(url + strlen("http://"), ':') + 1));
    CHECK(pipe(hold) == 0);
    child = fork();
    if (child == 0) {
        char byte;
        close(hold[1]);
        /* Valgrind would count what the child has of its parent as lost, so nothing of the child runs at its end. */
        if (read(hold[0], &byte, 1) == 0) kill(getpid(), SIGKILL);
        _exit(1);
    }
    close(hold[0]);
    OK(tenon_server_free(server));
    fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    close(fd);
    close(hold[1]);
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static const struct test all[] = {
    {"many_servers_share_threads", many_servers_share_threads},
    {"a_forked_child_keeps_no_port", a_forked_child_keeps_no_port},
    {"a_hook_is_called_on_each_thread", a_hook_is_called_on_each_thread},
};
RUN_TESTS(all)
