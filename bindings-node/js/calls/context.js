'use strict'

// The context of a call.

const { formParams, pageParams, sampleParams, sampled } = require('./elicitation')
const { memberText } = require('../registry/entries')
const { AskError } = require('../errors')
const { contextFields } = require('../native')
const { isObject } = require('../registry/schema')
const { accepted, validatorOf } = require('../registry/validate')

/** Methods that handlers may take out of the context: `(args, { log, progress }) => …`. */
const TAKEN = [
  ...['extension', 'progress', 'log', 'closeStream', 'notify', 'setStatus', 'startTask'],
  ...['elicit', 'elicitUrl', 'requireUrls', 'sample', 'roots', 'once']
]

/** The bounds of the result of the call that a context is of. */
let boundsOf

/** An answer with what the validator of its form made of it. */
function judged(answer, said) {
  return { ...answer, content: accepted(said, (reasons) => new AskError('failed', `the client's answer does not fit: ${reasons}`)) }
}

class Context {
  #call
  #given
  #arguments

  static {
    boundsOf = (context) => context.#call.bounds
    // A new field is a row in the engine's table.
    for (const name of contextFields()) {
      const get = function () {
        return this.#call.about[name]
      }
      Object.defineProperty(Context.prototype, name, { get, configurable: true })
    }
    for (const name of TAKEN) {
      const method = Context.prototype[name]
      const get = function () {
        return method.bind(this)
      }
      Object.defineProperty(Context.prototype, name, { get, configurable: true })
    }
  }

  /** `given` are the arguments, where they are not the call's own. */
  constructor(call, given) {
    this.#call = call
    this.#given = given
  }

  /** The arguments of the handler, as a copy. */
  get arguments() {
    this.#arguments ??= this.#given === undefined ? this.#call.input : structuredClone(this.#given)
    return this.#arguments
  }

  /** An object that the middleware and the handler of the call share. */
  get state() {
    return this.#call.state
  }

  /** Aborted when the call is over without this handler's answer. */
  get signal() {
    return this.#call.signal
  }

  /** The settings of an extension that the client declared. */
  extension(id) {
    return this.clientCapabilities?.extensions?.[id]
  }

  /** Reports the progress of the call. */
  progress(progress, total, message) {
    if (typeof progress !== 'number') throw new TypeError('ctx.progress: progress must be a number')
    if (total != null && typeof total !== 'number') throw new TypeError('ctx.progress: total must be a number')
    this.#call.emit('progress', {
      progress,
      total: total ?? undefined,
      message: message == null ? undefined : String(message)
    })
  }

  /** Sends a message for the client's log. */
  log(level, data, options) {
    this.#call.log(level, data, options?.logger)
  }

  /** Ends the response that the client waits on. The call and its stream go on. */
  closeStream() {
    return this.#call.closeStream()
  }

  /** Sends the client a notification of the program's own. */
  notify(method, params = {}) {
    if (typeof method !== 'string') throw new TypeError('ctx.notify: method must be a string')
    if (!isObject(params)) throw new TypeError('ctx.notify: params must be an object')
    this.#call.notify(method, memberText('ctx.notify: params', params))
  }

  /** Sets the status text of the task that this call is. */
  setStatus(text) {
    this.#call.emit('status', { message: String(text) })
  }

  /** Turns the call into a task, and returns whether it is one. */
  startTask() {
    return this.#call.startTask()
  }

  /** Asks the user behind the client to fill in a form. */
  elicit(message, schema, options) {
    const judge = validatorOf(schema)
    const read = judge && (async (answer) => (answer.action === 'accept' ? judged(answer, await judge(answer.content)) : answer))
    return this.#call.ask('elicit', () => formParams(message, schema), options?.key, read)
  }

  /** Asks the user behind the client to visit a page. */
  elicitUrl(message, url, options) {
    return this.#call.ask('elicit_url', () => pageParams('ctx.elicitUrl', message, url, options), options?.key)
  }

  /** Ends the call because the user must visit pages first. */
  requireUrls(...pages) {
    const texts = () =>
      pages.map(({ message, url, ...options }) => pageParams('ctx.requireUrls', message, url, options))
    return this.#call.require(texts)
  }

  /** Asks the client's model. */
  sample(messages, options) {
    return this.#call.ask('sample', () => sampleParams(messages, options), options?.key, sampled)
  }

  /** Asks for the directories the user works in. */
  roots(options) {
    return this.#call.ask('roots', () => '{}', options?.key, ({ roots }) => roots)
  }

  /** Runs an effect that must not be repeated when the handler runs again. */
  once(key, effect) {
    return this.#call.once(key, effect)
  }
}

module.exports = { Context, boundsOf }
