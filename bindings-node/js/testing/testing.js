'use strict'

// Clients in the process of their server, for tests. The engine writes and reads their messages.

const { McpError, ToolError } = require('../errors')
const { internalsOf } = require('./test_internals')
const { Link } = require('../native')
const { IN_PROCESS } = require('../options/options')
const { CallResult, CompletionResult, PromptResult, ReadResult } = require('./client_results')
const { withBytes, withText } = require('../registry/store')
const { principalText } = require('../server/principal')

const { parse, stringify } = JSON

const OPTIONS = [
  'revision',
  'name',
  'version',
  'principal',
  'capabilities',
  'elicit',
  'sample',
  'roots',
  'logLevel',
  'onLog',
  'onNotification'
]

/** The servers that clients have started, with the number of clients. */
const startedServers = new WeakMap()
let lastNumber = 0

/** Starts the server if it is not running. Returns a function that releases the server for this client. */
async function acquireServer(app) {
  let own = startedServers.get(app)
  // The last client has closed, so the server is ending. Wait for its end and start it again.
  while (own?.ending !== undefined) {
    await own.ending
    own = startedServers.get(app)
  }
  if (own === undefined) {
    if (internalsOf(app).listening) return async () => {}
    own = start(app)
  }
  own.clients++
  await own.started
  return async () => {
    if (--own.clients > 0 || startedServers.get(app) !== own) return
    own.ending = end(app)
    await own.ending
  }
}

function start(app) {
  const own = { clients: 0, started: app.listen(IN_PROCESS), ending: undefined }
  startedServers.set(app, own)
  const over = () => {
    if (startedServers.get(app) === own) startedServers.delete(app)
  }
  // The promise itself reports a failed start.
  own.started.catch(over)
  // This also covers a server that the program itself has closed.
  app.closed.then(over)
  return own
}

async function end(app) {
  const timer = keepAlive()
  try {
    await app.close()
  } finally {
    clearInterval(timer)
  }
}

/** Keeps the process alive while something waits for the server, because the server does not. */
function keepAlive() {
  return setInterval(() => {}, 1 << 30)
}

class Client {
  #app
  #options
  #answers = {}
  #onLog
  #onNotification
  #opened
  #link
  #release
  #pending = new Map()
  #number = 0
  #timer
  #cause
  #closed = false

  constructor(app, options = {}) {
    for (const name of Object.keys(options)) {
      if (!OPTIONS.includes(name)) throw new TypeError(`Client: there is no option ${stringify(name)}; the options are ${OPTIONS.join(', ')}`)
    }
    const { revision, name, version = '1.0.0', principal, capabilities, onLog, onNotification } = options
    const { elicit, sample, roots, logLevel = onLog === undefined ? undefined : 'debug' } = options
    for (const [kind, answer] of Object.entries({ elicit, elicit_url: elicit, sample, roots })) {
      if (answer !== undefined) this.#answers[kind] = answer
    }
    this.#app = app
    this.#onLog = onLog
    this.#onNotification = onNotification
    this.#options = {
      revision,
      questions: Object.keys(this.#answers),
      capabilities: capabilities && stringify(capabilities),
      info: name === undefined ? undefined : stringify({ name, version }),
      logLevel,
      principal: principal == null ? undefined : principalText('Client: principal', principal)
    }
  }

  /** Opens the client, and starts the server unless it listens. The first request does so as well. */
  async open() {
    if (this.#closed) throw new Error('Client: the client is closed')
    this.#opened ??= this.#open()
    await this.#opened
    return this
  }

  async #open() {
    this.#release = await acquireServer(this.#app)
    const { bridge } = internalsOf(this.#app)
    this.#number = ++lastNumber
    bridge.clients.set(this.#number, (event) => this.#onEvent(event))
    try {
      this.#link = new Link(bridge.engine, this.#number, this.#options)
    } catch (error) {
      bridge.clients.delete(this.#number)
      await this.#release()
      throw error
    }
  }

  /** Closes the client and cancels its pending requests. The last client ends a server that the first has started. */
  async close() {
    if (this.#closed) return
    this.#closed = true
    try {
      await this.#opened
    } catch {
      return
    }
    this.#link?.close()
    internalsOf(this.#app).bridge.clients.delete(this.#number)
    for (const pending of this.#pending.values()) pending.reject(new Error('Client: the client is closed'))
    this.#pending.clear()
    this.#stopTimer()
    await this.#release?.()
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.close()
  }

  async callTool(name, args = {}, options = {}) {
    const result = await this.#ask('call_tool', { name, arguments: args }, CallResult, options)
    if (result.isError && options.raiseOnError !== false) throw new ToolError(result.text)
    return result
  }

  async listTools() {
    return (await this.#ask('list_tools')).data
  }

  readResource(uri, options) {
    return this.#ask('read_resource', { uri }, ReadResult, options)
  }

  async listResources() {
    return (await this.#ask('list_resources')).data
  }

  async listResourceTemplates() {
    return (await this.#ask('list_resource_templates')).data
  }

  getPrompt(name, args = {}, options) {
    return this.#ask('get_prompt', { name, arguments: args }, PromptResult, options)
  }

  async listPrompts() {
    return (await this.#ask('list_prompts')).data
  }

  complete(what, options) {
    return this.#ask('complete', what, CompletionResult, options)
  }

  async ping() {
    await this.#ask('ping')
  }

  async request(method, params = {}, options) {
    return (await this.#ask('request', { method, params }, undefined, options)).result
  }

  async notify(method, params = {}) {
    await this.open()
    this.#link.notify(method, stringify(params))
  }

  async #ask(what, given = {}, Result, { meta, onProgress, signal } = {}) {
    signal?.throwIfAborted()
    const text = stringify(meta === undefined ? given : { ...given, _meta: meta })
    await this.open()
    signal?.throwIfAborted()
    const number = this.#link.next()
    const answered = new Promise((resolve, reject) => this.#pending.set(number, { resolve, reject, onProgress }))
    const abort = () => {
      this.#link.cancel(number)
      this.#pending.get(number)?.reject(signal.reason)
    }
    signal?.addEventListener('abort', abort, { once: true })
    this.#timer ??= keepAlive()
    try {
      this.#link.ask(number, what, text, onProgress !== undefined)
      const event = await answered
      return Result === undefined ? event : new Result(event)
    } finally {
      signal?.removeEventListener('abort', abort)
      this.#pending.delete(number)
      this.#stopTimer()
    }
  }

  #stopTimer() {
    if (this.#pending.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Never throws: an error of the program's function rejects the request that waits. */
  #onEvent(event) {
    const pending = this.#pending.get(event.whose)
    switch (event.what) {
      case 'answered':
        pending?.resolve(event)
        break
      case 'failed': {
        const error = new McpError(event.code, event.message, event.data)
        if (this.#cause !== undefined) error.cause = this.#cause
        this.#cause = undefined
        pending?.reject(error)
        break
      }
      case 'asked':
        this.#answer(event)
        break
      case 'progress':
        try {
          const { progress, total, message } = event.params
          pending?.onProgress?.(progress, total, message)
        } catch (error) {
          pending.reject(error)
        }
        break
      case 'log':
        callListener(() => this.#onLog?.(event.params))
        break
      case 'notification':
        callListener(() => this.#onNotification?.(event.whose, event.params))
        break
      case 'ended':
        for (const pending of this.#pending.values()) pending.reject(new Error('Client: the server has ended'))
    }
  }

  async #answer({ whose, kind, params }) {
    const given = this.#answers[kind]
    try {
      const answer = typeof given === 'function' ? await given(params) : given
      this.#link.answer(whose, kind, stringify(answer ?? null), undefined)
    } catch (error) {
      this.#cause = error
      this.#link.answer(whose, kind, 'null', String(error?.message ?? error))
    }
  }
}

/** Calls `run`. Its error becomes an uncaught exception. */
function callListener(run) {
  try {
    run()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

/** Runs an operation on the store of a server that listens. Resolves to the reply. */
async function storeOperation(app, op) {
  return withBytes(parse(await internalsOf(app).bridge.engine.storeOperation(stringify(withText(op)))))
}

module.exports = { CallResult, Client, CompletionResult, PromptResult, ReadResult, storeOperation }
