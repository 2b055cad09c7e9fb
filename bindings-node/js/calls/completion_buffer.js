'use strict'

// Answers on their way to the engine: numbers and JSON lines, one native call for all of them.

// Kinds of answers; `src/answers.rs` holds the same numbers.
const VALUE = 0
const FAILED = 1
const SUSPEND = 2
const REFUSED = 3
const EXCEPTION = 4
const CONTENT = 5
const RESULT = 6
const ERROR = 7
const NOT_FOUND = 8
const MISFIT = 9

/** Numbers per answer: slot, generation, kind. */
const RECORD = 3
/** Answers, and characters of them, that are flushed without waiting for more. */
const FULL = 256
const LONG = 1 << 20

class Outbox {
  #engine
  #records = new Uint32Array(FULL * RECORD)
  #lines = []
  #length = 0
  /** While a batch is being dispatched its end flushes; outside, the first answer schedules a flush. */
  #held = 0
  #scheduled = false

  constructor(engine) {
    this.#engine = engine
  }

  hold() {
    this.#held++
  }

  release() {
    if (--this.#held === 0) this.flush()
  }

  put(call, kind, line) {
    const at = this.#lines.length * RECORD
    this.#records[at] = call.slot
    this.#records[at + 1] = call.generation
    this.#records[at + 2] = kind
    this.#lines.push(line)
    this.#length += line.length
    if (this.#lines.length === FULL || this.#length >= LONG) {
      this.flush()
    } else if (this.#held === 0 && !this.#scheduled) {
      this.#scheduled = true
      // After the microtasks that are queued now, which is when other handlers of the batch settle.
      process.nextTick(() => {
        this.#scheduled = false
        this.flush()
      })
    }
  }

  /** Bytes go by themselves: they are no line. */
  putBytes(call, bytes) {
    this.#engine.completeBytes(call.slot, call.generation, bytes)
  }

  flush() {
    const count = this.#lines.length
    if (count === 0) return
    const text = count === 1 ? this.#lines[0] : this.#lines.join('\n')
    this.#lines = []
    this.#length = 0
    this.#engine.complete(this.#records, count * RECORD, text)
  }
}

module.exports = { Outbox, CONTENT, ERROR, EXCEPTION, FAILED, MISFIT, NOT_FOUND, REFUSED, RESULT, SUSPEND, VALUE }
