'use strict'

// One call of a handler, from the moment it arrives until it is answered or over.

const { ElicitError, abortReason, messageOf } = require('./errors')
const { encode, failure, SUSPEND, REFUSED } = require('./outbox')

const { parse, stringify } = JSON

/** ElicitErrors that end their call in the protocol's own way when a handler lets them through: error -> [call, number]. */
const refusals = new WeakMap()

class Call {
  over = false
  #bridge
  #controller
  #reason
  #asked
  #suspending = false
  #about

  constructor(bridge, slot, generation, tool) {
    this.#bridge = bridge
    this.slot = slot
    this.generation = generation
    this.tool = tool
  }

  /** The handler returned: answer, unless something else ended the call. Never throws. */
  returned(value) {
    if (this.over) return
    const { kind, line } = encode(this.tool, value)
    this.#answer(kind, line)
  }

  /** The handler threw. Never throws. */
  threw(thrown) {
    if (this.over) return
    const refusal = typeof thrown === 'object' && thrown !== null ? refusals.get(thrown) : undefined
    if (refusal?.call === this) {
      this.#answer(REFUSED, String(refusal.number))
    } else {
      const { kind, line } = failure(messageOf(thrown))
      this.#answer(kind, line)
    }
  }

  /** The call is over without this handler's answer. */
  end(why) {
    if (this.over) return
    this.over = true
    this.#bridge.forget(this)
    this.#reason = abortReason(why)
    this.#controller?.abort(this.#reason)
    for (const { reject } of this.#asked?.values() ?? []) reject(new ElicitError('stale', why))
  }

  get signal() {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** What the engine knows about the call; empty once it is over, unless it was read before. */
  get about() {
    if (this.#about === undefined) {
      const text = this.#bridge.engine.describe(this.slot, this.generation)
      this.#about = text === null ? {} : parse(text)
    }
    return this.#about
  }

  progress(progress, total, message) {
    if (!this.over) this.#bridge.engine.progress(this.slot, this.generation, progress, total, message)
  }

  ask(message, schema, key) {
    const answer = new Promise((resolve, reject) => {
      if (this.over) throw new ElicitError('stale', 'the call is over')
      if (typeof message !== 'string') throw new ElicitError('invalid', 'ctx.elicit: message must be a string')
      const form = stringify(schema)
      if (form === undefined) throw new ElicitError('invalid', 'ctx.elicit: schema must be a JSON Schema')
      const name = key == null ? undefined : String(key)
      const reply = this.#bridge.engine.ask(this.slot, this.generation, name, message, form)
      switch (reply.state) {
        case 'answered':
          return resolve(parse(reply.text))
        case 'waiting':
          this.#asked ??= new Map()
          return void this.#asked.set(reply.id, { resolve, reject })
        case 'suspended':
          // Stays pending: the handler will be run again from its start, with the answer.
          return this.#suspend()
        default: {
          const error = new ElicitError(reply.state, reply.text)
          if (reply.state === 'unsupported') refusals.set(error, { call: this, number: reply.id })
          throw error
        }
      }
    })
    // A question whose answer nobody awaits must not end the process.
    answer.catch(() => {})
    return answer
  }

  answered(ask, answer) {
    this.#take(ask)?.resolve(answer)
  }

  refused(ask, reason) {
    this.#take(ask)?.reject(new ElicitError('failed', reason))
  }

  #take(ask) {
    const asked = this.#asked?.get(ask)
    this.#asked?.delete(ask)
    return asked
  }

  /** Ends the attempt once the loop has turned, with every question asked until then. */
  #suspend() {
    if (this.#suspending) return
    this.#suspending = true
    setImmediate(() => {
      if (this.over) return
      this.#bridge.outbox.put(this, SUSPEND, stringify(null))
      this.end('the attempt is over; the handler will be run again with the answers')
    })
  }

  #answer(kind, line) {
    this.over = true
    this.#bridge.forget(this)
    this.#bridge.outbox.put(this, kind, line)
  }
}

module.exports = { Call }
