/*
 * tenon.h: the C interface of Tenon, an embeddable engine for the Model Context Protocol.
 *
 * A program makes a server, adds tools, resources and prompts (a name, a definition, a callback), names the transports and
 * runs it. The library speaks the protocol, in every revision, over stdio and HTTP; the program sees calls with checked
 * arguments.
 *
 * CONVENTIONS
 *
 * Handles. tenon_server, tenon_entry, tenon_call, tenon_result, tenon_answer, tenon_http and tenon_error are opaque.
 * What a function made for the program, the program gives back once: by the tenon_…_free() of its type, which accepts
 * NULL, or to a function that says that it takes it. A tenon_call is the library's; one that the program keeps, it
 * releases. A handle must not be used after that. Nothing that the library made is for free().
 *
 * Wrong handles. A function that gets a handle of another type fails with TENON_ERR_STATE, and so it does for an entry that
 * was freed or that a server has taken. Functions that return no status give what they give for NULL, and those that free do
 * nothing. In each case tenon_error_last_message() says which argument is wrong and why. The same goes for another handle
 * that was freed, if this can be detected: the library reads the word that it points to, which may be something else by then,
 * or not be mapped. A library with debug assertions detects it without reading memory that was freed, see docs/c-abi.md.
 *
 * Statuses. Functions that can fail return a tenon_status: TENON_OK (0), another value above 0 that is no failure, or a
 * failure below 0. Those that take a `tenon_error **err` as their last argument put the detail there when they fail, and
 * do not touch it otherwise; pass NULL if you do not want it, free it with tenon_error_free() if you do. Whichever
 * function failed last on a thread, tenon_error_last_message() says there why; errno says nothing. Outputs are written
 * only on success. There are no in-out parameters. Where the system has no memory left, the process is aborted.
 * TENON_MUST_USE stands where it is a mistake to ignore a status: it says whether there is an object at all, whether it
 * was registered, or whether the callback has to return now.
 *
 * NULL. A pointer may be NULL only where its description says so. Anything else gets TENON_ERR_NULL and does nothing.
 *
 * Strings. All text is UTF-8. Strings that go in are NUL-terminated, or a pointer with a length in bytes, where
 * TENON_NUL as the length means NUL-terminated; they are copied, so they need to live only as long as the function runs.
 * Strings that come out are borrowed: do not free them. Where the description says no more, they live as long as the
 * handle that was asked, and callbacks have theirs until they return. It says whether they are NUL-terminated.
 *
 * Callbacks and user_data. A callback gets the `user_data` it was registered with. `destroy` is called exactly once with
 * it, also when the registration fails: after the last callback has returned and the last call kept from it was
 * released, on the thread that made it the last. In `destroy`, do not call functions of the server it belonged to. The
 * library holds no lock while it calls the program. Callbacks must return: no exception, longjmp or thread exit may
 * leave one. On threads of the library they have 2 MiB of stack.
 *
 * Threads. Where callbacks run is each entry's choice, see tenon_entry_set_mode(); without one, several threads of the
 * library run them at once. Functions of a tenon_server and of a tenon_call may be called from any thread, several at
 * once. A tenon_answer is only read, by any thread. A tenon_entry, a tenon_result, a tenon_http, a tenon_error and the
 * outputs of any function belong to one thread at a time. Nothing is global: servers in one process do not know of each
 * other. Functions that wait say so; any other returns as soon as it has done what it says.
 *
 * Re-entrancy. Inside a callback every function may be called, with these exceptions: tenon_server_free() and
 * tenon_server_run() of the server the callback belongs to (TENON_ERR_STATE), and tenon_server_start() in an inline
 * callback (TENON_ERR_STATE). tenon_server_poll() in a callback of tenon_server_poll() is fine; tenon_server_exchange()
 * may wait for the very call whose callback it is in, so give it a time-out there.
 *
 * Only tenon_server_poll(), tenon_server_run() and tenon_server_exchange() call callbacks, and tenon_http_next() those
 * in TENON_MODE_INLINE. Around any other function a program may hold a lock that its callbacks take too, but not around
 * those that wait for callbacks, tenon_server_start() and tenon_server_free(), nor those that call a function which they
 * are given: tenon_server_entries(), and tenon_call_on_cancel() for a call that was cancelled. Where a call has middleware
 * around it, tenon_call_next() may run what follows, and what completes or releases the call may run the function that
 * tenon_call_next() was given. `destroy`, the log and the `ready` of a request are also called inside functions that end
 * or complete something.
 *
 * Fork. A server that was not started is data and survives fork(). A started one lives in the process that started it;
 * in a child its functions, and those of its calls and requests, give TENON_ERR_FORKED, and none of them can be freed
 * there; what a call brought can still be read. A child may make, start and run servers of its own. This is the fork()
 * of the C library; calls do not notice a child that was made by a system call of the program's own.
 *
 * Signals. The library installs no signal handler, except during tenon_server_run(). Its threads block all signals but
 * faults such as SIGSEGV, so handlers of the program never run there and a client that vanishes raises no SIGPIPE. A
 * worker or inline callback that starts another program should give it a clean signal mask (posix_spawnattr_setsigmask),
 * or use TENON_MODE_POLL. No function may be called in a signal handler: write to a pipe that the main loop watches, and
 * call tenon_server_close() there.
 *
 * Versions. Numbers of statuses, kinds, modes, limits, levels, actions, steps, outcomes and flags are never given
 * another meaning. The name of the shared library has the number of the ABI in it, so a program never runs with another
 * than it was linked with. See tenon_abi_version().
 *
 * Linking. `pkg-config --cflags --libs tenon`, or find_package(Tenon) and Tenon::tenon in CMake; by hand -ltenon. For the
 * static library `pkg-config --static`, or Tenon::static; by hand also -lpthread -ldl -lm. One process may hold the library
 * and Tenon's Python package.
 *
 * Unloading. The shared library stays in the process once it is loaded, dlclose() or not, since its threads may be about to
 * end when tenon_server_free() has returned. A module of the program's that has callbacks in it may be unloaded when it has
 * freed its servers and requests and released the calls it has kept. If a server of its own was unmounted while calls of it
 * ran, or has hooks, that means the server which it was mounted in as well, see tenon_server_unmount(). A module that has the
 * static library in it must stay, see -Wl,-z,nodelete.
 */

#ifndef TENON_H
#define TENON_H

/* Made from the sources in ffi/ by `cargo run -p tenon-header`: change those, not this file. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* VERSIONS =============================================================================================== */

/* The version of this header; tenon_version() tells that of the library. */
#define TENON_VERSION "0.1.0"
#define TENON_VERSION_MAJOR 0
#define TENON_VERSION_MINOR 1
#define TENON_VERSION_PATCH 0

/* A length that says: the text ends at its first NUL. */
#define TENON_NUL SIZE_MAX

/* Functions whose status must be looked at: ignoring it is a warning where the compiler has one. */
#if defined(__GNUC__) || defined(__clang__)
#define TENON_MUST_USE __attribute__((warn_unused_result))
#else
#define TENON_MUST_USE
#endif

/**
 * How many bytes tenon_error_last_message() has for a message on each thread, its NUL included. A longer one is cut at the
 * end of a character.
 */
#define TENON_ERROR_MESSAGE_SIZE 1024
/**
 * Counts incompatible changes of this interface. Functions may be added within one number, nothing else changes.
 */
#define TENON_ABI_VERSION 0

/* TYPES ================================================================================================== */

/**
 * The answer to a question: tenon_call_elicit() and the like. Free it with tenon_answer_free(); it may outlive its call. Any
 * thread may read it.
 */
typedef struct tenon_answer tenon_answer;

/**
 * One call of an entry's callback: of a tool, a read of a resource, and so on. The callback gets it, borrowed: it lives until
 * the callback returns, or longer with tenon_call_retain(). Any thread may use it, several at once too.
 *
 * The first completion ends the call; the handle stays valid until its release. What is done with a call that has ended
 * fails with TENON_ERR_STALE and has no effect; its arguments and what else it brought can still be read.
 */
typedef struct tenon_call tenon_call;

/**
 * What a program registers: a tool, a resource, a prompt and so on, with its members and its callback. Make one with the
 * function of its kind, describe it with tenon_entry_set() and the other setters, and hand it to tenon_server_add(), or
 * free it with tenon_entry_free(). One thread at a time may use it.
 *
 * A handle is a number that is never given twice, not an address. What is done with an entry that was freed or that a server has
 * taken fails with TENON_ERR_STATE, and so does what is done with another object's handle in place of an entry's.
 *
 * A setter that fails also makes tenon_server_add() fail, with the detail of the first such failure, so a program may
 * leave the setters' statuses unchecked.
 */
typedef struct tenon_entry tenon_entry;

/**
 * The detail of a failure: its status and one sentence that names the cause. Made by functions that take a
 * `tenon_error **err`; free it with tenon_error_free().
 */
typedef struct tenon_error tenon_error;

/**
 * One request that the program's own HTTP server received, and its response. Made by tenon_http_new(); given headers by
 * tenon_http_add_header(); begun by tenon_server_handle_http(); then the request's body goes in by tenon_http_write() and
 * tenon_http_end(), and the response comes out by tenon_http_next(); freed by tenon_http_free(), which before the end of the
 * response says that the client is gone.
 *
 * It may be handed from thread to thread, and belongs to one at a time: a function that finds it in use by another thread, or
 * further down on its own, fails with TENON_ERR_STATE.
 */
typedef struct tenon_http tenon_http;

/**
 * A result of several parts, for tenon_call_return(): content blocks of a tool, contents of a resource, messages of a
 * prompt, suggestions of a completion, resources of a provider. Make one with tenon_result_new(), add to it, and hand it to
 * tenon_call_return(), or free it with tenon_result_free(). One thread at a time may use it.
 *
 * A function of it that fails also makes tenon_call_return() fail, with the detail of the first such failure, so a program
 * may leave their statuses unchecked.
 */
typedef struct tenon_result tenon_result;

/**
 * An MCP server. Before its start it is data: no thread, no descriptor. Any thread may use it, several at once too.
 *
 * Made by tenon_server_new(); named and limited by the tenon_server_set functions; given tools, resources and prompts by
 * tenon_server_add(); given transports by the tenon_server_listen_ functions; run by tenon_server_run(), or by
 * tenon_server_start() with or without tenon_server_poll(); ended by tenon_server_close(); freed by tenon_server_free().
 *
 * Settings and transports (tenon_server_set, tenon_server_listen_, tenon_server_allow_, extensions, state keys) come before the
 * start. After it, and while the server is mounted in another, they fail with TENON_ERR_STATE. What a server has may change at
 * any time. A server that has ended is not started again.
 *
 * A tenon_server_set function that fails also makes the start fail, with the detail of the first such failure, so a program
 * may leave their statuses unchecked; the same goes for extensions, state keys, allowed hosts, origins and headers.
 */
typedef struct tenon_server tenon_server;

/**
 * What a function came to: TENON_OK, another value above zero that is no failure, or a TENON_ERR_ value, all of which
 * are below zero. A number keeps its meaning for good; new ones may be added, so treat an unknown negative status as
 * a failure.
 */
typedef int32_t tenon_status;

/** Names a limit for tenon_server_set_limit(): one of the TENON_LIMIT_ values. */
typedef int32_t tenon_limit;

/**
 * Called at the start of a thread, see tenon_server_set_thread_start(). `name` is NUL-terminated and lives until the function
 * returns.
 */
typedef void (*tenon_thread_start_fn)(void *user_data, const char *name);

/** Ends the life of a `user_data`. Runs exactly once; see "Callbacks and user_data". */
typedef void (*tenon_destroy_fn)(void *user_data);

/** How much a record of the log matters: one of the TENON_LOG_ values. */
typedef int32_t tenon_log_level;

/**
 * A log, see tenon_server_set_log(). `target` is the part that speaks, such as "tenon_mcp::call"; `message` is what it says,
 * perhaps in several lines. Both are NUL-terminated and live until the function returns. Levels of later versions lie in
 * between or above, so compare with < and >.
 *
 * It is called on any thread, several at once, threads of the library among them. It must not block, and must not call
 * functions of the server or of its calls.
 */
typedef void (*tenon_log_fn)(void *user_data, tenon_log_level level, const char *target, const char *message);

/**
 * Says that tenon_http_next() may have more. It is called on any thread, threads of the library among them, and perhaps
 * without need; it must not block, and must not call functions of the library: it is to wake the program's loop.
 */
typedef void (*tenon_http_ready_fn)(void *user_data);

/** What tenon_http_next() has found: one of the TENON_HTTP_ values. */
typedef int32_t tenon_http_step;

/** What an entry is: one of the TENON_KIND_ values. */
typedef int32_t tenon_kind;

/** What a parameter is besides its type: TENON_PARAM_ values, added up; 0 for one that may be left out. */
typedef uint32_t tenon_param_flags;

/**
 * An entry's callback. It completes `call` with one of the tenon_call_return functions, tenon_call_fail(),
 * tenon_call_fail_arguments(), tenon_call_not_found() or tenon_call_error(), now, or later if it keeps the call with
 * tenon_call_retain(). A callback that returns without either fails the call, unless it is that of a notification or a hook,
 * which nobody waits for.
 *
 * `user_data` is what tenon_entry_set_handler() was given. `call` is valid until the callback returns, or until the
 * tenon_call_release() that belongs to a tenon_call_retain().
 */
typedef void (*tenon_handler_fn)(void *user_data, tenon_call *call);

/** Where an entry's callback runs: one of the TENON_MODE_ values. */
typedef int32_t tenon_mode;

/**
 * What tenon_server_entries() calls for each entry. `definition` is a JSON object, `len` bytes, not NUL-terminated; it
 * lives until the function returns.
 */
typedef void (*tenon_entries_fn)(void *user_data, const char *definition, size_t len, bool enabled);

/** Hears that a call ended without the program; `user_data` is what tenon_call_on_cancel() was given. */
typedef void (*tenon_cancel_fn)(void *user_data);

/** What the user did with a question: one of the TENON_ACTION_ values. */
typedef int32_t tenon_action;

/**
 * What tenon_server_exchange() calls for each message of the server's: a JSON object, `len` bytes, not NUL-terminated. It
 * lives until the function returns.
 */
typedef void (*tenon_exchange_fn)(void *user_data, const char *message, size_t len);

/** What something came to: one of the TENON_OUTCOME_ values. */
typedef int32_t tenon_outcome;

/* STATUSES =============================================================================================== */

/** Done. */
#define TENON_OK 0
/**
 * A question has gone to the client. The callback must return now; it will be called again from its top when the
 * answer is there.
 */
#define TENON_SUSPENDED 1
/** The server has ended and nothing is left to do. */
#define TENON_ENDED 2
/** A pointer that must not be NULL is NULL. */
#define TENON_ERR_NULL (-7001)
/** A string is not UTF-8, or a length is not possible. */
#define TENON_ERR_UTF8 (-7002)
/** A text is not JSON. */
#define TENON_ERR_JSON (-7003)
/** A definition or an option is wrong; the message says what and why. */
#define TENON_ERR_INVALID (-7004)
/** The name is taken. */
#define TENON_ERR_DUPLICATE (-7005)
/** There is no such thing: no entry of that name, no such argument. */
#define TENON_ERR_NOT_FOUND (-7006)
/** The function does not fit the present state: not started yet, started already, inside a callback. */
#define TENON_ERR_STATE (-7007)
/** The address cannot be listened on: it is in use, or not permitted. */
#define TENON_ERR_ADDRESS (-7008)
/** The operating system refused. */
#define TENON_ERR_IO (-7009)
/** The process forked after the server was started; only the parent may use it. */
#define TENON_ERR_FORKED (-7010)
/** The call has ended: it was completed, cancelled or timed out. Harmless; most callers ignore it. */
#define TENON_ERR_STALE (-7011)
/** The value has another type, or does not fit the type asked for. */
#define TENON_ERR_TYPE (-7012)
/** The client cannot do what is asked of it. */
#define TENON_ERR_UNSUPPORTED (-7013)
/** The client failed, or its answer is not what was asked for. */
#define TENON_ERR_CLIENT (-7014)
/** A callback of "start" failed, so nothing was served. */
#define TENON_ERR_START (-7015)
/**
 * A bug in the library: it panicked inside this function and went on, or a thread of its own panicked and the server ended.
 */
#define TENON_ERR_PANIC (-7099)

/* LOG LEVELS ============================================================================================= */

/** For those who look for a fault. */
#define TENON_LOG_DEBUG 1
/** Worth knowing, nothing is wrong. */
#define TENON_LOG_INFO 2
/** Something went wrong and was coped with. */
#define TENON_LOG_WARN 3
/** A call failed because of the program: nobody completed it, or its result could not be used. */
#define TENON_LOG_ERROR 4

/* STEPS OF A RESPONSE ==================================================================================== */

/** Nothing yet. */
#define TENON_HTTP_WAIT 0
/** The head of the response, for tenon_http_status() and tenon_http_header(). It comes first, and once. */
#define TENON_HTTP_HEAD 1
/**
 * A piece of its body, for tenon_http_data(). Send it on before asking for more: what a stream says is not made before it is
 * asked for, and what is held for a client that does not read is bounded.
 */
#define TENON_HTTP_DATA 2
/** The response is complete. */
#define TENON_HTTP_END 3

/* PARAMETERS ============================================================================================= */

/** A call without it is refused before the callback runs. */
#define TENON_PARAM_REQUIRED 1

/* MODES ================================================================================================== */

/** On worker threads of the library, several at once. The default. */
#define TENON_MODE_WORKER 0
/**
 * In tenon_server_poll(), on the thread that calls it; tenon_server_run() polls on its own thread. A callback that goes on
 * after the end of a server that is run may cost the process its life, see there.
 */
#define TENON_MODE_POLL 1
/**
 * On the thread of the library that received the call, or the last answer it waited for. Fastest, and only for callbacks
 * that never block: while one runs nothing else of its connection is read, but other connections are served. Over stdio
 * that goes for the end of the input too: a server whose inline callback blocks does not see it, and ends by
 * tenon_server_close() or a signal only. Of the functions that a program calls, only tenon_http_next() and
 * tenon_server_exchange() may run it. Where no thread received what makes it run again (a kept call that is released after
 * its answer came, a question that could not be delivered) it runs on a thread of the library of its own.
 */
#define TENON_MODE_INLINE 2

/* ACTIONS ================================================================================================ */

/**
 * Answered: filled in the form, or agreed to visit the page. What models and clients answer counts as this too.
 */
#define TENON_ACTION_ACCEPT 1
/** Said no. */
#define TENON_ACTION_DECLINE 2
/** Closed the question without choosing. */
#define TENON_ACTION_CANCEL 3

/* OUTCOMES =============================================================================================== */

/** Text or a JSON value: that value. */
#define TENON_OUTCOME_VALUE 0
/** Bytes: a string, their base64. */
#define TENON_OUTCOME_BYTES 1
/** Content blocks, messages or contents of a resource, one or an array. */
#define TENON_OUTCOME_CONTENT 2
/** A whole result, an object. */
#define TENON_OUTCOME_RESULT 3
/** A failure: a string, what the client is told. */
#define TENON_OUTCOME_FAILED 4
/** A failure of the callback itself, such as to return without completing its call: a string. */
#define TENON_OUTCOME_EXCEPTION 5
/** A protocol error: an object with "code", "message" and perhaps "data". */
#define TENON_OUTCOME_ERROR 6

/* KINDS ================================================================================================== */

/** A tool. */
#define TENON_KIND_TOOL 1
/** A resource. */
#define TENON_KIND_RESOURCE 2
/** A resource template. */
#define TENON_KIND_RESOURCE_TEMPLATE 3
/** A resource provider. */
#define TENON_KIND_RESOURCE_PROVIDER 4
/** A prompt. */
#define TENON_KIND_PROMPT 5
/** A completion. */
#define TENON_KIND_COMPLETION 6
/** A method. */
#define TENON_KIND_METHOD 7
/** A notification. */
#define TENON_KIND_NOTIFICATION 8
/** A hook. */
#define TENON_KIND_HOOK 9

/* LIMITS ================================================================================================= */

/** Longest message in bytes: one line or one HTTP body. Default 4 MiB. */
#define TENON_LIMIT_MESSAGE_BYTES 1
/** Deepest nesting of a message or a result. Default 128. */
#define TENON_LIMIT_DEPTH 2
/** Calls in flight in the whole server. Default 16,384. */
#define TENON_LIMIT_CALLS 3
/**
 * Calls in flight in one lane, which is where a handler runs; one more is refused as busy. Default 4,096.
 */
#define TENON_LIMIT_LANE_CALLS 4
/** How long a tool without a time-out of its own may run. Default 5 minutes. */
#define TENON_LIMIT_CALL_TIMEOUT_MS 5
/** How long a call waits for the client's answer to a question. Default 10 minutes. */
#define TENON_LIMIT_ASK_TIMEOUT_MS 6
/** Questions one call may ask, and results of effects it may keep, over all its rounds. Default 32. */
#define TENON_LIMIT_ASKS 7
/**
 * Largest sealed `requestState` in bytes, which a client carries between the rounds of a call. Default 64 KiB.
 */
#define TENON_LIMIT_STATE_BYTES 8
/**
 * How long a sealed `requestState` is good for, and a client can be told that a visit to a page has come to its
 * end. Default 1 hour.
 */
#define TENON_LIMIT_STATE_LIFETIME_MS 9
/**
 * Bytes waiting to be written to one peer; beyond it reading from that peer pauses and progress is dropped.
 * Default 8 MiB.
 */
#define TENON_LIMIT_OUTBOUND_BYTES 10
/**
 * How long running calls may finish after the server was closed; 0 cancels them at once. Where stdio is served
 * `stdio_drain_timeout` holds if it is less. Default 5 s.
 */
#define TENON_LIMIT_DRAIN_TIMEOUT_MS 11
/**
 * Legacy HTTP sessions; one more takes the place of the one that is idle for longest, or is refused as busy. Each
 * keeps what its client said in `initialize`, up to 16 KiB, which `max_buffered_bytes` does not count. Default 10,000.
 */
#define TENON_LIMIT_SESSIONS 12
/** A legacy HTTP session ends after this long without request or open stream. Default 30 minutes. */
#define TENON_LIMIT_SESSION_IDLE_MS 13
/**
 * Simultaneous connections on one address or Unix socket; further ones wait to be accepted. Default 10,000.
 */
#define TENON_LIMIT_CONNECTIONS 14
/**
 * How long an HTTP client may take to send a request's headers, or stay without a request on an open connection,
 * or pause within a request's body. Default 30 s.
 */
#define TENON_LIMIT_HEADER_TIMEOUT_MS 15
/** Largest result or failure of one call in bytes; a larger one fails the call. Default 16 MiB. */
#define TENON_LIMIT_RESULT_BYTES 16
/**
 * How long an HTTP client may take to send a whole request, and a client of lines on a socket a whole line, from the first
 * byte to the last. Default 60 s.
 */
#define TENON_LIMIT_REQUEST_TIMEOUT_MS 17
/**
 * How long a client of HTTP, or of lines on a socket, may leave an answer unread, or read less than 16 KiB of what waits, before the connection
 * is closed. A stream with nothing to write may be silent for longer. Default 30 s.
 */
#define TENON_LIMIT_WRITE_TIMEOUT_MS 18
/**
 * Bytes held for clients of HTTP and of lines on sockets in the whole server: of requests, from the first byte until their handlers have taken
 * the arguments, and of answers and events until they are written; those of a batch are one answer, counted as it
 * grows. A request beyond it, or one whose answer is, is refused as busy. Pieces of up to 8 KiB are not counted and
 * always get through. Default 64 MiB.
 */
#define TENON_LIMIT_BUFFERED_BYTES 19
/** A legacy HTTP session ends this long after `initialize` if no further message came. Default 30 s. */
#define TENON_LIMIT_HANDSHAKE_TIMEOUT_MS 20
/**
 * Calls in flight of one legacy session, or one client of stdio or of lines on a socket; one more is refused as busy. Default 1,024.
 */
#define TENON_LIMIT_PEER_CALLS 21
/** How long a request waits for an answer of the store that keeps sessions. Default 10 s. */
#define TENON_LIMIT_STORE_TIMEOUT_MS 22
/**
 * How long a call over HTTP may be silent before its answer becomes an event stream that is kept alive, so that
 * nobody on the way takes it for dead; only where the client accepts a stream. Default 10 s.
 */
#define TENON_LIMIT_STREAM_AFTER_MS 23
/**
 * Bytes that handlers print while stdio is served, and nobody reads, that are kept; later ones are dropped. 0
 * leaves the process's standard error alone, so that a client that does not read it blocks what prints. Default 1 MiB.
 */
#define TENON_LIMIT_STDERR_BYTES 24
/**
 * How long running calls may finish after stdio's input ended or a server on stdio was closed; 0 cancels them at
 * once. Clients kill a server that stays for longer than about 2 s. Default 1 s.
 */
#define TENON_LIMIT_STDIO_DRAIN_TIMEOUT_MS 25
/**
 * Records that the default store, which is this process's memory, keeps of each kind of thing, and as many logs, and as
 * many counters; one more is refused until something has expired. Sessions have `max_sessions` instead. Default 65,536.
 */
#define TENON_LIMIT_STORE_VALUES 26
/**
 * Bytes of the records that the default store keeps of each kind of thing, and as many of its logs, keys included; more
 * is refused, except that a log makes room for its newest entries. Sessions are not counted here. Default 64 MiB.
 */
#define TENON_LIMIT_STORE_BYTES 27
/** Entries of one log in the default store; for one more the oldest goes. Default 1,024. */
#define TENON_LIMIT_STORE_ENTRIES 28
/**
 * Visits to pages asked for in the whole server whose end can still be told; one more takes the place of the oldest.
 * Default 10,000.
 */
#define TENON_LIMIT_VISITS 29
/**
 * Entries that one page of a list holds at most; 0 puts the whole list on one page. What a provider of resources lists
 * is as long as it says, and stands behind the last registered ones. Default 0.
 */
#define TENON_LIMIT_PAGE_SIZE 30
/** Listen streams open in the whole server; one more is refused as busy. Default 16,384. */
#define TENON_LIMIT_LISTENS 31
/** Listen streams of one client on a channel that it has to itself, such as stdio. Default 64. */
#define TENON_LIMIT_PEER_LISTENS 32
/** Listen streams of one principal, where it is known who asks. Default 1,024. */
#define TENON_LIMIT_PRINCIPAL_LISTENS 33
/** Resources and tasks that one listen stream or one legacy session can be subscribed to. Default 1,024. */
#define TENON_LIMIT_SUBSCRIPTIONS 34
/** Bytes of their addresses and ids. Default 64 KiB. */
#define TENON_LIMIT_SUBSCRIPTION_BYTES 35
/**
 * Bytes waiting to be written to one listen stream over HTTP; a stream that would have more ends. Default 1 MiB.
 */
#define TENON_LIMIT_LISTEN_BYTES 36
/**
 * Bytes of the events of one stream in a legacy HTTP session that are kept for a client that comes back for them; the
 * oldest go first, the newest stays in any case. The store bounds those of all streams together. 0 keeps none: then
 * streams cannot be resumed. Default 1 MiB.
 */
#define TENON_LIMIT_STREAM_BYTES 37
/** Events of one such stream that are kept; for one more the oldest goes. Default 1,024. */
#define TENON_LIMIT_STREAM_EVENTS 38
/**
 * Streams of one legacy HTTP session whose events are kept; one more takes the place of the oldest that has ended, and
 * cannot be resumed where none has. Default 64.
 */
#define TENON_LIMIT_SESSION_STREAMS 39
/**
 * How long the events of a stream are kept after it has ended or a client has left it, for the client to come back. The
 * stream of a call stays for as long as the call runs. Default 2 minutes.
 */
#define TENON_LIMIT_RESUME_TIMEOUT_MS 40
/** How long a client of 2025-11-25 is asked to wait before it comes back to a stream. Default 1 s. */
#define TENON_LIMIT_STREAM_RETRY_MS 41
/**
 * How long a client of lines on a socket may send nothing while no call of its own is in flight, until its connection is
 * closed. Default 24 hours.
 */
#define TENON_LIMIT_CONNECTION_IDLE_MS 42
/** A WebSocket on which nothing was heard for this long is pinged. Default 30 s. */
#define TENON_LIMIT_PING_INTERVAL_MS 43
/** How long a WebSocket client may take to answer a ping before its connection is closed. Default 30 s. */
#define TENON_LIMIT_PING_TIMEOUT_MS 44
/** Tasks at work in the whole server; one more is refused as busy. Default 4,096. */
#define TENON_LIMIT_TASKS 45
/**
 * Tasks of one principal that are at work or kept; one more is refused as busy. Clients of whom it is not known who
 * they are have `max_tasks` and the store's room in common. Default 1,000.
 */
#define TENON_LIMIT_PRINCIPAL_TASKS 46
/**
 * How long a task is kept, from its beginning on, where its client asks for nothing else; one that is still at work
 * then ends. Whole seconds, rounded up. Default 1 hour.
 */
#define TENON_LIMIT_DEFAULT_TASK_TTL_MS 47
/** The longest time that a client can have a task kept. Whole seconds, rounded up. Default 24 hours. */
#define TENON_LIMIT_TASK_TTL_MS 48
/** How often a client is told to look at a task. Default 1 s. */
#define TENON_LIMIT_TASK_POLL_INTERVAL_MS 49
/** Largest result of a task in bytes; a task with a larger one fails. Default 1 MiB. */
#define TENON_LIMIT_TASK_RESULT_BYTES 50
/** How long a task of a tool without a time-out of its own may work. Default 1 hour. */
#define TENON_LIMIT_TASK_TIMEOUT_MS 51
/**
 * How long after its last sign of life the process that runs a task counts as gone, so that the task has failed. A
 * sign is given, in the store, every third of this. Whole seconds, rounded up. Default 30 s.
 */
#define TENON_LIMIT_TASK_LEASE_MS 52
/** Skills in one folder; a folder with more is refused. Default 1,000. */
#define TENON_LIMIT_SKILLS 53
/**
 * Calls of one entry that wait because as many of it run as its `max_concurrency` allows; one more is refused as busy.
 * Default 256.
 */
#define TENON_LIMIT_WAITING_CALLS 54
/**
 * How long a handler of `start` may take, while calls wait for it; then the server is not served. Default 60 s.
 */
#define TENON_LIMIT_START_TIMEOUT_MS 55
/**
 * How long a handler of `stop` may take after the last call, before the server's end is reported without it. Default 5 s.
 */
#define TENON_LIMIT_STOP_TIMEOUT_MS 56
/** Fixed pages of a server, which its HTTP addresses answer besides; one more is refused. Default 64. */
#define TENON_LIMIT_PAGES 57
/**
 * Largest of those in bytes; the memory of pages is the program's own, and `max_buffered_bytes` does not count it.
 * Default 4 MiB.
 */
#define TENON_LIMIT_PAGE_BYTES 58
/**
 * Connections of one client address, out of `max_connections`; of IPv6 the first 64 bits are one address. For one more the
 * address's own idle HTTP connections are closed; if none is idle, the new one gets 429 and is closed. 0 is three quarters
 * of `max_connections`. Default 0.
 */
#define TENON_LIMIT_ADDRESS_CONNECTIONS 59
/**
 * Open streams of one client address: streams that a client listens on, those of HTTP+SSE, and WebSockets. One more is
 * refused with 429. 0 is three quarters of `max_connections`. Default 0.
 */
#define TENON_LIMIT_ADDRESS_STREAMS 60
/**
 * Bytes held for one client address, out of `max_buffered_bytes` and counted like those. A request beyond it, or one whose
 * answer is, is refused with 429. 0 is three quarters of `max_buffered_bytes`. Default 0.
 */
#define TENON_LIMIT_ADDRESS_BUFFERED_BYTES 61
/**
 * Calls in flight of one client address, in all of its sessions and connections. One more is refused with 429. 0 is three
 * quarters of `max_calls` or of `max_lane_calls`, whichever is less. Default 0.
 */
#define TENON_LIMIT_ADDRESS_CALLS 62
/**
 * Streams that a client opens with GET in one legacy HTTP session, and has open at a time. One more is refused with 429.
 * A client needs one; more are left open if its connections break. Default 16.
 */
#define TENON_LIMIT_SESSION_LISTENS 63
/**
 * How long a host's thread goes on starting calls before it returns to its event loop or to the program that polls.
 * A handler that has begun runs to its end. Default 2 ms.
 */
#define TENON_LIMIT_POLL_BUDGET_MS 64
/**
 * Threads that serve sockets, for all servers of the process with the same number; each has another in reserve. 0 stands
 * for the number of processors, four at most. A program that brings an executor of its own is served on that. Default 0.
 */
#define TENON_LIMIT_IO_THREADS 65
/**
 * Stack of each thread that the engine starts, workers of the C library among them. Python's workers have the
 * interpreter's size unless this is set. Default 2 MiB.
 */
#define TENON_LIMIT_THREAD_STACK_BYTES 66
/**
 * How long the answer of a call waits behind its last progress on sockets that carry lines. Clients in TypeScript lose
 * progress that they read together with the answer. On stdio, WebSocket and HTTP+SSE the answer waits until the client
 * has read the progress, at most twenty times as long. A client that answers no ping is waited for once, for a second,
 * and then as on sockets. Other calls do not wait, nor does anything on Streamable HTTP. With 0 no answer waits.
 * Default 50 ms.
 */
#define TENON_LIMIT_PROGRESS_GAP_MS 67

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/* ERRORS ================================================================================================= */

/**
 * The status that the failing function returned; TENON_OK for NULL, and TENON_ERR_STATE for a handle that is wrong.
 */
tenon_status tenon_error_status(const tenon_error *error);

/**
 * The sentence, NUL-terminated UTF-8, at most 1,000 bytes: what it quotes is shortened. "" for NULL. Borrowed: it lives as
 * long as the error.
 */
const char *tenon_error_message(const tenon_error *error);

/** Frees an error. NULL is ignored. */
void tenon_error_free(tenon_error *error);

/**
 * What the function that failed last on this thread said: one sentence, NUL-terminated UTF-8, never NULL; "" if none has
 * failed. Every function that returns a failure leaves one, whether it takes a `tenon_error **err` or not; one that does not
 * fail leaves it as it is. The text is in a buffer of TENON_ERROR_MESSAGE_SIZE bytes that the thread has as long as it runs: the
 * next failure on this thread writes the next message into it. So the pointer is always good to read, also as an argument beside
 * a call that fails; copy the text to keep it. Do not free it, and do not hand it to other threads.
 */
const char *tenon_error_last_message(void);

/** A short English sentence for a status, whatever the failure was about. Static; never NULL. */
const char *tenon_status_text(tenon_status status);

/* SERVERS ================================================================================================ */

/**
 * Makes a server. `name` is for programs, `version` is the version of the server program; both are copied.
 *
 * On success `*out` is the server. Fails with TENON_ERR_INVALID if the name is empty.
 */
tenon_status tenon_server_new(
    const char *name, const char *version, tenon_server **out, tenon_error **err) TENON_MUST_USE;

/** How a model should use the server: a text that clients may put into its prompt. */
tenon_status tenon_server_set_instructions(tenon_server *server, const char *instructions);

/**
 * Sets what the server says of itself, or how it works: `value` is `len` bytes of JSON text, or up to the first NUL with
 * TENON_NUL.
 *
 * What it says of itself: "title", "description", "website_url" (strings) and "icons" (an array, as the specification has
 * it). Clients of older revisions are told what those have of it.
 *
 * How it works:
 * - "revisions": the protocol versions it speaks, such as ["2025-11-25","2026-07-28"]. Default: all.
 * - "capabilities": what it has although nothing of it is registered yet: "tools", "resources", "prompts", "completions",
 *   "logging".
 * - "mask_errors": true or false; whether clients are kept from why a call failed that its callback never completed.
 *   By default they are once the server listens on an address that is not a loopback one, or answers requests that the program
 *   hands over. The log says so at the start, with the level TENON_LOG_INFO.
 * - "cache": how long clients of 2026-07-28 may keep what they are told, and who, such as
 *   {"ttlMs":60000,"cacheScope":"public"}; "cache_of" does so for some answers, such as {"tools/list":{"ttlMs":1000}}.
 *   Default: not at all.
 * - "coerce_arguments": true or false; whether arguments that do not fit are checked once more with the numbers,
 *   booleans, arrays and objects that texts among them stand for. Default: true.
 * - "assert_formats": true or false; whether "format" in schemas is asserted. Default: true.
 * - "log_level": "debug", "info", "warn" or "error"; records below it do not reach the log. Default: "debug".
 * - "end_with_stdin": true or false; whether the end of standard input, or of the descriptors in its place, ends a server
 *   that has other transports. If false, that client leaves and the others stay. Default: true.
 *
 * Fails with TENON_ERR_JSON if the text is not JSON, and with TENON_ERR_INVALID if there is no such member or the value is
 * wrong.
 */
tenon_status tenon_server_set(tenon_server *server, const char *member, const char *value, size_t len);

/**
 * Says that the server supports an extension of the protocol: its identifier, such as "com.example/thing", and its
 * settings, `len` bytes of a JSON object or up to the first NUL with TENON_NUL.
 *
 * Fails with TENON_ERR_JSON or TENON_ERR_INVALID.
 */
tenon_status tenon_server_add_extension(
    tenon_server *server, const char *id, const char *settings, size_t len);

/**
 * Sets a limit: one of the TENON_LIMIT_ values. Those in _MS are milliseconds; what is more than the largest value
 * (docs/limits.md) counts as that. Fails with TENON_ERR_INVALID if there is no such limit, and for 0 where that is not allowed.
 */
tenon_status tenon_server_set_limit(tenon_server *server, tenon_limit limit, uint64_t value);

/**
 * Adds a key that seals what clients carry between two attempts of a call: 32 random bytes, copied. The first key seals,
 * all open. Servers behind one address must share their keys; without any, a random key of this server serves.
 */
tenon_status tenon_server_add_state_key(tenon_server *server, const uint8_t *key);

/**
 * How many worker threads run callbacks, 1 to 1024. Each starts when a call needs it and all others are busy. Default: one
 * per core, at most 4. Fails with TENON_ERR_INVALID for another number.
 */
tenon_status tenon_server_set_worker_threads(tenon_server *server, uint32_t count);

/**
 * Whether tenon_server_run() ends the server on SIGINT and SIGTERM, and the process if a callback keeps it after the end.
 * Default: true.
 */
tenon_status tenon_server_set_signals(tenon_server *server, bool signals);

/**
 * Has `hook` called on each thread that the library starts for this server, with the thread's name, before anything else runs
 * there: to set a priority or a mask of processors, or to tell a profiler. It must not call functions of the server.
 * Threads are called "tenon-io" (sockets), "tenon-worker-1" and so on, "tenon-timer", "tenon-stdin", "tenon-stdout",
 * "tenon-stderr", "tenon-files", "tenon-check", "tenon-inline", "tenon-cancel" and "tenon-close". Servers share threads only
 * where nobody has a hook. "tenon-signals" and "tenon-exit" belong to the process and call none. `user_data` and `destroy` may
 * be NULL.
 *
 * `destroy` runs exactly once in every case: at once if this function fails, when the hook is replaced, and otherwise in
 * tenon_server_free(), after the last use of the hook.
 */
tenon_status tenon_server_set_thread_start(
    tenon_server *server, tenon_thread_start_fn hook, void *user_data, tenon_destroy_fn destroy);

/**
 * Where the server says what no client is told: calls that no callback completed, results that could not be used. Without a
 * log nobody is told. `user_data` may be NULL, and so may `destroy`.
 *
 * `destroy` runs exactly once in every case: at once if this function fails, when the log is replaced, and otherwise in
 * tenon_server_free(), after the last use of the log.
 */
tenon_status tenon_server_set_log(
    tenon_server *server, tenon_log_fn log, void *user_data, tenon_destroy_fn destroy);

/* TRANSPORTS ============================================================================================= */

/**
 * Serves standard input and output, from the start on. While that runs, descriptor 1 points at descriptor 2, so that
 * nothing a callback prints reaches the client. The server ends with its input.
 *
 * Fails with TENON_ERR_STATE if it serves them, or descriptors, already.
 */
tenon_status tenon_server_listen_stdio(tenon_server *server, tenon_error **err);

/**
 * Serves these descriptors in place of standard input and output, from the start on. One number may stand for both, such as
 * that of a socket. Takes them in every case: they are the library's to close, whatever the status.
 *
 * Fails with TENON_ERR_INVALID if one of them is not open, or is 0, 1 or 2. Those three are never taken, because whatever
 * the process opens next would get their numbers: use tenon_server_listen_stdio(), or a duplicate. Fails with TENON_ERR_STATE
 * if the server serves descriptors, or standard input and output, already.
 */
tenon_status tenon_server_listen_descriptors(tenon_server *server, int input, int output, tenon_error **err);

/**
 * Serves Streamable HTTP, from the start on. `address` is "host:port" or "host:port/path", or just a port, which means
 * 127.0.0.1; port 0 picks a free one, see tenon_server_http_url(). Or "unix:PATH" or "unix:PATH:/path" for a Unix socket, see
 * tenon_server_listen_unix(). The default path is /mcp.
 *
 * Fails with TENON_ERR_INVALID if the address cannot be read, and with TENON_ERR_STATE a second time: further addresses are those
 * of tenon_server_listen_http_socket().
 */
tenon_status tenon_server_listen_http(tenon_server *server, const char *address, tenon_error **err);

/**
 * Allows HTTP requests that name this host (without port), besides loopback ones. A server that listens on another than
 * a loopback address accepts any host unless some are named here.
 */
tenon_status tenon_server_allow_host(tenon_server *server, const char *host);

/**
 * Allows pages of this origin ("scheme://host:port") to call the server over HTTP, besides those of loopback hosts on a
 * loopback address.
 */
tenon_status tenon_server_allow_origin(tenon_server *server, const char *origin);

/**
 * Allows pages of allowed origins to send this request header over HTTP, besides those of the protocol, Authorization,
 * Content-Type and Accept; "*" stands for every header. A browser does not send a header that is not allowed. The start
 * fails if the text is no header name.
 */
tenon_status tenon_server_allow_header(tenon_server *server, const char *name);

/**
 * Serves lines, framed as on standard input and output, on a Unix socket of this path, from the start on: for any number of
 * clients at once. May be called for several paths. HTTP is served on one by tenon_server_listen_http() with "unix:PATH".
 *
 * The socket's file may be used by the user alone whom the process runs as, see tenon_server_set_unix_mode(). A file on
 * which nobody listens any more is replaced; the start fails with TENON_ERR_ADDRESS where somebody listens, or where the file
 * is no socket. The file is removed when the server ends.
 *
 * Fails with TENON_ERR_INVALID if the path is empty or longer than 107 bytes.
 */
tenon_status tenon_server_listen_unix(tenon_server *server, const char *path, tenon_error **err);

/**
 * Sets the permissions that the files of Unix sockets get, whatever the process's umask is: who may write to one may connect.
 * Default 0600. Fails with TENON_ERR_INVALID above 0777.
 */
tenon_status tenon_server_set_unix_mode(tenon_server *server, uint32_t mode);

/**
 * Serves lines on a socket of the program's, TCP or Unix, from the start on; may be called for several. One that listens
 * is served like a path of tenon_server_listen_unix(), and its file, if it has one, stays. One that is connected is one
 * client more: the server ends with the last of those. Any other makes the start fail with TENON_ERR_INVALID.
 *
 * Takes the socket in every case: it is the library's to close, whatever the status. It no longer blocks, which whoever
 * shares it sees too. TCP has no permissions: whoever reaches the address may call.
 *
 * Fails with TENON_ERR_INVALID if the descriptor is not open, or is 0, 1 or 2, which are left alone.
 */
tenon_status tenon_server_listen_socket(tenon_server *server, int socket, tenon_error **err);

/**
 * Serves Streamable HTTP on a listening socket of the program's, TCP or Unix, from the start on, as
 * tenon_server_listen_http() does on an address. `path` is that of the endpoint; NULL means "/mcp".
 *
 * Takes the socket as tenon_server_listen_socket() does, and fails like it, and if the path cannot be one.
 */
tenon_status tenon_server_listen_http_socket(
    tenon_server *server, int socket, const char *path, tenon_error **err);

/**
 * Serves WebSocket, from the start on: one message a text frame, clients of every revision. `address` is "host:port",
 * "host:port/path" or just a port, as for tenon_server_listen_http(); the default path is /ws. An address that HTTP is served
 * on too is shared with it; a path alone, "/ws", is one of the HTTP address.
 *
 * tenon_server_allow_host() and tenon_server_allow_origin() hold here too. A client that says nothing is pinged, see
 * TENON_LIMIT_PING_INTERVAL_MS. The end of a connection cancels what its client has in flight.
 *
 * Fails with TENON_ERR_INVALID if the address cannot be read, and the start if "/path" is named without HTTP.
 */
tenon_status tenon_server_listen_websocket(tenon_server *server, const char *address, tenon_error **err);

/**
 * Serves the transport HTTP+SSE of revision 2024-11-05, from the start on, for clients that have no other: its event stream
 * under the path of `address`, which is written as for tenon_server_listen_websocket(), by default /sse, and `messages` beside
 * it, where clients send to. Clients of 2026-07-28 are refused here.
 *
 * tenon_server_allow_host(), tenon_server_allow_origin() and tenon_server_allow_header() hold here too. Fails as tenon_server_listen_websocket() does.
 */
tenon_status tenon_server_listen_sse(tenon_server *server, const char *address, tenon_error **err);

/**
 * The URL that WebSocket is served on, with the port that was picked; of several, that of the first. As
 * tenon_server_http_url().
 *
 * Fails with TENON_ERR_STATE before the start, and with TENON_ERR_NOT_FOUND if WebSocket is not served.
 */
tenon_status tenon_server_websocket_url(const tenon_server *server, const char **url, size_t *len);

/**
 * The URL of the event stream of HTTP+SSE, with the port that was picked; of several, that of the first. As
 * tenon_server_http_url().
 *
 * Fails with TENON_ERR_STATE before the start, and with TENON_ERR_NOT_FOUND if HTTP+SSE is not served.
 */
tenon_status tenon_server_sse_url(const tenon_server *server, const char **url, size_t *len);

/* RUNNING A SERVER ======================================================================================= */

/**
 * Starts the transports on threads of the library and returns.
 *
 * Fails with TENON_ERR_INVALID without a transport or with an allowed host or origin that is none, with
 * TENON_ERR_ADDRESS if the port is in use or not permitted, with TENON_ERR_STATE if the server was started already;
 * nothing is left running then, and unless it was started already it may be started again.
 *
 * Callbacks of "start" (tenon_server_on()) have returned when this does, unless one is in TENON_MODE_POLL and so waits for
 * tenon_server_poll(). Fails with TENON_ERR_START if one failed; the server has ended then, for good.
 */
tenon_status tenon_server_start(tenon_server *server, tenon_error **err) TENON_MUST_USE;

/**
 * Starts the server, unless it was started already, and serves until it has ended: by tenon_server_close(), by the end of
 * its standard input, or by SIGINT or SIGTERM. Runs the callbacks of entries in TENON_MODE_POLL on this thread.
 *
 * The first signal ends the server like tenon_server_close(), or, if it is ending already, cancels at once the calls that
 * are still given time. A second one ends the process with 128 plus its number. tenon_server_exit_code() says what the
 * program should exit with after this function.
 *
 * While signals are on, the server has the process to itself. A callback in TENON_MODE_POLL that still runs 0.5 s after the
 * server's end, and so keeps this function from returning, is not waited for: the process ends as by _exit(), with what
 * tenon_server_exit_code() would say. Not if the end began with tenon_server_close() and no signal came, nor as long as
 * another tenon_server_run() serves. A program that wants to outlive its server in any case switches signals off.
 *
 * The signal handlers are installed with sigaction() before the start and the former ones are restored on return; a signal
 * that is ignored stays ignored. Servers that are run at the same time share them. tenon_server_set_signals() switches them
 * off.
 *
 * Fails like tenon_server_start(), also where a callback of "start" in TENON_MODE_POLL failed, and with TENON_ERR_STATE inside
 * a callback of this server.
 */
tenon_status tenon_server_run(tenon_server *server, tenon_error **err) TENON_MUST_USE;

/**
 * What a program that does nothing but run this server should return from main() after tenon_server_run(): 0 if it ended by
 * the end of its input, by tenon_server_close() or by SIGTERM, and 130 if SIGINT ended it. 1 for NULL, for a server that
 * has not ended, and for one that ended because a thread of the library panicked.
 *
 * Such a program need not free the server, and does well not to: tenon_server_free() waits for callbacks that still run,
 * while the end of the process does not.
 */
int tenon_server_exit_code(const tenon_server *server);

/**
 * The URL that HTTP is served on, with the port that was picked. NUL-terminated, borrowed: it lives as long as the
 * server. `len` may be NULL.
 *
 * Fails with TENON_ERR_STATE before the start, and with TENON_ERR_NOT_FOUND if HTTP is not served.
 */
tenon_status tenon_server_http_url(const tenon_server *server, const char **url, size_t *len);

/**
 * A descriptor that is readable when tenon_server_poll() has something to do, for poll(), epoll and other main loops. It
 * belongs to the server, and lives as long: watch it, do not read or close it. It stays readable once the server has ended.
 * Fails with TENON_ERR_STATE before the start.
 */
tenon_status tenon_server_wake_fd(const tenon_server *server, int *fd);

/**
 * Runs waiting callbacks of entries in TENON_MODE_POLL on the calling thread, and returns after `max` of them (0: 64) or
 * about TENON_LIMIT_POLL_BUDGET_MS, 2 ms by default. If none waits, it waits for one: at most `timeout_ms` milliseconds, not at all for 0, without end below 0.
 *
 * TENON_OK: `*handled` callbacks were run; it may be 0, after the time-out or when a signal handler ran. TENON_ENDED: the
 * server has ended. `handled` may be NULL. Callbacks may call this function themselves, for example to serve calls during
 * a modal dialog. Fails with TENON_ERR_STATE before the start, and with TENON_ERR_START in place of
 * TENON_ENDED if a callback of "start" failed.
 */
tenon_status tenon_server_poll(tenon_server *server, uint32_t max, int32_t timeout_ms, uint32_t *handled);

/**
 * Ends the server: it accepts nothing more, and calls in flight may finish within TENON_LIMIT_DRAIN_TIMEOUT_MS, where stdio
 * or descriptors are served within TENON_LIMIT_STDIO_DRAIN_TIMEOUT_MS if that is less. Returns at once; may be called
 * anywhere, also in callbacks and again. Fails with TENON_ERR_STATE before the start.
 */
tenon_status tenon_server_close(tenon_server *server);

/** Whether a started server has ended; false for NULL, before the start and in a forked child. */
bool tenon_server_is_closed(const tenon_server *server) TENON_MUST_USE;

/**
 * Ends the server if need be, waits until it has ended and until the last callback has returned, and frees it. No callback
 * runs afterwards, nor the log or the `ready` of a request. Calls waiting for tenon_server_poll() fail, a "stop" in
 * TENON_MODE_POLL too. Calls kept with tenon_call_retain() stay valid until their release, and with them their user_data. No
 * other thread may use the server meanwhile. NULL is ignored. Calls in flight are given the time of
 * TENON_LIMIT_DRAIN_TIMEOUT_MS to finish, those of exchanges whose time was over too.
 *
 * Fails with TENON_ERR_STATE inside one of its callbacks, and with TENON_ERR_FORKED in a child of the process that started
 * it; the server is not freed then.
 */
tenon_status tenon_server_free(tenon_server *server);

/* INSIDE OF AN HTTP SERVER OF THE PROGRAM ================================================================ */

/**
 * Serves requests that the program hands over with tenon_server_handle_http(), from the start on. Other transports may be
 * served besides.
 *
 * Any host may be named by a request, unless tenon_server_allow_host() names some. A page in a browser may call if
 * tenon_server_allow_origin() names its origin, or if both it and the host that the request names are of this machine.
 */
tenon_status tenon_server_listen_embedded(tenon_server *server, tenon_error **err);

/**
 * Makes a request with this method. Its path is not asked for: that it is for the server has been decided.
 *
 * On success `*out` is the request. Fails with TENON_ERR_INVALID if there can be no such method.
 */
tenon_status tenon_http_new(const char *method, tenon_http **out, tenon_error **err) TENON_MUST_USE;

/**
 * Adds a header: `value` is `len` bytes, or up to the first NUL with TENON_NUL. Both are copied. Several of one name may be
 * added.
 *
 * Fails with TENON_ERR_INVALID if HTTP has no such header, and with TENON_ERR_STATE once the request has been handed over.
 */
tenon_status tenon_http_add_header(
    tenon_http *http, const char *name, const char *value, size_t len, tenon_error **err);

/**
 * The major version of HTTP that the client speaks, 1 if this is not said: a response to 1 may have the header `connection`.
 */
tenon_status tenon_http_set_version(tenon_http *http, uint8_t major);

/**
 * Who sends the request, where the program has found that out. A session belongs to whoever opened it, and callbacks read it
 * as "principal".
 */
tenon_status tenon_http_set_principal(tenon_http *http, const char *principal);

/**
 * The IP address of the request's client, without port, where the program knows it. What the client has counts to the share
 * of this address (TENON_LIMIT_ADDRESS_CALLS and the others); without it only the totals hold. Behind a proxy give the address
 * that the proxy names, or none.
 *
 * Fails with TENON_ERR_INVALID for a text that is no address, and with TENON_ERR_STATE once the request has been handed over.
 */
tenon_status tenon_http_set_address(tenon_http *http, const char *address);

/**
 * Puts a pointer with the request, for the callbacks of its calls to have: tenon_call_http_user_data(). `destroy`, which may be
 * NULL, runs exactly once, on any thread: at once if this function fails, when another pointer takes its place, otherwise once
 * the request was freed and the last of its calls is over, one that goes on as a task too.
 *
 * Fails with TENON_ERR_STATE once the request has been handed over.
 */
tenon_status tenon_http_set_user_data(tenon_http *http, void *user_data, tenon_destroy_fn destroy);

/**
 * Hands a request to a server that was started and serves such (tenon_server_listen_embedded()). `ready` is called when
 * tenon_http_next() may have more; it may be NULL, as for programs that wait in that function. `user_data` may be NULL, and so
 * may `destroy`, which runs exactly once: at once if this function fails, otherwise when the request was freed and `ready` has
 * returned for the last time.
 *
 * The server's rules hold for the body too: over TENON_LIMIT_MESSAGE_BYTES it is answered with 413. Requests over
 * TENON_LIMIT_CONNECTIONS at a time are answered with 503, and so are those that come when the server ends.
 *
 * Fails with TENON_ERR_STATE if the server was not started or takes no requests, or if the request was handed over already.
 */
tenon_status tenon_server_handle_http(
    tenon_server *server, tenon_http *http, tenon_http_ready_fn ready, void *user_data,
    tenon_destroy_fn destroy, tenon_error **err) TENON_MUST_USE;

/**
 * Hands in a piece of the request's body, `len` bytes that are copied. A program that calls tenon_http_next() after each piece
 * learns early of a refusal, and never has more than one held. Once there is a response that wants no more of the body, pieces are
 * let go of at once.
 */
tenon_status tenon_http_write(tenon_http *http, const void *data, size_t len);

/** The request's body is complete; to be called also where there is none. */
tenon_status tenon_http_end(tenon_http *http);

/**
 * What comes next of the response; if nothing is there, it waits: at most `timeout_ms` milliseconds, not at all for 0, without
 * end below 0. Callbacks in TENON_MODE_INLINE run in here.
 *
 * On success `*step` is one of the TENON_HTTP_ values.
 */
tenon_status tenon_http_next(tenon_http *http, int32_t timeout_ms, tenon_http_step *step) TENON_MUST_USE;

/** The status of the response, such as 200. Fails with TENON_ERR_STATE before TENON_HTTP_HEAD. */
tenon_status tenon_http_status(const tenon_http *http, uint32_t *status);

/**
 * A header of the response, by its place from 0 on: its name in lower case, NUL-terminated, and `len` bytes of value with a
 * NUL behind them. Borrowed: both live as long as the request. `len` may be NULL. `content-length` is among them where it is
 * known; how a body without it is framed, and `date`, are the program's business.
 *
 * Fails with TENON_ERR_NOT_FOUND behind the last one, and with TENON_ERR_STATE before TENON_HTTP_HEAD.
 */
tenon_status tenon_http_header(
    const tenon_http *http, size_t place, const char **name, const char **value, size_t *len);

/**
 * The piece of the body that the last TENON_HTTP_DATA was for; no bytes otherwise. Borrowed: it lives until the next
 * tenon_http_next() or tenon_http_free().
 */
tenon_status tenon_http_data(const tenon_http *http, const void **data, size_t *len);

/**
 * Frees a request, whatever has become of it: before TENON_HTTP_END that says that its client is gone, which cancels a call of
 * the modern era. NULL is ignored. To be called before tenon_server_free() where that is possible; afterwards it is the
 * only function that may be called with it.
 *
 * Fails with TENON_ERR_STATE while another function uses it, and with TENON_ERR_FORKED in a child of the process that handed
 * it over; it is not freed then.
 */
tenon_status tenon_http_free(tenon_http *http);

/* ENTRIES, BY KIND ======================================================================================= */

/**
 * Makes a tool, something a model calls. `name`: 1 to 128 characters of A-Z a-z 0-9 _ - . (checked when it is added).
 *
 * Its callback gets the arguments, which satisfy the schema of tenon_tool_set_input_schema() or the parameters of
 * tenon_tool_add_param(); without either the tool takes none.
 *
 * On success `*out` is the entry. Fails with TENON_ERR_NULL or TENON_ERR_UTF8; so do the other constructors.
 */
tenon_status tenon_tool_new(const char *name, tenon_entry **out, tenon_error **err) TENON_MUST_USE;

/**
 * Makes a resource at one address, an absolute URI. Its members are `name` (default: the URI), `title`, `description`,
 * `mime_type`, `size`, `annotations`, `icons`, `meta`; see tenon_entry_set().
 *
 * Its callback has no arguments and completes the call with the contents: text by tenon_call_return_text(), bytes by
 * tenon_call_return_bytes(), any JSON value as its text by tenon_call_return_json(), or several by tenon_call_return().
 */
tenon_status tenon_resource_new(const char *uri, tenon_entry **out, tenon_error **err) TENON_MUST_USE;

/**
 * Makes a resource template: all resources whose address fits `uri_template` (RFC 6570), such as
 * "file:///{+path}". It has the members of a resource but for `size`.
 *
 * Its callback gets the variables as arguments and completes the call like a resource's, or with
 * tenon_call_not_found() where there is nothing at the address; tenon_call_uri() is the address.
 */
tenon_status tenon_resource_template_new(
    const char *uri_template, tenon_entry **out, tenon_error **err) TENON_MUST_USE;

/**
 * Makes a resource provider: resources that are not known beforehand, such as the rows of a table. It has two callbacks.
 * That of tenon_entry_set_list_handler() lists them: it completes its call with tenon_call_return() and a link for each
 * (tenon_result_add_link()), or with tenon_call_return_json() and an array of resources. That of
 * tenon_entry_set_handler() reads one whose address fits `uri_template`, as a template's does. The template itself stands
 * in no list.
 */
tenon_status tenon_resource_provider_new(
    const char *uri_template, tenon_entry **out, tenon_error **err) TENON_MUST_USE;

/**
 * Makes a prompt; `name` is like a tool's. Its members are `title`, `description`, `icons`, `meta`, and `arguments`, for
 * which there is tenon_prompt_add_argument().
 *
 * Its callback gets the arguments, all of them strings, and completes the call with text, which is one message of the
 * user, or with tenon_call_return() and a message for each block.
 */
tenon_status tenon_prompt_new(const char *name, tenon_entry **out, tenon_error **err) TENON_MUST_USE;

/**
 * Adds an argument to a prompt: a string that clients ask their user for. `description` may be NULL. A required one that
 * is missing is refused before the callback runs.
 */
tenon_status tenon_prompt_add_argument(
    tenon_entry *entry, const char *name, const char *description, bool required);

/**
 * Makes suggestions for an argument of a prompt (`of_kind` TENON_KIND_PROMPT, `of` its name), or for a variable of a
 * resource template (TENON_KIND_RESOURCE_TEMPLATE, its text).
 *
 * Its callback gets the string "value", what was typed so far, and the object "arguments", those that are known already.
 * It completes the call with tenon_call_return() and a value for each suggestion (tenon_result_add_value()), or with
 * tenon_call_return_json() and an array of strings. There may be any number; the library sends the first 100.
 *
 * Without the prompt or template, and its argument, the start fails with TENON_ERR_NOT_FOUND; while the server runs,
 * tenon_server_add() does.
 *
 * Its name, for tenon_server_remove() and the like, is what tenon_server_entries() tells.
 */
tenon_status tenon_completion_new(
    tenon_kind of_kind, const char *of, const char *argument, tenon_entry **out,
    tenon_error **err) TENON_MUST_USE;

/**
 * Makes a method: a request of the program's own, such as "acme/status". Its callback gets the parameters, which a schema
 * in the member `input_schema` may bind, and completes the call with a JSON object. See also tenon_server_replace().
 */
tenon_status tenon_method_new(const char *name, tenon_entry **out, tenon_error **err) TENON_MUST_USE;

/**
 * Makes a notification of the program's own, such as "notifications/acme/moved". Its callback gets the parameters; nobody
 * waits for it, and it need not complete its call.
 */
tenon_status tenon_notification_new(const char *name, tenon_entry **out, tenon_error **err) TENON_MUST_USE;

/**
 * The schema of a tool's arguments: JSON Schema 2020-12, or the dialect its "$schema" names, with "type": "object" at its
 * root, at most 1 MiB. Arguments are checked against it before the callback runs.
 *
 * Fails with TENON_ERR_JSON if the text is not JSON, and with TENON_ERR_STATE after tenon_tool_add_param(); whether it is a
 * schema is checked when the tool is added.
 */
tenon_status tenon_tool_set_input_schema(tenon_entry *entry, const char *schema);

/**
 * The schema of a tool's result; it makes the tool structured, and what tenon_call_return_json() is given, or
 * tenon_call_return_text() as a JSON string, is checked against it: a result that does not fit reaches the client as a
 * failure. A value that is no object by its schema stands in one as the member "result", and so does its schema, for
 * clients of 2025-06-18 and 2025-11-25.
 *
 * Fails with TENON_ERR_JSON if the text is not JSON; whether it is a schema is checked when the tool is added.
 */
tenon_status tenon_tool_set_output_schema(tenon_entry *entry, const char *schema);

/**
 * Whether a JSON value that a tool's callback returns is also sent as structured content, next to its text. Default:
 * false, or true with an output schema.
 */
tenon_status tenon_tool_set_structured(tenon_entry *entry, bool structured);

/**
 * Adds one parameter to a tool's input schema, in place of tenon_tool_set_input_schema(). `type` is "string", "integer",
 * "number", "boolean", "array" or "object"; one of these with "[]" behind it, such as "string[]", for an array of them; or
 * the JSON schema of its value, such as {"type":"integer","minimum":1}. `description` says what it is for, and may be NULL.
 * `flags` are TENON_PARAM_ values. The tool then takes these parameters and no others.
 *
 * Fails with TENON_ERR_INVALID for another type, for unknown flags and for two descriptions, with TENON_ERR_JSON if a schema
 * is not JSON, with TENON_ERR_DUPLICATE if there is a parameter of this name, and with TENON_ERR_STATE if the tool has an
 * input schema.
 */
tenon_status tenon_tool_add_param(
    tenon_entry *entry, const char *name, const char *type, const char *description, tenon_param_flags flags);

/* ENTRIES OF ALL KINDS =================================================================================== */

/**
 * Sets a member of the definition, as the newest revision of the specification writes it: `value` is `len` bytes of JSON
 * text, or up to the first NUL with TENON_NUL. `member` is the specification's name, such as "title", "icons" or
 * "mimeType"; underscores between words ("mime_type") and "meta" for "_meta" do as well. Clients of older revisions are
 * told what those have of it. A member that is set again is replaced.
 *
 * These are not sent to clients:
 * - "unknown_arguments": what becomes of arguments that a tool's input schema has no properties for: "schema" (what the
 *   schema says, the default), "refuse", "drop".
 * - "coerce_arguments": true or false; whether texts among arguments that do not fit are read as the numbers, booleans,
 *   arrays and objects they stand for. Default: what tenon_server_set() says.
 * - "once_only": true or false; whether each state that a client of 2026-07-28 carries back after a question is used once,
 *   so that nothing happens twice because the same round was sent again. Default: false.
 * - "defer_task": true or false; whether a call of a client of 2026-07-28 becomes a task only when its callback says so, by
 *   tenon_call_start_task(). See tenon_tool_set_task_support(). Default: false.
 * - "unsafe_paths": true or false; whether values of a resource template's variables may lead out of a folder that the
 *   program appends them to. If false, the default, "{+x}" is no absolute path and starts with no drive ("C:"), and no
 *   value has a segment "..": addresses with such values do not fit the template. Other kinds refuse it.
 * - "max_concurrency": a positive integer; how many of its calls may run at a time. Others wait for their turn, in the order
 *   they came and within their time-out, which begins anew when they run; TENON_LIMIT_WAITING_CALLS bounds how many wait.
 *   Default: any number.
 * - "cache": how long what a resource or template holds may be kept, and by whom, such as
 *   {"ttlMs":60000,"cacheScope":"public"}. Default: what tenon_server_set() says.
 * - "tags": an array of words that tenon_server_disable_tag() hides it by; clients do not see them. Default: none.
 * - "hidden": true or false; whether it is in no list, although it can be called. Default: false.
 *
 * "ui" of a tool is the view that shows its results, see tenon_tool_set_ui(), or an object with "resourceUri" and
 * "visibility"; of a resource it says how a view is shown, see tenon_ui_new(). Clients get it in "_meta".
 *
 * Fails with TENON_ERR_JSON if the text is not JSON; whether the member and its value are right is checked when the entry
 * is added.
 */
tenon_status tenon_entry_set(tenon_entry *entry, const char *member, const char *value, size_t len);

/** What the entry is for: a text for the model that chooses it, or for people. */
tenon_status tenon_entry_set_description(tenon_entry *entry, const char *description);

/**
 * The callback, with the pointer it is called with. `user_data` may be NULL, and so may `destroy`.
 *
 * `destroy` runs exactly once in every case: at once if this function fails, when the callback is replaced, when the
 * entry is freed or cannot be added, and otherwise after its last callback and the last call kept from it.
 */
tenon_status tenon_entry_set_handler(
    tenon_entry *entry, tenon_handler_fn handler, void *user_data, tenon_destroy_fn destroy);

/**
 * The callback that lists what a resource provider has; see tenon_resource_provider_new(). It is like that of
 * tenon_entry_set_handler() in everything else, and has a `user_data` of its own.
 */
tenon_status tenon_entry_set_list_handler(
    tenon_entry *entry, tenon_handler_fn handler, void *user_data, tenon_destroy_fn destroy);

/** Where the callback runs: TENON_MODE_WORKER (default), TENON_MODE_POLL or TENON_MODE_INLINE. */
tenon_status tenon_entry_set_mode(tenon_entry *entry, tenon_mode mode);

/**
 * How long one call may run, in milliseconds, more than 0; then the client is told that it timed out, and what the
 * callback still returns is dropped. Default: TENON_LIMIT_CALL_TIMEOUT_MS.
 */
tenon_status tenon_entry_set_timeout_ms(tenon_entry *entry, uint32_t timeout_ms);

/**
 * Frees an entry that was not handed to a server. NULL is ignored. Of an entry that was freed or handed to a server before nothing
 * is left to free; tenon_error_last_message() says so.
 */
void tenon_entry_free(tenon_entry *entry);

/* REGISTERING ============================================================================================ */

/**
 * Registers an entry, before or after the start. Takes the entry in every case, whatever the status: what is done with it
 * afterwards fails with TENON_ERR_STATE.
 *
 * Fails with TENON_ERR_DUPLICATE if the server has an entry of that kind and name, and with TENON_ERR_INVALID,
 * TENON_ERR_JSON or another status if the definition is wrong; the message names the entry and says why.
 */
tenon_status tenon_server_add(tenon_server *server, tenon_entry *entry, tenon_error **err) TENON_MUST_USE;

/**
 * Answers a request of the protocol's own by the program in place of the library: `method` is an entry of
 * tenon_method_new() with the request's name, such as "tools/list". Like tenon_server_add() in everything else, and undone
 * by tenon_server_remove() with TENON_KIND_METHOD.
 *
 * Fails with TENON_ERR_INVALID if the entry is no method, or the protocol has no such request.
 */
tenon_status tenon_server_replace(
    tenon_server *server, tenon_entry *method, tenon_error **err) TENON_MUST_USE;

/**
 * Has a callback run when something happens to the server. `hook` is one of
 * - "start": the server is served from now on. Runs before the first call; calls that come meanwhile wait, and what the library
 *   answers itself it answers. If the callback fails (tenon_call_fail()) or takes longer than TENON_LIMIT_START_TIMEOUT_MS,
 *   nothing is served.
 * - "stop": the server has ended. Runs once after the last call, for at most TENON_LIMIT_STOP_TIMEOUT_MS; not where "start"
 *   failed.
 * - "session_start": a client has opened a legacy session.
 * - "session_end": it is over. A client that sends `initialize` again on the same channel ends its session and opens another.
 * - "roots_changed": a client's roots have changed.
 * - "subscribe": a resource, whose address is the argument "uri", has its first subscriber.
 * - "unsubscribe": nobody is subscribed to that resource any more; not told at the end of the server.
 * - "error": a callback's result cannot be used, or it took too long; "kind", "name" and "message" say which and why. What
 *   the callback of this one fails with is in the log alone.
 *
 * The first two are told of a mounted server, too, in its turn: "start" after that of the server that it is mounted in, "stop"
 * before. What the callbacks have in common is in their `user_data`.
 *
 * What happened are the arguments of its call, which need not be completed. `mode` says where it runs. There is one
 * callback for each; tenon_server_remove() with TENON_KIND_HOOK removes it. `user_data` may be NULL, and so may `destroy`,
 * which runs exactly once in every case, as with tenon_entry_set_handler().
 *
 * Fails with TENON_ERR_DUPLICATE if the hook has a callback, and with TENON_ERR_INVALID if there is no such hook.
 */
tenon_status tenon_server_on(
    tenon_server *server, const char *hook, tenon_mode mode, tenon_handler_fn handler, void *user_data,
    tenon_destroy_fn destroy, tenon_error **err);

/**
 * Removes an entry: of tools, prompts, methods, notifications and hooks by its name, of a resource by its URI, of templates
 * and providers by the template. Callbacks that run go on; calls that have not reached their callback yet fail, and so do
 * calls that wait for an answer of the client. Fails with TENON_ERR_NOT_FOUND if there is no such entry.
 */
tenon_status tenon_server_remove(tenon_server *server, tenon_kind kind, const char *name);

/**
 * Shows an entry that was disabled. Fails with TENON_ERR_NOT_FOUND if there is no such entry; see tenon_server_remove().
 */
tenon_status tenon_server_enable(tenon_server *server, tenon_kind kind, const char *name);

/**
 * Hides an entry, as if it were not registered, until it is enabled again. Calls that run go on. Fails like
 * tenon_server_enable().
 */
tenon_status tenon_server_disable(tenon_server *server, tenon_kind kind, const char *name);

/**
 * Makes another server a part of this one: its tools and prompts as `prefix_name`, its resources, templates and providers as
 * `scheme://prefix/rest` (`scheme:prefix/rest` where an address has no authority), with the completions of both. What the
 * other one adds, removes, enables or disables later shows here as well, and so do its updates of resources. Mounts may be
 * nested. `prefix` has letters, digits and hyphens; with NULL names and addresses stay as they are.
 *
 * A call of a mounted entry is a call of this server: its limits, its workers, its polls and its log are in force, and the
 * context says the name and the address that the client used. What the other server is besides, such as its name, its
 * settings, its hooks but "start" and "stop", methods and notifications and its skills, stays with it. Its settings come
 * before this. It may be freed at any time; what it had then stays here until this server is freed, and its `user_data` too.
 * Its middleware is around its entries here as well, inside of this server's. A list is that of the server that is served: a
 * server with middleware around lists cannot be mounted, and a mounted one gets none.
 *
 * Fails with TENON_ERR_DUPLICATE where a name is taken here and with TENON_ERR_INVALID for a wrong prefix, then nothing is
 * mounted, and with TENON_ERR_STATE where this server is a part of the other one. Adding to the other one fails for the same
 * reasons from then on.
 */
tenon_status tenon_server_mount(
    tenon_server *server, tenon_server *other, const char *prefix, tenon_error **err) TENON_MUST_USE;

/**
 * Undoes tenon_server_mount() with the same prefix, also while the server is served: what the other server has is no longer
 * here, and clients are told that the lists have changed. Calls in flight go on. The other server's hook "stop" is told
 * at the end of this one.
 *
 * A server that is mounted nowhere any more can be set up again, mounted again, or freed with all that it had. If calls of
 * its entries are in flight, what it had stays until the last of them has ended. It is let go of when the next callback
 * returns or the next kept call is released after that, at the latest when this server is freed. If the other server has
 * hooks (tenon_server_on()) and this one was started, their callbacks stay until this one is freed.
 *
 * Fails with TENON_ERR_NOT_FOUND if the other server is not mounted here with this prefix.
 */
tenon_status tenon_server_unmount(
    tenon_server *server, tenon_server *other, const char *prefix, tenon_error **err) TENON_MUST_USE;

/**
 * Shows what tenon_server_disable_tag() has hidden by this tag. What has another tag that is disabled, or was disabled by its
 * name, stays hidden. Fails with TENON_ERR_NOT_FOUND if no entry has it now; it is enabled all the same.
 */
tenon_status tenon_server_enable_tag(tenon_server *server, const char *tag);

/**
 * Hides every entry with this tag, which tenon_entry_set() gives it by "tags", now and when it is added later, until the tag
 * is enabled again. Calls that run go on. Fails with TENON_ERR_NOT_FOUND if no entry has it now; it is disabled all the
 * same.
 */
tenon_status tenon_server_disable_tag(tenon_server *server, const char *tag);

/**
 * Calls `visit`, on this thread and before it returns, with the definition of each entry of a kind and whether it is
 * enabled, in the order of registration.
 */
tenon_status tenon_server_entries(
    tenon_server *server, tenon_kind kind, tenon_entries_fn visit, void *user_data);

/* VIEWS AND SKILLS ======================================================================================= */

/**
 * Makes a view: an HTML document that hosts of MCP Apps show in a frame of its own, beside the results of the tools that name
 * it (tenon_tool_set_ui()). `uri` starts with "ui://". It has no callback, and the members of a resource but for `mime_type`
 * and `size`.
 *
 * tenon_entry_set() with "ui" says how it is shown, a JSON object: "csp" with the origins it may reach ("connectDomains",
 * "resourceDomains", "frameDomains", "baseUriDomains", lists such as ["https://a.example.com"]; default: none), "permissions"
 * it asks for ("camera", "microphone", "geolocation", "clipboardWrite", each {}), "domain", "prefersBorder". With "hidden" it
 * is left out of the list of resources.
 *
 * On success `*out` is the entry. Fails with TENON_ERR_NULL or TENON_ERR_UTF8; what is wrong with the document is told when
 * the entry is added. A server does not start while a tool names a view that it does not have.
 */
tenon_status tenon_ui_new(
    const char *uri, const char *html, tenon_entry **out, tenon_error **err) TENON_MUST_USE;

/**
 * Makes a view of a folder: of its index.html, with everything put inside that it loads from the folder (scripts, style sheets,
 * images, fonts, media), since a frame has no address to load it from. The folder is read when the entry is added; nothing
 * outside of it is read, and no symbolic link followed. Scripts with imports of their own have to be bundled before.
 *
 * In everything else it is like tenon_ui_new().
 */
tenon_status tenon_ui_new_from_folder(
    const char *uri, const char *folder, tenon_entry **out, tenon_error **err) TENON_MUST_USE;

/**
 * Names the view that hosts of MCP Apps show a tool's results in, by its address; it may be added later. Other clients see the
 * tool as ever. tenon_entry_set() with "ui" says more.
 */
tenon_status tenon_tool_set_ui(tenon_entry *entry, const char *uri);

/**
 * Serves a folder of skills (io.modelcontextprotocol/skills): each folder in it that has a SKILL.md is a skill, with all files
 * in and below it; other folders group skills. May be called for several folders, before the start or after it.
 *
 * A SKILL.md begins with front matter: YAML between two lines of ---, in which `name` is that of its folder and `description`
 * says what the skill is for. A skill has at most 512 files and 16 MiB; symbolic links are refused, and what begins with a dot is
 * left out. The folder is looked at whenever a client asks; what has come to be wrong since is left out, and the log says why.
 *
 * Reads files. Fails with TENON_ERR_INVALID, whose detail says which skill is not in order and why, and with
 * TENON_ERR_DUPLICATE if a skill has the address of one that is served already.
 */
tenon_status tenon_server_add_skills(tenon_server *server, const char *folder, tenon_error **err);

/* PAGES ================================================================================================== */

/**
 * Has the HTTP listeners of the server answer GET and HEAD of one path with a fixed page, such as one that is a client of the
 * server in a browser. No callback runs. A page that there is under this path is replaced; before the start or after it.
 * tenon_server_handle_http() answers none, since the program there has paths of its own, and those of a mounted server
 * stay with it.
 *
 * `path` is matched exactly, as it stands in a request: percent-encoded, without query. `content_type` is the media type, such
 * as "text/html; charset=utf-8". The `len` bytes of `body` are copied; it may be NULL if `len` is 0.
 *
 * Responses have an ETag, by which browsers ask whether the page has changed, and `x-content-type-options: nosniff`. Hosts that
 * a request may name are those of the address (tenon_server_allow_host()); in a frame the page is shown to its own address and to
 * origins that may call the server. Whoever reaches the address can read it. A page of an address that others can reach calls
 * the server only if its origin is allowed (tenon_server_allow_origin()); one of a loopback address may.
 *
 * Fails with TENON_ERR_INVALID if the path or the type is none, the page is larger than TENON_LIMIT_PAGE_BYTES, there are
 * TENON_LIMIT_PAGES, or MCP is served under the path; where that is not known yet, the start fails.
 */
tenon_status tenon_server_add_page(
    tenon_server *server, const char *path, const char *content_type, const void *body, size_t len,
    tenon_error **err);

/** Removes a page. Fails with TENON_ERR_NOT_FOUND if there is none under this path. */
tenon_status tenon_server_remove_page(tenon_server *server, const char *path);

/* TELLING CLIENTS ======================================================================================== */

/**
 * Tells the client that was asked for a visit to a page, by tenon_call_elicit_url() or tenon_call_require_url() with this
 * `elicitation_id`, that it has come to its end. Only clients with a session are told.
 *
 * Fails with TENON_ERR_NOT_FOUND if no client waits for it, which is nothing to worry about, and with TENON_ERR_STATE
 * before the start.
 */
tenon_status tenon_server_elicitation_complete(tenon_server *server, const char *elicitation_id);

/**
 * Sends a notification of the program's own to all legacy sessions: its name and its parameters, `len` bytes of a JSON
 * object or up to the first NUL with TENON_NUL; NULL with length 0 for none. Clients of 2026-07-28 get such notifications
 * on the stream of their own request only: tenon_call_notify().
 *
 * Fails with TENON_ERR_JSON if the parameters are not JSON, with TENON_ERR_INVALID if they are no object or the name is one
 * of the protocol's, and with TENON_ERR_STATE before the start. What no client is there for is dropped.
 */
tenon_status tenon_server_notify(tenon_server *server, const char *method, const char *params, size_t len);

/**
 * Sends the client of a call a notification of the program's own, on the stream of the call: its name and its parameters,
 * as with tenon_server_notify(). Dropped if the call is over, if its client takes no stream, and if it does not read.
 *
 * Fails with TENON_ERR_JSON if the parameters are not JSON, and with TENON_ERR_INVALID if they are no object or the name is
 * one of the protocol's.
 */
tenon_status tenon_call_notify(tenon_call *call, const char *method, const char *params, size_t len);

/**
 * Says that the resource at exactly this address has changed. Clients that are subscribed to it are told within a few
 * milliseconds; several updates of one moment are told once. Before the start nobody is, and nothing happens. From any
 * thread; waits for nothing.
 */
tenon_status tenon_server_resource_updated(tenon_server *server, const char *uri);

/**
 * Says that the list of a kind has changed, for what the engine cannot see, such as what a provider lists: entries that are
 * added, removed, enabled or disabled are told of without it. Templates and providers are told as resources. From any
 * thread; waits for nothing.
 *
 * Fails with TENON_ERR_INVALID for kinds that clients have no list of, and with TENON_ERR_STATE before the start.
 */
tenon_status tenon_server_list_changed(tenon_server *server, tenon_kind kind);

/* CALLS ================================================================================================== */

/**
 * Keeps a call beyond the return of its callback, so that it can be completed later, from any thread. Each retain needs
 * one tenon_call_release().
 */
tenon_status tenon_call_retain(tenon_call *call);

/**
 * Gives up a call that was kept with tenon_call_retain(). When nobody holds a call that was not completed, it fails. NULL
 * is ignored.
 */
void tenon_call_release(tenon_call *call);

/**
 * The arguments, a JSON object: of a tool those that satisfy its schema, of a template its variables, of a prompt its
 * arguments, of a completion "value" and "arguments", of a method or a notification its parameters, of a hook what
 * happened. `*json` is not NUL-terminated; it is borrowed and lives as long as the call.
 */
tenon_status tenon_call_arguments(const tenon_call *call, const char **json, size_t *len);

/**
 * The integer argument `name`: the name of an argument, or a JSON pointer (RFC 6901) into the arguments, such as
 * "/size/width" or "/points/0/x". What begins with a slash is a pointer; in one ~1 stands for a slash in a name, ~0 for a ~.
 *
 * Fails with TENON_ERR_NOT_FOUND if it is absent, with TENON_ERR_TYPE if it is no integer of 64 bits, and with
 * TENON_ERR_INVALID if it is no pointer although it begins like one. A callback that returns because of such a failure,
 * without completing the call, fails the call with that reason; so it is with the other tenon_call_arg_ functions. It goes
 * on, and has not let the failure through, once it has read another argument, kept the call, reported progress, logged or
 * asked something.
 */
tenon_status tenon_call_arg_int64(const tenon_call *call, const char *name, int64_t *out);

/** The numeric argument `name`. See tenon_call_arg_int64(). */
tenon_status tenon_call_arg_double(const tenon_call *call, const char *name, double *out);

/** The boolean argument `name`. See tenon_call_arg_int64(). */
tenon_status tenon_call_arg_bool(const tenon_call *call, const char *name, bool *out);

/**
 * The string argument `name`, with its escapes decoded: UTF-8, NUL-terminated, though it may hold NULs of its own. It
 * is borrowed and lives as long as the call. `len` may be NULL. See tenon_call_arg_int64().
 */
tenon_status tenon_call_arg_string(
    const tenon_call *call, const char *name, const char **string, size_t *len);

/**
 * The argument `name` as JSON text, of any type. It is not NUL-terminated; it is borrowed and lives as long as the call.
 * See tenon_call_arg_int64().
 */
tenon_status tenon_call_arg_json(const tenon_call *call, const char *name, const char **json, size_t *len);

/** What the call's entry is: one of the TENON_KIND_ values; 0 for NULL. */
tenon_kind tenon_call_kind(const tenon_call *call);

/**
 * The name of the call's entry, for callbacks that serve several: of a resource its URI, of a template or a provider the
 * template. Borrowed, not NUL-terminated.
 */
tenon_status tenon_call_name(const tenon_call *call, const char **name, size_t *len);

/**
 * The address of the resource that is read. Borrowed, not NUL-terminated. Fails with TENON_ERR_NOT_FOUND in what reads no
 * resource.
 */
tenon_status tenon_call_uri(const tenon_call *call, const char **uri, size_t *len);

/**
 * Anything that a callback may know of its call, as JSON text: "request_id", "kind", "name", "uri", "protocol_version",
 * "client_info", "client_capabilities", "meta", "trace" (the request's trace context), "log_level" (from which level on the
 * client wants log messages), "headers" (of the HTTP request, names in lower case), "principal" (who sent the request, if
 * that is known), "session_id", "task_id" (of the task that the call is). The text is not NUL-terminated; it is borrowed and
 * lives as long as the call.
 *
 * Fails with TENON_ERR_NOT_FOUND if the call has none, and with TENON_ERR_INVALID if there is no such thing at all.
 */
tenon_status tenon_call_get(const tenon_call *call, const char *field, const char **json, size_t *len);

/**
 * The client's settings of an extension of the protocol, a JSON object, by the extension's id. Borrowed, not NUL-terminated.
 * Fails with TENON_ERR_NOT_FOUND if the client does not have the extension.
 */
tenon_status tenon_call_extension(const tenon_call *call, const char *id, const char **json, size_t *len);

/**
 * The id of the request as JSON text: a string with its quotes, or an integer. Borrowed, not NUL-terminated. Fails with
 * TENON_ERR_NOT_FOUND in what is no request.
 */
tenon_status tenon_call_request_id(const tenon_call *call, const char **json, size_t *len);

/** The protocol version in force, such as "2025-11-25". Borrowed, not NUL-terminated. */
tenon_status tenon_call_protocol_version(const tenon_call *call, const char **version, size_t *len);

/**
 * What the client says about itself: a JSON object with its name and version. Borrowed, not NUL-terminated. Fails with
 * TENON_ERR_NOT_FOUND if it says nothing.
 */
tenon_status tenon_call_client_info(const tenon_call *call, const char **json, size_t *len);

/**
 * What the client can do, in this request or its session: a JSON object, empty if it said nothing. Borrowed, not
 * NUL-terminated.
 */
tenon_status tenon_call_client_capabilities(const tenon_call *call, const char **json, size_t *len);

/**
 * The id of the HTTP session the call came in. Borrowed, not NUL-terminated. Fails with TENON_ERR_NOT_FOUND where there is
 * none: over stdio, and from clients of 2026-07-28 on.
 */
tenon_status tenon_call_session_id(const tenon_call *call, const char **id, size_t *len);

/**
 * The metadata of the request as it was sent: a JSON object. Borrowed, not NUL-terminated. Fails with
 * TENON_ERR_NOT_FOUND if there is none.
 */
tenon_status tenon_call_meta(const tenon_call *call, const char **json, size_t *len);

/**
 * The pointer of tenon_http_set_user_data(), of the request that brought the call; NULL where there is none.
 */
void *tenon_call_http_user_data(const tenon_call *call);

/**
 * Whether the call has ended: completed, cancelled, timed out, or its client is gone. Long callbacks look now and then,
 * and return when it is true. True for NULL and in a forked child.
 */
bool tenon_call_is_cancelled(const tenon_call *call) TENON_MUST_USE;

/**
 * Reports progress. `total` below 0, or not a number, means unknown; `message` may be NULL. It is dropped if the client
 * did not ask for progress, or if `progress` is not more than last time.
 */
tenon_status tenon_call_progress(tenon_call *call, double progress, double total, const char *message);

/**
 * Ends the response that the client waits on, and neither the call nor its stream: the client comes back for what follows,
 * after TENON_LIMIT_STREAM_RETRY_MS. So a call that takes long holds no connection; what is said meanwhile waits. `*closed`
 * says whether the client will come back: false, and nothing happens, outside of HTTP sessions of 2025-11-25, where the
 * client takes no stream, or where it is closed already. `closed` may be NULL.
 *
 * Fails with TENON_ERR_STALE if the call has ended.
 */
tenon_status tenon_call_close_stream(tenon_call *call, bool *closed);

/**
 * Sends the client a log message: a text, `len` bytes of UTF-8 or up to the first NUL with TENON_NUL. `level` is "debug",
 * "info", "notice", "warning", "error", "critical", "alert" or "emergency"; `logger`, the part of the program that speaks,
 * may be NULL. It is dropped if the client wants less.
 *
 * Fails with TENON_ERR_INVALID if there is no such level.
 */
tenon_status tenon_call_log(
    tenon_call *call, const char *level, const char *logger, const char *text, size_t len);

/**
 * Sends the client a log message that is any JSON value. See tenon_call_log(). Fails also with TENON_ERR_JSON.
 */
tenon_status tenon_call_log_json(
    tenon_call *call, const char *level, const char *logger, const char *json, size_t len);

/**
 * What was kept under `key` in an earlier attempt of this call, or in this one: JSON text, not NUL-terminated; it is
 * borrowed and lives as long as the call. Fails with TENON_ERR_NOT_FOUND if there is nothing.
 *
 * A callback that asks runs again from its top when the answer is there. What it must not do twice it does only if this
 * finds nothing, and keeps its result with tenon_call_once_put() before it asks.
 */
tenon_status tenon_call_once_get(const tenon_call *call, const char *key, const char **json, size_t *len);

/**
 * Keeps the result of something done under `key`: JSON text, `len` bytes or up to the first NUL with TENON_NUL. See
 * tenon_call_once_get().
 *
 * It is kept for as long as the call goes on. A client of 2026-07-28 carries it, sealed, so that all results together must
 * fit TENON_LIMIT_STATE_BYTES, and there may be TENON_LIMIT_ASKS of them. Fails with TENON_ERR_INVALID if there is no
 * room, or if something is kept under the key already; with TENON_ERR_JSON; with TENON_ERR_STALE if the call has ended.
 */
tenon_status tenon_call_once_put(
    tenon_call *call, const char *key, const char *json, size_t len, tenon_error **err);

/**
 * Has `callback` run once if the call ends before the program completes it: the client cancels it or goes away, its time is
 * up, the server closes. So a callback that waits for something of its own can be made to wait no longer; what it then
 * completes the call with is dropped. There may be several for a call; they run in their order.
 *
 * It runs on a thread that the library keeps for these alone, beside the call's own callback; if that is in TENON_MODE_POLL,
 * only in tenon_server_poll(), tenon_server_run() and tenon_server_exchange(). It should be brief, since those of other calls
 * wait for it. If the call was cancelled before, it runs at once, in this function. It does not run if the program completes
 * the call, or if its attempt ends with a question.
 *
 * It neither begins nor goes on once the library has seen the callback of the call return, unless the call is kept, by
 * tenon_call_retain() or for what tenon_call_next() will bring. But variables of that callback are gone a moment earlier, and
 * `callback` may still run then: `user_data` must not be one of them, nor refer to them. It has to live until `destroy`.
 *
 * `destroy` runs exactly once in every case: after `callback`, or as soon as that cannot run any more; at once if this
 * function fails. Both `user_data` and `destroy` may be NULL.
 *
 * Fails with TENON_ERR_STALE if the program has completed the call, and with TENON_ERR_IO if the thread cannot be started.
 */
tenon_status tenon_call_on_cancel(
    tenon_call *call, tenon_cancel_fn callback, void *user_data, tenon_destroy_fn destroy);

/* COMPLETING A CALL ====================================================================================== */

/**
 * Completes a call with text: `len` bytes of UTF-8, or up to the first NUL with TENON_NUL. The text is copied. Of a tool it
 * is what the model reads, of a resource its contents, of a prompt one message of the user.
 *
 * Fails with TENON_ERR_NULL or TENON_ERR_UTF8, and then the call can still be completed; with TENON_ERR_STALE if it has
 * ended.
 */
tenon_status tenon_call_return_text(tenon_call *call, const char *text, size_t len);

/**
 * Completes a call with a JSON value: `len` bytes, or up to the first NUL with TENON_NUL. The text is copied. A JSON
 * string reaches the client as text, anything else as JSON text, and as structured content too if the tool is
 * structured. Of a completion it is an array of strings, of a provider's list an array of resources, of a prompt messages
 * or content blocks, of a method the result, an object.
 *
 * It may be nested as deeply as TENON_LIMIT_DEPTH allows.
 *
 * Fails with TENON_ERR_NULL, TENON_ERR_UTF8 or TENON_ERR_JSON, and then the call can still be completed; with
 * TENON_ERR_STALE if it has ended.
 */
tenon_status tenon_call_return_json(tenon_call *call, const char *text, size_t len, tenon_error **err);

/** Completes a call with an integer. */
tenon_status tenon_call_return_int64(tenon_call *call, int64_t number);

/**
 * Completes a call with a number; one without fraction is written like an integer. Fails with TENON_ERR_TYPE for a NaN
 * and for infinities, which JSON cannot hold; then the call can still be completed.
 */
tenon_status tenon_call_return_double(tenon_call *call, double number);

/** Completes a call with true or false. */
tenon_status tenon_call_return_bool(tenon_call *call, bool value);

/**
 * Completes the call of a resource, a template or a provider with bytes, which are copied. Their media type is the entry's
 * member `mime_type`. Of a tool or a prompt they become an embedded resource of the type application/octet-stream; what says
 * more is tenon_result_add_image() and its like. Of other kinds it fails the call. Fails with TENON_ERR_NULL, and then the call
 * can still be completed; with TENON_ERR_STALE if it has ended.
 */
tenon_status tenon_call_return_bytes(tenon_call *call, const void *data, size_t len);

/**
 * Completes a call as failed. Of a tool the message is for the model, which may try again; of anything else it becomes a
 * protocol error. It is copied.
 */
tenon_status tenon_call_fail(tenon_call *call, const char *message);

/**
 * Completes a call whose arguments are not what its callback takes, for reasons that no schema says: they are refused in the
 * same way as those that do not fit the schema, in every revision. `reasons` say which and why, best as
 * "/place/in/them: reason". They are copied.
 */
tenon_status tenon_call_fail_arguments(tenon_call *call, const char *reasons);

/**
 * Completes a call that asks for what does not exist. Of a tool that is a failed result, of anything else a protocol error
 * with the code of the client's revision and the address that is read as its data. The text says that
 * `what` was not found, or with NULL that address.
 */
tenon_status tenon_call_not_found(tenon_call *call, const char *what);

/**
 * Completes a call with a protocol error: its code, one short sentence, and JSON text with further detail, NUL-terminated,
 * or NULL. Codes of a program's own lie outside of -32768 to -32000.
 *
 * Fails with TENON_ERR_NULL, TENON_ERR_UTF8 or TENON_ERR_JSON, and then the call can still be completed; with
 * TENON_ERR_STALE if it has ended.
 */
tenon_status tenon_call_error(tenon_call *call, int32_t code, const char *message, const char *data);

/* RESULTS OF SEVERAL PARTS =============================================================================== */

/** Makes a result without parts. On success `*out` is the result. */
tenon_status tenon_result_new(tenon_result **out, tenon_error **err) TENON_MUST_USE;

/**
 * Adds text: `len` bytes of UTF-8, or up to the first NUL with TENON_NUL. Of a tool it is a content block, of a prompt a
 * message of the user, of a resource contents at the address that is read.
 */
tenon_status tenon_result_add_text(tenon_result *result, const char *text, size_t len);

/**
 * Adds an image: its bytes, and their media type, such as "image/png". Of a tool it is a content block, of a prompt a
 * message of the user.
 */
tenon_status tenon_result_add_image(
    tenon_result *result, const void *data, size_t len, const char *mime_type);

/** Adds audio. Like tenon_result_add_image(). */
tenon_status tenon_result_add_audio(
    tenon_result *result, const void *data, size_t len, const char *mime_type);

/**
 * Adds the contents of a resource: its address, its media type or NULL, and its text, `len` bytes of UTF-8 or up to the
 * first NUL with TENON_NUL. Of a tool or a prompt it is embedded in a content block.
 */
tenon_status tenon_result_add_resource(
    tenon_result *result, const char *uri, const char *mime_type, const char *text, size_t len);

/** The same for contents that are bytes. */
tenon_status tenon_result_add_resource_bytes(
    tenon_result *result, const char *uri, const char *mime_type, const void *data, size_t len);

/**
 * Adds a resource without its contents: its address, its name, and its media type or NULL. Of a tool or a prompt it is a
 * link, of a provider's list one of the resources.
 */
tenon_status tenon_result_add_link(
    tenon_result *result, const char *uri, const char *name, const char *mime_type);

/**
 * Adds a message of a prompt: who says it, "user" or "assistant", and what, `len` bytes of UTF-8 or up to the first NUL
 * with TENON_NUL. What another function adds to a prompt's result is a message of the user; tenon_result_add() takes any.
 */
tenon_status tenon_result_add_message(tenon_result *result, const char *role, const char *text, size_t len);

/** Adds a suggestion of a completion: `len` bytes of UTF-8, or up to the first NUL with TENON_NUL. */
tenon_status tenon_result_add_value(tenon_result *result, const char *value, size_t len);

/**
 * Adds a part as the newest revision of the specification writes it, `len` bytes of JSON text or up to the first NUL with
 * TENON_NUL: of a tool a content block, of a prompt a message or a content block, of a resource contents, of a provider's
 * list a resource. Fails also with TENON_ERR_JSON.
 */
tenon_status tenon_result_add(tenon_result *result, const char *item, size_t len);

/**
 * Sets a member of the part that was added last, by the specification's name, such as "annotations", "title" or "_meta".
 * `value` is `len` bytes of JSON text, or up to the first NUL with TENON_NUL.
 *
 * Fails with TENON_ERR_STATE if there is no part, and with TENON_ERR_JSON.
 */
tenon_status tenon_result_set_last(tenon_result *result, const char *member, const char *value, size_t len);

/**
 * Sets a member of the result as a whole: "is_error" of a tool, "description" of a prompt, "total" and "has_more" of a
 * completion, "next_cursor" of a provider's list, "ttl_ms" and "cache_scope" of a resource, or any member of the result of
 * a method. The specification's names do as well. `value` is `len` bytes of JSON text, or up to the first NUL with
 * TENON_NUL.
 *
 * Fails with TENON_ERR_JSON; whether results of this kind have the member is said by tenon_call_return().
 */
tenon_status tenon_result_set(tenon_result *result, const char *member, const char *value, size_t len);

/**
 * Sets a tool's structured content: `len` bytes of JSON text, or up to the first NUL with TENON_NUL. It is checked against
 * the output schema. If nothing is added to the result, it stands there as text too. Fails with TENON_ERR_STATE if it is
 * written piece by piece, see tenon_result_begin_object().
 */
tenon_status tenon_result_set_structured(tenon_result *result, const char *value, size_t len);

/** Sets the metadata of the result: `len` bytes of a JSON object, or up to the first NUL with TENON_NUL. */
tenon_status tenon_result_set_meta(tenon_result *result, const char *value, size_t len);

/** Frees a result that was not handed to tenon_call_return(). NULL is ignored. */
void tenon_result_free(tenon_result *result);

/**
 * Completes a call with a result of several parts. Takes the result in every case: it must not be used afterwards, nor
 * freed, whatever the status.
 *
 * Fails with TENON_ERR_INVALID if results of the call's kind have no such member, or with the status of the first function
 * of the result that failed, and then the call can still be completed; with TENON_ERR_STALE if it has ended. What a kind
 * cannot hold, such as an image in a completion, fails the call, with a reason that names it.
 */
tenon_status tenon_call_return(tenon_call *call, tenon_result *result, tenon_error **err);

/* STRUCTURED CONTENT, PIECE BY PIECE ===================================================================== */

/**
 * Begins an object in a result's structured content, which is written piece by piece in its order: objects and arrays by
 * this function and tenon_result_begin_array(), each with one tenon_result_end(), and values by the tenon_result_put_
 * functions. `key` names the member of the object that is open; it is NULL in an array and for the outermost value. Of a
 * tool what is written is the structured content, see tenon_result_set_structured(), of a method the result itself.
 *
 * What does not fit what is open fails with TENON_ERR_STATE, and so do further pieces once the outermost value is complete,
 * and tenon_call_return() before it is. Fails with TENON_ERR_DUPLICATE if the object has the member, and with
 * TENON_ERR_INVALID below 128 levels.
 */
tenon_status tenon_result_begin_object(tenon_result *result, const char *key);

/** Begins an array; see tenon_result_begin_object(). */
tenon_status tenon_result_begin_array(tenon_result *result, const char *key);

/**
 * Ends the object or array that was begun last; see tenon_result_begin_object(). Fails with TENON_ERR_STATE if none is open.
 */
tenon_status tenon_result_end(tenon_result *result);

/**
 * Writes a string, `len` bytes of UTF-8 or up to the first NUL with TENON_NUL; see tenon_result_begin_object().
 */
tenon_status tenon_result_put_string(tenon_result *result, const char *key, const char *text, size_t len);

/** Writes an integer; see tenon_result_begin_object(). */
tenon_status tenon_result_put_int64(tenon_result *result, const char *key, int64_t number);

/**
 * Writes a number; see tenon_result_begin_object(). Fails with TENON_ERR_TYPE if it is not finite, which JSON cannot say.
 */
tenon_status tenon_result_put_double(tenon_result *result, const char *key, double number);

/** Writes true or false; see tenon_result_begin_object(). */
tenon_status tenon_result_put_bool(tenon_result *result, const char *key, bool value);

/** Writes null; see tenon_result_begin_object(). */
tenon_status tenon_result_put_null(tenon_result *result, const char *key);

/**
 * Writes a value as JSON text, `len` bytes or up to the first NUL with TENON_NUL; see tenon_result_begin_object(). Fails
 * also with TENON_ERR_JSON.
 */
tenon_status tenon_result_put_json(tenon_result *result, const char *key, const char *json, size_t len);

/* ASKING THE CLIENT ====================================================================================== */

/**
 * Asks the user behind the client to fill in a form. `schema` is the form: an object schema of flat primitive
 * properties. `key` names the question within its call; NULL if the call's questions always come in the same order.
 *
 * - TENON_OK: `*answer` is the answer; free it.
 * - TENON_SUSPENDED: the question has gone to the client. Release what you hold and return without completing the call.
 *   The callback is called again from its top when the answer is there, and then this function returns it. What the
 *   callback does before asking must be harmless to repeat. To ask several questions at once, ask them all and return
 *   after the last.
 * - TENON_ERR_UNSUPPORTED: this client cannot be asked. TENON_ERR_CLIENT: it failed. TENON_ERR_INVALID: the question is
 *   wrong. A callback that returns because of these, without completing the call, fails the call with that reason.
 *
 * Outside of the callback, on a call kept with tenon_call_retain(), the attempt ends with the release.
 */
tenon_status tenon_call_elicit(
    tenon_call *call, const char *key, const char *message, const char *schema, tenon_answer **answer,
    tenon_error **err) TENON_MUST_USE;

/**
 * Asks the user to visit a page, where what no form may ask for can be entered: passwords, keys, payments. `url` holds no
 * secrets and is https outside of development. `elicitation_id` names the visit for tenon_server_elicitation_complete(), or
 * is NULL. The rest is as with tenon_call_elicit(). That the user accepts means that the page is opened, not that anything
 * was done there.
 */
tenon_status tenon_call_elicit_url(
    tenon_call *call, const char *key, const char *message, const char *url, const char *elicitation_id,
    tenon_answer **answer, tenon_error **err) TENON_MUST_USE;

/**
 * Ends the call because the user must visit a page first, and returns TENON_SUSPENDED: release what you hold and return. A
 * client with a session is told by an error and calls again in its own time; a later one is asked like
 * tenon_call_elicit_url() and calls again when its user has agreed. Do so for as long as the visit has not been made.
 *
 * Fails like tenon_call_elicit().
 */
tenon_status tenon_call_require_url(
    tenon_call *call, const char *message, const char *url, const char *elicitation_id,
    tenon_error **err) TENON_MUST_USE;

/**
 * Asks the client's model. `params` is `len` bytes of JSON text, or up to the first NUL with TENON_NUL: what
 * sampling/createMessage takes, at least "messages" and "maxTokens". tenon_answer_text() is what the model said. The rest
 * is as with tenon_call_elicit(); fails also with TENON_ERR_JSON.
 */
tenon_status tenon_call_sample(
    tenon_call *call, const char *key, const char *params, size_t len, tenon_answer **answer,
    tenon_error **err) TENON_MUST_USE;

/**
 * Asks for the directories the user works in; they are guidance, not a fence. tenon_answer_root() reads them. The rest is
 * as with tenon_call_elicit().
 */
tenon_status tenon_call_roots(
    tenon_call *call, const char *key, tenon_answer **answer, tenon_error **err) TENON_MUST_USE;

/**
 * Asks a question of any kind: `question` is "elicit", "elicit_url", "sample" or "roots", and `params` what its request
 * takes, `len` bytes of a JSON object or up to the first NUL with TENON_NUL. The rest is as with tenon_call_elicit(); fails
 * also with TENON_ERR_JSON.
 */
tenon_status tenon_call_ask(
    tenon_call *call, const char *question, const char *key, const char *params, size_t len,
    tenon_answer **answer, tenon_error **err) TENON_MUST_USE;

/** What the user did; 0 for NULL. */
tenon_action tenon_answer_action(const tenon_answer *answer);

/**
 * The content: of a form a JSON object that satisfies the schema that was sent, of a sampled message one content block or
 * an array of them. It is not NUL-terminated; it is borrowed and lives as long as the answer. Fails with
 * TENON_ERR_NOT_FOUND if there is none: the user declined or cancelled, or the question was another.
 */
tenon_status tenon_answer_content(const tenon_answer *answer, const char **json, size_t *len);

/**
 * The string field `name` of the form: UTF-8, NUL-terminated, though it may hold NULs of its own. It is borrowed and
 * lives as long as the answer. `len` may be NULL. Fails with TENON_ERR_NOT_FOUND or TENON_ERR_TYPE.
 */
tenon_status tenon_answer_string(
    const tenon_answer *answer, const char *name, const char **string, size_t *len);

/** The integer field `name` of the form. Fails with TENON_ERR_NOT_FOUND or TENON_ERR_TYPE. */
tenon_status tenon_answer_int64(const tenon_answer *answer, const char *name, int64_t *out);

/** The numeric field `name` of the form. Fails with TENON_ERR_NOT_FOUND or TENON_ERR_TYPE. */
tenon_status tenon_answer_double(const tenon_answer *answer, const char *name, double *out);

/** The boolean field `name` of the form. Fails with TENON_ERR_NOT_FOUND or TENON_ERR_TYPE. */
tenon_status tenon_answer_bool(const tenon_answer *answer, const char *name, bool *out);

/**
 * The text of a sampled message: that of its text blocks, one after the other. UTF-8, NUL-terminated, though it may hold
 * NULs of its own. It is borrowed and lives as long as the answer; "" for answers to other questions. `len` may be NULL.
 */
tenon_status tenon_answer_text(const tenon_answer *answer, const char **text, size_t *len);

/**
 * The URI of root number `index`, from 0, in an answer to tenon_call_roots(). UTF-8, NUL-terminated. It is borrowed and
 * lives as long as the answer. `len` may be NULL. Fails with TENON_ERR_NOT_FOUND behind the last.
 */
tenon_status tenon_answer_root(const tenon_answer *answer, size_t index, const char **uri, size_t *len);

/**
 * The whole answer as JSON text: {"action":…,"content":…}, of a sampled message {"role":…,"content":…,"model":…}, of roots
 * {"roots":[…]}. It is not NUL-terminated; it is borrowed and lives as long as the answer.
 */
tenon_status tenon_answer_json(const tenon_answer *answer, const char **json, size_t *len);

/** Frees an answer. NULL is ignored. */
void tenon_answer_free(tenon_answer *answer);

/* TASKS ================================================================================================== */

/**
 * Whether calls of a tool may become tasks, which outlive their connection and are looked at until they have their result:
 * "forbidden" (the default), "optional" (where the client can have tasks), "required" (other clients are refused).
 *
 * A task's call is one like any other: its callback runs, is cancelled by its client, asks. Only its time limit is
 * another, TENON_LIMIT_TASK_TIMEOUT_MS, and what it asks stands in the task until its client answers.
 *
 * Fails with TENON_ERR_INVALID if the word is none of these.
 */
tenon_status tenon_tool_set_task_support(tenon_entry *entry, const char *support);

/**
 * Has the call of a tool with the policy "defer_task" become a task; see tenon_entry_set(). Its client is told of the task
 * at once, and what is asked from now on is asked of whoever looks at the task. The call of a client that can have no tasks
 * is answered as always.
 *
 * On success `*is_task` says whether the call is a task now; it may be NULL. Fails with TENON_ERR_INVALID while a question
 * of the call waits for its answer, and with TENON_ERR_STALE if the call has ended, also because there is no room for
 * another task, which its client has been told.
 */
tenon_status tenon_call_start_task(tenon_call *call, bool *is_task, tenon_error **err);

/**
 * Says in words what the task that the call is does at present; a call that is no task says nothing. Its id is what
 * tenon_call_get() has as "task_id".
 *
 * Fails with TENON_ERR_STALE if the call has ended.
 */
tenon_status tenon_call_set_status(tenon_call *call, const char *text);

/* TESTS ================================================================================================== */

/**
 * For tests: hands the server a message as if a client had sent it, waits for what comes of it, and calls `hear`, on this
 * thread and before it returns, with each message that the server has said meanwhile, in their order.
 *
 * A server that was not started is started, for clients in the process alone if no transport was named. All exchanges of a
 * server are those of one client, which lives as long as the server: a legacy session is opened by exchanging "initialize"
 * and "notifications/initialized", requests of 2026-07-28 need nothing before them.
 *
 * Waits until every request of this client has its response, or until the server asks this client something; the answer is
 * then exchanged as a message, and its exchange goes on waiting for the response. At most `timeout_ms` milliseconds, without
 * end below 0. Callbacks in TENON_MODE_POLL that wait are run meanwhile, by this thread, and not necessarily those of this
 * client alone. What is said later, such as that a list has changed, is heard in the next exchange; an empty `message`
 * sends nothing.
 *
 * Fails with TENON_ERR_STATE after the end of the server, and with TENON_ERR_IO when the time is over; what was said by then
 * has been heard. The calls go on then, and the end of the server waits for them as it does for all.
 */
tenon_status tenon_server_exchange(
    tenon_server *server, const char *message, size_t len, int32_t timeout_ms, tenon_exchange_fn hear,
    void *user_data, tenon_error **err);

/* MIDDLEWARE ============================================================================================= */

/**
 * Puts a callback around calls. `operations` are words with spaces between them: "tool", "resource", "prompt", "completion",
 * "tool_list", "resource_list", "resource_template_list", "prompt_list", the protocol's own names, or that of a registered
 * method. NULL stands for the first four. The first callback that is put around something is the outermost; it stays for the
 * life of the server.
 *
 * The callback gets calls that are in order, those of what is registered and with arguments that fit, before their handler.
 * It completes its call itself, or has what follows run with tenon_call_next(). A callback that returns without either fails
 * the call. It runs where the handler does; where the library answers what it is around (views, skills, lists), in `mode`.
 * After a question, the call begins with its outermost middleware again.
 *
 * A list with middleware around it is no longer answered by the library alone; its result is a JSON object.
 *
 * Fails with TENON_ERR_INVALID for a word that stands for nothing, and for what the library alone answers.
 */
tenon_status tenon_server_add_middleware(
    tenon_server *server, const char *operations, tenon_mode mode, tenon_handler_fn middleware,
    void *user_data, tenon_destroy_fn destroy, tenon_error **err);

/**
 * Has what follows middleware run: that which is further inside, at last the handler. With `arguments` it is handed those,
 * a JSON object of `len` bytes, or up to the first NUL with TENON_NUL, which are made ready and checked as a client's are;
 * NULL leaves them as they are. What follows may complete before this returns; a callback begins on this thread.
 *
 * When it has come to something, `after` is called with `data` and this call: it may look with tenon_call_outcome(), and
 * complete the call with something else, keep it with tenon_call_retain(), or use tenon_call_next() again. If it does
 * nothing of this, and where it is NULL, what followed passes on as it is. It runs on the thread that completed what
 * followed; where the library did, in the mode of the middleware. A call that ends meanwhile is not told of. `destroy` runs
 * exactly once in every case, and `data` and `destroy` may be NULL.
 *
 * Fails with TENON_ERR_STATE if the call is not that of middleware or if what follows is under way, with TENON_ERR_INVALID if
 * the arguments do not fit, with TENON_ERR_JSON if they are no JSON, and with TENON_ERR_STALE if the call has ended.
 */
tenon_status tenon_call_next(
    tenon_call *call, const char *arguments, size_t len, tenon_handler_fn after, void *data,
    tenon_destroy_fn destroy, tenon_error **err) TENON_MUST_USE;

/**
 * What followed middleware came to, once it has: `*json` is not NUL-terminated; it is borrowed and lives as long as the call.
 * `kind` may be NULL.
 *
 * Fails with TENON_ERR_STATE if nothing has followed yet.
 */
tenon_status tenon_call_outcome(tenon_call *call, tenon_outcome *kind, const char **json, size_t *len);

/**
 * Keeps a pointer with a call, for its middleware and its handler to share; one that was kept before is given up.
 * `destroy`, which may be NULL, runs exactly once: when it is given up, or when the call is over and nobody holds it. A call
 * that is run again because a client of 2026-07-28 brought answers begins without.
 */
tenon_status tenon_call_set_state(tenon_call *call, void *state, tenon_destroy_fn destroy);

/** The pointer of tenon_call_set_state(); NULL where there is none. */
void *tenon_call_state(const tenon_call *call);

/* THE LIBRARY ============================================================================================ */

/** The version of the library that runs, such as "1.2.3". Static. TENON_VERSION is that of the header. */
const char *tenon_version(void);

/**
 * The ABI version of the library that runs. A program may run with it if this equals the TENON_ABI_VERSION it was compiled
 * with.
 */
uint32_t tenon_abi_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TENON_H */
