// What the native part exports, for those who work on js/; the package's own declarations are in index.d.ts.
// Made of the last build: `npm run native-types` writes it anew.

/** What became of a question. */
export interface AskReply {
  /**
   * `answered` (text: the answer), `waiting` (id: the question), `suspended`, or why it was refused: `ended`,
   * `unsupported` (id: the refusal), `invalid`, `failed` (text: the reason).
   */
  state: string
  id: number
  text: string
}

/** Whom the endpoint answers. */
export interface EmbedListenOptions {
  allowedHosts: Array<string>
  allowedOrigins: Array<string>
  allowedHeaders: Array<string>
}

/** A server of this environment. */
export declare class Engine {
  /** Builds a server. */
  constructor(settings: Settings)
  /** Ends without handlers: the process is about to exit. Waits a moment for answers to be written. */
  abandon(): void
  /** Registers an entry whose calls go to `handler` of the JavaScript side's table; its definition is JSON text. */
  add(kind: string, definition: string, policies: Policies, handler: number): void
  /** Puts a function of JavaScript's around operations, by their words; without any around calls of handlers. */
  addMiddleware(operations: Array<string> | undefined | null, handler: number): void
  /** Adds a page, or puts it in place of that under its path. */
  addPage(path: string, contentType: string, body: Uint8Array): void
  /** Serves a folder of skills. */
  addSkills(folder: string): void
  /** Registers a view, whose document is text or a folder's. */
  addUi(definition: string, policies: Policies, html: string, isFolder: boolean): void
  /** Asks the client: a word for the kind, and its parameters as JSON text. */
  ask(slot: number, generation: number, kind: string, params: string, key?: string | undefined | null): AskReply
  /** The deepest nesting and the largest text of a result. */
  bounds(): Array<number>
  /** Begins a graceful end; the dispatch function hears when it is complete. */
  close(): void
  /** Ends the response that the client waits on; whether it will come back. */
  closeStream(slot: number, generation: number): boolean
  /** Takes a batch of answers: the first `length` numbers of `records`, and one line of text for each answer. */
  complete(records: Uint32Array, length: number, text: string): void
  /** Takes an answer that is bytes. */
  completeBytes(slot: number, generation: number, bytes: Uint8Array): void
  /** What a handler may know about its call, as JSON text; `null` once it is over. */
  describe(slot: number, generation: number): string | null
  /** Tells a client that a visit it was asked for has come to its end; `false` if none waits for it. */
  elicitationComplete(id: string): boolean
  /** Tells the client something of the call: a word for the kind, and its parameters as JSON text. */
  emit(slot: number, generation: number, kind: string, params: string): void
  /** Shows or hides an entry; `false` if there is none of this name. */
  enable(kind: string, name: string, enabled: boolean): boolean
  /** Shows or hides what has one of these tags; whether anything has. */
  enableTags(tags: Array<string>, enabled: boolean): boolean
  /** All entries of a kind, as JSON text: `[{"definition":…,"enabled":…}]`. */
  entries(kind: string): string
  /** Begins an exchange; `headers` are names and values in turn. Returns its number. */
  exchange(method: string, version: number, headers: Array<string>, principal?: string | undefined | null, address?: string | undefined | null): number
  /** Hands in a piece of an exchange's body; none ends it. */
  feed(number: number, data?: Uint8Array | undefined | null): void
  /**
   * Nobody wants the exchange any more; again it does nothing. Returns the numbers of those that no call came in any more
   * that runs, or is to run.
   */
  forgetExchange(number: number): Array<number>
  /** What a call's handler is handed, as JSON text; `null` once the call is over. */
  input(slot: number, generation: number): string | null
  /** Ends without handlers, since nobody has the server any more. Does not wait. */
  letGo(): void
  /** Has clients told that a list has changed. */
  listChanged(kind: string): void
  /** Starts the transports; `numbers` is where batches put their numbers. Returns where they can be reached. */
  listen(dispatch: (batch: string) => void, again: () => void, numbers: Uint32Array, options: ListenOptions): Urls
  /**
   * Makes another server of this environment a part of this one. Handlers have numbers of the whole environment.
   * Once nothing needs the mount any more, its `number` is told to the dispatch function or returned by `unmount`.
   */
  mount(other: Engine, number: number, prefix?: string | undefined | null): void
  /** Has the engine do what middleware is around; the dispatch function hears what it came to. */
  next(slot: number, generation: number, input?: string | undefined | null): void
  /** Sends a notification to every session; `params` is JSON text. Returns how many can be reached. */
  notify(method: string, params: string): number
  /** Sends the client a notification of the program's own; `params` is JSON text. */
  notifyCall(slot: number, generation: number, method: string, params: string): void
  /** The result that an attempt of this call has kept under `key`, as JSON text. */
  onceGet(slot: number, generation: number, key: string): string | null
  /** Keeps a result, JSON text, for the further attempts of this call. */
  oncePut(slot: number, generation: number, key: string, result: string): AskReply
  /** Makes other arguments ready that middleware hands on; JSON text for JSON text. */
  prepare(slot: number, generation: number, input: string): string
  /** Removes an entry; `null` if there is none of this name. */
  remove(kind: string, name: string): Removed | null
  /** Removes a page; `false` if there is none under this path. */
  removePage(path: string): boolean
  /** Ends the call, or its attempt, because the user must visit pages first: the parameters of each as JSON text. */
  requireUrls(slot: number, generation: number, pages: Array<string>): AskReply
  /** Has those subscribed to a resource told that it has changed. */
  resourceUpdated(uri: string): void
  /** Has the call become a task, if it may: `answered`, with 1 as id if it is one. */
  startTask(slot: number, generation: number): AskReply
  /** What comes next. After the end, or after that of the server, it is the end. */
  step(number: number): NextStep
  /** Takes a turn; called because `again` was. */
  turn(): void
  /** Undoes that. Returns the numbers of the mounts that nothing needs any more, as far as they have not been told. */
  unmount(other: Engine, prefix?: string | undefined | null): Array<number>
}

/** Streamable HTTP: an address, or a Unix socket, or a listening socket. */
export interface HttpListenOptions {
  address?: string
  unix?: UnixListenOptions
  socket?: number
  path?: string
  allowedHosts: Array<string>
  allowedOrigins: Array<string>
  allowedHeaders: Array<string>
}

/** One client. */
export declare class Link {
  /** Opens a client of a server that this environment serves; `number` names it in batches. */
  constructor(engine: Engine, number: number, options: LinkOptions)
  /** Answers a question with JSON text, or with a failure. */
  answer(question: number, kind: string, answer: string, failure?: string | undefined | null): void
  /** Sends a request; `given` is JSON text. */
  ask(request: number, what: string, given: string, progress: boolean): void
  /** Gives a request up. */
  cancel(request: number): void
  /** The client is gone. */
  close(): void
  /** A number for a request. */
  next(): number
  /** Sends a notification; `params` is JSON text. */
  notify(method: string, params: string): void
}

/** Who the client says it is. */
export interface LinkOptions {
  revision?: string
  /** Words of what it can be asked. */
  questions: Array<string>
  /** JSON text. */
  capabilities?: string
  /** JSON text. */
  info?: string
  logLevel?: string
  principal?: string
}

/** The transports of one start. */
export interface ListenOptions {
  stdio: boolean
  /** A pair in place of the process's own input and output. */
  descriptors?: Array<number>
  http?: HttpListenOptions
  unix?: UnixListenOptions
  sockets: Array<number>
  websocket?: WebListenOptions
  sse?: WebListenOptions
  /** Clients in the process, which do not keep it alive. */
  inProcess?: boolean
  /** Requests that the program hands over. */
  embedded?: EmbedListenOptions
  /** Nothing but the program's own server keeps the process alive. */
  unref: boolean
  /** The functions that take batches are referred to weakly: the caller keeps them. */
  collectable?: boolean
  /** The process belongs to the server. */
  owner: boolean
}

/** A name with JSON text. */
export interface Named {
  name: string
  json: string
}

/** What comes out of an exchange. */
export interface NextStep {
  /** 0: nothing yet; 1: the head; 2: a piece of the body; 3: the end. */
  kind: number
  status?: number
  /** Names and values in turn. */
  headers?: Array<string>
  data?: Buffer
  /** Whether more follows a piece. */
  more: boolean
}

/** What becomes of the calls of an entry; times are milliseconds. */
export interface Policies {
  structured: boolean
  timeout?: number
  /** How many calls run at a time. */
  maxConcurrency?: number
  onceOnly?: boolean
  /** Whether values of a template's variables may be absolute paths, and have segments `..`. */
  unsafePaths?: boolean
  /** What becomes of arguments without a property: `schema`, `refuse`, `drop`. */
  unknown?: string
  coerce?: boolean
  /** Caching hints, as JSON text. */
  cache?: string
  /** Whether calls may be tasks: `forbidden`, `optional`, `required`. */
  taskSupport?: string
  /** Whether the handler says when its call becomes a task. */
  deferTask?: boolean
  /** In no list. */
  hidden: boolean
  /** Answers a request of the protocol's. */
  replaces?: boolean
  /** Words that it is hidden by. */
  tags?: Array<string>
}

/** What became of the handlers of what was removed. */
export interface Removed {
  handlers: Array<number>
  /** They can be forgotten now; otherwise the dispatch function will be told. */
  now: boolean
}

/** The settings of a server. */
export interface Settings {
  name: string
  version: string
  instructions?: string
  /** What the server says of itself besides. */
  members: Array<Named>
  limitNames: Array<string>
  limitValues: Array<number>
  stateKeys: Array<Uint8Array>
  /** The least level of records that are told. */
  log?: string
  revisions?: Array<string>
  capabilities: Array<string>
  extensions: Array<Named>
  maskErrors?: boolean
  coerceArguments?: boolean
  assertFormats?: boolean
  endWithStdin?: boolean
  /** Caching hints, of every answer where the name is empty. */
  cache: Array<Named>
}

/** A Unix socket. */
export interface UnixListenOptions {
  path: string
  mode?: number
}

/** Where a server can be reached. */
export interface Urls {
  url?: string
  websocketUrl?: string
  sseUrl?: string
  /** Whether calls run already; otherwise dispatch hears what becomes of the start. */
  started: boolean
}

/** An address, or a path of HTTP's, and whom it answers. */
export interface WebListenOptions {
  address: string
  allowedHosts: Array<string>
  allowedOrigins: Array<string>
  allowedHeaders: Array<string>
}

/** The name under which the completion of `argument` is registered; `of` is a kind, `name` what has the argument. */
export declare function completionName(of: string, name: string, argument: string): string

/** What handlers may read of their calls, by name. */
export declare function contextFields(): Array<string>

/** The levels of messages for clients, in ascending order. */
export declare function logLevels(): Array<string>

/** Whether this is the thread that the process began with; `false` too where the system does not say. */
export declare function onFirstThread(): boolean

/** A listener heard of a signal: the code to exit with at once, or `null`. A signal counts once, whoever hears of it first. */
export declare function takeSignal(number: number): number | null

/** Takes our handlers away, before the listeners go: without those, libuv would do that by itself, if it can. */
export declare function unwatchSignals(): void

/** Has our thread see to signals, for which there are listeners. Without it, only [`take_signal`] does. */
export declare function watchSignals(): void
