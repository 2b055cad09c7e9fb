'use strict'

// Calls the program's function that finds the principal of a request, when the engine asks for it.

const { messageOf } = require('../errors')
const { memberText } = require('../registry/entries')
const { isObject } = require('../registry/schema')

/** The JSON text of a principal that the program gives. `what` names it in errors. */
function principalText(what, given) {
  if (typeof given === 'string' || isObject(given)) return memberText(what, given)
  throw new TypeError(`${what} must be a string or an object with the member subject, not a value of type ${typeof given}`)
}

/** What the function gets besides the request. Most functions do not need the signal, so it is made when it is read. */
class Details {
  #controller

  /** Aborted when the client has left, or the engine no longer waits. */
  get signal() {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  static abort(details) {
    details.#controller ??= new AbortController()
    details.#controller.abort()
  }
}

/**
 * Finds the principal of an exchange. The engine does not ask for it if it refuses the request first. Returns a promise only if
 * the function does.
 */
function findPrincipal(exchange, find, bridge) {
  if (!exchange.wantsPrincipal()) return undefined
  const fail = (error) => {
    // A function that fails after its request has ended concerns nobody.
    if (!exchange.wantsPrincipal()) return
    bridge.log('error', 'the function principal failed', { error })
    exchange.setPrincipal(undefined, messageOf(error))
  }
  const set = (found) => {
    if (found == null) return exchange.setPrincipal(undefined)
    let text
    try {
      text = principalText('principal', found)
    } catch (error) {
      return fail(error)
    }
    exchange.setPrincipal(text)
  }
  const details = new Details()
  let found
  try {
    found = find(details)
    if (typeof found?.then !== 'function') return void set(found)
  } catch (error) {
    return void fail(error)
  }
  return awaited(exchange, found, details, set, fail)
}

async function awaited(exchange, promise, details, set, fail) {
  let isSettled = false
  const settle = (then) => (value) => {
    isSettled = true
    then(value)
  }
  Promise.resolve(promise).then(settle(set), settle(fail))
  while (exchange.wantsPrincipal()) await exchange.woken()
  if (!isSettled) Details.abort(details)
}

module.exports = { findPrincipal, principalText }
