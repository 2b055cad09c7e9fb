'use strict'

// Ignores unhandled rejections of promises that reject because their call has ended. Suppose that a handler starts `a` and `b`,
// and then awaits one after the other. If `a` rejects, nothing awaits `b`. Node would then end the process, so a client could
// end it.

const { isCausedBy } = require('../errors')

const EVENT = 'unhandledRejection'

/** Milliseconds during which rejections with such an error are ignored. */
const IGNORE_TIME = 1000

/** The property in which this listener, and those of other copies of this package, have their errors. */
const ERRORS = Symbol.for('tenon-mcp.unawaited')

/** The errors with which calls have ended. */
const ignoredErrors = new WeakSet()

let timer

function onUnhandled(reason) {
  const listeners = process.rawListeners(EVENT)
  const copies = listeners.filter((listener) => listener[ERRORS] !== undefined)
  if (copies.length < listeners.length) return
  if (isCausedBy(reason, (error) => copies.some((copy) => copy[ERRORS].has(error)))) return
  // Any other error must reach Node as usual. So it is rejected once more while no copy listens.
  const first = copies[0] === onUnhandled
  process.nextTick(() => {
    process.off(EVENT, onUnhandled)
    if (first) Promise.reject(reason)
    setImmediate(listen)
  })
}
onUnhandled[ERRORS] = ignoredErrors

/** Adds the listener before all others. A listener of `once` is removed when it is called, so a later listener misses it. */
function listen() {
  process.off(EVENT, onUnhandled)
  if (timer !== undefined) process.prependListener(EVENT, onUnhandled)
}

/** Whether the program was started with its own mode for unhandled rejections. */
function hasOwnMode() {
  return [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((text) => text.includes('--unhandled-rejections'))
}

/** Ignores unhandled rejections with `error`, or caused by it, for a while. Other rejections are not affected. */
function ignoreRejections(error) {
  ignoredErrors.add(error)
  if (timer !== undefined) return void timer.refresh()
  if (hasOwnMode()) return
  timer = setTimeout(() => {
    timer = undefined
    process.off(EVENT, onUnhandled)
  }, IGNORE_TIME).unref()
  listen()
}

module.exports = { ignoreRejections }
