/*
 * tenon.h: the C interface of Tenon, an embeddable engine for the Model Context Protocol.
 *
 * A program makes a server, adds tools, resources and prompts (a name, a definition, a callback), chooses the transports
 * and runs the server. The library speaks all revisions of the protocol, over stdio, HTTP and other transports. The
 * program gets calls with checked arguments.
 *
 * CONVENTIONS
 *
 * Handles. tenon_server, tenon_settings, tenon_entry, tenon_call, tenon_result, tenon_answer, tenon_http and tenon_error are
 * opaque. The program must give back each handle that a function made for it, exactly once. It does so with the
 * tenon_…_free() of the handle's type, which accepts NULL, or with a function that is documented to take the handle. A
 * tenon_call belongs to the library; if the program keeps one, it releases it. Do not use a handle after that. Never pass an
 * object of the library to free().
 *
 * Wrong handles. A function that gets a handle of another type fails with TENON_ERR_STATE. The same is true for an entry
 * that was freed or that a server has taken. Functions that return no status return the same as for NULL, and functions
 * that free have no effect. In each case tenon_error_last_message() says which argument is wrong and why. Other handles
 * that were freed are refused in the same way if the library can detect it. To detect it, the library reads the word that
 * the handle points to, which may have been overwritten or unmapped. A library with debug assertions detects it without
 * reading freed memory, see docs/c-abi.md.
 *
 * Statuses. Functions that can fail return a tenon_status: TENON_OK (0), another value above 0 that is not a failure, or a
 * failure below 0. If a function has a `tenon_error **err` as its last argument, it stores the detail there when it fails,
 * and does not change it otherwise. Pass NULL if you do not want the detail; otherwise free it with tenon_error_free().
 * tenon_error_last_message() gives the message of the last failure on the calling thread; errno is not used. Outputs are
 * written only on success. There are no in-out parameters. If the system has no memory left, the process is aborted.
 * TENON_MUST_USE marks functions whose status must not be ignored: it says whether an object was made, whether it was
 * registered, or whether the callback must return now.
 *
 * NULL. A pointer may be NULL only if its description says so. Otherwise the function fails with TENON_ERR_NULL and does
 * nothing.
 *
 * Strings. All text is UTF-8. Input strings are NUL-terminated, or a pointer with a length in bytes, where the length
 * TENON_NUL means NUL-terminated. They are copied, so they need to live only as long as the function runs. Output strings
 * are borrowed: do not free them. Unless the description says otherwise, they live as long as the handle that they came
 * from, and arguments of callbacks live until the callback returns. The description says whether they are NUL-terminated.
 *
 * Callbacks and user_data. A callback gets the `user_data` that it was registered with. `destroy` is called with it exactly
 * once, also if the registration fails. It runs after the last callback has returned and the last call kept from it was
 * released, on the thread that did the last of these. In `destroy`, do not call functions of the server that it belonged
 * to. The library holds no lock while it calls the program. Callbacks must return: no exception, longjmp or thread exit may
 * leave one. On threads of the library they have 2 MiB of stack.
 *
 * Threads. Each entry chooses where its callback runs, see tenon_entry_set_mode(). By default several threads of the
 * library run callbacks at once. Functions of a tenon_server, of a tenon_settings and of a tenon_call may be called from any
 * thread, also from several at once. A tenon_answer is read-only, and any thread may read it. A tenon_entry, a tenon_result,
 * a tenon_http, a tenon_error and the outputs of any function belong to one thread at a time. Servers in one process are
 * independent of each other. Functions that wait say so; all others return as soon as their work is done.
 *
 * Re-entrancy. Inside a callback every function may be called, with these exceptions. tenon_server_free() and
 * tenon_server_run() of the server that the callback belongs to fail with TENON_ERR_STATE, and so does tenon_server_start()
 * in an inline callback. tenon_server_poll() may be called in a callback of tenon_server_poll(). tenon_server_exchange()
 * may wait for the call whose callback uses it, so use a timeout there.
 *
 * Locks. Only tenon_server_poll(), tenon_server_run() and tenon_server_exchange() call callbacks, and tenon_http_next()
 * calls those in TENON_MODE_INLINE. While a program calls any other function, it may hold a lock that its callbacks take
 * too, with these exceptions. tenon_server_start() and tenon_server_free() wait for callbacks. tenon_server_entries() calls
 * a function that it is given, and so does tenon_call_on_cancel() for a call that was cancelled. If a call has middleware,
 * tenon_call_next() may run the rest of the chain, and a function that completes or releases the call may run the function
 * that was passed to tenon_call_next(). `destroy`, the log and the `ready` of a request are also called inside functions
 * that end or complete something.
 *
 * Fork. A server that was not started is only data and can be used after fork(). A started server belongs to the process
 * that started it. In a child, its functions and those of its calls and requests fail with TENON_ERR_FORKED, and none of
 * these objects can be freed there. The arguments and the context of a call can still be read. A child may make, start and
 * run servers of its own. This applies to the fork() of the C library. A child that was made by a direct system call is not
 * detected.
 *
 * Signals. The library installs no signal handler, except during tenon_server_run(). Its threads block all signals except
 * faults such as SIGSEGV. So handlers of the program never run there, and a client that disconnects raises no SIGPIPE. A
 * worker or inline callback that starts another program should give it a clean signal mask (posix_spawnattr_setsigmask), or
 * use TENON_MODE_POLL. No function may be called in a signal handler: write to a pipe that the main loop watches, and call
 * tenon_server_close() in the main loop.
 *
 * Versions. Numbers of statuses, kinds, modes, limits, levels, actions, steps, outcomes and flags never get another
 * meaning. The name of the shared library contains the number of the ABI, so a program never runs with another ABI than it
 * was linked with. See tenon_abi_version().
 *
 * Linking. `pkg-config --cflags --libs tenon`, or find_package(Tenon) and Tenon::tenon in CMake; without these tools
 * -ltenon. For the static library `pkg-config --static`, or Tenon::static; without these tools also -lpthread -ldl -lm. One
 * process may contain both the library and Tenon's Python package.
 *
 * Unloading. The shared library stays in the process once it is loaded, even after dlclose(), because its threads may still
 * be about to end when tenon_server_free() has returned. A module of the program that contains callbacks may be unloaded
 * after it has freed its servers and requests and released the calls that it has kept. If one of its servers was unmounted
 * while calls of it ran, or has hooks, the server that it was mounted in must be freed as well, see tenon_server_unmount().
 * A module that contains the static library must stay loaded, see -Wl,-z,nodelete.
 */

#ifndef TENON_H
#define TENON_H

/* Generated from the sources in ffi/ by `cargo run -p tenon-header`: change those, not this file. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* VERSIONS =============================================================================================== */

/* The version of this header; tenon_version() returns that of the library. */
#define TENON_VERSION "0.1.0"
#define TENON_VERSION_MAJOR 0
#define TENON_VERSION_MINOR 1
#define TENON_VERSION_PATCH 0

/* A length that means: the text ends at its first NUL. */
#define TENON_NUL SIZE_MAX

/* Functions whose status must be checked. Compilers that support it warn if it is ignored. */
#if defined(__GNUC__) || defined(__clang__)
#define TENON_MUST_USE __attribute__((warn_unused_result))
#else
#define TENON_MUST_USE
#endif

/**
 * The size in bytes of each thread's buffer for tenon_error_last_message(), including the NUL. A longer message is cut
 * at the end of a character.
 */
#define TENON_ERROR_MESSAGE_SIZE 1024
/**
 * The ABI version, which changes with every incompatible change of this interface. Within one version functions may be
 * added, and nothing else changes.
 */
#define TENON_ABI_VERSION 0

/* TYPES ================================================================================================== */

/**
 * The answer to a question of tenon_call_elicit() or a similar function. Free it with tenon_answer_free(). It may
 * outlive its call. Any thread may read it.
 */
typedef struct tenon_answer tenon_answer;

/**
 * One call of an entry's callback, such as the call of a tool or the read of a resource. The callback gets it
 * borrowed: it lives until the callback returns, or longer with tenon_call_retain(). Any thread may use it, also
 * several threads at once.
 *
 * The first completion ends the call; the handle stays valid until its release. After the end, a function that acts on
 * the call fails with TENON_ERR_STALE and has no effect. The arguments and the context of the call can still be read.
 */
typedef struct tenon_call tenon_call;

/**
 * Something that a program registers, such as a tool, a resource or a prompt, with its members and its callback. Make
 * one with the constructor of its kind, and describe it with tenon_entry_set() and the other setters. Then hand it to
 * tenon_server_add(), or free it with tenon_entry_free(). One thread at a time may use it.
 *
 * A handle is a number that is never given twice, not an address. Using an entry that was freed, or that a server has
 * taken, fails with TENON_ERR_STATE. So does the use of another object's handle in place of an entry's.
 *
 * If a setter fails, tenon_server_add() fails too, with the detail of the first such failure. A program may therefore
 * leave the setters' statuses unchecked.
 */
typedef struct tenon_entry tenon_entry;

/**
 * The detail of a failure: its status and one sentence that names the cause. It is made by functions that take a
 * `tenon_error **err`. Free it with tenon_error_free().
 */
typedef struct tenon_error tenon_error;

/**
 * One request that the program's own HTTP server received, and its response. Make one with tenon_http_new(), add
 * headers with tenon_http_add_header(), and hand it over with tenon_server_handle_http(). Pass in the request's body
 * with tenon_http_write() and tenon_http_end(), and read the response with tenon_http_next(). Free it with
 * tenon_http_free(). Freeing it before the end of the response means that the client is gone.
 *
 * It may be passed from thread to thread, but one thread at a time may use it. A function fails with TENON_ERR_STATE
 * if the request is in use by another thread, or by a caller on the same thread.
 */
typedef struct tenon_http tenon_http;

/**
 * A result with several parts, for tenon_call_return(). The parts are content blocks of a tool, contents of a
 * resource, messages of a prompt, suggestions of a completion, or resources of a provider. Make one with
 * tenon_result_new() and add to it. Then hand it to tenon_call_return(), or free it with tenon_result_free(). One
 * thread at a time may use it.
 *
 * If one of its functions fails, tenon_call_return() fails too, with the detail of the first such failure. A program
 * may therefore leave their statuses unchecked.
 */
typedef struct tenon_result tenon_result;

/**
 * An MCP server. Before its start it is only data: it has no thread and no descriptor. Any thread may use it, also
 * several threads at once.
 *
 * Make one with tenon_server_new(). Configure it with the tenon_server_set functions. Add tools, resources and prompts
 * with tenon_server_add(), and transports with the tenon_server_listen_ functions. Run it with tenon_server_run(), or
 * with tenon_server_start() and, if needed, tenon_server_poll(). End it with tenon_server_close(), and free it with
 * tenon_server_free().
 *
 * Set settings and transports (tenon_server_set, tenon_server_listen_, tenon_server_allow_, extensions, state keys)
 * before the start. After the start, and while the server is mounted in another, these functions fail with
 * TENON_ERR_STATE. Entries may be added, changed and removed at any time. A server that has ended cannot be started
 * again.
 *
 * If a tenon_server_set function fails, the start fails too, with the detail of the first such failure. A program may
 * therefore leave their statuses unchecked. The same is true of extensions, state keys, allowed hosts, origins and
 * headers.
 */
typedef struct tenon_server tenon_server;

/**
 * The settings of a program, from a file, from variables of the environment, and from code. They have the sections
 * "server" and "limits" for a server, "serve" for its transports, and those of the program. docs/settings-files.md has
 * the rules. A setting has a dotted key, such as "limits.max_calls". Times are in seconds, as in the file.
 *
 * Load settings with tenon_settings_load(), use them for servers with tenon_server_set_settings(), and free them with
 * tenon_settings_free(). Any thread may use them, also several threads at once. They can be used after fork() if no
 * other thread used them at that moment.
 *
 * A text that tenon_settings_get(), tenon_settings_source() or tenon_settings_schema() returns lives until the same
 * thread calls the same function again, with any handle, or ends. Copy it if it is needed for longer.
 */
typedef struct tenon_settings tenon_settings;

/**
 * The result of a function: TENON_OK, another value above zero that is not a failure, or a TENON_ERR_ value below
 * zero. The meaning of a number never changes. New numbers may be added, so treat an unknown negative status as a
 * failure.
 */
typedef int32_t tenon_status;

/** The kind of an entry: one of the TENON_KIND_ values. */
typedef int32_t tenon_kind;

/**
 * A function that runs if a call ends before the program completes it. `user_data` is the pointer that
 * tenon_call_on_cancel() got.
 */
typedef void (*tenon_cancel_fn)(void *user_data);

/** Destroys a `user_data`. Runs exactly once; see "Callbacks and user_data". */
typedef void (*tenon_destroy_fn)(void *user_data);

/** How the user reacted to a question: one of the TENON_ACTION_ values. */
typedef int32_t tenon_action;

/** Where an entry's callback runs: one of the TENON_MODE_ values. */
typedef int32_t tenon_mode;

/**
 * An entry's callback. It completes `call` with one of the tenon_call_return functions, tenon_call_fail(),
 * tenon_call_fail_arguments(), tenon_call_not_found() or tenon_call_error(). It does so before it returns, or
 * later if it keeps the call with tenon_call_retain(). If a callback returns without either, the call fails.
 * The exceptions are notifications and hooks, because they have no response.
 *
 * `user_data` is the pointer that tenon_entry_set_handler() got. `call` is valid until the callback returns, or until
 * the tenon_call_release() that belongs to a tenon_call_retain().
 */
typedef void (*tenon_handler_fn)(void *user_data, tenon_call *call);

/** The kind of an outcome: one of the TENON_OUTCOME_ values. */
typedef int32_t tenon_outcome;

/**
 * Properties of a parameter other than its type: TENON_PARAM_ values, added up. 0 is a parameter that may be left out.
 */
typedef uint32_t tenon_param_flags;

/**
 * The function that tenon_server_entries() calls for each entry. `definition` is a JSON object of `len` bytes, not
 * NUL-terminated; it lives until the function returns.
 */
typedef void (*tenon_entries_fn)(void *user_data, const char *definition, size_t len, bool enabled);

/** A limit for tenon_server_set_limit(): one of the TENON_LIMIT_ values. */
typedef int32_t tenon_limit;

/**
 * A function that is called at the start of a thread, see tenon_server_set_thread_start(). `name` is NUL-terminated
 * and lives until the function returns.
 */
typedef void (*tenon_thread_start_fn)(void *user_data, const char *name);

/** The level of a log record: one of the TENON_LOG_ values. */
typedef int32_t tenon_log_level;

/**
 * A log, see tenon_server_set_log(). `target` is the part of the library that reports, such as "tenon_mcp::call".
 * `message` is the text of the record, which may have several lines. Both are NUL-terminated and live until the
 * function returns. Later versions may add levels between these or above them, so compare levels with < and >.
 *
 * The function is called on any thread, also on several at once and on threads of the library. It must not block, and
 * must not call functions of the server or of its calls.
 */
typedef void (*tenon_log_fn)(void *user_data, tenon_log_level level, const char *target, const char *message);

/**
 * The function that tenon_server_exchange() calls with each message of the server: a JSON object of `len` bytes, not
 * NUL-terminated. The message lives until the function returns.
 */
typedef void (*tenon_exchange_fn)(void *user_data, const char *message, size_t len);

/**
 * Reports that tenon_http_next() may have more. It is called on any thread, also on threads of the library, and
 * sometimes without need. It should wake the program's event loop. It must not block, and must not call functions of
 * the library.
 */
typedef void (*tenon_http_ready_fn)(void *user_data);

/** The result of tenon_http_next(): one of the TENON_HTTP_ values. */
typedef int32_t tenon_http_step;

/* STATUSES =============================================================================================== */

/** Success. */
#define TENON_OK 0
/**
 * A question has gone to the client. The callback must return now. It is called again from its top when the answer has
 * come.
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
/** A definition or an option is wrong; the message gives the reason. */
#define TENON_ERR_INVALID (-7004)
/** The name is taken. */
#define TENON_ERR_DUPLICATE (-7005)
/** Not found, for example no entry or argument of that name. */
#define TENON_ERR_NOT_FOUND (-7006)
/** The function is not possible in the present state: before the start, after it, or inside a callback. */
#define TENON_ERR_STATE (-7007)
/** The server cannot listen on the address: it is in use, or not permitted. */
#define TENON_ERR_ADDRESS (-7008)
/** The operating system reported an error. */
#define TENON_ERR_IO (-7009)
/** The process forked after the server was started; only the parent may use it. */
#define TENON_ERR_FORKED (-7010)
/** The call has ended: it was completed, cancelled or timed out. Harmless; most callers ignore it. */
#define TENON_ERR_STALE (-7011)
/** The value has another type, or does not fit the requested type. */
#define TENON_ERR_TYPE (-7012)
/** The client does not support this. */
#define TENON_ERR_UNSUPPORTED (-7013)
/** The client failed, or its answer is not valid for the question. */
#define TENON_ERR_CLIENT (-7014)
/** A callback of "start" failed, so nothing was served. */
#define TENON_ERR_START (-7015)
/**
 * A bug in the library. It panicked inside this function and continued, or one of its threads panicked and the server
 * ended.
 */
#define TENON_ERR_PANIC (-7099)

/* LOG LEVELS ============================================================================================= */

/** Details for debugging. */
#define TENON_LOG_DEBUG 1
/** Information; nothing is wrong. */
#define TENON_LOG_INFO 2
/** Something went wrong, and the library handled it. */
#define TENON_LOG_WARN 3
/** A call failed because of the program: no callback completed it, or its result could not be used. */
#define TENON_LOG_ERROR 4

/* STEPS OF A RESPONSE ==================================================================================== */

/** Nothing yet. */
#define TENON_HTTP_WAIT 0
/** The head of the response, for tenon_http_status() and tenon_http_header(). It comes first, and once. */
#define TENON_HTTP_HEAD 1
/**
 * A piece of the response's body, for tenon_http_data(). Send it before you ask for the next one. The library makes
 * the pieces of a stream only when they are asked for, and limits how much it holds for a client that does not read.
 */
#define TENON_HTTP_DATA 2
/** The response is complete. */
#define TENON_HTTP_END 3

/* PARAMETERS ============================================================================================= */

/** A call without this parameter is refused before the callback runs. */
#define TENON_PARAM_REQUIRED 1

/* MODES ================================================================================================== */

/** On worker threads of the library, several at once. This is the default. */
#define TENON_MODE_WORKER 0
/**
 * In tenon_server_poll(), on the thread that calls it; tenon_server_run() polls on its own thread. If a callback still
 * runs after the end of the server, the process may end, see tenon_server_run().
 */
#define TENON_MODE_POLL 1
/**
 * On the thread of the library that received the call, or the last answer that the call waited for. This is the
 * fastest mode, and only for callbacks that never block. While one runs, nothing else of its connection is read; other
 * connections are served. Over stdio the end of the input is not read either. A server whose inline callback blocks
 * ends only by tenon_server_close() or a signal.
 *
 * Of the functions that a program calls, only tenon_http_next() and tenon_server_exchange() may run it. If no such
 * thread is available, it runs on a further thread of the library. This happens if a kept call is released after its
 * answer has come, or if a question could not be delivered.
 */
#define TENON_MODE_INLINE 2

/* ACTIONS ================================================================================================ */

/**
 * The user filled in the form, or agreed to visit the page. Answers of models and clients have this action too.
 */
#define TENON_ACTION_ACCEPT 1
/** The user declined. */
#define TENON_ACTION_DECLINE 2
/** The user closed the question without a choice. */
#define TENON_ACTION_CANCEL 3

/* OUTCOMES =============================================================================================== */

/** Text or a JSON value; the outcome is that value. */
#define TENON_OUTCOME_VALUE 0
/** Bytes; the outcome is a string, their base64. */
#define TENON_OUTCOME_BYTES 1
/** Content blocks, messages or contents of a resource; the outcome is one or an array of them. */
#define TENON_OUTCOME_CONTENT 2
/** A whole result; the outcome is an object. */
#define TENON_OUTCOME_RESULT 3
/** A failure; the outcome is a string, the text for the client. */
#define TENON_OUTCOME_FAILED 4
/**
 * A failure of the callback itself, such as a return without completing its call; the outcome is a string.
 */
#define TENON_OUTCOME_EXCEPTION 5
/** A protocol error; the outcome is an object with "code", "message" and perhaps "data". */
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

/**
 * Largest message in bytes: one line, one HTTP body or one WebSocket message. A larger HTTP body gets status 413,
 * a larger line error -32600. A larger WebSocket message closes the connection with code 1009. Default 4 MiB.
 */
#define TENON_LIMIT_MESSAGE_BYTES 1
/**
 * Deepest nesting of arrays and objects in a message or a result. A deeper message gets error -32700. In Python,
 * JavaScript and C, a call with a deeper result fails. Default 128.
 */
#define TENON_LIMIT_DEPTH 2
/**
 * Calls in flight in the whole server. One more is refused as busy: error -32603, over HTTP with status 503.
 * Default 16,384.
 */
#define TENON_LIMIT_CALLS 3
/**
 * Calls in flight in one lane: running in, or queued for, one event loop or thread pool of the program. In Rust,
 * all handlers share one lane. One more is refused as busy. Default 4,096.
 */
#define TENON_LIMIT_LANE_CALLS 4
/**
 * How long a call may run if its handler has no timeout of its own. After that the call is cancelled and fails.
 * Default 5 minutes.
 */
#define TENON_LIMIT_CALL_TIMEOUT_MS 5
/**
 * How long a call of a legacy session, or a task, waits for the client's answer to a question such as an
 * elicitation. After that the call or task fails. Default 10 minutes.
 */
#define TENON_LIMIT_ASK_TIMEOUT_MS 6
/**
 * Questions that one call may ask the client, over all its rounds. One more fails in the handler. The same limit
 * applies to its rounds, and to the results that it stores for later rounds. Default 32.
 */
#define TENON_LIMIT_ASKS 7
/**
 * Largest sealed `requestState` in bytes, which a client sends back in the next round of a call. A call that needs
 * a larger one fails. Default 64 KiB.
 */
#define TENON_LIMIT_STATE_BYTES 8
/**
 * How long a sealed `requestState` is valid. A request with an older one gets error -32602. The client can be
 * notified of the end of a URL elicitation for the same time. Default 1 hour.
 */
#define TENON_LIMIT_STATE_LIFETIME_MS 9
/**
 * Bytes that wait to be written to one client, over HTTP to one response. Beyond it, progress and log messages are
 * dropped, and nothing more is read from stdio, a WebSocket or a socket with lines. HTTP+SSE refuses further
 * messages as busy. Default 8 MiB.
 */
#define TENON_LIMIT_OUTBOUND_BYTES 10
/**
 * How long calls in flight may continue after the server was closed. After that they are cancelled. 0 cancels them
 * at once. If stdio is served, `stdio_drain_timeout` applies if it is shorter. Default 5 s.
 */
#define TENON_LIMIT_DRAIN_TIMEOUT_MS 11
/**
 * Legacy HTTP sessions. One more ends the session that has been idle longest. If all are in use, it is refused as
 * busy. Each keeps the content of `initialize`, up to 16 KiB, which `max_buffered_bytes` does not count. Default
 * 10,000.
 */
#define TENON_LIMIT_SESSIONS 12
/**
 * How long a legacy HTTP session may be without a request or an open stream. After that it ends. Default 30
 * minutes.
 */
#define TENON_LIMIT_SESSION_IDLE_MS 13
/**
 * Open connections on one address or Unix socket. For one more, idle HTTP connections are closed; if none is idle,
 * it waits to be accepted. An embedded server limits its requests in progress, and refuses one more as busy.
 * Default 10,000.
 */
#define TENON_LIMIT_CONNECTIONS 14
/**
 * How long an HTTP client may take to send a request's headers. It also limits pauses within a request's body, and
 * how long a connection stays open without a request. After that the connection is closed. Default 30 s.
 */
#define TENON_LIMIT_HEADER_TIMEOUT_MS 15
/**
 * Largest result or error of one call in bytes. If it is larger, the call fails. The HTML of a view has the same
 * limit. Default 16 MiB.
 */
#define TENON_LIMIT_RESULT_BYTES 16
/**
 * How long a client may take to send an HTTP request, a line on a socket or a WebSocket message. The time begins
 * with the first byte. If it takes longer, its connection is closed. Default 60 s.
 */
#define TENON_LIMIT_REQUEST_TIMEOUT_MS 17
/**
 * How long output may wait for a client on HTTP, a WebSocket or a socket with lines. If the client reads less than
 * 16 KiB in this time, its connection is closed. Streams without waiting output are not affected. Default 30 s.
 */
#define TENON_LIMIT_WRITE_TIMEOUT_MS 18
/**
 * Bytes that the server holds for all clients on HTTP, WebSockets and sockets with lines. A request counts until
 * its handler has taken the arguments. A response or event counts until it is written; the responses of a batch
 * count together. If there is no room, the request is refused as busy, or its response is replaced by that error.
 * Pieces of up to 8 KiB are not counted and always pass. Default 64 MiB.
 */
#define TENON_LIMIT_BUFFERED_BYTES 19
/**
 * How long a legacy HTTP session waits for the first message after `initialize`. After that it ends. Default 30 s.
 */
#define TENON_LIMIT_HANDSHAKE_TIMEOUT_MS 20
/**
 * Calls in flight of one client: of one legacy session, or of one connection by stdio, WebSocket or a socket with
 * lines. One more is refused as busy. Default 1,024.
 */
#define TENON_LIMIT_PEER_CALLS 21
/**
 * How long a request waits for the result of a store operation, and for its principal. After that the request is
 * refused as busy. Default 10 s.
 */
#define TENON_LIMIT_STORE_TIMEOUT_MS 22
/**
 * How long a call over HTTP may run before its response becomes an event stream with keep-alive comments. They
 * prevent proxies from closing the connection. This needs a client that accepts event streams. Default 10 s.
 */
#define TENON_LIMIT_STREAM_AFTER_MS 23
/**
 * Bytes of printed output that wait until the client reads standard error, while stdio is served. Later output is
 * dropped. 0 leaves standard error unchanged. A client that does not read it then blocks code that prints.
 * Default 1 MiB.
 */
#define TENON_LIMIT_STDERR_BYTES 24
/**
 * How long calls in flight may continue after stdio's input has ended, or after a server on stdio was closed.
 * After that they are cancelled. 0 cancels them at once. Clients kill a server that does not exit within about 2
 * s. Default 1 s.
 */
#define TENON_LIMIT_STDIO_DRAIN_TIMEOUT_MS 25
/**
 * Records of one kind, such as tasks, in the default in-memory store. The same limit applies to the kind's logs, to
 * its counters and to its allowances. One more is refused until another has expired; only for a new allowance, the
 * one that has taken least is removed. Sessions have `max_sessions` instead. Default 65,536.
 */
#define TENON_LIMIT_STORE_VALUES 26
/**
 * Bytes of the records of one kind in the default in-memory store, keys included. The same limit applies to the
 * kind's logs and to its allowances. More are refused, but a log first drops its own oldest entries, and allowances
 * make room for each other. Sessions are not counted. Default 64 MiB.
 */
#define TENON_LIMIT_STORE_BYTES 27
/** Entries of one log in the default in-memory store. One more replaces the oldest. Default 1,024. */
#define TENON_LIMIT_STORE_ENTRIES 28
/**
 * URL elicitations in the whole server whose end can still be reported to the client. One more replaces the
 * oldest. Default 10,000.
 */
#define TENON_LIMIT_VISITS 29
/**
 * Entries on one page of a list. 0 puts the whole list on one page. A resource provider chooses its own page size,
 * and its resources follow the registered ones. A page of tasks has at most 50 entries. Default 0.
 */
#define TENON_LIMIT_PAGE_SIZE 30
/**
 * Open streams of `subscriptions/listen` in the whole server. One more is refused as busy. Default 16,384.
 */
#define TENON_LIMIT_LISTENS 31
/**
 * Open streams of `subscriptions/listen` on one connection by stdio, WebSocket or a socket with lines. One more is
 * refused as busy. Default 64.
 */
#define TENON_LIMIT_PEER_LISTENS 32
/**
 * Open streams of `subscriptions/listen` of one principal. One more is refused as busy. Requests without a
 * principal are not counted here. Default 1,024.
 */
#define TENON_LIMIT_PRINCIPAL_LISTENS 33
/**
 * Resources and tasks to which one stream of `subscriptions/listen`, or one legacy session, can subscribe. A
 * stream that names more gets error -32602. A session is refused as busy. Default 1,024.
 */
#define TENON_LIMIT_SUBSCRIPTIONS 34
/**
 * Bytes of the URIs and task ids to which one stream or one legacy session subscribes. More are refused as with
 * `max_subscriptions`. Default 64 KiB.
 */
#define TENON_LIMIT_SUBSCRIPTION_BYTES 35
/**
 * Bytes that wait to be written to one stream of `subscriptions/listen` over HTTP. If the client reads too slowly
 * and more would wait, the stream ends. Default 1 MiB.
 */
#define TENON_LIMIT_LISTEN_BYTES 36
/**
 * Bytes of the events of one stream in a legacy HTTP session that are kept for a client that reconnects. The
 * oldest events are dropped first; the newest is always kept. The store limits all streams together. With 0,
 * streams cannot be resumed. Default 1 MiB.
 */
#define TENON_LIMIT_STREAM_BYTES 37
/**
 * Events of one stream in a legacy HTTP session that are kept for a client that reconnects. One more replaces the
 * oldest. Default 1,024.
 */
#define TENON_LIMIT_STREAM_EVENTS 38
/**
 * Streams of one legacy HTTP session whose events are kept. One more replaces the oldest that has ended. If none
 * has ended, the new stream cannot be resumed. Default 64.
 */
#define TENON_LIMIT_SESSION_STREAMS 39
/**
 * How long the events of a legacy stream are kept after the stream has ended or its client has disconnected. A
 * client that reconnects later cannot resume it. While a call runs, its stream is kept. Default 2 minutes.
 */
#define TENON_LIMIT_RESUME_TIMEOUT_MS 40
/**
 * How long a client of 2025-11-25 is asked to wait before it reconnects to a stream (the `retry` field of the
 * event stream). Default 1 s.
 */
#define TENON_LIMIT_STREAM_RETRY_MS 41
/**
 * How long a client on a socket with lines may send nothing while none of its calls is in flight. After that its
 * connection is closed. Default 24 hours.
 */
#define TENON_LIMIT_CONNECTION_IDLE_MS 42
/** How long a WebSocket client may send nothing before it gets a ping. Default 30 s. */
#define TENON_LIMIT_PING_INTERVAL_MS 43
/**
 * How long a WebSocket client may take to answer a ping. After that its connection is closed. Default 30 s.
 */
#define TENON_LIMIT_PING_TIMEOUT_MS 44
/** Running tasks in the whole server. One more is refused as busy. Default 4,096. */
#define TENON_LIMIT_TASKS 45
/**
 * Tasks of one principal, running or ended but kept. One more is refused as busy. Clients without a principal
 * share `max_tasks` and the store's limits. Default 1,000.
 */
#define TENON_LIMIT_PRINCIPAL_TASKS 46
/**
 * How long a task is kept after its creation if its client requests no time. A task that still runs at that time
 * is cancelled. In whole seconds, rounded up. Default 1 hour.
 */
#define TENON_LIMIT_DEFAULT_TASK_TTL_MS 47
/**
 * Longest time for which a client can have a task kept. A longer request is reduced to it. In whole seconds,
 * rounded up. Default 24 hours.
 */
#define TENON_LIMIT_TASK_TTL_MS 48
/**
 * How long a client is asked to wait between two requests for the state of a task (`pollInterval`). Default 1 s.
 */
#define TENON_LIMIT_TASK_POLL_INTERVAL_MS 49
/** Largest result of a task in bytes. A task with a larger one fails. Default 1 MiB. */
#define TENON_LIMIT_TASK_RESULT_BYTES 50
/**
 * How long a task may run if its tool has no timeout of its own. After that the task fails. Default 1 hour.
 */
#define TENON_LIMIT_TASK_TIMEOUT_MS 51
/**
 * How long a running task may be without a renewal of its lease in the store. After that its process counts as
 * dead, and the task has failed. The process renews the lease every third of this time. In whole seconds, rounded
 * up. Default 30 s.
 */
#define TENON_LIMIT_TASK_LEASE_MS 52
/** Skills in one folder. A folder with more cannot be registered. Default 1,000. */
#define TENON_LIMIT_SKILLS 53
/**
 * Calls of one tool or other entry that wait because the entry's `max_concurrency` or `max_concurrency_by` is
 * reached. One more is refused as busy, or the newest one of the caller with the most. Default 256.
 */
#define TENON_LIMIT_WAITING_CALLS 54
/**
 * How long a `start` hook without a timeout of its own may take. Calls wait for it. If it takes longer, the start
 * of the server fails. Default 60 s.
 */
#define TENON_LIMIT_START_TIMEOUT_MS 55
/**
 * How long a `stop` hook without a timeout of its own may take after the last call. If it takes longer, the server
 * ends without it. Default 5 s.
 */
#define TENON_LIMIT_STOP_TIMEOUT_MS 56
/** Fixed web pages that the server's HTTP addresses also serve. Adding one more fails. Default 64. */
#define TENON_LIMIT_PAGES 57
/**
 * Largest fixed web page in bytes. Adding a larger one fails. `max_buffered_bytes` does not count pages. Default 4
 * MiB.
 */
#define TENON_LIMIT_PAGE_BYTES 58
/**
 * Connections of one client address; for IPv6, the first 64 bits are the address. For one more, idle HTTP
 * connections of that address are closed. If none is idle, the new connection gets status 429 and is closed. 0
 * means three quarters of `max_connections`. Default 0.
 */
#define TENON_LIMIT_ADDRESS_CONNECTIONS 59
/**
 * Open streams of one client address: `subscriptions/listen`, GET streams, HTTP+SSE and WebSockets. One more is
 * refused with status 429. 0 means three quarters of `max_connections`. Default 0.
 */
#define TENON_LIMIT_ADDRESS_STREAMS 60
/**
 * Bytes held for one client address, counted as for `max_buffered_bytes`. If there is no room, a request is
 * refused with status 429, or its response is replaced by that error. 0 means three quarters of
 * `max_buffered_bytes`. Default 0.
 */
#define TENON_LIMIT_ADDRESS_BUFFERED_BYTES 61
/**
 * Calls in flight of one client address, in all of its sessions and connections. One more is refused with status
 * 429. 0 means three quarters of `max_calls` or of `max_lane_calls`, whichever is less. Default 0.
 */
#define TENON_LIMIT_ADDRESS_CALLS 62
/**
 * GET streams that one legacy HTTP session may have open at a time. One more is refused with status 429. A client
 * needs one. If its connections break, earlier ones may still be open. Default 16.
 */
#define TENON_LIMIT_SESSION_LISTENS 63
/**
 * How long a thread of the program starts queued calls before it returns to its event loop, or to the code that
 * polls. A handler that has started is not interrupted. Default 2 ms.
 */
#define TENON_LIMIT_POLL_BUDGET_MS 64
/**
 * Threads that serve sockets. All servers of the process with the same thread settings share them. Each thread has
 * a second one in reserve. 0 means the number of processors, but at most four. A server on the program's own
 * executor does not use them. Default 0.
 */
#define TENON_LIMIT_IO_THREADS 65
/**
 * Stack size in bytes of each thread that the engine starts, and of the C library's workers. Python's workers have
 * the interpreter's stack size unless this is set. Default 2 MiB.
 */
#define TENON_LIMIT_THREAD_STACK_BYTES 66
/**
 * How long a response on a socket with lines waits after the last progress notification of its call. Clients in
 * TypeScript lose progress that they read together with the response. On stdio, WebSockets and HTTP+SSE it waits
 * until the client has read the progress, at most twenty times as long. If a client does not answer a ping within
 * a second, its responses then wait as on a socket. No response waits on Streamable HTTP. With 0 no response waits
 * at all. Default 50 ms.
 */
#define TENON_LIMIT_PROGRESS_GAP_MS 67
/**
 * Bytes of the lists of one kind that are kept for callers who may use different entries. A list that does not fit
 * is made again for each request. Default 16 MiB.
 */
#define TENON_LIMIT_LIST_BYTES 68
/**
 * Verified tokens that are kept, so that they need not be verified again. One more replaces the oldest. Each connection
 * also keeps the credentials that it has sent twice, up to 4 KiB, for the same time. Default 10,000.
 */
#define TENON_LIMIT_CACHED_TOKENS 69
/**
 * How long a verified token is kept, at most until it expires. A token that its issuer revokes is accepted as long.
 * Default 60 s, which is also the most.
 */
#define TENON_LIMIT_TOKEN_CACHE_TIME_MS 70
/**
 * Failed authentications of one client address within the limit `failure_window`. After that, requests of the address are answered
 * with 429 until the window ends. For IPv6, an address is a network of 64 bits. Default 100.
 */
#define TENON_LIMIT_ADDRESS_FAILURES 71
/** The time in which failed authentications of one address are counted. Default 60 s. */
#define TENON_LIMIT_FAILURE_WINDOW_MS 72
/** New connections of one client address in a minute. One more is closed at once. Default 60,000. */
#define TENON_LIMIT_ADDRESS_CONNECTS 73
/**
 * Client addresses whose failures and connections are counted. One more replaces the one whose time ends first.
 * Default 65,536.
 */
#define TENON_LIMIT_COUNTED_ADDRESSES 74
/**
 * How long a decision of the function `authorizer` is kept, by principal, entry and arguments. With 0 it decides about
 * each call. Default 0.
 */
#define TENON_LIMIT_AUTHORIZER_CACHE_TIME_MS 75
/** How long a decision of the function `visible` is kept, by principal and entry. Default 60 s. */
#define TENON_LIMIT_VISIBLE_CACHE_TIME_MS 76
/** Decisions of each of these functions that are kept. One more replaces the oldest. Default 100,000. */
#define TENON_LIMIT_CACHED_DECISIONS 77
/**
 * Keys of one policy of an entry that are kept in the process, such as the circuits of a circuit breaker. One more replaces
 * the one that was used longest ago. Default 65,536.
 */
#define TENON_LIMIT_POLICY_KEYS 78
/**
 * Values in the cache of the program. If there is no room for one more, the value that was used longest ago goes. The
 * caches of entries have limits of their own. Default 1,024.
 */
#define TENON_LIMIT_CACHED_VALUES 79
/** Values in the cache of the program, in bytes. A larger value is not kept. Default 16 MiB. */
#define TENON_LIMIT_CACHED_BYTES 80

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/* ERRORS ================================================================================================= */

/**
 * The status that the failing function returned. It is TENON_OK for NULL, and TENON_ERR_STATE for a wrong handle.
 */
tenon_status tenon_error_status(const tenon_error *error);

/**
 * The message: one sentence, NUL-terminated UTF-8, at most 1,000 bytes. Texts that it quotes are shortened. "" for
 * NULL. It is borrowed and lives as long as the error.
 */
const char *tenon_error_message(const tenon_error *error);

/** Frees an error. NULL is ignored. */
void tenon_error_free(tenon_error *error);

/**
 * The message of the last failure on this thread: one sentence, NUL-terminated UTF-8. It is never NULL; it is "" if no
 * function has failed. Every function that returns a failure sets it, with or without a `tenon_error **err`. A
 * function that does not fail leaves it unchanged.
 *
 * The text is in a buffer of TENON_ERROR_MESSAGE_SIZE bytes that exists as long as the thread runs. The next failure
 * on this thread overwrites it, so copy the text to keep it. The pointer can always be read, also as an argument next
 * to a call that fails. Do not free it, and do not pass it to other threads.
 */
const char *tenon_error_last_message(void);

/** A short English sentence for a status, independent of the particular failure. Static; never NULL. */
const char *tenon_status_text(tenon_status status);

/* SERVERS ================================================================================================ */

/**
 * Makes a server. `name` is the server's name for programs, `version` is the version of the server program. Both are
 * copied. Either may be NULL, which means that of the settings, see tenon_server_set_settings(). Without a name there,
 * the start fails; the default of the version is "0.0.0".
 *
 * On success `*out` is the server. Fails with TENON_ERR_INVALID if the name is empty.
 */
tenon_status tenon_server_new(
    const char *name, const char *version, tenon_server **out, tenon_error **err) TENON_MUST_USE;

/**
 * Sets the instructions: a text that says how a model should use the server. Clients may put it into the model's
 * prompt.
 */
tenon_status tenon_server_set_instructions(tenon_server *server, const char *instructions);

/**
 * Sets a member of the server's description, or a setting. `value` is `len` bytes of JSON text, or up to the first NUL
 * with TENON_NUL.
 *
 * Clients of older revisions get the members of the description that their revision has. The settings are:
 *
 * - "title": a string. The name for people.
 * - "description": a string. What the server is for (from 2025-11-25 on).
 * - "icons": JSON. The server's icons, an array as the specification defines it (from 2025-11-25 on).
 * - "website_url": a string. The URL of the server's website (from 2025-11-25 on).
 * - "instructions": a string. How a model should use the server.
 * - "revisions": a JSON array of strings. The protocol revisions that the server supports. Default: all.
 * - "mask_errors": true or false. Whether clients receive a reference in place of the text of an unexpected
 *   exception. The log has the text under that reference. The default is yes if other machines may reach the server:
 *   it listens on an address that is not a loopback address, allows a host that is not this machine, or serves HTTP
 *   on a Unix socket. The default is also yes if the engine does not know the address: the requests come from an HTTP
 *   server of the program's own, or from a stream that the program accepted. Lines on Unix sockets, descriptors and
 *   clients in the process are local. If other machines may reach the server, the start is logged as a warning,
 *   unless this is on.
 * - "cache_hints": a JSON object, such as {"ttlMs":60000,"cacheScope":"public"}. How long clients may cache
 *   responses, and for whom (2026-07-28). Default: not at all, and by anyone.
 * - "coerce_arguments": true or false. Whether arguments that do not conform are checked a second time, with strings
 *   at their top level converted to the numbers, booleans, arrays and objects that they represent. Some clients send
 *   a string for a number. Default: yes.
 * - "assert_formats": true or false. Whether "format" in the schemas of arguments and results is asserted: "date",
 *   "date-time", "email", "ip", "ipv4", "ipv6", "uri" and "uuid". Other formats refuse nothing. Default: yes.
 * - "end_with_stdin": true or false. Whether the end of standard input ends the server if it has other transports.
 *   The same holds for the last of the channels that have one client each: descriptors, connected sockets and
 *   streams. If not, the client of standard input leaves and the others stay. A server without another transport ends
 *   in any case. Default: yes.
 * - "log_level": "debug", "info", "warn" or "error". The lowest level of the records that reach the log: "debug",
 *   "info", "warn" or "error". Records below it are not created. Default: "debug", so the log alone decides.
 * - "disabled": a JSON object. The entries that the server hides, as if they were not registered: an object with the
 *   members "tools", "resources", "templates" and "prompts", which are lists of names in which "*" stands for any
 *   text, and "tags", a list of tags. Entries that are added later are hidden too. An entry that is also disabled by
 *   code stays hidden until both have changed. Default: none.
 * - "audit": a path. Where the audit events of entries with the policy "audit" go: "log", or the path of a file. Each
 *   event is a JSON object in one line, which is added to the end of the file before the client gets the response. If
 *   the file cannot be written when the server starts, the start fails. Later, the event goes to the log, with an
 *   error. The level of events in the log is "info", and "log_level" does not drop them. Default: "log".
 * - "rate_limit": a string such as "60/min", a JSON object with amount and per, or a JSON array of these. How many
 *   requests clients may send in a time. Further requests are refused at once: over HTTP with the status 429 and
 *   "Retry-After". It is a text such as "600/min", or an object or a list as the policy "rate_limit" has, whose "by"
 *   is "global", "principal", "address" or "session". The requests "initialize", "ping" and "subscriptions/listen" do
 *   not count. Default: no limit.
 * - "limiters": a JSON object with a rate limit for each name. The limits that the program applies itself, each with
 *   a name, such as the limit of a service that it calls: an object with a rate limit for each name, a text such as
 *   "60/min" or an object with "amount", "per", "burst" and "window". Handlers use them by their names. The state is
 *   kept in the process. Default: none.
 * - "breakers": a JSON object with a circuit breaker for each name. The circuit breakers that the program uses
 *   itself, each with a name: an object with a circuit breaker for each name, whose members are those of the policy
 *   "circuit_breaker" that say when circuits open and close. Handlers use them by their names. The state is kept in
 *   the process. Default: none.
 * - "state_keys": a JSON array of strings, each with 32 bytes in hex or base64. The keys of 32 bytes that encrypt the
 *   data that clients carry, such as the state between the rounds of a question. The first key encrypts, and every
 *   key decrypts, so that a key can be replaced. Replicas behind one address must share the keys. Keep the keys
 *   secret, and draw them at random. Where a key is a text, the text is hexadecimal or base64. Default: a random key
 *   of this process.
 * - "auth": a JSON array of verifiers, each with the member type. The verifiers of credentials, in the order in which
 *   they are asked: an array of objects, whose member "type" is "api_keys", "jwt" or "introspection". The first one
 *   that accepts the credentials gives the principal. Default: none, so the server does not look at credentials.
 * - "authorization_servers": a string or a JSON array of strings. The authorization servers that clients get tokens
 *   from. The metadata of the server names them. Default: the issuers of the verifiers of the type "jwt".
 * - "ca_file": a path. A file with root certificates (PEM), besides those of the system, for the server's own HTTPS
 *   requests.
 * - "trusted_proxies": a string or a JSON array of strings. The addresses of proxies, each as an address or a network
 *   such as "10.0.0.0/8". The headers "Forwarded" and "X-Forwarded-*" of requests from them count. Default: none.
 * - "anonymous": "refuse" or "allow". Whether callers without a principal may use entries: "allow", or "refuse",
 *   unless an entry is public. Default: "refuse" if "auth" is set, else "allow".
 * - "scopes": a JSON array of strings. The scopes that callers need for entries that set none.
 * - "roles": a JSON array of strings. The roles of which callers need one for entries that set none.
 * - "access_of_tags": a JSON object with the members scopes, roles and public for each tag. Rules for all entries
 *   with a tag, besides the rule of the entry: an object with the members "scopes", "roles" and "public" for each
 *   tag.
 * - "scope_hierarchy": a JSON object with a JSON array of strings for each name. For each broad scope, the scopes
 *   that it includes. A caller with the broad scope needs none of the others.
 * - "public_url": a URL that begins with http:// or https://. The URL of the endpoint as clients know it, such as
 *   "https://example.com/mcp". It is the resource that tokens must be made for, and challenges and metadata name it.
 *   Default: the URL of the request.
 * - "principal": a string or a JSON object with the member subject. The principal of the client on standard input and
 *   output: a string, or an object with the members "subject", "issuer", "client_id", "scopes", "roles", "claims" and
 *   "expires_at". Default: none.
 * - "capabilities": a JSON array of strings. The capabilities that the server declares even if nothing is registered
 *   for them. It answers their lists.
 * - "extensions": a JSON object. The extensions that the server declares, by their names, with their settings. A name
 *   has a prefix, as in "com.example/name". A legacy client is told of them only if it declares extensions itself.
 * - "cache_hints_of": a JSON object, such as {"tools/list":{"ttlMs":1000}}. How long clients may cache the responses
 *   of single methods, and for whom, in place of "cache_hints" (2026-07-28).
 * - "store": a string with a URL. Where the server keeps the data that outlives a request: legacy HTTP sessions, the
 *   events of streams that can be resumed, tasks and used states. A URL names a store of the library: "memory:" is
 *   the memory of this process. A program may also pass a store of its own. Default: "memory:".
 *
 * The verifiers of "auth" have these options, besides their "type":
 *
 * - "keys": a JSON array of keys, each with the member subject. The keys: objects with the members "subject", and one
 *   of "value", "hash" ("sha256:" and the digest in hexadecimal or base64url), "file" and "env". "scopes", "roles",
 *   "client_id" and "expires_at" are optional. A key has at least 16 bytes. For api_keys.
 * - "header": a string. The header whose whole value is the key, such as "x-api-key". Default: a bearer token in
 *   "Authorization". For api_keys.
 * - "issuer": a string or a JSON array of strings. The issuer of the principals. Of a token, the issuers that are
 *   accepted: its claim "iss" must be one of them. Default for keys: "api-keys". Default for introspection: what the
 *   server answers, or its URL. For api_keys, jwt, introspection.
 * - "audience": a string or a JSON array of strings. The audiences that are accepted: the claim "aud" must have one
 *   of them. Default: the setting "public_url". For jwt, introspection.
 * - "roles_claim": a string. The path of the claim with the roles, with dots between names, such as
 *   "realm_access.roles". Default: "roles". For jwt, introspection.
 * - "leeway": a number of milliseconds above 0. How much the clocks of the issuer and the server may differ. Default:
 *   60 s. For jwt, introspection.
 * - "jwks_url": a URL that begins with http:// or https://. The URL of a JWK set with the public keys. It is read at
 *   the first token, again after five minutes, and for an unknown key at most once a minute. While no keys could be
 *   read, it is tried at most every five seconds. For jwt.
 * - "public_key": a string. Public keys: a PEM text, a JWK, or a JWK set. For jwt.
 * - "public_key_file": a path. A file with "public_key". For jwt.
 * - "secret": a string. A secret for HS256, HS384 and HS512, at least as long as the digest. For jwt.
 * - "secret_file": a path. A file with "secret". For jwt.
 * - "algorithms": a JSON array of strings. The algorithms that are accepted. Default: those that fit the keys. For
 *   jwt.
 * - "url": a URL that begins with http:// or https://. The URL of the endpoint. For introspection.
 * - "client_id": a string. The name with which the server authenticates itself at the endpoint. "client_secret" is
 *   its password. For introspection.
 * - "client_secret": a string. The password for "client_id". For introspection.
 * - "client_secret_file": a path. A file with "client_secret". For introspection.
 *
 * The keys of "api_keys" have these members:
 *
 * - "value": a string. The key itself.
 * - "hash": a string. The SHA-256 digest of the key.
 * - "file": a path. A file with the key.
 * - "env": a string. The variable of the environment with the key.
 * - "subject": a string. Who has the key.
 * - "client_id": a string. The client that has the key.
 * - "scopes": a JSON array of strings. The scopes of the key.
 * - "roles": a JSON array of strings. The roles of the key.
 * - "expires_at": a positive integer. When the key expires, in seconds since 1970.
 *
 * Fails with TENON_ERR_JSON if the text is not JSON, and with TENON_ERR_INVALID if there is no such member or the
 * value is wrong.
 */
tenon_status tenon_server_set(tenon_server *server, const char *member, const char *value, size_t len);

/**
 * Declares that the server supports an extension of the protocol. `id` is its identifier, such as "com.example/thing".
 * `settings` is `len` bytes of a JSON object, or up to the first NUL with TENON_NUL.
 *
 * Fails with TENON_ERR_JSON or TENON_ERR_INVALID.
 */
tenon_status tenon_server_add_extension(
    tenon_server *server, const char *id, const char *settings, size_t len);

/**
 * Sets a limit: one of the TENON_LIMIT_ values. Limits whose name ends in _MS are in milliseconds. A value above the
 * largest value of the limit (docs/limits.md) counts as the largest. Fails with TENON_ERR_INVALID if there is no such
 * limit, and for 0 if the limit does not allow it.
 */
tenon_status tenon_server_set_limit(tenon_server *server, tenon_limit limit, uint64_t value);

/**
 * Adds a key that seals (encrypts) the state that clients carry between two attempts of a call: 32 random bytes,
 * copied. The first key seals, and every key opens. Servers behind one address must share their keys. If no key is
 * added, the server uses a random key of its own.
 */
tenon_status tenon_server_add_state_key(tenon_server *server, const uint8_t *key);

/**
 * Sets how many worker threads run callbacks, 1 to 1024. Each thread starts when a call needs it and all others are
 * busy. Default: one per core, at most 4. Fails with TENON_ERR_INVALID for another number.
 */
tenon_status tenon_server_set_worker_threads(tenon_server *server, uint32_t count);

/**
 * Sets whether tenon_server_run() ends the server on SIGINT and SIGTERM. If true, it also ends the process if a
 * callback still runs after the server's end. Default: true.
 */
tenon_status tenon_server_set_signals(tenon_server *server, bool signals);

/**
 * Calls `hook` on each thread that the library starts for this server, with the thread's name, before anything else
 * runs there. A program can use it to set a priority or a CPU affinity, or to register the thread with a profiler. The
 * hook must not call functions of the server. `user_data` and `destroy` may be NULL.
 *
 * The threads are called "tenon-io" (sockets), "tenon-worker-1" and so on, "tenon-timer", "tenon-stdin",
 * "tenon-stdout", "tenon-stderr", "tenon-files", "tenon-check", "tenon-inline", "tenon-store", "tenon-cancel" and "tenon-close".
 * Servers share threads only if none of them has a hook. "tenon-signals" and "tenon-exit" belong to the process and
 * call no hook.
 *
 * `destroy` runs exactly once in every case: at once if this function fails, when the hook is replaced, and otherwise
 * in tenon_server_free(), after the last use of the hook.
 */
tenon_status tenon_server_set_thread_start(
    tenon_server *server, tenon_thread_start_fn hook, void *user_data, tenon_destroy_fn destroy);

/**
 * Sets the log. It gets the reports that no client gets, such as those about calls that no callback completed, and
 * about results that could not be used. Without a log these reports are dropped. `user_data` may be NULL, and so may
 * `destroy`.
 *
 * `destroy` runs exactly once in every case: at once if this function fails, when the log is replaced, and otherwise
 * in tenon_server_free(), after the last use of the log.
 */
tenon_status tenon_server_set_log(
    tenon_server *server, tenon_log_fn log, void *user_data, tenon_destroy_fn destroy);

/**
 * Sets a store of the program, for the data that outlives a request: legacy HTTP sessions, the events of streams that
 * can be resumed, tasks, and used states. It replaces the store that the setting "store" names.
 *
 * The library calls `submit` for each operation. The arguments of its call are the operation: "op" is its name, and
 * docs/stores.md has the members of each operation and the members of the replies. Times are in milliseconds. Read
 * bytes with tenon_call_arg_bytes(). A member that has no value is missing. Complete the call with the reply, a JSON
 * object: with tenon_call_return_json(), or with tenon_call_return() and a result that was written with
 * tenon_result_begin_object(), tenon_result_put_bytes() and so on. The callback may keep the call with
 * tenon_call_retain(), and any thread may complete it later. Only the first completion counts.
 *
 * - A key is "kind/name". Records, logs, counters and allowances with the same key are independent.
 * - Each operation takes effect at once or not at all, even if others use the store at the same time, such as other
 *   servers and processes. "put" and "delete" check their condition and change the record in one step.
 * - Each write of a record gives it a version that its key never had before, even if the record has expired or was
 *   removed since. The positions of a log grow in the same way. Both are below 2^63.
 * - Times to live count from the arrival of the operation. What has expired does not exist for any operation.
 * - Bytes may contain any bytes, and must be returned unchanged.
 *
 * If the callback returns without completing or keeping the call, fails the call (tenon_call_fail()), or gives a wrong
 * reply, the operation has failed: the request that needs it is refused as busy, and the log says why. The same happens
 * if no reply comes within TENON_LIMIT_STORE_TIMEOUT_MS; tenon_call_on_cancel() notices that. The first operation comes
 * after the callbacks of "start", the last one before those of "stop".
 *
 * With TENON_MODE_WORKER the callback runs on a thread of its own, one operation after the other, so it should keep a
 * call that has to wait. With TENON_MODE_POLL it runs in tenon_server_poll(). TENON_MODE_INLINE fails with
 * TENON_ERR_INVALID, because a store must not delay the threads that receive messages.
 *
 * `user_data` and `destroy` may be NULL. `destroy` runs exactly once in every case: at once if this function fails,
 * when the store is replaced, and otherwise in tenon_server_free().
 */
tenon_status tenon_server_set_store(
    tenon_server *server, tenon_mode mode, tenon_handler_fn submit, void *user_data,
    tenon_destroy_fn destroy);

/**
 * Sets the verifier: a callback that finds the principal of credentials which no verifier of the setting "auth"
 * accepts. From then on, callers without a principal are refused, unless the setting "anonymous" allows them.
 *
 * `headers` are the names of the headers that it reads besides a bearer token: `len` bytes of a JSON array of strings,
 * or up to the first NUL with TENON_NUL. NULL means none. It is called if a request has a bearer token or one of these
 * headers.
 *
 * The arguments of its call are the credentials: "token" is the bearer token, and "headers" is an object with the
 * headers that the request has, with names in lower case. Without a bearer token, "token" is null, for which
 * tenon_call_arg_string() fails with TENON_ERR_TYPE.
 *
 * Complete the call with the principal: its subject, with tenon_call_return_text(), or an object as tenon_call_get()
 * gives it for "principal", with tenon_call_return_json(); only "subject" is needed. Complete the call with null or
 * false if it does not accept the credentials; the request is then refused with 401. The callback may keep the call
 * with tenon_call_retain(), and any thread may complete it later.
 *
 * The answer is kept for TENON_LIMIT_TOKEN_CACHE_TIME_MS, by the token and the headers. If the callback returns without
 * completing or keeping the call, fails the call, or returns something else, the request is refused with 503, and the
 * log says why. The same happens if there is no answer within TENON_LIMIT_STORE_TIMEOUT_MS; tenon_call_on_cancel()
 * notices that.
 *
 * With TENON_MODE_WORKER the callback runs on threads that only the functions of this kind use, several at once,
 * as many as tenon_server_set_worker_threads() says. With TENON_MODE_POLL it runs in tenon_server_poll().
 * TENON_MODE_INLINE fails with TENON_ERR_INVALID, because a verifier must not delay the threads that receive messages.
 *
 * `user_data` and `destroy` may be NULL. `destroy` runs exactly once in every case: at once if this function fails, and
 * otherwise in tenon_server_free(). Fails with TENON_ERR_STATE if the server has a verifier, with TENON_ERR_JSON if the
 * headers are not JSON, and with TENON_ERR_INVALID if one is not the name of a header.
 */
tenon_status tenon_server_set_verifier(
    tenon_server *server, const char *headers, size_t len, tenon_mode mode, tenon_handler_fn verifier,
    void *user_data, tenon_destroy_fn destroy, tenon_error **err);

/**
 * Sets the authorizer: a callback that decides whether a call is permitted, after scopes and roles.
 *
 * The arguments of its call are "principal", an object as tenon_call_get() gives it, or null; "kind", such as "tool";
 * "name", the name of the entry or the address of the resource; and "arguments", which fit the schema of the entry.
 * Complete the call with true, false, or a text, the reason of a refusal, which the client gets. The callback may keep
 * the call with tenon_call_retain(), and any thread may complete it later.
 *
 * It is also called for subscriptions to resources, with the kind and the address as for a read. Its answers are kept for
 * TENON_LIMIT_AUTHORIZER_CACHE_TIME_MS, which is 0 by default, by principal, entry and arguments.
 *
 * If the callback fails, returns something else, or does not answer within TENON_LIMIT_STORE_TIMEOUT_MS, the call is
 * refused, and the log says why. The rest is as for tenon_server_set_verifier().
 */
tenon_status tenon_server_set_authorizer(
    tenon_server *server, tenon_mode mode, tenon_handler_fn authorizer, void *user_data,
    tenon_destroy_fn destroy, tenon_error **err);

/**
 * Sets the function that decides which entries exist for a caller, after scopes and roles.
 *
 * The arguments of its call are "principal", an object as tenon_call_get() gives it, or null; "kind", "tool", "resource",
 * "resource_template" or "prompt"; and "name", the name of the entry, of a resource its URI, of a template its text. Complete
 * the call with true or false. The callback may keep the call with tenon_call_retain(), and any thread may complete it
 * later.
 *
 * An entry that does not exist for a caller is in no list, and calls, completions and subscriptions fail as if it were not
 * registered. The answers are kept for TENON_LIMIT_VISIBLE_CACHE_TIME_MS, by principal and entry.
 *
 * If the callback fails, returns something else, or does not answer within TENON_LIMIT_STORE_TIMEOUT_MS, the request is
 * refused, and the log says why. The rest is as for tenon_server_set_verifier().
 */
tenon_status tenon_server_set_visible(
    tenon_server *server, tenon_mode mode, tenon_handler_fn visible, void *user_data,
    tenon_destroy_fn destroy, tenon_error **err);

/* SETTINGS FROM FILES ==================================================================================== */

/**
 * Reads settings. `options` is `len` bytes of a JSON object, or up to the first NUL with TENON_NUL. Its members name
 * the sources, and none of them is needed:
 *
 * - "file": the path of the settings file, which ends with ".toml" or ".json".
 * - "dotenv": the path of a file with lines NAME=VALUE, which are further variables. Variables of the process count
 *   more.
 * - "prefix": the beginning of the names of variables that are settings. After it come "_", the section, "__" and the
 *   setting, in capitals. Default: "TENON". If it is empty, variables are no source of settings.
 * - "sections": the sections of the program, an object with a JSON Schema for each name.
 * - "values": an object with values of code by their dotted keys. They replace those of all other sources.
 *
 * On success `*out` is the settings, which the program frees. This function, tenon_settings_set() and
 * tenon_settings_reload() read files and the environment, so no other thread may change the environment (setenv())
 * meanwhile.
 *
 * Fails with TENON_ERR_JSON if the text is not JSON. Fails with TENON_ERR_INVALID if a name or a value is wrong; the
 * message has the line of the file or the name of the variable. Fails with TENON_ERR_NOT_FOUND or TENON_ERR_IO if a
 * file cannot be read.
 */
tenon_status tenon_settings_load(
    const char *options, size_t len, tenon_settings **out, tenon_error **err) TENON_MUST_USE;

/**
 * The value of a setting, by its dotted key: JSON text, NUL-terminated. It is "null" if the setting is not set. A limit
 * always has a value. A secret that is set is "true". The key of a section gives all values that the section has. The
 * text is borrowed: it lives until this thread calls the function again. `len` may be NULL.
 *
 * Fails with TENON_ERR_NOT_FOUND if there is no such setting.
 */
tenon_status tenon_settings_get(
    const tenon_settings *settings, const char *key, const char **value, size_t *len);

/**
 * Where the value of a setting comes from: a line of a file, a variable, or "code". The text is NUL-terminated and
 * borrowed: it lives until this thread calls the function again. `len` may be NULL.
 *
 * Fails with TENON_ERR_NOT_FOUND if no source has the setting, also if it has a default.
 */
tenon_status tenon_settings_source(
    const tenon_settings *settings, const char *key, const char **source, size_t *len);

/**
 * Sets a value in code, by its dotted key. It replaces the values of all other sources. `value` is `len` bytes of JSON
 * text, or up to the first NUL with TENON_NUL. "null" removes the value of code again.
 * Servers keep their settings until tenon_settings_reload().
 *
 * Fails with TENON_ERR_JSON if the text is not JSON, and otherwise like tenon_settings_load(). Nothing changes then.
 */
tenon_status tenon_settings_set(
    tenon_settings *settings, const char *key, const char *value, size_t len, tenon_error **err);

/**
 * Writes the values that tenon_settings_set() has set into the file. Everything else in the file stays as it is, with
 * its comments. The file is replaced as a whole.
 *
 * Fails with TENON_ERR_STATE if the settings have no file, and with TENON_ERR_INVALID if a secret was set, because
 * secrets are not written. Fails with TENON_ERR_IO if the file cannot be written.
 */
tenon_status tenon_settings_save(tenon_settings *settings, tenon_error **err);

/**
 * Reads all sources again, and applies them to the servers that were started with these settings: all changes at once.
 * Values of code stay. The settings that can change while a server runs are marked in docs/settings.md and docs/limits.md.
 * Servers that have been freed are left out, unless they are mounted in others.
 *
 * Fails like tenon_settings_load(). Fails with TENON_ERR_STATE if a setting differs that a server cannot change; the
 * message names it. Nothing changes then, neither here nor in any server.
 */
tenon_status tenon_settings_reload(tenon_settings *settings, tenon_error **err);

/**
 * The JSON Schema of the settings file, with the sections of the program: JSON text, NUL-terminated. It is borrowed: it
 * lives until this thread calls the function again. `len` may be NULL.
 */
tenon_status tenon_settings_schema(const tenon_settings *settings, const char **schema, size_t *len);

/**
 * Writes a TOML file that has every setting as a comment, with its description. An existing file is not replaced.
 *
 * Fails with TENON_ERR_IO if the file exists or cannot be written.
 */
tenon_status tenon_settings_write_default(const char *path, tenon_error **err);

/**
 * Frees settings. NULL is ignored. A server that uses them keeps them. No other thread may use the handle meanwhile.
 */
void tenon_settings_free(tenon_settings *settings);

/**
 * Gives settings to a server: its section "server", its limits, and the transports of the section "serve". The program
 * keeps its handle and may free it at any time, because the server has its own reference. The last settings that were
 * given count.
 *
 * What the program sets itself replaces the settings, before or after this call. This includes the name and the version
 * that were given to tenon_server_new(), members, limits and stores. The transports of the section "serve" are served if
 * no tenon_server_listen_ function was called; tenon_server_exchange() does not start them. Options that they do not
 * have are those of the tenon_server_allow_ functions and tenon_server_set_unix_mode().
 *
 * The server reads the values when it is started or mounted. Later changes do not affect it.
 *
 * Fails with TENON_ERR_INVALID if neither tenon_server_new() nor the settings have a name.
 */
tenon_status tenon_server_set_settings(tenon_server *server, const tenon_settings *settings);

/**
 * The settings that the server has been given. It is a new handle of the same settings, which the program frees. NULL
 * if the server has none, and for NULL. Callbacks can use it.
 */
tenon_settings *tenon_server_settings(const tenon_server *server) TENON_MUST_USE;

/* TRANSPORTS ============================================================================================= */

/**
 * Serves a transport, from the start on. `transport` is its name, and `options` is `len` bytes of JSON text, or up to the
 * first NUL with TENON_NUL. The value is an object with options, or a value that is short for options. The transports
 * are:
 *
 * - "stdio": true or false or a pair of descriptors. Standard input and output, for one client. In Python and Node
 *   they are also served if no transport is named. Meanwhile, what handlers print goes to standard error. A pair of
 *   descriptors, input and output, is served instead of the standard ones. They are duplicated.
 * - "http": a port, "host:port", "host:port/path" or options. Streamable HTTP, for both eras of the protocol: a port,
 *   "host:port", "host:port/path", "unix:path" for HTTP on a Unix socket, or options.
 * - "unix": a path or options. Lines, as on "stdio", on a Unix socket, for any number of clients: the path of the
 *   socket, or options. Only this user may access its file, unless "mode" is set. The file replaces one that was left
 *   behind, and is removed at the end of the server.
 * - "socket": the number of a descriptor. Lines on a socket of the program, TCP or Unix, or on each of a list of
 *   sockets. A listening socket is served like "unix", and its file is not removed. A connected socket is one more
 *   client, and the server ends with the last of the connected sockets. Sockets are duplicated, and become
 *   non-blocking.
 * - "websocket": a port, "host:port", "host:port/path", "/path" or options. WebSocket, with one message per text
 *   frame: a port, "host:port", "host:port/path", or options. A path alone, such as "/ws", is a path of the first
 *   address of "http".
 * - "sse": a port, "host:port", "host:port/path", "/path" or options. HTTP+SSE, the transport of revision 2024-11-05,
 *   for clients that support no other. It takes the same as "websocket".
 * - "embedded": true or false or options. Requests that the program's own HTTP server passes on. In Node it is needed
 *   only beside other transports, because the first request starts a server that has no transport.
 *
 * Their options are:
 *
 * - "host": a host name or an address. The host name or the IP address to bind. Default: "127.0.0.1". For http,
 *   websocket, sse.
 * - "port": a number from 0 to 65535. The port; 0 for a free one. Without a port, "websocket" and "sse" are served on
 *   a path of the first address of "http". In Python, the default of "http" is 8000. For http, websocket, sse.
 * - "path": a path that begins with /. The path of the endpoint, percent-encoded as in a request. Default: "/mcp" for
 *   "http", "/ws" for "websocket", and "/sse" for "sse", whose messages are posted to "messages" beside it. It is
 *   accepted with and without a slash at its end. For http, websocket, sse.
 * - "unix": a path. The path of a Unix socket to listen on, instead of host and port. It has at most 107 bytes. For
 *   http.
 * - "path": a path. The path of the socket, at most 107 bytes. For unix.
 * - "mode": a number from 0 to 511 (octal 777). The permissions of the socket's file, independent of the process's
 *   umask. Users that may write to the file may connect. Default: "0o600", only the user that the server runs as. The
 *   largest value is "0o777". Other addresses have no file. For http, unix.
 * - "socket": the number of a descriptor. A listening socket of the program, TCP or Unix, instead of host and port.
 *   It is duplicated, and becomes non-blocking, even for other processes that share it. For http.
 * - "allowed_hosts": a JSON array of strings. The host names, without port, that requests may name besides loopback
 *   hosts. If no name is set, a loopback address accepts only loopback hosts. Any other address, and the program's
 *   own HTTP server, accepts any host. On an address of "http", "websocket" and "sse" have the hosts and origins of
 *   "http", unless hosts or origins are set for them. The start fails if a name is not a valid host. For http,
 *   websocket, sse, embedded.
 * - "allowed_origins": a JSON array of strings. The origins ("scheme://host[:port]") whose web pages may send
 *   requests. "*" means every origin, and "null" means pages that have no origin. Pages of loopback hosts may always
 *   send requests to a loopback address, and to the program's own HTTP server if the request names a loopback host.
 *   Other pages are answered with 403. The start fails if a text is not a valid origin. For http, websocket, sse,
 *   embedded.
 * - "allowed_headers": a JSON array of strings. The request headers that pages of allowed origins may send. The
 *   headers of the protocol, "Authorization", "Content-Type" and "Accept" are always allowed. "*" means every header.
 *   A browser asks for these headers in a CORS preflight, and does not send a header that is not allowed. On an
 *   address of "http", those of "sse" are added to those of "http", unless hosts or origins are set for "sse". The
 *   start fails if a text is not a valid header name. For http, sse, embedded.
 *
 * Descriptors in the options are duplicated, and the program keeps its own. May be called for several addresses and
 * sockets of one transport. Options that are not set have the values of tenon_server_allow_host(),
 * tenon_server_allow_origin(), tenon_server_allow_header() and tenon_server_set_unix_mode().
 *
 * Fails with TENON_ERR_JSON if the text is not JSON. Fails with TENON_ERR_INVALID if there is no such transport or no
 * such option, or if a value is wrong. Fails with TENON_ERR_IO if a descriptor is not open, and with TENON_ERR_STATE if
 * the server serves standard input and output, or descriptors, already.
 */
tenon_status tenon_server_listen(
    tenon_server *server, const char *transport, const char *options, size_t len, tenon_error **err);

/**
 * Serves standard input and output, from the start on. While the server runs, descriptor 1 refers to the same file as
 * descriptor 2, so the output of callbacks does not reach the client. The server ends when its input ends.
 *
 * Fails with TENON_ERR_STATE if the server serves them, or descriptors, already.
 */
tenon_status tenon_server_listen_stdio(tenon_server *server, tenon_error **err);

/**
 * Serves these descriptors in place of standard input and output, from the start on. Both may be the same number, such
 * as that of a socket. Takes the descriptors in every case: the library closes them, whatever the status.
 *
 * Fails with TENON_ERR_INVALID if one of them is not open, or is 0, 1 or 2. Those three are never taken, because the
 * next file that the process opens would get their numbers. Use tenon_server_listen_stdio(), or a duplicate. Fails
 * with TENON_ERR_STATE if the server serves descriptors, or standard input and output, already.
 */
tenon_status tenon_server_listen_descriptors(tenon_server *server, int input, int output, tenon_error **err);

/**
 * Serves Streamable HTTP, from the start on. `address` is "host:port" or "host:port/path", or just a port, which means
 * 127.0.0.1. Port 0 picks a free port, see tenon_server_http_url(). For a Unix socket it is "unix:PATH" or
 * "unix:PATH:/path", see tenon_server_listen_unix(). The default path is /mcp.
 *
 * Fails with TENON_ERR_INVALID if the address is not valid. Fails with TENON_ERR_STATE if it is called a second time;
 * add further addresses with tenon_server_listen_http_socket().
 */
tenon_status tenon_server_listen_http(tenon_server *server, const char *address, tenon_error **err);

/**
 * Allows HTTP requests that name this host (without port), in addition to loopback hosts. A server that listens on an
 * address that is not a loopback address accepts any host, unless this function names some.
 */
tenon_status tenon_server_allow_host(tenon_server *server, const char *host);

/**
 * Allows pages of this origin ("scheme://host:port") to call the server over HTTP. Pages of loopback hosts on a
 * loopback address are always allowed.
 */
tenon_status tenon_server_allow_origin(tenon_server *server, const char *origin);

/**
 * Allows pages of allowed origins to send this request header over HTTP. The headers of the protocol, Authorization,
 * Content-Type and Accept are always allowed. "*" means every header. A browser does not send a header that is not
 * allowed. The start fails if the text is not a header name.
 */
tenon_status tenon_server_allow_header(tenon_server *server, const char *name);

/**
 * Serves messages in lines, as on standard input and output, on a Unix socket at this path, from the start on. Any
 * number of clients may connect at once. May be called for several paths. To serve HTTP on a Unix socket, use
 * tenon_server_listen_http() with "unix:PATH".
 *
 * By default only the user that the process runs as may connect, see tenon_server_set_unix_mode(). If no
 * process listens on an existing socket file, it is replaced. If a process listens on it, or the file is not a
 * socket, the start fails with TENON_ERR_ADDRESS. The file is removed when the server ends.
 *
 * Fails with TENON_ERR_INVALID if the path is empty or longer than 107 bytes.
 */
tenon_status tenon_server_listen_unix(tenon_server *server, const char *path, tenon_error **err);

/**
 * Sets the permissions of the files of Unix sockets, independent of the process's umask. Users who may write to a file
 * may connect. Default: 0600. Fails with TENON_ERR_INVALID above 0777.
 */
tenon_status tenon_server_set_unix_mode(tenon_server *server, uint32_t mode);

/**
 * Serves messages in lines on a socket of the program, TCP or Unix, from the start on. May be called for several
 * sockets. A listening socket is served like a path of tenon_server_listen_unix(), and its file, if it has one, is not
 * removed. A connected socket is one more client; the server ends when the last such client leaves. Any other socket
 * makes the start fail with TENON_ERR_INVALID.
 *
 * Takes the socket in every case: the library closes it, whatever the status. The socket is made non-blocking,
 * also for others that share it. TCP has no permissions: every client that can reach the address may call.
 *
 * Fails with TENON_ERR_INVALID if the descriptor is not open, or is 0, 1 or 2, which are never taken.
 */
tenon_status tenon_server_listen_socket(tenon_server *server, int socket, tenon_error **err);

/**
 * Serves Streamable HTTP on a listening socket of the program, TCP or Unix, from the start on, like
 * tenon_server_listen_http() on an address. `path` is the path of the endpoint; NULL means "/mcp".
 *
 * Takes the socket like tenon_server_listen_socket(), and fails like it. It also fails if the path is not valid.
 */
tenon_status tenon_server_listen_http_socket(
    tenon_server *server, int socket, const char *path, tenon_error **err);

/**
 * Serves WebSocket, from the start on, to clients of every revision. Each text frame is one message. `address` is
 * "host:port", "host:port/path" or just a port, as for tenon_server_listen_http(); the default path is /ws. If HTTP is
 * served on the same address, both share it. A path alone, such as "/ws", is a path of the HTTP address.
 *
 * tenon_server_allow_host() and tenon_server_allow_origin() apply here too. A silent client is pinged, see
 * TENON_LIMIT_PING_INTERVAL_MS. The end of a connection cancels the calls of its client that are in flight.
 *
 * Fails with TENON_ERR_INVALID if the address is not valid. The start fails if "/path" is named without HTTP.
 */
tenon_status tenon_server_listen_websocket(tenon_server *server, const char *address, tenon_error **err);

/**
 * Serves the transport HTTP+SSE of revision 2024-11-05, from the start on, for clients that have no other. Its event
 * stream is under the path of `address`, by default /sse. Clients send their messages to `messages` next to that path.
 * `address` is written as for tenon_server_listen_websocket(). Clients of 2026-07-28 are refused here.
 *
 * tenon_server_allow_host(), tenon_server_allow_origin() and tenon_server_allow_header() apply here too. Fails like
 * tenon_server_listen_websocket().
 */
tenon_status tenon_server_listen_sse(tenon_server *server, const char *address, tenon_error **err);

/**
 * The URL that WebSocket is served on, with the actual port; the first one if there are several. It is like
 * tenon_server_http_url().
 *
 * Fails with TENON_ERR_STATE before the start, and with TENON_ERR_NOT_FOUND if WebSocket is not served.
 */
tenon_status tenon_server_websocket_url(const tenon_server *server, const char **url, size_t *len);

/**
 * The URL of the event stream of HTTP+SSE, with the actual port; the first one if there are several. It is like
 * tenon_server_http_url().
 *
 * Fails with TENON_ERR_STATE before the start, and with TENON_ERR_NOT_FOUND if HTTP+SSE is not served.
 */
tenon_status tenon_server_sse_url(const tenon_server *server, const char **url, size_t *len);

/* RUNNING A SERVER ======================================================================================= */

/**
 * Starts the transports on threads of the library and returns.
 *
 * Fails with TENON_ERR_INVALID if the server has no transport, or if an allowed host or origin is not valid. Fails
 * with TENON_ERR_ADDRESS if the port is in use or not permitted, and with TENON_ERR_STATE if the server was started
 * already. After a failure nothing is left running, and the server may be started again unless it was started already.
 *
 * Callbacks of "start" (tenon_server_on()) have returned when this function returns. The exception is a callback in
 * TENON_MODE_POLL, because it waits for tenon_server_poll(). If a callback of "start" failed, this function fails with
 * TENON_ERR_START; the server has then ended and cannot be started again.
 */
tenon_status tenon_server_start(tenon_server *server, tenon_error **err) TENON_MUST_USE;

/**
 * Starts the server, unless it was started already, and serves until it has ended. It ends by tenon_server_close(), by
 * the end of its standard input, or by SIGINT or SIGTERM. This function runs the callbacks of entries in
 * TENON_MODE_POLL on the calling thread.
 *
 * The first signal ends the server like tenon_server_close(). If the server is already shutting down, the signal
 * cancels the calls that may still finish. A second signal ends the process with the exit code 128 plus the signal's
 * number. tenon_server_exit_code() returns what the program should exit with after this function.
 *
 * While signals are on, the server may end the process. If a callback in TENON_MODE_POLL still runs 0.5 s after the
 * server's end, this function cannot return. The process then ends as by _exit(), with the value of
 * tenon_server_exit_code(). It does not do so if the shutdown began with tenon_server_close() and no signal came, nor
 * while another tenon_server_run() serves. A program that must outlive its server in any case switches signals off.
 *
 * The signal handlers are installed with sigaction() before the start, and the former ones are restored on return. A
 * signal that is ignored stays ignored. Servers that run at the same time share the handlers.
 * tenon_server_set_signals() switches them off.
 *
 * If the server has settings with a file, SIGHUP reloads them like tenon_settings_reload(), and the log has the outcome.
 * This is so only while signals are on and SIGHUP has its default action at the start. After the return it has its default
 * action again.
 *
 * Fails like tenon_server_start(), also if a callback of "start" in TENON_MODE_POLL failed, and with TENON_ERR_STATE
 * inside a callback of this server.
 */
tenon_status tenon_server_run(tenon_server *server, tenon_error **err) TENON_MUST_USE;

/**
 * The exit code for a program that only runs this server, to be returned from main() after tenon_server_run(). It is 0
 * if the server ended by the end of its input, by tenon_server_close() or by SIGTERM, and 130 if SIGINT ended it. It
 * is 1 for NULL, for a server that has not ended, and for one that ended because a thread of the library panicked.
 *
 * Such a program need not free the server, and should not: tenon_server_free() waits for callbacks that still run,
 * while the end of the process does not.
 */
int tenon_server_exit_code(const tenon_server *server);

/**
 * The URL that HTTP is served on, with the actual port. It is NUL-terminated and borrowed: it lives as long as the
 * server. `len` may be NULL.
 *
 * Fails with TENON_ERR_STATE before the start, and with TENON_ERR_NOT_FOUND if HTTP is not served.
 */
tenon_status tenon_server_http_url(const tenon_server *server, const char **url, size_t *len);

/**
 * A descriptor that is readable when tenon_server_poll() has work, for poll(), epoll and other main loops. It belongs
 * to the server and lives as long as the server: watch it, but do not read or close it. It stays readable after the
 * server has ended. Fails with TENON_ERR_STATE before the start.
 */
tenon_status tenon_server_wake_fd(const tenon_server *server, int *fd);

/**
 * Runs waiting callbacks of entries in TENON_MODE_POLL on the calling thread. It returns after `max` callbacks (0
 * means 64), or after about TENON_LIMIT_POLL_BUDGET_MS, 2 ms by default. If no callback is waiting, it waits for one:
 * at most `timeout_ms` milliseconds, not at all if it is 0, without a limit if it is below 0.
 *
 * TENON_OK: `*handled` callbacks were run. The number may be 0, after the timeout or if a signal handler ran.
 * TENON_ENDED: the server has ended. `handled` may be NULL. Callbacks may call this function themselves, for example
 * to serve calls during a modal dialog. Fails with TENON_ERR_STATE before the start. If a callback of "start" failed,
 * it fails with TENON_ERR_START in place of TENON_ENDED.
 */
tenon_status tenon_server_poll(tenon_server *server, uint32_t max, int32_t timeout_ms, uint32_t *handled);

/**
 * Ends the server. It accepts no further requests, and calls in flight may finish within TENON_LIMIT_DRAIN_TIMEOUT_MS.
 * If stdio or descriptors are served, calls may finish within TENON_LIMIT_STDIO_DRAIN_TIMEOUT_MS if that is less.
 * Returns at once. May be called anywhere, also in callbacks, and more than once. Fails with TENON_ERR_STATE before
 * the start.
 */
tenon_status tenon_server_close(tenon_server *server);

/** Whether a started server has ended; false for NULL, before the start and in a forked child. */
bool tenon_server_is_closed(const tenon_server *server) TENON_MUST_USE;

/**
 * Ends the server if it still runs, waits until it has ended and until the last callback has returned, and frees it.
 * NULL is ignored. No other thread may use the server meanwhile. Afterwards no callback runs, nor the log or the
 * `ready` of a request.
 *
 * Calls in flight get TENON_LIMIT_DRAIN_TIMEOUT_MS to finish, also those of exchanges that timed out. Calls that wait
 * for tenon_server_poll() fail, and so does a "stop" callback in TENON_MODE_POLL. Calls that the program keeps with
 * tenon_call_retain() stay valid until their release, and with them their user_data.
 *
 * Fails with TENON_ERR_STATE inside one of the server's callbacks, and with TENON_ERR_FORKED in a child of the process
 * that started it. The server is not freed then.
 */
tenon_status tenon_server_free(tenon_server *server);

/* INSIDE OF AN HTTP SERVER OF THE PROGRAM ================================================================ */

/**
 * Serves requests that the program hands over with tenon_server_handle_http(), from the start on. Other transports may
 * be served as well.
 *
 * A request may name any host, unless tenon_server_allow_host() names some. A page in a browser may call the server if
 * tenon_server_allow_origin() names its origin, or if both the origin and the host that the request names are of this
 * machine.
 */
tenon_status tenon_server_listen_embedded(tenon_server *server, tenon_error **err);

/**
 * Makes a request with this method. It has no path, because the program has already decided that the request is for
 * the server.
 *
 * On success `*out` is the request. Fails with TENON_ERR_INVALID if the method is not valid in HTTP.
 */
tenon_status tenon_http_new(const char *method, tenon_http **out, tenon_error **err) TENON_MUST_USE;

/**
 * Adds a header. `value` is `len` bytes, or up to the first NUL with TENON_NUL. Name and value are copied. Several
 * headers of one name may be added.
 *
 * The name ":path" sets the path of the request, in every version of HTTP. Only the metadata of a protected resource
 * (RFC 9728) and the challenges that name it need the path. A request for `/.well-known/oauth-protected-resource` and the
 * path of the endpoint is answered with the metadata.
 *
 * Fails with TENON_ERR_INVALID if the header is not valid in HTTP, and with TENON_ERR_STATE after the request was
 * handed over.
 */
tenon_status tenon_http_add_header(
    tenon_http *http, const char *name, const char *value, size_t len, tenon_error **err);

/**
 * Sets the major version of HTTP that the client speaks. Default: 1. A response to version 1 may have the header
 * `connection`.
 */
tenon_status tenon_http_set_version(tenon_http *http, uint8_t major);

/**
 * Sets the principal of the request: its sender, if the program has authenticated the sender. A session belongs to the
 * principal that opened it. Callbacks read it as "principal". Call it before tenon_server_handle_http, which resolves
 * the principal before it reads the body. If the text is empty, the request gets status 500. Without this call, the
 * sender is anonymous.
 */
tenon_status tenon_http_set_principal(tenon_http *http, const char *principal);

/**
 * Sets the principal of the request as JSON of `len` bytes, or up to the first NUL with TENON_NUL: an object with the
 * members of "principal" in tenon_call_get(), of which only "subject" is needed, or a string. See
 * tenon_http_set_principal().
 *
 * Fails with TENON_ERR_INVALID if the value is no principal, and with TENON_ERR_JSON.
 */
tenon_status tenon_http_set_principal_json(tenon_http *http, const char *json, size_t len, tenon_error **err);

/**
 * Sets the IP address of the request's client, without port, if the program knows it. The client's usage then counts
 * towards the share of this address (TENON_LIMIT_ADDRESS_CALLS and the others). Without an address only the totals
 * apply. Behind a proxy, pass the address that the proxy names, or none.
 *
 * Fails with TENON_ERR_INVALID if the text is not an address, and with TENON_ERR_STATE after the request was handed
 * over.
 */
tenon_status tenon_http_set_address(tenon_http *http, const char *address);

/**
 * Sets a pointer for the callbacks of the request's calls, which get it with tenon_call_http_user_data(). `destroy`,
 * which may be NULL, runs exactly once, on any thread. It runs at once if this function fails, and when another
 * pointer replaces this one. Otherwise it runs when the request was freed and the last of its calls is over, including
 * a call that continues as a task.
 *
 * Fails with TENON_ERR_STATE after the request was handed over.
 */
tenon_status tenon_http_set_user_data(tenon_http *http, void *user_data, tenon_destroy_fn destroy);

/**
 * Hands a request to a started server that serves such requests (tenon_server_listen_embedded()). `ready` is called
 * when tenon_http_next() may have more. It may be NULL, for example if the program waits in that function. `user_data`
 * may be NULL, and so may `destroy`, which runs exactly once. It runs at once if this function fails, and otherwise
 * when the request was freed and `ready` has returned for the last time.
 *
 * The server's limits apply: a body over TENON_LIMIT_MESSAGE_BYTES gets the status 413. Requests over
 * TENON_LIMIT_CONNECTIONS at a time get 503, and so do requests that arrive while the server shuts down.
 *
 * Fails with TENON_ERR_STATE if the server was not started or takes no requests, or if the request was handed over
 * already.
 */
tenon_status tenon_server_handle_http(
    tenon_server *server, tenon_http *http, tenon_http_ready_fn ready, void *user_data,
    tenon_destroy_fn destroy, tenon_error **err) TENON_MUST_USE;

/**
 * Passes a piece of the request's body, `len` bytes, to the library, which copies them. Call tenon_http_next() after
 * each piece to learn early of a refusal, and so that the library never holds more than one piece. If there is already
 * a response and it does not need the rest of the body, pieces are dropped at once.
 */
tenon_status tenon_http_write(tenon_http *http, const void *data, size_t len);

/** Marks the request's body as complete. Call it also if there is no body. */
tenon_status tenon_http_end(tenon_http *http);

/**
 * Gets the next step of the response. If there is none, it waits for one: at most `timeout_ms` milliseconds, not at
 * all if it is 0, without a limit if it is below 0. Callbacks in TENON_MODE_INLINE run inside this function.
 *
 * On success `*step` is one of the TENON_HTTP_ values.
 */
tenon_status tenon_http_next(tenon_http *http, int32_t timeout_ms, tenon_http_step *step) TENON_MUST_USE;

/** The status of the response, such as 200. Fails with TENON_ERR_STATE before TENON_HTTP_HEAD. */
tenon_status tenon_http_status(const tenon_http *http, uint32_t *status);

/**
 * A header of the response, by its index from 0: its name in lower case, NUL-terminated, and its value, `len` bytes
 * followed by a NUL. Both are borrowed and live as long as the request. `len` may be NULL. `content-length` is among
 * the headers if it is known. If it is not, the program must frame the body itself. The program also sets `date`.
 *
 * Fails with TENON_ERR_NOT_FOUND after the last header, and with TENON_ERR_STATE before TENON_HTTP_HEAD.
 */
tenon_status tenon_http_header(
    const tenon_http *http, size_t place, const char **name, const char **value, size_t *len);

/**
 * The piece of the body that belongs to the last TENON_HTTP_DATA; no bytes otherwise. It is borrowed and lives until
 * the next tenon_http_next() or tenon_http_free().
 */
tenon_status tenon_http_data(const tenon_http *http, const void **data, size_t *len);

/**
 * Frees a request in any state. Before TENON_HTTP_END this means that its client is gone, which cancels a call of the
 * modern era. NULL is ignored. Call it before tenon_server_free() if possible. After tenon_server_free() it is the
 * only function that may be called with the request.
 *
 * Fails with TENON_ERR_STATE while another function uses the request, and with TENON_ERR_FORKED in a child of the
 * process that handed it over. It is not freed then.
 */
tenon_status tenon_http_free(tenon_http *http);

/* ENTRIES, BY KIND ======================================================================================= */

/**
 * Makes a tool: a function that a model can call. `name` has 1 to 128 characters of A-Z a-z 0-9 _ - . (checked when it
 * is added).
 *
 * Its callback gets arguments that satisfy the schema of tenon_tool_set_input_schema() or the parameters of
 * tenon_tool_add_param(). Without either, the tool takes no arguments.
 *
 * On success `*out` is the entry. Fails with TENON_ERR_NULL or TENON_ERR_UTF8, like the other constructors.
 */
tenon_status tenon_tool_new(const char *name, tenon_entry **out, tenon_error **err) TENON_MUST_USE;

/**
 * Makes a resource at one address, an absolute URI. Its members are `name` (default: the URI), `title`, `description`,
 * `mime_type`, `size`, `annotations`, `icons`, `meta`; see tenon_entry_set().
 *
 * Its callback has no arguments and completes the call with the contents. Text is returned with
 * tenon_call_return_text(), bytes with tenon_call_return_bytes(), any JSON value as its text with
 * tenon_call_return_json(), and several contents with tenon_call_return().
 */
tenon_status tenon_resource_new(const char *uri, tenon_entry **out, tenon_error **err) TENON_MUST_USE;

/**
 * Makes a resource template: all resources whose address matches `uri_template` (RFC 6570), such as "file:///{+path}".
 * It has the members of a resource except `size`.
 *
 * Its callback gets the variables as arguments, and tenon_call_uri() gives the address. It completes the call like
 * that of a resource, or with tenon_call_not_found() if there is nothing at the address.
 */
tenon_status tenon_resource_template_new(
    const char *uri_template, tenon_entry **out, tenon_error **err) TENON_MUST_USE;

/**
 * Makes a resource provider: resources that are not known in advance, such as the rows of a table. It has two
 * callbacks.
 *
 * The callback of tenon_entry_set_list_handler() lists the resources. It completes its call with tenon_call_return()
 * and a link for each (tenon_result_add_link()), or with tenon_call_return_json() and an array of resources. The
 * callback of tenon_entry_set_handler() reads one resource whose address matches `uri_template`, like that of a
 * template. The template itself is not listed.
 */
tenon_status tenon_resource_provider_new(
    const char *uri_template, tenon_entry **out, tenon_error **err) TENON_MUST_USE;

/**
 * Makes a prompt; `name` is like a tool's. Its members are `title`, `description`, `icons`, `meta` and `arguments`;
 * see tenon_prompt_add_argument() for the last.
 *
 * Its callback gets the arguments, all of them strings. It completes the call with text, which is one message of the
 * user, or with tenon_call_return() and a message for each block.
 */
tenon_status tenon_prompt_new(const char *name, tenon_entry **out, tenon_error **err) TENON_MUST_USE;

/**
 * Adds an argument to a prompt: a string that clients ask their user for. `description` may be NULL. If a required
 * argument is missing, the call is refused before the callback runs.
 */
tenon_status tenon_prompt_add_argument(
    tenon_entry *entry, const char *name, const char *description, bool required);

/**
 * Makes a completion: suggestions for an argument of a prompt (`of_kind` is TENON_KIND_PROMPT, `of` its name), or for
 * a variable of a resource template (TENON_KIND_RESOURCE_TEMPLATE, `of` its text).
 *
 * Its callback gets the string "value", which is the text that the user has typed so far, and the object "arguments",
 * which has the arguments that are known already. It completes the call with tenon_call_return() and a value for each
 * suggestion (tenon_result_add_value()), or with tenon_call_return_json() and an array of strings. There may be any
 * number; the library sends the first 100.
 *
 * If there is no such prompt or template, or it has no such argument, the start fails with TENON_ERR_NOT_FOUND. While
 * the server runs, tenon_server_add() fails.
 *
 * tenon_server_entries() gives its name, for tenon_server_remove() and similar functions.
 */
tenon_status tenon_completion_new(
    tenon_kind of_kind, const char *of, const char *argument, tenon_entry **out,
    tenon_error **err) TENON_MUST_USE;

/**
 * Makes a method: a request of the program's own, such as "acme/status". Its callback gets the parameters, which a
 * schema in the member `input_schema` may restrict. It completes the call with a JSON object. See also
 * tenon_server_replace().
 */
tenon_status tenon_method_new(const char *name, tenon_entry **out, tenon_error **err) TENON_MUST_USE;

/**
 * Makes a notification of the program's own, such as "notifications/acme/moved". Its callback gets the
 * parameters. It has no response, so the callback need not complete its call.
 */
tenon_status tenon_notification_new(const char *name, tenon_entry **out, tenon_error **err) TENON_MUST_USE;

/**
 * Sets the schema of a tool's arguments, at most 1 MiB. It is JSON Schema 2020-12, or the dialect that its "$schema"
 * names, with "type": "object" at its root. Arguments are checked against it before the callback runs.
 *
 * Fails with TENON_ERR_JSON if the text is not JSON, and with TENON_ERR_STATE after tenon_tool_add_param(). Whether
 * the text is a valid schema is checked when the tool is added.
 */
tenon_status tenon_tool_set_input_schema(tenon_entry *entry, const char *schema);

/**
 * Sets the schema of a tool's result, which makes the tool structured. The value of tenon_call_return_json(), or the
 * text of tenon_call_return_text() as a JSON string, is checked against it. A result that does not fit reaches the
 * client as a failure. If the schema is not for an object, clients of 2025-06-18 and 2025-11-25 get an object that has
 * the value as the member "result", and a schema for that object.
 *
 * Fails with TENON_ERR_JSON if the text is not JSON. Whether the text is a valid schema is checked when the tool is
 * added.
 */
tenon_status tenon_tool_set_output_schema(tenon_entry *entry, const char *schema);

/**
 * Sets whether a JSON value that a tool's callback returns is also sent as structured content, in addition to its
 * text. Default: false, or true if the tool has an output schema.
 */
tenon_status tenon_tool_set_structured(tenon_entry *entry, bool structured);

/**
 * Adds one parameter to a tool's input schema, in place of tenon_tool_set_input_schema(). `type` is one of:
 * - "string", "integer", "number", "boolean", "array" or "object";
 * - one of these followed by "[]", such as "string[]", for an array of them;
 * - the JSON schema of the parameter's value, such as {"type":"integer","minimum":1}.
 *
 * `description` says what the parameter is for, and may be NULL. `flags` are TENON_PARAM_ values. The tool then takes
 * these parameters and no others.
 *
 * Fails with TENON_ERR_INVALID for another type, for unknown flags and for two descriptions, and with TENON_ERR_JSON
 * if a schema is not JSON. Fails with TENON_ERR_DUPLICATE if there is a parameter of this name, and with
 * TENON_ERR_STATE if the tool has an input schema.
 */
tenon_status tenon_tool_add_param(
    tenon_entry *entry, const char *name, const char *type, const char *description, tenon_param_flags flags);

/* ENTRIES OF ALL KINDS =================================================================================== */

/**
 * Sets a member of the definition. `member` is the name in the newest revision of the specification, such as "title",
 * "icons" or "mimeType". Names with underscores between words ("mime_type") and "meta" for "_meta" work as well.
 * `value` is `len` bytes of JSON text, or up to the first NUL with TENON_NUL. A member that is set again is replaced.
 * Clients of older revisions get the members that their revision has.
 *
 * These members are policies and are not sent to clients. Times are in milliseconds:
 *
 * - "timeout": a number of milliseconds above 0. The timeout of one call. If a call takes longer, the client receives
 *   an error, and a later result is dropped. Default: the limit TENON_LIMIT_CALL_TIMEOUT_MS.
 * - "max_concurrency": a positive integer. The maximum number of concurrent calls. Further calls wait. Their callers
 *   take turns, and calls of one caller run in the order in which they arrived. A caller is a principal; calls
 *   without one are told apart by their addresses, sessions or connections. The timeout applies to the waiting time,
 *   and starts again when the call runs. The limit "max_waiting_calls" bounds how many calls wait. If it is reached,
 *   a caller with few waiting calls may add one, and the newest one of the caller with the most is refused instead. A
 *   call that waits for an answer of its client counts as running, unless its attempt has ended with the question.
 *   Default: no limit.
 * - "tags": a JSON array of strings. Tags by which entries are disabled, and enabled again. Clients do not see them.
 *   At most 64 tags of at most 128 bytes each. Default: none.
 * - "hidden": true or false. Whether the entry is left out of every list. It can still be called. Default: no. For
 *   tools, resources, resource templates, prompts.
 * - "scopes": a JSON array of strings. The scopes that a caller needs, all of them. A caller without them is answered
 *   with 403 over HTTP, and with an error elsewhere; lists do not have the entry for it. Default: the server's
 *   setting. For tools, resources, resource templates, resource providers, prompts, completions, methods,
 *   notifications.
 * - "roles": a JSON array of strings. The roles of which a caller needs one. Default: the server's setting. For
 *   tools, resources, resource templates, resource providers, prompts, completions, methods, notifications.
 * - "public": true or false. Whether callers without a principal may use the entry, although the server refuses them.
 *   Such an entry cannot need scopes or roles. Default: no, if the server's setting "anonymous" is "refuse". For
 *   tools, resources, resource templates, resource providers, prompts, completions, methods, notifications.
 * - "max_concurrency_by": a JSON object with a positive integer for each key. The maximum number of concurrent calls
 *   with the same value of a key: an object from keys to numbers, such as "{"principal": 2}". The keys are
 *   "principal", "address", "session" and "arguments.NAME", at most 4. All of them apply, and "max_concurrency" too.
 *   Further calls wait, and calls with other values do not wait for them. Calls without a session count by their
 *   principal, and those without a principal by their address. An IPv6 network of 64 bits counts as one address.
 *   Default: no limit. For tools, resources, resource templates, resource providers, prompts, completions, methods.
 * - "rate_limit": a string such as "60/min", a JSON object with amount and per, or a JSON array of these. How many
 *   calls may be made in a time. Further calls are refused at once, with the time to wait. It is a text such as
 *   "60/min", an object with the members "amount", "per", "burst", "window", "by", "counts", "refusal", "text" and
 *   "on_store_failure", or a list of at most 8 of these, which all apply. A call that is within its limits counts,
 *   whatever happens to it later. The rounds of a call with questions count once. Default: no limit. For tools,
 *   resources, resource templates, resource providers, prompts, completions, methods.
 * - "circuit_breaker": a JSON object. Refuses calls for a time after too many have failed: an object with the members
 *   "failures", "failure_percent", "window", "min_calls", "open_for", "probes", "by", "counts", "refusal" and "text".
 *   The state is kept in the process. Default: no breaker. For tools, resources, resource templates, resource
 *   providers, prompts, completions, methods.
 * - "idempotent": true or false. Whether the handler may run more than once for one call with the effect of one run.
 *   It must be set for tools and methods with "retry", unless the annotations of the tool say so ("idempotentHint" or
 *   "readOnlyHint"). Default: yes for what is read, no for tools and methods. For tools, resources, resource
 *   templates, resource providers, prompts, completions, methods.
 * - "retry": an integer from 2, or a JSON object. Runs the handler of a call again after it has failed: a number of
 *   attempts, or an object with the members "attempts", "backoff", "max_backoff", "budget_percent" and "counts". All
 *   attempts together have the time of one call. A call that has asked its client is not retried. Default: one
 *   attempt. For tools, resources, resource templates, resource providers, prompts, completions, methods.
 * - "cache": a number of milliseconds above 0, or a JSON object with ttl. How long results are kept, so that later
 *   calls with the same arguments get them without a run of the handler: a time, or an object with the members "ttl",
 *   "max_entries", "max_bytes", "public", "stale_if_error" and "stale_while_revalidate". While a call produces a
 *   result, other calls with the same arguments wait for it. Failures are not kept, nor are results of calls that
 *   asked their client, and of tasks. For resources, "cache_hints" follow from it. Default: nothing is kept. For
 *   tools, resources, resource templates, resource providers, prompts, completions, methods.
 * - "unknown_arguments": "schema", "refuse" or "drop". How arguments are treated that the input schema does not
 *   define: "schema" (the schema decides), "refuse" (the call is refused) or "drop" (they are left out). With
 *   "refuse" and "drop", registration fails if unknown arguments cannot be distinguished from known ones: the schema,
 *   or a branch of it, has a "$ref" beside its properties, or "patternProperties". Default: "schema". For tools,
 *   methods, notifications.
 * - "coerce_arguments": true or false. Whether invalid arguments are checked a second time, with strings converted to
 *   the numbers, booleans, arrays and objects that they represent. Default: the server's setting. For tools, methods,
 *   notifications.
 * - "structured": true or false. Whether a JSON value that the tool returns is also sent as structured content, next
 *   to its text. A tool with an output schema is structured in any case. Default: no. For tools.
 * - "task_support": "forbidden", "optional" or "required". Whether calls may, or must, become tasks, which outlive
 *   their connection: "forbidden", "optional" (if the client supports tasks) or "required". Default: "forbidden". For
 *   tools.
 * - "defer_task": true or false. Whether a call of a client of 2026-07-28 becomes a task only if its handler starts
 *   the task. Until then its questions are asked in rounds, as in any other call. A call that does not become a task
 *   gets an ordinary response. Default: no; a call is a task from its start. For tools.
 * - "once_only": true or false. Whether each state that a client of 2026-07-28 sends back after a question can be
 *   used only once, over all replicas that share the server's store. If a client sends the same round again, the
 *   handler does not run again. A state also counts as used if the server then refuses the call as busy. Default: no.
 *   For tools, resources, resource templates, resource providers, prompts, methods.
 * - "audit": true, false or a JSON array of names of arguments. Whether each call has an audit event, also if it is
 *   refused: who called what, when, for how long, and with what outcome. A list names arguments whose values the
 *   event records; it has a keyed digest of all arguments. It never has results, tokens or headers. The server's
 *   setting "audit" says where events go. Default: no. For tools, resources, resource templates, resource providers,
 *   prompts, methods.
 * - "confirm": a string. What the user is asked before a call runs. The call runs only if the user agrees. If the
 *   client cannot ask its user, the call is refused. In 2026-07-28, each agreement counts for one call, over all
 *   replicas that share the server's store; if the store is unavailable, the call is refused. At most 2048 bytes.
 *   Default: nothing is asked. For tools, resources, resource templates, resource providers, prompts, methods.
 * - "cache_hints": a JSON object, such as {"ttlMs":60000,"cacheScope":"public"}. How long clients may cache the
 *   contents, and for whom (2026-07-28). Default: as long as "cache" keeps them, or else the server's setting. For
 *   resources, resource templates, resource providers.
 * - "unsafe_paths": true or false. Whether values of the template's variables may lead out of a folder that the
 *   handler appends them to. "{+x}" may then be an absolute path or start with a drive ("C:"), and values of a query
 *   or a fragment may have segments "..". If not, addresses with such values do not match the template. Default: no.
 *   For resource templates, resource providers.
 *
 * "ui" of a tool is the view that shows its results, see tenon_tool_set_ui(), or an object with "resourceUri" and
 * "visibility". "ui" of a resource says how a view is shown, see tenon_ui_new(). Clients get it in "_meta".
 *
 * Fails with TENON_ERR_JSON if the text is not JSON. The member and its value are checked when the entry is added.
 */
tenon_status tenon_entry_set(tenon_entry *entry, const char *member, const char *value, size_t len);

/**
 * Sets the description: a text that says what the entry is for, to the model that chooses it or to people.
 */
tenon_status tenon_entry_set_description(tenon_entry *entry, const char *description);

/**
 * Sets the callback, with the pointer that it is called with. `user_data` may be NULL, and so may `destroy`.
 *
 * `destroy` runs exactly once in every case: at once if this function fails, when the callback is replaced, or when
 * the entry is freed or cannot be added. Otherwise it runs after the last callback has returned and the last call kept
 * from it was released.
 */
tenon_status tenon_entry_set_handler(
    tenon_entry *entry, tenon_handler_fn handler, void *user_data, tenon_destroy_fn destroy);

/**
 * Sets the callback that lists the resources of a resource provider, see tenon_resource_provider_new(). It has a
 * `user_data` of its own. In all other respects it is like that of tenon_entry_set_handler().
 */
tenon_status tenon_entry_set_list_handler(
    tenon_entry *entry, tenon_handler_fn handler, void *user_data, tenon_destroy_fn destroy);

/** Sets where the callback runs: TENON_MODE_WORKER (default), TENON_MODE_POLL or TENON_MODE_INLINE. */
tenon_status tenon_entry_set_mode(tenon_entry *entry, tenon_mode mode);

/**
 * Sets the timeout of one call, in milliseconds, more than 0. After the timeout the client gets an error that says so,
 * and a later result of the callback is dropped. Default: TENON_LIMIT_CALL_TIMEOUT_MS.
 */
tenon_status tenon_entry_set_timeout_ms(tenon_entry *entry, uint32_t timeout_ms);

/**
 * Frees an entry that was not handed to a server. NULL is ignored. If the entry was freed or handed to a server
 * before, nothing is freed, and tenon_error_last_message() says so.
 */
void tenon_entry_free(tenon_entry *entry);

/* REGISTERING ============================================================================================ */

/**
 * Registers an entry, before or after the start. Takes the entry in every case, whatever the status. Any later use of
 * it fails with TENON_ERR_STATE.
 *
 * Fails with TENON_ERR_DUPLICATE if the server has an entry of that kind and name. Fails with TENON_ERR_INVALID,
 * TENON_ERR_JSON or another status if the definition is wrong; the message names the entry and gives the reason.
 */
tenon_status tenon_server_add(tenon_server *server, tenon_entry *entry, tenon_error **err) TENON_MUST_USE;

/**
 * Replaces the library's handling of a request of the protocol, such as "tools/list", with the program's own. `method`
 * is an entry of tenon_method_new() with the request's name. tenon_server_remove() with TENON_KIND_METHOD undoes it.
 * In all other respects this is like tenon_server_add().
 *
 * Fails with TENON_ERR_INVALID if the entry is not a method, or if the protocol has no such request.
 */
tenon_status tenon_server_replace(
    tenon_server *server, tenon_entry *method, tenon_error **err) TENON_MUST_USE;

/**
 * Registers a callback for an event of the server. `hook` is one of
 * - "start": the server is served from now on. It runs before the first call. Calls that arrive meanwhile wait, but
 *   the library answers the requests that it handles itself. If the callback fails (tenon_call_fail()) or takes longer
 *   than TENON_LIMIT_START_TIMEOUT_MS, nothing is served.
 * - "stop": the server has ended. It runs once after the last call, for at most TENON_LIMIT_STOP_TIMEOUT_MS. It does
 *   not run if "start" failed.
 * - "session_start": a client has opened a legacy session.
 * - "session_end": a legacy session is over. A client that sends `initialize` again on the same channel ends its
 *   session and opens another.
 * - "roots_changed": a client's roots have changed.
 * - "subscribe": a resource, whose address is the argument "uri", has its first subscriber.
 * - "unsubscribe": that resource has no subscriber any more. It does not run at the end of the server.
 * - "error": a callback's result cannot be used, or the callback took too long. "kind", "name" and "message" say which
 *   one and why. A failure of this callback itself is only in the log.
 * - "audit": a call of an entry with the policy "audit" has ended, or was refused. The arguments are the audit event,
 *   which the log or the file gets as well. The call does not wait for it. It does not run while the server closes.
 *
 * "start" and "stop" also run for a mounted server. Its "start" runs after that of the server it is mounted in, its
 * "stop" before. Callbacks can share data through their `user_data`.
 *
 * The arguments of the callback's call describe the event. The call need not be completed. `mode` says where the
 * callback runs. Each hook has one callback; tenon_server_remove() with TENON_KIND_HOOK removes it. `user_data` may be
 * NULL, and so may `destroy`, which runs exactly once in every case, as for tenon_entry_set_handler().
 *
 * Fails with TENON_ERR_DUPLICATE if the hook has a callback, and with TENON_ERR_INVALID if there is no such hook.
 */
tenon_status tenon_server_on(
    tenon_server *server, const char *hook, tenon_mode mode, tenon_handler_fn handler, void *user_data,
    tenon_destroy_fn destroy, tenon_error **err);

/**
 * Removes an entry. `name` is the name of a tool, prompt, method, notification or hook, the URI of a resource, or the
 * template of a resource template or provider. Callbacks that are running continue. Calls that have not reached their
 * callback fail, and so do calls that wait for an answer of the client. Fails with TENON_ERR_NOT_FOUND if there is no
 * such entry.
 */
tenon_status tenon_server_remove(tenon_server *server, tenon_kind kind, const char *name);

/**
 * Enables an entry that was disabled. Fails with TENON_ERR_NOT_FOUND if there is no such entry; for the names see
 * tenon_server_remove().
 */
tenon_status tenon_server_enable(tenon_server *server, tenon_kind kind, const char *name);

/**
 * Disables an entry: until it is enabled again, it is hidden as if it were not registered. Calls that are running
 * continue. Fails like tenon_server_enable().
 */
tenon_status tenon_server_disable(tenon_server *server, tenon_kind kind, const char *name);

/**
 * Mounts another server: its entries appear in this one. Its tools and prompts appear as `prefix_name`, and its
 * resources, templates and providers as `scheme://prefix/rest` (`scheme:prefix/rest` if an address has no authority),
 * with the completions of both. Entries that the other server adds, removes, enables or disables later change here as
 * well, and so do its updates of resources. Mounts may be nested. `prefix` has letters, digits and hyphens. If it is
 * NULL, names and addresses stay as they are.
 *
 * A call of a mounted entry is a call of this server. This server's limits, workers, polls and log apply, and the
 * context has the name and the address that the client used. Everything else stays with the other server: its name,
 * settings, methods, notifications, skills, and its hooks except "start" and "stop". The other server must be
 * configured before this function is called.
 *
 * The other server may be freed at any time. The entries that it had then stay here until this server is
 * freed, and so does their `user_data`. Its middleware also runs here around its entries, inside this server's
 * middleware. Lists are those of the server that is served. A server with middleware around lists therefore
 * cannot be mounted, and a mounted server cannot get such middleware.
 *
 * Fails with TENON_ERR_DUPLICATE if a name is taken here, and with TENON_ERR_INVALID for a wrong prefix; then nothing
 * is mounted. Fails with TENON_ERR_STATE if this server is a part of the other one. From then on, adding an entry to
 * the other server fails for the same reasons.
 */
tenon_status tenon_server_mount(
    tenon_server *server, tenon_server *other, const char *prefix, tenon_error **err) TENON_MUST_USE;

/**
 * Undoes tenon_server_mount() with the same prefix, also while the server is served. The entries of the other server
 * are removed here, and clients are notified that the lists have changed. Calls in flight continue. The other server's
 * hook "stop" runs at the end of this one.
 *
 * A server that is no longer mounted anywhere can be configured again, mounted again, or freed with everything
 * that it had. If calls of its entries are in flight, the entries stay until the last of these calls has
 * ended. After that they are freed when the next callback returns or the next kept call is released, at the
 * latest when this server is freed. If the other server has hooks (tenon_server_on()) and this one was
 * started, their callbacks stay until this one is freed.
 *
 * Fails with TENON_ERR_NOT_FOUND if the other server is not mounted here with this prefix.
 */
tenon_status tenon_server_unmount(
    tenon_server *server, tenon_server *other, const char *prefix, tenon_error **err) TENON_MUST_USE;

/**
 * Enables the entries that tenon_server_disable_tag() has hidden by this tag. An entry stays hidden if it has another
 * disabled tag, or if it was disabled by its name. Fails with TENON_ERR_NOT_FOUND if no entry has the tag now; the tag
 * is enabled all the same.
 */
tenon_status tenon_server_enable_tag(tenon_server *server, const char *tag);

/**
 * Hides every entry with this tag until the tag is enabled again, also entries that are added later. Entries get their
 * tags by "tags" of tenon_entry_set(). Calls that are running continue. Fails with TENON_ERR_NOT_FOUND if no entry has
 * the tag now; the tag is disabled all the same.
 */
tenon_status tenon_server_disable_tag(tenon_server *server, const char *tag);

/**
 * Calls `visit` for each entry of a kind, in the order of registration, with its definition and whether it is enabled.
 * The calls are on this thread, before this function returns.
 */
tenon_status tenon_server_entries(
    tenon_server *server, tenon_kind kind, tenon_entries_fn visit, void *user_data);

/* POLICIES WHILE THE SERVER RUNS ========================================================================= */

/**
 * What applies to an entry: JSON text, NUL-terminated. The object has the "policies" that are set, the names of those that
 * are "switched_off", and the "state" of those that have one. The state has these members:
 *
 * - "max_concurrency": the calls that are "running", and those that are "waiting".
 * - "circuit_breaker": the "circuits" with failures, and how many of them are "open".
 * - "retry": how many retries are "left".
 * - "cache": the "entries" that are kept, and their "bytes".
 * - "rate_limit": each "limit", and what is "left" of it. That is null if each caller has an allowance of its own, or if the
 *   store does not answer at once.
 *
 * The text is borrowed: it lives until this thread calls the function again. `len` may be NULL.
 *
 * Fails with TENON_ERR_NOT_FOUND if there is no such entry; for the names see tenon_server_remove().
 */
tenon_status tenon_server_policies(
    tenon_server *server, tenon_kind kind, const char *name, const char **policies, size_t *len);

/**
 * Changes policies of an entry, also while the server runs: a JSON object of policies with their names and values as in
 * tenon_entry_set(), in which null removes one. The policies "timeout", "max_concurrency", "max_concurrency_by", "rate_limit",
 * "circuit_breaker", "retry" and "cache" can change. Calls that have begun end under their former policies. A policy that has
 * not changed keeps its state. In a server that is mounted, this changes the server's own entries, and not those of the server
 * that is served.
 *
 * Fails with TENON_ERR_NOT_FOUND if there is no such entry, with TENON_ERR_JSON if the text is not JSON, and with
 * TENON_ERR_INVALID if a policy is unknown, wrong, or cannot change. Then nothing has changed.
 */
tenon_status tenon_server_change_policies(
    tenon_server *server, tenon_kind kind, const char *name, const char *policies, size_t len);

/**
 * Switches a policy of an entry off, so that it does not apply until tenon_server_enable_policy(). Its state is dropped. Fails
 * like tenon_server_change_policies().
 */
tenon_status tenon_server_disable_policy(
    tenon_server *server, tenon_kind kind, const char *name, const char *policy);

/** Switches a policy of an entry on again. It begins anew. Fails like tenon_server_change_policies(). */
tenon_status tenon_server_enable_policy(
    tenon_server *server, tenon_kind kind, const char *name, const char *policy);

/**
 * Clears the state of a policy of an entry: results are removed, circuits close, retries are available again, and allowances
 * begin anew in this process. Calls that run and wait are not concerned. If `policy` is NULL, all policies are cleared. Fails
 * like tenon_server_change_policies().
 */
tenon_status tenon_server_clear_policy(
    tenon_server *server, tenon_kind kind, const char *name, const char *policy);

/* LIMITERS, CIRCUIT BREAKERS AND CACHE OF THE PROGRAM ==================================================== */

/**
 * Takes one call from the allowance of a limiter, which the server option "limiters" names. `wait_ms` becomes 0, or the
 * milliseconds until one can be taken if none can be taken now. The function does not wait.
 *
 * Any thread may call it, from the start of the server on. Fails with TENON_ERR_NOT_FOUND if the option does not have the name,
 * and before the start.
 */
tenon_status tenon_server_limiter_acquire(tenon_server *server, const char *name, uint64_t *wait_ms);

/**
 * Tells a limiter what the service says about its own limit: the headers of a response, a JSON object of names and values. These
 * headers count, in any case, and also without "X-":
 *
 * - X-RateLimit-Remaining: the calls that are left until the reset. If none is left, no call is made until then.
 * - X-RateLimit-Reset: when that changes, in seconds from now or as a time since 1970. Without it, that is after the time of the
 *   limiter.
 * - X-RateLimit-Limit: the calls that the service allows after the reset.
 * - Retry-After: seconds, or a date. No call is made until then.
 *
 * Other headers, and values that cannot be understood, are ignored. No header stops calls for more than a day. Fails with
 * TENON_ERR_NOT_FOUND if the option does not have the name, and with TENON_ERR_JSON or TENON_ERR_INVALID if the text is no JSON
 * object.
 */
tenon_status tenon_server_limiter_feed(
    tenon_server *server, const char *name, const char *headers, size_t len);

/**
 * Asks a circuit breaker, which the server option "breakers" names, whether a call may pass. If it may, `wait_ms` becomes 0, and
 * `permit` the number for tenon_server_breaker_record(). Otherwise `wait_ms` becomes the milliseconds until one may pass.
 *
 * If the result of a probe is not recorded in the time "open_for", the probe does not count, and another one may run. Any thread
 * may call the function, from the start of the server on. Fails with TENON_ERR_NOT_FOUND if the option does not have the name.
 */
tenon_status tenon_server_breaker_allow(
    tenon_server *server, const char *name, uint64_t *permit, uint64_t *wait_ms);

/**
 * Records whether the call with this permit succeeded. Call it once for each permit. Fails with TENON_ERR_NOT_FOUND if the option
 * "breakers" does not have the name.
 */
tenon_status tenon_server_breaker_record(
    tenon_server *server, const char *name, uint64_t permit, bool succeeded);

/**
 * The value of a key in the cache of the program: JSON text, NUL-terminated. The text is borrowed: it lives until this thread
 * calls the function again. `len` may be NULL.
 *
 * All callers share the cache, so a key must name whatever a value depends on, such as the caller. The limits
 * "max_cached_values" and "max_cached_bytes" bound it. Fails with TENON_ERR_NOT_FOUND if there is no value that is
 * not too old.
 */
tenon_status tenon_server_cache_get(tenon_server *server, const char *key, const char **value, size_t *len);

/**
 * Keeps a value, JSON text, in the cache of the program for `ttl_ms` milliseconds, unless it is larger than the cache. Fails with
 * TENON_ERR_JSON if the text is not JSON, and with TENON_ERR_INVALID if the time is 0.
 */
tenon_status tenon_server_cache_put(
    tenon_server *server, const char *key, const char *value, size_t len, uint64_t ttl_ms);

/**
 * Removes the value of a key from the cache of the program. If `key` is NULL, it removes all values. It does nothing if there is
 * none.
 */
tenon_status tenon_server_cache_delete(tenon_server *server, const char *key);

/* VIEWS AND SKILLS ======================================================================================= */

/**
 * Makes a view: an HTML document that hosts of MCP Apps show in a frame, next to the results of the tools that name it
 * (tenon_tool_set_ui()). `uri` starts with "ui://". A view has no callback. It has the members of a resource except
 * `mime_type` and `size`.
 *
 * "ui" of tenon_entry_set() says how the view is shown, as a JSON object:
 * - "csp" has the origins that the view may reach, in "connectDomains", "resourceDomains", "frameDomains" and
 *   "baseUriDomains". Each is a list such as ["https://a.example.com"]. Default: none.
 * - "permissions" has the permissions that the view asks for: "camera", "microphone", "geolocation", "clipboardWrite",
 *   each {}.
 * - "domain" and "prefersBorder".
 *
 * With "hidden" the view is left out of the list of resources.
 *
 * On success `*out` is the entry. Fails with TENON_ERR_NULL or TENON_ERR_UTF8. The document is checked when the entry
 * is added. A server does not start if a tool names a view that the server does not have.
 */
tenon_status tenon_ui_new(
    const char *uri, const char *html, tenon_entry **out, tenon_error **err) TENON_MUST_USE;

/**
 * Makes a view from a folder. The view is the folder's index.html with everything embedded that it loads from the
 * folder (scripts, style sheets, images, fonts, media), because a frame has no address to load it from. The folder is
 * read when the entry is added. Nothing outside of the folder is read, and no symbolic link is followed. Scripts with
 * imports of their own must be bundled before.
 *
 * In all other respects it is like tenon_ui_new().
 */
tenon_status tenon_ui_new_from_folder(
    const char *uri, const char *folder, tenon_entry **out, tenon_error **err) TENON_MUST_USE;

/**
 * Sets the view in which hosts of MCP Apps show a tool's results, by the view's address. The view may be added later.
 * Other clients see the tool as before. "ui" of tenon_entry_set() can set more.
 */
tenon_status tenon_tool_set_ui(tenon_entry *entry, const char *uri);

/**
 * Serves a folder of skills (io.modelcontextprotocol/skills). Each folder in it that has a SKILL.md is a skill, with
 * all files in and below it; other folders group skills. May be called for several folders, before the start or after
 * it.
 *
 * A SKILL.md begins with front matter: YAML between two lines of ---. Its `name` is the name of the folder, and its
 * `description` says what the skill is for. A skill has at most 512 files and 16 MiB. Symbolic links are refused, and
 * files and folders whose name begins with a dot are left out. The folder is read whenever a client asks. Skills that
 * have become invalid since are left out, and the log gives the reason.
 *
 * This function reads files. Fails with TENON_ERR_INVALID if a skill is invalid; the detail says which one and why.
 * Fails with TENON_ERR_DUPLICATE if a skill has the address of one that is served already.
 */
tenon_status tenon_server_add_skills(tenon_server *server, const char *folder, tenon_error **err);

/* PAGES ================================================================================================== */

/**
 * Adds a fixed page: the HTTP listeners of the server answer GET and HEAD of one path with it. An example is a page
 * that is a client of the server in a browser. No callback runs. A page with the same path is replaced. May be called
 * before the start or after it. tenon_server_handle_http() does not serve pages, because the program there has paths
 * of its own. Pages of a mounted server are not mounted.
 *
 * `path` is matched exactly, as it is in a request: percent-encoded, without query. `content_type` is the media type,
 * such as "text/html; charset=utf-8". The `len` bytes of `body` are copied; it may be NULL if `len` is 0.
 *
 * Responses have an ETag, with which browsers check whether the page has changed, and `x-content-type-options:
 * nosniff`. A request may name the hosts that the address allows (tenon_server_allow_host()). In a frame, the
 * page is shown only to its own address and to origins that may call the server. Every client that can reach
 * the address can read the page. A page of a loopback address may call the server. A page of an address that
 * others can reach may do so only if its origin is allowed (tenon_server_allow_origin()).
 *
 * Fails with TENON_ERR_INVALID if the path or the type is not valid, if the page is larger than
 * TENON_LIMIT_PAGE_BYTES, if there are TENON_LIMIT_PAGES already, or if MCP is served under the path. If that last
 * conflict is not known yet, the start fails instead.
 */
tenon_status tenon_server_add_page(
    tenon_server *server, const char *path, const char *content_type, const void *body, size_t len,
    tenon_error **err);

/** Removes a page. Fails with TENON_ERR_NOT_FOUND if there is none under this path. */
tenon_status tenon_server_remove_page(tenon_server *server, const char *path);

/* TELLING CLIENTS ======================================================================================== */

/**
 * Tells a client that its user's visit to a page is complete. The visit was requested with this
 * `elicitation_id` by tenon_call_elicit_url() or tenon_call_require_url(). Only clients with a session are
 * notified.
 *
 * Fails with TENON_ERR_NOT_FOUND if no client waits for the visit, which is harmless, and with TENON_ERR_STATE before
 * the start.
 */
tenon_status tenon_server_elicitation_complete(tenon_server *server, const char *elicitation_id);

/**
 * Sends a notification of the program's own to all legacy sessions. `params` is `len` bytes of a JSON object, or up to
 * the first NUL with TENON_NUL; NULL with length 0 means no parameters. Clients of 2026-07-28 get such notifications
 * only on the stream of their own request, see tenon_call_notify().
 *
 * Fails with TENON_ERR_JSON if the parameters are not JSON. Fails with TENON_ERR_INVALID if they are not an object, or
 * if the protocol itself uses the name. Fails with TENON_ERR_STATE before the start. If no client can receive the
 * notification, it is dropped.
 */
tenon_status tenon_server_notify(tenon_server *server, const char *method, const char *params, size_t len);

/**
 * Sends a notification of the program's own to the client of a call, on the stream of the call. `method` and `params`
 * are as for tenon_server_notify(). The notification is dropped if the call is over, if its client takes no stream, or
 * if the client does not read.
 *
 * Fails with TENON_ERR_JSON if the parameters are not JSON. Fails with TENON_ERR_INVALID if they are not an object, or
 * if the protocol itself uses the name.
 */
tenon_status tenon_call_notify(tenon_call *call, const char *method, const char *params, size_t len);

/**
 * Reports that the resource at exactly this address has changed. Subscribed clients are notified within a few
 * milliseconds; several updates within that time cause one notification. Before the start no client is
 * subscribed, and nothing happens. May be called from any thread, and does not wait.
 */
tenon_status tenon_server_resource_updated(tenon_server *server, const char *uri);

/**
 * Reports that the list of a kind has changed. Use it for changes that the library cannot see, such as those
 * of what a provider lists. If entries are added, removed, enabled or disabled, clients are notified without
 * this function. Templates and providers are reported as resources. May be called from any thread, and does
 * not wait.
 *
 * Fails with TENON_ERR_INVALID for kinds that clients have no list of, and with TENON_ERR_STATE before the start.
 */
tenon_status tenon_server_list_changed(tenon_server *server, tenon_kind kind);

/* CALLS ================================================================================================== */

/**
 * Keeps a call after its callback has returned, so that any thread can complete it later. Each retain needs one
 * tenon_call_release().
 */
tenon_status tenon_call_retain(tenon_call *call);

/**
 * Releases a call that was kept with tenon_call_retain(). After the last release, a call that was not
 * completed fails. NULL is ignored.
 */
void tenon_call_release(tenon_call *call);

/**
 * The arguments, a JSON object. Those of a tool satisfy its schema. A template gets its variables, a prompt its
 * arguments, and a completion "value" and "arguments". A method or a notification gets its parameters, and a hook gets
 * a description of its event. `*json` is not NUL-terminated; it is borrowed and lives as long as the call.
 */
tenon_status tenon_call_arguments(const tenon_call *call, const char **json, size_t *len);

/**
 * The integer argument `name`. `name` is the name of an argument, or a JSON pointer (RFC 6901) into the arguments,
 * such as "/size/width" or "/points/0/x". A `name` that begins with a slash is a pointer. In a pointer, ~1 means a
 * slash in a name, and ~0 means a ~.
 *
 * Fails with TENON_ERR_NOT_FOUND if the argument is absent, and with TENON_ERR_TYPE if it is not an integer of 64
 * bits. Fails with TENON_ERR_INVALID if the name begins with a slash but is not a valid pointer.
 *
 * If a callback returns after such a failure without completing the call, the call fails with that reason. The other
 * tenon_call_arg_ functions do the same. The reason is forgotten once the callback has read another argument, kept the
 * call, reported progress, logged or asked a question.
 */
tenon_status tenon_call_arg_int64(const tenon_call *call, const char *name, int64_t *out);

/** The numeric argument `name`. See tenon_call_arg_int64(). */
tenon_status tenon_call_arg_double(const tenon_call *call, const char *name, double *out);

/** The boolean argument `name`. See tenon_call_arg_int64(). */
tenon_status tenon_call_arg_bool(const tenon_call *call, const char *name, bool *out);

/**
 * The string argument `name`, with its escapes decoded, in UTF-8. It is NUL-terminated, but may contain NULs. It is
 * borrowed and lives as long as the call. `len` may be NULL. See tenon_call_arg_int64().
 */
tenon_status tenon_call_arg_string(
    const tenon_call *call, const char *name, const char **string, size_t *len);

/**
 * The argument `name` as JSON text, of any type. It is not NUL-terminated; it is borrowed and lives as long as the
 * call. See tenon_call_arg_int64().
 */
tenon_status tenon_call_arg_json(const tenon_call *call, const char *name, const char **json, size_t *len);

/** The kind of the call's entry: one of the TENON_KIND_ values; 0 for NULL. */
tenon_kind tenon_call_kind(const tenon_call *call);

/**
 * The name of the call's entry, for callbacks that serve several entries. For a resource it is the URI, for a template
 * or a provider the template. Borrowed, not NUL-terminated.
 */
tenon_status tenon_call_name(const tenon_call *call, const char **name, size_t *len);

/**
 * The address of the resource that is read. Borrowed, not NUL-terminated. Fails with TENON_ERR_NOT_FOUND if the call
 * does not read a resource.
 */
tenon_status tenon_call_uri(const tenon_call *call, const char **uri, size_t *len);

/**
 * A field of the call's context, as JSON text. The fields are:
 *
 * - "request_id": The id of the client's request. Notifications and hooks have none.
 * - "kind": The kind of the handler's entry: "tool", …
 * - "name": The name of the entry: the name of a tool or a prompt, the URI or template of a resource.
 * - "uri": The address of the resource that is being read.
 * - "protocol_version": The protocol revision in force for the call.
 * - "client_info": The client's name and version, if it sends them.
 * - "client_capabilities": The client's capabilities.
 * - "meta": The request's metadata, as sent.
 * - "trace": The trace context of the request: "traceparent", "tracestate", "baggage".
 * - "log_level": The minimum level of log messages that a request of 2026-07-28 wants.
 * - "headers": The headers of the HTTP request, with names in lower case.
 * - "principal": The principal that sent the request, if known: an object with "issuer", "subject", "scopes" and
 *   "roles", and with "client_id", "claims" and "expires_at" if they are known.
 * - "session_id": The id of the session, if the transport has sessions.
 * - "task_id": The task's id, from the time when the call becomes a task.
 *
 * The text is not NUL-terminated; it is borrowed and lives as long as the call.
 *
 * Fails with TENON_ERR_NOT_FOUND if the call does not have the field, and with TENON_ERR_INVALID if there is no such
 * field.
 */
tenon_status tenon_call_get(const tenon_call *call, const char *field, const char **json, size_t *len);

/**
 * The client's settings for an extension of the protocol, a JSON object. `id` is the extension's identifier. Borrowed,
 * not NUL-terminated. Fails with TENON_ERR_NOT_FOUND if the client does not support the extension.
 */
tenon_status tenon_call_extension(const tenon_call *call, const char *id, const char **json, size_t *len);

/**
 * Makes a principal that of the client, from its next request on: JSON of `len` bytes, or up to the first NUL with
 * TENON_NUL. It is a string, or an object with the members of "principal" in tenon_call_get(), of which only "subject"
 * is needed. It works where one connection is one client: standard input and output, sockets with lines, WebSocket,
 * and clients in the process. The callback of a tool that checks a password may call it.
 *
 * Fails with TENON_ERR_STATE over HTTP, where each request needs its own credentials. Fails with TENON_ERR_INVALID if
 * the value is no principal or its credential has expired, with TENON_ERR_JSON, and with TENON_ERR_STALE if the call has
 * ended.
 */
tenon_status tenon_call_login(tenon_call *call, const char *json, size_t len, tenon_error **err);

/**
 * The id of the request as JSON text: a string with its quotes, or an integer. Borrowed, not NUL-terminated. Fails
 * with TENON_ERR_NOT_FOUND if the call is not a request.
 */
tenon_status tenon_call_request_id(const tenon_call *call, const char **json, size_t *len);

/** The protocol version in force, such as "2025-11-25". Borrowed, not NUL-terminated. */
tenon_status tenon_call_protocol_version(const tenon_call *call, const char **version, size_t *len);

/**
 * The client's description of itself: a JSON object with its name and version. Borrowed, not NUL-terminated. Fails
 * with TENON_ERR_NOT_FOUND if the client sent none.
 */
tenon_status tenon_call_client_info(const tenon_call *call, const char **json, size_t *len);

/**
 * The client's capabilities, in this request or its session: a JSON object, empty if the client declared none.
 * Borrowed, not NUL-terminated.
 */
tenon_status tenon_call_client_capabilities(const tenon_call *call, const char **json, size_t *len);

/**
 * The id of the HTTP session that the call belongs to. Borrowed, not NUL-terminated. Fails with TENON_ERR_NOT_FOUND if
 * there is none: over stdio, and for clients of 2026-07-28 or later.
 */
tenon_status tenon_call_session_id(const tenon_call *call, const char **id, size_t *len);

/**
 * The metadata of the request as it was sent: a JSON object. Borrowed, not NUL-terminated. Fails with
 * TENON_ERR_NOT_FOUND if there is none.
 */
tenon_status tenon_call_meta(const tenon_call *call, const char **json, size_t *len);

/** The pointer that tenon_http_set_user_data() set on the call's HTTP request; NULL if there is none. */
void *tenon_call_http_user_data(const tenon_call *call);

/**
 * Whether the call has ended: it was completed or cancelled, it timed out, or its client is gone. Long callbacks
 * should check it regularly and return if it is true. True for NULL and in a forked child.
 */
bool tenon_call_is_cancelled(const tenon_call *call) TENON_MUST_USE;

/**
 * Reports progress. `total` is unknown if it is below 0 or not a number. `message` may be NULL. The report is dropped
 * if the client did not ask for progress, or if `progress` is not greater than last time.
 */
tenon_status tenon_call_progress(tenon_call *call, double progress, double total, const char *message);

/**
 * Ends the HTTP response that the client waits for, but not the call or its stream. The client reconnects after
 * TENON_LIMIT_STREAM_RETRY_MS to get the rest. A call that takes long therefore holds no connection; messages that the
 * call sends meanwhile wait. `*closed` says whether the client will reconnect. It is false, and nothing happens, in
 * these cases: the call does not belong to an HTTP session of 2025-11-25, the client takes no stream, or the stream is
 * closed already. `closed` may be NULL.
 *
 * Fails with TENON_ERR_STALE if the call has ended.
 */
tenon_status tenon_call_close_stream(tenon_call *call, bool *closed);

/**
 * Sends the client a log message: `text` is `len` bytes of UTF-8, or up to the first NUL with TENON_NUL. `level` is
 * "debug", "info", "notice", "warning", "error", "critical", "alert" or "emergency". `logger` is the part of the
 * program that logs, and may be NULL. The message is dropped if the client wants only higher levels.
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
 * The value that was stored under `key` in this attempt of the call or an earlier one: JSON text, not NUL-terminated.
 * It is borrowed and lives as long as the call. Fails with TENON_ERR_NOT_FOUND if there is none.
 *
 * A callback that asks a question runs again from its top when the answer has come. To do something only once, do it
 * only if this function finds nothing, and store its result with tenon_call_once_put() before asking.
 */
tenon_status tenon_call_once_get(const tenon_call *call, const char *key, const char **json, size_t *len);

/**
 * Stores the result of something that must be done only once under `key`: JSON text of `len` bytes, or up to the first
 * NUL with TENON_NUL. See tenon_call_once_get().
 *
 * The result is stored until the call has ended. A client of 2026-07-28 carries it, sealed. All results together must
 * therefore fit in TENON_LIMIT_STATE_BYTES, and there may be TENON_LIMIT_ASKS of them.
 *
 * Fails with TENON_ERR_INVALID if there is no room, or if there is already a result under the key. Fails with
 * TENON_ERR_JSON, and with TENON_ERR_STALE if the call has ended.
 */
tenon_status tenon_call_once_put(
    tenon_call *call, const char *key, const char *json, size_t len, tenon_error **err);

/**
 * Registers `callback`, which runs once if the call ends before the program completes it: the client cancels it or
 * disconnects, it times out, or the server closes. It can wake a callback that waits for something else. A result that
 * this callback then completes the call with is dropped. A call may have several such functions; they run in order.
 *
 * `callback` runs on a thread that the library uses only for such functions, concurrently with the call's own
 * callback. If the call's own callback is in TENON_MODE_POLL, it runs only in tenon_server_poll(), tenon_server_run()
 * and tenon_server_exchange(). It should be short, because the functions of other calls wait for it. If the call was
 * cancelled before, it runs at once, inside this function. It does not run if the program completes the call, or if
 * its attempt ends with a question.
 *
 * `callback` does not start or run once the library has noticed that the call's own callback has returned. The
 * exceptions are a call that is kept by tenon_call_retain(), and a call that waits for the outcome of
 * tenon_call_next(). But local variables of the call's own callback are gone a moment earlier, when `callback` may
 * still run. So `user_data` must not be one of them, nor refer to them. It must live until `destroy`.
 *
 * `destroy` runs exactly once in every case: after `callback`, as soon as `callback` cannot run any more, or at once
 * if this function fails. Both `user_data` and `destroy` may be NULL.
 *
 * Fails with TENON_ERR_STALE if the program has completed the call, and with TENON_ERR_IO if the thread cannot be
 * started.
 */
tenon_status tenon_call_on_cancel(
    tenon_call *call, tenon_cancel_fn callback, void *user_data, tenon_destroy_fn destroy);

/**
 * The argument `name` as bytes, of a call of a store (tenon_server_set_store()). They are borrowed and live as long as
 * the call. Fails with TENON_ERR_NOT_FOUND if there is no such argument, and with TENON_ERR_TYPE if it is not bytes.
 */
tenon_status tenon_call_arg_bytes(const tenon_call *call, const char *name, const void **data, size_t *len);

/* COMPLETING A CALL ====================================================================================== */

/**
 * Completes a call with text: `len` bytes of UTF-8, or up to the first NUL with TENON_NUL. The text is copied. For a
 * tool it is the text for the model, for a resource its contents, for a prompt one message of the user.
 *
 * Fails with TENON_ERR_NULL or TENON_ERR_UTF8; the call can then still be completed. Fails with TENON_ERR_STALE if the
 * call has ended.
 */
tenon_status tenon_call_return_text(tenon_call *call, const char *text, size_t len);

/**
 * Completes a call with a JSON value: `len` bytes, or up to the first NUL with TENON_NUL. The text is copied. A JSON
 * string reaches the client as text. Any other value reaches it as JSON text, and also as structured content if the
 * tool is structured. For a completion it is an array of strings, for a provider's list an array of resources, for a
 * prompt messages or content blocks, and for a method the result, an object.
 *
 * It may be nested as deeply as TENON_LIMIT_DEPTH allows.
 *
 * Fails with TENON_ERR_NULL, TENON_ERR_UTF8 or TENON_ERR_JSON; the call can then still be completed. Fails with
 * TENON_ERR_STALE if the call has ended.
 */
tenon_status tenon_call_return_json(tenon_call *call, const char *text, size_t len, tenon_error **err);

/** Completes a call with an integer. */
tenon_status tenon_call_return_int64(tenon_call *call, int64_t number);

/**
 * Completes a call with a number. A number without a fraction is written like an integer. Fails with TENON_ERR_TYPE
 * for a NaN and for infinities, because JSON has no such numbers; the call can then still be completed.
 */
tenon_status tenon_call_return_double(tenon_call *call, double number);

/** Completes a call with true or false. */
tenon_status tenon_call_return_bool(tenon_call *call, bool value);

/**
 * Completes the call of a resource, a template or a provider with bytes, which are copied. Their media type is the
 * entry's member `mime_type`. For a tool or a prompt they become an embedded resource of the type
 * application/octet-stream; to set another type, use tenon_result_add_image() or a similar function. For other kinds
 * the call fails. Fails with TENON_ERR_NULL; the call can then still be completed. Fails with TENON_ERR_STALE if the
 * call has ended.
 */
tenon_status tenon_call_return_bytes(tenon_call *call, const void *data, size_t len);

/**
 * Completes a call as failed. For a tool the message is for the model, which may try again. For any other kind it
 * becomes a protocol error. The message is copied.
 */
tenon_status tenon_call_fail(tenon_call *call, const char *message);

/**
 * Completes a call whose arguments are wrong for a reason that the schema does not express. The arguments are refused
 * in the same way as those that do not fit the schema, in every revision. `reasons` say which arguments are wrong and
 * why, preferably as "/place/in/them: reason". They are copied.
 */
tenon_status tenon_call_fail_arguments(tenon_call *call, const char *reasons);

/**
 * Completes a call with "not found", because the requested thing does not exist. For a tool this is a failed result.
 * For any other kind it is a protocol error that has the code of the client's revision, and the address that is read
 * as its data. The text says that `what` was not found, or, if that is NULL, that the address was not found.
 */
tenon_status tenon_call_not_found(tenon_call *call, const char *what);

/**
 * Completes a call with a protocol error: its code, one short sentence, and further detail as NUL-terminated JSON
 * text, or NULL. A program's own codes must be outside of -32768 to -32000.
 *
 * Fails with TENON_ERR_NULL, TENON_ERR_UTF8 or TENON_ERR_JSON; the call can then still be completed. Fails with
 * TENON_ERR_STALE if the call has ended.
 */
tenon_status tenon_call_error(tenon_call *call, int32_t code, const char *message, const char *data);

/* RESULTS OF SEVERAL PARTS =============================================================================== */

/** Makes a result without parts. On success `*out` is the result. */
tenon_status tenon_result_new(tenon_result **out, tenon_error **err) TENON_MUST_USE;

/**
 * Adds text: `len` bytes of UTF-8, or up to the first NUL with TENON_NUL. For a tool it is a content block, for a
 * prompt a message of the user, and for a resource the contents at the address that is read.
 */
tenon_status tenon_result_add_text(tenon_result *result, const char *text, size_t len);

/**
 * Adds an image: its bytes, and their media type, such as "image/png". For a tool it is a content block, for a prompt
 * a message of the user.
 */
tenon_status tenon_result_add_image(
    tenon_result *result, const void *data, size_t len, const char *mime_type);

/** Adds audio. See tenon_result_add_image(). */
tenon_status tenon_result_add_audio(
    tenon_result *result, const void *data, size_t len, const char *mime_type);

/**
 * Adds the contents of a resource: its address, its media type or NULL, and its text, which is `len` bytes of UTF-8,
 * or up to the first NUL with TENON_NUL. For a tool or a prompt it is embedded in a content block.
 */
tenon_status tenon_result_add_resource(
    tenon_result *result, const char *uri, const char *mime_type, const char *text, size_t len);

/** Like tenon_result_add_resource(), for contents that are bytes. */
tenon_status tenon_result_add_resource_bytes(
    tenon_result *result, const char *uri, const char *mime_type, const void *data, size_t len);

/**
 * Adds a resource without its contents: its address, its name, and its media type or NULL. For a tool or a prompt it
 * is a link. In a provider's list it is one of the resources.
 */
tenon_status tenon_result_add_link(
    tenon_result *result, const char *uri, const char *name, const char *mime_type);

/**
 * Adds a message of a prompt. `role` is "user" or "assistant". The text is `len` bytes of UTF-8, or up to the first
 * NUL with TENON_NUL. The other functions add messages of the user to a prompt's result; tenon_result_add() can add
 * any message.
 */
tenon_status tenon_result_add_message(tenon_result *result, const char *role, const char *text, size_t len);

/** Adds a suggestion of a completion: `len` bytes of UTF-8, or up to the first NUL with TENON_NUL. */
tenon_status tenon_result_add_value(tenon_result *result, const char *value, size_t len);

/**
 * Adds a part as the newest revision of the specification defines it: `len` bytes of JSON text, or up to the first NUL
 * with TENON_NUL. It is a content block of a tool, a message or content block of a prompt, contents of a resource, or
 * a resource of a provider's list. Fails also with TENON_ERR_JSON.
 */
tenon_status tenon_result_add(tenon_result *result, const char *item, size_t len);

/**
 * Sets a member of the part that was added last. `member` is the specification's name, such as "annotations", "title"
 * or "_meta". `value` is `len` bytes of JSON text, or up to the first NUL with TENON_NUL.
 *
 * Fails with TENON_ERR_STATE if there is no part, and with TENON_ERR_JSON.
 */
tenon_status tenon_result_set_last(tenon_result *result, const char *member, const char *value, size_t len);

/**
 * Sets a member of the result as a whole. The members are "is_error" for a tool, "description" for a prompt, "total"
 * and "has_more" for a completion, "next_cursor" for a provider's list, "ttl_ms" and "cache_scope" for a resource, and
 * any member for a method. The specification's names work as well. `value` is `len` bytes of JSON text, or up to the
 * first NUL with TENON_NUL.
 *
 * Fails with TENON_ERR_JSON. tenon_call_return() checks whether results of this kind have the member.
 */
tenon_status tenon_result_set(tenon_result *result, const char *member, const char *value, size_t len);

/**
 * Sets a tool's structured content: `len` bytes of JSON text, or up to the first NUL with TENON_NUL. It is checked
 * against the output schema. If the result has no parts, the content is also sent as text. Fails with TENON_ERR_STATE
 * if the content is written piece by piece, see tenon_result_begin_object().
 */
tenon_status tenon_result_set_structured(tenon_result *result, const char *value, size_t len);

/** Sets the metadata of the result: `len` bytes of a JSON object, or up to the first NUL with TENON_NUL. */
tenon_status tenon_result_set_meta(tenon_result *result, const char *value, size_t len);

/** Frees a result that was not handed to tenon_call_return(). NULL is ignored. */
void tenon_result_free(tenon_result *result);

/**
 * Completes a call with a result that has several parts. Takes the result in every case: do not use or free it
 * afterwards, whatever the status.
 *
 * Fails with TENON_ERR_INVALID if results of the call's kind have no such member, or with the status of the first
 * function of the result that failed; the call can then still be completed. Fails with TENON_ERR_STALE if the call has
 * ended. A part that the kind does not allow, such as an image in a completion, fails the call, with a reason that
 * names it.
 */
tenon_status tenon_call_return(tenon_call *call, tenon_result *result, tenon_error **err);

/* STRUCTURED CONTENT, PIECE BY PIECE ===================================================================== */

/**
 * Begins an object in a result's structured content, which is written in order, piece by piece. Objects and arrays are
 * begun with this function and tenon_result_begin_array(), and each is ended with one tenon_result_end(). Values are
 * written with the tenon_result_put_ functions. `key` names the member of the open object; it is NULL in an array and
 * for the outermost value. For a tool, this writes the structured content, see tenon_result_set_structured(). For a
 * method, it writes the result itself.
 *
 * Fails with TENON_ERR_STATE if the piece does not fit what is open, or if the outermost value is complete.
 * tenon_call_return() fails with it before the outermost value is complete. Fails with TENON_ERR_DUPLICATE if the
 * object has the member already, and with TENON_ERR_INVALID below 128 levels.
 */
tenon_status tenon_result_begin_object(tenon_result *result, const char *key);

/** Begins an array; see tenon_result_begin_object(). */
tenon_status tenon_result_begin_array(tenon_result *result, const char *key);

/**
 * Ends the object or array that was begun last; see tenon_result_begin_object(). Fails with TENON_ERR_STATE if none is
 * open.
 */
tenon_status tenon_result_end(tenon_result *result);

/**
 * Writes a string, `len` bytes of UTF-8 or up to the first NUL with TENON_NUL; see tenon_result_begin_object().
 */
tenon_status tenon_result_put_string(tenon_result *result, const char *key, const char *text, size_t len);

/**
 * Writes bytes, for the reply of a store (tenon_server_set_store()); see tenon_result_begin_object(). They are copied.
 */
tenon_status tenon_result_put_bytes(tenon_result *result, const char *key, const void *data, size_t len);

/** Writes an integer; see tenon_result_begin_object(). */
tenon_status tenon_result_put_int64(tenon_result *result, const char *key, int64_t number);

/**
 * Writes a number; see tenon_result_begin_object(). Fails with TENON_ERR_TYPE if it is not finite, because JSON has no
 * such numbers.
 */
tenon_status tenon_result_put_double(tenon_result *result, const char *key, double number);

/** Writes true or false; see tenon_result_begin_object(). */
tenon_status tenon_result_put_bool(tenon_result *result, const char *key, bool value);

/** Writes null; see tenon_result_begin_object(). */
tenon_status tenon_result_put_null(tenon_result *result, const char *key);

/**
 * Writes a value as JSON text, `len` bytes or up to the first NUL with TENON_NUL; see tenon_result_begin_object().
 * Fails also with TENON_ERR_JSON.
 */
tenon_status tenon_result_put_json(tenon_result *result, const char *key, const char *json, size_t len);

/* ASKING THE CLIENT ====================================================================================== */

/**
 * Asks the client's user to fill in a form. `schema` is the form: an object schema with flat primitive properties.
 * `key` names the question within its call. It may be NULL if the call's questions always come in the same order.
 *
 * - TENON_OK: `*answer` is the answer; free it.
 * - TENON_SUSPENDED: the question has gone to the client. Release the resources of your callback, and return without
 *   completing the call. When the answer has come, the callback is called again from its top, and this function then
 *   returns the answer. Everything that the callback does before it asks must be safe to repeat. To ask several
 *   questions at once, ask them all and return after the last.
 * - TENON_ERR_UNSUPPORTED: this client does not support the question. TENON_ERR_CLIENT: the client failed.
 *   TENON_ERR_INVALID: the question is wrong. If a callback returns after one of these without completing the call,
 *   the call fails with that reason.
 *
 * Outside of the callback, on a call kept with tenon_call_retain(), the attempt ends with the release.
 */
tenon_status tenon_call_elicit(
    tenon_call *call, const char *key, const char *message, const char *schema, tenon_answer **answer,
    tenon_error **err) TENON_MUST_USE;

/**
 * Asks the user to visit a page. Use it for input that no form may ask for: passwords, keys, payments. `url` must not
 * contain secrets, and is https outside of development. `elicitation_id` names the visit for
 * tenon_server_elicitation_complete(), or is NULL. If the user accepts, the page is opened; it does not mean that the
 * user did anything there. In all other respects this is like tenon_call_elicit().
 */
tenon_status tenon_call_elicit_url(
    tenon_call *call, const char *key, const char *message, const char *url, const char *elicitation_id,
    tenon_answer **answer, tenon_error **err) TENON_MUST_USE;

/**
 * Ends the call because the user must visit a page first, and returns TENON_SUSPENDED: release the resources of your
 * callback and return. A client with a session gets an error and calls again later. A client without a session is
 * asked as by tenon_call_elicit_url(), and calls again when its user has agreed. Call this function each time as long
 * as the visit has not been made.
 *
 * Fails like tenon_call_elicit().
 */
tenon_status tenon_call_require_url(
    tenon_call *call, const char *message, const char *url, const char *elicitation_id,
    tenon_error **err) TENON_MUST_USE;

/**
 * Asks the client's model. `params` are the parameters of sampling/createMessage, at least "messages" and "maxTokens":
 * `len` bytes of JSON text, or up to the first NUL with TENON_NUL. tenon_answer_text() gives the model's text. In all
 * other respects this is like tenon_call_elicit(). Fails also with TENON_ERR_JSON.
 */
tenon_status tenon_call_sample(
    tenon_call *call, const char *key, const char *params, size_t len, tenon_answer **answer,
    tenon_error **err) TENON_MUST_USE;

/**
 * Asks for the directories that the user works in. They are guidance, not an access restriction. tenon_answer_root()
 * reads them. In all other respects this is like tenon_call_elicit().
 */
tenon_status tenon_call_roots(
    tenon_call *call, const char *key, tenon_answer **answer, tenon_error **err) TENON_MUST_USE;

/**
 * Asks a question of any kind. `question` is "elicit", "elicit_url", "sample" or "roots". `params` are the parameters
 * of its request: `len` bytes of a JSON object, or up to the first NUL with TENON_NUL. In all other respects this is
 * like tenon_call_elicit(). Fails also with TENON_ERR_JSON.
 */
tenon_status tenon_call_ask(
    tenon_call *call, const char *question, const char *key, const char *params, size_t len,
    tenon_answer **answer, tenon_error **err) TENON_MUST_USE;

/** The user's action; 0 for NULL. */
tenon_action tenon_answer_action(const tenon_answer *answer);

/**
 * The content of the answer. For a form it is a JSON object that satisfies the schema of the question; for a sampled
 * message it is one content block or an array of them. It is not NUL-terminated; it is borrowed and lives as long as
 * the answer. Fails with TENON_ERR_NOT_FOUND if there is none, because the user declined or cancelled, or because the
 * question was of another kind.
 */
tenon_status tenon_answer_content(const tenon_answer *answer, const char **json, size_t *len);

/**
 * The string field `name` of the form, in UTF-8. It is NUL-terminated, but may contain NULs. It is borrowed and lives
 * as long as the answer. `len` may be NULL. Fails with TENON_ERR_NOT_FOUND or TENON_ERR_TYPE.
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
 * The text of a sampled message: the text of its text blocks, one after the other, in UTF-8. It is NUL-terminated, but
 * may contain NULs. It is borrowed and lives as long as the answer. It is "" for answers to other questions. `len` may
 * be NULL.
 */
tenon_status tenon_answer_text(const tenon_answer *answer, const char **text, size_t *len);

/**
 * The URI of the root with this `index`, from 0, in an answer to tenon_call_roots(). UTF-8, NUL-terminated. It is
 * borrowed and lives as long as the answer. `len` may be NULL. Fails with TENON_ERR_NOT_FOUND after the last root.
 */
tenon_status tenon_answer_root(const tenon_answer *answer, size_t index, const char **uri, size_t *len);

/**
 * The whole answer as JSON text: {"action":…,"content":…}, for a sampled message {"role":…,"content":…,"model":…}, for
 * roots {"roots":[…]}. It is not NUL-terminated; it is borrowed and lives as long as the answer.
 */
tenon_status tenon_answer_json(const tenon_answer *answer, const char **json, size_t *len);

/** Frees an answer. NULL is ignored. */
void tenon_answer_free(tenon_answer *answer);

/* TASKS ================================================================================================== */

/**
 * Sets whether calls of a tool may become tasks. A task outlives its connection, and clients poll it until it has its
 * result. `support` is "forbidden" (the default), "optional" (if the client supports tasks) or "required" (other
 * clients are refused).
 *
 * The call of a task is like any other: its callback runs, its client may cancel it, and it may ask questions. Only
 * its timeout differs, TENON_LIMIT_TASK_TIMEOUT_MS, and its questions are part of the task until its client answers.
 *
 * Fails with TENON_ERR_INVALID for any other word.
 */
tenon_status tenon_tool_set_task_support(tenon_entry *entry, const char *support);

/**
 * Makes the call of a tool with the policy "defer_task" a task; see tenon_entry_set(). The client is notified of the
 * task at once. Later questions go to the client that polls the task. If the client does not support tasks, the call
 * continues as before.
 *
 * On success `*is_task` says whether the call is a task now; it may be NULL. Fails with TENON_ERR_INVALID while a
 * question of the call waits for its answer. Fails with TENON_ERR_STALE if the call has ended. The call also ends if
 * there are as many tasks as the limits allow; its client has then received that error.
 */
tenon_status tenon_call_start_task(tenon_call *call, bool *is_task, tenon_error **err);

/**
 * Sets the status text of the call's task. If the call is not a task, nothing is sent. tenon_call_get() gives the
 * task's id as "task_id".
 *
 * Fails with TENON_ERR_STALE if the call has ended.
 */
tenon_status tenon_call_set_status(tenon_call *call, const char *text);

/* TESTS ================================================================================================== */

/**
 * For tests: passes a message to the server as if a client had sent it, and waits for the response. It calls `hear`
 * with each message that the server has sent meanwhile, in order, on this thread and before it returns.
 *
 * If the server was not started, this function starts it. If no transport was named, the server then serves only
 * clients in this process. All exchanges of a server belong to one client, which lives as long as the server. A legacy
 * session is opened by exchanging "initialize" and "notifications/initialized"; requests of 2026-07-28 need no message
 * before them.
 *
 * The function waits until every request of this client has its response, or until the server asks this client a
 * question. The program then exchanges the answer as a message, and that exchange continues to wait for the response.
 * It waits at most `timeout_ms` milliseconds, and without a limit if that is below 0. Meanwhile this thread runs
 * waiting callbacks in TENON_MODE_POLL, which may belong to other clients too. Messages that the server sends later,
 * such as a changed list, are delivered in the next exchange. An empty `message` sends nothing.
 *
 * Fails with TENON_ERR_STATE after the end of the server, and with TENON_ERR_IO after the timeout. After a timeout,
 * `hear` has got the messages that were sent until then. The calls continue, and the shutdown of the server waits for
 * them as for all others.
 */
tenon_status tenon_server_exchange(
    tenon_server *server, const char *message, size_t len, int32_t timeout_ms, tenon_exchange_fn hear,
    void *user_data, tenon_error **err);

/**
 * For tests of stores: runs an operation on the server's store, and calls `hear` with the reply, on this thread and
 * before it returns. The operation is `len` bytes of JSON text, or up to the first NUL with TENON_NUL. It and the reply
 * have the members of docs/stores.md; bytes are {"base64":"…"}.
 *
 * If the server was not started, this function starts it, as tenon_server_exchange() does. It waits at most
 * `timeout_ms` milliseconds, and without a limit if that is below 0. Meanwhile this thread runs waiting callbacks in
 * TENON_MODE_POLL. A store that fails gives the reply "unavailable".
 *
 * Fails with TENON_ERR_INVALID if the operation is wrong, and with TENON_ERR_IO after the timeout.
 */
tenon_status tenon_server_store_operation(
    tenon_server *server, const char *op, size_t len, int32_t timeout_ms, tenon_exchange_fn hear,
    void *user_data, tenon_error **err);

/* MIDDLEWARE ============================================================================================= */

/**
 * Adds middleware: a callback around calls. `operations` are words with spaces between them: "tool", "resource",
 * "prompt", "completion", "tool_list", "resource_list", "resource_template_list", "prompt_list", the protocol's own
 * names, or the name of a registered method. NULL means the first four. The callback that is added first is the
 * outermost. Middleware cannot be removed: it stays as long as the server.
 *
 * The callback runs before the handler, and gets only valid calls: those of registered entries with arguments that
 * fit. It completes its call itself, or it runs the rest with tenon_call_next(). If it returns without either, the
 * call fails. It runs where the handler does. If the library itself answers the operation (views, skills, lists), it
 * runs in `mode`. After a question, the call begins with its outermost middleware again.
 *
 * A list with middleware is no longer answered by the library alone; its result is a JSON object.
 *
 * Fails with TENON_ERR_INVALID for an unknown word, and for an operation that only the library answers.
 */
tenon_status tenon_server_add_middleware(
    tenon_server *server, const char *operations, tenon_mode mode, tenon_handler_fn middleware,
    void *user_data, tenon_destroy_fn destroy, tenon_error **err);

/**
 * Runs the rest of the chain after middleware: the next inner middleware, and at the end the handler. `arguments`
 * replace the call's arguments: a JSON object of `len` bytes, or up to the first NUL with TENON_NUL. They are prepared
 * and checked like those of a client. NULL leaves the arguments as they are. The rest may complete before this
 * function returns; a callback begins on this thread.
 *
 * When the rest has an outcome, `after` is called with `data` and this call. It may read the outcome with
 * tenon_call_outcome(). It may complete the call with something else, keep it with tenon_call_retain(), or use
 * tenon_call_next() again. If it does none of these, or is NULL, the outcome is passed on unchanged. `after` runs on
 * the thread that completed the rest. If the library completed it, `after` runs in the mode of the middleware. If the
 * call ends meanwhile, `after` does not run. `destroy` runs exactly once in every case, and `data` and `destroy` may
 * be NULL.
 *
 * Fails with TENON_ERR_STATE if the call is not that of middleware, or if the rest is running. Fails with
 * TENON_ERR_INVALID if the arguments do not fit, and with TENON_ERR_JSON if they are not JSON. Fails with
 * TENON_ERR_STALE if the call has ended.
 */
tenon_status tenon_call_next(
    tenon_call *call, const char *arguments, size_t len, tenon_handler_fn after, void *data,
    tenon_destroy_fn destroy, tenon_error **err) TENON_MUST_USE;

/**
 * The outcome of tenon_call_next(), once there is one. `*json` is not NUL-terminated; it is borrowed and lives as long
 * as the call. `kind` may be NULL.
 *
 * Fails with TENON_ERR_STATE if there is no outcome yet.
 */
tenon_status tenon_call_outcome(tenon_call *call, tenon_outcome *kind, const char **json, size_t *len);

/**
 * Stores a pointer with a call, which its middleware and its handler share. It replaces a pointer that was
 * stored before. `destroy`, which may be NULL, runs exactly once: when the pointer is replaced, or when the
 * call has ended and was released. If a call runs again because a client of 2026-07-28 has sent answers, it
 * begins without a pointer.
 */
tenon_status tenon_call_set_state(tenon_call *call, void *state, tenon_destroy_fn destroy);

/** The pointer of tenon_call_set_state(); NULL if there is none. */
void *tenon_call_state(const tenon_call *call);

/* THE LIBRARY ============================================================================================ */

/**
 * The version of the loaded library, such as "1.2.3". Static. TENON_VERSION is the version of the header.
 */
const char *tenon_version(void);

/**
 * The ABI version of the loaded library. A program may run with it if it equals the TENON_ABI_VERSION that the program
 * was compiled with.
 */
uint32_t tenon_abi_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TENON_H */
