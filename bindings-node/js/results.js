'use strict'

// What a handler returned or threw, as a line for the engine. Which kind of answer it is follows from classes; what
// becomes of it in each kind of entry and revision is the engine's knowledge.

const { ToolResult, Typed, isBytes } = require('./content')
const { AskError, McpError, NotFound, ToolError, messageOf } = require('./errors')
const { Unfit, encodeJson, reasonOf, wellFormed } = require('./json')
const { CONTENT, ERROR, EXCEPTION, FAILED, NOT_FOUND, RESULT, VALUE } = require('./outbox')

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
      if (isBytes(value)) return { kind: VALUE, bytes: new Uint8Array(value.buffer ?? value, value.byteOffset, value.byteLength) }
      kind = kindOf(value)
    }
    const line = encodeJson(value, 'result', bounds)
    if (line !== undefined) return { kind, line: wellFormed(line) }
    why = `a value of type ${typeof value}`
  } catch (error) {
    why = error instanceof Unfit ? error.message : `a value of type ${typeof value}: ${reasonOf(error)}`
  }
  return failure(`${nameOf(entry)} returned what JSON cannot hold: ${why}`)
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

/** The line for what a handler threw, and the level it is logged with. `mapped` are types with their codes. */
function encodeThrown(thrown, mapped, bounds) {
  const message = messageOf(thrown)
  try {
    if (thrown instanceof McpError) return { kind: ERROR, line: errorLine(thrown, message, bounds), level: 'info' }
    if (thrown instanceof NotFound) return { kind: NOT_FOUND, line: thrown.message === '' ? 'null' : quote(message), level: 'info' }
    if (thrown instanceof ToolError) return { ...failure(message), level: 'info' }
    // What the client did not answer, or not usably, is not the program's fault.
    if (thrown instanceof AskError) return { ...failure(message), level: thrown.code === 'invalid' ? 'error' : 'info' }
    // The latest that fits: a program names what is special after what is general.
    for (let i = mapped.length - 1; i >= 0; i--) {
      const { type, code } = mapped[i]
      if (thrown instanceof type) return { kind: ERROR, line: errorLine({ code }, message, bounds), level: 'info' }
    }
  } catch {
    // Something that cannot even be looked at.
  }
  return { kind: EXCEPTION, line: quote(message), level: 'error' }
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

module.exports = { encode, encodeThrown, nameOf }
