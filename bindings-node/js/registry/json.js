'use strict'

// JavaScript values as JSON text. `JSON.stringify` alone replaces values that JSON cannot express by `null`, or leaves them
// out, without an error. This module throws an error that names the value and its path.

const { types } = require('node:util')

const { stringify } = JSON

/** A path is cut after this many characters. */
const MAX_PATH = 200

/** The largest integer that every JSON reader reads exactly. */
const MAX_INTEGER = BigInt(Number.MAX_SAFE_INTEGER)

/** The error for a value that JSON cannot express. The message has its path. */
class NotSerializable extends Error {
  /** Whether the message begins with the path. */
  hasPath = false
  /** Whether the value is too long. Then it is not examined again. */
  tooLong = false
}

/** Objects whose content `JSON.stringify` does not write, or writes in a form that no reader understands. */
const OPAQUE_TYPES = {
  Map: types.isMap,
  Set: types.isSet,
  WeakMap: types.isWeakMap,
  WeakSet: types.isWeakSet,
  WeakRef: (value) => value instanceof WeakRef,
  Promise: types.isPromise,
  RegExp: types.isRegExp,
  // Also errors of other realms, and DOMExceptions.
  Error: (value) => types.isNativeError(value) || value instanceof Error,
  ArrayBuffer: types.isAnyArrayBuffer,
  DataView: types.isDataView,
  generator: types.isGeneratorObject,
  iterator: (value) => types.isMapIterator(value) || types.isSetIterator(value)
}

const { toJSON: BUFFER_JSON } = Buffer.prototype

function opaqueType(value) {
  for (const name in OPAQUE_TYPES) if (OPAQUE_TYPES[name](value)) return name
  if (Buffer.isBuffer(value)) return 'Buffer'
  const tag = value[Symbol.toStringTag]
  if (types.isTypedArray(value)) return tag
  // Blobs, responses, headers, streams and other objects without own enumerable properties.
  const named = typeof tag === 'string' && tag !== '' && Object.getPrototypeOf(value) !== null
  return named && Object.keys(value).length === 0 ? tag : undefined
}

/** The minimum bytes of an item with the comma or bracket after it, and of a member `"":0,` without its name and value. */
const MIN_ITEM_BYTES = 2
const MIN_MEMBER_BYTES = 4

/** The number of bytes that the text may still have. Each value subtracts the minimum length of its text. */
let room = 0

/** Whether `JSON.stringify` alone writes `value` correctly. `false` also if only `Encoder` can tell. */
function isPlainJson(value, depth) {
  switch (typeof value) {
    case 'string':
      return (room -= value.length) >= 0
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value)
    case 'object':
      return value === null || isPlainObject(value, depth)
    default:
      return false
  }
}

function isPlainObject(value, depth) {
  if (depth === 0 || --room < 0) return false
  if (Array.isArray(value)) {
    // This check comes before any item is examined, because there may be hundreds of millions.
    room -= value.length * MIN_ITEM_BYTES
    if (room < 0 || value.toJSON !== undefined) return false
    for (let i = 0; i < value.length; i++) {
      const item = value[i]
      if (typeof item === 'number' ? !Number.isFinite(item) : !isPlainJson(item, depth - 1)) return false
    }
    return true
  }
  const prototype = Object.getPrototypeOf(value)
  const inherits = prototype !== Object.prototype && prototype !== null
  if (inherits) {
    if (types.isDate(value)) return !Number.isNaN(value.getTime())
    if (types.isBoxedPrimitive(value) || opaqueType(value) !== undefined) return false
  }
  if (value.toJSON !== undefined) return false
  // Not by `Object.keys`, which takes several times as long.
  for (const key in value) {
    if (inherits && !Object.hasOwn(value, key)) continue
    const member = value[key]
    if (member === undefined) continue
    room -= key.length + MIN_MEMBER_BYTES
    if (room < 0 || !isPlainJson(member, depth - 1)) return false
  }
  return true
}

/**
 * The JSON text of `value`; `undefined` for a value that has none. Throws {@link NotSerializable} if a part of the value cannot
 * be written or read, if it has more than `depth` levels, or if its text must have more than `size` bytes. Paths begin with
 * `name`.
 */
function encodeJson(value, name, { depth, size }) {
  room = size
  if (isPlainValue(value, depth)) return stringify(value)
  if (room < 0) throw tooLong(size)
  return new Encoder(name, depth, size).text({ '': value }, '')
}

function isPlainValue(value, depth) {
  try {
    return isPlainJson(value, depth)
  } catch {
    // A getter or a proxy has thrown. `Encoder` finds its path.
    return false
  }
}

function tooLong(size) {
  return Object.assign(new NotSerializable(`a value of more than ${size} bytes`), { tooLong: true })
}

/** Whether the text of an array or of bytes must have more than `size` bytes, by their length alone. */
function isLong(value, size) {
  if (Array.isArray(value)) return value.length * MIN_ITEM_BYTES > size
  return (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) && value.byteLength > size
}

/** Throws if a value is too long by its length alone. */
function checkLength(value, size) {
  if (isLong(value, size)) throw tooLong(size)
}

/** Writes JSON like `JSON.stringify`, but slower: it also checks what `toJSON` returns, and finds the path of an error. */
class Encoder {
  #name
  #depth
  #left
  #size
  /** The objects around the present value, and the keys that lead to it. */
  #open = []
  #keys = []

  constructor(name, depth, size) {
    this.#name = name
    this.#depth = depth
    this.#left = this.#size = size
  }

  /** The text of one member of `holder`. */
  text(holder, key) {
    if (--this.#left < 0) throw tooLong(this.#size)
    try {
      return this.#value(holder, key)
    } catch (error) {
      throw error instanceof NotSerializable ? error : this.#failure(`a value that cannot be read: ${reasonOf(error)}`)
    }
  }

  #failure(what) {
    const error = new NotSerializable(this.#keys.length === 0 ? what : `${pathOf(this.#name, this.#keys)} is ${what}`)
    error.hasPath = this.#keys.length > 0
    return error
  }

  #value(holder, key) {
    let value = holder[key]
    if (value != null && ['object', 'function', 'bigint'].includes(typeof value)) {
      const { toJSON } = value
      // The method of Buffer itself gives an array of numbers, which clients do not understand.
      if (typeof toJSON === 'function' && toJSON !== BUFFER_JSON) {
        const made = toJSON.call(value, String(key))
        if (made === null && types.isDate(value)) throw this.#failure('an invalid date')
        value = made
      }
    }
    if (types.isBoxedPrimitive(value)) value = primitiveOf(value)
    switch (typeof value) {
      case 'number':
        if (!Number.isFinite(value)) throw this.#failure(`the number ${value}`)
        return stringify(value)
      case 'bigint':
        if (value > MAX_INTEGER || value < -MAX_INTEGER) throw this.#failure('a bigint beyond 2^53')
        return String(value)
      case 'function':
      case 'symbol':
        throw this.#failure(`a value of type ${typeof value}`)
      case 'undefined':
        if (Array.isArray(holder)) throw this.#failure('undefined')
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
    // A number that is written as given.
    if (JSON.isRawJSON?.(value)) return value.rawJSON
    const kind = opaqueType(value)
    if (kind !== undefined) throw this.#failure(`${/^[AEIOaeio]/.test(kind) ? 'an' : 'a'} ${kind}`)
    const again = this.#open.indexOf(value)
    if (again >= 0) throw this.#failure(`a cycle back to ${pathOf(this.#name, this.#keys.slice(0, again))}`)
    if (this.#open.length >= this.#depth) throw this.#failure(`a value nested deeper than ${this.#depth} levels`)
    this.#open.push(value)
    const text = Array.isArray(value) ? this.#items(value) : this.#members(value)
    this.#open.pop()
    return text
  }

  #items(value) {
    if (value.length * MIN_ITEM_BYTES > this.#left + MIN_ITEM_BYTES) throw tooLong(this.#size)
    let text = ''
    for (let i = 0; i < value.length; i++) text += `${i === 0 ? '' : ','}${this.#memberText(value, i)}`
    return `[${text}]`
  }

  #members(value) {
    let text = ''
    for (const key of Object.keys(value)) {
      const member = this.#memberText(value, key)
      if (member !== undefined) text += `${text === '' ? '' : ','}${stringify(key)}:${member}`
    }
    return `{${text}}`
  }

  #memberText(holder, key) {
    this.#keys.push(key)
    const text = this.text(holder, key)
    this.#keys.pop()
    return text
  }
}

/** The primitive value of a `new Number(…)` and the like. */
function primitiveOf(value) {
  if (types.isNumberObject(value)) return Number(value)
  return types.isStringObject(value) ? String(value) : value.valueOf()
}

/** A path: `result.a[3]["odd key"]`. Numbers are indexes of arrays. */
function pathOf(name, keys) {
  let text = name
  for (const key of keys) {
    if (typeof key === 'number') text += `[${key}]`
    else text += /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${stringify(key)}]`
    if (text.length > MAX_PATH) return `${text.slice(0, MAX_PATH)}…`
  }
  return text
}

/** Replaces lone surrogates: they are legal in JavaScript and in JSON escapes, but many parsers refuse them. */
function wellFormed(text) {
  if (!text.includes('\\ud')) return text
  return text.replace(/(?<=(?:^|[^\\])(?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, '\ufffd')
}

/** The message for an error of `encodeJson`. It begins with `name`, or with the path of the part that is wrong. */
function describeFailure(name, error) {
  if (!(error instanceof NotSerializable)) return `${name}: ${reasonOf(error)}`
  return error.hasPath ? error.message : `${name}: ${error.message}`
}

/** The first line of the message of `error`, which may be any value that a `toJSON` has thrown. */
function reasonOf(error) {
  try {
    const { message = error } = error
    return String(message).split('\n')[0].replace(/^Do not know how to serialize/, 'cannot serialize')
  } catch {
    return 'it cannot be serialised'
  }
}

module.exports = { NotSerializable, checkLength, encodeJson, isLong, pathOf, reasonOf, describeFailure, wellFormed }
