'use strict'

// Takes batches from the engine and runs handlers: the only function that native code calls is `dispatch`.

const { Call } = require('./call')
const { keep } = require('../server/collected')
const { Context } = require('./context')
const { READS, chain } = require('./middleware')
const { Outbox } = require('./completion_buffer')
const { cover } = require('../server/streams')

const { parse } = JSON

// Kinds of operations; `src/batch.rs` holds the same numbers.
const CALL = 0
const CANCEL = 1
const ANSWER = 2
const REFUSED = 3
const FORGET = 4
const CLOSED = 5
const LOG = 6
const HEARD = 7
const READY = 8
const WRAPPED = 9
const NEXT = 10
const BEGAN = 11
const WITHIN = 12
const UNMOUNTED = 13

/** Numbers per operation: kind, slot, generation, and the handler or the question. */
const RECORD = 4
/** Operations of one batch. */
const FULL = 256

class Bridge {
  /** Calls that a handler works on, by slot. */
  #live = []
  /** What the next call runs in. */
  #within
  /** Where the engine puts the numbers of a batch. */
  #numbers = new Uint32Array(FULL * RECORD)
  #dispatcher
  #again
  #onBegan
  #onClosed
  #log

  constructor(engine, log) {
    this.engine = engine
    this.#log = log
    const [depth, size] = engine.bounds()
    /** The deepest nesting and the largest text of a result. */
    this.bounds = { depth, size }
    this.outbox = new Outbox(engine)
    /** It answers requests of the program's own server, and ends when nobody has it. */
    this.collectable = false
    /** Somebody waits for its end. */
    this.awaited = false
    /** It has a handler for its end. */
    this.hasEnd = false
    /** What is registered, by the number the engine knows its handler by. */
    this.entries = new Map()
    /** The bridges of servers that are mounted here, by the number of the mount, as long as a call may need them. */
    this.mounted = new Map()
    /** Those of the servers that this one is mounted in, by the same numbers. They do not stay for this one's sake. */
    this.above = new Map()
    /** How many there may be before those that are gone are looked for. */
    this.most = 16
    /** Clients in the process, by number: what hears their events. */
    this.clients = new Map()
    /** Middleware, by number. */
    this.layers = new Map()
    /** Types of errors with what they stand for, oldest first. */
    this.mapped = []
    /** Requests of the program's own server that are not answered to their end, by number. */
    this.exchanges = new Map()
    /** What is around them (stores of AsyncLocalStorage), and so around their calls, by number; until the last of those is over. */
    this.scopes = new Map()
  }

  listen(options, onBegan, onClosed) {
    const turn = () => this.engine.turn()
    // Kept here: the engine itself holds them weakly where the server may be collected.
    this.#dispatcher = (text) => this.#dispatch(text)
    // Timers and I/O of the program come between two turns.
    this.#again = () => setImmediate(turn)
    const urls = this.engine.listen(this.#dispatcher, this.#again, this.#numbers, options)
    this.#onBegan = onBegan
    this.#onClosed = onClosed
    if (options.stdio) cover()
    return urls
  }

  /** Whether a handler is to be called at the server's end. */
  get needsEnd() {
    if (this.hasEnd) return true
    for (const within of this.mounted.values()) if (within.needsEnd) return true
    return false
  }

  /** Another server is a part of this one, by the mount of a number. */
  mount(number, other) {
    this.mounted.set(number, other)
    other.above.set(number, new WeakRef(this))
    if (other.above.size >= other.most) {
      for (const [mount, above] of other.above) if (above.deref() === undefined) other.above.delete(mount)
      other.most = 2 * other.above.size + 16
    }
    this.keep()
  }

  /** Nothing needs the mount of this number any more. */
  unmounted(number) {
    this.mounted.get(number)?.above.delete(number)
    if (this.mounted.delete(number)) this.keep()
  }

  /** What is needed here may have changed, and so what is needed where this server is mounted. */
  keep() {
    if (this.collectable) keep(this)
    for (const above of this.above.values()) above.deref()?.keep()
  }

  /** What has a number, here or in a server that is mounted. */
  entry(number) {
    const own = this.entries.get(number)
    if (own !== undefined) return own
    for (const within of this.mounted.values()) {
      const found = within.entry(number)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** The middleware of a number, here or in a server that is mounted. */
  layer(number) {
    const own = this.layers.get(number)
    if (own !== undefined) return own
    for (const within of this.mounted.values()) {
      const found = within.layer(number)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Never throws. */
  log(level, message, { kind, name, error } = {}) {
    const record = { level, message }
    if (kind !== undefined) Object.assign(record, { kind, name })
    if (error !== undefined) record.error = error
    this.#log(record)
  }

  /** No handler will run any more; what has been answered is still written. */
  abandon() {
    this.outbox.flush()
    this.engine.abandon()
  }

  forget(call) {
    if (this.#live[call.slot] === call) this.#live[call.slot] = undefined
  }

  /** Never throws: whatever a handler does ends its own call only. */
  #dispatch(text) {
    const records = this.#numbers
    const values = parse(text)
    this.outbox.hold()
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
            this.#find(slot, generation)?.answered(number, values[i])
            break
          case REFUSED:
            this.#find(slot, generation)?.refused(number, values[i])
            break
          case FORGET:
            this.entries.delete(number)
            break
          case UNMOUNTED:
            this.unmounted(number)
            break
          case CLOSED:
            for (const exchange of this.exchanges.values()) exchange.wake()
            this.#onClosed(values[i] ?? undefined)
            break
          case BEGAN:
            this.#onBegan(values[i] ?? undefined)
            break
          case WRAPPED:
            this.#wrapped(slot, generation, number, values[i])
            break
          case NEXT:
            this.#find(slot, generation)?.followed(number, values[i])
            break
          case LOG:
            this.#log(values[i])
            break
          case HEARD:
            this.clients.get(number)?.(values[i])
            break
          case WITHIN:
            this.#within = this.scopes.get(number)
            break
          case READY:
            this.exchanges.get(number)?.wake()
        }
      }
    } finally {
      this.outbox.release()
    }
  }

  #find(slot, generation) {
    const call = this.#live[slot]
    return call?.generation === generation ? call : undefined
  }

  #begin(slot, generation, entry) {
    const call = this.#within === undefined ? new Call(this, slot, generation, entry) : this.#inside(slot, generation, entry)
    // A slot is given out again only when the call that had it is over.
    this.#live[slot]?.end('the call is over')
    this.#live[slot] = call
    return call
  }

  /** A call in what is around its request. */
  #inside(slot, generation, entry) {
    const within = this.#within
    this.#within = undefined
    return within.runInAsyncScope(() => new Call(this, slot, generation, entry))
  }

  #call(slot, generation, number, args) {
    const entry = this.entry(number)
    const call = this.#begin(slot, generation, entry)
    if (entry === undefined) return call.threw(new Error('the handler was removed'))
    this.#run(call, () => entry.handler(args, new Context(call)))
  }

  /** A call with middleware around it: what answers it is an entry of ours, or the engine. */
  #wrapped(slot, generation, number, [layers, args, kind, name]) {
    const entry = kind === undefined ? this.entry(number) : { kind, name, reads: READS.includes(kind) }
    const call = this.#begin(slot, generation, entry)
    if (entry === undefined) return call.threw(new Error('the handler was removed'))
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
          (value) => call.returned(value),
          (thrown) => call.threw(thrown)
        )
      } else {
        call.returned(result)
      }
    } catch (thrown) {
      call.threw(thrown)
    }
  }
}

module.exports = { Bridge }
