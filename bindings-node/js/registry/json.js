'use strict'

// JavaScript values as JSON text, and what is wrong with those that have none. `JSON.stringify` alone turns what JSON
// cannot express into `null` or nothing, silently and anywhere.

const { types } = require('node:util')

const { stringify } = JSON

/** Characters of a place that are named. */
const PLACE = 200

/** The largest integer that every reader of JSON gets as it is. */
const MOST = BigInt(Number.MAX_SAFE_INTEGER)

/** Says what JSON cannot hold, and where in the value that was. */
class Unfit extends Error {
  /** Whether the message begins with the place. */
  placed = false
  /** Whether the value is too long, and so not to be looked at again. */
  tooLong = false
}

/** Objects whose content `JSON.stringify` does not see, or writes as what no reader takes for it. */
const OPAQUE = {
  Map: types.isMap,
  Set: types.isSet,
  WeakMap: types.isWeakMap,
  WeakSet: types.isWeakSet,
  WeakRef: (value) => value instanceof WeakRef,
  Promise: types.isPromise,
  RegExp: types.isRegExp,
  // Those of other realms too, and DOMExceptions.
  Error: (value) => types.isNativeError(value) || value instanceof Error,
  ArrayBuffer: types.isAnyArrayBuffer,
  DataView: types.isDataView,
  generator: types.isGeneratorObject,
  iterator: (value) => types.isMapIterator(value) || types.isSetIterator(value)
}

const { toJSON: BUFFER_JSON } = Buffer.prototype

function opaque(value) {
  for (const name in OPAQUE) if (OPAQUE[name](value)) return name
  if (Buffer.isBuffer(value)) return 'Buffer'
  const tag = value[Symbol.toStringTag]
  if (types.isTypedArray(value)) return tag
  // Blobs, responses, headers, streams and whatever else holds all it has out of sight.
  const named = typeof tag === 'string' && tag !== '' && Object.getPrototypeOf(value) !== null
  return named && Object.keys(value).length === 0 ? tag : undefined
}

/** Bytes of the least text of an array's item, with the comma or bracket behind it, and of a member: `"":0,` without its name and value. */
const ITEM = 2
const MEMBER = 4

/** Bytes that the text may still have. Each value takes off no more than it is sure to take. */
let room = 0

/** Whether `JSON.stringify` alone does `value` justice. `false` also for what only a closer look can tell. */
function plain(value, depth) {
  switch (typeof value) {
    case 'string':
      return (room -= value.length) >= 0
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value)
    case 'object':
      return value === null || plainObject(value, depth)
    default:
      return false
  }
}

function plainObject(value, depth) {
  if (depth === 0 || --room < 0) return false
  if (Array.isArray(value)) {
    // Before any item is looked at: there may be hundreds of millions.
    room -= value.length * ITEM
    if (room < 0 || value.toJSON !== undefined) return false
    for (let i = 0; i < value.length; i++) {
      const item = value[i]
      if (typeof item === 'number' ? !Number.isFinite(item) : !plain(item, depth - 1)) return false
    }
    return true
  }
  const prototype = Object.getPrototypeOf(value)
  const inherits = prototype !== Object.prototype && prototype !== null
  if (inherits) {
    if (types.isDate(value)) return !Number.isNaN(value.getTime())
    if (types.isBoxedPrimitive(value) || opaque(value) !== undefined) return false
  }
  if (value.toJSON !== undefined) return false
  // Without a list of the keys, which takes several times as long to make.
  for (const key in value) {
    if (inherits && !Object.hasOwn(value, key)) continue
    const member = value[key]
    if (member === undefined) continue
    room -= key.length + MEMBER
    if (room < 0 || !plain(member, depth - 1)) return false
  }
  return true
}

/**
 * The JSON text of `value`; `undefined` for a value without one. Throws {@link Unfit} for what JSON cannot express
 * anywhere inside, for what cannot be read, for more than `depth` levels, and for what is sure to take more than `size` bytes.
 * `name` is what places begin with.
 */
function encodeJson(value, name, { depth, size }) {
  room = size
  if (fits(value, depth)) return stringify(value)
  if (room < 0) throw tooLong(size)
  return new Walk(name, depth, size).text({ '': value }, '')
}

function fits(value, depth) {
  try {
    return plain(value, depth)
  } catch {
    // A getter, a proxy: the closer look says where.
    return false
  }
}

function tooLong(size) {
  return Object.assign(new Unfit(`a value of more than ${size} bytes`), { tooLong: true })
}

/** Whether an array or bytes are sure to have more than `size` bytes as text, from their length alone. */
function isLong(value, size) {
  if (Array.isArray(value)) return value.length * ITEM > size
  return (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) && value.byteLength > size
}

/** Throws for what is too long by its length alone. */
function checkLength(value, size) {
  if (isLong(value, size)) throw tooLong(size)
}

/** What `JSON.stringify` does, slowly: what `toJSON` returns is looked at too, and what is wrong is placed. */
class Walk {
  #name
  #depth
  #left
  #size
  /** The objects around the value that is looked at, and the keys from the first of them to it. */
  #open = []
  #keys = []

  constructor(name, depth, size) {
    this.#name = name
    this.#depth = depth
    this.#left = this.#size = size
  }

  /** The text of one member of what is around it. */
  text(holder, key) {
    if (--this.#left < 0) throw tooLong(this.#size)
    try {
      return this.#value(holder, key)
    } catch (error) {
      throw error instanceof Unfit ? error : this.#wrong(`a value that cannot be read: ${reasonOf(error)}`)
    }
  }

  #wrong(what) {
    const error = new Unfit(this.#keys.length === 0 ? what : `${placeOf(this.#name, this.#keys)} is ${what}`)
    error.placed = this.#keys.length > 0
    return error
  }

  #value(holder, key) {
    let value = holder[key]
    if (value != null && ['object', 'function', 'bigint'].includes(typeof value)) {
      const { toJSON } = value
      // A Buffer's own is an array of numbers that nothing reads; a program's is meant.
      if (typeof toJSON === 'function' && toJSON !== BUFFER_JSON) {
        const made = toJSON.call(value, String(key))
        if (made === null && types.isDate(value)) throw this.#wrong('an invalid date')
        value = made
      }
    }
    if (types.isBoxedPrimitive(value)) value = unboxed(value)
    switch (typeof value) {
      case 'number':
        if (!Number.isFinite(value)) throw this.#wrong(`the number ${value}`)
        return stringify(value)
      case 'bigint':
        if (value > MOST || value < -MOST) throw this.#wrong('a bigint beyond 2^53')
        return String(value)
      case 'function':
      case 'symbol':
        throw this.#wrong(`a value of type ${typeof value}`)
      case 'undefined':
        if (Array.isArray(holder)) throw this.#wrong('undefined')
        return undefined
      case 'object':
        return value === null ? 'null' : this.#object(value)
      case 'string':
        if (value.length > this.#left) throw tooLong(this.#size)
        return stringify(value)
      default:
        return stringify(value)
    }
  }

  #object(value) {
    // A number as its source has it.
    if (JSON.isRawJSON?.(value)) return value.rawJSON
    const kind = opaque(value)
    if (kind !== undefined) throw this.#wrong(`${/^[AEIOaeio]/.test(kind) ? 'an' : 'a'} ${kind}`)
    const again = this.#open.indexOf(value)
    if (again >= 0) throw this.#wrong(`a cycle back to ${placeOf(this.#name, this.#keys.slice(0, again))}`)
    if (this.#open.length >= this.#depth) throw this.#wrong(`a value nested deeper than ${this.#depth} levels`)
    this.#open.push(value)
    const text = Array.isArray(value) ? this.#items(value) : this.#members(value)
    this.#open.pop()
    return text
  }

  #items(value) {
    if (value.length * ITEM > this.#left + ITEM) throw tooLong(this.#size)
    let text = ''
    for (let i = 0; i < value.length; i++) text += `${i === 0 ? '' : ','}${this.#within(value, i)}`
    return `[${text}]`
  }

  #members(value) {
    let text = ''
    for (const key of Object.keys(value)) {
      const member = this.#within(value, key)
      if (member !== undefined) text += `${text === '' ? '' : ','}${stringify(key)}:${member}`
    }
    return `{${text}}`
  }

  #within(holder, key) {
    this.#keys.push(key)
    const text = this.text(holder, key)
    this.#keys.pop()
    return text
  }
}

/** What is in a `new Number(…)` and its like. */
function unboxed(value) {
  if (types.isNumberObject(value)) return Number(value)
  return types.isStringObject(value) ? String(value) : value.valueOf()
}

/** A value's place: `result.a[3]["odd key"]`. Numbers are places in arrays. */
function placeOf(name, keys) {
  let text = name
  for (const key of keys) {
    if (typeof key === 'number') text += `[${key}]`
    else text += /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${stringify(key)}]`
    if (text.length > PLACE) return `${text.slice(0, PLACE)}…`
  }
  return text
}

/** Half a surrogate pair is legal in JavaScript and an escape in JSON, but many parsers refuse it. */
function wellFormed(text) {
  if (!text.includes('\\ud')) return text
  return text.replace(/(?<=(?:^|[^\\])(?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, '\ufffd')
}

/** What is wrong with the value that messages call `name`; of a part of it the text says the place already. */
function unfit(name, error) {
  if (!(error instanceof Unfit)) return `${name}: ${reasonOf(error)}`
  return error.placed ? error.message : `${name}: ${error.message}`
}

/** One line on why `stringify` threw `error`, which a `toJSON` may have chosen freely. */
function reasonOf(error) {
  try {
    const { message = error } = error
    return String(message).split('\n')[0].replace(/^Do not know how to serialize/, 'cannot serialize')
  } catch {
    return 'it cannot be serialised'
  }
}

module.exports = { Unfit, checkLength, encodeJson, isLong, placeOf, reasonOf, unfit, wellFormed }
