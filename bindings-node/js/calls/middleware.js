'use strict'

// The middleware chain of one call. It runs in the async context of the call.

const { Context } = require('./context')
const { memberText } = require('../registry/entries')
const { isObject } = require('../registry/schema')

/** The kinds of entries whose handlers return the contents of a resource. */
const READ_KINDS = ['resource', 'resource_template']

/** Runs `layers`, the first outermost, around `handler`. Without a handler they run around the engine's operation. */
function chain(call, layers, handler, args) {
  const run = (index, args, changed) => {
    const context = new Context(call, args)
    if (index < layers.length) return layers[index](context, next(index + 1, args, changed))
    return handler === undefined ? call.next(changed) : handler(args, context)
  }
  const runNext = async (index, args, changed, given) => {
    if (given === undefined) return run(index, args, changed)
    if (!isObject(given)) throw new TypeError('next: arguments must be an object')
    const ready = call.prepare(memberText('next: arguments', given))
    return run(index, JSON.parse(ready), ready)
  }
  const next = (index, args, changed) => (given) => {
    const result = runNext(index, args, changed, given)
    // An error of the handler must not end the process if the middleware does not await this promise.
    result.catch(() => {})
    return result
  }
  return run(0, args, undefined)
}

module.exports = { READ_KINDS, chain }
