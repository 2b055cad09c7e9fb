'use strict'

// What a handler returned or threw, as a line for the engine. Which kind of answer it is follows from classes; what
// becomes of it in each kind of entry and revision is the engine's knowledge.

const { types } = require('node:util')
const { ResourceContents, ToolResult, Typed, isBytes } = require('./content')
const { ArgumentError, AskError, McpError, NotFound, ToolError, isCode, messageOf } = require('../errors')
const { Unfit, checkLength, encodeJson, reasonOf, wellFormed } = require('../registry/json')
const { CONTENT, ERROR, EXCEPTION, FAILED, MISFIT, NOT_FOUND, RESULT, VALUE } = require('./completion_buffer')

const { stringify } = JSON

/** As messages name an entry: `resource template "a/{b}"`. */
function nameOf({ kind, name }) {
  return `${kind.replaceAll('_', ' ')} ${stringify(name)}`
}

/** The kind of answer that an object is. */
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
 * The line for what a handler returned, its bytes, or the failure that says why there is neither. `bounds` are the deepest
 * nesting and the largest text of a result.
 */
function encode(entry, value, bounds) {
  if (value === undefined) return nothing(entry)
  let why
  try {
    let kind = VALUE
    if (typeof value === 'object' && value !== null) {
      // Before anything looks at every item.
      checkLength(value, bounds.size)
      if (isBytes(value)) return { kind: VALUE, bytes: new Uint8Array(value.buffer ?? value, value.byteOffset, value.byteLength) }
      kind = kindOf(value)
    }
    const line = encodeJson(value, 'result', bounds)
    if (line !== undefined) return { kind, line: wellFormed(line) }
    why = `a value of type ${typeof value}`
  } catch (error) {
    if (error instanceof Unfit && error.tooLong) return failure(`${nameOf(entry)} returned ${error.message}, the limit maxResultBytes`)
    const contents = withContents(value)
    if (contents !== undefined) return encode(entry, contents, bounds)
    why = error instanceof Unfit ? error.message : `a value of type ${typeof value}: ${reasonOf(error)}`
  }
  return failure(`${nameOf(entry)} returned what JSON cannot hold: ${why}`)
}

/** An array with contents in place of its bytes; nothing if it has none. Asked once such an array has turned out to be no JSON. */
function withContents(value) {
  try {
    if (!Array.isArray(value) || !value.some(isBytes)) return undefined
    return Array.from(value, (item) => (isBytes(item) ? new ResourceContents(item) : item))
  } catch {
    // One whose items cannot be read; why is told already.
    return undefined
  }
}

/** Types of the protocol's content blocks. */
const BLOCKS = ['text', 'image', 'audio', 'resource', 'resource_link']

/**
 * What is to be said of a plain object in the form of the protocol's own results, as handlers of other packages return them:
 * here it is data. `undefined` for everything else.
 */
function mistaken(entry, value) {
  try {
    if (typeof value !== 'object' || value === null) return undefined
    if (entry.reads && all(value.contents, isContents)) return said(entry, 'contents', 'ResourceContents')
    if (entry.kind === 'tool' && !entry.structured && all(value.content, isBlock)) return said(entry, 'content', 'ToolResult')
  } catch {
    // A getter, a proxy: what was sent is sent.
  }
  return undefined
}

function all(items, fits) {
  return Array.isArray(items) && items.length > 0 && items.every(fits)
}

function isBlock({ type }) {
  return BLOCKS.includes(type)
}

function isContents({ uri, text, blob }) {
  return typeof uri === 'string' && typeof (text ?? blob) === 'string'
}

function said(entry, member, type) {
  return `${nameOf(entry)} returned a plain object with ${stringify(member)}: that is data, and sent as JSON; such a result is a new ${type}(…)`
}

/** A tool that returns nothing has no text to show; as structured content nothing is null. */
function nothing(entry) {
  if (entry.reads) return failure(`${nameOf(entry)} returned nothing; what does not exist is said by throwing NotFound`)
  return { kind: VALUE, line: entry.kind !== 'tool' || entry.structured ? 'null' : '""' }
}

function failure(message) {
  return { kind: FAILED, line: quote(message) }
}

function quote(message) {
  return wellFormed(stringify(message))
}

/**
 * The line for what a handler threw, and the level it is logged with; `wrong` is what failed on the way. `mapped` are types with
 * what their errors stand for.
 */
function encodeThrown(thrown, mapped, bounds) {
  const told = known(thrown, bounds)
  if (told !== undefined) return told
  const found = mappingOf(thrown, mapped)
  if (found === undefined) return exception(thrown)
  const { type, to } = found
  if (typeof to === 'number') return protocolError({ code: to }, messageOf(thrown), bounds)
  let made
  try {
    made = to(thrown)
    if (!types.isNativeError(made) && !(made instanceof Error)) {
      // That of an async function may reject.
      Promise.resolve(made).catch(() => {})
      throw new TypeError(`mapError of ${type.name} gave ${made === null ? 'null' : `a value of type ${typeof made}`} and no error`)
    }
  } catch (wrong) {
    return { ...(known(wrong, bounds) ?? exception(wrong)), wrong }
  }
  return known(made, bounds) ?? exception(made)
}

/** The line for errors of this package. */
function known(thrown, bounds) {
  const message = messageOf(thrown)
  try {
    // A subclass, or whoever caught it, may have put anything in its place.
    if (thrown instanceof McpError && isCode(thrown.code)) return protocolError(thrown, message, bounds)
    if (thrown instanceof NotFound) return { kind: NOT_FOUND, line: thrown.message === '' ? 'null' : quote(message), level: 'info' }
    if (thrown instanceof ArgumentError) return { kind: MISFIT, line: quote(message), level: 'info' }
    // A result that its validator refuses: not an exception's text, which may be masked.
    if (thrown instanceof Unfit) return { ...failure(message), level: 'error' }
    if (thrown instanceof ToolError) return { ...failure(message), level: 'info' }
    // What the client did not answer, or not usably, is not the program's fault.
    if (thrown instanceof AskError) return { ...failure(message), level: thrown.code === 'invalid' ? 'error' : 'info' }
  } catch {
    // Something that cannot even be looked at.
  }
  return undefined
}

/** The latest that fits: a program names what is special after what is general. */
function mappingOf(thrown, mapped) {
  try {
    return mapped.findLast(({ type }) => thrown instanceof type)
  } catch {
    return undefined
  }
}

function exception(thrown) {
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
    // The error matters more than what goes with it.
  }
  return wellFormed(`{"code":${code},"message":${stringify(message)}${text === undefined ? '' : `,"data":${text}`}}`)
}

module.exports = { encode, encodeThrown, mistaken, nameOf }
