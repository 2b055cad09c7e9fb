'use strict'

// What handlers and askers are told when something goes wrong.

/** Why a question was not asked or not answered; `code` says which. */
class AskError extends Error {
  constructor(code, message) {
    super(message)
    this.name = 'AskError'
    this.code = code
  }
}

/** The reason of an aborted `ctx.signal`. */
function abortReason(message) {
  return new DOMException(message, 'AbortError')
}

/** The text for the model when a handler threw `thrown`, whatever that is. Never throws. */
function messageOf(thrown) {
  try {
    if (thrown instanceof Error || (typeof thrown === 'object' && thrown !== null && 'message' in thrown)) {
      return String(thrown.message || thrown.name || 'the handler failed')
    }
    return thrown === undefined ? 'the handler failed' : String(thrown)
  } catch {
    return 'the handler failed with a value that has no text'
  }
}

module.exports = { AskError, abortReason, messageOf }
