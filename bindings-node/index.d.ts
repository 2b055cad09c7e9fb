import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Arguments, FromSchema, Given, Infer, JsonSchema, StandardSchema } from './schema.js'

export type { Arguments, FromSchema, Given, Infer, JsonSchema, StandardSchema }

type Flat<T> = { [K in keyof T]: T[K] }

/** Bounds of a server. Counts and bytes are whole numbers, times are milliseconds. */
export interface Limits {
  /**
   * Largest message in bytes: one line, one HTTP body or one WebSocket message. A larger HTTP body gets status 413,
   * a larger line error -32600. A larger WebSocket message closes the connection with code 1009. Default 4 MiB.
   */
  maxMessageBytes?: number
  /**
   * Largest result or error of one call in bytes. If it is larger, the call fails. The HTML of a view has the same
   * limit. Default 16 MiB.
   */
  maxResultBytes?: number
  /**
   * Deepest nesting of arrays and objects in a message or a result. A deeper message gets error -32700. In Python,
   * JavaScript and C, a call with a deeper result fails. Default 128.
   */
  maxDepth?: number
  /**
   * Calls in flight in the whole server. One more is refused as busy: error -32603, over HTTP with status 503.
   * Default 16,384.
   */
  maxCalls?: number
  /**
   * Calls in flight in one lane: running in, or queued for, one event loop or thread pool of the program. In Rust,
   * all handlers share one lane. One more is refused as busy. Default 4,096.
   */
  maxLaneCalls?: number
  /**
   * Calls of one tool or other entry that wait because the entry's `max_concurrency` or `max_concurrency_by` is
   * reached. One more is refused as busy, or the newest one of the caller with the most. Default 256.
   */
  maxWaitingCalls?: number
  /**
   * Values in the cache of the program. If there is no room for one more, the value that was used longest ago goes.
   * The caches of entries have limits of their own. Default 1,024.
   */
  maxCachedValues?: number
  /** Values in the cache of the program, in bytes. A larger value is not kept. Default 16 MiB. */
  maxCachedBytes?: number
  /**
   * Calls in flight of one client: of one legacy session, or of one connection by stdio, WebSocket or a socket with
   * lines. One more is refused as busy. Default 1,024.
   */
  maxPeerCalls?: number
  /**
   * How long a call may run if its handler has no timeout of its own. After that the call is cancelled and fails.
   * Default 5 minutes.
   */
  callTimeout?: number
  /**
   * How long a call of a legacy session, or a task, waits for the client's answer to a question such as an
   * elicitation. After that the call or task fails. Default 10 minutes.
   */
  askTimeout?: number
  /**
   * Questions that one call may ask the client, over all its rounds. One more fails in the handler. The same limit
   * applies to its rounds, and to the results that it stores for later rounds. Default 32.
   */
  maxAsks?: number
  /**
   * Largest sealed `requestState` in bytes, which a client sends back in the next round of a call. A call that needs
   * a larger one fails. Default 64 KiB.
   */
  maxStateBytes?: number
  /**
   * How long a sealed `requestState` is valid. A request with an older one gets error -32602. The client can be
   * notified of the end of a URL elicitation for the same time. Default 1 hour.
   */
  stateLifetime?: number
  /**
   * URL elicitations in the whole server whose end can still be reported to the client. One more replaces the
   * oldest. Default 10,000.
   */
  maxVisits?: number
  /** Open streams of `subscriptions/listen` in the whole server. One more is refused as busy. Default 16,384. */
  maxListens?: number
  /**
   * Open streams of `subscriptions/listen` on one connection by stdio, WebSocket or a socket with lines. One more is
   * refused as busy. Default 64.
   */
  maxPeerListens?: number
  /**
   * Open streams of `subscriptions/listen` of one principal. One more is refused as busy. Requests without a
   * principal are not counted here. Default 1,024.
   */
  maxPrincipalListens?: number
  /**
   * Resources and tasks to which one stream of `subscriptions/listen`, or one legacy session, can subscribe. A
   * stream that names more gets error -32602. A session is refused as busy. Default 1,024.
   */
  maxSubscriptions?: number
  /**
   * Bytes of the URIs and task ids to which one stream or one legacy session subscribes. More are refused as with
   * `maxSubscriptions`. Default 64 KiB.
   */
  maxSubscriptionBytes?: number
  /**
   * Bytes that wait to be written to one stream of `subscriptions/listen` over HTTP. If the client reads too slowly
   * and more would wait, the stream ends. Default 1 MiB.
   */
  maxListenBytes?: number
  /**
   * Bytes that wait to be written to one client, over HTTP to one response. Beyond it, progress and log messages are
   * dropped, and nothing more is read from stdio, a WebSocket or a socket with lines. HTTP+SSE refuses further
   * messages as busy. Default 8 MiB.
   */
  maxOutboundBytes?: number
  /**
   * How long a `start` hook without a timeout of its own may take. Calls wait for it. If it takes longer, the start
   * of the server fails. Default 60 s.
   */
  startTimeout?: number
  /**
   * How long a `stop` hook without a timeout of its own may take after the last call. If it takes longer, the server
   * ends without it. Default 5 s.
   */
  stopTimeout?: number
  /**
   * How long calls in flight may continue after the server was closed. After that they are cancelled. 0 cancels them
   * at once. If stdio is served, `stdioDrainTimeout` applies if it is shorter. Default 5 s.
   */
  drainTimeout?: number
  /**
   * How long calls in flight may continue after stdio's input has ended, or after a server on stdio was closed.
   * After that they are cancelled. 0 cancels them at once. Clients kill a server that does not exit within about 2
   * s. Default 1 s.
   */
  stdioDrainTimeout?: number
  /**
   * Bytes of printed output that wait until the client reads standard error, while stdio is served. Later output is
   * dropped. 0 leaves standard error unchanged. A client that does not read it then blocks code that prints. Default
   * 1 MiB.
   */
  maxStderrBytes?: number
  /**
   * Legacy HTTP sessions. One more ends the session that has been idle longest. If all are in use, it is refused as
   * busy. Each keeps the content of `initialize`, up to 16 KiB, which `maxBufferedBytes` does not count. Default
   * 10,000.
   */
  maxSessions?: number
  /**
   * How long a legacy HTTP session may be without a request or an open stream. After that it ends. Default 30
   * minutes.
   */
  sessionIdle?: number
  /** How long a legacy HTTP session waits for the first message after `initialize`. After that it ends. Default 30 s. */
  handshakeTimeout?: number
  /**
   * How long a request waits for the result of a store operation, and for its principal. After that the request is
   * refused as busy. Default 10 s.
   */
  storeTimeout?: number
  /**
   * Records of one kind, such as tasks, in the default in-memory store. The same limit applies to the kind's logs,
   * to its counters and to its allowances. One more is refused until another has expired; only for a new allowance,
   * the one that has taken least is removed. Sessions have `maxSessions` instead. Default 65,536.
   */
  maxStoreValues?: number
  /**
   * Bytes of the records of one kind in the default in-memory store, keys included. The same limit applies to the
   * kind's logs and to its allowances. More are refused, but a log first drops its own oldest entries, and
   * allowances make room for each other. Sessions are not counted. Default 64 MiB.
   */
  maxStoreBytes?: number
  /** Entries of one log in the default in-memory store. One more replaces the oldest. Default 1,024. */
  maxStoreEntries?: number
  /**
   * Keys of one policy of an entry that are kept in the process, such as the circuits of a circuit breaker. One more
   * replaces the one that was used longest ago. Default 65,536.
   */
  maxPolicyKeys?: number
  /**
   * Entries on one page of a list. 0 puts the whole list on one page. A resource provider chooses its own page size,
   * and its resources follow the registered ones. A page of tasks has at most 50 entries. Default 0.
   */
  pageSize?: number
  /**
   * Bytes of the lists of one kind that are kept for callers who may use different entries. A list that does not fit
   * is made again for each request. Default 16 MiB.
   */
  maxListBytes?: number
  /**
   * Verified tokens that are kept, so that they need not be verified again. One more replaces the oldest. Each
   * connection also keeps the credentials that it has sent twice, up to 4 KiB, for the same time. Default 10,000.
   */
  maxCachedTokens?: number
  /**
   * How long a verified token is kept, at most until it expires. A token that its issuer revokes is accepted as
   * long. Default 60 s, which is also the most.
   */
  tokenCacheTime?: number
  /**
   * Failed authentications of one client address within the limit `failureWindow`. After that, requests of the
   * address are answered with 429 until the window ends. For IPv6, an address is a network of 64 bits. Default 100.
   */
  maxAddressFailures?: number
  /** The time in which failed authentications of one address are counted. Default 60 s. */
  failureWindow?: number
  /** New connections of one client address in a minute. One more is closed at once. Default 60,000. */
  maxAddressConnects?: number
  /**
   * Client addresses whose failures and connections are counted. One more replaces the one whose time ends first.
   * Default 65,536.
   */
  maxCountedAddresses?: number
  /**
   * How long a decision of the function `authorizer` is kept, by principal, entry and arguments. With 0 it decides
   * about each call. Default 0.
   */
  authorizerCacheTime?: number
  /** How long a decision of the function `visible` is kept, by principal and entry. Default 60 s. */
  visibleCacheTime?: number
  /** Decisions of each of these functions that are kept. One more replaces the oldest. Default 100,000. */
  maxCachedDecisions?: number
  /** Skills in one folder. A folder with more cannot be registered. Default 1,000. */
  maxSkills?: number
  /**
   * Open connections on one address or Unix socket. For one more, idle HTTP connections are closed; if none is idle,
   * it waits to be accepted. An embedded server limits its requests in progress, and refuses one more as busy.
   * Default 10,000.
   */
  maxConnections?: number
  /**
   * How long a client on a socket with lines may send nothing while none of its calls is in flight. After that its
   * connection is closed. Default 24 hours.
   */
  connectionIdle?: number
  /**
   * How long an HTTP client may take to send a request's headers. It also limits pauses within a request's body, and
   * how long a connection stays open without a request. After that the connection is closed. Default 30 s.
   */
  headerTimeout?: number
  /**
   * How long a client may take to send an HTTP request, a line on a socket or a WebSocket message. The time begins
   * with the first byte. If it takes longer, its connection is closed. Default 60 s.
   */
  requestTimeout?: number
  /**
   * How long output may wait for a client on HTTP, a WebSocket or a socket with lines. If the client reads less than
   * 16 KiB in this time, its connection is closed. Streams without waiting output are not affected. Default 30 s.
   */
  writeTimeout?: number
  /**
   * Bytes that the server holds for all clients on HTTP, WebSockets and sockets with lines. A request counts until
   * its handler has taken the arguments. A response or event counts until it is written; the responses of a batch
   * count together. If there is no room, the request is refused as busy, or its response is replaced by that error.
   * Pieces of up to 8 KiB are not counted and always pass. Default 64 MiB.
   */
  maxBufferedBytes?: number
  /**
   * How long a call over HTTP may run before its response becomes an event stream with keep-alive comments. They
   * prevent proxies from closing the connection. This needs a client that accepts event streams. Default 10 s.
   */
  streamAfter?: number
  /**
   * Bytes of the events of one stream in a legacy HTTP session that are kept for a client that reconnects. The
   * oldest events are dropped first; the newest is always kept. The store limits all streams together. With 0,
   * streams cannot be resumed. Default 1 MiB.
   */
  maxStreamBytes?: number
  /**
   * Events of one stream in a legacy HTTP session that are kept for a client that reconnects. One more replaces the
   * oldest. Default 1,024.
   */
  maxStreamEvents?: number
  /**
   * Streams of one legacy HTTP session whose events are kept. One more replaces the oldest that has ended. If none
   * has ended, the new stream cannot be resumed. Default 64.
   */
  maxSessionStreams?: number
  /**
   * How long the events of a legacy stream are kept after the stream has ended or its client has disconnected. A
   * client that reconnects later cannot resume it. While a call runs, its stream is kept. Default 2 minutes.
   */
  resumeTimeout?: number
  /**
   * How long a client of 2025-11-25 is asked to wait before it reconnects to a stream (the `retry` field of the
   * event stream). Default 1 s.
   */
  streamRetry?: number
  /** How long a WebSocket client may send nothing before it gets a ping. Default 30 s. */
  pingInterval?: number
  /** How long a WebSocket client may take to answer a ping. After that its connection is closed. Default 30 s. */
  pingTimeout?: number
  /** Running tasks in the whole server. One more is refused as busy. Default 4,096. */
  maxTasks?: number
  /**
   * Tasks of one principal, running or ended but kept. One more is refused as busy. Clients without a principal
   * share `maxTasks` and the store's limits. Default 1,000.
   */
  maxPrincipalTasks?: number
  /**
   * How long a task is kept after its creation if its client requests no time. A task that still runs at that time
   * is cancelled. In whole seconds, rounded up. Default 1 hour.
   */
  defaultTaskTtl?: number
  /**
   * Longest time for which a client can have a task kept. A longer request is reduced to it. In whole seconds,
   * rounded up. Default 24 hours.
   */
  maxTaskTtl?: number
  /** How long a client is asked to wait between two requests for the state of a task (`pollInterval`). Default 1 s. */
  taskPollInterval?: number
  /** Largest result of a task in bytes. A task with a larger one fails. Default 1 MiB. */
  maxTaskResultBytes?: number
  /** How long a task may run if its tool has no timeout of its own. After that the task fails. Default 1 hour. */
  taskTimeout?: number
  /**
   * How long a running task may be without a renewal of its lease in the store. After that its process counts as
   * dead, and the task has failed. The process renews the lease every third of this time. In whole seconds, rounded
   * up. Default 30 s.
   */
  taskLease?: number
  /** Fixed web pages that the server's HTTP addresses also serve. Adding one more fails. Default 64. */
  maxPages?: number
  /**
   * Largest fixed web page in bytes. Adding a larger one fails. `maxBufferedBytes` does not count pages. Default 4
   * MiB.
   */
  maxPageBytes?: number
  /**
   * Connections of one client address; for IPv6, the first 64 bits are the address. For one more, idle HTTP
   * connections of that address are closed. If none is idle, the new connection gets status 429 and is closed. 0
   * means three quarters of `maxConnections`. Default 0.
   */
  maxAddressConnections?: number
  /**
   * Open streams of one client address: `subscriptions/listen`, GET streams, HTTP+SSE and WebSockets. One more is
   * refused with status 429. 0 means three quarters of `maxConnections`. Default 0.
   */
  maxAddressStreams?: number
  /**
   * Bytes held for one client address, counted as for `maxBufferedBytes`. If there is no room, a request is refused
   * with status 429, or its response is replaced by that error. 0 means three quarters of `maxBufferedBytes`.
   * Default 0.
   */
  maxAddressBufferedBytes?: number
  /**
   * Calls in flight of one client address, in all of its sessions and connections. One more is refused with status
   * 429. 0 means three quarters of `maxCalls` or of `maxLaneCalls`, whichever is less. Default 0.
   */
  maxAddressCalls?: number
  /**
   * GET streams that one legacy HTTP session may have open at a time. One more is refused with status 429. A client
   * needs one. If its connections break, earlier ones may still be open. Default 16.
   */
  maxSessionListens?: number
  /**
   * How long a thread of the program starts queued calls before it returns to its event loop, or to the code that
   * polls. A handler that has started is not interrupted. Default 2 ms.
   */
  pollBudget?: number
  /**
   * Threads that serve sockets. All servers of the process with the same thread settings share them. Each thread has
   * a second one in reserve. 0 means the number of processors, but at most four. A server on the program's own
   * executor does not use them. Default 0.
   */
  ioThreads?: number
  /**
   * Stack size in bytes of each thread that the engine starts, and of the C library's workers. Python's workers have
   * the interpreter's stack size unless this is set. Default 2 MiB.
   */
  threadStackBytes?: number
  /**
   * How long a response on a socket with lines waits after the last progress notification of its call. Clients in
   * TypeScript lose progress that they read together with the response. On stdio, WebSockets and HTTP+SSE it waits
   * until the client has read the progress, at most twenty times as long. If a client does not answer a ping within
   * a second, its responses then wait as on a socket. No response waits on Streamable HTTP. With 0 no response waits
   * at all. Default 50 ms.
   */
  progressGap?: number
}

/** A protocol revision. */
export type Revision = '2024-11-05' | '2025-03-26' | '2025-06-18' | '2025-11-25' | '2026-07-28'

/** A capability that a server can declare although nothing is registered for it (yet). */
export type Capability = NonNullable<ServerSettings['capabilities']>[number]

/**
 * How long a response may be cached, and for whom. This is a hint and no access control: responses that differ by client must
 * be private.
 */
export interface CacheHints {
  /** How long the response is fresh, in milliseconds, a whole number. Default 0: it is not cached. */
  ttlMs?: number
  /** Which clients may get a cached response: any client, or only the client that requested it. Default `public`. */
  cacheScope?: 'public' | 'private'
}

/** Caching hints for all cacheable responses, and for single ones. */
export interface ServerCacheHints extends CacheHints {
  discover?: CacheHints
  tools?: CacheHints
  prompts?: CacheHints
  resources?: CacheHints
  resourceTemplates?: CacheHints
  /** For resources that are read. A resource may have its own hints. */
  read?: CacheHints
  skills?: CacheHints
  skill?: CacheHints
}

/** An image for people to recognise something. */
export interface Icon {
  /** An address, or a `data:` URI. */
  src: string
  mimeType?: string
  /** `48x48`, or `any`. */
  sizes?: string[]
  theme?: 'light' | 'dark'
}

/** Custom keys, with or without a prefix such as `example.com/`. The keys of the protocol are refused. */
export type Meta = { readonly [key: string]: unknown }

/**
 * A store of a program, for the data that outlives a request: legacy HTTP sessions, the events of streams that can be resumed,
 * tasks, and used states. `submit` runs one operation and returns its reply, or a promise of it. Values are `Uint8Array`s; they
 * may contain any bytes, and must be returned unchanged. Times are in milliseconds.
 *
 * - Keys: a key is `kind/name`. Records, logs, counters and allowances with the same key are independent.
 * - Atomicity: each operation takes effect at once or not at all, even if others use the store at the same time, such as
 *   other processes. `put` and `delete` check their condition and change the record in one step.
 * - Versions and positions: each write of a record gives it a version that its key never had before, even if the record has
 *   expired or was removed since. The positions of a log grow in the same way. Both are integers up to
 *   `Number.MAX_SAFE_INTEGER`.
 * - Counters: the values are integers from -(2 ** 53) to 2 ** 53 - 1. These two are the ends of the range.
 * - Expiry: times to live count from the arrival of the operation. What has expired does not exist for any operation. `get`
 *   without `touch`, `read` and `trim` do not change the time to live.
 *
 * If `submit` throws, the operation has failed: the request that needs it is refused as busy, and the error is logged. The same
 * happens if the reply is wrong, or does not come within `limits.storeTimeout`. A store that cannot be reached may also return
 * `{ result: 'unavailable', reason: '…' }`.
 *
 * The first operation comes after the handlers of `start`, the last one before the handlers of `stop`.
 */
export interface Store {
  submit(op: StoreOp): StoreReply | Promise<StoreReply>
}

// Operations and replies of stores, made from the engine's tables.

/** A record of a store. */
export interface StoreRecord {
  value: Uint8Array
  version: number
}

/** An entry of a log of a store. Its position is above 0. */
export interface StoreEntry {
  position: number
  entry: Uint8Array
}

/** Reads a record. Replies: `value`. */
export interface StoreOpGet {
  op: 'get'
  /** The record's key, as `kind/name`. */
  key: string
  /** The record's new time to live from now; without it, the time to live stays. */
  touch: number | null
}

/**
 * Writes a record, new or old, if the condition holds. The record gets a version that its key never had before. Replies:
 * `stored`, `conflict`, `full`.
 */
export interface StoreOpPut {
  op: 'put'
  /** The record's key, as `kind/name`. */
  key: string
  /** The record's new value. */
  value: Uint8Array
  /** The time after which the record expires, unless it is touched or written again. */
  ttl: number
  /** The condition: `always`; `absent` if there must be no record; `version` if the record must have this `version`. */
  when: 'always' | 'absent' | 'version'
  /** The version that the record must have, if `when` is `version`. */
  version: number | null
}

/** Gives a record a new time to live. The version stays. Replies: `found`. */
export interface StoreOpTouch {
  op: 'touch'
  /** The record's key, as `kind/name`. */
  key: string
  /** The record's new time to live from now. */
  ttl: number
}

/**
 * Removes a record, if the condition holds. With `absent` it removes nothing: the reply is `found` with false, or
 * `conflict`. Replies: `found`, `conflict`.
 */
export interface StoreOpDelete {
  op: 'delete'
  /** The record's key, as `kind/name`. */
  key: string
  /** The condition: `always`; `absent` if there must be no record; `version` if the record must have this `version`. */
  when: 'always' | 'absent' | 'version'
  /** The version that the record must have, if `when` is `version`. */
  version: number | null
}

/**
 * Adds an entry to the end of a log, and then removes the oldest entries that do not stay; the new entry counts. The first
 * entry creates the log. The position of the entry is above that of any entry that was ever appended to this log, even if
 * the log has expired or was removed since. Replies: `appended`, `full`.
 */
export interface StoreOpAppend {
  op: 'append'
  /** The log's key, as `kind/name`. */
  key: string
  /** The entry. */
  entry: Uint8Array
  /** The time after which the whole log expires, unless more is appended. */
  ttl: number
  /** At most this number of entries stay. */
  keepEntries: number | null
  /** As many entries stay as have at most this number of bytes together. */
  keepBytes: number | null
  /** Entries that are older than this do not stay. */
  keepAge: number | null
  /** Entries up to this position do not stay; 0 removes none. */
  keepAfter: number
}

/** Reads a log from a position on. A log that does not exist has no entries. Replies: `entries`. */
export interface StoreOpRead {
  op: 'read'
  /** The log's key, as `kind/name`. */
  key: string
  /** The position after which to begin; 0 begins with the oldest entry. */
  after: number
  /** The largest number of entries to return. */
  maxEntries: number
  /** The most bytes of all returned entries together. The first entry is returned in any case. */
  maxBytes: number
}

/** Removes the oldest entries of a log that do not stay. `found` says whether the log exists. Replies: `found`. */
export interface StoreOpTrim {
  op: 'trim'
  /** The log's key, as `kind/name`. */
  key: string
  /** At most this number of entries stay. */
  keepEntries: number | null
  /** As many entries stay as have at most this number of bytes together. */
  keepBytes: number | null
  /** Entries that are older than this do not stay. */
  keepAge: number | null
  /** Entries up to this position do not stay; 0 removes none. */
  keepAfter: number
}

/** Gives a whole log a new time to live, or removes it. Replies: `found`. */
export interface StoreOpExpire {
  op: 'expire'
  /** The log's key, as `kind/name`. */
  key: string
  /** The log's new time to live from now; 0 removes the log. */
  ttl: number
}

/**
 * Adds to a counter. The first addition creates the counter with the value 0; adding 0 creates none. If the sum exceeds
 * the range of the number, it becomes the end of the range. Replies: `count`, `full`.
 */
export interface StoreOpAdd {
  op: 'add'
  /** The counter's key, as `kind/name`. */
  key: string
  /** The amount to add; it may be negative or 0. */
  by: number
  /** The lifetime of the counter, if this operation creates it. Later operations do not extend it. */
  window: number
  /** If the value would exceed this and `by` is above 0, nothing is added. */
  most: number | null
}

/**
 * Takes pieces of an allowance, all or none, by the clock of the store. If a key comes with another rate than before, what
 * it has taken counts by the new one. Between a bucket and a window, the allowance begins anew. Replies: `taken`, `full`.
 */
export interface StoreOpTake {
  op: 'take'
  /** The key that has the allowance, as `kind/name`. */
  key: string
  /**
   * The number of pieces; 0 takes none. A negative number gives back that many of the pieces that were taken last, but no
   * more than there are.
   */
  by: number
  /** The number of pieces for each period, from 1 to 2 ** 32 - 1. */
  amount: number
  /** The period, above 0. */
  period: number
  /**
   * With a burst, the allowance is a token bucket. It has at most this number of pieces, from 1 to 2 ** 32 - 1, and `amount`
   * of them come back evenly in a period. Without one, it is a sliding window: each piece comes back when it is as old as
   * the period.
   */
  burst: number | null
}

/** An operation of a store. Times are in milliseconds. */
export type StoreOp =
  | StoreOpGet
  | StoreOpPut
  | StoreOpTouch
  | StoreOpDelete
  | StoreOpAppend
  | StoreOpRead
  | StoreOpTrim
  | StoreOpExpire
  | StoreOpAdd
  | StoreOpTake

/** The record that was read. */
export interface StoreReplyValue {
  result: 'value'
  /** The record; without it, there is none. */
  record?: StoreRecord | null
}

/** The record was written. */
export interface StoreReplyStored {
  result: 'stored'
  /** The record's new version. */
  version: number
}

/** The condition does not hold, so nothing was changed. */
export interface StoreReplyConflict {
  result: 'conflict'
  /** The present record; without it, there is none. */
  record?: StoreRecord | null
}

/** Whether there was anything to change. */
export interface StoreReplyFound {
  result: 'found'
  /** Whether there was a record or a log. */
  found: boolean
}

/** The entry was appended. */
export interface StoreReplyAppended {
  result: 'appended'
  /** The position of the entry, above 0. */
  position: number
}

/** Entries of a log. */
export interface StoreReplyEntries {
  result: 'entries'
  /** The entries, oldest first, each with its position. */
  entries: StoreEntry[]
  /**
   * Whether entries after the requested position no longer exist. It is also true if the store does not know, for example
   * because the log has expired and `after` is not 0. With `after` 0 it is true if entries of this log were removed.
   */
  missed: boolean
  /** Whether more entries follow. */
  more: boolean
}

/** A counter. */
export interface StoreReplyCount {
  result: 'count'
  /** The counter's present value; 0 if there is no counter. */
  value: number
  /** Whether the value includes the amount to add. */
  added: boolean
  /** The remaining lifetime of the counter; 0 if there is no counter. */
  left: number
}

/** An allowance. */
export interface StoreReplyTaken {
  result: 'taken'
  /** Whether the pieces were taken or given back; true if `by` is 0. */
  taken: boolean
  /** The number of pieces that can be taken now. */
  left: number
  /** The time until the pieces can be taken, if they were not, otherwise 0. If they never can, it is a century. */
  wait: number
  /** The time until all pieces have come back. */
  reset: number
}

/** The store has reached its limit, and nothing was changed. */
export interface StoreReplyFull {
  result: 'full'
}

/** The store does not know the operation. */
export interface StoreReplyUnsupported {
  result: 'unsupported'
}

/** The store cannot be reached. */
export interface StoreReplyUnavailable {
  result: 'unavailable'
  /** The reason, which the client gets. */
  reason: string
}

/** The reply of a store. Times are in milliseconds. */
export type StoreReply =
  | StoreReplyValue
  | StoreReplyStored
  | StoreReplyConflict
  | StoreReplyFound
  | StoreReplyAppended
  | StoreReplyEntries
  | StoreReplyCount
  | StoreReplyTaken
  | StoreReplyFull
  | StoreReplyUnsupported
  | StoreReplyUnavailable

// End of the operations and replies.

// The values of policies, made from the engine's table.

/** How many calls, or requests, may be made in a time. */
export interface RateLimit {
  /** How many calls may be made in the time `per`: 1 to 1,000,000,000. It must be set. */
  readonly amount: number
  /** The time in which they may be made. It must be set. The value is in milliseconds. */
  readonly per: number
  /** The most calls at once in a token bucket: 1 to 1,000,000,000. Default: the amount. */
  readonly burst?: number
  /**
   * How calls are counted. `sliding`: in no span of the length `per` are more calls admitted than `amount`. Above an amount
   * of 4,096, calls come back up to a 2,048th of `per` late. `bucket`: a token bucket, to which calls come back evenly.
   * Default: `bucket` if `burst` is set, else `sliding`.
   */
  readonly window?: 'sliding' | 'bucket'
  /**
   * What is counted separately: `principal`, `address`, `session`, `entry`, `arguments.NAME` or `global`. With a list, each
   * combination is counted, at most 4 keys. Requests without a session count by their principal, and those without a
   * principal by their address. An IPv6 network of 64 bits counts as one address. `global` is for servers; `entry` and
   * arguments are for entries. Default: all calls of the entry, or all requests of the server, together.
   */
  readonly by?: string | readonly string[]
  /**
   * Which calls count. `calls`: all. `misses`: those for which the cache of the entry has no result. Limits of servers have
   * none. Default: `calls`.
   */
  readonly counts?: 'calls' | 'misses'
  /**
   * What a client receives whose call is refused. `error`: an error of the protocol, whose data has the member
   * `retryAfterMs`. `result`: a failed result of the tool, whose text the model reads. Default: `error`. A request above a
   * limit of the server is answered with an error, over HTTP with the status 429 and `Retry-After`.
   */
  readonly refusal?: 'error' | 'result'
  /**
   * The text of refusals. `{wait}` in it becomes the number of seconds to wait. Default: a text that names the limit and the
   * time.
   */
  readonly text?: string
  /** What happens to a call if the store fails or does not answer in time: `refuse` or `pass`. Default: `refuse`. */
  readonly onStoreFailure?: 'refuse' | 'pass'
}

/** A text, one {@link RateLimit}, or a list of these. */
export type RateLimits = string | RateLimit | readonly (string | RateLimit)[]

/** Keeps results, so that later calls with the same arguments get them without a run of the handler. */
export interface Cache {
  /**
   * How long a result is fresh. It must be set. A resource that says itself how long its contents may be cached is not kept
   * longer. The value is in milliseconds.
   */
  readonly ttl: number
  /** The most results that are kept: 1 to 10,000,000. Then the one that was used longest ago is dropped. Default: 1000. */
  readonly maxEntries?: number
  /**
   * The most bytes that the results take together, 192 of which are counted for each result besides its own: 1 to
   * 1,099,511,627,776. A larger result is not kept. Default: 16,777,216.
   */
  readonly maxBytes?: number
  /**
   * Whether all callers share the results. If not, callers whose principals differ in identity, scopes or roles have results
   * of their own; those without a principal share theirs. Default: no.
   */
  readonly public?: boolean
  /**
   * How long after `ttl` a result answers calls that fail: the handler fails or takes too long, or the call is refused after
   * its cache was asked. Default: not at all. The value is in milliseconds.
   */
  readonly staleIfError?: number
  /**
   * How long after `ttl` a result still answers calls, while one run of the handler in the background renews it. Default:
   * not at all. The value is in milliseconds.
   */
  readonly staleWhileRevalidate?: number
}

/** Refuses calls for a time after too many have failed, so that what fails can recover. */
export interface CircuitBreaker {
  /** How many failures in a row open the circuit: 1 to 1,000,000. Default: 5, unless `failurePercent` is set. */
  readonly failures?: number
  /** How many of a hundred calls in the last `window` must fail to open the circuit: 1 to 100. Default: not counted. */
  readonly failurePercent?: number
  /** The time in which `failurePercent` is counted, in tenths. Default: 60 s. The value is in milliseconds. */
  readonly window?: number
  /** The fewest calls in the last `window` of which `failurePercent` is counted. Default: 10. */
  readonly minCalls?: number
  /**
   * How long calls are refused after the circuit has opened. Then probes may run. Default: 30 s. The value is in
   * milliseconds.
   */
  readonly openFor?: number
  /**
   * How many calls must succeed after that time to close the circuit. No more of them run at a time, and further calls are
   * refused. If one fails, the circuit opens again. Default: 1.
   */
  readonly probes?: number
  /**
   * What has a circuit of its own: `entry`, or `arguments.NAME` for each value of an argument, or a list of such keys.
   * Default: the entry.
   */
  readonly by?: string | readonly string[]
  /**
   * What counts as a failure, a list. `exceptions`: the handler raised an exception that was not meant for the client, or
   * returned a result that is not valid. `timeouts`: the call took too long. `errors`: the handler returned an error of the
   * protocol, other than one of parameters or of something that does not exist. `failed`: the tool returned a failed result.
   * Cancelled calls never count. Default: `exceptions` and `timeouts`.
   */
  readonly counts?: ('exceptions' | 'timeouts' | 'errors' | 'failed')[]
  /**
   * What a client receives whose call is refused. `error`: an error of the protocol, whose data has the member
   * `retryAfterMs`. `result`: a failed result of the tool, whose text the model reads. Default: `error`.
   */
  readonly refusal?: 'error' | 'result'
  /**
   * The text of refusals. `{wait}` in it becomes the number of seconds to wait, and `{NAME}` the value of an argument that
   * `by` names. Default: a text that names the entry and the time.
   */
  readonly text?: string
}

/** Runs the handler of a call again after it has failed. */
export interface Retry {
  /** How often the handler runs for one call, the first run included: 2 to 10. Default: 3. */
  readonly attempts?: number
  /**
   * The time before the second attempt. It doubles with each further one. Each time is shortened by up to a half at random,
   * so that calls which fail together are not repeated together. Default: 0.1 s. The value is in milliseconds.
   */
  readonly backoff?: number
  /** The longest time between two attempts. Default: 10 s. The value is in milliseconds. */
  readonly maxBackoff?: number
  /**
   * How many retries an entry may have for a hundred of its calls: 1 to 100. Ten more are in reserve, also at the start.
   * Default: 10.
   */
  readonly budgetPercent?: number
  /**
   * What is retried, a list: `exceptions`, `errors` and `failed`, as in a circuit breaker. Calls that take too long are not
   * retried, because their time is over. Default: `exceptions`.
   */
  readonly counts?: ('exceptions' | 'timeouts' | 'errors' | 'failed')[]
}

// End of the values of policies.

// Policies and settings, made from the engine's tables.

export interface CommonPolicies {
  /**
   * The timeout of one call. If a call takes longer, the client receives an error, and a later result is dropped. Default:
   * `limits.callTimeout`.
   */
  timeout?: number
  /**
   * The maximum number of concurrent calls. Further calls wait. Their callers take turns, and calls of one caller run in the
   * order in which they arrived. A caller is a principal; calls without one are told apart by their addresses, sessions or
   * connections. The timeout applies to the waiting time, and starts again when the call runs. The limit
   * `limits.maxWaitingCalls` bounds how many calls wait. If it is reached, a caller with few waiting calls may add one, and
   * the newest one of the caller with the most is refused instead. A call that waits for an answer of its client counts as
   * running, unless its attempt has ended with the question. Default: no limit.
   */
  maxConcurrency?: number
  /**
   * Tags by which entries are disabled, and enabled again. Clients do not see them. At most 64 tags of at most 128 bytes
   * each. Default: none.
   */
  tags?: Iterable<string>
}

export interface ListPolicies {
  /** Whether the entry is left out of every list. It can still be called. Default: no. */
  hidden?: boolean
}

export interface AccessPolicies {
  /**
   * The scopes that a caller needs, all of them. A caller without them is answered with 403 over HTTP, and with an error
   * elsewhere; lists do not have the entry for it. Default: the server's setting.
   */
  scopes?: string[]
  /** The roles of which a caller needs one. Default: the server's setting. */
  roles?: string[]
  /**
   * Whether callers without a principal may use the entry, although the server refuses them. Such an entry cannot need
   * scopes or roles. Default: no, if the server's setting `anonymous` is `refuse`.
   */
  public?: boolean
}

export interface CallPolicies {
  /**
   * The maximum number of concurrent calls with the same value of a key: an object from keys to numbers, such as
   * `{"principal": 2}`. The keys are `principal`, `address`, `session` and `arguments.NAME`, at most 4. All of them apply,
   * and `maxConcurrency` too. Further calls wait, and calls with other values do not wait for them. Calls without a session
   * count by their principal, and those without a principal by their address. An IPv6 network of 64 bits counts as one
   * address. Default: no limit.
   */
  maxConcurrencyBy?: { readonly [key: string]: number }
  /**
   * How many calls may be made in a time. Further calls are refused at once, with the time to wait. It is a text such as
   * `60/min`, an object with the members `amount`, `per`, `burst`, `window`, `by`, `counts`, `refusal`, `text` and
   * `onStoreFailure`, or a list of at most 8 of these, which all apply. A call that is within its limits counts, whatever
   * happens to it later. The rounds of a call with questions count once. Default: no limit.
   */
  rateLimit?: RateLimits
  /**
   * Refuses calls for a time after too many have failed: an object with the members `failures`, `failurePercent`, `window`,
   * `minCalls`, `openFor`, `probes`, `by`, `counts`, `refusal` and `text`. The state is kept in the process. Default: no
   * breaker.
   */
  circuitBreaker?: CircuitBreaker
  /**
   * Whether the handler may run more than once for one call with the effect of one run. It must be set for tools and methods
   * with `retry`, unless the annotations of the tool say so (`idempotentHint` or `readOnlyHint`). Default: yes for what is
   * read, no for tools and methods.
   */
  idempotent?: boolean
  /**
   * Runs the handler of a call again after it has failed: a number of attempts, or an object with the members `attempts`,
   * `backoff`, `maxBackoff`, `budgetPercent` and `counts`. All attempts together have the time of one call. A call that has
   * asked its client is not retried. Default: one attempt.
   */
  retry?: number | Retry
  /**
   * How long results are kept, so that later calls with the same arguments get them without a run of the handler: a time, or
   * an object with the members `ttl`, `maxEntries`, `maxBytes`, `public`, `staleIfError` and `staleWhileRevalidate`. While a
   * call produces a result, other calls with the same arguments wait for it. Failures are not kept, nor are results of calls
   * that asked their client, and of tasks. For resources, `cacheHints` follow from it. Default: nothing is kept.
   */
  cache?: number | Cache
}

export interface SchemaPolicies {
  /**
   * How arguments are treated that the input schema does not define: `schema` (the schema decides), `refuse` (the call is
   * refused) or `drop` (they are left out). With `refuse` and `drop`, registration fails if unknown arguments cannot be
   * distinguished from known ones: the schema, or a branch of it, has a `$ref` beside its properties, or
   * `patternProperties`. Default: `schema`.
   */
  unknownArguments?: 'schema' | 'refuse' | 'drop'
  /**
   * Whether invalid arguments are checked a second time, with strings converted to the numbers, booleans, arrays and objects
   * that they represent. Default: the server's setting.
   */
  coerceArguments?: boolean
}

export interface ResultPolicies {
  /**
   * Whether a JSON value that the tool returns is also sent as structured content, next to its text. A tool with an output
   * schema is structured in any case. Default: no.
   */
  structured?: boolean
}

export interface TaskPolicies {
  /**
   * Whether calls may, or must, become tasks, which outlive their connection: `forbidden`, `optional` (if the client
   * supports tasks) or `required`. Default: `forbidden`.
   */
  taskSupport?: 'forbidden' | 'optional' | 'required'
  /**
   * Whether a call of a client of 2026-07-28 becomes a task only if its handler starts the task. Until then its questions
   * are asked in rounds, as in any other call. A call that does not become a task gets an ordinary response. Default: no; a
   * call is a task from its start.
   */
  deferTask?: boolean
}

export interface StatePolicies {
  /**
   * Whether each state that a client of 2026-07-28 sends back after a question can be used only once, over all replicas that
   * share the server's store. If a client sends the same round again, the handler does not run again. A state also counts as
   * used if the server then refuses the call as busy. Default: no.
   */
  onceOnly?: boolean
}

export interface SensitivePolicies {
  /**
   * Whether each call has an audit event, also if it is refused: who called what, when, for how long, and with what outcome.
   * A list names arguments whose values the event records; it has a keyed digest of all arguments. It never has results,
   * tokens or headers. The server's setting `audit` says where events go. Default: no.
   */
  audit?: boolean | readonly string[]
  /**
   * What the user is asked before a call runs. The call runs only if the user agrees. If the client cannot ask its user, the
   * call is refused. In 2026-07-28, each agreement counts for one call, over all replicas that share the server's store; if
   * the store is unavailable, the call is refused. At most 2048 bytes. Default: nothing is asked.
   */
  confirm?: string
}

export interface ReadPolicies {
  /**
   * How long clients may cache the contents, and for whom (2026-07-28). Default: as long as `cache` keeps them, or else the
   * server's setting.
   */
  cacheHints?: CacheHints
}

export interface TemplatePolicies {
  /**
   * Whether values of the template's variables may lead out of a folder that the handler appends them to. `{+x}` may then be
   * an absolute path or start with a drive (`C:`), and values of a query or a fragment may have segments `..`. If not,
   * addresses with such values do not match the template. Default: no.
   */
  unsafePaths?: boolean
}

/** The settings of a server. */
export interface ServerSettings {
  /** The name for people. */
  title?: string
  /** What the server is for (from 2025-11-25 on). */
  description?: string
  /** The server's icons, an array as the specification defines it (from 2025-11-25 on). */
  icons?: Icon[]
  /** The URL of the server's website (from 2025-11-25 on). */
  websiteUrl?: string
  /** How a model should use the server. */
  instructions?: string
  /** The protocol revisions that the server supports. Default: all. */
  revisions?: ('2026-07-28' | '2025-11-25' | '2025-06-18' | '2025-03-26' | '2024-11-05')[]
  /**
   * Whether clients receive a reference in place of the text of an unexpected exception. The log has the text under that
   * reference. The default is yes if other machines may reach the server: it listens on an address that is not a loopback
   * address, allows a host that is not this machine, or serves HTTP on a Unix socket. The default is also yes if the engine
   * does not know the address: the requests come from an HTTP server of the program's own, or from a stream that the program
   * accepted. Lines on Unix sockets, descriptors and clients in the process are local. If other machines may reach the
   * server, the start is logged as a warning, unless this is on.
   */
  maskErrors?: boolean
  /** How long clients may cache responses, and for whom (2026-07-28). Default: not at all, and by anyone. */
  cacheHints?: ServerCacheHints
  /**
   * Whether arguments that do not conform are checked a second time, with strings at their top level converted to the
   * numbers, booleans, arrays and objects that they represent. Some clients send a string for a number. Default: yes.
   */
  coerceArguments?: boolean
  /**
   * Whether `format` in the schemas of arguments and results is asserted: `date`, `date-time`, `email`, `ip`, `ipv4`,
   * `ipv6`, `uri` and `uuid`. Other formats refuse nothing. Default: yes.
   */
  assertFormats?: boolean
  /**
   * Whether the end of standard input ends the server if it has other transports. The same holds for the last of the
   * channels that have one client each: descriptors, connected sockets and streams. If not, the client of standard input
   * leaves and the others stay. A server without another transport ends in any case. Default: yes.
   */
  endWithStdin?: boolean
  /**
   * The entries that the server hides, as if they were not registered: an object with the members `tools`, `resources`,
   * `templates` and `prompts`, which are lists of names in which `*` stands for any text, and `tags`, a list of tags.
   * Entries that are added later are hidden too. An entry that is also disabled by code stays hidden until both have
   * changed. Default: none.
   */
  disabled?: { readonly tools?: readonly string[]; readonly resources?: readonly string[]; readonly templates?: readonly string[]; readonly prompts?: readonly string[]; readonly tags?: readonly string[] }
  /**
   * Where the audit events of entries with the policy `audit` go: `log`, or the path of a file. Each event is a JSON object
   * in one line, which is added to the end of the file before the client gets the response. If the file cannot be written
   * when the server starts, the start fails. Later, the event goes to the log, with an error. The level of events in the log
   * is `info`, and `logLevel` does not drop them. Default: `log`.
   */
  audit?: string
  /**
   * How many requests clients may send in a time. Further requests are refused at once: over HTTP with the status 429 and
   * `Retry-After`. It is a text such as `600/min`, or an object or a list as the policy `rateLimit` has, whose `by` is
   * `global`, `principal`, `address` or `session`. The requests `initialize`, `ping` and `subscriptions/listen` do not
   * count. Default: no limit.
   */
  rateLimit?: RateLimits
  /**
   * The limits that the program applies itself, each with a name, such as the limit of a service that it calls: an object
   * with a rate limit for each name, a text such as `60/min` or an object with `amount`, `per`, `burst` and `window`.
   * Handlers use them by their names. The state is kept in the process. Default: none.
   */
  limiters?: { readonly [name: string]: string | RateLimit }
  /**
   * The circuit breakers that the program uses itself, each with a name: an object with a circuit breaker for each name,
   * whose members are those of the policy `circuit_breaker` that say when circuits open and close. Handlers use them by
   * their names. The state is kept in the process. Default: none.
   */
  breakers?: { readonly [name: string]: CircuitBreaker }
  /**
   * The keys of 32 bytes that encrypt the data that clients carry, such as the state between the rounds of a question. The
   * first key encrypts, and every key decrypts, so that a key can be replaced. Replicas behind one address must share the
   * keys. Keep the keys secret, and draw them at random. Where a key is a text, the text is hexadecimal or base64. Default:
   * a random key of this process.
   */
  stateKeys?: (Uint8Array | string)[]
  /**
   * The verifiers of credentials, in the order in which they are asked: an array of objects, whose member `type` is
   * `api_keys`, `jwt` or `introspection`. The first one that accepts the credentials gives the principal. Default: none, so
   * the server does not look at credentials.
   */
  auth?: Verifier[]
  /**
   * The authorization servers that clients get tokens from. The metadata of the server names them. Default: the issuers of
   * the verifiers of the type `jwt`.
   */
  authorizationServers?: string | string[]
  /** A file with root certificates (PEM), besides those of the system, for the server's own HTTPS requests. */
  caFile?: string
  /**
   * The addresses of proxies, each as an address or a network such as `10.0.0.0/8`. The headers `Forwarded` and
   * `X-Forwarded-*` of requests from them count. Default: none.
   */
  trustedProxies?: string | string[]
  /**
   * Whether callers without a principal may use entries: `allow`, or `refuse`, unless an entry is public. Default: `refuse`
   * if `auth` is set, else `allow`.
   */
  anonymous?: 'refuse' | 'allow'
  /** The scopes that callers need for entries that set none. */
  scopes?: string[]
  /** The roles of which callers need one for entries that set none. */
  roles?: string[]
  /**
   * Rules for all entries with a tag, besides the rule of the entry: an object with the members `scopes`, `roles` and
   * `public` for each tag.
   */
  accessOfTags?: { readonly [tag: string]: AccessRule }
  /** For each broad scope, the scopes that it includes. A caller with the broad scope needs none of the others. */
  scopeHierarchy?: { readonly [name: string]: readonly string[] }
  /**
   * The URL of the endpoint as clients know it, such as `https://example.com/mcp`. It is the resource that tokens must be
   * made for, and challenges and metadata name it. Default: the URL of the request.
   */
  publicUrl?: string
  /**
   * The principal of the client on standard input and output: a string, or an object with the members `subject`, `issuer`,
   * `clientId`, `scopes`, `roles`, `claims` and `expiresAt`. Default: none.
   */
  principal?: string | PrincipalOptions
  /** The capabilities that the server declares even if nothing is registered for them. It answers their lists. */
  capabilities?: ('tools' | 'resources' | 'prompts' | 'completions' | 'logging' | 'tasks' | 'tasks.list')[]
  /**
   * The extensions that the server declares, by their names, with their settings. A name has a prefix, as in
   * `com.example/name`. A legacy client is told of them only if it declares extensions itself.
   */
  extensions?: { readonly [id: string]: { readonly [setting: string]: unknown } }
  /**
   * Where the server keeps the data that outlives a request: legacy HTTP sessions, the events of streams that can be
   * resumed, tasks and used states. A URL names a store of the library: `memory:` is the memory of this process. A program
   * may also pass a store of its own. Default: `memory:`.
   */
  store?: string | Store
}

// End of the policies and settings.

/** What callers need for all entries with a tag. */
export interface AccessRule {
  /** The scopes that a caller needs, all of them. */
  readonly scopes?: readonly string[]
  /** The roles of which a caller needs one. */
  readonly roles?: readonly string[]
  /** Whether callers without a principal may use the entries. */
  readonly public?: boolean
}

/** Who sent a request. The identity is the pair of `issuer` and `subject`. The object is frozen. */
export interface Principal {
  /** The authority that knows the subject. It is `host` for a principal that the program gave as a string. */
  readonly issuer: string
  /** The name of the principal at its issuer. */
  readonly subject: string
  /** The OAuth client that the principal uses, if it is known. */
  readonly clientId?: string
  /** What the credential permits. */
  readonly scopes: readonly string[]
  readonly roles: readonly string[]
  /** The claims of the token, if there is a token with claims. */
  readonly claims?: { readonly [claim: string]: unknown }
  /**
   * Until when the credential is accepted, in seconds since 1970. A token is accepted until it expires, and for the `leeway` of its
   * verifier.
   */
  readonly expiresAt?: number
}

/** A principal that the program gives. Only the subject is needed. */
export type PrincipalOptions = Pick<Principal, 'subject'> & Partial<Principal>

// Verifiers, made from the engine's tables.

/** One static key. It needs `subject`, and one of `value`, `hash`, `file` and `env`. */
export interface ApiKey {
  /** The key itself. */
  value?: string
  /** The SHA-256 digest of the key. */
  hash?: string
  /** A file with the key. */
  file?: string
  /** The variable of the environment with the key. */
  env?: string
  /** Who has the key. */
  subject?: string
  /** The client that has the key. */
  clientId?: string
  /** The scopes of the key. */
  scopes?: string[]
  /** The roles of the key. */
  roles?: string[]
  /** When the key expires, in seconds since 1970. */
  expiresAt?: number
}

/** The options of {@link apiKeys}. */
export interface ApiKeysOptions {
  /**
   * The keys: objects with the members `subject`, and one of `value`, `hash` (`sha256:` and the digest in hexadecimal or
   * base64url), `file` and `env`. `scopes`, `roles`, `clientId` and `expiresAt` are optional. A key has at least 16 bytes.
   */
  keys?: ApiKey[]
  /** The header whose whole value is the key, such as `x-api-key`. Default: a bearer token in `Authorization`. */
  header?: string
  /**
   * The issuer of the principals. Of a token, the issuers that are accepted: its claim `iss` must be one of them. Default
   * for keys: `api-keys`. Default for introspection: what the server answers, or its URL.
   */
  issuer?: string | string[]
}

/** The options of {@link jwt}. */
export interface JwtOptions {
  /**
   * The issuer of the principals. Of a token, the issuers that are accepted: its claim `iss` must be one of them. Default
   * for keys: `api-keys`. Default for introspection: what the server answers, or its URL.
   */
  issuer?: string | string[]
  /** The audiences that are accepted: the claim `aud` must have one of them. Default: the setting `publicUrl`. */
  audience?: string | string[]
  /** The path of the claim with the roles, with dots between names, such as `realm_access.roles`. Default: `roles`. */
  rolesClaim?: string
  /** How much the clocks of the issuer and the server may differ. Default: 60 s. */
  leeway?: number
  /**
   * The URL of a JWK set with the public keys. It is read at the first token, again after five minutes, and for an unknown
   * key at most once a minute. While no keys could be read, it is tried at most every five seconds.
   */
  jwksUrl?: string
  /** Public keys: a PEM text, a JWK, or a JWK set. */
  publicKey?: string
  /** A file with `publicKey`. */
  publicKeyFile?: string
  /** A secret for HS256, HS384 and HS512, at least as long as the digest. */
  secret?: string
  /** A file with `secret`. */
  secretFile?: string
  /** The algorithms that are accepted. Default: those that fit the keys. */
  algorithms?: ('RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'EdDSA' | 'HS256' | 'HS384' | 'HS512')[]
}

/** The options of {@link introspection}. */
export interface IntrospectionOptions {
  /**
   * The issuer of the principals. Of a token, the issuers that are accepted: its claim `iss` must be one of them. Default
   * for keys: `api-keys`. Default for introspection: what the server answers, or its URL.
   */
  issuer?: string | string[]
  /** The audiences that are accepted: the claim `aud` must have one of them. Default: the setting `publicUrl`. */
  audience?: string | string[]
  /** The path of the claim with the roles, with dots between names, such as `realm_access.roles`. Default: `roles`. */
  rolesClaim?: string
  /** How much the clocks of the issuer and the server may differ. Default: 60 s. */
  leeway?: number
  /** The URL of the endpoint. */
  url?: string
  /** The name with which the server authenticates itself at the endpoint. `clientSecret` is its password. */
  clientId?: string
  /** The password for `clientId`. */
  clientSecret?: string
  /** A file with `clientSecret`. */
  clientSecretFile?: string
}

/** A verifier of credentials: what {@link apiKeys}, {@link jwt} and {@link introspection} return. */
export type Verifier =
  | ({ readonly type: 'api_keys' } & ApiKeysOptions)
  | ({ readonly type: 'jwt' } & JwtOptions)
  | ({ readonly type: 'introspection' } & IntrospectionOptions)

/** Static keys: bearer tokens, or the values of a header. They are compared in constant time. */
export function apiKeys(options: ApiKeysOptions): Verifier

/**
 * JSON Web Tokens (RFC 7519). Signature, issuer, audience and times are checked. It needs `issuer`, one of the options
 * `jwksUrl`, `publicKey`, `publicKeyFile`, `secret` and `secretFile`, and `audience`, unless the server has a `publicUrl`.
 */
export function jwt(options: JwtOptions): Verifier

/**
 * Tokens that an authorization server is asked about (RFC 7662). It needs `url`, and `audience`, unless the server has a
 * `publicUrl`. A token is refused if the answer has no `aud`.
 */
export function introspection(options: IntrospectionOptions): Verifier

// End of the verifiers.

export interface ServerOptions extends ServerSettings {
  /**
   * Settings from a file, from variables and from code, or the path of a settings file. They replace the defaults, and the other
   * options replace them. `settings.reload()` changes those that may change while the server runs.
   */
  settings?: Settings | string
  /** The server's programmatic name. It can be left out if there are `settings` that have it. */
  name: string
  /**
   * The version of the server program. Default: `server.version` of `settings`, or else `"0.0.0"`. Without `settings`: `"0.1.0"`.
   */
  version?: string
  limits?: Limits
  /**
   * Receives what clients do not see: why a handler failed, with its stack, and the messages of the engine. It is a function,
   * or an object such as `console`. The methods of an object get the message and, if there is one, the error. It is called on
   * the thread of the server. Exceptions that it throws are ignored. Default: errors and warnings go to standard error. `null`:
   * no log.
   */
  log?: ((record: LogRecord) => void) | LogConsole | null
  /** The lowest level of records that reach the log. Default: `'debug'` with a `log` of your own, otherwise `'warn'`. */
  logLevel?: LogLevel
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** A record for the operator of a server. */
export interface LogRecord {
  level: LogLevel
  message: string
  /** The kind of the entry, if the record is about a handler. */
  kind?: Kind
  /** The name of that entry. */
  name?: string
  /** The value that the handler threw, of any type. */
  error?: unknown
}

/** The form of a log that is not a function. */
export type LogConsole = { [level in LogLevel]: (message: string, error?: unknown) => void }

/** The kinds of entries. */
export type Kind =
  | 'tool'
  | 'resource'
  | 'resource_template'
  | 'resource_provider'
  | 'prompt'
  | 'completion'
  | 'method'
  | 'notification'
  | 'hook'

/**
 * An event of a server.
 *
 * - `start`: the server is served from now on. The handler runs before the first call, to prepare what other handlers need.
 *   Calls that arrive meanwhile wait, and lists are answered. If it throws or takes longer than `limits.startTimeout`, `listen`
 *   rejects (its error has the `code` `TENON_START`) and nothing is served.
 * - `stop`: the server has ended. The handler runs once after the last call, for at most `limits.stopTimeout`. It does not run
 *   if `start` failed.
 * - `session_start` and `session_end`: a legacy session opened or ended. If a client sends `initialize` again over the same
 *   connection, its session ends and another one opens.
 * - `roots_changed`: the directories that a client's user works in have changed.
 * - `subscribe` and `unsubscribe`: a resource has its first subscriber, or has lost the last one.
 * - `error`: a handler threw an error that is not meant for the client, returned an invalid value, or took too long. The hook's
 *   handler gets `kind` and `name` of the entry and the `message`. If it fails itself, only the log says so.
 * - `audit`: a call of an entry with the policy `audit` has ended, or was refused. The hook's handler gets the audit event, an
 *   object, besides the log or the file. The call does not wait for it. It does not run while the server closes.
 *
 * `start` and `stop` run once each time the server is served. They also run for servers that are mounted in it: their start
 * after its own, their stop before. Store what handlers share in a variable outside of them.
 */
export type Hook =
  | 'start'
  | 'stop'
  | 'session_start'
  | 'session_end'
  | 'roots_changed'
  | 'subscribe'
  | 'unsubscribe'
  | 'error'
  | 'audit'

import type { CallResult, RequestOptions } from './testing.cjs'

/** The options of every entry. */
export interface EntryOptions extends CommonPolicies {}

/** An operation that middleware can run around: a word for it, the protocol's name, or the name of a registered method. */
export type Operation =
  | 'tool'
  | 'resource'
  | 'prompt'
  | 'completion'
  | 'tool_list'
  | 'resource_list'
  | 'resource_template_list'
  | 'prompt_list'
  | (string & {})

/**
 * A function around calls. `next()` runs the next middleware, or at last the handler. It resolves to the same value, or rejects
 * with the same error. `next(changed)` passes other arguments, which are checked like a client's. The function need not
 * call `next`, and may call it several times. A second call while the first is open runs the handler a second time
 * concurrently. If the engine itself answers, and no handler, that second call rejects. The return value or the error of the
 * function is treated like a handler's.
 */
export type Middleware = (context: Context, next: (changed?: { readonly [name: string]: unknown }) => Promise<any>) => unknown

/** The credentials of a request. All values are secret. */
export interface Credentials {
  /** The bearer token; null without one. */
  readonly token: string | null
  /** The headers that the verifier reads, as far as the request has them, with names in lower case. */
  readonly headers: { readonly [name: string]: string }
}

/** Finds the principal of credentials. Null, undefined and false mean that it does not accept them. */
export type VerifierFunction = (
  credentials: Credentials
) => FoundPrincipal | false | PromiseLike<FoundPrincipal | false>

/** A call about which an authorizer decides. */
export interface CallQuestion {
  /** Who makes the call, as {@link Context.principal}; null if the caller is anonymous. */
  readonly principal: Principal | null
  /** The kind of the entry. */
  readonly kind: Kind
  /** The name of the entry, or the address of the resource. */
  readonly name: string
  /** The arguments, which fit the schema. */
  readonly arguments: any
}

/** Decides whether a call is permitted: true, false, or the reason of a refusal, which the client gets. */
export type Authorizer = (question: CallQuestion) => boolean | string | Promise<boolean | string>

/** A caller and an entry, about which `visible` decides. */
export interface VisibilityQuestion {
  /** The caller, as {@link Context.principal}; null if the caller is anonymous. */
  readonly principal: Principal | null
  /** The kind of the entry. */
  readonly kind: 'tool' | 'resource' | 'resource_template' | 'prompt'
  /** The name of the entry: of a resource its URI, of a template its text. */
  readonly name: string
}

/** Decides whether an entry exists for a caller. */
export type Visible = (question: VisibilityQuestion) => boolean | Promise<boolean>

/** The options that appear in lists. */
export interface ShownOptions extends EntryOptions, ListPolicies, AccessPolicies, CallPolicies {
  /** The name for people (2025-06-18). */
  title?: string
  /** A description. For a tool, the model reads it to choose the tool. */
  description?: string
  /** Images of the entry (2025-11-25). */
  icons?: Icon[]
  /** The `_meta` of the entry (2025-06-18). */
  meta?: Meta
}

/** Options for arguments that a schema describes. */
export interface ArgumentOptions<S = JsonSchema> extends SchemaPolicies {
  /**
   * The schema of the arguments, with `type: 'object'` at its root. It is a JSON Schema, one of TypeBox, or one of a library
   * that implements Standard Schema ({@link StandardSchema}). Without a schema, a tool takes no arguments, and a method takes
   * any.
   *
   * The engine checks arguments by the JSON Schema before JavaScript sees them. A library's own validator runs then, right
   * before the handler, and the handler gets its output. If it reports issues, the arguments are refused in the engine's
   * wording. It may be asynchronous.
   */
  input?: S
  /** The JSON Schema of `input`, if the library of `input` cannot provide it. */
  inputSchema?: JsonSchema
}

/** Hints for clients about the effects of a tool. The engine does not rely on them. */
export interface ToolAnnotations {
  title?: string
  readOnlyHint?: boolean
  destructiveHint?: boolean
  idempotentHint?: boolean
  openWorldHint?: boolean
}

export interface ToolOptions<S = JsonSchema, O = JsonSchema>
  extends ShownOptions,
    ArgumentOptions<S>,
    ResultPolicies,
    TaskPolicies,
    StatePolicies,
    SensitivePolicies {
  /**
   * The schema of the result, of the same kinds as `input`. It makes the tool structured, and the handler's result is checked
   * against it. A library's own validator runs on values, and on the structured content of a {@link ToolResult}. The client
   * gets the validator's output. The compiler checks the handler against the schema as well ({@link Returned}). Clients of
   * 2025-06-18 and 2025-11-25 support only objects. For them, a value whose schema is no object is wrapped in an object as its
   * member `result`, and so is its schema.
   */
  output?: O
  /** The JSON Schema of the output of `output`, if its library cannot provide it. */
  outputSchema?: JsonSchema
  annotations?: ToolAnnotations
  /** The view in which hosts of MCP Apps show the tool's results: its address (see `Server.ui`), or more options. */
  ui?: string | ToolUi
}

/** A tool's options for views. */
export interface ToolUi {
  /** The view's address. */
  resourceUri?: string
  /** Who may call the tool. Default: both. The host is responsible for hiding a tool of `['app']` from the model. */
  visibility?: ('model' | 'app')[]
}

/** The origins that a view may reach, each such as `https://*.example.com`. Default: none. */
export interface UiCsp {
  /** For fetch, XHR, WebSocket. */
  connectDomains?: string[]
  /** For scripts, styles, images, fonts, media. */
  resourceDomains?: string[]
  /** For frames within the view. */
  frameDomains?: string[]
  baseUriDomains?: string[]
}

/** The permissions that a view requests from the browser. A host need not grant them. */
export interface UiPermissions {
  camera?: {}
  microphone?: {}
  geolocation?: {}
  clipboardWrite?: {}
}

export interface UiOptions extends CommonPolicies, AccessPolicies, CallPolicies, ReadPolicies {
  /** The programmatic name. Default: the address. */
  name?: string
  title?: string
  description?: string
  csp?: UiCsp
  permissions?: UiPermissions
  /** An origin of its own, in the form that the host documents. */
  domain?: string
  /** Whether the host should draw a border and a background. */
  prefersBorder?: boolean
  /** Whether the view is in the list of resources. Default: true. */
  listed?: boolean
}

export interface PageOptions {
  /** The media type. Default: `text/html; charset=utf-8`. */
  contentType?: string
}

/** The audience, priority and age of something. */
export interface Annotations {
  audience?: ('user' | 'assistant')[]
  /** From 0 to 1. */
  priority?: number
  /** `2026-07-28T09:30:00Z` */
  lastModified?: string
}

export interface ResourceOptions
  extends ShownOptions,
    StatePolicies,
    SensitivePolicies,
    ReadPolicies,
    TemplatePolicies {
  /** The programmatic name. Default: the URI. */
  name?: string
  /** The media type of the contents, unless the handler returns another. */
  mimeType?: string
  annotations?: Annotations
  /** The size in bytes, if it is known; not for templates. */
  size?: number
}

type WithoutOperator<E> = E extends `${'+' | '#' | '.' | '/' | ';'}${infer R}` ? R : E
type Split<E> = E extends `${infer A},${infer B}` ? A | Split<B> : E
type VariableName<V> = V extends `${infer N}*` ? N : V extends `${infer N}:${string}` ? N : V
type Expressions<T> = T extends `${string}{${infer E}}${infer R}` ? E | Expressions<R> : never
type QueryVariables<E> = E extends `${'?' | '&'}${infer R}` ? Split<R> : never
type PathVariables<E> = E extends `${'?' | '&'}${string}` ? never : Split<WithoutOperator<E>>
type Value<V> = V extends `${string}*` ? string | string[] : string

/** The variables of a resource template, as its handler gets them: `{id: string}` for `'test://{id}'`. */
export type Variables<T extends string> = string extends T
  ? Record<string, any>
  : Flat<
      { [V in PathVariables<Expressions<T>> as VariableName<V> & string]: Value<V> } & {
        [V in QueryVariables<Expressions<T>> as VariableName<V> & string]?: Value<V>
      }
    >

/** A resource in the list of a provider. */
export interface ResourceListing {
  uri: string
  name: string
  title?: string
  description?: string
  mimeType?: string
  size?: number
  annotations?: Annotations
  icons?: Icon[]
  _meta?: Meta
}

export interface ResourceProviderOptions<T extends string = string> extends Omit<ResourceOptions, 'size'> {
  /**
   * Lists the resources that match the template: all of them, or one page with the `nextCursor` of the next. `cursor` is a
   * `nextCursor` that it returned before.
   */
  list: Handler<{ cursor?: string }, MaybePromise<ResourceListing[] | { resources: ResourceListing[]; nextCursor?: string }>>
  /** Reads one of the resources. It throws {@link NotFound} if there is none at the address. */
  read: Handler<Variables<T>>
}

/** The description of one argument of a prompt. */
export interface PromptArgument {
  title?: string
  description?: string
  /** Default: no. */
  required?: boolean
}

/** The arguments of a prompt, which are all strings: their names, their names with descriptions, or a schema of an object. */
export type PromptArguments =
  | readonly string[]
  | { readonly [name: string]: PromptArgument }
  | { readonly type: 'object' }
  | StandardSchema

type PromptInput<A> = A extends StandardSchema
  ? Infer<A>
  : A extends { readonly type: 'object' }
    ? FromSchema<A>
    : A extends readonly (infer N extends string)[]
      ? { [K in N]?: string }
      : A extends { readonly [name: string]: PromptArgument }
        ? Flat<
            { -readonly [K in keyof A as A[K] extends { readonly required: true } ? K : never]: string } & {
              -readonly [K in keyof A as A[K] extends { readonly required: true } ? never : K]?: string
            }
          >
        : Record<string, string | undefined>

export interface PromptOptions<A extends PromptArguments = PromptArguments> extends ShownOptions, StatePolicies, SensitivePolicies {
  args?: A
  /** The JSON Schema of `args`, if the library of `args` cannot provide it. */
  argsSchema?: JsonSchema
}

/** The argument to complete: of a prompt, or a variable of a resource template. */
export type Completed = { prompt: string; argument: string } | { template: string; argument: string }

/**
 * Suggests values for the text typed so far, with the best value first. `args` are the arguments that the client knows already.
 * It may return any number of values. The client gets the first hundred, and their total number.
 */
export type Completer = (
  value: string,
  args: { readonly [name: string]: string },
  ctx: Context
) => MaybePromise<readonly string[] | { values: readonly string[]; total?: number; hasMore?: boolean }>

type MaybePromise<T> = T | Promise<T>

/**
 * Returns the result, or a promise of it.
 *
 * The handler of a tool may return:
 * - a string, which is sent as text;
 * - `undefined`, which is sent as empty text, or as `null` if the tool is structured;
 * - {@link Content}, or an array with some, which is sent as it is;
 * - bytes, alone or in an array, which are sent as embedded resources;
 * - a {@link ToolResult}, which is the whole result;
 * - anything else, which is sent as JSON.
 *
 * The handler of a resource returns a string (text), bytes (a blob), {@link ResourceContents} or an array of them, or anything
 * else, which is sent as JSON. The handler of a prompt returns strings, bytes, content or {@link PromptMessage}s, one or an array.
 * If a message names no role, it is the user's.
 *
 * If the handler of a tool throws, the client receives a failed result with the error's message. If another handler throws, the
 * client receives a protocol error. Both are logged.
 *
 * Members that are `undefined` are left out. The call fails if the value has anything else that JSON cannot express:
 * - `NaN`, the infinities, bigints beyond 2^53, invalid dates;
 * - `undefined` in an array, functions, symbols, getters that throw;
 * - maps, sets, promises, generators, errors;
 * - bytes further inside of a value (the program encodes them in base64), typed arrays, blobs, responses;
 * - other objects that have no members of their own to show;
 * - cycles, and more levels than `limits.maxDepth`.
 */
export type Handler<A, R = unknown> = (args: A, ctx: Context) => R

/**
 * The return type of a tool's handler if the tool has a schema in `output`: a value of the schema, or a {@link ToolResult}. The
 * structured content of a `ToolResult` is checked at runtime. Without a schema in place, the type is any.
 */
export type Returned<O> = DeepReadonly<Given<O>> | ToolResult

type Results<O> = JsonSchema extends O ? any : MaybePromise<Returned<O>>

/** A deeply readonly type. It lets literals in handlers keep their types. */
type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T

/** A registered entry in its current state: `app.tools.get('add')`. */
export interface Entry {
  readonly name: string
  /** The definition as it was given, by the protocol's names. */
  readonly definition: { readonly [member: string]: unknown }
  readonly enabled: boolean
  /** The function as it was given, even if the entry belongs to a mounted server. */
  readonly handler: (...args: any[]) => unknown
}

/** A resource. It may be a view, which the engine answers without a handler. */
export type ResourceEntry = Omit<Entry, 'handler'> & Partial<Pick<Entry, 'handler'>>

/** Further options of content. */
export interface ContentOptions {
  annotations?: Annotations
  meta?: Meta
}

export interface LinkOptions extends ContentOptions {
  title?: string
  description?: string
  mimeType?: string
  size?: number
  icons?: Icon[]
}

/** Bytes, or their base64 text. */
export type Bytes = Uint8Array | ArrayBuffer | string

/** One block of content. If a revision does not support its kind, the client gets a text that describes it. */
export class Content {
  private constructor()
  readonly type: string
  static text(text: string, options?: ContentOptions): Content
  static image(data: Bytes, mimeType: string, options?: ContentOptions): Content
  static audio(data: Bytes, mimeType: string, options?: ContentOptions): Content
  /** A link to a resource that the client may read. */
  static link(uri: string, name: string, options?: LinkOptions): Content
  /** A resource with its contents. */
  static resource(contents: ResourceContents, options?: ContentOptions): Content
}

/** {@link Content.image} */
export function image(data: Bytes, mimeType: string, options?: ContentOptions): Content
/** {@link Content.audio} */
export function audio(data: Bytes, mimeType: string, options?: ContentOptions): Content
/** A file as content, an embedded resource. A string is its text, anything else its bytes. */
export function file(
  uri: string,
  data: string | Uint8Array | ArrayBuffer,
  mimeType?: string,
  options?: ContentOptions
): Content

/** The contents of a resource, or a part of them. A string is text, anything else bytes. */
export class ResourceContents {
  constructor(
    data: string | Uint8Array | ArrayBuffer,
    options?: { uri?: string | undefined; mimeType?: string | undefined; meta?: Meta }
  )
  /** Default: the address of the request. */
  readonly uri?: string
  readonly mimeType?: string
  readonly text?: string
  readonly blob?: string
}

/** One message of a prompt, or to the client's model. It may have several blocks. A string is text. */
export class PromptMessage {
  constructor(role: 'user' | 'assistant', content: string | Content | (string | Content)[])
  static user(content: string | Content | (string | Content)[]): PromptMessage
  static assistant(content: string | Content | (string | Content)[]): PromptMessage
  readonly role: 'user' | 'assistant'
  readonly content: Content | Content[]
}

/** The whole result of a tool. Without `content`, the text of the structured content is sent as content. */
export class ToolResult {
  constructor(result?: {
    content?: string | Content | (string | Content)[]
    structuredContent?: unknown
    /** Whether the tool failed. */
    isError?: boolean
    meta?: Meta
  })
  readonly content?: Content[]
  readonly structuredContent?: unknown
  readonly isError?: boolean
}

/** The severity of a log message for clients, in ascending order. */
export type Level = 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency'

/**
 * The context of a call: what a handler can read about its call and send during it. After the end of the call, a property is
 * `undefined` if it was not read before. Methods may be destructured: `(args, { log, progress }) => …`.
 */
export interface Context {
  /**
   * Aborted when the call has ended before this handler: it was cancelled, timed out, or will run again with answers.
   * In the last case the reason is {@link Suspended}. Listeners run in the `AsyncLocalStorage` of the call.
   */
  readonly signal: AbortSignal
  // Fields of the call, made from the engine's table.
  /** The id of the client's request. Notifications and hooks have none. */
  readonly requestId: string | number
  /** The kind of the handler's entry: `tool`, … */
  readonly kind: Kind
  /** The name of the entry: the name of a tool or a prompt, the URI or template of a resource. */
  readonly name: string
  /** The address of the resource that is being read. */
  readonly uri: string | undefined
  /** The protocol revision in force for the call. */
  readonly protocolVersion: string
  /** The client's name and version, if it sends them. */
  readonly clientInfo: { readonly name: string; readonly version: string; readonly [key: string]: unknown } | undefined
  /** The client's capabilities. */
  readonly clientCapabilities: { readonly [key: string]: unknown }
  /** The request's metadata, as sent. */
  readonly meta: { readonly [key: string]: unknown } | undefined
  /** The trace context of the request: `traceparent`, `tracestate`, `baggage`. */
  readonly trace: { readonly traceparent?: string; readonly tracestate?: string; readonly baggage?: string } | undefined
  /** The minimum level of log messages that a request of 2026-07-28 wants. */
  readonly logLevel: Level | undefined
  /** The headers of the HTTP request, with names in lower case. */
  readonly headers: { readonly [name: string]: string } | undefined
  /**
   * The principal that sent the request, if known: an object with `issuer`, `subject`, `scopes` and `roles`, and with
   * `clientId`, `claims` and `expiresAt` if they are known.
   */
  readonly principal: Principal | undefined
  /** The id of the session, if the transport has sessions. */
  readonly sessionId: string | undefined
  /** The task's id, from the time when the call becomes a task. */
  readonly taskId: string | undefined
  // End of the fields of the call.
  /** The arguments of the handler, as a copy. */
  readonly arguments: { readonly [name: string]: any }
  /**
   * An object that the middleware and the handler of this call share. They may store anything in it. It is discarded at the end
   * of the call. If a call runs again because a client of 2026-07-28 sent answers, it starts with an empty object.
   */
  readonly state: { [name: string]: any }
  /** The settings of an extension that the client declared; `undefined` if it did not. */
  extension(id: string): { readonly [setting: string]: unknown } | undefined
  /**
   * Reports the progress of the call. It is dropped if the client did not ask for progress, or if `progress` does not increase.
   */
  progress(progress: number, total?: number, message?: string): void
  /**
   * Sends a message for the client's log. `logger` names the part of the program that it comes from. The message is dropped if
   * the client asked for higher levels only. Throws a TypeError for an unknown level, and for data that JSON cannot express.
   */
  log(level: Level, data: unknown, options?: { logger?: string }): void
  /** Sets the status text of the task that this call is. If the call is no task, it does nothing. */
  setStatus(text: string): void
  /**
   * Turns the call of a tool with `deferTask` into a task. Returns whether the call is a task now. The client gets the task at
   * once. Clients that poll the task get later questions, and the handler waits for the answers. If the client does not support
   * tasks, its call is answered as usual. Throws an {@link AskError} while a question of the call waits for its answer, and if
   * no further task is allowed.
   */
  startTask(): boolean
  /**
   * Makes a principal that of this client, from its next request on. It works where one connection is one client: standard input
   * and output, sockets with lines, WebSocket, and clients in the process. A tool that checks a password may call it. Over HTTP it
   * throws an error with the code `TENON_STATE`, because each request needs its own credentials there.
   */
  login(principal: string | PrincipalOptions): void
  /**
   * Ends the response that the client waits for. The call continues, and its stream stays resumable. The client reconnects for
   * the rest after `streamRetry`, so a long call holds no connection. Messages that are sent meanwhile wait for the client.
   *
   * Returns `true` if the client will reconnect. Otherwise it returns `false` and does nothing: outside of HTTP sessions of
   * 2025-11-25, if the client takes no stream, or if the response is closed already.
   */
  closeStream(): boolean
  /**
   * Sends the client a custom notification, on the stream of this call. A client of 2026-07-28 gets such
   * notifications only there. The notification is dropped if the client takes no stream, or does not read. Throws a TypeError
   * for parameters that JSON cannot express, and an error if the protocol defines the name.
   */
  notify(method: string, params?: { readonly [name: string]: unknown }): void
  /**
   * Asks the user of the client to fill in a form of flat primitive fields. Rejects with an {@link AskError} if the
   * client cannot be asked, or if the validator of a library's schema refuses the answer.
   *
   * Some clients answer in a second request. The handler then runs again from its start, and its earlier questions are answered
   * at once. Code before the last question must therefore be safe to repeat, or run in {@link once}. The first run ends by a
   * rejection with {@link Suspended}.
   */
  elicit<const S extends JsonSchema>(message: string, schema: S, options?: AskOptions): Promise<Answer<Infer<S>>>
  /**
   * Asks the user of the client to visit a page, to enter data that no form may ask for. The address must not contain
   * secrets. If the user accepts, the page is opened. This does not mean that the user did anything there.
   */
  elicitUrl(message: string, url: string | URL, options?: ElicitUrlOptions): Promise<{ action: 'accept' | 'decline' | 'cancel' }>
  /**
   * Ends the call because the user must visit pages first. The promise never resolves. A client with a session gets the pages,
   * and repeats the call later by itself. A client of 2026-07-28 is asked, and asked again until the handler no longer requires
   * it.
   */
  requireUrls(...pages: { message: string; url: string | URL; elicitationId?: string }[]): Promise<never>
  /**
   * Asks the client's model. `messages` is a text of the user, one message, or a list of messages in order. A string in the
   * list is a message of the user. {@link elicit} describes how and when it is answered.
   */
  sample(messages: string | SamplingMessage | readonly (string | SamplingMessage)[], options: SampleOptions): Promise<Sampled>
  /** Asks for the directories that the user works in. They are guidance and restrict nothing. */
  roots(options?: AskOptions): Promise<{ readonly uri: string; readonly name?: string }[]>
  /**
   * Runs `effect` once, even if the handler runs again with the answers to its questions. The result of `effect` is kept under
   * `key` as JSON, and returned in this and later runs of the call. An error that it throws is not kept. A client of 2026-07-28
   * carries the results, sealed, so all of them together must fit `limits.maxStateBytes`.
   */
  once<T>(key: string, effect: () => T | Promise<T>): Promise<T>
  /** The cache of values of the handler's server, for the program. */
  readonly cache: ValueCache
  /**
   * A limit of the program's own, from the setting `limiters` of the handler's server. Throws an error with the code
   * `TENON_NOT_FOUND` if the setting does not have the name.
   */
  limiter(name: string): Limiter
  /**
   * A circuit breaker of the program's own, from the setting `breakers` of the handler's server. Throws an error with the code
   * `TENON_NOT_FOUND` if the setting does not have the name.
   */
  breaker(name: string): Breaker
}

/** A limit of the program's own, for example of the calls of a service that it uses. The state is kept in the process. */
export interface Limiter {
  /** Takes one call from the allowance. Returns 0, or the milliseconds until one can be taken if none can be taken now. */
  tryAcquire(): number
  /**
   * Takes one call from the allowance, and waits for it if necessary. The timeout of the call bounds the time. Rejects with an
   * `AbortError` if the call ends meanwhile.
   */
  acquire(): Promise<void>
  /**
   * Tells the limiter what the service says about its own limit: the headers of a response, as `Headers` or as an object.
   * These headers count, in any case, and also without `X-`:
   *
   * - `X-RateLimit-Remaining`: the calls that are left until the reset. If none is left, no call is made until then.
   * - `X-RateLimit-Reset`: when that changes, in seconds from now or as a time since 1970. Without it, that is after the time
   *   of the limiter.
   * - `X-RateLimit-Limit`: the calls that the service allows after the reset.
   * - `Retry-After`: seconds, or a date. No call is made until then.
   *
   * Other headers, and values that cannot be understood, are ignored. No header stops calls for more than a day.
   */
  feed(headers: Iterable<readonly [string, string]> | { readonly [name: string]: unknown }): void
}

/** A circuit breaker of the program's own, for example around a service that it uses. The state is kept in the process. */
export interface Breaker {
  /** Lets a call pass. Throws a {@link BreakerOpen} if none may pass now. A probe that records nothing does not count after `openFor`. */
  allow(): BreakerPermit
  /**
   * Calls a function, and awaits its result. Rejects with a {@link BreakerOpen} if no call may pass now. An error counts as a
   * failure, except {@link NotFound}, {@link ArgumentError}, {@link Suspended} and an `AbortError`, also among its causes.
   */
  run<T>(call: () => T | Promise<T>): Promise<T>
}

/** The permission for one call of what a breaker protects. */
export interface BreakerPermit {
  /** Records whether the call succeeded; `undefined`: it does not count. Only the first record counts. */
  record(succeeded: boolean | undefined): void
}

/**
 * A cache of values for the program: JSON by keys that the program chooses. All callers share it, so a key must name whatever a
 * value depends on, such as the caller. The state is kept in the process, within the limits `maxCachedValues` and
 * `maxCachedBytes`.
 */
export interface ValueCache {
  /** The value of a key; `undefined` if there is none that is not too old. */
  get(key: string): any
  /** Keeps a value for `ttl` milliseconds, unless it is larger than the cache. */
  put(key: string, value: unknown, ttl: number): void
  /**
   * The value of a key. If there is none, `produce` is called, and its result is kept for `ttl` milliseconds. Of the calls that
   * want one key at the same time, one calls its function and the others wait. If the function throws, they all get the error,
   * which is not kept. If its call ends before, another one calls its own function. A function that asks for its own key fails.
   */
  getOrSet<T>(key: string, ttl: number, produce: () => T | Promise<T>): Promise<T>
  /** Removes the value of a key. Returns whether there was one. */
  delete(key: string): boolean
  /** Removes all values. */
  clear(): void
}

export interface AskOptions {
  /** The name of the question within its call. Default: its ordinal. Name questions whose order may vary. */
  key?: string
}

export interface ElicitUrlOptions extends AskOptions {
  /** The name of the visit, so that {@link Server.elicitationComplete} can report its end. */
  elicitationId?: string
}

/** A message to the client's model. */
export type SamplingMessage = PromptMessage | { role: 'user' | 'assistant'; content: unknown }

/** The parameters of a question to the client's model, by the protocol's names. */
export interface SampleOptions extends AskOptions {
  /** The maximum number of tokens of the answer. */
  maxTokens: number
  systemPrompt?: string
  temperature?: number
  stopSequences?: string[]
  modelPreferences?: {
    hints?: { name?: string }[]
    /** From 0 to 1, like the other priorities. */
    costPriority?: number
    speedPriority?: number
    intelligencePriority?: number
  }
  includeContext?: 'none' | 'thisServer' | 'allServers'
  /** Tools that the model may call. The client must have declared that it supports them. */
  tools?: { name: string; description?: string; inputSchema: JsonSchema }[]
  toolChoice?: { mode?: 'auto' | 'required' | 'none' }
  metadata?: { readonly [key: string]: unknown }
  meta?: Meta
}

/** The answer of the client's model. */
export interface Sampled {
  readonly role: 'user' | 'assistant'
  /** One block, or several. */
  readonly content: SampledBlock | SampledBlock[]
  readonly model: string
  readonly stopReason?: string
  /** The text of the text blocks, one after the other. */
  readonly text: string
}

export type SampledBlock = { readonly type: string; readonly [member: string]: any }

export type Answer<T> =
  | { action: 'accept'; content: T }
  /** The user declined, or closed the form without a choice. */
  | { action: 'decline' | 'cancel'; content?: undefined }

/**
 * The arguments of a call are not valid for its handler. They are refused in the same way as arguments that do not fit the
 * schema, in every revision. The message states which and why. Its recommended form is `/place/in/them: reason`. The issues of
 * a library's validator also become an `ArgumentError`, which middleware sees.
 */
export class ArgumentError extends Error {
  constructor(message: string, options?: ErrorOptions)
  readonly name: 'ArgumentError'
}

/** A question was not asked or not answered. A handler that needs the answer should not catch it. */
export class AskError extends Error {
  readonly name: 'AskError'
  /**
   * `unsupported`: the client cannot be asked. `invalid`: the question is invalid. `failed`: the client cannot be reached,
   * reported a failure, or its answer does not fit. `ended`: the call has ended.
   */
  readonly code: 'unsupported' | 'invalid' | 'failed' | 'ended'
}

/** A protocol error with its own code, from a handler of any kind. `data` is a JSON value, or left out. */
export class McpError extends Error {
  constructor(code: number, message: string, data?: unknown)
  readonly name: 'McpError'
  readonly code: number
  readonly data?: unknown
}

/**
 * The requested thing does not exist. The client gets a protocol error with the code of its revision, and with the requested
 * address as its data. A tool has a failed result instead. The text says that `what` was not found, or that address.
 */
export class NotFound extends Error {
  constructor(what?: string, options?: ErrorOptions)
  readonly name: 'NotFound'
}

/** A failure whose text is meant for the client, even if errors are masked. */
export class ToolError extends Error {
  constructor(message: string, options?: ErrorOptions)
  readonly name: 'ToolError'
}

/**
 * A circuit breaker of the program's own lets no call pass now. If a handler does not catch it, its call fails with this text.
 */
export class BreakerOpen extends Error {
  constructor(message: string, retryAfter: number)
  readonly name: 'BreakerOpen'
  /** The milliseconds until a call may pass. */
  readonly retryAfter: number
}

/**
 * Ends this run of a handler whose question was sent to a client that will answer in a second request. This is not a
 * failure. Clean up in `finally`, and let this error propagate, as it is or as the `cause` of another error. The client
 * gets the question when the handler has settled, at the latest after one second. If a handler catches this error and
 * continues, the handler's outcome is sent, and its questions are not.
 */
export class Suspended extends Error {
  readonly name: 'Suspended'
}

/**
 * A descriptor: its number, or an object that has one, such as a `net.Server` or a `net.Socket`. It is duplicated, and becomes
 * non-blocking.
 */
export type Descriptor = number | object

// Transports and their options, made from the engine's tables.

/** The options of `http`. */
export type HttpOptions = {
  /**
   * The path of the endpoint, percent-encoded as in a request. Default: `/mcp` for `http`, `/ws` for `websocket`, and `/sse`
   * for `sse`, whose messages are posted to `messages` beside it. It is accepted with and without a slash at its end.
   */
  path?: string
  /**
   * The host names, without port, that requests may name besides loopback hosts. If no name is set, a loopback address
   * accepts only loopback hosts. Any other address, and the program's own HTTP server, accepts any host. On an address of
   * `http`, `websocket` and `sse` have the hosts and origins of `http`, unless hosts or origins are set for them. The start
   * fails if a name is not a valid host.
   */
  allowedHosts?: string[]
  /**
   * The origins (`scheme://host[:port]`) whose web pages may send requests. `*` means every origin, and `null` means pages
   * that have no origin. Pages of loopback hosts may always send requests to a loopback address, and to the program's own
   * HTTP server if the request names a loopback host. Other pages are answered with 403. The start fails if a text is not a
   * valid origin.
   */
  allowedOrigins?: string[]
  /**
   * The request headers that pages of allowed origins may send. The headers of the protocol, `Authorization`, `Content-Type`
   * and `Accept` are always allowed. `*` means every header. A browser asks for these headers in a CORS preflight, and does
   * not send a header that is not allowed. On an address of `http`, those of `sse` are added to those of `http`, unless
   * hosts or origins are set for `sse`. The start fails if a text is not a valid header name.
   */
  allowedHeaders?: string[]
} & (
  | {
      /** The host name or the IP address to bind. Default: `127.0.0.1`. */
      host?: string
      /**
       * The port; 0 for a free one. Without a port, `websocket` and `sse` are served on a path of the first address of
       * `http`. In Python, the default of `http` is 8000.
       */
      port: number
    }
  | {
      /** The path of a Unix socket to listen on, instead of host and port. It has at most 107 bytes. */
      unix: string
      /**
       * The permissions of the socket's file, independent of the process's umask. Users that may write to the file may
       * connect. Default: `0o600`, only the user that the server runs as. The largest value is `0o777`. Other addresses have
       * no file.
       */
      mode?: number
    }
  | {
      /**
       * A listening socket of the program, TCP or Unix, instead of host and port. It is duplicated, and becomes
       * non-blocking, even for other processes that share it.
       */
      socket: Descriptor
    }
)

/** The options of `unix`. */
export interface UnixOptions {
  /** The path of the socket, at most 107 bytes. */
  path: string
  /**
   * The permissions of the socket's file, independent of the process's umask. Users that may write to the file may connect.
   * Default: `0o600`, only the user that the server runs as. The largest value is `0o777`. Other addresses have no file.
   */
  mode?: number
}

/** The options of `websocket`. */
export interface WebOptions {
  /** The host name or the IP address to bind. Default: `127.0.0.1`. */
  host?: string
  /**
   * The port; 0 for a free one. Without a port, `websocket` and `sse` are served on a path of the first address of `http`.
   * In Python, the default of `http` is 8000.
   */
  port?: number
  /**
   * The path of the endpoint, percent-encoded as in a request. Default: `/mcp` for `http`, `/ws` for `websocket`, and `/sse`
   * for `sse`, whose messages are posted to `messages` beside it. It is accepted with and without a slash at its end.
   */
  path?: string
  /**
   * The host names, without port, that requests may name besides loopback hosts. If no name is set, a loopback address
   * accepts only loopback hosts. Any other address, and the program's own HTTP server, accepts any host. On an address of
   * `http`, `websocket` and `sse` have the hosts and origins of `http`, unless hosts or origins are set for them. The start
   * fails if a name is not a valid host.
   */
  allowedHosts?: string[]
  /**
   * The origins (`scheme://host[:port]`) whose web pages may send requests. `*` means every origin, and `null` means pages
   * that have no origin. Pages of loopback hosts may always send requests to a loopback address, and to the program's own
   * HTTP server if the request names a loopback host. Other pages are answered with 403. The start fails if a text is not a
   * valid origin.
   */
  allowedOrigins?: string[]
}

/** The options of `sse`. */
export interface SseOptions {
  /** The host name or the IP address to bind. Default: `127.0.0.1`. */
  host?: string
  /**
   * The port; 0 for a free one. Without a port, `websocket` and `sse` are served on a path of the first address of `http`.
   * In Python, the default of `http` is 8000.
   */
  port?: number
  /**
   * The path of the endpoint, percent-encoded as in a request. Default: `/mcp` for `http`, `/ws` for `websocket`, and `/sse`
   * for `sse`, whose messages are posted to `messages` beside it. It is accepted with and without a slash at its end.
   */
  path?: string
  /**
   * The host names, without port, that requests may name besides loopback hosts. If no name is set, a loopback address
   * accepts only loopback hosts. Any other address, and the program's own HTTP server, accepts any host. On an address of
   * `http`, `websocket` and `sse` have the hosts and origins of `http`, unless hosts or origins are set for them. The start
   * fails if a name is not a valid host.
   */
  allowedHosts?: string[]
  /**
   * The origins (`scheme://host[:port]`) whose web pages may send requests. `*` means every origin, and `null` means pages
   * that have no origin. Pages of loopback hosts may always send requests to a loopback address, and to the program's own
   * HTTP server if the request names a loopback host. Other pages are answered with 403. The start fails if a text is not a
   * valid origin.
   */
  allowedOrigins?: string[]
  /**
   * The request headers that pages of allowed origins may send. The headers of the protocol, `Authorization`, `Content-Type`
   * and `Accept` are always allowed. `*` means every header. A browser asks for these headers in a CORS preflight, and does
   * not send a header that is not allowed. On an address of `http`, those of `sse` are added to those of `http`, unless
   * hosts or origins are set for `sse`. The start fails if a text is not a valid header name.
   */
  allowedHeaders?: string[]
}

/** The options of `embedded`. */
export interface EmbedOptions {
  /**
   * The host names, without port, that requests may name besides loopback hosts. If no name is set, a loopback address
   * accepts only loopback hosts. Any other address, and the program's own HTTP server, accepts any host. On an address of
   * `http`, `websocket` and `sse` have the hosts and origins of `http`, unless hosts or origins are set for them. The start
   * fails if a name is not a valid host.
   */
  allowedHosts?: string[]
  /**
   * The origins (`scheme://host[:port]`) whose web pages may send requests. `*` means every origin, and `null` means pages
   * that have no origin. Pages of loopback hosts may always send requests to a loopback address, and to the program's own
   * HTTP server if the request names a loopback host. Other pages are answered with 403. The start fails if a text is not a
   * valid origin.
   */
  allowedOrigins?: string[]
  /**
   * The request headers that pages of allowed origins may send. The headers of the protocol, `Authorization`, `Content-Type`
   * and `Accept` are always allowed. `*` means every header. A browser asks for these headers in a CORS preflight, and does
   * not send a header that is not allowed. On an address of `http`, those of `sse` are added to those of `http`, unless
   * hosts or origins are set for `sse`. The start fails if a text is not a valid header name.
   */
  allowedHeaders?: string[]
}

/** The transports of a server. */
export interface Transports {
  /**
   * Standard input and output, for one client. In Python and Node they are also served if no transport is named. Meanwhile,
   * what handlers print goes to standard error. A pair of descriptors, input and output, is served instead of the standard
   * ones. They are duplicated.
   */
  stdio?: boolean | [Descriptor, Descriptor]
  /**
   * Streamable HTTP, for both eras of the protocol: a port, `host:port`, `host:port/path`, `unix:path` for HTTP on a Unix
   * socket, or options.
   */
  http?: number | string | HttpOptions
  /**
   * Lines, as on `stdio`, on a Unix socket, for any number of clients: the path of the socket, or options. Only this user
   * may access its file, unless `mode` is set. The file replaces one that was left behind, and is removed at the end of the
   * server.
   */
  unix?: string | UnixOptions
  /**
   * Lines on a socket of the program, TCP or Unix, or on each of a list of sockets. A listening socket is served like
   * `unix`, and its file is not removed. A connected socket is one more client, and the server ends with the last of the
   * connected sockets. Sockets are duplicated, and become non-blocking.
   */
  socket?: Descriptor | Descriptor[]
  /**
   * WebSocket, with one message per text frame: a port, `host:port`, `host:port/path`, or options. A path alone, such as
   * `/ws`, is a path of the first address of `http`.
   */
  websocket?: number | string | WebOptions
  /** HTTP+SSE, the transport of revision 2024-11-05, for clients that support no other. It takes the same as `websocket`. */
  sse?: number | string | SseOptions
  /**
   * Requests that the program's own HTTP server passes on. In Node it is needed only beside other transports, because the
   * first request starts a server that has no transport.
   */
  embedded?: boolean | EmbedOptions
}

// End of the transports.

/** The options of `listen()`. */
export interface ListenOptions extends Transports {
  /**
   * The server controls the process. The first SIGINT or SIGTERM closes the server. If a close is in progress already, the
   * signal ends it at once. A second signal ends the process at once with 128 + its number. If the server ends other than by
   * `close()` alone, the process ends a quarter of a second later, whatever still runs in it. The exit code is 130 if SIGINT
   * arrived, otherwise `process.exitCode` or 0. Default: no, so that signals act as in any Node program. Refused in workers.
   */
  signals?: boolean
}

export interface HandlerOptions<Request = IncomingMessage> extends EmbedOptions {
  /**
   * Returns the principal of a request, such as the user that a middleware has found, or a promise of it: a string, or an object
   * with scopes and roles. `undefined` and `null` mean that the sender is anonymous. Sessions belong to the principal that opened
   * them, and handlers read it as `ctx.principal`. If the setting `auth` is set too, it verifies the credentials of requests for
   * which the function returns nothing.
   *
   * The function is called after the checks of method, host and origin, and before the body is read. If it throws, or returns
   * an empty string or a value of another type, the request gets status 500. The log has the reason, and the client has it only
   * if errors are not masked. If it takes longer than `storeTimeout`, the request gets 503.
   */
  principal?: PrincipalFunction<Request>
}

/** A principal that the program found; nothing if the sender is anonymous. */
export type FoundPrincipal = string | PrincipalOptions | null | undefined

/** Finds the principal of a request; see `HandlerOptions`. */
export type PrincipalFunction<Request> = (
  request: Request,
  details: PrincipalDetails
) => FoundPrincipal | PromiseLike<FoundPrincipal>

export interface PrincipalDetails {
  /** Aborted if the client leaves, or if the function has taken too long. */
  readonly signal: AbortSignal
}

/**
 * Answers requests of `node:http`, Express and Fastify. The calls, streams and bytes of a client count towards the share of its
 * address (`maxAddressCalls` and the others). The address is the framework's `ip` or that of the socket.
 */
export interface RequestHandler {
  (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void
  /** For Fastify, whose requests and replies are recognized by their `raw`. */
  (request: { raw: IncomingMessage; body?: unknown }, reply: { raw: ServerResponse; hijack(): unknown }): void
}

export interface FetchOptions {
  /** The principal of the request, or the function that finds it; see `HandlerOptions`. */
  principal?: FoundPrincipal | PrincipalFunction<Request>
  /**
   * The IP address of the client, without port, if the program knows it. The calls, streams and bytes of the client count
   * towards the share of this address (`maxAddressCalls` and the others). Without an address, only the limits of the whole
   * server apply.
   */
  address?: string | undefined
}

export interface Listening {
  /** The URL of the HTTP endpoint. */
  url: string | undefined
  /** The URL of WebSocket. */
  websocketUrl: string | undefined
  /** The URL of the event stream of HTTP+SSE. */
  sseUrl: string | undefined
}

/** The input of a tool without `input`. */
type NoArguments = { readonly type: 'object'; readonly properties: {}; readonly additionalProperties: false }

/** The sources of {@link Settings}. */
export interface SettingsOptions {
  /**
   * The settings file, whose name ends with `.toml` or `.json`. It has at most 1 MiB. In its texts, `${NAME}` stands for the
   * value of a variable, and `${NAME:-text}` has a default.
   */
  file?: string
  /** A file with lines `NAME=VALUE`: further variables. Variables of the process count more. */
  dotenv?: string
  /**
   * The beginning of the names of variables that are settings. Default `"TENON"`, as in `TENON_LIMITS__MAX_CALLS`. If it is
   * empty, variables are no source of settings.
   */
  prefix?: string
  /**
   * The sections of the program: a JSON Schema for each name. A library's schema may stand there if it provides its JSON
   * Schema. Values are checked by the JSON Schema only. A property with `writeOnly: true` or `format: 'password'` is secret.
   */
  sections?: { readonly [name: string]: JsonSchema }
  /** Values of code, by their dotted keys. They replace those of all other sources. */
  values?: { readonly [key: string]: unknown }
}

/**
 * The settings of a program: of its server, the limits, the transports, and the program's own sections. They come from a file,
 * from variables of the environment, and from code, and the later source counts. The sections are `server`, `limits` and
 * `serve`, with the names of a settings file, such as `limits.max_calls`. Times are in seconds.
 *
 * The constructor, `writeDefault`, `set`, `save` and `reload` read or write files, so they block. An object belongs to the thread
 * that made it. Errors have a `code`: `TENON_INVALID` if a name or a value is wrong, with the source, the value and the nearest
 * known name; `TENON_NOT_FOUND` or `TENON_IO` if a file cannot be read.
 */
export class Settings {
  /** Reads all sources and checks all values. Without options, only variables are read. */
  constructor(options?: SettingsOptions)
  /** Writes a TOML file that has every setting as a comment. Throws `TENON_IO` if there is a file. */
  static writeDefault(path: string): void
  /**
   * The value of a setting, by its dotted key. `undefined` if it is not set; a limit always has a value. A secret that is set is
   * `true`. Throws `TENON_NOT_FOUND` if there is no such setting.
   */
  get<T = unknown>(key: string): T | undefined
  /** Where the value of a setting comes from: a line of a file, a variable, or `code`. `undefined` if it is not set. */
  source(key: string): string | undefined
  /** Sets a value in code, by its dotted key. `null` removes it again. If the value is wrong, this throws, and nothing changes. */
  set(key: string, value: unknown): this
  /**
   * Writes the values that `set` has set into the file. Everything else in the file stays as it is, with its comments. Throws
   * `TENON_STATE` if the settings have no file, and `TENON_INVALID` if a secret was set, because secrets are not written.
   */
  save(): void
  /**
   * Reads all sources again, and applies them to the servers that were made with these settings: all changes at once. Not every
   * setting can change while a server exists: the tables of settings and limits in the documentation mark those that can. Throws
   * `TENON_STATE` if another one differs; the message names it. After an error nothing has changed. With `signals`, SIGHUP does
   * the same.
   */
  reload(): void
  /** The JSON Schema of a settings file, with the sections of the program. */
  schema(): Record<string, unknown>
}

/** An MCP server. It opens nothing until `listen`, and keeps the process alive while it listens. */
/** What applies to an entry. */
export interface EntryPolicies {
  /** The policies that are set. */
  readonly policies: { readonly [policy: string]: unknown }
  /** The names of those that are switched off. */
  readonly switchedOff: readonly string[]
  /** The state of the policies that have one. */
  readonly state: PolicyState
}

/** The state of the policies of an entry. */
export interface PolicyState {
  /** The calls that run, and those that wait. */
  readonly maxConcurrency?: { readonly running: number; readonly waiting: number }
  /** The circuits with failures, and how many of them are open. */
  readonly circuitBreaker?: { readonly circuits: number; readonly open: number }
  /** How many retries are left. */
  readonly retry?: { readonly left: number }
  /** The results that are kept, and their size. */
  readonly cache?: { readonly entries: number; readonly bytes: number }
  /**
   * Each limit, and what is left of it. That is `null` if each caller has an allowance of its own, or if the store does not
   * answer at once.
   */
  readonly rateLimit?: readonly { readonly limit: string; readonly left: number | null }[]
}

/** The policies that can change while the server runs; `null` removes one. */
export type ChangedPolicies = {
  readonly [P in 'timeout' | 'maxConcurrency']?: CommonPolicies[P] | null
} & {
  readonly [P in 'maxConcurrencyBy' | 'rateLimit' | 'circuitBreaker' | 'retry' | 'cache']?: CallPolicies[P] | null
}

/**
 * Shows the policies of entries with their state, and changes them, also while the server runs. Names are those that the
 * entries were registered under. The methods throw if there is no such entry, or if a policy is unknown, wrong, or cannot change;
 * then nothing has changed. In a server that is mounted, this is about the server's own entries, and not about those of the
 * server that is served.
 */
export interface PolicyControl {
  /** What applies to an entry; `undefined` if there is no such entry. */
  of(kind: Kind, name: string | Completed): EntryPolicies | undefined
  /**
   * Changes policies: `change('tool', 'fetch', { rateLimit: '10/min', cache: null })`. Calls that have begun end under their
   * former policies. A policy that has not changed keeps its state.
   */
  change(kind: Kind, name: string | Completed, policies: ChangedPolicies): void
  /** Switches a policy off, so that it does not apply until it is enabled. Its state is dropped. */
  disable(kind: Kind, name: string | Completed, policy: keyof ChangedPolicies): void
  /** Switches a policy on again. It begins anew. */
  enable(kind: Kind, name: string | Completed, policy: keyof ChangedPolicies): void
  /**
   * Clears the state of a policy, or of all policies of the entry: results are removed, circuits close, retries are available
   * again, and allowances begin anew in this process. Calls that run and wait are not concerned.
   */
  clear(kind: Kind, name: string | Completed, policy?: keyof ChangedPolicies): void
}

export class Server {
  constructor(options: ServerOptions)
  constructor(options: Partial<ServerOptions> & { settings: Settings | string })
  /** Registers a tool, at any time. Throws if the name is taken, the definition is invalid, or the handler is a generator. */
  tool<
    const S extends JsonSchema = NoArguments,
    const O extends JsonSchema = JsonSchema,
    const R extends Results<O> = any
  >(name: string, options: ToolOptions<S, O>, handler: Handler<Arguments<S>, R>): this
  tool(name: string, handler: Handler<Record<string, never>>): this
  /**
   * Registers a resource, at any time. It is registered by its URI, or by a template (RFC 6570) for all addresses that match.
   * The handler gets the template's variables. It throws {@link NotFound} if there is nothing at an address.
   */
  resource<const T extends string>(uri: T, options: ResourceOptions, handler: Handler<Variables<T>>): this
  resource<const T extends string>(uri: T, handler: Handler<Variables<T>>): this
  /** Registers resources that a program lists and reads itself, such as the rows of a table. */
  resourceProvider<const T extends string>(template: T, options: ResourceProviderOptions<T>): this
  /**
   * Registers a view: an HTML document that hosts of MCP Apps show in a frame of its own, next to the results of tools whose
   * `ui` names it. `uri` starts with `ui://`. `html` is the document, or a folder. The `index.html` of a folder becomes the
   * document. All files that it loads from the folder (scripts, style sheets, images, fonts, media) are put into it, because a
   * frame has no address to load from. The folder is read once, during this call. Symbolic links are not followed. Scripts with
   * imports of their own must be bundled before.
   *
   * Tools may name the view before it is registered. A server does not listen while a tool names a view that is not registered.
   */
  ui(uri: string, html: string | { folder: string }, options?: UiOptions): this
  /**
   * Serves a folder of skills, in every revision. It may be called for several folders. Each folder in it that has a `SKILL.md`
   * is a skill, with all files in and below it. Other folders group skills. Clients get skills by `skills/list`, `skills/get`
   * and `resources/directory/read`. They read the files as resources at `skill://…`.
   *
   * A `SKILL.md` begins with front matter: YAML between two lines of `---`. In it, `name` is the name of the folder, and
   * `description` says what the skill is for. A skill has at most 512 files and 16 MiB. Symbolic links are refused. Names that
   * begin with a dot are left out. Throws if a skill is invalid. The folder is read again whenever a client asks. A skill that
   * has become invalid since then is left out, and the log has the reason. This method reads files, so it blocks.
   */
  skills(folder: string): this
  /**
   * Serves a fixed page. The server's HTTP addresses return the page for GET and HEAD requests of one path, and no
   * handler runs. The page may be a client of the server in a browser, for example. It replaces an existing page with
   * this path, at any time. `path` is matched exactly as it is in a request: percent-encoded, without query. A string
   * is sent as UTF-8. `handler()` and `fetch()` do not serve pages, because the program around them has paths of its
   * own. Pages of a mounted server are not mounted.
   *
   * Responses have an `ETag`, by which browsers check whether the page has changed. The response tells browsers not to
   * guess another type. A request may name the hosts of the address. Only pages of the same address, and of origins
   * that may call the server, may show the page in a frame. Anyone who reaches the address can read the page. A page of
   * an address that others can reach may call the server only if its origin is in `allowedOrigins`. A page of a
   * loopback address may always call it.
   *
   * Throws if the path or the type is invalid, the page is too large (`maxPageBytes`), there are too many (`maxPages`), or MCP
   * is served under the path. If the path of MCP is not known yet, `listen` rejects.
   */
  page(path: string, body: string | Uint8Array, options?: PageOptions): this
  /** Removes a page. `false` if there is none under this path. */
  removePage(path: string): boolean
  /** Registers a prompt, at any time. */
  prompt<const A extends PromptArguments>(name: string, options: PromptOptions<A>, handler: Handler<PromptInput<A>>): this
  prompt(name: string, handler: Handler<Record<string, never>>): this
  /**
   * Registers suggestions for an argument of a prompt, or for a variable of a resource template. If the server runs already,
   * the prompt or template must exist when this is called. Otherwise it must exist when the server starts, or else `listen`
   * rejects.
   */
  completion(options: Completed & EntryOptions & AccessPolicies & CallPolicies, handler: Completer): this
  /** Registers a custom request. The handler returns an object, or nothing. */
  method<const S extends JsonSchema = object>(
    name: string,
    options: ArgumentOptions<S> & EntryOptions & AccessPolicies & CallPolicies & StatePolicies & SensitivePolicies & { description?: string },
    handler: Handler<Arguments<S>>
  ): this
  method(name: string, handler: Handler<any>): this
  /** Registers a custom notification, which is not answered. */
  notification<const S extends JsonSchema = object>(
    name: string,
    options: ArgumentOptions<S> & EntryOptions & AccessPolicies & { description?: string },
    handler: Handler<Arguments<S>>
  ): this
  notification(name: string, handler: Handler<any>): this
  /**
   * Replaces the engine's handling of one of the protocol's methods: lists, reads, calls … The handler returns the result
   * object.
   */
  replace(method: string, handler: Handler<any>): this
  /** Calls `handler` whenever the event `hook` happens. */
  on(hook: Hook, handler: Handler<any>): this
  /**
   * Registers middleware around operations. Without `operations` it runs around calls of tools, reads of resources, prompts and
   * completions. The middleware that was registered first is the outermost. It cannot be removed.
   *
   * Middleware sees only valid calls: the entry is registered, and the arguments fit. It also sees views and skills, which the
   * engine answers. If a list has middleware, it is no longer answered while JavaScript is busy. `next()` resolves to the
   * result of a list as an object. Throws for operations that do not exist, and for those that only the engine answers.
   */
  middleware(middleware: Middleware): this
  middleware(operations: Operation | readonly Operation[], middleware: Middleware): this
  /**
   * Sets the function that finds the principal of credentials which no verifier of the option `auth` accepts. From then on,
   * callers without a principal are refused, unless the option `anonymous` allows them.
   *
   * It is called if a request has a bearer token or one of the `headers`. It returns the principal, or null or false if it does
   * not accept the credentials; the request is then refused with 401. The answer is kept for `limits.tokenCacheTime`, by the
   * token and the headers. If it throws, returns something else, or takes longer than `limits.storeTimeout`, the request is
   * refused with 503, and only the log says why. The verifier of a mounted server is not used.
   *
   * Throws `TENON_STATE` if the server has a verifier, or runs already.
   */
  verifier(verifier: VerifierFunction): this
  verifier(options: { headers?: readonly string[] }, verifier: VerifierFunction): this
  /**
   * Sets the function that decides whether a call is permitted, after scopes and roles. It returns true, false, or the reason of
   * a refusal, which the client gets. It is also called for subscriptions to resources, with the kind and the address as for a
   * read. Its answers are kept for `limits.authorizerCacheTime`, 0 by default. If it throws, returns something else, or takes
   * longer than `limits.storeTimeout`, the call is refused, and only the log says why. A server with an authorizer
   * cannot be mounted.
   *
   * Throws `TENON_STATE` if the server has an authorizer, or runs already.
   */
  authorizer(authorizer: Authorizer): this
  /**
   * Sets the function that decides which entries exist for a caller, after scopes and roles. It returns true or false. An entry
   * that does not exist for a caller is in no list, and calls, completions and subscriptions fail as if it were not registered.
   *
   * The answers are kept for `limits.visibleCacheTime`, by principal and entry. If it throws, returns something else, or takes
   * longer than `limits.storeTimeout`, the request is refused, and only the log says why. A server with such a function
   * cannot be mounted.
   *
   * Throws `TENON_STATE` if the server has such a function, or runs already.
   */
  visible(visible: Visible): this
  /** Removes an entry. Calls in flight continue. Returns `false` if there is none of this name. */
  remove(kind: 'completion', name: Completed): boolean
  remove(kind: Exclude<Kind, 'completion'>, name: string): boolean
  /**
   * Shows an entry that was disabled, or the entries that were disabled by tags. An entry stays hidden if another of its tags
   * is disabled, or if it was disabled by its name. Returns `false` if there is no such entry.
   */
  enable(what: { tags: Iterable<string> }): boolean
  enable(kind: 'completion', name: Completed): boolean
  enable(kind: Exclude<Kind, 'completion'>, name: string): boolean
  /**
   * Hides an entry, as if it were not registered. With tags it hides every entry with one of these tags, including
   * entries that are registered later. Calls in flight continue. Returns `false` if there is no such entry.
   */
  disable(what: { tags: Iterable<string> }): boolean
  disable(kind: 'completion', name: Completed): boolean
  disable(kind: Exclude<Kind, 'completion'>, name: string): boolean
  /** Shows the policies of entries with their state, and changes them, also while the server runs. */
  readonly policies: PolicyControl
  /** The registered entries of a kind, by name, in order of registration. */
  entries(kind: Exclude<Kind, 'resource'>): Map<string, Entry>
  entries(kind: Kind): Map<string, ResourceEntry>
  /** The tools, by name. */
  readonly tools: Map<string, Entry>
  /** The settings from which the server was built. `undefined` without the option `settings`. */
  readonly settings: Settings | undefined
  /**
   * Mounts another server: its entries become entries of this one. Tools and prompts appear as `prefix_name`. Resources and
   * templates appear as `scheme://prefix/rest`, or as `scheme:prefix/rest` if an address has no authority. Their completions
   * are mounted too. Later changes in the other server also show here: entries that it registers, removes, enables or disables,
   * and updates of its resources. Mounts may be nested, and one server may be mounted in several. `prefix` has letters, digits
   * and hyphens. Without a prefix, names and addresses stay as they are.
   *
   * A call of a mounted entry is a call of this server. This server's limits, middleware, `mapError` and `maskErrors` apply.
   * The context has the name and the address that the client used. Of the hooks of the other server, only `start` and `stop`
   * are mounted. Its name and settings, methods and notifications, and its skills are not mounted. If this server is served
   * already, the other one starts at once, and its calls wait for that.
   *
   * The middleware of the other server also runs around its mounted entries, inside of this server's middleware. It sees the
   * context of the call, with the name and the address that the client used. A list always belongs to the server that is
   * served. A server with middleware around lists therefore cannot be mounted, and a mounted server cannot add such middleware.
   *
   * Throws `TENON_DUPLICATE` if a name is taken here, and `TENON_STATE` if this server is a part of the other one. In both
   * cases nothing is mounted. From then on, registrations in the other server fail for the same reasons.
   */
  mount(other: Server, prefix?: string): this
  /**
   * Undoes `mount` with the same prefix, even while the server is served. The entries of the other server are removed
   * here, and clients are notified that the lists have changed. Calls in flight continue. Calls that wait for the start
   * of the other server fail, because it no longer starts. If the other server has been started, it is stopped at the
   * end of this one.
   *
   * This server releases the other one when the last call of it in flight has ended. While this server is served, it keeps a
   * server with a hook `start` or `stop` until its own end.
   *
   * Throws `TENON_NOT_FOUND` if the other server is not mounted here with this prefix.
   */
  unmount(other: Server, prefix?: string): this
  /**
   * Calls a tool through the whole engine, as a client of this process (`tenon-mcp/testing`). If the server does not listen, it
   * is started for this call. If the tool fails, the promise rejects with `ToolError`; with `raiseOnError: false` it resolves
   * to a result that says so.
   */
  callTool(
    name: string,
    args?: Record<string, unknown>,
    options?: RequestOptions & { raiseOnError?: boolean }
  ): Promise<CallResult>
  /**
   * Maps an error type to the error that the client receives when a handler throws it. `error` is a code of the protocol, which
   * is sent with the error's own message. Or it is a function that gets the error and returns the one to use instead
   * ({@link McpError}, {@link NotFound}, {@link ToolError}). An error that the function throws is used in the same way. If it
   * returns something that is no error, such as a promise, the call fails. If several types match, the latest mapping applies.
   * The errors of this package are never mapped. Throws a TypeError if `error` is neither a code nor a function.
   */
  mapError<E>(type: abstract new (...args: any[]) => E, error: number | ((error: E) => Error)): this
  /**
   * Sends a custom notification to every reachable legacy session, and returns their number. Clients of
   * 2026-07-28 get such notifications only on the stream of their own request: {@link Context.notify}. Throws a TypeError for
   * parameters that JSON cannot express, and an error if the protocol defines the name.
   */
  notify(method: string, params?: { readonly [name: string]: unknown }): number
  /**
   * Reports that the resource at exactly this address has changed. Subscribed clients are notified within a few milliseconds.
   * These are listen streams of 2026-07-28 that named the resource, and sessions that sent `resources/subscribe`. Several
   * updates in quick succession cause one notification. Before the start this does nothing.
   */
  resourceUpdated(uri: string): void
  /**
   * Reports that the list of a kind has changed. Use it for changes that the engine cannot see, such as in what a provider
   * lists. If entries are added, removed, enabled or disabled, the engine notifies clients by itself. Templates and providers
   * count as resources. Throws for kinds that clients have no list of.
   */
  listChanged(kind: Exclude<Kind, 'completion' | 'method' | 'notification' | 'hook'>): void
  /**
   * Tells a client with a session that the user has finished a requested visit. Returns `false` if no client of this process
   * waits for it. The program need not do anything then.
   */
  elicitationComplete(id: string): boolean
  /**
   * Starts the transports. Resolves when the handlers of `start` have ended and the server accepts calls. If the
   * options name no transport, the server uses those of the section `serve` of its settings, or else stdio. With a
   * number or a string it serves HTTP. Rejects if a port is in use, or if a handler of `start` fails. The server ends
   * when `close()` is called, or when the standard input ends.
   */
  listen(options?: ListenOptions | number | string): Promise<Listening>
  /**
   * Returns a function for the HTTP server of the program: `http.createServer(app.handler())`,
   * `express().all('/mcp', app.handler())`, `fastify.all('/mcp', app.handler())`. It answers every path that is routed to it.
   *
   * The first request starts the server, unless it listens with `embedded` already. `close()` ends it. A server that is started
   * this way does not keep the process alive. `allowedHosts`, `allowedOrigins` and `allowedHeaders` apply to the whole server.
   * A handler with other values than the running server has answers nothing.
   *
   * If a body was read before, it must be in `request.body`, parsed or not. Errors that occur before the server has taken the
   * request go to `next`, or are answered with 500. Calls run in the stores of `AsyncLocalStorage` in which the request is
   * passed.
   */
  handler(options?: HandlerOptions<any>): RequestHandler
  /**
   * Answers a `Request` with a `Response`, for Hono and similar programs. The stream of the response is produced as it
   * is read. `request.signal` reports that the client has disconnected. It starts the server as `handler` does. Calls
   * run in the stores of `AsyncLocalStorage` in which this is called. Rejects if the body was used before.
   */
  fetch(request: Request, options?: FetchOptions): Promise<Response>
  /**
   * Accepts no further requests, lets calls in flight finish within `limits.drainTimeout`, and then resolves. If stdio is
   * served, `limits.stdioDrainTimeout` applies if that is less. If a handler awaits it, the handler waits for its own end.
   */
  close(): Promise<void>
  /** Resolves when the server has ended: it was closed, or its transports ended. */
  readonly closed: Promise<void>
}
