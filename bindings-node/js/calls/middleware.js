'use strict'

// Middleware: the chain of one call. It runs where the call's handler runs.

const { Context } = require('./context')
const { memberText } = require('../registry/entries')
const { isObject } = require('../registry/schema')

/** Whether the handlers of a kind return what is read at an address. */
const READS = ['resource', 'resource_template']

/** Runs `layers`, the first outermost, around `handler`, or around what the engine comes to where there is none. */
function chain(call, layers, handler, args) {
  const run = (place, args, changed) => {
    const context = new Context(call, args)
    if (place < layers.length) return layers[place](context, next(place + 1, args, changed))
    return handler === undefined ? call.next(changed) : handler(args, context)
  }
  const further = async (place, args, changed, given) => {
    if (given === undefined) return run(place, args, changed)
    if (!isObject(given)) throw new TypeError('next: arguments must be an object')
    const ready = call.prepare(memberText('next: arguments', given))
    return run(place, JSON.parse(ready), ready)
  }
  const next = (place, args, changed) => (given) => {
    const result = further(place, args, changed, given)
    // Middleware that answers without it must not have a handler's failure end the process.
    result.catch(() => {})
    return result
  }
  return run(0, args, undefined)
}

module.exports = { READS, chain }
