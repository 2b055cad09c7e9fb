'use strict'

// The limiters, circuit breakers and cache that handlers use by code.

const { setTimeout: sleep } = require('node:timers/promises')
const { ArgumentError, BreakerOpen, NotFound, isCausedBy } = require('../errors')
const { NotSerializable, encodeJson, reasonOf, wellFormed } = require('../registry/json')

/** The longest time that a timer takes. */
const MAX_TIMER = 2 ** 31 - 1

/** Whether an error says nothing about what a breaker protects. */
const isUncounted = (error) => error instanceof NotFound || error instanceof ArgumentError || error?.name === 'AbortError'

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
    const named = pairs.map(([name, value]) => [String(name), String(value)])
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

/** The promises of values that are being produced: of a server by its number, and of a key. */
const inProgress = new Map()

/** A cache of values for the program. */
class ValueCache {
  #native
  #bounds

  constructor(native, bounds) {
    this.#native = native
    this.#bounds = bounds
  }

  /** The value of a key, or `undefined`. */
  get(key) {
    const found = this.#native.get(String(key))
    return found == null ? undefined : JSON.parse(found)
  }

  /** Keeps a value for `ttl` milliseconds. */
  put(key, value, ttl) {
    this.#put(String(key), value, ttl)
  }

  /** The value of a key, which `produce` makes if there is none. */
  async getOrSet(key, ttl, produce) {
    checkFunction('cache.getOrSet: produce', produce)
    if (!(ttl > 0)) throw new TypeError(`cache.getOrSet: ttl must be a number of milliseconds above 0, not ${ttl}`)
    const name = String(key)
    const found = this.#native.get(name)
    if (found != null) return JSON.parse(found)
    const place = `${this.#native.server}/${name}`
    let text = inProgress.get(place)
    if (text === undefined) {
      text = this.#produce(name, ttl, produce)
      inProgress.set(place, text)
      const end = () => inProgress.delete(place)
      text.then(end, end)
    }
    // Each call gets an object of its own.
    return JSON.parse(await text)
  }

  async #produce(key, ttl, produce) {
    // So that the other calls of this turn of the loop find the promise.
    await undefined
    return this.#put(key, await produce(), ttl)
  }

  /** Keeps a value. Returns its text. */
  #put(key, value, ttl) {
    if (!(ttl > 0)) throw new TypeError(`cache: ttl must be a number of milliseconds above 0, not ${ttl}`)
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
