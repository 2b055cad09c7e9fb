/** A JSON Schema 2020-12. Write it in place, or `as const`, and handlers get typed arguments from it. */
export type JsonSchema = { readonly [keyword: string]: unknown }

type Flat<T> = { [K in keyof T]: T[K] }
type Properties<P, R extends PropertyKey> = Flat<
  { -readonly [K in keyof P as K extends R ? K : never]: FromSchema<P[K]> } & {
    -readonly [K in keyof P as K extends R ? never : K]?: FromSchema<P[K]>
  }
>

/** The type of the values a JSON Schema allows; `any` where it says too little. */
export type FromSchema<S> = S extends { readonly const: infer C }
  ? C
  : S extends { readonly enum: readonly (infer E)[] }
    ? E
    : S extends { readonly type: 'string' }
      ? string
      : S extends { readonly type: 'number' | 'integer' }
        ? number
        : S extends { readonly type: 'boolean' }
          ? boolean
          : S extends { readonly type: 'null' }
            ? null
            : S extends { readonly type: 'array'; readonly items: infer I }
              ? FromSchema<I>[]
              : S extends { readonly type: 'object'; readonly properties: infer P; readonly required: readonly (infer R)[] }
                ? Properties<P, R & PropertyKey>
                : S extends { readonly type: 'object'; readonly properties: infer P }
                  ? Properties<P, never>
                  : any

/** Bounds of a server. Counts and bytes are whole numbers, times are milliseconds. */
export interface Limits {
  /** Longest message in bytes. Default 4 MiB. */
  maxMessageBytes?: number
  /** Largest result or failure of one call in bytes; a larger one fails the call. Default 16 MiB. */
  maxResultBytes?: number
  /** Deepest nesting of a message. Default 128. */
  maxDepth?: number
  /** Calls in flight in the whole server. Default 16,384. */
  maxCalls?: number
  /** Calls in flight in this environment; one more is refused as busy. Default 4,096. */
  maxLaneCalls?: number
  /** How long a tool without a time-out of its own may run. Default 5 minutes. */
  callTimeout?: number
  /** How long a call waits for the client's answer to a question. Default 10 minutes. */
  askTimeout?: number
  /** Questions one call may ask. Default 32. */
  maxAsks?: number
  /** Largest state, in bytes, that a client is given to carry between rounds of questions. Default 64 KiB. */
  maxStateBytes?: number
  /** How long that state is good for. Default 1 hour. */
  stateLifetime?: number
  /** Bytes waiting to be written to one client. Default 8 MiB. */
  maxOutboundBytes?: number
  /** How long calls may go on after the input ended or `close()` was called. Default 5 s. */
  drainTimeout?: number
  /** HTTP sessions. Default 10,000. */
  maxSessions?: number
  /** How long an HTTP session may be idle. Default 30 minutes. */
  sessionIdle?: number
  /** Simultaneous HTTP connections. Default 10,000. */
  maxConnections?: number
  /** How long an HTTP client may take to send a request's headers. Default 30 s. */
  headerTimeout?: number
}

export interface ServerOptions {
  /** The server's programmatic name. */
  name: string
  /** The version of the server program. Default `"0.1.0"`. */
  version?: string
  /** How a model should use the server. */
  instructions?: string
  limits?: Limits
}

export interface ToolOptions<S extends JsonSchema = JsonSchema> {
  /** What the tool does, for the model that chooses it. */
  description?: string
  /** The schema of the arguments, with `type: 'object'` at its root. Without one the tool takes no arguments. */
  input?: S
  /** The schema of the result; it makes the tool structured, and what the handler returns is checked against it. */
  output?: JsonSchema
  /** Whether results are also sent as structured content, next to their text. Default: only with `output`. */
  structured?: boolean
  /** How long one call may run, in milliseconds. */
  timeout?: number
}

/**
 * Returns the result, or a promise of it: a string is sent as text, `undefined` as empty text (`null` where the tool is
 * structured), anything else as JSON. What it throws is sent as a failed result with the error's message.
 */
export type Handler<A> = (args: A, ctx: Context) => unknown

/** What a handler may know and say about its call. The properties are `undefined` when first read after its end. */
export interface Context {
  /** Aborted when the call is over without this handler: cancelled, timed out, or to be run again with answers. */
  readonly signal: AbortSignal
  readonly requestId: string | number
  readonly clientInfo: { readonly name: string; readonly version: string; readonly [key: string]: unknown } | undefined
  readonly clientCapabilities: { readonly [capability: string]: unknown }
  readonly protocolVersion: string
  /** The request's `_meta`, as sent. */
  readonly meta: { readonly [key: string]: unknown } | undefined
  /** The session, where the transport has one. */
  readonly sessionId: string | undefined
  /** Says how far the call has come. Dropped if the client did not ask, or if `progress` does not increase. */
  progress(progress: number, total?: number, message?: string): void
  /**
   * Asks the user behind the client to fill in a form of flat primitive fields. Rejects with an {@link ElicitError} if the
   * client cannot be asked.
   *
   * Some clients answer in a second request. The handler is then run again from its start, and everything it asked before
   * is answered at once; so what it does before its last question should be safe to repeat.
   */
  elicit<const S extends JsonSchema>(message: string, schema: S, options?: ElicitOptions): Promise<Answer<FromSchema<S>>>
}

export interface ElicitOptions {
  /** Names the question within its call. Default: its ordinal. Name questions whose order may vary. */
  key?: string
}

export type Answer<T> =
  | { action: 'accept'; content: T }
  /** The user said no, or closed the form without choosing. */
  | { action: 'decline' | 'cancel'; content?: undefined }

/** Why a question was not asked or not answered. A handler that cannot do without the answer lets it through. */
export class ElicitError extends Error {
  readonly name: 'ElicitError'
  /**
   * `stale`: the call is over; `unsupported`: the client cannot be asked; `invalid`: the question is wrong; `failed`: the
   * client reported a failure, or its answer does not fit.
   */
  readonly code: 'stale' | 'unsupported' | 'invalid' | 'failed'
}

export interface HttpOptions {
  /** 0 for a free one. */
  port: number
  /** Default `127.0.0.1`. */
  host?: string
  /** Default `/mcp`. */
  path?: string
  /** Host names that requests may name besides the loopback ones. */
  allowedHosts?: string[]
  /** Origins (`scheme://host[:port]`) whose pages may call the server. */
  allowedOrigins?: string[]
}

export interface ListenOptions {
  /** Serves standard input and output. While it runs, whatever is printed goes to standard error. */
  stdio?: boolean
  /** Serves Streamable HTTP: a port, `'host:port'`, `'host:port/path'`, or options. */
  http?: number | string | HttpOptions
  /**
   * Handles SIGINT and SIGTERM: the first closes the server and then exits with 128 + its number, a second exits at once.
   * Default: no, so that signals do what they do to any Node program. Not available in workers.
   */
  signals?: boolean
}

export interface Listening {
  /** The URL of the HTTP endpoint. */
  url: string | undefined
}

/** An MCP server. Opens nothing until `listen`; keeps the process alive exactly while it listens. */
export class Server {
  constructor(options: ServerOptions)
  /** Registers a tool, at any time. Throws if the name is taken or the definition is wrong. */
  tool<const S extends JsonSchema>(name: string, options: ToolOptions<S>, handler: Handler<FromSchema<S>>): this
  tool(name: string, handler: Handler<Record<string, never>>): this
  /** Removes a tool; calls in flight go on. `false` if there is none of this name. */
  removeTool(name: string): boolean
  /**
   * Starts the transports and resolves once they accept messages. Without options: stdio; a number or a string: HTTP.
   * Rejects if a port is in use. Ends by `close()`, or when the standard input ends.
   */
  listen(options?: ListenOptions | number | string): Promise<Listening>
  /**
   * Accepts nothing more, lets calls in flight finish within `limits.drainTimeout`, then resolves. A handler that awaits
   * it waits for its own end.
   */
  close(): Promise<void>
  /** Resolves when the server has ended: closed, or its transports came to their end. */
  readonly closed: Promise<void>
}
