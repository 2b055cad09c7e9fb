'use strict'

// The limiters, circuit breakers and cache that handlers use by code.

const { AsyncLocalStorage } = require('node:async_hooks')
const { setTimeout: sleep } = require('node:timers/promises')
const { ArgumentError, BreakerOpen, NotFound, Suspended, isCausedBy } = require('../errors')
const { NotSerializable, encodeJson, reasonOf, wellFormed } = require('../registry/json')

/** The longest time that a timer takes. */
const MAX_TIMER = 2 ** 31 - 1

/** Errors that say nothing about what a breaker protects. */
const UNCOUNTED = [NotFound, ArgumentError, Suspended]
const isUncounted = (error) => UNCOUNTED.some((type) => error instanceof type) || error?.name === 'AbortError'
const isSuspended = (error) => error instanceof Suspended

function checkFunction(what, value) {
  if (typeof value !== 'function') throw new TypeError(`${what} must be a function, not ${typeof value}`)
}

/** A limit of the program's own. */
class Limiter {
  #native
  #signal

  /** `signal` gives the signal of the call. */
  constructor(native, signal) {
    this.#native = native
    this.#signal = signal
  }

  /** Takes one call. Returns 0, or the milliseconds until one can be taken. */
  tryAcquire() {
    return this.#native.tryAcquire()
  }

  /** Takes one call, and waits for it if necessary. */
  async acquire() {
    let wait
    while ((wait = this.#native.tryAcquire()) > 0) {
      await sleep(Math.min(Math.ceil(wait), MAX_TIMER), undefined, { signal: this.#signal() })
    }
  }

  /** Tells the limiter what the headers of a response say: `Headers` of fetch, or an object. */
  feed(headers) {
    if (typeof headers !== 'object' || headers === null) throw new TypeError('limiter.feed: headers must be an object')
    const pairs = typeof headers[Symbol.iterator] === 'function' ? [...headers] : Object.entries(headers)
    if (!pairs.every(Array.isArray)) throw new TypeError('limiter.feed: headers must be pairs of names and values')
    const named = pairs.map(([name, value]) => [String(name), String(Array.isArray(value) ? value[0] : value)])
    this.#native.feed(wellFormed(JSON.stringify(Object.fromEntries(named))))
  }
}

/** The permission for one call of what a breaker protects. */
class BreakerPermit {
  #native
  #number

  constructor(native, number) {
    this.#native = native
    this.#number = number
  }

  /** Records whether the call succeeded; `undefined`: it does not count. */
  record(succeeded) {
    const number = this.#number
    this.#number = undefined
    if (number !== undefined) this.#native.record(number, succeeded == null ? undefined : Boolean(succeeded))
  }
}

/** A circuit breaker of the program's own. */
class Breaker {
  #native

  constructor(native) {
    this.#native = native
  }

  /** Lets a call pass, or throws a BreakerOpen. */
  allow() {
    const { permit, wait, text } = this.#native.allow()
    if (permit == null) throw new BreakerOpen(text, wait)
    return new BreakerPermit(this.#native, permit)
  }

  /** Calls a function, unless the circuit is open. */
  async run(call) {
    checkFunction('breaker.run: the call', call)
    const permit = this.allow()
    try {
      const made = await call()
      permit.record(true)
      return made
    } catch (error) {
      permit.record(isCausedBy(error, isUncounted) ? undefined : false)
      throw error
    }
  }
}

/** The values that are being produced: of a server by its number, and of a key. */
const inProgress = new Map()

/** The keys that the functions around this code produce. */
const heldKeys = new AsyncLocalStorage()

/** What a production gives if its call has ended: another call is to produce the value. */
const AGAIN = Symbol('again')

function checkTtl(what, ttl) {
  if (typeof ttl !== 'number' || !(ttl >= 0.001)) {
    throw new TypeError(`${what}: ttl must be a number of milliseconds above 0, not ${String(ttl)}`)
  }
}

/** A promise that is also rejected if the call ends. */
function untilAborted(promise, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    const end = () => signal.removeEventListener('abort', abort)
    promise.then(resolve, reject).then(end)
  })
}

/** A value that one call produces, and others wait for. */
class Production {
  constructor(place) {
    this.place = place
    this.result = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }))
    // Perhaps no other call waits.
    this.result.catch(() => {})
    inProgress.set(place, this)
  }

  /** Later calls do not wait for it any more. */
  end() {
    if (inProgress.get(this.place) === this) inProgress.delete(this.place)
  }
}

/** A cache of values for the program. */
class ValueCache {
  #native
  #bounds
  #signal

  /** `signal` gives the signal of the call. */
  constructor(native, bounds, signal) {
    this.#native = native
    this.#bounds = bounds
    this.#signal = signal
  }

  /** The value of a key, or `undefined`. */
  get(key) {
    const found = this.#native.get(String(key))
    return found == null ? undefined : JSON.parse(found)
  }

  /** Keeps a value for `ttl` milliseconds. */
  put(key, value, ttl) {
    checkTtl('cache.put', ttl)
    this.#put(String(key), value, ttl)
  }

  /** The value of a key, which `produce` makes if there is none. */
  async getOrSet(key, ttl, produce) {
    checkFunction('cache.getOrSet: produce', produce)
    checkTtl('cache.getOrSet', ttl)
    const name = String(key)
    const place = `${this.#native.server()}/${name}`
    if (heldKeys.getStore()?.has(place)) {
      throw new Error(`cache.getOrSet: the function for ${JSON.stringify(name)} asks for its own key`)
    }
    for (;;) {
      const found = this.#native.get(name)
      if (found != null) return JSON.parse(found)
      const other = inProgress.get(place)
      const text = await (other === undefined
        ? this.#produce(new Production(place), name, ttl, produce)
        : untilAborted(other.result, this.#signal()))
      // Each call gets an object of its own.
      if (text !== AGAIN) return JSON.parse(text)
    }
  }

  async #produce(production, key, ttl, produce) {
    const signal = this.#signal()
    const abort = () => {
      production.end()
      production.resolve(AGAIN)
    }
    signal.addEventListener('abort', abort, { once: true })
    const held = new Set(heldKeys.getStore()).add(production.place)
    try {
      const text = this.#put(key, await heldKeys.run(held, produce), ttl)
      production.end()
      production.resolve(text)
      return text
    } catch (error) {
      // The end of this call is no failure of the others.
      if (signal.aborted || isCausedBy(error, isSuspended)) abort()
      production.end()
      production.reject(error)
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** Keeps a value. Returns its text. */
  #put(key, value, ttl) {
    const what = `cache: the value of ${JSON.stringify(key)}`
    let text
    try {
      text = value === undefined ? 'null' : encodeJson(value, 'value', this.#bounds)
    } catch (error) {
      throw new TypeError(`${what}: ${error instanceof NotSerializable ? error.message : reasonOf(error)}`)
    }
    if (text === undefined) throw new TypeError(`${what} is a value of type ${typeof value}`)
    text = wellFormed(text)
    this.#native.put(key, text, ttl)
    return text
  }

  /** Removes the value of a key. Returns whether there was one. */
  delete(key) {
    return this.#native.delete(String(key))
  }

  /** Removes all values. */
  clear() {
    this.#native.clear()
  }
}

module.exports = { Breaker, Limiter, ValueCache }
