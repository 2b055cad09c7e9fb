/** Clients in the process of their server, for tests. Messages go through the whole engine, without sockets. */

import type { PrincipalOptions, Server, StoreOp, StoreReply } from './index.js'

/** A client's answer to a question: the answer itself, or a function of the question's parameters. */
export type Answering<T> = T | ((params: Record<string, any>) => T | Promise<T>)

export interface ClientOptions {
  /** The client's revision. Default: the newest that the server supports. */
  revision?: string
  /** The client's name. */
  name?: string
  version?: string
  /** The client's principal for the server, as a transport would have found it. */
  principal?: string | PrincipalOptions
  /** Capabilities that the client declares besides those that follow from the other options. */
  capabilities?: Record<string, unknown>
  /**
   * Answers questions to the user. An object is the content of the form, `true` accepts, `false` and `null` decline, and
   * `'cancel'` cancels. If a function throws, the question fails, and in 2026-07-28 the request fails. Without this option the
   * client cannot be asked.
   */
  elicit?: Answering<Record<string, unknown> | boolean | null | 'accept' | 'decline' | 'cancel'>
  /** Answers questions to the model: with a text, or the whole result. */
  sample?: Answering<string | Record<string, unknown>>
  /** The directories that the user works in. */
  roots?: Answering<(string | { uri: string; name?: string })[]>
  /** The lowest level of log messages that the client asks for. Default: all, if `onLog` is given. */
  logLevel?: 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency'
  /** Is called with log messages. */
  onLog?: (message: { level: string; data: unknown; logger?: string }) => void
  /** Is called with notifications other than those of progress and logs. */
  onNotification?: (method: string, params: Record<string, any>) => void
}

export interface RequestOptions {
  /** Metadata to send with the request. */
  meta?: Record<string, unknown>
  /** Is called with the progress of the request. */
  onProgress?: (progress: number, total?: number, message?: string) => void
  /** Cancels the request. */
  signal?: AbortSignal
}

/** An entry of a list, in the protocol's form. */
export interface Listed {
  name: string
  [member: string]: any
}

/**
 * A client of a server in the same process. If the server does not listen, the first client starts it, for clients in the
 * process only, and the last client ends it. The server does not keep the process alive, but a request that waits for its
 * answer does.
 *
 * A protocol error rejects with `McpError`.
 */
export class Client {
  constructor(app: Server, options?: ClientOptions)
  /** Opens the client. The first request does so as well. */
  open(): Promise<this>
  /**
   * Calls a tool. If the tool fails, the promise rejects with `ToolError`; with `raiseOnError: false` it resolves to a result
   * that says so.
   */
  callTool(
    name: string,
    args?: Record<string, unknown>,
    options?: RequestOptions & { raiseOnError?: boolean }
  ): Promise<CallResult>
  /** All tools, from all pages. */
  listTools(): Promise<Listed[]>
  readResource(uri: string, options?: RequestOptions): Promise<ReadResult>
  /** All resources, from all pages. */
  listResources(): Promise<(Listed & { uri: string })[]>
  /** All resource templates, from all pages. */
  listResourceTemplates(): Promise<(Listed & { uriTemplate: string })[]>
  /** Gets a prompt. Arguments that are not strings are sent as their JSON. */
  getPrompt(name: string, args?: Record<string, unknown>, options?: RequestOptions): Promise<PromptResult>
  /** All prompts, from all pages. */
  listPrompts(): Promise<Listed[]>
  /**
   * Gets suggestions for an argument of a prompt, or a variable of a template. `arguments` are the arguments that are known
   * already.
   */
  complete(
    what: ({ prompt: string } | { template: string }) & {
      argument: string
      value?: string
      arguments?: Record<string, string>
    },
    options?: RequestOptions
  ): Promise<CompletionResult>
  /** Sends a ping, which the engine itself answers. */
  ping(): Promise<void>
  /** Sends any request, and resolves to its result as it was sent. */
  request(method: string, params?: Record<string, unknown>, options?: RequestOptions): Promise<Record<string, any>>
  /** Sends a notification. */
  notify(method: string, params?: Record<string, unknown>): Promise<void>
  /** Closes the client and cancels its pending requests. */
  close(): Promise<void>
  /** {@link close}, at the end of `await using client = new Client(app)`. */
  [Symbol.asyncDispose](): Promise<void>
}

interface Result {
  /** The result as it was sent. */
  readonly result: Record<string, any>
  /** The metadata of the result. */
  readonly meta: Record<string, any>
  /** The texts of the result, joined by line breaks. */
  readonly text: string
}

/** The result of a tool. */
export class CallResult implements Result {
  private constructor()
  readonly result: Record<string, any>
  readonly meta: Record<string, any>
  readonly text: string
  /**
   * The structured content, without the object that a revision may wrap it in. Without structured content it is the only text:
   * parsed, if the text is JSON, otherwise a string. `undefined` if there is no single such value.
   */
  readonly data: any
  readonly isError: boolean
  readonly content: { type: string; [member: string]: any }[]
  /** The structured content; `undefined` if there is none. */
  readonly structured: any
}

/** The contents that were read at an address. */
export class ReadResult implements Result {
  private constructor()
  readonly result: Record<string, any>
  readonly meta: Record<string, any>
  readonly text: string
  /**
   * The data of the only contents: parsed JSON if their media type says so, a string, or a `Buffer`. `undefined` if there is no
   * single such value.
   */
  readonly data: any
  readonly contents: { uri: string; mimeType?: string; text?: string; blob?: string; [member: string]: any }[]
}

/** The result of a prompt. */
export class PromptResult implements Result {
  private constructor()
  readonly result: Record<string, any>
  readonly meta: Record<string, any>
  readonly text: string
  readonly messages: { role: string; content: { type: string; [member: string]: any } }[]
  readonly description?: string
}

/** Suggestions for an argument. */
export class CompletionResult implements Result {
  private constructor()
  readonly result: Record<string, any>
  readonly meta: Record<string, any>
  readonly text: string
  readonly values: string[]
  readonly total?: number
  readonly hasMore: boolean
}

/**
 * Runs an operation on the store of a server that listens, as the engine does, and resolves to the reply. It is for tests of a
 * program's own store. A store that fails gives the reply `unavailable`.
 */
export function storeOperation(server: Server, op: StoreOp): Promise<StoreReply>
