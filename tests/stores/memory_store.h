/* A complete store in C, in the memory of the process. Threads may use it at the same time. */
#ifndef MEMORY_STORE_H
#define MEMORY_STORE_H

#include "tenon.h"

typedef struct memory_store memory_store;

/* `now` returns the time in milliseconds; NULL means the clock of the system. NULL if there is no memory. */
memory_store *memory_store_new(int64_t (*now)(void));
void memory_store_free(memory_store *store);

/* The callback for tenon_server_set_store(), with the store as `user_data`. */
void memory_store_submit(void *user_data, tenon_call *call);

#endif
