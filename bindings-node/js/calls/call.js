'use strict'

// One call of a handler, until it is answered or has ended otherwise.

const { AsyncResource } = require('node:async_hooks')
const { AskError, Suspended, abortReason, includesError, messageOf } = require('../errors')
const { NotSerializable, encodeJson, reasonOf, wellFormed } = require('../registry/json')
const { logLevels } = require('../native')
const { outcome } = require('./outcome')
const { FAILED, REFUSED, SUSPEND, VALUE } = require('./completion_buffer')
const { encode, encodeThrown, resultWarning, nameOf } = require('./results')
const { ignoreRejections } = require('./rejection_guard')
const { Breaker, Limiter, ValueCache } = require('./resilience')

const { parse, stringify } = JSON

const SCOPE = { requireManualDestroy: false }

/** How many milliseconds a handler may run after its attempt was suspended. */
const UNWIND_TIMEOUT = 1000

/** AskErrors for which the engine has a protocol error if the handler does not catch them: error -> { call, number }. */
const refusals = new WeakMap()

/** The levels of messages to clients. */
const LEVELS = logLevels()

class Call {
  over = false
  /**
   * The async context of its handler and of listeners to its signal. Without one, the calls of a batch would share the stores
   * of AsyncLocalStorage.
   */
  scope = new AsyncResource('TENON_CALL', SCOPE)
  #bridge
  #controller
  #reason
  /** The promises of questions that wait for answers, by number. */
  #waiting
  /** The promises of questions with which this attempt ends. */
  #suspending
  /** Effects by key, and how many of them run. The attempt does not end while one runs. */
  #effects
  #runningEffects = 0
  #unwindLater = false
  /** The error with which this attempt is suspended. */
  #suspended
  #unwindTimer
  #about
  #state
  /** The promise of `next`. */
  #next

  constructor(bridge, slot, generation, entry) {
    this.#bridge = bridge
    this.slot = slot
    this.generation = generation
    this.entry = entry
  }

  /** The handler has returned. Sends the result unless the call has ended. Never throws. */
  onReturn(value) {
    if (this.over) return
    const { kind, line, bytes } = encode(this.entry, value, this.entry.bounds ?? this.#bridge.bounds)
    this.#answer(kind, line, bytes)
    if (kind === FAILED) this.#log('error', parse(line))
    if (kind === VALUE && !this.entry.warned) this.#warn(value)
    if (this.#suspended !== undefined) {
      const what = 'its result is sent and its questions are not; do not catch Suspended'
      this.#log('warn', `${this.#name} returned although its attempt was ended to ask the client: ${what}`)
    }
  }

  /** Logs a warning, once per entry, if a result probably has another type than intended. */
  #warn(value) {
    const message = resultWarning(this.entry, value)
    if (message === undefined) return
    this.entry.warned = true
    this.#log('warn', message)
  }

  /** The handler has thrown. Never throws itself. */
  onThrow(thrown) {
    if (this.over) return
    if (this.#suspended !== undefined && includesError(thrown, this.#suspended)) return this.#suspend()
    const refusal = typeof thrown === 'object' && thrown !== null ? refusals.get(thrown) : undefined
    if (refusal?.call === this) return this.#answer(REFUSED, String(refusal.number))
    const { kind, line, level, wrong = thrown } = encodeThrown(thrown, this.#bridge.mapped, this.#bridge.bounds)
    this.#answer(kind, line)
    this.#log(level, `${this.#name} failed: ${messageOf(wrong)}`, wrong)
  }

  /** The call has ended before its handler did. */
  end(why) {
    if (this.over) return
    this.#markEnded()
    this.#abort(abortReason(why))
    this.#rejectPending(new AskError('ended', why))
  }

  get signal() {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** The deepest nesting and the largest text of its result. */
  get bounds() {
    return this.#bridge.bounds
  }

  /** The context members of the call. Empty once the call has ended, unless they were read before. */
  get about() {
    if (this.#about === undefined) {
      const text = this.#bridge.engine.describe(this.slot, this.generation)
      this.#about = text === null ? {} : parse(text)
      if (this.#about.principal !== undefined) deepFreeze(this.#about.principal)
    }
    return this.#about
  }

  /** Sends the client a message about the call. */
  emit(kind, params) {
    if (!this.over) this.#bridge.engine.emit(this.slot, this.generation, kind, wellFormed(stringify(params)))
  }

  /** Ends the response that the client waits for. */
  closeStream() {
    return !this.over && this.#bridge.engine.closeStream(this.slot, this.generation)
  }

  /** Makes a principal that of the client; `text` has it as JSON. */
  login(text) {
    this.#bridge.engine.login(this.slot, this.generation, text)
  }

  /** Sends the client a custom notification; `text` has its parameters as JSON. */
  notify(method, text) {
    this.#bridge.engine.notifyCall(this.slot, this.generation, method, text)
  }

  log(level, data, logger) {
    if (!LEVELS.includes(level)) throw new TypeError(`ctx.log: level must be one of ${LEVELS.join(', ')}`)
    let text
    try {
      text = encodeJson(data, 'data', this.#bridge.bounds)
    } catch (error) {
      throw new TypeError(`ctx.log: ${error instanceof NotSerializable ? error.message : reasonOf(error)}`)
    }
    if (text === undefined) throw new TypeError(`ctx.log: data must be a value that JSON can hold, not a value of type ${typeof data}`)
    if (this.over) return
    const source = logger == null ? '' : `"logger":${stringify(String(logger))},`
    const params = wellFormed(`{"level":"${level}",${source}"data":${text}}`)
    this.#bridge.engine.emit(this.slot, this.generation, 'log', params)
  }

  /** Asks the client a question of this kind. `read` converts the answer for the handler. */
  ask(kind, params, key, read = (answer) => answer) {
    const name = key == null ? undefined : String(key)
    return this.#askEngine(
      () => this.#bridge.engine.ask(this.slot, this.generation, kind, params(), name),
      read
    )
  }

  /** Ends the call, or its attempt, because the user must visit pages first. */
  require(pages) {
    return this.#askEngine(() => this.#bridge.engine.requireUrls(this.slot, this.generation, pages()))
  }

  /** Turns the call into a task if that is possible, and returns whether it is one. */
  startTask() {
    this.#requireActive()
    const reply = this.#bridge.engine.startTask(this.slot, this.generation)
    if (reply.state !== 'answered') throw this.#askError(reply)
    // The context now has the task's id.
    this.#about = undefined
    return reply.id === 1
  }

  #askEngine(ask, read) {
    const answer = new Promise((resolve, reject) => {
      this.#requireActive()
      const reply = ask()
      switch (reply.state) {
        case 'answered':
          return resolve(read(parse(reply.text)))
        case 'waiting':
          this.#waiting ??= new Map()
          return void this.#waiting.set(reply.id, { resolve: settle(resolve, reject, read), reject })
        case 'suspended':
          return this.#unwindSoon(reject)
        default:
          throw this.#askError(reply)
      }
    })
    // A rejected question that nothing awaits must not end the process.
    answer.catch(() => {})
    return answer
  }

  #requireActive() {
    if (this.#suspended !== undefined) throw this.#suspended
    if (this.over) throw new AskError('ended', 'the call has ended')
  }

  #askError({ state, id, text }) {
    const error = new AskError(state, text)
    if (state === 'unsupported') refusals.set(error, { call: this, number: id })
    return error
  }

  /** A limiter of the program's own. */
  limiter(name) {
    const native = this.#bridge.engine.limiter(this.slot, this.generation, String(name))
    return new Limiter(native, () => this.signal)
  }

  /** A circuit breaker of the program's own. */
  breaker(name) {
    return new Breaker(this.#bridge.engine.breaker(this.slot, this.generation, String(name)))
  }

  /** The cache of values of the handler's server. */
  get cache() {
    return new ValueCache(this.#bridge.engine.cache(this.slot, this.generation), this.#bridge.bounds, () => this.signal)
  }

  /** The result of `effect`, which runs only in one attempt of the call. */
  once(key, effect) {
    const name = String(key)
    this.#effects ??= new Map()
    let result = this.#effects.get(name)
    if (result === undefined) {
      result = this.#runOnce(name, effect)
      this.#effects.set(name, result)
      // A failed effect is not stored.
      result.catch(() => this.#effects.delete(name))
    }
    return result
  }

  async #runOnce(key, effect) {
    this.#requireActive()
    if (typeof effect !== 'function') throw new TypeError(`ctx.once: the effect must be a function, not ${typeof effect}`)
    const { engine, bounds } = this.#bridge
    const stored = engine.onceGet(this.slot, this.generation, key)
    if (stored != null) return parse(stored)
    this.#runningEffects++
    try {
      const value = await effect()
      const what = `ctx.once: the result under ${stringify(key)}`
      let text
      try {
        text = value === undefined ? 'null' : encodeJson(value, 'result', bounds)
      } catch (error) {
        throw new TypeError(`${what}: ${error instanceof NotSerializable ? error.message : reasonOf(error)}`)
      }
      if (text === undefined) throw new TypeError(`${what} is a value of type ${typeof value}`)
      text = wellFormed(text)
      const reply = engine.oncePut(this.slot, this.generation, key, text)
      if (reply.state !== 'answered') throw this.#askError(reply)
      // The same value as the next attempt will get.
      return parse(text)
    } finally {
      if (--this.#runningEffects === 0 && this.#unwindLater) setImmediate(() => this.#unwind())
    }
  }

  /** The object that middleware and handler share. */
  get state() {
    this.#state ??= {}
    return this.#state
  }

  /** The input of the call; empty once the call has ended. */
  get input() {
    const text = this.#bridge.engine.input(this.slot, this.generation)
    return text == null ? {} : parse(text)
  }

  /** Checks and completes changed arguments like those of a client. Takes and returns JSON text. */
  prepare(text) {
    this.#requireActive()
    return this.#bridge.engine.prepare(this.slot, this.generation, text)
  }

  /** The outcome of the operation inside the middleware. `text` has changed arguments. */
  next(text) {
    return new Promise((resolve, reject) => {
      this.#requireActive()
      // This also refuses a call while an outcome of the engine is on its way.
      if (this.#next !== undefined) throw new Error('next() is already running; await it before calling it again')
      this.#bridge.engine.next(this.slot, this.generation, text)
      this.#next = { resolve, reject }
    })
  }

  /** The engine has an outcome for `next`. */
  onNextCompleted(kind, value) {
    const next = this.#next
    this.#next = undefined
    try {
      next?.resolve(outcome(kind, value))
    } catch (error) {
      next.reject(error)
    }
  }

  onAnswer(ask, answer) {
    this.#take(ask)?.resolve(answer)
  }

  onRefusal(ask, reason) {
    const asked = this.#take(ask)
    if (asked === undefined) return
    const error = new AskError('failed', reason)
    ignoreRejections(error)
    asked.reject(error)
  }

  get #name() {
    return this.entry === undefined ? 'a removed entry' : nameOf(this.entry)
  }

  #take(ask) {
    const asked = this.#waiting?.get(ask)
    this.#waiting?.delete(ask)
    return asked
  }

  /** Ends the attempt in the next iteration of the loop, with every question that was asked until then. */
  #unwindSoon(reject) {
    if (this.#suspending === undefined) {
      this.#suspending = []
      setImmediate(() => this.#unwind())
    }
    this.#suspending.push({ reject })
  }

  /** Rejects the handler's promises. The client gets the questions only afterwards, so that attempts do not overlap. */
  #unwind() {
    if (this.over || this.#suspended !== undefined) return
    // If the attempt ended now, the effect would run again in the next attempt.
    this.#unwindLater = this.#runningEffects > 0
    if (this.#unwindLater) return
    this.#suspended = new Suspended()
    this.#unwindTimer = setTimeout(() => {
      this.#suspend()
      this.#log('warn', `${this.#name} still runs ${UNWIND_TIMEOUT} ms after its attempt was ended; its result will be ignored`)
    }, UNWIND_TIMEOUT)
    this.#unwindTimer.unref()
    this.#abort(this.#suspended)
    this.#rejectPending(this.#suspended)
  }

  #suspend() {
    this.#answer(SUSPEND, 'null')
  }

  #answer(kind, line, bytes) {
    this.#markEnded()
    if (bytes === undefined) this.#bridge.completions.put(this, kind, line)
    else this.#bridge.completions.putBytes(this, bytes)
  }

  #markEnded() {
    this.over = true
    this.#bridge.forget(this)
    clearTimeout(this.#unwindTimer)
  }

  #abort(reason) {
    // The first reason stays.
    this.#reason ??= reason
    if (this.#controller === undefined) return
    // Every operation that uses the signal rejects with this reason, and the handler awaits only one of them.
    ignoreRejections(this.#reason)
    this.scope.runInAsyncScope(() => this.#controller.abort(this.#reason))
  }

  #rejectPending(error) {
    const asked = [...(this.#suspending ?? []), ...(this.#waiting?.values() ?? [])]
    if (this.#next !== undefined) asked.push(this.#next)
    if (asked.length === 0) return
    ignoreRejections(error)
    for (const { reject } of asked) reject(error)
  }

  #log(level, message, error) {
    this.#bridge.log(level, message, { kind: this.entry?.kind, name: this.entry?.name, error })
  }
}

/** Freezes a value of JSON with all that it has. */
function deepFreeze(value) {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze)
}

/** Never throws, because an answer arrives with other operations of its batch. */
function settle(resolve, reject, read) {
  return (answer) => {
    try {
      resolve(read(answer))
    } catch (error) {
      reject(error)
    }
  }
}

module.exports = { Call, deepFreeze }
