'use strict'

// Takes batches from the engine and runs handlers. Native code calls `#dispatch`, and a function that schedules a turn.

const { Call } = require('./call')
const { updateNeeded } = require('../server/collected')
const { Context } = require('./context')
const { READ_KINDS, chain } = require('./middleware')
const { CompletionBuffer } = require('./completion_buffer')
const { ignoreOutputErrors } = require('../server/streams')

const { parse } = JSON

// The kinds of operations; `src/calls/batch.rs` has the same numbers.
const CALL = 0
const CANCEL = 1
const ANSWER = 2
const REFUSED = 3
const FORGET = 4
const CLOSED = 5
const LOG = 6
const CLIENT_EVENT = 7
const EXCHANGE_READY = 8
const CALL_WITH_MIDDLEWARE = 9
const NEXT = 10
const STARTED = 11
const SCOPE = 12
const UNMOUNTED = 13

/** Numbers per operation: kind, slot, generation, and the handler or the question. */
const RECORD = 4
/** The maximum number of operations of one batch. */
const MAX_OPS = 256

class Bridge {
  /** Calls whose handlers run, by slot. */
  #live = []
  /** The async context of the next call. */
  #nextScope
  /** The engine writes the numbers of a batch into it. */
  #numbers = new Uint32Array(MAX_OPS * RECORD)
  #dispatcher
  #scheduleTurn
  #onStarted
  #onClosed
  #log

  constructor(engine, log) {
    this.engine = engine
    this.#log = log
    const [depth, size] = engine.bounds()
    /** The deepest nesting and the largest text of a result. */
    this.bounds = { depth, size }
    this.completions = new CompletionBuffer(engine)
    /**
     * Whether the server answers only requests of the program's own HTTP server, and ends when nothing references it.
     */
    this.collectable = false
    /** Whether something waits for the server's end. */
    this.awaited = false
    /** Whether the server has a handler of `stop`. */
    this.hasStopHandler = false
    /** The registered entries, by the number of their handler. */
    this.entries = new Map()
    /** The bridges of mounted servers, by the number of the mount, while a call may need them. */
    this.mounted = new Map()
    /** Weak references to the bridges of servers in which this one is mounted, by the same numbers. */
    this.parents = new Map()
    /** When there are more parents, references to collected ones are removed. */
    this.maxParents = 16
    /** Listeners for events of test clients, by the client's number. */
    this.clients = new Map()
    /** Middleware, by number. */
    this.layers = new Map()
    /** The types of errors of `mapError` with their codes or functions, oldest first. */
    this.mapped = []
    /** Open requests of the program's own HTTP server, by number. */
    this.exchanges = new Map()
    /** The async contexts of these requests, in which their calls run. By number, until the last of these calls has ended. */
    this.scopes = new Map()
  }

  listen(options, onStarted, onClosed) {
    const turn = () => this.engine.turn()
    // Kept here, because the engine has weak references to them if the server may be collected.
    this.#dispatcher = (text) => this.#dispatch(text)
    // Timers and I/O of the program run between two turns.
    this.#scheduleTurn = () => setImmediate(turn)
    const listening = this.engine.listen(this.#dispatcher, this.#scheduleTurn, this.#numbers, options)
    this.#onStarted = onStarted
    this.#onClosed = onClosed
    if (listening.stdio) ignoreOutputErrors()
    return listening
  }

  /** Whether this server or a mounted one has a handler of `stop`. */
  get needsStop() {
    if (this.hasStopHandler) return true
    for (const child of this.mounted.values()) if (child.needsStop) return true
    return false
  }

  /** Adds the mount of another server. */
  mount(number, other) {
    this.mounted.set(number, other)
    other.parents.set(number, new WeakRef(this))
    if (other.parents.size >= other.maxParents) {
      for (const [mount, parent] of other.parents) if (parent.deref() === undefined) other.parents.delete(mount)
      other.maxParents = 2 * other.parents.size + 16
    }
    this.updateNeeded()
  }

  /** Removes a mount that is not needed any more. */
  removeMount(number) {
    this.mounted.get(number)?.parents.delete(number)
    if (this.mounted.delete(number)) this.updateNeeded()
  }

  /** Call this when the bridge may have become needed or unneeded. That affects its parents too. */
  updateNeeded() {
    if (this.collectable) updateNeeded(this)
    for (const parent of this.parents.values()) parent.deref()?.updateNeeded()
  }

  /** The entry with this number, here or in a mounted server. */
  entry(number) {
    const own = this.entries.get(number)
    if (own !== undefined) return own
    for (const child of this.mounted.values()) {
      const found = child.entry(number)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** The middleware with this number, here or in a mounted server. */
  layer(number) {
    const own = this.layers.get(number)
    if (own !== undefined) return own
    for (const child of this.mounted.values()) {
      const found = child.layer(number)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Never throws. */
  log(level, message, { kind, name, error } = {}) {
    if (!this.engine.logs(level)) return
    const record = { level, message }
    if (kind !== undefined) Object.assign(record, { kind, name })
    if (error !== undefined) record.error = error
    this.#log(record)
  }

  /** Ends the server because handlers no longer run. Responses that exist are still written. */
  abandon() {
    this.completions.flush()
    this.engine.abandon()
  }

  forget(call) {
    if (this.#live[call.slot] === call) this.#live[call.slot] = undefined
  }

  /** Never throws: an error of a handler ends only its own call. */
  #dispatch(text) {
    const records = this.#numbers
    const values = parse(text)
    this.completions.hold()
    try {
      for (let i = 0; i < values.length; i++) {
        const at = i * RECORD
        const slot = records[at + 1]
        const generation = records[at + 2]
        const number = records[at + 3]
        switch (records[at]) {
          case CALL:
            this.#call(slot, generation, number, values[i])
            break
          case CANCEL:
            this.#find(slot, generation)?.end(values[i])
            break
          case ANSWER:
            this.#find(slot, generation)?.onAnswer(number, values[i])
            break
          case REFUSED:
            this.#find(slot, generation)?.onRefusal(number, values[i])
            break
          case FORGET:
            this.entries.delete(number)
            break
          case UNMOUNTED:
            this.removeMount(number)
            break
          case CLOSED:
            for (const exchange of this.exchanges.values()) exchange.wake()
            this.#onClosed(values[i] ?? undefined)
            break
          case STARTED:
            this.#onStarted(values[i] ?? undefined)
            break
          case CALL_WITH_MIDDLEWARE:
            this.#callWithMiddleware(slot, generation, number, values[i])
            break
          case NEXT:
            this.#find(slot, generation)?.onNextCompleted(number, values[i])
            break
          case LOG:
            this.#log(values[i])
            break
          case CLIENT_EVENT:
            this.clients.get(number)?.(values[i])
            break
          case SCOPE:
            this.#nextScope = this.scopes.get(number)
            break
          case EXCHANGE_READY:
            this.exchanges.get(number)?.wake()
        }
      }
    } finally {
      this.completions.release()
    }
  }

  #find(slot, generation) {
    const call = this.#live[slot]
    return call?.generation === generation ? call : undefined
  }

  #begin(slot, generation, entry) {
    const call = this.#nextScope === undefined ? new Call(this, slot, generation, entry) : this.#newCallInScope(slot, generation, entry)
    // The engine uses a slot again only when its call has ended.
    this.#live[slot]?.end('the call has ended')
    this.#live[slot] = call
    return call
  }

  /** A call in the async context of its request. */
  #newCallInScope(slot, generation, entry) {
    const scope = this.#nextScope
    this.#nextScope = undefined
    return scope.runInAsyncScope(() => new Call(this, slot, generation, entry))
  }

  #call(slot, generation, number, args) {
    const entry = this.entry(number)
    const call = this.#begin(slot, generation, entry)
    if (entry === undefined) return call.onThrow(new Error('the handler of this call was removed'))
    this.#run(call, () => entry.handler(args, new Context(call)))
  }

  /** A call with middleware. Either an entry of this server or the engine answers it. */
  #callWithMiddleware(slot, generation, number, [layers, args, kind, name]) {
    const entry = kind === undefined ? this.entry(number) : { kind, name, reads: READ_KINDS.includes(kind) }
    const call = this.#begin(slot, generation, entry)
    if (entry === undefined) return call.onThrow(new Error('the handler of this call was removed'))
    const functions = layers.map((layer) => this.layer(layer))
    this.#run(call, () => chain(call, functions, entry.handler, args))
  }

  #run(call, run) {
    call.scope.runInAsyncScope(() => this.#handle(call, run))
  }

  #handle(call, run) {
    try {
      const result = run()
      if (typeof result?.then === 'function') {
        Promise.resolve(result).then(
          (value) => call.onReturn(value),
          (thrown) => call.onThrow(thrown)
        )
      } else {
        call.onReturn(result)
      }
    } catch (thrown) {
      call.onThrow(thrown)
    }
  }
}

module.exports = { Bridge }
