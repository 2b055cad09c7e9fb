'use strict'

// The outcome of the engine within a call, for the middleware around it.

const { Content, ResourceContents, ToolResult, Typed } = require('./content')
const { McpError, ToolError } = require('../errors')

// Kinds of what the engine came to; its `OutcomeKind` has the same numbers.
const BYTES = 1
const CONTENT = 2
const RESULT = 3
const FAILED = 4
const EXCEPTION = 5
const ERROR = 6

/** What the engine came to, as a value that a handler might have returned; throws what it failed with. */
function outcome(kind, value) {
  switch (kind) {
    case BYTES:
      return Buffer.from(value, 'base64')
    case CONTENT:
      return Array.isArray(value) ? value.map(typed) : typed(value)
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

function typed(block) {
  const { prototype } = block.type !== undefined ? Content : block.uri !== undefined ? ResourceContents : Typed
  return Object.assign(Object.create(prototype), block)
}

module.exports = { outcome }
