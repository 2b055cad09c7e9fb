'use strict'

// Outcomes for the engine: numbers and JSON lines, which are sent with one native call.

// The kinds of outcomes; `src/calls/completion_batch.rs` has the same numbers.
const VALUE = 0
const FAILED = 1
const SUSPEND = 2
const REFUSED = 3
const EXCEPTION = 4
const CONTENT = 5
const RESULT = 6
const ERROR = 7
const NOT_FOUND = 8
const INVALID_ARGUMENTS = 9

/** Numbers per outcome: slot, generation, kind. */
const RECORD = 3
/** If the buffer has this many outcomes, or characters of their lines, it is flushed at once. */
const MAX_COUNT = 256
const MAX_LENGTH = 1 << 20

class CompletionBuffer {
  #engine
  #records = new Uint32Array(MAX_COUNT * RECORD)
  #lines = []
  #length = 0
  /** While a batch is dispatched, the buffer is flushed at the end of the batch. Otherwise the first outcome schedules it. */
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
    if (this.#lines.length === MAX_COUNT || this.#length >= MAX_LENGTH) {
      this.flush()
    } else if (this.#held === 0 && !this.#scheduled) {
      this.#scheduled = true
      // The flush runs after the microtasks that are queued now, because other handlers of the batch complete in them.
      process.nextTick(() => {
        this.#scheduled = false
        this.flush()
      })
    }
  }

  /** Sends bytes with a native call of their own, because they are not a line. */
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

module.exports = { CompletionBuffer, CONTENT, ERROR, EXCEPTION, FAILED, INVALID_ARGUMENTS, NOT_FOUND, REFUSED, RESULT, SUSPEND, VALUE }
