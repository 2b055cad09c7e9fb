'use strict'

// The outcome that the engine returns to middleware.

const { Content, ResourceContents, ToolResult, Typed } = require('./content')
const { McpError, ToolError } = require('../errors')

// The kinds of outcomes; `OutcomeKind` of the engine has the same numbers.
const BYTES = 1
const CONTENT = 2
const RESULT = 3
const FAILED = 4
const EXCEPTION = 5
const ERROR = 6

/** Converts the outcome to a value that a handler might return. Throws the error if it is a failure. */
function outcome(kind, value) {
  switch (kind) {
    case BYTES:
      return Buffer.from(value, 'base64')
    case CONTENT:
      return Array.isArray(value) ? value.map(withClass) : withClass(value)
    case RESULT:
      return Object.assign(Object.create(ToolResult.prototype), value)
    case FAILED:
    case EXCEPTION:
      throw new ToolError(value)
    case ERROR:
      throw new McpError(value.code, value.message, value.data)
    default:
      return value
  }
}

function withClass(block) {
  const { prototype } = block.type !== undefined ? Content : block.uri !== undefined ? ResourceContents : Typed
  return Object.assign(Object.create(prototype), block)
}

module.exports = { outcome }
