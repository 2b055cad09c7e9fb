'use strict'

// Takes batches from the engine and runs handlers: the only function that native code calls is `dispatch`.

const { Call } = require('./call')
const { Context } = require('./context')
const { Outbox } = require('./outbox')

const { parse } = JSON

// Kinds of operations; `src/batch.rs` holds the same numbers.
const CALL = 0
const CANCEL = 1
const ANSWER = 2
const REFUSED = 3
const FORGET = 4
const CLOSED = 5

/** Numbers per operation: kind, slot, generation, and the handler or the question. */
const RECORD = 4

class Bridge {
  /** Calls that a handler works on, by slot. */
  #live = []
  #onClosed

  constructor(engine) {
    this.engine = engine
    this.outbox = new Outbox(engine)
    /** The tools by the number the engine knows them by. */
    this.tools = new Map()
  }

  listen(options, onClosed) {
    const url = this.engine.listen((records, text) => this.#dispatch(records, text), options)
    this.#onClosed = onClosed
    return url
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
  #dispatch(records, text) {
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
            this.tools.delete(number)
            break
          case CLOSED:
            this.#onClosed()
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

  #call(slot, generation, number, args) {
    const tool = this.tools.get(number)
    const call = new Call(this, slot, generation, tool)
    // A slot is given out again only when the call that had it is over.
    this.#live[slot]?.end('the call is over')
    this.#live[slot] = call
    if (tool === undefined) return call.threw(new Error('the tool was removed'))
    try {
      const { handler } = tool
      const result = handler(args, new Context(call))
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
