'use strict'

// Calls a program's store. The engine has bytes as base64 text, the store as `Uint8Array`.

const { types } = require('node:util')

/** The only member of an object that stands for bytes. */
const BYTES = 'base64'

/** The handler for the operations of a store. */
function storeHandler(what, store) {
  if (typeof store !== 'object' || typeof store.submit !== 'function') {
    throw new TypeError(`${what} must be a URL, or an object with a method submit, not a value of type ${typeof store}`)
  }
  return (op) => {
    const reply = store.submit(withBytes(op))
    return typeof reply?.then === 'function' ? Promise.resolve(reply).then(withText) : withText(reply)
  }
}

/** The operation or the reply with its bytes. */
function withBytes(value) {
  if (typeof value !== 'object' || value === null) return value
  // A copy, because the memory of small buffers is shared.
  if (typeof value[BYTES] === 'string') return new Uint8Array(Buffer.from(value[BYTES], 'base64'))
  if (Array.isArray(value)) return value.map(withBytes)
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withBytes(part)]))
}

/** The operation or the reply with base64 text in place of bytes. */
function withText(value) {
  if (typeof value !== 'object' || value === null) return value
  if (types.isUint8Array(value)) {
    return { [BYTES]: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') }
  }
  if (Array.isArray(value)) return value.map(withText)
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withText(part)]))
}

module.exports = { storeHandler, withBytes, withText }
