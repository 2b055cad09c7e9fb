#include "memory_store.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* An entry of a log. In a window, `len` pieces were taken at the time `since`. */
typedef struct entry {
    struct entry *next;
    int64_t position, since;
    size_t len;
    unsigned char data[];
} entry;

typedef enum { RECORD, LOG, COUNTER, BUCKET, WINDOW } kind;

/* A record, a log, a counter or an allowance. */
typedef struct item {
    struct item *next;
    kind kind;
    char *key;
    int64_t expiry;
    /* A record: its version and its value. A counter: its value is `number`. */
    int64_t number;
    unsigned char *value;
    size_t len;
    /* A log. */
    entry *first;
    int64_t lost;
    bool trimmed;
    /* An allowance: the pieces that are taken. A bucket: the time of that is `number`. */
    double used;
} item;

/* The number of lists; a key is in the list that its hash names. */
#define LISTS 1024

struct memory_store {
    pthread_mutex_t lock;
    int64_t (*now)(void);
    item *items[LISTS];
    int64_t last;
};

static int64_t system_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

memory_store *memory_store_new(int64_t (*now)(void)) {
    memory_store *store = calloc(1, sizeof *store);
    if (store == NULL) return NULL;
    store->now = now != NULL ? now : system_now;
    pthread_mutex_init(&store->lock, NULL);
    return store;
}

static void free_item(item *item) {
    while (item->first != NULL) {
        entry *next = item->first->next;
        free(item->first);
        item->first = next;
    }
    free(item->key);
    free(item->value);
    free(item);
}

void memory_store_free(memory_store *store) {
    for (size_t list = 0; list < LISTS; list++) {
        while (store->items[list] != NULL) {
            item *next = store->items[list]->next;
            free_item(store->items[list]);
            store->items[list] = next;
        }
    }
    pthread_mutex_destroy(&store->lock);
    free(store);
}

static item **list_of(memory_store *store, const char *key) {
    size_t hash = 5381;
    for (; *key != '\0'; key++) hash = hash * 33 + (unsigned char)*key;
    return &store->items[hash % LISTS];
}

/* The item, or NULL. Items of its list that have expired are freed. */
static item *find(memory_store *store, kind kind, const char *key, int64_t now) {
    item *found = NULL;
    for (item **place = list_of(store, key); *place != NULL;) {
        item *one = *place;
        if (one->expiry <= now) {
            *place = one->next;
            free_item(one);
            continue;
        }
        if (one->kind == kind && strcmp(one->key, key) == 0) found = one;
        place = &one->next;
    }
    return found;
}

static item *insert(memory_store *store, kind kind, const char *key) {
    item *new = calloc(1, sizeof *new);
    if (new == NULL || (new->key = strdup(key)) == NULL) {
        free(new);
        return NULL;
    }
    item **list = list_of(store, key);
    new->kind = kind;
    new->expiry = INT64_MAX;
    new->next = *list;
    return *list = new;
}

static void take_out(memory_store *store, item *gone) {
    item **place = list_of(store, gone->key);
    while (*place != gone) place = &(*place)->next;
    *place = gone->next;
    free_item(gone);
}

/* A time that does not exceed the range. */
static int64_t after(int64_t now, int64_t ttl) { return ttl > INT64_MAX - now ? INT64_MAX : now + ttl; }

static const char *text(tenon_call *call, const char *name) {
    const char *text = NULL;
    return tenon_call_arg_string(call, name, &text, NULL) == TENON_OK ? text : "";
}

/* `otherwise` if the operation does not have the member. */
static int64_t number(tenon_call *call, const char *name, int64_t otherwise) {
    int64_t number = otherwise;
    return tenon_call_arg_int64(call, name, &number) == TENON_OK ? number : otherwise;
}

static tenon_result *begin(const char *name) {
    tenon_result *reply = NULL;
    if (tenon_result_new(&reply, NULL) != TENON_OK) return NULL;
    tenon_result_begin_object(reply, NULL);
    tenon_result_put_string(reply, "result", name, TENON_NUL);
    return reply;
}

static void end(tenon_call *call, tenon_result *reply) {
    tenon_result_end(reply);
    /* It fails if the operation has timed out meanwhile. */
    if (tenon_call_return(call, reply, NULL) != TENON_OK) return;
}

static void say_found(tenon_call *call, bool found) {
    tenon_result *reply = begin("found");
    tenon_result_put_bool(reply, "found", found);
    end(call, reply);
}

static void say_record(tenon_call *call, const char *name, const item *record) {
    tenon_result *reply = begin(name);
    if (record != NULL) {
        tenon_result_begin_object(reply, "record");
        tenon_result_put_bytes(reply, "value", record->value, record->len);
        tenon_result_put_int64(reply, "version", record->number);
        tenon_result_end(reply);
    }
    end(call, reply);
}

/* Whether the condition holds. */
static bool holds(tenon_call *call, const item *record) {
    const char *when = text(call, "when");
    if (strcmp(when, "absent") == 0) return record == NULL;
    if (strcmp(when, "version") == 0) return record != NULL && record->number == number(call, "version", -1);
    return true;
}

static void put(memory_store *store, tenon_call *call, const char *key, int64_t now) {
    item *record = find(store, RECORD, key, now);
    if (!holds(call, record)) {
        say_record(call, "conflict", record);
        return;
    }
    const void *data = NULL;
    size_t len = 0;
    if (tenon_call_arg_bytes(call, "value", &data, &len) != TENON_OK) return;
    unsigned char *value = malloc(len + 1);
    if (value != NULL && record == NULL) record = insert(store, RECORD, key);
    if (value == NULL || record == NULL) {
        free(value);
        end(call, begin("full"));
        return;
    }
    if (len > 0) memcpy(value, data, len);
    free(record->value);
    record->value = value;
    record->len = len;
    record->number = ++store->last;
    record->expiry = after(now, number(call, "ttl", 0));
    tenon_result *reply = begin("stored");
    tenon_result_put_int64(reply, "version", record->number);
    end(call, reply);
}

static void trim(tenon_call *call, item *log, int64_t now) {
    int64_t count = 0, bytes = 0;
    for (const entry *one = log->first; one != NULL; one = one->next) {
        count++;
        bytes += (int64_t)one->len;
    }
    const int64_t entries = number(call, "keep_entries", INT64_MAX), size = number(call, "keep_bytes", INT64_MAX);
    const int64_t age = number(call, "keep_age", INT64_MAX), position = number(call, "keep_after", 0);
    while (log->first != NULL) {
        entry *oldest = log->first;
        if (oldest->position > position && count <= entries && bytes <= size && now - oldest->since <= age) return;
        count--;
        bytes -= (int64_t)oldest->len;
        log->lost = oldest->position;
        log->trimmed = true;
        log->first = oldest->next;
        free(oldest);
    }
}

static void append(memory_store *store, tenon_call *call, const char *key, int64_t now) {
    const void *data = NULL;
    size_t len = 0;
    if (tenon_call_arg_bytes(call, "entry", &data, &len) != TENON_OK) return;
    entry *new = malloc(sizeof *new + len);
    item *log = new != NULL ? find(store, LOG, key, now) : NULL;
    if (new != NULL && log == NULL && (log = insert(store, LOG, key)) != NULL) log->lost = store->last;
    if (log == NULL) {
        free(new);
        end(call, begin("full"));
        return;
    }
    *new = (entry){.position = ++store->last, .since = now, .len = len};
    if (len > 0) memcpy(new->data, data, len);
    entry **place = &log->first;
    while (*place != NULL) place = &(*place)->next;
    *place = new;
    tenon_result *reply = begin("appended");
    tenon_result_put_int64(reply, "position", new->position);
    log->expiry = after(now, number(call, "ttl", 0));
    trim(call, log, now);
    end(call, reply);
}

static void read_log(memory_store *store, tenon_call *call, const char *key, int64_t now) {
    const item *log = find(store, LOG, key, now);
    const int64_t from = number(call, "after", 0), most = number(call, "max_entries", 1);
    const int64_t most_bytes = number(call, "max_bytes", 0);
    int64_t count = 0, bytes = 0;
    bool more = false;
    tenon_result *reply = begin("entries");
    tenon_result_begin_array(reply, "entries");
    for (const entry *one = log != NULL ? log->first : NULL; one != NULL; one = one->next) {
        if (one->position <= from) continue;
        bytes += (int64_t)one->len;
        if (count > 0 && (count >= most || bytes > most_bytes)) {
            more = true;
            break;
        }
        count++;
        tenon_result_begin_object(reply, NULL);
        tenon_result_put_int64(reply, "position", one->position);
        tenon_result_put_bytes(reply, "entry", one->data, one->len);
        tenon_result_end(reply);
    }
    tenon_result_end(reply);
    const bool missed = log == NULL ? from != 0 : from == 0 ? log->trimmed : from < log->lost;
    tenon_result_put_bool(reply, "missed", missed);
    tenon_result_put_bool(reply, "more", more);
    end(call, reply);
}

static void add(memory_store *store, tenon_call *call, const char *key, int64_t now) {
    item *counter = find(store, COUNTER, key, now);
    const int64_t by = number(call, "by", 0), most = number(call, "most", INT64_MAX);
    const int64_t present = counter != NULL ? counter->number : 0;
    int64_t sum;
    if (__builtin_add_overflow(present, by, &sum)) sum = by > 0 ? INT64_MAX : INT64_MIN;
    const bool added = by <= 0 || sum <= most;
    if (counter == NULL && by != 0 && added) {
        counter = insert(store, COUNTER, key);
        if (counter == NULL) {
            end(call, begin("full"));
            return;
        }
        counter->expiry = after(now, number(call, "window", 0));
    }
    if (counter != NULL && added) counter->number = sum;
    tenon_result *reply = begin("count");
    tenon_result_put_int64(reply, "value", counter != NULL ? counter->number : 0);
    tenon_result_put_bool(reply, "added", added);
    tenon_result_put_int64(reply, "left", counter != NULL ? counter->expiry - now : 0);
    end(call, reply);
}

#define NEVER (INT64_C(100) * 365 * 86400000)
/* Sums of times are not exact. */
#define ROUNDING 1e-6

/* Removes what has come back. */
static void pass_time(item *usage, int64_t amount, int64_t period, int64_t now) {
    if (usage->kind == BUCKET && now > usage->number) {
        const double back = (double)(now - usage->number) * (double)amount / (double)period;
        usage->used = usage->used > back ? usage->used - back : 0;
        usage->number = now;
    }
    while (usage->kind == WINDOW && usage->first != NULL && after(usage->first->since, period) <= now) {
        entry *oldest = usage->first;
        usage->used -= (double)oldest->len;
        usage->first = oldest->next;
        free(oldest);
    }
}

/* Takes pieces, or gives the newest back. Returns whether there was memory. */
static bool change(item *usage, int64_t by, int64_t now) {
    if (usage->kind == BUCKET) {
        usage->used = usage->used + (double)by > 0 ? usage->used + (double)by : 0;
        return true;
    }
    entry **place = &usage->first;
    if (by > 0) {
        entry *new = malloc(sizeof *new);
        if (new == NULL) return false;
        *new = (entry){.since = now, .len = (size_t)by};
        while (*place != NULL) place = &(*place)->next;
        *place = new;
        usage->used += (double)by;
    }
    for (; by < 0 && usage->first != NULL; place = &usage->first) {
        while ((*place)->next != NULL) place = &(*place)->next;
        const int64_t count = (int64_t)(*place)->len, back = by <= -count ? count : -by;
        by += back;
        usage->used -= (double)back;
        (*place)->len -= (size_t)back;
        if ((*place)->len > 0) continue;
        free(*place);
        *place = NULL;
    }
    return true;
}

/* The milliseconds until so many pieces have come back. */
static int64_t time_of(const item *usage, double pieces, int64_t amount, int64_t period, int64_t now) {
    if (usage->kind == BUCKET) {
        const double time = pieces * (double)period / (double)amount;
        return time < (double)NEVER ? (int64_t)(time + 1 - ROUNDING) : NEVER;
    }
    int64_t last = now - period;
    for (const entry *one = usage->first; one != NULL && pieces > 0; one = one->next) {
        pieces -= (double)one->len;
        last = one->since;
    }
    return after(last, period) - now;
}

static void take(memory_store *store, tenon_call *call, const char *key, int64_t now) {
    const int64_t by = number(call, "by", 0), amount = number(call, "amount", 1), period = number(call, "period", 1);
    const int64_t burst = number(call, "burst", 0), most = burst > 0 ? burst : amount;
    const kind form = burst > 0 ? BUCKET : WINDOW;
    item *usage = find(store, form, key, now);
    if (usage == NULL && (usage = insert(store, form, key)) != NULL) {
        usage->number = now;
        usage->expiry = now;
    }
    if (usage != NULL) pass_time(usage, amount, period, now);
    const bool taken = usage != NULL && (by <= 0 || usage->used + (double)by <= (double)most + ROUNDING);
    if (usage == NULL || (taken && !change(usage, by, now))) {
        end(call, begin("full"));
        return;
    }
    const double over = usage->used + (double)by - (double)most, left = (double)most - usage->used + ROUNDING;
    const int64_t time = taken ? 0 : by > most ? NEVER : time_of(usage, over, amount, period, now);
    const int64_t wait = taken || time > 0 ? time : 1;
    const int64_t reset = time_of(usage, usage->used, amount, period, now);
    usage->expiry = after(now, reset);
    item *other = find(store, form == BUCKET ? WINDOW : BUCKET, key, now);
    if (other != NULL) take_out(store, other);
    tenon_result *reply = begin("taken");
    tenon_result_put_bool(reply, "taken", taken);
    tenon_result_put_int64(reply, "left", left > 0 ? (int64_t)left : 0);
    tenon_result_put_int64(reply, "wait", wait);
    tenon_result_put_int64(reply, "reset", reset);
    end(call, reply);
}

/* Gives an item the time to live `ttl`. `*found` says whether it exists. */
static bool touch(item *item, int64_t now, int64_t ttl) {
    if (item != NULL) item->expiry = after(now, ttl);
    return item != NULL;
}

static void run(memory_store *store, tenon_call *call) {
    const char *op = text(call, "op"), *key = text(call, "key");
    const int64_t now = store->now(), ttl = number(call, "ttl", 0);
    if (strcmp(op, "get") == 0) {
        item *record = find(store, RECORD, key, now);
        const int64_t life = number(call, "touch", -1);
        if (life >= 0) touch(record, now, life);
        say_record(call, "value", record);
    } else if (strcmp(op, "put") == 0) {
        put(store, call, key, now);
    } else if (strcmp(op, "touch") == 0) {
        say_found(call, touch(find(store, RECORD, key, now), now, ttl));
    } else if (strcmp(op, "delete") == 0) {
        item *record = find(store, RECORD, key, now);
        if (!holds(call, record)) {
            say_record(call, "conflict", record);
            return;
        }
        say_found(call, record != NULL);
        if (record != NULL) take_out(store, record);
    } else if (strcmp(op, "append") == 0) {
        append(store, call, key, now);
    } else if (strcmp(op, "read") == 0) {
        read_log(store, call, key, now);
    } else if (strcmp(op, "trim") == 0) {
        item *log = find(store, LOG, key, now);
        if (log != NULL) trim(call, log, now);
        say_found(call, log != NULL);
    } else if (strcmp(op, "expire") == 0) {
        item *log = find(store, LOG, key, now);
        say_found(call, touch(log, now, ttl));
    } else if (strcmp(op, "add") == 0) {
        add(store, call, key, now);
    } else if (strcmp(op, "take") == 0) {
        take(store, call, key, now);
    } else {
        end(call, begin("unsupported"));
    }
}

void memory_store_submit(void *user_data, tenon_call *call) {
    memory_store *store = user_data;
    pthread_mutex_lock(&store->lock);
    run(store, call);
    pthread_mutex_unlock(&store->lock);
}
