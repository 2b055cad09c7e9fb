/* RUNNING A SERVER ======================================================================================= */

/*
 * tenon.h: the C interface of Tenon, an embeddable engine for the Model Context Protocol.
 *
 * A program makes a server, adds tools (a name, a schema, a callback), names the transports and runs it. The library
 * speaks the protocol, in every revision, over stdio and HTTP; the program sees calls with checked arguments.
 *
 * CONVENTIONS
 *
 * Handles. tenon_server, tenon_tool, tenon_call, tenon_answer and tenon_error are opaque. What the library made, the
 * library frees: each type has one function for it, which accepts NULL. A handle must not be used after that.
 *
 * Statuses. Functions that can fail return a tenon_status: TENON_OK (0), another value above 0 that is no failure, or a
 * failure below 0. Those that take a `tenon_error **err` as their last argument put the detail there when they fail, and
 * do not touch it otherwise; pass NULL if you do not want it, free it with tenon_error_free() if you do. Outputs are
 * written only on success. There are no in-out parameters.
 *
 * NULL. A pointer may be NULL only where its description says so. Anything else gets TENON_ERR_NULL and does nothing.
 *
 * Strings. All text is UTF-8. Strings that go in are NUL-terminated, or a pointer with a length in bytes, where TENON_NUL
 * as the length means NUL-terminated; they are copied, so they need to live only as long as the function runs. Strings
 * that come out are borrowed: do not free them; each description says how long they live and whether they are
 * NUL-terminated.
 *
 * Callbacks and user_data. A callback gets the `user_data` it was registered with. `destroy` is called exactly once with
 * it, also when the registration fails: after the last callback has returned and the last call kept from it was released,
 * on the thread that made it the last. In `destroy`, do not call functions of the server it belonged to. The library holds
 * no lock while it calls the program. Callbacks must return: no exception, longjmp or thread exit may leave one.
 *
 * Threads. Where callbacks run is each tool's choice, see tenon_tool_set_mode(); without one, several threads of the
 * library run them at once. Functions of a tenon_server and of a tenon_call may be called from any thread, several at once.
 * A tenon_tool, a tenon_error and the outputs of any function belong to one thread at a time. Nothing is global: servers
 * in one process do not know of each other.
 *
 * Re-entrancy. Inside a callback every function may be called, with these exceptions: tenon_server_free() and
 * tenon_server_run() of the server the callback belongs to (TENON_ERR_STATE), and tenon_server_start() in an inline
 * callback (TENON_ERR_STATE). tenon_server_poll() in a callback of tenon_server_poll() is fine.
 *
 * Fork. A server that was not started is data and survives fork(). A started one lives in the process that started it; in
 * a child its functions and those of its calls give TENON_ERR_FORKED, and it cannot be freed there.
 *
 * Signals. The library installs no signal handler, except during tenon_server_run(). Its threads block all signals but
 * faults such as SIGSEGV, so handlers of the program never run there and a client that vanishes raises no SIGPIPE. A worker
 * or inline callback that starts another program should give it a clean signal mask (posix_spawnattr_setsigmask), or use
 * TENON_MODE_POLL.
 *
 * Versions. Numbers of statuses, modes, limits and actions are never given another meaning. See tenon_abi_version().
 *
 * Linking. -ltenon; for the static library also -lpthread -ldl -lm.
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

/**
 * Counts incompatible changes of this interface. Functions may be added within one number, nothing else changes.
 */
#define TENON_ABI_VERSION 0

/* TYPES ================================================================================================== */

/**
 * The answer to tenon_call_elicit(). Free it with tenon_answer_free(); it may outlive its call. Any thread may read it.
 */
typedef struct tenon_answer tenon_answer;

/**
 * One call of a tool. The callback gets it, borrowed: it lives until the callback returns, or longer with
 * tenon_call_retain(). Any thread may use it, several at once too.
 *
 * The first completion ends the call; the handle stays valid until its release. What is done with a call that has
 * ended fails with TENON_ERR_STALE and has no effect.
 */
typedef struct tenon_call tenon_call;

/**
 * The detail of a failure: its status and one sentence that names the cause. Made by functions that take a
 * `tenon_error **err`; free it with tenon_error_free().
 */
typedef struct tenon_error tenon_error;

/**
 * An MCP server. Before its start it is data: no thread, no descriptor. Any thread may use it, several at once too.
 *
 * Made by tenon_server_new(); named and limited by the tenon_server_set_ functions; given tools by
 * tenon_server_add_tool(); given transports by the tenon_server_listen_ functions; run by tenon_server_run(), or by
 * tenon_server_start() with or without tenon_server_poll(); ended by tenon_server_close(); freed by tenon_server_free().
 *
 * A tenon_server_set_ function that fails also makes the start fail, with the detail of the first such failure, so a program
 * may leave their statuses unchecked; the same goes for state keys, allowed hosts and allowed origins.
 */
typedef struct tenon_server tenon_server;

/**
 * A tool's definition: name, description, schemas, callback. Make one with tenon_tool_new(), describe it with
 * tenon_tool_set_description() and the other setters, and hand it to tenon_server_add_tool(), or free it with
 * tenon_tool_free(). One thread at a time may use it.
 *
 * A setter that fails also makes tenon_server_add_tool() fail, with the detail of the first such failure, so a program
 * may leave the setters' statuses unchecked.
 */
typedef struct tenon_tool tenon_tool;

/**
 * What a function came to: TENON_OK, another value above zero that is no failure, or a TENON_ERR_ value, all of which
 * are below zero. A number keeps its meaning for good; new ones may be added, so treat an unknown negative status as
 * a failure.
 */
typedef int32_t tenon_status;

/** Names a limit for tenon_server_set_limit(): one of the TENON_LIMIT_ values. */
typedef int32_t tenon_limit;

/** Where a tool's callback runs: one of the TENON_MODE_ values. */
typedef int32_t tenon_mode;

/**
 * A tool's callback. It completes `call` with one of the tenon_call_return_ functions or tenon_call_fail(), now, or
 * later if it keeps the call with tenon_call_retain(). A callback that returns without either fails the call.
 *
 * `user_data` is what tenon_tool_set_handler() was given. `call` is valid until the callback returns, or until the
 * tenon_call_release() that belongs to a tenon_call_retain().
 */
typedef void (*tenon_handler_fn)(void *user_data, tenon_call *call);

/** Ends the life of a `user_data`. Runs exactly once; see "Callbacks and user_data". */
typedef void (*tenon_destroy_fn)(void *user_data);

/** What the user did with a question: one of the TENON_ACTION_ values. */
typedef int32_t tenon_action;

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
/** There is no such thing: no tool of that name, no such argument. */
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
/** A bug in the library: it panicked inside this function and went on. */
#define TENON_ERR_PANIC (-7099)

/* MODES ================================================================================================== */

/** On worker threads of the library, several at once. The default. */
#define TENON_MODE_WORKER 0
/** In tenon_server_poll(), on the thread that calls it; tenon_server_run() polls on its own thread. */
#define TENON_MODE_POLL 1
/**
 * On the thread of the library that received the call, several at once. Fastest, and only for callbacks that never
 * block: while one runs, nothing else of its connection is read.
 */
#define TENON_MODE_INLINE 2

/* ACTIONS ================================================================================================ */

/** Filled in the form. */
#define TENON_ACTION_ACCEPT 1
/** Said no. */
#define TENON_ACTION_DECLINE 2
/** Closed the question without choosing. */
#define TENON_ACTION_CANCEL 3

/* LIMITS ================================================================================================= */

/** Longest message in bytes: one stdio line or one HTTP body. Default 4 MiB. */
#define TENON_LIMIT_MESSAGE_BYTES 1
/** Deepest nesting of a message. Default 128. */
#define TENON_LIMIT_DEPTH 2
/** Calls in flight in the whole server. Default 16384. */
#define TENON_LIMIT_CALLS 3
/** Calls in flight in each of the three modes; one more is refused as busy. Default 4096. */
#define TENON_LIMIT_MODE_CALLS 4
/** Milliseconds a tool without a time-out of its own may run. Default 300000. */
#define TENON_LIMIT_CALL_TIMEOUT_MS 5
/** Milliseconds a call waits for the client's answer to a question. Default 600000. */
#define TENON_LIMIT_ASK_TIMEOUT_MS 6
/** Questions one call may ask, over all its rounds. Default 32. */
#define TENON_LIMIT_ASKS 7
/** Bytes of the sealed state that a client carries between two attempts of a call. Default 65536. */
#define TENON_LIMIT_STATE_BYTES 8
/** Milliseconds such a state is good for. Default 3600000. */
#define TENON_LIMIT_STATE_LIFETIME_MS 9
/** Bytes waiting to be written to one peer; beyond it reading from that peer pauses. Default 8 MiB. */
#define TENON_LIMIT_OUTBOUND_BYTES 10
/**
 * Milliseconds that calls may finish in after the server was closed; 0 cancels them at once. Default 5000.
 */
#define TENON_LIMIT_DRAIN_TIMEOUT_MS 11
/** Legacy HTTP sessions; one more is refused as busy. Default 10000. */
#define TENON_LIMIT_SESSIONS 12
/** Milliseconds after which a legacy HTTP session without request or open stream ends. Default 1800000. */
#define TENON_LIMIT_SESSION_IDLE_MS 13
/** HTTP connections at the same time; further ones wait to be accepted. Default 10000. */
#define TENON_LIMIT_CONNECTIONS 14
/**
 * Milliseconds an HTTP client may take to send the headers of a request, stay without a request on an open connection, or
 * pause within a body. Default 30000.
 */
#define TENON_LIMIT_HEADER_TIMEOUT_MS 15
/** Largest result or failure of one call in bytes; a larger one fails the call. Default 16 MiB. */
#define TENON_LIMIT_RESULT_BYTES 16

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/* ERRORS ================================================================================================= */

/** The status that the failing function returned; TENON_OK for NULL. */
tenon_status tenon_error_status(const tenon_error *error);

/** The sentence, NUL-terminated UTF-8; "" for NULL. Borrowed: it lives as long as the error. */
const char *tenon_error_message(const tenon_error *error);

/** Frees an error. NULL is ignored. */
void tenon_error_free(tenon_error *error);

/**
 * A short English sentence for a status, for programs that did not ask for a tenon_error. Static; never NULL.
 */
const char *tenon_status_text(tenon_status status);

/* SERVERS ================================================================================================ */

/**
 * Makes a server. `name` is for programs, `version` is the version of the server program; both are copied.
 *
 * On success `*out` is the server.
 */
tenon_status tenon_server_new(const char *name, const char *version, tenon_server **out, tenon_error **err);

/** How a model should use the server: a text that clients may put into its prompt. */
tenon_status tenon_server_set_instructions(tenon_server *server, const char *instructions);

/**
 * Sets a limit: one of the TENON_LIMIT_ values, in the unit named there. Times of more than a year count as a year.
 */
tenon_status tenon_server_set_limit(tenon_server *server, tenon_limit limit, uint64_t value);

/**
 * Adds a key that seals what clients carry between two attempts of a call: 32 random bytes, copied. The first key seals,
 * all open. Servers behind one address must share their keys; without any, a random key of this server serves.
 */
tenon_status tenon_server_add_state_key(tenon_server *server, const uint8_t *key);

/**
 * How many worker threads run callbacks, 1 to 1024. They start with the server, if a tool needs them. Default: one per
 * core, at most 4.
 */
tenon_status tenon_server_set_worker_threads(tenon_server *server, uint32_t count);

/** Whether tenon_server_run() ends the server on SIGINT and SIGTERM. Default: true. */
tenon_status tenon_server_set_signals(tenon_server *server, bool signals);

/* TRANSPORTS ============================================================================================= */

/**
 * Serves standard input and output, from the start on. While that runs, descriptor 1 points at descriptor 2, so that
 * nothing a callback prints reaches the client. The server ends with its input.
 */
tenon_status tenon_server_listen_stdio(tenon_server *server, tenon_error **err);

/**
 * Serves these descriptors in place of standard input and output, from the start on; descriptor 1 is left alone. Takes
 * both in every case: they are the library's to close, whatever the status.
 *
 * Fails with TENON_ERR_INVALID if one of them is not open.
 */
tenon_status tenon_server_listen_descriptors(tenon_server *server, int input, int output, tenon_error **err);

/**
 * Serves Streamable HTTP, from the start on. `address` is "host:port" or "host:port/path", or just a port, which means
 * 127.0.0.1; port 0 picks a free one, see tenon_server_http_url(). The default path is /mcp.
 *
 * Fails with TENON_ERR_INVALID if the address cannot be read.
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
 * Starts the transports on threads of the library and returns.
 *
 * Fails with TENON_ERR_INVALID without a transport, with TENON_ERR_ADDRESS if the port is in use or not permitted, with
 * TENON_ERR_STATE if the server was started already; nothing is left running then, and unless it was started already it
 * may be started again.
 */
tenon_status tenon_server_start(tenon_server *server, tenon_error **err);

/**
 * Starts the server, unless it was started already, and serves until it has ended: by tenon_server_close(), by the end of
 * its standard input, or by SIGINT or SIGTERM. Runs the callbacks of tools in TENON_MODE_POLL on this thread.
 *
 * The signal handlers are installed with sigaction() when it starts to wait and the former ones are restored on return;
 * a signal that is ignored stays ignored. tenon_server_set_signals() switches them off.
 *
 * Fails like tenon_server_start(), and with TENON_ERR_STATE inside a callback of this server.
 */
tenon_status tenon_server_run(tenon_server *server, tenon_error **err);

/**
 * The URL that HTTP is served on, with the port that was picked. NUL-terminated, borrowed: it lives as long as the
 * server. `len` may be NULL.
 *
 * Fails with TENON_ERR_STATE before the start, and with TENON_ERR_NOT_FOUND if HTTP is not served.
 */
tenon_status tenon_server_http_url(const tenon_server *server, const char **url, size_t *len);

/**
 * A descriptor that is readable when tenon_server_poll() has something to do, for poll(), epoll and other main loops. It
 * belongs to the server: watch it, do not read or close it. Fails with TENON_ERR_STATE before the start.
 */
tenon_status tenon_server_wake_fd(const tenon_server *server, int *fd);

/**
 * Runs waiting callbacks of tools in TENON_MODE_POLL on the calling thread, and returns after `max` of them (0: 64) or
 * about 2 ms. If none waits, it waits for one: at most `timeout_ms` milliseconds, not at all for 0, without end below 0.
 *
 * TENON_OK: `*handled` callbacks were run; it may be 0, after the time-out or when a signal handler ran. TENON_ENDED: the
 * server has ended. `handled` may be NULL. Callbacks may call this function themselves, for example to serve calls during
 * a modal dialog. Fails with TENON_ERR_STATE before the start.
 */
tenon_status tenon_server_poll(tenon_server *server, uint32_t max, int32_t timeout_ms, uint32_t *handled);

/**
 * Ends the server: it accepts nothing more, and calls in flight may finish within TENON_LIMIT_DRAIN_TIMEOUT_MS. Returns at
 * once; may be called anywhere, also in callbacks and again. Fails with TENON_ERR_STATE before the start.
 */
tenon_status tenon_server_close(tenon_server *server);

/** Whether a started server has ended; false for NULL, before the start and in a forked child. */
bool tenon_server_is_closed(const tenon_server *server);

/**
 * Ends the server if need be, waits until it has ended and until the last callback has returned, and frees it. No callback
 * runs afterwards. Calls waiting for tenon_server_poll() fail. Calls kept with tenon_call_retain() stay valid until their
 * release, and with them their user_data. No other thread may use the server meanwhile. NULL is ignored.
 *
 * Fails with TENON_ERR_STATE inside one of its callbacks, and with TENON_ERR_FORKED in a child of the process that started
 * it; the server is not freed then.
 */
tenon_status tenon_server_free(tenon_server *server);

/* TOOLS ================================================================================================== */

/**
 * Makes a tool. `name`: 1 to 128 characters of A-Z a-z 0-9 _ - . (checked when it is added).
 *
 * On success `*out` is the tool. Fails with TENON_ERR_NULL or TENON_ERR_UTF8.
 */
tenon_status tenon_tool_new(const char *name, tenon_tool **out, tenon_error **err);

/** What the tool does, for the model that chooses it. */
tenon_status tenon_tool_set_description(tenon_tool *tool, const char *description);

/**
 * The schema of the arguments: JSON Schema 2020-12 with "type": "object" at its root. Arguments are checked against it
 * before the callback runs. Without one the tool takes no arguments.
 *
 * Fails with TENON_ERR_JSON if the text is not JSON; whether it is a schema is checked when the tool is added.
 */
tenon_status tenon_tool_set_input_schema(tenon_tool *tool, const char *schema);

/**
 * The schema of the result; it makes the tool structured, and what tenon_call_return_json() is given is checked
 * against it: a result that does not fit reaches the client as a failure.
 *
 * Fails like tenon_tool_set_input_schema().
 */
tenon_status tenon_tool_set_output_schema(tenon_tool *tool, const char *schema);

/**
 * Whether JSON results are also sent as structured content, next to their text. Default: false, or true with an output
 * schema.
 */
tenon_status tenon_tool_set_structured(tenon_tool *tool, bool structured);

/**
 * How long one call may run, in milliseconds, more than 0; then the client is told that it timed out, and what the
 * callback still returns is dropped. Default: TENON_LIMIT_CALL_TIMEOUT_MS.
 */
tenon_status tenon_tool_set_timeout_ms(tenon_tool *tool, uint32_t timeout_ms);

/** Where the callback runs: TENON_MODE_WORKER (default), TENON_MODE_POLL or TENON_MODE_INLINE. */
tenon_status tenon_tool_set_mode(tenon_tool *tool, tenon_mode mode);

/**
 * The callback, with the pointer it is called with. `user_data` may be NULL, and so may `destroy`.
 *
 * `destroy` runs exactly once in every case: at once if this function fails, when the callback is replaced, when the
 * tool is freed or cannot be added, and otherwise after the tool's last callback and the last call kept from it.
 */
tenon_status tenon_tool_set_handler(
    tenon_tool *tool, tenon_handler_fn handler, void *user_data, tenon_destroy_fn destroy);

/** Frees a tool that was not handed to a server. NULL is ignored. */
void tenon_tool_free(tenon_tool *tool);

/**
 * Registers a tool, before or after the start. Takes the tool in every case: it must not be used afterwards, nor
 * freed, whatever the status.
 *
 * Fails with TENON_ERR_DUPLICATE if the server has a tool of that name, and with TENON_ERR_INVALID, TENON_ERR_JSON or
 * another status if the definition is wrong; the message names the tool and says why.
 */
tenon_status tenon_server_add_tool(tenon_server *server, tenon_tool *tool, tenon_error **err);

/**
 * Removes a tool. Callbacks that run go on; calls that have not reached their callback yet fail, and so do calls that
 * wait for an answer of the client. Fails with TENON_ERR_NOT_FOUND if there is no such tool.
 */
tenon_status tenon_server_remove_tool(tenon_server *server, const char *name);

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
 * The arguments: a JSON object that satisfies the tool's input schema. `*json` is not NUL-terminated; it is borrowed
 * and lives as long as the call.
 */
tenon_status tenon_call_arguments(const tenon_call *call, const char **json, size_t *len);

/**
 * The integer argument `name`.
 *
 * Fails with TENON_ERR_NOT_FOUND if it is absent and with TENON_ERR_TYPE if it is no integer of 64 bits. A callback that
 * returns because of such a failure, without completing the call, fails the call with that reason; so do the other
 * tenon_call_arg_ functions.
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

/** The name of the tool that is called, for callbacks that serve several. Borrowed, not NUL-terminated. */
tenon_status tenon_call_tool_name(const tenon_call *call, const char **name, size_t *len);

/**
 * The id of the request as JSON text: a string with its quotes, or an integer. Borrowed, not NUL-terminated.
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
 * The metadata of the request as it was sent: a JSON object. Borrowed, not NUL-terminated. Fails with
 * TENON_ERR_NOT_FOUND if there is none.
 */
tenon_status tenon_call_meta(const tenon_call *call, const char **json, size_t *len);

/**
 * Whether the call has ended: completed, cancelled, timed out, or its client is gone. Long callbacks look now and then,
 * and return when it is true. True for NULL and in a forked child.
 */
bool tenon_call_is_cancelled(const tenon_call *call);

/**
 * Reports progress. `total` below 0, or not a number, means unknown; `message` may be NULL. It is dropped if the client
 * did not ask for progress, or if `progress` is not more than last time.
 */
tenon_status tenon_call_progress(tenon_call *call, double progress, double total, const char *message);

/* COMPLETING A CALL ====================================================================================== */

/**
 * Completes a call with text: `len` bytes of UTF-8, or up to the first NUL with TENON_NUL. The text is copied.
 *
 * Fails with TENON_ERR_NULL or TENON_ERR_UTF8, and then the call can still be completed; with TENON_ERR_STALE if it has
 * ended.
 */
tenon_status tenon_call_return_text(tenon_call *call, const char *text, size_t len);

/**
 * Completes a call with a JSON value: `len` bytes, or up to the first NUL with TENON_NUL. The text is copied. A JSON
 * string reaches the client as text, anything else as JSON text, and as structured content too if the tool is
 * structured.
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

/** Completes a call as failed. The message is for the model, which may try again; it is copied. */
tenon_status tenon_call_fail(tenon_call *call, const char *message);

/* ASKING THE USER ======================================================================================== */

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
    tenon_error **err);

/** What the user did; 0 for NULL. */
tenon_action tenon_answer_action(const tenon_answer *answer);

/**
 * The filled form: a JSON object that satisfies the schema that was sent. It is not NUL-terminated; it is borrowed and
 * lives as long as the answer. Fails with TENON_ERR_NOT_FOUND unless the action is TENON_ACTION_ACCEPT.
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

/** Frees an answer. NULL is ignored. */
void tenon_answer_free(tenon_answer *answer);

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
