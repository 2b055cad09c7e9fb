'use strict'

// What handlers and askers are told when something goes wrong.

/** Why a question was not asked or not answered; `code` says which. */
class ElicitError extends Error {
  constructor(code, message) {
    super(message)
    this.name = 'ElicitError'
    this.code = code
  }
}

/** The reason of an aborted `ctx.signal`. */
function abortReason(message) {
  return new DOMException(message, 'AbortError')
}

/** Parts of an aggregate that are named; there may be thousands. */
const PARTS = 8

/** The text for the model when a handler threw `thrown`, whatever that is. Never throws. */
function messageOf(thrown) {
  try {
    if (thrown instanceof AggregateError && thrown.errors.length > 0) {
      return thrown.errors.slice(0, PARTS).map(textOf).join('; ')
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

module.exports = { ElicitError, abortReason, messageOf }
