'use strict'

// The public class Server. Before it listens, it holds only data.

const { AsyncResource } = require('node:async_hooks')
const { types } = require('node:util')
const { Bridge } = require('../calls/bridge')
const { abandonFunction, awaitEnd, closeWhenCollected, serverEnded } = require('./collected')
const { boundsOf } = require('../calls/context')
const { entryText, memberText, tagsOf, viewText } = require('../registry/entries')
const { ACCESS_BOUNDS, AUTHORIZER, VERIFIER, VISIBLE, deciderOf, verifierOf } = require('../registry/access')
const { isCode } = require('../errors')
const { onEnvironmentExit } = require('./exit')
const testInternals = require('../testing/test_internals')
const { READ_KINDS } = require('../calls/middleware')
const { Engine, completionName } = require('../native')
const { listenOptions, pageOf, serverOptions } = require('../options/options')
const { ownProcess } = require('./owner')
const { PolicyControl } = require('./policy_control')
const { nameOf } = require('../calls/results')
const { isObject } = require('../registry/schema')
const { withValidators, validatorOf } = require('../registry/validate')

const { parse, stringify } = JSON

/** Numbers of handlers are unique among all servers, because a server may be mounted in another. */
let nextHandler = 0

/** The name of a store's operations in messages, and the bounds of their replies, which may be whole records. */
const STORE = 'store.submit'
const STORE_BOUNDS = { depth: 16, size: Number.MAX_SAFE_INTEGER }

/** Numbers of mounts are unique among all servers, because a server may be mounted in several. */
let lastMount = 0

/** The async context outside of every request. */
const outside = new AsyncResource('TENON_SERVER')

/** Numbers of middleware are unique among all servers, because a server may be mounted in another. */
let lastLayer = 0

class Server {
  #bridge
  #settings
  #listening
  #closed
  #resolveClosed
  #resolveStart
  #failure
  /** The text of the options for requests of the program's own HTTP server. */
  #embedOptions

  static {
    testInternals.setAccessor((server) => ({ bridge: server.#bridge, listening: server.#listening === true }))
  }

  constructor(options) {
    const { program, own, log, store: handler, ...config } = serverOptions(options)
    this.#settings = program
    const store = handler === undefined ? undefined : nextHandler++
    this.#bridge = new Bridge(new Engine({ ...config, ...log.options, store }, own), log.write)
    if (handler !== undefined) this.#bridge.entries.set(store, { kind: 'method', name: STORE, handler, bounds: STORE_BOUNDS })
    ;[this.#closed, this.#resolveClosed] = deferred()
  }

  /** Registers an entry. Throws if the name is taken or the definition is invalid. */
  #add(kind, name, options, handler, { call = handler, replaces = false, completes } = {}) {
    if (typeof name !== 'string') throw new TypeError(`${kind.replaceAll('_', ' ')}: name must be a string`)
    const what = nameOf({ kind, name })
    if (typeof handler !== 'function') throw new TypeError(`${what}: handler must be a function`)
    if (types.isGeneratorFunction(handler)) {
      throw new TypeError(`${what}: handler must not be a generator; return the result instead`)
    }
    const { engine, entries } = this.#bridge
    const text = entryText(kind, what, name, options)
    const number = nextHandler++
    if (completes) engine.addCompletion(completes.kind, completes.name, completes.argument, text, number)
    else engine.add(kind, text, number, replaces)
    const structured = options.output != null || options.structured === true
    const validators = { input: validatorOf(options.input ?? options.args), output: validatorOf(options.output) }
    const checked = validators.input || validators.output ? withValidators(call, validators, what, boundsOf) : call
    entries.set(number, { kind, name, structured, reads: READ_KINDS.includes(kind), handler: checked, given: handler })
    return this
  }

  tool(name, options, handler) {
    return this.#add('tool', name, ...optional(options, handler))
  }

  resource(uri, options, handler) {
    const kind = typeof uri === 'string' && uri.includes('{') ? 'resource_template' : 'resource'
    return this.#add(kind, uri, ...optional(options, handler))
  }

  resourceProvider(template, options) {
    const { list, read, ...shown } = options ?? {}
    if (typeof list !== 'function') throw new TypeError(`resourceProvider: list must be a function, not ${typeof list}`)
    this.#add('resource_template', template, { ...shown, hidden: true }, read)
    try {
      return this.#add('resource_provider', template, shown, list)
    } catch (error) {
      this.#remove('resource_template', template)
      throw error
    }
  }

  /** Registers a view: HTML that clients with MCP Apps show with the results of tools that name it. */
  ui(uri, html, options = {}) {
    if (typeof uri !== 'string') throw new TypeError(`ui: uri must be a string, not ${typeof uri}`)
    const what = `ui ${stringify(uri)}`
    const folder = isObject(html) ? html.folder : undefined
    if (typeof (folder ?? html) !== 'string') throw new TypeError(`${what}: html must be a string, or { folder: path }`)
    this.#bridge.engine.addUi(viewText(what, uri, options), folder ?? html, folder !== undefined)
    return this
  }

  /** Serves a folder of skills. */
  skills(folder) {
    if (typeof folder !== 'string') throw new TypeError('skills: folder must be a string')
    this.#bridge.engine.addSkills(folder)
    return this
  }

  /** Serves a fixed page at a path of the HTTP addresses. */
  page(path, body, options) {
    this.#bridge.engine.addPage(...pageOf(path, body, options))
    return this
  }

  /** Removes a page. `false` if there is none at this path. */
  removePage(path) {
    return this.#bridge.engine.removePage(String(path))
  }

  prompt(name, options, handler) {
    return this.#add('prompt', name, ...optional(options, handler))
  }

  completion(options, handler) {
    const { prompt, template, argument, ...policies } = options ?? {}
    const of = completedEntry(options)
    const call = (input, ctx) => handler(input.value, input.arguments ?? {}, ctx)
    const completes = { ...of, argument }
    return this.#add('completion', completionName(of.kind, of.name, argument), policies, handler, { call, completes })
  }

  method(name, options, handler) {
    return this.#add('method', name, ...optional(options, handler))
  }

  notification(name, options, handler) {
    return this.#add('notification', name, ...optional(options, handler))
  }

  /** Replaces the engine's handling of one of the protocol's methods. */
  replace(method, handler) {
    return this.#add('method', method, {}, handler, { replaces: true })
  }

  on(hook, handler) {
    this.#add('hook', hook, {}, handler)
    if (hook === 'stop') {
      this.#bridge.hasStopHandler = true
      this.#bridge.updateNeeded()
    }
    return this
  }

  /** Registers middleware around operations. Default: around calls of handlers. */
  middleware(operations, fn) {
    const around = fn === undefined ? operations : fn
    if (typeof around !== 'function') throw new TypeError('middleware: the middleware must be a function')
    const words = fn === undefined ? undefined : typeof operations === 'string' ? [operations] : operations
    if (words != null && !Array.isArray(words)) throw new TypeError('middleware: operations must be an array of strings')
    const { engine, layers } = this.#bridge
    const number = ++lastLayer
    // Before `addMiddleware`: if this server is mounted, a call may arrive at once.
    layers.set(number, around)
    try {
      engine.addMiddleware(words?.map(String), number)
    } catch (error) {
      layers.delete(number)
      throw error
    }
    return this
  }

  /** Sets the function that finds the principal of credentials. */
  verifier(options, fn) {
    const { headers, ...entry } = verifierOf(options, fn)
    return this.#decide(VERIFIER, entry, (number) => this.#bridge.engine.setVerifier(headers, number))
  }

  /** Sets the function that decides whether a call is permitted. */
  authorizer(fn) {
    return this.#decide(AUTHORIZER, deciderOf(AUTHORIZER, fn), (number) => this.#bridge.engine.setAuthorizer(number))
  }

  /** Sets the function that decides which entries exist for a caller. */
  visible(fn) {
    return this.#decide(VISIBLE, deciderOf(VISIBLE, fn), (number) => this.#bridge.engine.setVisible(number))
  }

  #decide(name, entry, set) {
    if (this.#listening) {
      throw Object.assign(new Error(`${name}: the server is running already; set it before`), { code: 'TENON_STATE' })
    }
    const number = nextHandler++
    set(number)
    this.#bridge.entries.set(number, { kind: 'method', name, bounds: ACCESS_BOUNDS, ...entry })
    return this
  }

  /** Removes an entry. Calls in flight continue. `false` if there is none of this name. */
  remove(kind, name) {
    return this.#remove(kind, engineName(kind, name))
  }

  #remove(kind, name) {
    const removed = this.#bridge.engine.remove(String(kind), name)
    if (removed?.now) for (const number of removed.handlers) this.#bridge.entries.delete(number)
    return removed != null
  }

  /** Enables an entry that was disabled. `false` if there is none of this name. */
  enable(kind, name) {
    return this.#switch(kind, name, true)
  }

  /** Disables an entry, as if it were not registered. `false` if there is none of this name. */
  disable(kind, name) {
    return this.#switch(kind, name, false)
  }

  #switch(kind, name, enabled) {
    const { engine } = this.#bridge
    if (!isObject(kind)) return engine.enable(String(kind), engineName(kind, name), enabled)
    return engine.enableTags(tagsOf(enabled ? 'enable: tags' : 'disable: tags', kind.tags), enabled)
  }

  /** Shows and changes the policies of entries. */
  get policies() {
    return new PolicyControl(this.#bridge.engine, engineName)
  }

  /** The entries of a kind by name, in order of registration. */
  entries(kind) {
    const all = parse(this.#bridge.engine.entries(String(kind)))
    const named = all.map(({ name, definition, enabled, handler }) => {
      return [name, { name, definition, enabled, handler: this.#bridge.entry(handler)?.given }]
    })
    return new Map(named)
  }

  get tools() {
    return this.entries('tool')
  }

  /** The settings of the program from which the server was built. */
  get settings() {
    return this.#settings
  }

  /** Mounts another server, under a prefix if one is given. */
  mount(other, prefix) {
    checkMount('mount', other, prefix)
    const number = ++lastMount
    this.#bridge.engine.mount(other.#bridge.engine, number, prefix)
    this.#bridge.mount(number, other.#bridge)
    return this
  }

  /** Removes a mount with the same prefix. */
  unmount(other, prefix) {
    checkMount('unmount', other, prefix)
    // Its handlers stay known while its calls are in flight.
    for (const number of this.#bridge.engine.unmount(other.#bridge.engine, prefix)) this.#bridge.removeMount(number)
    return this
  }

  /** Calls a tool through the whole engine, as a client of the same process. */
  async callTool(name, args, options) {
    const { Client } = require('../testing/testing')
    const client = new Client(this)
    try {
      return await client.callTool(name, args, options)
    } finally {
      await client.close()
    }
  }

  /** Maps an error type to a code of the protocol, or to the error that a function returns. */
  mapError(type, error) {
    if (typeof type !== 'function') throw new TypeError(`mapError: type must be a class, not ${typeof type}`)
    if (typeof error !== 'function' && !isCode(error)) {
      throw new TypeError('mapError: error must be a code, a 32-bit integer, or a function')
    }
    this.#bridge.mapped.push({ type, to: error })
    return this
  }

  /** Sends a custom notification to every session. Returns how many sessions can be reached. */
  notify(method, params = {}) {
    if (typeof method !== 'string') throw new TypeError('notify: method must be a string')
    if (!isObject(params)) throw new TypeError('notify: params must be an object')
    return this.#bridge.engine.notify(method, memberText('notify: params', params))
  }

  /** Notifies the subscribers of a resource that it has changed. */
  resourceUpdated(uri) {
    if (typeof uri !== 'string') throw new TypeError(`resourceUpdated: uri must be a string, not ${typeof uri}`)
    this.#bridge.engine.resourceUpdated(uri)
  }

  /** Notifies clients that the list of a kind has changed. */
  listChanged(kind) {
    this.#bridge.engine.listChanged(String(kind))
  }

  /** Tells a client that its user has finished the visit to a page. `false` if no client waits for it. */
  elicitationComplete(id) {
    return this.#bridge.engine.elicitationComplete(String(id))
  }

  /** Starts the transports; resolves once calls run. */
  async listen(options) {
    const { started, ...urls } = this.#start(listenOptions(options))
    if (!started) await this.#startSettled()
    return urls
  }

  /** Waits for the handlers of `start`. If one failed, rejects once the server has ended. */
  async #startSettled() {
    // Servers for clients in the process do not keep it alive, but a promise that waits must.
    const timer = setInterval(() => {}, 1 << 30)
    try {
      await new Promise((resolve) => {
        this.#resolveStart = resolve
      })
      if (this.#failure === undefined) return
      await this.#closed
      throw Object.assign(new Error(this.#failure), { code: 'TENON_START' })
    } finally {
      clearInterval(timer)
    }
  }

  /** A handler for `node:http`, Express and Fastify. Its first request starts the server. */
  handler(options) {
    return require('./embed').handlerOf((embedded) => this.#embedded(embedded), options)
  }

  /** Answers a `Request` with a `Response`. The first request starts the server. */
  async fetch(request, options) {
    return require('./embed').fetchResponse((embedded) => this.#embedded(embedded), request, options)
  }

  /** Starts the server if it is not running. Throws if it runs with other options for embedded requests. */
  #embedded({ isSet, text }) {
    if (!this.#listening) {
      // The server starts outside of the async context of this request. Otherwise calls of other requests would run in it too.
      outside.runInAsyncScope(() => this.#start({ embedded: text, owner: false, collectable: true }))
    } else if (isSet && this.#embedOptions !== undefined && this.#embedOptions !== text) {
      const way = 'pass the same options to every handler, or once to listen({ embedded })'
      throw Object.assign(new Error(`handler: the server runs with other options than ${text}, which are ${this.#embedOptions}: ${way}`), { code: 'TENON_STATE' })
    }
    return this.#bridge
  }

  #start(transports) {
    // After an end, `closed` stays resolved until the server runs again.
    const [end, resolve] = this.#listening === false ? deferred() : [this.#closed, this.#resolveClosed]
    let forget
    const bridge = this.#bridge
    // Before the first message is answered, because a client that has an answer may send a signal.
    const release = transports.owner ? ownProcess() : undefined
    const onStarted = (failure) => {
      this.#failure = failure
      this.#resolveStart?.()
    }
    const onClosed = (code) => {
      this.#listening = false
      forget()
      serverEnded(bridge)
      release?.(code)
      resolve()
    }
    let listening
    try {
      listening = bridge.listen(transports, onStarted, onClosed)
    } catch (error) {
      release?.()
      throw error
    }
    this.#listening = true
    this.#resolveStart = this.#failure = undefined
    this.#closed = end
    this.#embedOptions = listening.embedded
    this.#resolveClosed = resolve
    // Answers are written before the process exits.
    forget = onEnvironmentExit(abandonFunction(bridge))
    bridge.collectable = transports.collectable
    if (bridge.collectable) closeWhenCollected(bridge, forget)
    const { url, websocketUrl, sseUrl, started } = listening
    return { url, websocketUrl, sseUrl, started }
  }

  /** Closes the server: it accepts no further requests, and calls in flight may finish. Resolves when they have finished. */
  async close() {
    if (!this.#listening) return
    awaitEnd(this.#bridge)
    this.#bridge.engine.close()
    await this.#closed
  }

  /** Resolves when the server has ended, because it was closed or because its transports have ended. */
  get closed() {
    // After an end there is nothing to wait for.
    if (this.#listening !== false) awaitEnd(this.#bridge)
    return this.#closed
  }
}

function checkMount(what, other, prefix) {
  if (!(other instanceof Server)) throw new TypeError(`${what}: other must be a Server`)
  if (prefix !== undefined && typeof prefix !== 'string') throw new TypeError(`${what}: prefix must be a string or undefined`)
}

/** A promise and its resolve function. */
function deferred() {
  let resolve
  const promise = new Promise((given) => {
    resolve = given
  })
  return [promise, resolve]
}

/** Options may be left out. */
function optional(options, handler) {
  return typeof options === 'function' && handler === undefined ? [{}, options] : [options, handler]
}

/** The kind and the name of the entry whose argument is completed. */
function completedEntry({ prompt, template, argument } = {}) {
  if (typeof argument !== 'string') throw new TypeError('completion: argument must be a string')
  const [kind, name] = template === undefined ? ['prompt', prompt] : ['resource_template', template]
  if (typeof name !== 'string' || (prompt !== undefined && template !== undefined)) {
    throw new TypeError('completion: set either prompt or template, to a string')
  }
  return { kind, name }
}

/** The name of an entry in the engine. The name of a completion is made from the prompt or template and the argument. */
function engineName(kind, name) {
  if (typeof name !== 'object' || name === null) return String(name)
  if (kind !== 'completion') throw new TypeError(`${stringify(kind)}: name must be a string`)
  const of = completedEntry(name)
  return completionName(of.kind, of.name, name.argument)
}

module.exports = { Server }
