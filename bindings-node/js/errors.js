'use strict'

// The errors that handlers throw or receive.

/** Whether `code` can be the code of a protocol error. */
function isCode(code) {
  return Number.isInteger(code) && (code | 0) === code
}

/** A protocol error, from a handler of any kind. */
class McpError extends Error {
  constructor(code, message, data) {
    if (!isCode(code)) throw new TypeError('McpError: code must be a 32-bit integer')
    super(message)
    this.name = 'McpError'
    this.code = code
    if (data !== undefined) this.data = data
  }
}

/** The requested thing does not exist. */
class NotFound extends Error {
  constructor(what, options) {
    super(what, options)
    this.name = 'NotFound'
  }
}

/** A failure whose text is meant for the client. */
class ToolError extends Error {
  constructor(message, options) {
    super(message, options)
    this.name = 'ToolError'
  }
}

/** A circuit breaker of the program's own lets no call pass now. `retryAfter` is the time until one may pass. */
class BreakerOpen extends ToolError {
  constructor(message, retryAfter) {
    super(message)
    this.name = 'BreakerOpen'
    this.retryAfter = retryAfter
  }
}

/** The arguments of a call are not valid for its handler. The message states which and why. */
class ArgumentError extends Error {
  constructor(message, options) {
    super(message, options)
    this.name = 'ArgumentError'
  }
}

/** A question was not asked or not answered. `code` gives the cause. */
class AskError extends Error {
  constructor(code, message) {
    super(message)
    this.name = 'AskError'
    this.code = code
  }
}

/** Ends this attempt of a call after its question was sent to the client. */
class Suspended extends Error {
  constructor() {
    super('the attempt has ended; the handler will run again with the answers')
    this.name = 'Suspended'
  }
}

/** The reason of an aborted `ctx.signal`. */
function abortReason(message) {
  return new DOMException(message, 'AbortError')
}

/** How many parts of an aggregate, and nested causes, are examined. There may be thousands. */
const MAX_PARTS = 8

/** How many nested causes of a part are examined. */
const MAX_PART_CAUSES = 3

/** Whether `thrown` is an aggregate. It may come from another realm, because some test runners use realms. */
function isAggregate(thrown) {
  return thrown instanceof AggregateError || (thrown?.name === 'AggregateError' && Array.isArray(thrown.errors))
}

/** Whether `known` accepts `thrown` or one of its causes. Never throws. */
function isCausedBy(thrown, known, depth = MAX_PARTS) {
  if (typeof thrown !== 'object' || thrown === null) return false
  if (known(thrown)) return true
  if (depth === 0) return false
  try {
    if (isCausedBy(thrown.cause, known, depth - 1)) return true
    if (!isAggregate(thrown)) return false
    const deep = Math.min(depth - 1, MAX_PART_CAUSES)
    return thrown.errors.slice(0, MAX_PARTS).some((part) => isCausedBy(part, known, deep))
  } catch {
    return false
  }
}

/** Whether `thrown` is `error` or has it among its causes. Never throws. */
function includesError(thrown, error) {
  return isCausedBy(thrown, (part) => part === error)
}

/** The text for the client when a handler threw `thrown`, which may be any value. Never throws. */
function messageOf(thrown) {
  try {
    if (isAggregate(thrown) && thrown.errors.length > 0) {
      return thrown.errors.slice(0, MAX_PARTS).map(textOf).join('; ')
    }
    return textOf(thrown)
  } catch {
    return 'the handler failed with a value that has no text'
  }
}

function textOf(thrown) {
  if (thrown instanceof Error || (typeof thrown === 'object' && thrown !== null && 'message' in thrown)) {
    return String(thrown.message || thrown.name || 'the handler failed')
  }
  return thrown === undefined ? 'the handler failed' : String(thrown)
}

module.exports = {
  ArgumentError,
  AskError,
  BreakerOpen,
  McpError,
  NotFound,
  Suspended,
  ToolError,
  abortReason,
  includesError,
  isCausedBy,
  isCode,
  messageOf
}
