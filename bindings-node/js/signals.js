'use strict'

// Ends servers gracefully on Ctrl-C and on SIGTERM, where that was asked for.

const { constants } = require('node:os')

const SIGNALS = ['SIGINT', 'SIGTERM']

/** How to close each server that asked. */
const closers = new Set()
let closing = false

/** The first signal closes, and exits with 128 + its number when all are closed; another one exits at once. */
function onSignal(signal) {
  const exit = () => process.exit(128 + constants.signals[signal])
  if (closing) return exit()
  closing = true
  Promise.allSettled([...closers].map((close) => close())).then(exit)
}

/** Has `close` called on a signal; the function returned takes that back. */
function closeOnSignal(close) {
  if (closers.size === 0) for (const signal of SIGNALS) process.on(signal, onSignal)
  closers.add(close)
  return () => {
    closers.delete(close)
    // While closing, a second signal is still ours.
    if (closers.size === 0 && !closing) for (const signal of SIGNALS) process.off(signal, onSignal)
  }
}

module.exports = { closeOnSignal }
