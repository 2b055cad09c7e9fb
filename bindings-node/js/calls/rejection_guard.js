'use strict'

// Promises of a handler that reject because its call ends, and that nobody awaits any more: `await a; await b` after both
// were started, where `a` rejects first. Node would end the process for them, which a client could bring about.

const { comesFrom } = require('../errors')

const EVENT = 'unhandledRejection'

/** Milliseconds after which a handler that cleans up has rejected what it would. */
const WINDOW = 1000

/** Where listeners of this kind, of other copies of this package too, keep their errors. */
const OURS = Symbol.for('tenon-mcp.unawaited')

/** The errors that calls end with. */
const ours = new WeakSet()

let timer

function onUnhandled(reason) {
  const listeners = process.rawListeners(EVENT)
  const copies = listeners.filter((listener) => listener[OURS] !== undefined)
  if (copies.length < listeners.length) return
  if (comesFrom(reason, (error) => copies.some((copy) => copy[OURS].has(error)))) return
  // Anything else goes as if no copy were there: it is rejected once more while they are not, and the rest is Node's.
  const first = copies[0] === onUnhandled
  process.nextTick(() => {
    process.off(EVENT, onUnhandled)
    if (first) Promise.reject(reason)
    setImmediate(listen)
  })
}
onUnhandled[OURS] = ours

/** First of all listeners: those of `once` are gone when they have been called, and could not be counted. */
function listen() {
  process.off(EVENT, onUnhandled)
  if (timer !== undefined) process.prependListener(EVENT, onUnhandled)
}

/** Whether the program was started with a rule of its own. */
function ruled() {
  return [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((text) => text.includes('--unhandled-rejections'))
}

/** Lets rejections with `error`, or because of it, pass for a while, without touching any other. */
function tolerate(error) {
  ours.add(error)
  if (timer !== undefined) return void timer.refresh()
  if (ruled()) return
  timer = setTimeout(() => {
    timer = undefined
    process.off(EVENT, onUnhandled)
  }, WINDOW).unref()
  listen()
}

module.exports = { tolerate }
