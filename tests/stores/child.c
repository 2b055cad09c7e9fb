/* Runs operations, one per line of the input, on a store in C through a server. For core/tests/stores. */
#include "memory_store.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t passed;
static pthread_mutex_t input = PTHREAD_MUTEX_INITIALIZER;
static tenon_server *server;

static int64_t now(void) { return __atomic_load_n(&passed, __ATOMIC_SEQ_CST); }

/* `user_data` is the number of the operation. */
static void hear(void *user_data, const char *reply, size_t len) {
    /* One call, so lines of several threads do not mix. */
    printf("{\"id\":%ld,\"reply\":%.*s}\n", *(long *)user_data, (int)len, reply);
    fflush(stdout);
}

/* Reads lines such as {"id":1,"op":{…}} and {"pass":400}, whose members are in this order. */
static void *work(void *unused) {
    (void)unused;
    char *line = NULL;
    size_t size = 0;
    for (;;) {
        pthread_mutex_lock(&input);
        const ssize_t len = getline(&line, &size, stdin);
        long id = 0;
        long long time = 0;
        if (len > 0 && sscanf(line, "{\"pass\":%lld}", &time) == 1) __atomic_add_fetch(&passed, time, __ATOMIC_SEQ_CST);
        pthread_mutex_unlock(&input);
        if (len <= 0) break;
        const char *op = strstr(line, "\"op\":{");
        if (op == NULL || sscanf(line, "{\"id\":%ld", &id) != 1) continue;
        op += strlen("\"op\":");
        /* The object ends before the last brace. */
        const size_t op_len = (size_t)(strrchr(op, '}') - op);
        tenon_error *error = NULL;
        if (tenon_server_store_operation(server, op, op_len, -1, hear, &id, &error) != TENON_OK) {
            fprintf(stderr, "%s\n", tenon_error_message(error));
            exit(1);
        }
    }
    free(line);
    return NULL;
}

int main(int argc, char **argv) {
    const tenon_mode mode = argc > 1 && strcmp(argv[1], "poll") == 0 ? TENON_MODE_POLL : TENON_MODE_WORKER;
    memory_store *store = memory_store_new(now);
    if (store == NULL || tenon_server_new("child", "1.0.0", &server, NULL) != TENON_OK) return 1;
    if (tenon_server_set_store(server, mode, memory_store_submit, store, NULL) != TENON_OK) return 1;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    tenon_server_free(server);
    memory_store_free(store);
    return 0;
}
