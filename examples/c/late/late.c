/*
 * A callback that hands its call to a thread of the program and returns; the thread completes the call later. While jobs
 * run, neither the library's threads nor its clients wait for them.
 *
 * Serves stdio; with an argument such as 127.0.0.1:8000, HTTP.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <tenon.h>

#define WORKERS 2

struct job {
    struct job *next;
    tenon_call *call;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct job *first, **last;
    int stopped;
};

/* The callback: keeps the call and queues it. */
static void enqueue(void *user_data, tenon_call *call) {
    struct pool *pool = user_data;
    struct job *job = malloc(sizeof *job);
    if (job == NULL || tenon_call_retain(call) != TENON_OK) {
        free(job);
        tenon_call_fail(call, "out of memory");
        return;
    }
    job->call = call;
    job->next = NULL;
    pthread_mutex_lock(&pool->lock);
    *pool->last = job;
    pool->last = &job->next;
    pthread_cond_signal(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
}

/* The work: counts the primes below a number, and stops early if nobody waits for them any more. */
static void count_primes(tenon_call *call) {
    int64_t below, candidate, divisor, found = 0;
    if (tenon_call_arg_int64(call, "below", &below) != TENON_OK) return;
    for (candidate = 2; candidate < below; candidate++) {
        for (divisor = 2; divisor * divisor <= candidate && candidate % divisor != 0; divisor++) {}
        found += divisor * divisor > candidate;
        if (candidate % 4096 == 0) {
            if (tenon_call_is_cancelled(call)) return;
            tenon_call_progress(call, (double)candidate, (double)below, NULL);
        }
    }
    tenon_call_return_int64(call, found);
}

static void *work(void *argument) {
    struct pool *pool = argument;
    for (;;) {
        struct job *job;
        pthread_mutex_lock(&pool->lock);
        while (pool->first == NULL && !pool->stopped) pthread_cond_wait(&pool->changed, &pool->lock);
        job = pool->first;
        if (job != NULL && (pool->first = job->next) == NULL) pool->last = &pool->first;
        pthread_mutex_unlock(&pool->lock);
        if (job == NULL) return NULL;
        count_primes(job->call);
        tenon_call_release(job->call);
        free(job);
    }
}

static int failed(tenon_error *err) {
    fprintf(stderr, "late: %s\n", tenon_error_message(err));
    tenon_error_free(err);
    return 1;
}

int main(int argc, char **argv) {
    struct pool pool = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, NULL, 0};
    pthread_t threads[WORKERS];
    tenon_server *server;
    tenon_entry *tool;
    tenon_error *err = NULL;
    tenon_status ended;
    int i, code;

    pool.last = &pool.first;
    if (tenon_server_new("late", "1.0.0", &server, &err) != TENON_OK) return failed(err);
    if (tenon_tool_new("count_primes", &tool, &err) != TENON_OK) return failed(err);
    tenon_entry_set_description(tool, "Count the primes below a number.");
    tenon_tool_set_input_schema(tool, "{\"type\":\"object\",\"properties\":{\"below\":{\"type\":\"integer\","
                                      "\"minimum\":0,\"maximum\":10000000}},\"required\":[\"below\"]}");
    tenon_entry_set_mode(tool, TENON_MODE_INLINE); /* It only queues, so it never blocks. */
    tenon_entry_set_handler(tool, enqueue, &pool, NULL);
    if (tenon_server_add(server, tool, &err) != TENON_OK) return failed(err);
    if (argc > 1 ? tenon_server_listen_http(server, argv[1], &err) : tenon_server_listen_stdio(server, &err))
        return failed(err);

    for (i = 0; i < WORKERS; i++) pthread_create(&threads[i], NULL, work, &pool);
    ended = tenon_server_run(server, &err);
    code = tenon_server_exit_code(server);
    tenon_server_free(server);
    pthread_mutex_lock(&pool.lock);
    pool.stopped = 1;
    pthread_cond_broadcast(&pool.changed);
    pthread_mutex_unlock(&pool.lock);
    for (i = 0; i < WORKERS; i++) pthread_join(threads[i], NULL);
    return ended == TENON_OK ? code : failed(err);
}
