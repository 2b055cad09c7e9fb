'use strict'

// The context of a call, which handlers and middleware get.

const { formParams, pageParams, sampleParams, readSample } = require('./elicitation')
const { memberText } = require('../registry/entries')
const { AskError } = require('../errors')
const { principalText } = require('../server/principal')
const { contextFields } = require('../native')
const { isObject } = require('../registry/schema')
const { acceptedValue, validatorOf } = require('../registry/validate')

/** Methods that are bound to the context, so that handlers may write `(args, { log, progress }) => …`. */
const BOUND_METHODS = [
  ...['extension', 'progress', 'log', 'login', 'closeStream', 'notify', 'setStatus', 'startTask'],
  ...['elicit', 'elicitUrl', 'requireUrls', 'sample', 'roots', 'once', 'limiter', 'breaker']
]

/** The bounds of the result of a context's call. */
let boundsOf

/** An answer with the content that the validator of its form has returned. */
function validatedAnswer(answer, outcome) {
  return { ...answer, content: acceptedValue(outcome, (reasons) => new AskError('failed', `the client's answer does not conform to the schema: ${reasons}`)) }
}

class Context {
  #call
  #given
  #arguments

  static {
    boundsOf = (context) => context.#call.bounds
    // The engine has the table of context members.
    for (const name of contextFields()) {
      const get = function () {
        return this.#call.about[name]
      }
      Object.defineProperty(Context.prototype, name, { get, configurable: true })
    }
    for (const name of BOUND_METHODS) {
      const method = Context.prototype[name]
      const get = function () {
        return method.bind(this)
      }
      Object.defineProperty(Context.prototype, name, { get, configurable: true })
    }
  }

  /** `given` has the arguments if middleware has changed them. */
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

  /** The cache of values of the handler's server. */
  get cache() {
    return this.#call.cache
  }

  /** Aborted when the call ends before its handler does. */
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

  /** Makes a principal that of the client, from its next request on. */
  login(principal) {
    this.#call.login(principalText('ctx.login: principal', principal))
  }

  /** Ends the response that the client waits for. The call and its stream continue. */
  closeStream() {
    return this.#call.closeStream()
  }

  /** Sends the client a custom notification. */
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

  /** Asks the client's user to fill in a form. */
  elicit(message, schema, options) {
    const validate = validatorOf(schema)
    const read = validate && (async (answer) => (answer.action === 'accept' ? validatedAnswer(answer, await validate(answer.content)) : answer))
    return this.#call.ask('elicit', () => formParams(message, schema), options?.key, read)
  }

  /** Asks the client's user to visit a page. */
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
    return this.#call.ask('sample', () => sampleParams(messages, options), options?.key, readSample)
  }

  /** Asks for the directories that the user works in. */
  roots(options) {
    return this.#call.ask('roots', () => '{}', options?.key, ({ roots }) => roots)
  }

  /** A limit of the program's own. */
  limiter(name) {
    return this.#call.limiter(name)
  }

  /** A circuit breaker of the program's own. */
  breaker(name) {
    return this.#call.breaker(name)
  }

  /** Runs an effect that must not be repeated when the handler runs again. */
  once(key, effect) {
    return this.#call.once(key, effect)
  }
}

module.exports = { Context, boundsOf }
