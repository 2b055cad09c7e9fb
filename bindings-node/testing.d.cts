/** Clients in the process of their server, for tests: messages go through the whole engine, without sockets. */

import type { Server } from './index.js'

/** What a client answers a question with: the answer, or a function of the question's parameters. */
export type Answering<T> = T | ((params: Record<string, any>) => T | Promise<T>)

export interface ClientOptions {
  /** The revision it speaks. Default: the newest that the server does. */
  revision?: string
  /** What it says of itself. */
  name?: string
  version?: string
  /** Who it is to the server, as a transport would have found out. */
  principal?: string
  /** Capabilities it declares besides those that follow from the rest. */
  capabilities?: Record<string, unknown>
  /**
   * Answers what the user is asked: an object is the content of the form, `true` agrees, `false` and `null` decline,
   * `'cancel'` says so. What a function throws fails the question, and in 2026-07-28 the request. Without it the client cannot
   * be asked.
   */
  elicit?: Answering<Record<string, unknown> | boolean | null | 'accept' | 'decline' | 'cancel'>
  /** Answers as a model: with its text, or the whole result. */
  sample?: Answering<string | Record<string, unknown>>
  /** The directories the user works in. */
  roots?: Answering<(string | { uri: string; name?: string })[]>
  /** From which level on it wants log messages. Default: all, with `onLog`. */
  logLevel?: 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency'
  /** Hears log messages. */
  onLog?: (message: { level: string; data: unknown; logger?: string }) => void
  /** Hears notifications besides those of progress and logs. */
  onNotification?: (method: string, params: Record<string, any>) => void
}

export interface RequestOptions {
  /** Metadata to send along. */
  meta?: Record<string, unknown>
  /** Hears how far it is. */
  onProgress?: (progress: number, total?: number, message?: string) => void
  /** Cancels it. */
  signal?: AbortSignal
}

/** An entry of a list, as the protocol has it. */
export interface Listed {
  name: string
  [member: string]: any
}

/**
 * A client of a server in the same process. The server need not listen: the first client starts it, for clients in the process
 * alone, and the last one ends it. It does not keep the process alive, but a request that waits for its answer does.
 *
 * A protocol error rejects with `McpError`.
 */
export class Client {
  constructor(app: Server, options?: ClientOptions)
  /** Opens it, which the first request does as well. */
  open(): Promise<this>
  /** Calls a tool. One that fails rejects with `ToolError`, or with `raiseOnError: false` is a result that says so. */
  callTool(
    name: string,
    args?: Record<string, unknown>,
    options?: RequestOptions & { raiseOnError?: boolean }
  ): Promise<CallResult>
  /** The tools, all pages of them. */
  listTools(): Promise<Listed[]>
  readResource(uri: string, options?: RequestOptions): Promise<ReadResult>
  /** The resources, all pages of them. */
  listResources(): Promise<(Listed & { uri: string })[]>
  /** The templates of resources, all pages of them. */
  listResourceTemplates(): Promise<(Listed & { uriTemplate: string })[]>
  /** Makes a prompt. Arguments that are no strings are sent as their JSON. */
  getPrompt(name: string, args?: Record<string, unknown>, options?: RequestOptions): Promise<PromptResult>
  /** The prompts, all pages of them. */
  listPrompts(): Promise<Listed[]>
  /** Suggestions for an argument of a prompt, or a variable of a template; `arguments` are settled already. */
  complete(
    what: ({ prompt: string } | { template: string }) & {
      argument: string
      value?: string
      arguments?: Record<string, string>
    },
    options?: RequestOptions
  ): Promise<CompletionResult>
  /** Waits for an answer of the engine itself. */
  ping(): Promise<void>
  /** Sends any request; resolves to its result as it was sent. */
  request(method: string, params?: Record<string, unknown>, options?: RequestOptions): Promise<Record<string, any>>
  /** Sends a notification. */
  notify(method: string, params?: Record<string, unknown>): Promise<void>
  /** The client is gone: what it still asks is cancelled. */
  close(): Promise<void>
  /** {@link close}, at the end of `await using client = new Client(app)`. */
  [Symbol.asyncDispose](): Promise<void>
}

interface Result {
  /** The result as it was sent. */
  readonly result: Record<string, any>
  /** Its metadata. */
  readonly meta: Record<string, any>
  /** Its texts, a line each. */
  readonly text: string
}

/** What a tool returned. */
export class CallResult implements Result {
  private constructor()
  readonly result: Record<string, any>
  readonly meta: Record<string, any>
  readonly text: string
  /**
   * The value given as structured content, without the object that a revision may put around it, or else the only text: as JSON if
   * it is such, else a string. `undefined` where there is no one such value.
   */
  readonly data: any
  readonly isError: boolean
  readonly content: { type: string; [member: string]: any }[]
  /** The structured content; `undefined` if there is none. */
  readonly structured: any
}

/** What was read at an address. */
export class ReadResult implements Result {
  private constructor()
  readonly result: Record<string, any>
  readonly meta: Record<string, any>
  readonly text: string
  /** Of the only contents: JSON by their media type, a string, or a `Buffer`. `undefined` where there is no one such value. */
  readonly data: any
  readonly contents: { uri: string; mimeType?: string; text?: string; blob?: string; [member: string]: any }[]
}

/** A prompt, made. */
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
