'use strict'

// One call of a handler, from the moment it arrives until it is answered or over.

const { AsyncResource } = require('node:async_hooks')
const { AskError, Suspended, abortReason, carries, messageOf } = require('../errors')
const { Unfit, encodeJson, reasonOf, wellFormed } = require('../registry/json')
const { logLevels } = require('../native')
const { outcome } = require('./outcome')
const { FAILED, REFUSED, SUSPEND, VALUE } = require('./completion_buffer')
const { encode, encodeThrown, mistaken, nameOf } = require('./results')
const { tolerate } = require('./rejection_guard')

const { parse, stringify } = JSON

const SCOPE = { requireManualDestroy: false }

/** How long, in milliseconds, a handler may take to unwind before its attempt is ended without it. */
const UNWIND = 1000

/** AskErrors that end their call in the protocol's own way when a handler lets them through: error -> [call, number]. */
const refusals = new WeakMap()

/** The words for levels of messages to clients. */
const LEVELS = logLevels()

class Call {
  over = false
  /**
   * Where its handler runs, and what hears its signal: a store of AsyncLocalStorage that one call enters is not the next one's,
   * although they come in one batch.
   */
  scope = new AsyncResource('TENON_CALL', SCOPE)
  #bridge
  #controller
  #reason
  /** How to settle the questions whose answers are outstanding, by number; and those that this attempt ends with. */
  #asked
  #open
  /** Effects by key, and how many of them are at work; the attempt does not end meanwhile. */
  #effects
  #working = 0
  #waits = false
  /** The error that this attempt unwinds with. */
  #suspended
  #patience
  #about
  #state
  /** How to settle what middleware awaits of the engine. */
  #following

  constructor(bridge, slot, generation, entry) {
    this.#bridge = bridge
    this.slot = slot
    this.generation = generation
    this.entry = entry
  }

  /** The handler returned: answer, unless something else ended the call. Never throws. */
  returned(value) {
    if (this.over) return
    const { kind, line, bytes } = encode(this.entry, value, this.#bridge.bounds)
    this.#answer(kind, line, bytes)
    if (kind === FAILED) this.#log('error', parse(line))
    if (kind === VALUE && !this.entry.warned) this.#warn(value)
    if (this.#suspended !== undefined) {
      const what = 'its result is sent and its questions are not; let Suspended through'
      this.#log('warn', `${this.#name} returned although its attempt was ended to ask the client: ${what}`)
    }
  }

  /** Says once of an entry that what it returns may be meant in another way. */
  #warn(value) {
    const message = mistaken(this.entry, value)
    if (message === undefined) return
    this.entry.warned = true
    this.#log('warn', message)
  }

  /** The handler threw. Never throws. */
  threw(thrown) {
    if (this.over) return
    if (this.#suspended !== undefined && carries(thrown, this.#suspended)) return this.#suspend()
    const refusal = typeof thrown === 'object' && thrown !== null ? refusals.get(thrown) : undefined
    if (refusal?.call === this) return this.#answer(REFUSED, String(refusal.number))
    const { kind, line, level, wrong = thrown } = encodeThrown(thrown, this.#bridge.mapped, this.#bridge.bounds)
    this.#answer(kind, line)
    this.#log(level, `${this.#name} failed: ${messageOf(wrong)}`, wrong)
  }

  /** The call is over without this handler's answer. */
  end(why) {
    if (this.over) return
    this.#leave()
    this.#abort(abortReason(why))
    this.#refuse(new AskError('ended', why))
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

  /** What the engine knows about the call; empty once it is over, unless it was read before. */
  get about() {
    if (this.#about === undefined) {
      const text = this.#bridge.engine.describe(this.slot, this.generation)
      this.#about = text === null ? {} : parse(text)
    }
    return this.#about
  }

  /** Sends the client a message about the call. */
  emit(kind, params) {
    if (!this.over) this.#bridge.engine.emit(this.slot, this.generation, kind, wellFormed(stringify(params)))
  }

  /** Ends the response that the client waits on. */
  closeStream() {
    return !this.over && this.#bridge.engine.closeStream(this.slot, this.generation)
  }

  /** Sends the client a notification of the program's own; `text` is its parameters as JSON. */
  notify(method, text) {
    this.#bridge.engine.notifyCall(this.slot, this.generation, method, text)
  }

  log(level, data, logger) {
    if (!LEVELS.includes(level)) throw new TypeError(`ctx.log: level must be one of ${LEVELS.join(', ')}`)
    let text
    try {
      text = encodeJson(data, 'data', this.#bridge.bounds)
    } catch (error) {
      throw new TypeError(`ctx.log: ${error instanceof Unfit ? error.message : reasonOf(error)}`)
    }
    if (text === undefined) throw new TypeError('ctx.log: data must be what JSON can hold')
    if (this.over) return
    const source = logger == null ? '' : `"logger":${stringify(String(logger))},`
    const params = wellFormed(`{"level":"${level}",${source}"data":${text}}`)
    this.#bridge.engine.emit(this.slot, this.generation, 'log', params)
  }

  /** Asks the client a question of the kind that `word` names. `read` makes of the answer what the handler gets. */
  ask(word, params, key, read = (answer) => answer) {
    const name = key == null ? undefined : String(key)
    return this.#asking(
      () => this.#bridge.engine.ask(this.slot, this.generation, word, params(), name),
      read
    )
  }

  /** Ends the call, or its attempt, because the user must visit pages first. */
  require(pages) {
    return this.#asking(() => this.#bridge.engine.requireUrls(this.slot, this.generation, pages()))
  }

  /** Turns the call into a task if that is possible, and returns whether it is one. */
  startTask() {
    this.#alive()
    const reply = this.#bridge.engine.startTask(this.slot, this.generation)
    if (reply.state !== 'answered') throw this.#refusal(reply)
    // It has an id from now on.
    this.#about = undefined
    return reply.id === 1
  }

  #asking(ask, read) {
    const answer = new Promise((resolve, reject) => {
      this.#alive()
      const reply = ask()
      switch (reply.state) {
        case 'answered':
          return resolve(read(parse(reply.text)))
        case 'waiting':
          this.#asked ??= new Map()
          return void this.#asked.set(reply.id, { resolve: settle(resolve, reject, read), reject })
        case 'suspended':
          return this.#unwindSoon(reject)
        default:
          throw this.#refusal(reply)
      }
    })
    // A question whose answer nobody awaits must not end the process.
    answer.catch(() => {})
    return answer
  }

  #alive() {
    if (this.#suspended !== undefined) throw this.#suspended
    if (this.over) throw new AskError('ended', 'the call is over')
  }

  #refusal({ state, id, text }) {
    const error = new AskError(state, text)
    if (state === 'unsupported') refusals.set(error, { call: this, number: id })
    return error
  }

  /** The result of `effect`, which is run in one attempt of the call only. */
  once(key, effect) {
    const name = String(key)
    this.#effects ??= new Map()
    let result = this.#effects.get(name)
    if (result === undefined) {
      result = this.#once(name, effect)
      this.#effects.set(name, result)
      // What failed is not kept.
      result.catch(() => this.#effects.delete(name))
    }
    return result
  }

  async #once(key, effect) {
    this.#alive()
    if (typeof effect !== 'function') throw new TypeError('ctx.once: the effect must be a function')
    const { engine, bounds } = this.#bridge
    const kept = engine.onceGet(this.slot, this.generation, key)
    if (kept != null) return parse(kept)
    this.#working++
    try {
      const value = await effect()
      const what = `ctx.once: the result under ${stringify(key)}`
      let text
      try {
        text = value === undefined ? 'null' : encodeJson(value, 'result', bounds)
      } catch (error) {
        throw new TypeError(`${what}: ${error instanceof Unfit ? error.message : reasonOf(error)}`)
      }
      if (text === undefined) throw new TypeError(`${what} is a value of type ${typeof value}`)
      text = wellFormed(text)
      const reply = engine.oncePut(this.slot, this.generation, key, text)
      if (reply.state !== 'answered') throw this.#refusal(reply)
      // As the next attempt will see it.
      return parse(text)
    } finally {
      if (--this.#working === 0 && this.#waits) setImmediate(() => this.#unwind())
    }
  }

  /** The object that middleware and handler share. */
  get state() {
    this.#state ??= {}
    return this.#state
  }

  /** What the handler is handed; nothing once the call is over. */
  get input() {
    const text = this.#bridge.engine.input(this.slot, this.generation)
    return text == null ? {} : parse(text)
  }

  /** Other arguments, as JSON text, made ready like those of a client. */
  prepare(text) {
    this.#alive()
    return this.#bridge.engine.prepare(this.slot, this.generation, text)
  }

  /** What the engine comes to that middleware is around; `text` are other arguments. */
  next(text) {
    return new Promise((resolve, reject) => {
      this.#alive()
      // Also while what the engine has come to already is on its way.
      if (this.#following !== undefined) throw new Error('next: what follows is under way already')
      this.#bridge.engine.next(this.slot, this.generation, text)
      this.#following = { resolve, reject }
    })
  }

  /** The engine has an outcome. */
  followed(kind, value) {
    const following = this.#following
    this.#following = undefined
    try {
      following?.resolve(outcome(kind, value))
    } catch (error) {
      following.reject(error)
    }
  }

  answered(ask, answer) {
    this.#take(ask)?.resolve(answer)
  }

  refused(ask, reason) {
    const asked = this.#take(ask)
    if (asked === undefined) return
    const error = new AskError('failed', reason)
    tolerate(error)
    asked.reject(error)
  }

  get #name() {
    return this.entry === undefined ? 'what was removed' : nameOf(this.entry)
  }

  #take(ask) {
    const asked = this.#asked?.get(ask)
    this.#asked?.delete(ask)
    return asked
  }

  /** Lets the attempt end once the loop has turned, with every question asked until then. */
  #unwindSoon(reject) {
    if (this.#open === undefined) {
      this.#open = []
      setImmediate(() => this.#unwind())
    }
    this.#open.push({ reject })
  }

  /** Makes the handler's promises settle. The client hears of it afterwards: the next attempt must not meet this one. */
  #unwind() {
    if (this.over || this.#suspended !== undefined) return
    // What it has done would be forgotten, and done again.
    this.#waits = this.#working > 0
    if (this.#waits) return
    this.#suspended = new Suspended()
    this.#patience = setTimeout(() => {
      this.#suspend()
      this.#log('warn', `${this.#name} still runs ${UNWIND} ms after its attempt was ended; nobody waits for it any more`)
    }, UNWIND)
    this.#patience.unref()
    this.#abort(this.#suspended)
    this.#refuse(this.#suspended)
  }

  #suspend() {
    this.#answer(SUSPEND, 'null')
  }

  #answer(kind, line, bytes) {
    this.#leave()
    if (bytes === undefined) this.#bridge.outbox.put(this, kind, line)
    else this.#bridge.outbox.putBytes(this, bytes)
  }

  #leave() {
    this.over = true
    this.#bridge.forget(this)
    clearTimeout(this.#patience)
  }

  #abort(reason) {
    // The first reason stands.
    this.#reason ??= reason
    if (this.#controller === undefined) return
    // Whatever the handler gave the signal to rejects with this, and only one of those promises is awaited.
    tolerate(this.#reason)
    this.scope.runInAsyncScope(() => this.#controller.abort(this.#reason))
  }

  #refuse(error) {
    const asked = [...(this.#open ?? []), ...(this.#asked?.values() ?? [])]
    if (this.#following !== undefined) asked.push(this.#following)
    if (asked.length === 0) return
    tolerate(error)
    for (const { reject } of asked) reject(error)
  }

  #log(level, message, error) {
    this.#bridge.log(level, message, { kind: this.entry?.kind, name: this.entry?.name, error })
  }
}

/** Never throws: an answer comes with other operations of its batch. */
function settle(resolve, reject, read) {
  return (answer) => {
    try {
      resolve(read(answer))
    } catch (error) {
      reject(error)
    }
  }
}

module.exports = { Call }
