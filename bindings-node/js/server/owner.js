'use strict'

// The process of servers that have it to themselves: signals end them, and it ends with the last of them. What a signal
// and an end mean is the engine's knowledge (`src/signals.rs`, `src/owner.rs`), which also ends a process whose loop is
// blocked.

const { takeSignal, unwatchSignals, watchSignals } = require('../native')

const SIGNALS = ['SIGINT', 'SIGTERM']

/** Milliseconds that the program may still run once its servers have ended. */
const GRACE = 250

/** How many servers the process belongs to. */
let owners = 0

function onSignal(signal) {
  const { signals } = require('node:os').constants
  const code = takeSignal(signals[signal])
  if (code !== null) process.exit(code)
}

/**
 * Has signals end the server that is about to start, until the function returned is called: with the code that the process
 * ends with, if it does.
 */
function own() {
  if (owners++ === 0) {
    for (const signal of SIGNALS) process.on(signal, onSignal)
    watchSignals()
  }
  return (code) => {
    if (code === undefined) {
      if (--owners > 0) return
      unwatchSignals()
      for (const signal of SIGNALS) process.off(signal, onSignal)
    } else {
      // The signals stay ours: one more does not wait.
      if (code !== 0) process.exitCode = code
      setTimeout(() => process.exit(), GRACE).unref()
    }
  }
}

module.exports = { own }
