// The exports of the native part, for developers of js/. The declarations of the package are in index.d.ts.
// Generated from the last build by `npm run native-types`.

/** The reply to a question to the client. */
export interface AskReply {
  /**
   * `answered` (text: the answer), `waiting` (id: the question), `suspended`, or the reason of a refusal: `ended`,
   * `unsupported` (id: the refusal), `invalid`, `failed` (text: the reason).
   */
  state: string
  id: number
  text: string
}

/** A permit of a circuit breaker, or why there is none. */
export interface BreakerReply {
  permit?: number
  /** The milliseconds until a call may pass. */
  wait: number
  text?: string
}

/** A server of this environment. */
export declare class Engine {
  /** Builds a server, from settings of the program too if there are some. */
  constructor(config: ServerConfig, settings?: Settings | undefined | null)
  /** Ends the server because the process is about to exit. Waits up to a second until answers are written. */
  abandon(): void
  /**
   * Registers an entry. `options` is JSON text, and `handler` is the number of its handler in JavaScript.
   * `replaces`: a method answers a request of the protocol instead of the engine.
   */
  add(kind: string, options: string, handler: number, replaces: boolean): void
  /** Registers a function that completes an argument. `policies` is JSON text. */
  addCompletion(kind: string, of: string, argument: string, policies: string, handler: number): void
  /** Adds middleware around operations, which are given by name. Default: around calls of handlers. */
  addMiddleware(operations: Array<string> | undefined | null, handler: number): void
  /** Adds a page, or replaces the page at its path. */
  addPage(path: string, contentType: string, body: Uint8Array): void
  /** Serves a folder of skills. */
  addSkills(folder: string): void
  /** Registers a view. `html` is its document, or the folder that has it. */
  addUi(options: string, html: string, isFolder: boolean): void
  /** Asks the client. `kind` is the name of the question's kind, and `params` are its parameters as JSON text. */
  ask(slot: number, generation: number, kind: string, params: string, key?: string | undefined | null): AskReply
  /** The deepest nesting and the largest text of a result. */
  bounds(): Array<number>
  /** The circuit breaker of this name, of the server that the handler of the call is registered with. */
  breaker(slot: number, generation: number, name: string): NativeBreaker
  /** The cache of values of the server that the handler of the call is registered with. */
  cache(slot: number, generation: number): NativeCache
  /** Changes policies of an entry. `policies` is JSON text. */
  changePolicies(kind: string, name: string, policies: string): void
  /** Clears the state of a policy of an entry, or of all of them. */
  clearPolicy(kind: string, name: string, policy?: string | undefined | null): void
  /** Begins a graceful shutdown. The dispatch function is notified when the shutdown is complete. */
  close(): void
  /** Ends the server at once, because JavaScript no longer references it. Does not wait. */
  closeNow(): void
  /** Ends the response that the client waits for. Returns whether the client can resume it. */
  closeStream(slot: number, generation: number): boolean
  /** Takes a batch of outcomes: the first `length` numbers of `records`, and one line of text for each. */
  complete(records: Uint32Array, length: number, text: string): void
  /** Takes the outcome of a call if it is bytes. */
  completeBytes(slot: number, generation: number, bytes: Uint8Array): void
  /** The context members of a call, as JSON text; `null` once it has ended. */
  describe(slot: number, generation: number): string | null
  /** Notifies a client that its user has completed a requested visit to a page. `false` if no client waits for it. */
  elicitationComplete(id: string): boolean
  /** Sends the client an event of the call: the name of its kind, and its parameters as JSON text. */
  emit(slot: number, generation: number, kind: string, params: string): void
  /** Enables or disables an entry; `false` if there is none of this name. */
  enable(kind: string, name: string, enabled: boolean): boolean
  /** Enables or disables the entries that have one of these tags. Returns whether there are any. */
  enableTags(tags: Array<string>, enabled: boolean): boolean
  /** All entries of a kind, as JSON text: `[{"definition":…,"enabled":…}]`. */
  entries(kind: string): string
  /**
   * Begins an exchange. `headers` are names and values, alternating. The principal is JSON text. With `deferred`, the
   * exchange will ask for it. Returns its number.
   */
  exchange(method: string, version: number, headers: Array<string>, principal: string | undefined | null, address: string | undefined | null, deferred: boolean): number
  /** Adds a piece to an exchange's body. Without `data` the body is complete. */
  feed(number: number, data?: Uint8Array | undefined | null): void
  /** Drops an exchange. A second call has no effect. Returns the numbers of the exchanges whose calls have all ended. */
  forgetExchange(number: number): Array<number>
  /** The input of a call, as JSON text; `null` once the call has ended. */
  input(slot: number, generation: number): string | null
  /** The limiter of this name, of the server that the handler of the call is registered with. */
  limiter(slot: number, generation: number, name: string): NativeLimiter
  /** Notifies clients that a list has changed. */
  listChanged(kind: string): void
  /** Starts the transports. `numbers` is the array for the numbers of batches. */
  listen(dispatch: (batch: string) => void, scheduleTurn: () => void, numbers: Uint32Array, options: ListenOptions): Listening
  /** Makes a principal, given as JSON text, that of the client, from its next request on. */
  login(slot: number, generation: number, given: string): void
  /** Whether the settings allow log records of this level now, for records that JavaScript makes. */
  logs(level: string): boolean
  /**
   * Mounts another server of this environment. Numbers of handlers are unique in the environment. Once the mount is no
   * longer needed, its `number` is passed to the dispatch function, or returned by `unmount`.
   */
  mount(other: Engine, number: number, prefix?: string | undefined | null): void
  /** Makes the engine run the operation inside the middleware. The dispatch function gets the outcome. */
  next(slot: number, generation: number, input?: string | undefined | null): void
  /** Sends a notification to every session. `params` is JSON text. Returns how many sessions can be reached. */
  notify(method: string, params: string): number
  /** Sends the client a custom notification. `params` is JSON text. */
  notifyCall(slot: number, generation: number, method: string, params: string): void
  /** The result that an earlier attempt of this call stored under `key`, as JSON text. */
  onceGet(slot: number, generation: number, key: string): string | null
  /** Stores a result, as JSON text, for the next attempts of this call. */
  oncePut(slot: number, generation: number, key: string, result: string): AskReply
  /** What applies to an entry, and its state, as JSON text; `undefined` if there is no such entry. */
  policies(kind: string, name: string): string | null
  /** Checks and completes the arguments that middleware passes to `next`. Takes and returns JSON text. */
  prepare(slot: number, generation: number, input: string): string
  /** Removes an entry; `null` if there is none of this name. */
  remove(kind: string, name: string): RemovedHandlers | null
  /** Removes a page; `false` if there is none at this path. */
  removePage(path: string): boolean
  /**
   * Ends the call or its attempt, because the user must visit pages first. `pages` has the parameters of each page
   * as JSON text.
   */
  requireUrls(slot: number, generation: number, pages: Array<string>): AskReply
  /** Notifies the subscribers of a resource that it has changed. */
  resourceUpdated(uri: string): void
  /** Sets the authorizer. `handler` is the number of its handler. */
  setAuthorizer(handler: number): void
  /**
   * Sets the principal that the program has found, as JSON text, or the reason why it found none. If the exchange does
   * not want it, this has no effect.
   */
  setPrincipal(number: number, principal?: string | undefined | null, failed?: string | undefined | null): void
  /** Sets the verifier, which reads these headers besides a bearer token. `handler` is the number of its handler. */
  setVerifier(headers: Array<string>, handler: number): void
  /** Sets the function that decides which entries exist for a caller. `handler` is the number of its handler. */
  setVisible(handler: number): void
  /** Turns the call into a task, if that is allowed. The reply is `answered`, with 1 as id if the call is a task. */
  startTask(slot: number, generation: number): AskReply
  /** The next step. It is the end after the exchange or the server has ended. */
  step(number: number): NextStep
  /**
   * For tests of stores: runs an operation on the store. It and the reply are JSON text, as the store's `submit` has
   * them.
   */
  storeOperation(op: string): Promise<string>
  /** Switches a policy of an entry on or off. */
  switchPolicy(kind: string, name: string, policy: string, on: boolean): void
  /** Takes the turn that `scheduleTurn` has scheduled. */
  turn(): void
  /** Removes a mount. Returns the numbers of mounts that are no longer needed, unless the dispatch function has got them. */
  unmount(other: Engine, prefix?: string | undefined | null): Array<number>
}

/** One client. */
export declare class Link {
  /** Opens a client of a server of this environment; `number` is its number in batches. */
  constructor(engine: Engine, number: number, options: LinkOptions)
  /** Answers a question with JSON text, or with a failure. */
  answer(question: number, kind: string, answer: string, failure?: string | undefined | null): void
  /** Sends a request; `given` is JSON text. */
  ask(request: number, what: string, given: string, progress: boolean): void
  /** Cancels a request. */
  cancel(request: number): void
  /** Closes the client. */
  close(): void
  /** A number for a request. */
  next(): number
  /** Sends a notification; `params` is JSON text. */
  notify(method: string, params: string): void
}

/** The client's information and capabilities. */
export interface LinkOptions {
  revision?: string
  /** The names of the questions that the client can answer. */
  questions: Array<string>
  /** JSON text. */
  capabilities?: string
  /** JSON text. */
  info?: string
  logLevel?: string
  /** JSON text. */
  principal?: string
}

/** The transports of one `listen()`. */
export interface ListenOptions {
  /** The transports that the program named, as JSON text. */
  transports?: string
  /** The options for requests of the program's own HTTP server, as JSON text. Then there are no other transports. */
  embedded?: string
  /** Whether the references to the functions that take batches are weak. Then the caller keeps these functions. */
  collectable: boolean
  /** Whether signals end the server, and the process ends with it. */
  owner: boolean
}

/** What JavaScript needs to know of a server that listens. */
export interface Listening {
  url?: string
  websocketUrl?: string
  sseUrl?: string
  /** Whether calls run already. Otherwise the dispatch function is notified whether the start succeeds. */
  started: boolean
  /** Whether the process's own input and output are served. */
  stdio: boolean
  /** The options for requests of the program's own HTTP server, as `embedOptions` returns them. */
  embedded?: string
}

/** A circuit breaker of the program's own. */
export declare class NativeBreaker {
  /** Lets a call pass, or says when one may pass. */
  allow(): BreakerReply
  /** Records how the call with this permit ended; without `succeeded`: that it does not count. */
  record(permit: number, succeeded?: boolean | undefined | null): void
}

/** The cache of values of a server. */
export declare class NativeCache {
  /** Removes all values. */
  clear(): void
  /** Removes the value of a key. Returns whether there was one. */
  delete(key: string): boolean
  /** The value of a key, as JSON text. */
  get(key: string): string | null
  /** Stores a value, as JSON text, for a time in milliseconds. */
  put(key: string, value: string, ttl: number): void
  /** A number that identifies the server. */
  server(): string
}

/** A limit of the program's own. */
export declare class NativeLimiter {
  /** Takes note of what the headers of a response say: JSON text. */
  feed(headers: string): void
  /** Takes one call. Returns the milliseconds until one can be taken, or 0 if it was taken. */
  tryAcquire(): number
}

/** The next step of an exchange. */
export interface NextStep {
  /** 0: nothing yet; 1: the head; 2: a piece of the body; 3: the end; 4: the principal is wanted. */
  kind: number
  status?: number
  /** Names and values, alternating. */
  headers?: Array<string>
  data?: Buffer
  /** Whether more pieces follow. */
  more: boolean
}

/** The handlers of removed entries. */
export interface RemovedHandlers {
  handlers: Array<number>
  /** Whether JavaScript can release the handlers now. Otherwise the dispatch function is notified later, when it can. */
  now: boolean
}

/** The configuration from which a server is built. */
export interface ServerConfig {
  /** Without a name or a version, the program's settings have them. */
  name?: string
  version?: string
  /** The settings, as JSON text. */
  settings: string
  limitNames: Array<string>
  limitValues: Array<number>
  /** The number of the handler of the program's store. */
  store?: number
  /** Whether JavaScript takes log records. */
  logs: boolean
  /** The lowest level of log records, if the program has set it. */
  logLevel?: string
  /** The lowest level if neither the program nor its settings have set it. */
  defaultLogLevel: string
}

/** Settings from a file, from variables and from code. Values are JSON text. Methods that read or write files block. */
export declare class Settings {
  /** Reads the sources that `options` names, as JSON text. */
  constructor(options: string)
  /** The value of a setting; `null` if it is not set. */
  get(key: string): string | null
  /** Reads all sources again, and applies them to the servers that were made with these settings. */
  reload(): void
  /** Writes the values that were set into the file. */
  save(): void
  /** The JSON Schema of a settings file. */
  schema(): string
  /** Sets a value in code. */
  set(key: string, value: string): void
  /** Where the value of a setting comes from; `null` if it is not set. */
  source(key: string): string | null
  /** Writes a file that has every setting as a comment. */
  static writeDefault(path: string): void
}

/**
 * The name under which the completion of `argument` is registered. `of` is the kind of the entry that has the argument, and
 * `name` is its name.
 */
export declare function completionName(of: string, name: string, argument: string): string

/** The names of the context members. */
export declare function contextFields(): Array<string>

/** Checks options for requests of the program's own HTTP server. Returns the same text for options that mean the same. */
export declare function embedOptions(what: string, options: string): string

/** The levels of messages for clients, in ascending order. */
export declare function logLevels(): Array<string>

/** Whether this is the first thread of the process. Also `false` if the system does not provide this information. */
export declare function onFirstThread(): boolean

/** The names of the options of verifiers and keys whose values are secret. */
export declare function secretOptions(): Array<string>

/**
 * Handles a signal that a listener got. Returns the code to exit with at once, or `null`. A signal that the signal thread has
 * handled counts only once.
 */
export declare function takeSignal(number: number): number | null

/** Removes `on_signal`. Call it before the listeners are removed, because libuv then removes its own handler. */
export declare function unwatchSignals(): void

/** Lets the signal thread handle signals. There must be listeners for them. Without it, only [`take_signal`] handles them. */
export declare function watchSignals(): void
