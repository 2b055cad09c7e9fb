'use strict'

// The functions that decide about requests: the verifier, the authorizer and visible, as handlers of the engine's questions.

const { types } = require('node:util')
const { deepFreeze } = require('../calls/call')
const { isObject } = require('./schema')

/** The names of the functions in messages. */
const VERIFIER = 'verifier'
const AUTHORIZER = 'authorizer'
const VISIBLE = 'visible'

/** The bounds of their answers, which may have claims. */
const ACCESS_BOUNDS = { depth: 64, size: 1 << 20 }

/** Credentials, whose values are secret: `console.log` and templates show none. */
class Credentials {
  constructor(token, headers) {
    this.token = token
    this.headers = headers
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `Credentials { token: ${this.token === null ? null : '…'}, headers: [${Object.keys(this.headers).join(', ')}] }`
  }
}

/** The headers and the function of `verifier(fn)` and `verifier({ headers }, fn)`. */
function verifierOf(options, fn) {
  const [given, verify] = fn === undefined && !isObject(options) ? [{}, options] : [options, fn]
  checkFunction(VERIFIER, verify)
  if (!isObject(given)) throw new TypeError(`verifier: the options must be an object, not a value of type ${typeof given}`)
  const { headers = [], ...others } = given
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw new TypeError(`verifier: unknown option ${JSON.stringify(unknown)}; the option is headers`)
  if (!Array.isArray(headers) || !headers.every((name) => typeof name === 'string')) {
    throw new TypeError('verifier: headers must be an array of names of headers')
  }
  const handler = ({ token, headers }) => whenSettled(verify(new Credentials(token, headers)), members)
  return { headers: [...headers], handler, given: verify }
}

/** The function of `authorizer(fn)` and of `visible(fn)`, which `name` says. */
function deciderOf(name, fn) {
  checkFunction(name, fn)
  const handler = (question) => {
    const principal = question.principal && renamed(question.principal, camelCase)
    deepFreeze(principal)
    return fn({ ...question, principal })
  }
  return { handler, given: fn }
}

function checkFunction(what, fn) {
  if (typeof fn !== 'function') throw new TypeError(`${what}: the ${what} must be a function, not a value of type ${typeof fn}`)
  if (types.isGeneratorFunction(fn)) throw new TypeError(`${what}: the ${what} must not be a generator; return the answer instead`)
}

/** Calls `use` with a value, or with what a promise resolves to. */
function whenSettled(value, use) {
  return typeof value?.then === 'function' ? Promise.resolve(value).then(use) : use(value)
}

/** A principal with the engine's names of its members. Other values stay as they are; the engine checks them. */
function members(found) {
  const plain = typeof found?.toJSON === 'function' ? found.toJSON() : found
  return isObject(plain) ? renamed(plain, snakeCase) : plain
}

/** An object whose members have other names. What they hold, such as claims, stays as it is. */
function renamed(object, rename) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [rename(name), value]))
}

function snakeCase(name) {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function camelCase(name) {
  return name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())
}

module.exports = { ACCESS_BOUNDS, AUTHORIZER, VERIFIER, VISIBLE, deciderOf, verifierOf }
