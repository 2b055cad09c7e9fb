'use strict'

// JavaScript values as JSON text, and what is wrong with those that have none. `JSON.stringify` alone turns what JSON
// cannot express into `null` or nothing, silently and anywhere.

const { types } = require('node:util')

const { stringify } = JSON

/** Characters of a place that are named. */
const PLACE = 200

/** Says what JSON cannot hold, and where in the value that was. */
class Unfit extends Error {}

/** Objects whose content `JSON.stringify` does not see. */
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

function opaque(value) {
  for (const name in OPAQUE) if (OPAQUE[name](value)) return name
  return undefined
}

/** Values that one walk may still meet. */
let room = 0

/** Whether `JSON.stringify` alone does `value` justice. `false` also for what only a closer look can tell. */
function plain(value, depth) {
  switch (typeof value) {
    case 'string':
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
    room -= value.length
    if (room < 0 || value.toJSON !== undefined) return false
    for (let i = 0; i < value.length; i++) {
      const item = value[i]
      if (typeof item === 'number' ? !Number.isFinite(item) : !plain(item, depth - 1)) return false
    }
    return true
  }
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    if (types.isDate(value)) return !Number.isNaN(value.getTime())
    if (types.isBoxedPrimitive(value) || opaque(value) !== undefined) return false
  }
  if (value.toJSON !== undefined) return false
  // Inherited members too, which the closer look leaves out: they are rare.
  for (const key in value) {
    const member = value[key]
    if (member !== undefined && !plain(member, depth - 1)) return false
  }
  return true
}

/**
 * The JSON text of `value`; `undefined` for a value without one. Throws {@link Unfit} for what JSON cannot express
 * anywhere inside, for more than `depth` levels, and for what is sure to take more than `size` bytes. `name` is what
 * places begin with.
 */
function encodeJson(value, name, { depth, size }) {
  room = size
  if (plain(value, depth)) return stringify(value)
  if (room < 0) throw tooLong(size)
  return look(value, name, depth, size)
}

/** Each value takes a byte at least. */
function tooLong(size) {
  return new Unfit(`a value of more than ${size} bytes`)
}

/** As `encodeJson`, slowly: what `toJSON` returns is looked at too, and what is wrong is placed. */
function look(root, name, depth, size) {
  /** The objects around the value that is looked at, and the keys they were found under. */
  const open = []
  const keys = []
  let left = size
  return stringify(root, function (key, value) {
    while (open.length > 0 && open[open.length - 1] !== this) {
      open.pop()
      keys.pop()
    }
    const step = Array.isArray(this) ? Number(key) : key
    const wrong = (what) => {
      // The first key is the root's own.
      return new Unfit(open.length === 0 ? what : `${placeOf(name, [...keys.slice(1), step])} is ${what}`)
    }
    if (--left < 0) throw tooLong(size)
    switch (typeof value) {
      case 'number':
        if (!Number.isFinite(value)) throw wrong(`the number ${value}`)
        return value
      case 'bigint':
      case 'function':
      case 'symbol':
        throw wrong(`a value of type ${typeof value}`)
      case 'undefined':
        if (Array.isArray(this)) throw wrong('undefined')
        return value
      case 'object':
        break
      default:
        return value
    }
    if (value === null) {
      if (types.isDate(this[key])) throw wrong('an invalid date')
      return value
    }
    if (types.isNumberObject(value) && !Number.isFinite(Number(value))) throw wrong(`the number ${Number(value)}`)
    const kind = opaque(value)
    if (kind !== undefined) throw wrong(`${/^[AEi]/.test(kind) ? 'an' : 'a'} ${kind}`)
    if (open.length >= depth) throw new Unfit(`a value nested deeper than ${depth} levels`)
    open.push(value)
    keys.push(step)
    return value
  })
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

/** One line on why `stringify` threw `error`, which a `toJSON` may have chosen freely. */
function reasonOf(error) {
  try {
    return String(error.message).split('\n')[0].replace(/^Do not know how to serialize/, 'cannot serialize')
  } catch {
    return 'it cannot be serialised'
  }
}

module.exports = { Unfit, encodeJson, placeOf, reasonOf, wellFormed }
