'use strict'

// What a handler may know and say about its call.

class Context {
  #call

  constructor(call) {
    this.#call = call
  }

  /** Aborted when the call is over without this handler's answer. */
  get signal() {
    return this.#call.signal
  }

  get requestId() {
    return this.#call.about.requestId
  }

  get clientInfo() {
    return this.#call.about.clientInfo
  }

  get clientCapabilities() {
    return this.#call.about.clientCapabilities
  }

  get protocolVersion() {
    return this.#call.about.protocolVersion
  }

  get meta() {
    return this.#call.about.meta
  }

  get sessionId() {
    return this.#call.about.sessionId
  }

  /** Says how far the call has come. */
  progress(progress, total, message) {
    if (typeof progress !== 'number') throw new TypeError('ctx.progress: progress must be a number')
    if (total != null && typeof total !== 'number') throw new TypeError('ctx.progress: total must be a number')
    this.#call.progress(progress, total ?? undefined, message == null ? undefined : String(message))
  }

  /** Asks the user behind the client to fill in a form. */
  elicit(message, schema, options) {
    return this.#call.ask(message, schema, options?.key)
  }
}

module.exports = { Context }
