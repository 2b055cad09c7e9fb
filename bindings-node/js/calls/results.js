'use strict'

// The result or the error of a handler, as a line for the engine. Classes decide the kind of the outcome. The engine makes the
// result for the kind of the entry and the revision.

const { types } = require('node:util')
const { ResourceContents, ToolResult, Typed, isBytes } = require('./content')
const { ArgumentError, AskError, McpError, NotFound, ToolError, isCode, messageOf } = require('../errors')
const { NotSerializable, checkLength, encodeJson, reasonOf, wellFormed } = require('../registry/json')
const { CONTENT, ERROR, EXCEPTION, FAILED, INVALID_ARGUMENTS, NOT_FOUND, RESULT, VALUE } = require('./completion_buffer')

const { stringify } = JSON

/** An entry as messages name it: `resource template "a/{b}"`. */
function nameOf({ kind, name }) {
  return `${kind.replaceAll('_', ' ')} ${stringify(name)}`
}

/** The kind of outcome of an object. */
function kindOf(value) {
  if (value instanceof Typed) return value instanceof ToolResult ? RESULT : CONTENT
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item = value[i]
      if (typeof item === 'object' && item instanceof Typed) return CONTENT
    }
  }
  return VALUE
}

/**
 * The line for the result of a handler, or its bytes. If there is neither, a failure with the reason. `bounds` are the deepest
 * nesting and the largest text of a result.
 */
function encode(entry, value, bounds) {
  if (value === undefined) return encodeUndefined(entry)
  let why
  try {
    let kind = VALUE
    if (typeof value === 'object' && value !== null) {
      // This comes first, because the other checks examine every item.
      checkLength(value, bounds.size)
      if (isBytes(value)) return { kind: VALUE, bytes: new Uint8Array(value.buffer ?? value, value.byteOffset, value.byteLength) }
      kind = kindOf(value)
    }
    const line = encodeJson(value, 'result', bounds)
    if (line !== undefined) return { kind, line: wellFormed(line) }
    why = `a value of type ${typeof value}`
  } catch (error) {
    if (error instanceof NotSerializable && error.tooLong) return failureLine(`${nameOf(entry)} returned ${error.message}, the limit maxResultBytes`)
    const contents = withContents(value)
    if (contents !== undefined) return encode(entry, contents, bounds)
    why = error instanceof NotSerializable ? error.message : `a value of type ${typeof value}: ${reasonOf(error)}`
  }
  return failureLine(`${nameOf(entry)} returned a value that JSON cannot hold: ${why}`)
}

/** The array with bytes replaced by ResourceContents, if it has bytes. Called after the array could not be written as JSON. */
function withContents(value) {
  try {
    if (!Array.isArray(value) || !value.some(isBytes)) return undefined
    return Array.from(value, (item) => (isBytes(item) ? new ResourceContents(item) : item))
  } catch {
    // The items cannot be read. The existing error states the reason.
    return undefined
  }
}

/** Types of the protocol's content blocks. */
const BLOCKS = ['text', 'image', 'audio', 'resource', 'resource_link']

/**
 * The warning for a plain object that has the form of a result of the protocol. Handlers of other packages return such objects,
 * but in this package they are data. `undefined` for every other value.
 */
function resultWarning(entry, value) {
  try {
    if (typeof value !== 'object' || value === null) return undefined
    if (entry.reads && allMatch(value.contents, isContents)) return warning(entry, 'contents', 'ResourceContents')
    if (entry.kind === 'tool' && !entry.structured && allMatch(value.content, isBlock)) return warning(entry, 'content', 'ToolResult')
  } catch {
    // A getter or a proxy has thrown. The result was sent already.
  }
  return undefined
}

function allMatch(items, fits) {
  return Array.isArray(items) && items.length > 0 && items.every(fits)
}

function isBlock({ type }) {
  return BLOCKS.includes(type)
}

function isContents({ uri, text, blob }) {
  return typeof uri === 'string' && typeof (text ?? blob) === 'string'
}

function warning(entry, member, type) {
  return `${nameOf(entry)} returned a plain object with ${stringify(member)}: it is sent as JSON data; return a new ${type}(…) to send it as the result`
}

/** The line for `undefined`: no text for a tool, null as structured content. */
function encodeUndefined(entry) {
  if (entry.reads) return failureLine(`${nameOf(entry)} returned nothing; return its contents, or throw NotFound if it does not exist`)
  return { kind: VALUE, line: entry.kind !== 'tool' || entry.structured ? 'null' : '""' }
}

function failureLine(message) {
  return { kind: FAILED, line: quote(message) }
}

function quote(message) {
  return wellFormed(stringify(message))
}

/**
 * The line for the error that a handler has thrown, and its log level. `mapped` has the types of `mapError`. If a function of
 * `mapError` fails, its error is `wrong` of the result.
 */
function encodeThrown(thrown, mapped, bounds) {
  const own = packageError(thrown, bounds)
  if (own !== undefined) return own
  const found = mappingOf(thrown, mapped)
  if (found === undefined) return exceptionLine(thrown)
  const { type, to } = found
  if (typeof to === 'number') return protocolError({ code: to }, messageOf(thrown), bounds)
  let made
  try {
    made = to(thrown)
    if (!types.isNativeError(made) && !(made instanceof Error)) {
      // The function may be async, and its promise may reject.
      Promise.resolve(made).catch(() => {})
      throw new TypeError(`mapError: the function for ${type.name} returned ${made === null ? 'null' : `a value of type ${typeof made}`}, not an error`)
    }
  } catch (wrong) {
    return { ...(packageError(wrong, bounds) ?? exceptionLine(wrong)), wrong }
  }
  return packageError(made, bounds) ?? exceptionLine(made)
}

/** The line for an error of this package; `undefined` for other errors. */
function packageError(thrown, bounds) {
  const message = messageOf(thrown)
  try {
    // A subclass, or code that has caught the error, may have changed the code.
    if (thrown instanceof McpError && isCode(thrown.code)) return protocolError(thrown, message, bounds)
    if (thrown instanceof NotFound) return { kind: NOT_FOUND, line: thrown.message === '' ? 'null' : quote(message), level: 'info' }
    if (thrown instanceof ArgumentError) return { kind: INVALID_ARGUMENTS, line: quote(message), level: 'info' }
    // A result that its validator has refused. It is not an exception, whose text may be masked.
    if (thrown instanceof NotSerializable) return { ...failureLine(message), level: 'error' }
    if (thrown instanceof ToolError) return { ...failureLine(message), level: 'info' }
    // A missing or invalid answer of the client is not an error of the program.
    if (thrown instanceof AskError) return { ...failureLine(message), level: thrown.code === 'invalid' ? 'error' : 'info' }
  } catch {
    // Its members cannot be read.
  }
  return undefined
}

/** The last matching type of `mapError`, because programs register special types after general ones. */
function mappingOf(thrown, mapped) {
  try {
    return mapped.findLast(({ type }) => thrown instanceof type)
  } catch {
    return undefined
  }
}

function exceptionLine(thrown) {
  return { kind: EXCEPTION, line: quote(messageOf(thrown)), level: 'error' }
}

function protocolError(error, message, bounds) {
  return { kind: ERROR, line: errorLine(error, message, bounds), level: 'info' }
}

function errorLine({ code, data }, message, bounds) {
  let text
  try {
    text = data === undefined ? undefined : encodeJson(data, 'data', bounds)
  } catch {
    // The error is sent without its data.
  }
  return wellFormed(`{"code":${code},"message":${stringify(message)}${text === undefined ? '' : `,"data":${text}`}}`)
}

module.exports = { encode, encodeThrown, resultWarning, nameOf }
