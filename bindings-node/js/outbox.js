'use strict'

// Answers on their way to the engine: numbers and JSON lines, one native call for all of them.

const { stringify } = JSON

// Kinds of answers; `src/answers.rs` holds the same numbers.
const VALUE = 0
const FAILED = 1
const SUSPEND = 2
const REFUSED = 3

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

  flush() {
    const count = this.#lines.length
    if (count === 0) return
    const text = count === 1 ? this.#lines[0] : this.#lines.join('\n')
    this.#lines = []
    this.#length = 0
    this.#engine.complete(this.#records, count * RECORD, text)
  }
}

/** The line for what a handler returned, or the failure that says why there is none. */
function encode(tool, value) {
  // A tool that returns nothing has no text to show; as structured content nothing is null.
  if (value === undefined) return { kind: VALUE, line: tool.structured ? 'null' : '""' }
  let why
  try {
    if (typeof value === 'number' && !Number.isFinite(value)) {
      why = `the number ${value}`
    } else {
      const line = stringify(value)
      if (line !== undefined) return { kind: VALUE, line: wellFormed(line) }
      why = `a value of type ${typeof value}`
    }
  } catch (error) {
    why = `a value of type ${typeof value}: ${reasonOf(error)}`
  }
  return failure(`tool ${stringify(tool.name)} returned what JSON cannot hold: ${why}`)
}

function failure(message) {
  return { kind: FAILED, line: wellFormed(stringify(message)) }
}

/** Half a surrogate pair is legal in JavaScript and an escape in JSON, but many parsers refuse it. */
function wellFormed(line) {
  if (!line.includes('\\ud')) return line
  return line.replace(/(?<=(?:^|[^\\])(?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, '\ufffd')
}

function reasonOf(error) {
  try {
    return String(error.message).split('\n')[0].replace(/^Do not know how to serialize/, 'cannot serialize')
  } catch {
    return 'it cannot be serialised'
  }
}

module.exports = { Outbox, encode, failure, SUSPEND, REFUSED }
