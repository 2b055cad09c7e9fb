import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Arguments, FromSchema, Given, Infer, JsonSchema, StandardSchema } from './schema.js'

export type { Arguments, FromSchema, Given, Infer, JsonSchema, StandardSchema }

type Flat<T> = { [K in keyof T]: T[K] }

/** Bounds of a server. Counts and bytes are whole numbers, times are milliseconds. */
export interface Limits {
  /** Longest message in bytes: one line or one HTTP body. Default 4 MiB. */
  maxMessageBytes?: number
  /** Largest result or failure of one call in bytes; a larger one fails the call. Default 16 MiB. */
  maxResultBytes?: number
  /** Deepest nesting of a message or a result. Default 128. */
  maxDepth?: number
  /** Calls in flight in the whole server. Default 16,384. */
  maxCalls?: number
  /** Calls in flight in one lane, which is where a handler runs; one more is refused as busy. Default 4,096. */
  maxLaneCalls?: number
  /**
   * Calls of one entry that wait because as many of it run as its `max_concurrency` allows; one more is refused as
   * busy. Default 256.
   */
  maxWaitingCalls?: number
  /**
   * Calls in flight of one legacy session, or one client of stdio or of lines on a socket; one more is refused as
   * busy. Default 1,024.
   */
  maxPeerCalls?: number
  /** How long a tool without a time-out of its own may run. Default 5 minutes. */
  callTimeout?: number
  /** How long a call waits for the client's answer to a question. Default 10 minutes. */
  askTimeout?: number
  /** Questions one call may ask, and results of effects it may keep, over all its rounds. Default 32. */
  maxAsks?: number
  /** Largest sealed `requestState` in bytes, which a client carries between the rounds of a call. Default 64 KiB. */
  maxStateBytes?: number
  /**
   * How long a sealed `requestState` is good for, and a client can be told that a visit to a page has come to its
   * end. Default 1 hour.
   */
  stateLifetime?: number
  /**
   * Visits to pages asked for in the whole server whose end can still be told; one more takes the place of the
   * oldest. Default 10,000.
   */
  maxVisits?: number
  /** Listen streams open in the whole server; one more is refused as busy. Default 16,384. */
  maxListens?: number
  /** Listen streams of one client on a channel that it has to itself, such as stdio. Default 64. */
  maxPeerListens?: number
  /** Listen streams of one principal, where it is known who asks. Default 1,024. */
  maxPrincipalListens?: number
  /** Resources and tasks that one listen stream or one legacy session can be subscribed to. Default 1,024. */
  maxSubscriptions?: number
  /** Bytes of their addresses and ids. Default 64 KiB. */
  maxSubscriptionBytes?: number
  /** Bytes waiting to be written to one listen stream over HTTP; a stream that would have more ends. Default 1 MiB. */
  maxListenBytes?: number
  /**
   * Bytes waiting to be written to one peer; beyond it reading from that peer pauses and progress is dropped.
   * Default 8 MiB.
   */
  maxOutboundBytes?: number
  /** How long a handler of `start` may take, while calls wait for it; then the server is not served. Default 60 s. */
  startTimeout?: number
  /**
   * How long a handler of `stop` may take after the last call, before the server's end is reported without it.
   * Default 5 s.
   */
  stopTimeout?: number
  /**
   * How long running calls may finish after the server was closed; 0 cancels them at once. Where stdio is served
   * `stdioDrainTimeout` holds if it is less. Default 5 s.
   */
  drainTimeout?: number
  /**
   * How long running calls may finish after stdio's input ended or a server on stdio was closed; 0 cancels them at
   * once. Clients kill a server that stays for longer than about 2 s. Default 1 s.
   */
  stdioDrainTimeout?: number
  /**
   * Bytes that handlers print while stdio is served, and nobody reads, that are kept; later ones are dropped. 0
   * leaves the process's standard error alone, so that a client that does not read it blocks what prints. Default 1
   * MiB.
   */
  maxStderrBytes?: number
  /**
   * Legacy HTTP sessions; one more takes the place of the one that is idle for longest, or is refused as busy. Each
   * keeps what its client said in `initialize`, up to 16 KiB, which `maxBufferedBytes` does not count. Default
   * 10,000.
   */
  maxSessions?: number
  /** A legacy HTTP session ends after this long without request or open stream. Default 30 minutes. */
  sessionIdle?: number
  /** A legacy HTTP session ends this long after `initialize` if no further message came. Default 30 s. */
  handshakeTimeout?: number
  /** How long a request waits for an answer of the store that keeps sessions. Default 10 s. */
  storeTimeout?: number
  /**
   * Records that the default store, which is this process's memory, keeps of each kind of thing, and as many logs,
   * and as many counters; one more is refused until something has expired. Sessions have `maxSessions` instead.
   * Default 65,536.
   */
  maxStoreValues?: number
  /**
   * Bytes of the records that the default store keeps of each kind of thing, and as many of its logs, keys included;
   * more is refused, except that a log makes room for its newest entries. Sessions are not counted here. Default 64
   * MiB.
   */
  maxStoreBytes?: number
  /** Entries of one log in the default store; for one more the oldest goes. Default 1,024. */
  maxStoreEntries?: number
  /**
   * Entries that one page of a list holds at most; 0 puts the whole list on one page. What a provider of resources
   * lists is as long as it says, and stands behind the last registered ones. Default 0.
   */
  pageSize?: number
  /** Skills in one folder; a folder with more is refused. Default 1,000. */
  maxSkills?: number
  /** Simultaneous connections on one address or Unix socket; further ones wait to be accepted. Default 10,000. */
  maxConnections?: number
  /**
   * How long a client of lines on a socket may send nothing while no call of its own is in flight, until its
   * connection is closed. Default 24 hours.
   */
  connectionIdle?: number
  /**
   * How long an HTTP client may take to send a request's headers, or stay without a request on an open connection,
   * or pause within a request's body. Default 30 s.
   */
  headerTimeout?: number
  /**
   * How long an HTTP client may take to send a whole request, and a client of lines on a socket a whole line, from
   * the first byte to the last. Default 60 s.
   */
  requestTimeout?: number
  /**
   * How long a client of HTTP, or of lines on a socket, may leave an answer unread, or read less than 16 KiB of what
   * waits, before the connection is closed. A stream with nothing to write may be silent for longer. Default 30 s.
   */
  writeTimeout?: number
  /**
   * Bytes held for clients of HTTP and of lines on sockets in the whole server: of requests, from the first byte
   * until their handlers have taken the arguments, and of answers and events until they are written; those of a
   * batch are one answer, counted as it grows. A request beyond it, or one whose answer is, is refused as busy.
   * Pieces of up to 8 KiB are not counted and always get through. Default 64 MiB.
   */
  maxBufferedBytes?: number
  /**
   * How long a call over HTTP may be silent before its answer becomes an event stream that is kept alive, so that
   * nobody on the way takes it for dead; only where the client accepts a stream. Default 10 s.
   */
  streamAfter?: number
  /**
   * Bytes of the events of one stream in a legacy HTTP session that are kept for a client that comes back for them;
   * the oldest go first, the newest stays in any case. The store bounds those of all streams together. 0 keeps none:
   * then streams cannot be resumed. Default 1 MiB.
   */
  maxStreamBytes?: number
  /** Events of one such stream that are kept; for one more the oldest goes. Default 1,024. */
  maxStreamEvents?: number
  /**
   * Streams of one legacy HTTP session whose events are kept; one more takes the place of the oldest that has ended,
   * and cannot be resumed where none has. Default 64.
   */
  maxSessionStreams?: number
  /**
   * How long the events of a stream are kept after it has ended or a client has left it, for the client to come
   * back. The stream of a call stays for as long as the call runs. Default 2 minutes.
   */
  resumeTimeout?: number
  /** How long a client of 2025-11-25 is asked to wait before it comes back to a stream. Default 1 s. */
  streamRetry?: number
  /** A WebSocket on which nothing was heard for this long is pinged. Default 30 s. */
  pingInterval?: number
  /** How long a WebSocket client may take to answer a ping before its connection is closed. Default 30 s. */
  pingTimeout?: number
  /** Tasks at work in the whole server; one more is refused as busy. Default 4,096. */
  maxTasks?: number
  /**
   * Tasks of one principal that are at work or kept; one more is refused as busy. Clients of whom it is not known
   * who they are have `maxTasks` and the store's room in common. Default 1,000.
   */
  maxPrincipalTasks?: number
  /**
   * How long a task is kept, from its beginning on, where its client asks for nothing else; one that is still at
   * work then ends. Whole seconds, rounded up. Default 1 hour.
   */
  defaultTaskTtl?: number
  /** The longest time that a client can have a task kept. Whole seconds, rounded up. Default 24 hours. */
  maxTaskTtl?: number
  /** How often a client is told to look at a task. Default 1 s. */
  taskPollInterval?: number
  /** Largest result of a task in bytes; a task with a larger one fails. Default 1 MiB. */
  maxTaskResultBytes?: number
  /** How long a task of a tool without a time-out of its own may work. Default 1 hour. */
  taskTimeout?: number
  /**
   * How long after its last sign of life the process that runs a task counts as gone, so that the task has failed. A
   * sign is given, in the store, every third of this. Whole seconds, rounded up. Default 30 s.
   */
  taskLease?: number
  /** Fixed pages of a server, which its HTTP addresses answer besides; one more is refused. Default 64. */
  maxPages?: number
  /**
   * Largest of those in bytes; the memory of pages is the program's own, and `maxBufferedBytes` does not count it.
   * Default 4 MiB.
   */
  maxPageBytes?: number
  /**
   * Connections of one client address, out of `max_connections`; of IPv6 the first 64 bits are one address. For one
   * more the address's own idle HTTP connections are closed; if none is idle, the new one gets 429 and is closed. 0
   * is three quarters of `max_connections`. Default 0.
   */
  maxAddressConnections?: number
  /**
   * Open streams of one client address: streams that a client listens on, those of HTTP+SSE, and WebSockets. One
   * more is refused with 429. 0 is three quarters of `max_connections`. Default 0.
   */
  maxAddressStreams?: number
  /**
   * Bytes held for one client address, out of `maxBufferedBytes` and counted like those. A request beyond it, or one
   * whose answer is, is refused with 429. 0 is three quarters of `max_buffered_bytes`. Default 0.
   */
  maxAddressBufferedBytes?: number
  /**
   * Calls in flight of one client address, in all of its sessions and connections. One more is refused with 429. 0
   * is three quarters of `maxCalls` or of `max_lane_calls`, whichever is less. Default 0.
   */
  maxAddressCalls?: number
  /**
   * Streams that a client opens with GET in one legacy HTTP session, and has open at a time. One more is refused
   * with 429. A client needs one; more are left open if its connections break. Default 16.
   */
  maxSessionListens?: number
  /**
   * How long a host's thread goes on starting calls before it returns to its event loop or to the program that
   * polls. A handler that has begun runs to its end. Default 2 ms.
   */
  pollBudget?: number
  /**
   * Threads that serve sockets, for all servers of the process with the same number; each has another in reserve. 0
   * stands for the number of processors, four at most. A program that brings an executor of its own is served on
   * that. Default 0.
   */
  ioThreads?: number
  /**
   * Stack of each thread that the engine starts, workers of the C library among them. Python's workers have the
   * interpreter's size unless this is set. Default 2 MiB.
   */
  threadStackBytes?: number
  /**
   * How long the answer of a call waits behind its last progress on sockets that carry lines. Clients in TypeScript
   * lose progress that they read together with the answer. On stdio, WebSocket and HTTP+SSE the answer waits until
   * the client has read the progress, at most twenty times as long. A client that answers no ping is waited for
   * once, for a second, and then as on sockets. Other calls do not wait, nor does anything on Streamable HTTP. With
   * 0 no answer waits. Default 50 ms.
   */
  progressGap?: number
}

/** A protocol revision. */
export type Revision = '2024-11-05' | '2025-03-26' | '2025-06-18' | '2025-11-25' | '2026-07-28'

/** What a server can say it has, although nothing of it is registered (yet). */
export type Capability = 'tools' | 'resources' | 'prompts' | 'completions' | 'logging'

/** How long an answer may be kept, and by whom. A hint is no access control: what differs by who asks must be private. */
export interface CacheHints {
  /** Milliseconds for which the answer is fresh, a whole number. Default 0: it is not kept. */
  ttlMs?: number
  /** Who may be given a kept answer: everybody, or only who asked. Default `public`. */
  cacheScope?: 'public' | 'private'
}

/** Caching hints of all answers that may be kept, and of single ones. */
export interface ServerCache extends CacheHints {
  discover?: CacheHints
  tools?: CacheHints
  prompts?: CacheHints
  resources?: CacheHints
  resourceTemplates?: CacheHints
  /** What is read; a resource may have hints of its own. */
  read?: CacheHints
  skills?: CacheHints
  skill?: CacheHints
}

/** An image for people to know something by. */
export interface Icon {
  /** An address, or a `data:` URI. */
  src: string
  mimeType?: string
  /** `48x48`, or `any`. */
  sizes?: string[]
  theme?: 'light' | 'dark'
}

/** Keys of the program's own: a prefix such as `example.com/`, or none. Those of the protocol are refused. */
export type Meta = { readonly [key: string]: unknown }

export interface ServerOptions {
  /** The server's programmatic name. */
  name: string
  /** The version of the server program. Default `"0.1.0"`. */
  version?: string
  /** The name for people. */
  title?: string
  /** What the server is for (2025-11-25). */
  description?: string
  /** Images of the server (2025-11-25). */
  icons?: Icon[]
  /** The server's page (2025-11-25). */
  websiteUrl?: string
  /** How a model should use the server. */
  instructions?: string
  /** The revisions that are spoken. Default: all. */
  revisions?: Revision[]
  /** Capabilities that clients are told of although nothing is registered that has them. */
  capabilities?: Capability[]
  /** Extensions that clients are told of, by their ids, with their settings. */
  extensions?: { readonly [id: string]: { readonly [setting: string]: unknown } }
  /**
   * Whether clients get a reference in place of an exception's text. The log has the text under that reference.
   * {@link ToolError}, {@link McpError}, {@link NotFound} and errors of `mapError` are meant for clients and are always sent.
   *
   * By default this is on if other machines may reach the server. That is so if it listens on an address that is not a loopback
   * address, allows a host that is not this machine, or serves HTTP on a Unix socket. It is also so if it answers requests by
   * `handler` or `fetch`. The log says at the start which holds, with the level `warn`, also if this is `false`.
   */
  maskErrors?: boolean
  /** Caching hints for clients of 2026-07-28. */
  cache?: ServerCache
  /**
   * Whether arguments that do not fit are checked once more with the numbers, booleans, arrays and objects that texts among
   * them stand for: some clients send `"3"` for `3`. Default: yes.
   */
  coerceArguments?: boolean
  /**
   * Whether `format` in schemas of arguments and results is asserted: `date`, `date-time`, `email`, `ip`, `ipv4`, `ipv6`,
   * `uri`, `uuid`. Default: yes.
   */
  assertFormats?: boolean
  /**
   * Whether the end of standard input, or of the pair in its place, ends a server that has other transports. If `false`, that
   * client leaves and the others stay. Default: yes.
   */
  endWithStdin?: boolean
  limits?: Limits
  /**
   * Keys that seal what clients of the stateless protocol carry between the rounds of a question: 32 random bytes each, or
   * their text in hexadecimal or base64. The first seals, all open, so that a key can be replaced. Replicas behind one
   * address must share them; without any, a random key of this server serves. Keep them secret.
   */
  stateKeys?: (Uint8Array | string)[]
  /**
   * Takes what no client is told: why a handler failed, with its stack, and what the engine has to say. A function, or an
   * object such as `console`, whose methods get the message and, where there is one, the error. It is called on the thread
   * of the server; what it throws is ignored. Default: errors and warnings go to standard error. `null`: nowhere.
   */
  log?: ((record: LogRecord) => void) | LogConsole | null
  /** The lowest level of records that reach the log. Default: `'debug'` with a `log` of your own, else `'warn'`. */
  logLevel?: LogLevel
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Something the operator of a server may want to know. */
export interface LogRecord {
  level: LogLevel
  message: string
  /** The kind of entry it is about, where a handler is. */
  kind?: Kind
  /** The name of that entry. */
  name?: string
  /** What the handler threw, whatever that is. */
  error?: unknown
}

/** What a log may be instead of a function. */
export type LogConsole = { [level in LogLevel]: (message: string, error?: unknown) => void }

/** What can be registered. */
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
 * What happens to a server. `start`: it is served from now on; runs before the first call, for what handlers need. Calls that
 * come meanwhile wait, and lists are answered. If it throws or takes longer than `limits.startTimeout`, `listen` rejects (its
 * error has the `code` `TENON_START`) and nothing is served. `stop`: it has ended; runs once after the last call, for at most
 * `limits.stopTimeout`, and not where `start` failed. Both run once each time the server is served, also for servers that are
 * mounted in it: their start after its own, their stop before. What handlers have in common is in a variable around them.
 * `error`: a handler threw what is not meant for the client, returned what cannot be used, or took too long; the handler is
 * handed `kind` and `name` of the entry and the `message`, and what it fails with itself is in the log alone.
 * `session_start` and `session_end`: a legacy session opened or ended. A client that sends `initialize` again over the same
 * connection ends its session and opens another. The others: a client's roots changed, a resource has its first subscriber or lost its last.
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

import type { CallResult, RequestOptions } from './testing.cjs'

/** What every entry may have. */
export interface EntryOptions {
  /** How long one call may run, in milliseconds. Default `limits.callTimeout`. */
  timeout?: number
  /** Words that `disable({ tags })` hides it by; clients do not see them. */
  tags?: Iterable<string>
  /**
   * How many of its calls may run at a time. Others wait for their turn, in the order they came and within their time-out,
   * which begins anew when they run; `limits.maxWaitingCalls` bounds how many wait. Default: any number.
   */
  maxConcurrency?: number
}

/** What middleware can be put around: an operation's word, the protocol's name of one, or a registered method's. */
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
 * A function around calls. `next()` runs what is further inside, at last the handler, and resolves to what that returned, or
 * rejects with what it threw; `next(changed)` hands it other arguments, which are checked like a client's. It may be left out,
 * or called again; a second one while the first is open runs a handler a second time beside it, and rejects where the engine is
 * what is further inside. What the function returns or throws is judged like a handler's.
 */
export type Middleware = (context: Context, next: (changed?: { readonly [name: string]: unknown }) => Promise<any>) => unknown

/** What entries show of themselves in lists. */
export interface ShownOptions extends EntryOptions {
  /** The name for people (2025-06-18). */
  title?: string
  /** What it is; of a tool for the model that chooses it. */
  description?: string
  /** Images of it (2025-11-25). */
  icons?: Icon[]
  /** Its `_meta` (2025-06-18). */
  meta?: Meta
}

/** Policies for arguments that a schema describes. */
export interface ArgumentOptions<S = JsonSchema> {
  /**
   * The schema of the arguments, with `type: 'object'` at its root: a JSON Schema, one of TypeBox, or one of a library that keeps
   * to Standard Schema ({@link StandardSchema}). Without one a tool takes no arguments, and a method any.
   *
   * The engine checks arguments by the JSON Schema before JavaScript sees them. A library's own validator runs then, right before
   * the handler, which gets what it makes of them; its issues refuse the arguments in the engine's words. It may be asynchronous.
   */
  input?: S
  /** The JSON Schema of `input`, where that is of a library that does not know it. */
  inputSchema?: JsonSchema
  /** What becomes of arguments that the schema has no properties for. Default `schema`: what it says. */
  unknownArguments?: 'schema' | 'refuse' | 'drop'
  /** Whether texts among arguments that do not fit are coerced. Default: what the server says. */
  coerceArguments?: boolean
}

/** Hints for clients on what a tool does; nothing relies on them. */
export interface ToolAnnotations {
  title?: string
  readOnlyHint?: boolean
  destructiveHint?: boolean
  idempotentHint?: boolean
  openWorldHint?: boolean
}

export interface ToolOptions<S = JsonSchema, O = JsonSchema> extends ShownOptions, ArgumentOptions<S> {
  /**
   * The schema of the result, of the same kinds as `input`; it makes the tool structured, and what the handler returns is checked
   * against it. A library's own validator runs on values, and on the structured content of a {@link ToolResult}; the client gets
   * what it makes of them. The compiler holds the handler to it as well ({@link Returned}). A value that is no object by its
   * schema stands in one as the member `result`, and so does its schema, for clients of 2025-06-18 and 2025-11-25.
   */
  output?: O
  /** The JSON Schema of what `output` gives, where that is of a library that does not know it. */
  outputSchema?: JsonSchema
  /** Whether results are also sent as structured content, next to their text. Default: only with `output`. */
  structured?: boolean
  annotations?: ToolAnnotations
  /**
   * Whether calls may become tasks, which outlive their connection: never (the default), where the client can have tasks, or
   * always, so that other clients are refused.
   */
  taskSupport?: 'forbidden' | 'optional' | 'required'
  /**
   * Has each state that a client of 2026-07-28 carries back after a question used once, so that no effect of the handler
   * happens twice because the same round was sent again. Default: no.
   */
  onceOnly?: boolean
  /** Has a call of a client of 2026-07-28 become a task only when the handler says so, by {@link Context.startTask}. */
  deferTask?: boolean
  /** The view that hosts of MCP Apps show its results in: its address (see `Server.ui`), or more. */
  ui?: string | ToolUi
}

/** What a tool has to do with views. */
export interface ToolUi {
  /** The view's address. */
  resourceUri?: string
  /** Who may call the tool. Default: both. To hide a tool of `['app']` from the model is up to the host. */
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

/** What a view asks the browser for; a host need not grant it. */
export interface UiPermissions {
  camera?: {}
  microphone?: {}
  geolocation?: {}
  clipboardWrite?: {}
}

export interface UiOptions {
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
  /** Whether it is in the list of resources. Default: true. */
  listed?: boolean
  /** Caching hints. Default: the server's. */
  cache?: CacheHints
}

export interface PageOptions {
  /** The media type. Default: `text/html; charset=utf-8`. */
  contentType?: string
}

/** For whom something is, how important, how old. */
export interface Annotations {
  audience?: ('user' | 'assistant')[]
  /** From 0 to 1. */
  priority?: number
  /** `2026-07-28T09:30:00Z` */
  lastModified?: string
}

export interface ResourceOptions extends ShownOptions {
  /** The programmatic name. Default: the URI. */
  name?: string
  /** The media type of what is read, unless the handler says another. */
  mimeType?: string
  annotations?: Annotations
  /** Caching hints of what is read. Default: the server's. */
  cache?: CacheHints
  /** Bytes, where that is known; not for templates. */
  size?: number
  /**
   * Of a template: whether values of its variables may lead out of a folder that the handler appends them to. Default: no.
   * Then `{+x}` is no absolute path and starts with no drive (`C:`), and no value has a segment `..`: addresses with such
   * values do not fit the template.
   */
  unsafePaths?: boolean
}

type Stripped<E> = E extends `${'+' | '#' | '.' | '/' | ';'}${infer R}` ? R : E
type Split<E> = E extends `${infer A},${infer B}` ? A | Split<B> : E
type Named<V> = V extends `${infer N}*` ? N : V extends `${infer N}:${string}` ? N : V
type Expressions<T> = T extends `${string}{${infer E}}${infer R}` ? E | Expressions<R> : never
type Asked<E> = E extends `${'?' | '&'}${infer R}` ? Split<R> : never
type Needed<E> = E extends `${'?' | '&'}${string}` ? never : Split<Stripped<E>>
type Value<V> = V extends `${string}*` ? string | string[] : string

/** The variables of a resource template, as its handler gets them: `{id: string}` of `'test://{id}'`. */
export type Variables<T extends string> = string extends T
  ? Record<string, any>
  : Flat<
      { [V in Needed<Expressions<T>> as Named<V> & string]: Value<V> } & {
        [V in Asked<Expressions<T>> as Named<V> & string]?: Value<V>
      }
    >

/** A resource, as a provider lists it. */
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
   * Lists the resources behind the template: all of them, or a part with the `nextCursor` for the next. `cursor` is what it
   * said itself.
   */
  list: Handler<{ cursor?: string }, MaybePromise<ResourceListing[] | { resources: ResourceListing[]; nextCursor?: string }>>
  /** Reads one of them; throws {@link NotFound} where there is none. */
  read: Handler<Variables<T>>
}

/** What is said of one argument of a prompt. */
export interface PromptArgument {
  title?: string
  description?: string
  /** Default: no. */
  required?: boolean
}

/** The arguments of a prompt, which are all strings: their names, what is said of each, or a schema of an object. */
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

export interface PromptOptions<A extends PromptArguments = PromptArguments> extends ShownOptions {
  args?: A
  /** The JSON Schema of `args`, where that is of a library that does not know it. */
  argsSchema?: JsonSchema
}

/** What is completed: an argument of a prompt, or a variable of a resource template. */
export type Completed = { prompt: string; argument: string } | { template: string; argument: string }

/**
 * Suggests values for what was typed, best first; `args` are the arguments that the client knows already. Any number: the
 * client is sent the first hundred, and how many there are.
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
 * What the handler of a tool returns by the schema of its `output`: a value of it, or a {@link ToolResult}, whose structured
 * content is looked at when it runs. Without a schema in place anything.
 */
export type Returned<O> = Fixed<Given<O>> | ToolResult

type Results<O> = JsonSchema extends O ? any : MaybePromise<Returned<O>>

/** What need not be changed, in all its parts: literals in handlers keep their types that way. */
type Fixed<T> = T extends object ? { readonly [K in keyof T]: Fixed<T[K]> } : T

/** What may be registered, as it stands: `app.tools.get('add')`. */
export interface Entry {
  readonly name: string
  /** The definition as it was given, by the protocol's names. */
  readonly definition: { readonly [member: string]: unknown }
  readonly enabled: boolean
  /** The function as it was given, also where a mounted server has it. */
  readonly handler: (...args: any[]) => unknown
}

/** A resource may be a view, which the engine answers without a handler. */
export type ResourceEntry = Omit<Entry, 'handler'> & Partial<Pick<Entry, 'handler'>>

/** What content may have besides. */
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

/** One block of content. Where a revision lacks its kind, a text says what it was. */
export class Content {
  private constructor()
  readonly type: string
  static text(text: string, options?: ContentOptions): Content
  static image(data: Bytes, mimeType: string, options?: ContentOptions): Content
  static audio(data: Bytes, mimeType: string, options?: ContentOptions): Content
  /** A resource that the client may read. */
  static link(uri: string, name: string, options?: LinkOptions): Content
  /** A resource with what it holds. */
  static resource(contents: ResourceContents, options?: ContentOptions): Content
}

/** {@link Content.image} */
export function image(data: Bytes, mimeType: string, options?: ContentOptions): Content
/** {@link Content.audio} */
export function audio(data: Bytes, mimeType: string, options?: ContentOptions): Content
/** A file as content, an embedded resource: a string is its text, anything else its bytes. */
export function file(
  uri: string,
  data: string | Uint8Array | ArrayBuffer,
  mimeType?: string,
  options?: ContentOptions
): Content

/** What a resource holds, or a part of it: a string is text, anything else bytes. */
export class ResourceContents {
  constructor(
    data: string | Uint8Array | ArrayBuffer,
    options?: { uri?: string | undefined; mimeType?: string | undefined; meta?: Meta }
  )
  /** Default: the address that is read. */
  readonly uri?: string
  readonly mimeType?: string
  readonly text?: string
  readonly blob?: string
}

/** One message of a prompt, or to the client's model, which may have several blocks. A string is text. */
export class PromptMessage {
  constructor(role: 'user' | 'assistant', content: string | Content | (string | Content)[])
  static user(content: string | Content | (string | Content)[]): PromptMessage
  static assistant(content: string | Content | (string | Content)[]): PromptMessage
  readonly role: 'user' | 'assistant'
  readonly content: Content | Content[]
}

/** The whole result of a tool. Without content it is the text of the structured content. */
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

/** How much a message for clients matters, in ascending order. */
export type Level = 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency'

/**
 * What a handler may know and say about its call. The properties are `undefined` when first read after its end. Methods may be
 * taken out of it: `(args, { log, progress }) => …`.
 */
export interface Context {
  /**
   * Aborted when the call is over without this handler: cancelled, timed out, or to be run again with answers, where the
   * reason is {@link Suspended}. What listens runs in the `AsyncLocalStorage` of the call.
   */
  readonly signal: AbortSignal
  /** The id of the client's request; a notification or a hook has none. */
  readonly requestId: string | number
  /** What the handler is registered as. */
  readonly kind: Kind
  /** What it is registered under: of a tool or a prompt its name, of a resource its URI or template. */
  readonly name: string
  /** The address of the resource that is read. */
  readonly uri: string | undefined
  readonly clientInfo: { readonly name: string; readonly version: string; readonly [key: string]: unknown } | undefined
  readonly clientCapabilities: { readonly [capability: string]: unknown }
  readonly protocolVersion: string
  /** The request's `_meta`, as sent. */
  readonly meta: { readonly [key: string]: unknown } | undefined
  /** The trace context of the request. */
  readonly trace: { readonly traceparent?: string; readonly tracestate?: string; readonly baggage?: string } | undefined
  /** The level from which on a request of 2026-07-28 wants log messages. */
  readonly logLevel: Level | undefined
  /** The headers of the HTTP request, by their lower-case names. */
  readonly headers: { readonly [name: string]: string } | undefined
  /** Who sent the request, if that is known. */
  readonly principal: string | undefined
  /** The session, where the transport has one. */
  readonly sessionId: string | undefined
  /** The id of the task that the call is, from when it is one. */
  readonly taskId: string | undefined
  /** What the handler is handed, to look at: a copy. */
  readonly arguments: { readonly [name: string]: any }
  /**
   * What the middleware and the handler of this call share: theirs to fill. It is gone with the call, and a call that is run
   * again because a client of 2026-07-28 brought answers begins with an empty one.
   */
  readonly state: { [name: string]: any }
  /** The settings of an extension that the client declared; `undefined` if it did not. */
  extension(id: string): { readonly [setting: string]: unknown } | undefined
  /** Says how far the call has come. Dropped if the client did not ask, or if `progress` does not increase. */
  progress(progress: number, total?: number, message?: string): void
  /**
   * Sends a message for the client's log, from a part of the program if it says so. Dropped if the client wants less. Throws a
   * TypeError for an unknown level and for what JSON cannot express.
   */
  log(level: Level, data: unknown, options?: { logger?: string }): void
  /** Says in words what the task that this call is does at present; a call that is no task says nothing. */
  setStatus(text: string): void
  /**
   * Has the call of a tool with `deferTask` become a task, and says whether it is one now. Its client is told of the task at
   * once, and what is asked from now on is asked of whoever looks at the task, while the handler waits. The call of a client
   * that can have no tasks is answered as always. Throws an {@link AskError} while a question of the call waits for its
   * answer, and where there is no room for another task.
   */
  startTask(): boolean
  /**
   * Ends the response that the client waits on, and neither the call nor its stream: the client comes back for what follows,
   * after `streamRetry`. So a call that takes long holds no connection; what is said meanwhile waits for it.
   *
   * Says whether it will: `false`, and nothing happens, outside of HTTP sessions of 2025-11-25, where the client takes no
   * stream, or where it is closed already.
   */
  closeStream(): boolean
  /**
   * Sends the client a notification of the program's own, on the stream of this call: the only one where a client of
   * 2026-07-28 gets any. Dropped where the client takes no stream, or does not read. Throws a TypeError for parameters that
   * JSON cannot express, and an error for a name that the protocol has.
   */
  notify(method: string, params?: { readonly [name: string]: unknown }): void
  /**
   * Asks the user behind the client to fill in a form of flat primitive fields. Rejects with an {@link AskError} if the
   * client cannot be asked, or where the validator of a library's schema refuses the answer.
   *
   * Some clients answer in a second request. The handler is then run again from its start, and everything it asked before
   * is answered at once; so what it does before its last question should be safe to repeat, or stand in {@link once}. The
   * first run ends by a rejection with {@link Suspended}.
   */
  elicit<const S extends JsonSchema>(message: string, schema: S, options?: AskOptions): Promise<Answer<Infer<S>>>
  /**
   * Asks the user behind the client to visit a page, where what no form may ask for can be entered. The address holds no
   * secrets. That the user accepts means that the page is opened, not that anything was done there.
   */
  elicitUrl(message: string, url: string | URL, options?: ElicitUrlOptions): Promise<{ action: 'accept' | 'decline' | 'cancel' }>
  /**
   * Ends the call because the user must visit pages first; never resolves. A client with a session is told which, and calls
   * again in its own time; one of 2026-07-28 is asked, and asked again until the handler no longer requires it.
   */
  requireUrls(...pages: { message: string; url: string | URL; elicitationId?: string }[]): Promise<never>
  /**
   * Asks the client's model. `messages` is what the user says, or messages one after the other; a string among them is the
   * user's. See {@link elicit} for how and when it is answered.
   */
  sample(messages: string | SamplingMessage | readonly (string | SamplingMessage)[], options: SampleOptions): Promise<Sampled>
  /** Asks for the directories the user works in; they are guidance, not a fence. */
  roots(options?: AskOptions): Promise<{ readonly uri: string; readonly name?: string }[]>
  /**
   * Does something whose effect must not be repeated when the handler runs again with the answers to its questions. What
   * `effect` returns is kept under `key` as JSON, and given to this and later runs of the call; what it throws is not kept. A
   * client of 2026-07-28 carries it, sealed, so that all of it must fit `limits.maxStateBytes`.
   */
  once<T>(key: string, effect: () => T | Promise<T>): Promise<T>
}

export interface AskOptions {
  /** Names the question within its call. Default: its ordinal. Name questions whose order may vary. */
  key?: string
}

export interface ElicitUrlOptions extends AskOptions {
  /** Names the visit, so that {@link Server.elicitationComplete} can tell of its end. */
  elicitationId?: string
}

/** Something said to the client's model. */
export type SamplingMessage = PromptMessage | { role: 'user' | 'assistant'; content: unknown }

/** The parameters of a question to the client's model, by the protocol's names. */
export interface SampleOptions extends AskOptions {
  /** The most tokens that the answer may have. */
  maxTokens: number
  systemPrompt?: string
  temperature?: number
  stopSequences?: string[]
  modelPreferences?: {
    hints?: { name?: string }[]
    /** From 0 to 1, as the others. */
    costPriority?: number
    speedPriority?: number
    intelligencePriority?: number
  }
  includeContext?: 'none' | 'thisServer' | 'allServers'
  /** Tools that the model may ask for; the client must have declared that it can. */
  tools?: { name: string; description?: string; inputSchema: JsonSchema }[]
  toolChoice?: { mode?: 'auto' | 'required' | 'none' }
  metadata?: { readonly [key: string]: unknown }
  meta?: Meta
}

/** What the client's model said. */
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
  /** The user said no, or closed the form without choosing. */
  | { action: 'decline' | 'cancel'; content?: undefined }

/**
 * The arguments of a call are not what its handler takes: refused in the same way as those that do not fit the schema, in
 * every revision. The message says which and why, best as `/place/in/them: reason`. The issues of a library's validator are
 * one, which middleware sees.
 */
export class ArgumentError extends Error {
  constructor(message: string, options?: ErrorOptions)
  readonly name: 'ArgumentError'
}

/** Why a question was not asked or not answered. A handler that cannot do without the answer lets it through. */
export class AskError extends Error {
  readonly name: 'AskError'
  /**
   * `unsupported`: the client cannot be asked; `invalid`: the question is wrong; `failed`: the client cannot be reached,
   * reported a failure, or its answer does not fit; `ended`: the call is over.
   */
  readonly code: 'unsupported' | 'invalid' | 'failed' | 'ended'
}

/** A protocol error with a code of its own, from a handler of any kind. `data` is what JSON can hold, or left out. */
export class McpError extends Error {
  constructor(code: number, message: string, data?: unknown)
  readonly name: 'McpError'
  readonly code: number
  readonly data?: unknown
}

/**
 * What was asked for does not exist: a protocol error with the code that the client's revision has for it, and with the
 * address that is read as its data. Of a tool it is a failed result. The text says that `what` was not found, or that
 * address.
 */
export class NotFound extends Error {
  constructor(what?: string, options?: ErrorOptions)
  readonly name: 'NotFound'
}

/** A failure whose text is meant for the client, also where errors are masked. */
export class ToolError extends Error {
  constructor(message: string, options?: ErrorOptions)
  readonly name: 'ToolError'
}

/**
 * Ends this run of a handler whose question is on its way to a client that will answer in a second request. It is no
 * failure: clean up in `finally` and let it through, as it is or as the `cause` of another error. The client is told when
 * the handler has settled, at the latest after one second. The outcome of a handler that catches it and goes on is sent, and
 * its questions are not.
 */
export class Suspended extends Error {
  readonly name: 'Suspended'
}

/** A descriptor by its number, or what has one: a `net.Server`, a `net.Socket`. It is duplicated, and no longer blocks. */
export type Descriptor = number | object

/** A Unix socket to listen on. */
export interface UnixOptions {
  /** Of at most 107 bytes. */
  path: string
  /** The permissions of its file: who may write to it may connect. Default `0o600`. */
  mode?: number
}

/** How Streamable HTTP is served, and where: on an address, on a Unix socket, or on a listening socket, TCP or Unix. */
export type HttpOptions = {
  /** Default `/mcp`. */
  path?: string
  /** Host names that requests may name besides the loopback ones. */
  allowedHosts?: string[]
  /** Origins (`scheme://host[:port]`) whose pages may call the server; `*` for all, `null` for pages without one. */
  allowedOrigins?: string[]
  /**
   * Request headers that these pages may send besides those of the protocol, `Authorization`, `Content-Type` and `Accept`; `*`
   * for all.
   */
  allowedHeaders?: string[]
} & (
  | {
      /** 0 for a free one. */
      port: number
      /** Default `127.0.0.1`. */
      host?: string
    }
  | {
      /** The path of a Unix socket. */
      unix: string
      /** The permissions of its file. Default `0o600`. */
      mode?: number
    }
  | {
      /** A listening socket. */
      socket: Descriptor
    }
)

/** How WebSocket is served. */
export interface WebOptions {
  /** 0 for a free one. Without it the path is one of HTTP's address. */
  port?: number
  /** Default `127.0.0.1`. */
  host?: string
  /** Default `/ws` for WebSocket and `/sse` for HTTP+SSE, whose messages are posted to `messages` beside it. */
  path?: string
  /**
   * Host names that requests may name besides the loopback ones. On HTTP's address, what holds for HTTP unless there is any
   * of these two here.
   */
  allowedHosts?: string[]
  /** Origins (`scheme://host[:port]`) whose pages may call the server; `*` for all, `null` for pages without one. */
  allowedOrigins?: string[]
}

/** How HTTP+SSE of 2024-11-05 is served. */
export interface SseOptions extends WebOptions {
  /**
   * Request headers that pages may send, as those of HTTP. On HTTP's address they are allowed besides those of HTTP, unless
   * hosts or origins are named here.
   */
  allowedHeaders?: string[]
}

export interface ListenOptions {
  /**
   * Serves standard input and output; while it runs, whatever is printed goes to standard error. A pair of descriptors, input
   * and output, is served in their place.
   */
  stdio?: boolean | [Descriptor, Descriptor]
  /** Serves Streamable HTTP: a port, `'host:port'`, `'host:port/path'`, `'unix:path'` for a Unix socket, or options. */
  http?: number | string | HttpOptions
  /**
   * Serves lines, as on stdio, on a Unix socket, for any number of clients. Its file is this user's alone, replaces one that
   * was left behind, and goes with the server.
   */
  unix?: string | UnixOptions
  /**
   * Serves lines on sockets of the program's, TCP or Unix. One that listens is served like `unix`, one that is connected as one
   * client more: the server ends with the last of those.
   */
  socket?: Descriptor | Descriptor[]
  /**
   * Serves WebSocket, one message a text frame: a port, `'host:port'`, `'host:port/path'`, or options. A path alone, such as
   * `'/ws'`, is one of the HTTP address.
   */
  websocket?: number | string | WebOptions
  /** Serves HTTP+SSE, the transport of revision 2024-11-05, for clients that have no other; named as `websocket`. */
  sse?: number | string | SseOptions
  /**
   * Requests are handed over by the program, with `handler()` and `fetch()`. To be named where other transports are served
   * besides; alone it is what those two do with the first request.
   */
  embedded?: boolean | EmbedOptions
  /**
   * The process belongs to the server. The first SIGINT or SIGTERM closes it, or cuts a close short that is under way; a second
   * one ends the process at once with 128 + its number. When the server has ended, other than by `close()` alone, the program
   * has a quarter of a second before the process ends, whatever still runs in it: with 130 if SIGINT came, otherwise with
   * `process.exitCode` or 0. Default: no, so that signals do what they do to any Node program. Refused in workers.
   */
  signals?: boolean
}

/** Whom requests that the program hands over are answered for; see `Server.handler`. */
export interface EmbedOptions {
  /** Host names (without port) that requests may name besides the loopback ones. Default: any. */
  allowedHosts?: string[]
  /**
   * Origins (`scheme://host[:port]`) whose pages may call the server; `*` for all, `null` for pages without one. Default: none
   * but pages of this machine, where the request names a host of this machine too.
   */
  allowedOrigins?: string[]
  /**
   * Request headers that these pages may send besides those of the protocol, `Authorization`, `Content-Type` and `Accept`; `*`
   * for all.
   */
  allowedHeaders?: string[]
}

export interface HandlerOptions<Request = IncomingMessage> extends EmbedOptions {
  /**
   * Who sent a request, such as the user that a middleware has found out; `undefined` for nobody in particular. Sessions belong
   * to whoever opened them, and handlers read it as `ctx.principal`.
   */
  principal?: (request: Request) => string | undefined
}

/**
 * Answers requests of `node:http`, Express and Fastify. What a client has counts to the share of its address (`maxAddressCalls` and
 * the others), which is the framework's `ip` or that of the socket.
 */
export interface RequestHandler {
  (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void
  /** Of Fastify, whose own around them are told by their `raw`. */
  (request: { raw: IncomingMessage; body?: unknown }, reply: { raw: ServerResponse; hijack(): unknown }): void
}

export interface FetchOptions {
  /** Who sent the request; see `HandlerOptions`. */
  principal?: string | undefined
  /**
   * The IP address of the client, without port, where the program knows it. What the client has counts to the share of this address
   * (`maxAddressCalls` and the others); without it only the totals hold.
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

/** What a tool without `input` takes. */
type NoArguments = { readonly type: 'object'; readonly properties: {}; readonly additionalProperties: false }

/** An MCP server. Opens nothing until `listen`; keeps the process alive while it listens. */
export class Server {
  constructor(options: ServerOptions)
  /** Registers a tool, at any time. Throws if the name is taken or the definition is wrong, or the handler a generator. */
  tool<
    const S extends JsonSchema = NoArguments,
    const O extends JsonSchema = JsonSchema,
    const R extends Results<O> = any
  >(name: string, options: ToolOptions<S, O>, handler: Handler<Arguments<S>, R>): this
  tool(name: string, handler: Handler<Record<string, never>>): this
  /**
   * Registers a resource, at any time: by its URI, or by a template (RFC 6570) for all addresses that fit it, whose variables
   * the handler gets. Throws {@link NotFound} where there is nothing at an address.
   */
  resource<const T extends string>(uri: T, options: ResourceOptions, handler: Handler<Variables<T>>): this
  resource<const T extends string>(uri: T, handler: Handler<Variables<T>>): this
  /** Registers resources that a program lists and reads itself, such as the rows of a table. */
  resourceProvider<const T extends string>(template: T, options: ResourceProviderOptions<T>): this
  /**
   * Registers a view: an HTML document that hosts of MCP Apps show in a frame of its own, beside the results of tools whose `ui`
   * names it. `uri` starts with `ui://`. `html` is the document, or a folder: of that its `index.html`, with everything put
   * inside that it loads from the folder (scripts, style sheets, images, fonts, media), since a frame has no address to load it
   * from. The folder is read once, now; no symbolic link is followed, and scripts with imports of their own have to be bundled.
   *
   * Tools may name it before it is registered; a server does not listen while one names a view that is not there.
   */
  ui(uri: string, html: string | { folder: string }, options?: UiOptions): this
  /**
   * Serves a folder of skills, in every revision; may be called for several. Each folder in it that has a `SKILL.md` is a skill,
   * with all files in and below it; other folders group skills. Clients get them by `skills/list`, `skills/get` and
   * `resources/directory/read`, and read their files as resources at `skill://…`.
   *
   * A `SKILL.md` begins with front matter: YAML between two lines of `---`, in which `name` is that of its folder and
   * `description` says what the skill is for. A skill has at most 512 files and 16 MiB; symbolic links are refused, and what
   * begins with a dot is left out. Throws where a skill is not in order. The folder is looked at whenever a client asks; what has
   * come to be wrong since is left out, and the log says why. Reads files, so it blocks.
   */
  skills(folder: string): this
  /**
   * Has the server's HTTP addresses answer GET and HEAD of one path with a fixed page, such as one that is a client of the
   * server in a browser; no handler runs. A page that there is under this path is replaced, at any time. `path` is matched exactly,
   * as it stands in a request: percent-encoded, without query. A string is sent as UTF-8. `handler()` and `fetch()` answer no
   * pages, since the program around them has paths of its own, and those of a mounted server stay with it.
   *
   * Responses have an `ETag`, by which browsers ask whether the page has changed, and nobody guesses another type. Hosts that a
   * request may name are those of the address; in a frame the page is shown to its own address and to origins that may call the
   * server. Whoever reaches the address can read it. A page of an address that others can reach calls the server only if its
   * origin is in `allowedOrigins`; one of a loopback address may.
   *
   * Throws where the path or the type is none, the page is too large (`maxPageBytes`), there are too many (`maxPages`) or MCP is
   * served under the path; where that is not known yet, `listen` rejects.
   */
  page(path: string, body: string | Uint8Array, options?: PageOptions): this
  /** Removes a page. `false` if there is none under this path. */
  removePage(path: string): boolean
  /** Registers a prompt, at any time. */
  prompt<const A extends PromptArguments>(name: string, options: PromptOptions<A>, handler: Handler<PromptInput<A>>): this
  prompt(name: string, handler: Handler<Record<string, never>>): this
  /**
   * Registers suggestions for an argument of a prompt, or for a variable of a resource template. What is completed must exist
   * when the server starts, or else `listen` rejects; while it runs, when this is called.
   */
  completion(options: Completed & EntryOptions, handler: Completer): this
  /** Registers a request of the program's own. The handler returns an object, or nothing. */
  method<const S extends JsonSchema = object>(
    name: string,
    options: ArgumentOptions<S> & EntryOptions & { description?: string },
    handler: Handler<Arguments<S>>
  ): this
  method(name: string, handler: Handler<any>): this
  /** Registers a notification of the program's own, which is not answered. */
  notification<const S extends JsonSchema = object>(
    name: string,
    options: ArgumentOptions<S> & EntryOptions & { description?: string },
    handler: Handler<Arguments<S>>
  ): this
  notification(name: string, handler: Handler<any>): this
  /** Answers one of the protocol's own methods instead of the engine: lists, reads, calls … Returns the result object. */
  replace(method: string, handler: Handler<any>): this
  /** Has `handler` called with what happened, when it happens. */
  on(hook: Hook, handler: Handler<any>): this
  /**
   * Puts a function around operations; without `operations` around calls of tools, reads of resources, prompts and completions.
   * The first one that is put around something is the outermost. For the life of the server.
   *
   * Only what is in order comes to it: calls of what is registered, with arguments that fit. Views and skills, which the engine
   * answers, come to it too. A list with middleware around it is no longer answered while JavaScript is busy; `next()` resolves
   * to its result there, an object. Throws for what does not exist, and for what the engine alone answers.
   */
  middleware(middleware: Middleware): this
  middleware(operations: Operation | readonly Operation[], middleware: Middleware): this
  /** Removes an entry; calls in flight go on. `false` if there is none of this name. */
  remove(kind: 'completion', name: Completed): boolean
  remove(kind: Exclude<Kind, 'completion'>, name: string): boolean
  /**
   * Shows an entry that was disabled, or what tags were disabled for. `false` if there is none. What has another tag that is
   * disabled, or was disabled by its name, stays hidden.
   */
  enable(what: { tags: Iterable<string> }): boolean
  enable(kind: 'completion', name: Completed): boolean
  enable(kind: Exclude<Kind, 'completion'>, name: string): boolean
  /**
   * Hides an entry, as if it were not registered, or everything with one of these tags, now and when it is registered later;
   * calls in flight go on. `false` if there is none.
   */
  disable(what: { tags: Iterable<string> }): boolean
  disable(kind: 'completion', name: Completed): boolean
  disable(kind: Exclude<Kind, 'completion'>, name: string): boolean
  /** What is registered of a kind, by name, in order of registration. */
  entries(kind: Exclude<Kind, 'resource'>): Map<string, Entry>
  entries(kind: Kind): Map<string, ResourceEntry>
  /** The tools, by name. */
  readonly tools: Map<string, Entry>
  /**
   * Makes another server a part of this one: its tools and prompts as `prefix_name`, its resources and templates as
   * `scheme://prefix/rest` (`scheme:prefix/rest` where an address has no authority), with their completions. What the other one
   * registers, removes, enables or disables later shows here as well, and so do its updates of resources. Mounts may be nested,
   * and one server mounted in several. `prefix` has letters, digits and hyphens; without one names and addresses stay as they are.
   *
   * A call of a mounted entry is a call of this server: its limits, middleware, `mapError` and `maskErrors` are in force, and the
   * context says the name and the address that the client used. What the other server is besides (its name and settings, its
   * hooks but `start` and `stop`, methods and notifications, and its skills) stays with it. If this one is served
   * already, the other one starts at once, and its calls wait for that.
   *
   * The middleware of the other server is around its entries here as well, inside of this server's. It sees the context of the
   * call, so the name and the address that the client used. A list is that of the server that is served: a server with middleware
   * around lists cannot be mounted, and a mounted one gets none.
   *
   * Throws `TENON_DUPLICATE` where a name is taken here, and `TENON_STATE` where this server is a part of the other one; then
   * nothing is mounted. Registering in the other one fails for the same reasons from then on.
   */
  mount(other: Server, prefix?: string): this
  /**
   * Undoes `mount` with the same prefix, also while the server is served: what the other server has is no longer here, and clients
   * are told that the lists have changed. Calls in flight go on; those that wait for the other server's start, which does not come
   * any more, fail. A server that was told of the start is told of the stop at the end of this one.
   *
   * This server lets go of the other one when the last call in flight of it has ended. A served one keeps a server with a hook
   * `start` or `stop` until its end.
   *
   * Throws `TENON_NOT_FOUND` if the other server is not mounted here with this prefix.
   */
  unmount(other: Server, prefix?: string): this
  /**
   * Calls a tool through the whole engine, as a client of this process (`tenon-mcp/testing`), and starts the server for that if
   * it does not listen. One that fails rejects with `ToolError`, or with `raiseOnError: false` is a result that says so.
   */
  callTool(
    name: string,
    args?: Record<string, unknown>,
    options?: RequestOptions & { raiseOnError?: boolean }
  ): Promise<CallResult>
  /**
   * Says what errors of a type stand for when a handler throws them: a code of the protocol, with their own message, or a function
   * that gets the error and returns the one to take its place ({@link McpError}, {@link NotFound}, {@link ToolError}). What it
   * throws takes the place too; what it returns that is no error, such as a promise, fails the call. Where several types fit, the
   * latest given holds. The errors of this package are meant as they are, and not mapped. Throws a TypeError for what is neither.
   */
  mapError<E>(type: abstract new (...args: any[]) => E, error: number | ((error: E) => Error)): this
  /**
   * Sends a notification of the program's own to every legacy session that can be reached; returns how many those are.
   * Clients of 2026-07-28 get such notifications on the stream of their own request only: {@link Context.notify}. Throws a
   * TypeError for parameters that JSON cannot express, and an error for a name that the protocol has.
   */
  notify(method: string, params?: { readonly [name: string]: unknown }): number
  /**
   * Says that the resource at exactly this address has changed. Clients that are subscribed to it are told within a few
   * milliseconds: listen streams of 2026-07-28 that named it, and sessions that sent `resources/subscribe`. Several updates of
   * one moment are told once. Before the start nobody is, and nothing happens.
   */
  resourceUpdated(uri: string): void
  /**
   * Says that the list of a kind has changed, for what the engine cannot see, such as what a provider lists: entries that are
   * added, removed, enabled or disabled are told of without it. Templates and providers are told as resources. Throws for
   * kinds that clients have no list of.
   */
  listChanged(kind: Exclude<Kind, 'completion' | 'method' | 'notification' | 'hook'>): void
  /**
   * Tells a client with a session that a visit it was asked for has come to its end. `false` if no client of this process waits
   * for it; there is nothing to be done about it then.
   */
  elicitationComplete(id: string): boolean
  /**
   * Starts the transports and resolves once the handlers of `start` have ended and calls run. Without options: stdio; a number or a string: HTTP.
   * Rejects if a port is in use, or a handler of `start` fails. Ends by `close()`, or when the standard input ends.
   */
  listen(options?: ListenOptions | number | string): Promise<Listening>
  /**
   * A function for the HTTP server of the program: `http.createServer(app.handler())`, `express().all('/mcp', app.handler())`,
   * `fastify.all('/mcp', app.handler())`. Every path that is routed to it is answered.
   *
   * The first request starts the server, unless it listens with `embedded` already; `close()` ends it. Started this way it does
   * not keep the process alive. `allowedHosts`, `allowedOrigins` and `allowedHeaders` are those of the whole server: a handler that names others
   * than it runs with answers nothing. A body that was read before must be there as `request.body`, parsed or not; what goes wrong
   * before the request is the server's goes to `next`, or is answered with 500. Calls run in the stores of `AsyncLocalStorage`
   * that the request is handed over in.
   */
  handler(options?: HandlerOptions<any>): RequestHandler
  /**
   * Answers a `Request` with a `Response`, for Hono and other programs of that kind; its stream is made as it is read, and
   * `request.signal` says that the client is gone. Starts the server as `handler` does, and calls run in
   * the stores of `AsyncLocalStorage` that it is called in. Rejects if the body was used before.
   */
  fetch(request: Request, options?: FetchOptions): Promise<Response>
  /**
   * Accepts nothing more, lets calls in flight finish within `limits.drainTimeout`, where stdio is served within
   * `limits.stdioDrainTimeout` if that is less, then resolves. A handler that awaits it waits for its own end.
   */
  close(): Promise<void>
  /** Resolves when the server has ended: closed, or its transports came to their end. */
  readonly closed: Promise<void>
}
