'use strict'

// Servers that own the process: signals end these servers, and the process ends with the last of them. The native part decides
// what a signal does (`src/serve/signals.rs`, `src/serve/owner.rs`). It also ends a process whose loop is blocked.

const { takeSignal, unwatchSignals, watchSignals } = require('../native')

const SIGNALS = ['SIGINT', 'SIGTERM']

/** Milliseconds that the program may still run after its servers have ended. */
const EXIT_DELAY = 250

/** The number of servers that own the process. */
let owners = 0

function onSignal(signal) {
  const { signals } = require('node:os').constants
  const code = takeSignal(signals[signal])
  if (code !== null) process.exit(code)
}

/**
 * Makes signals end the server that is about to start. Call the returned function when the server has ended, with the exit code
 * if the process should end.
 */
function ownProcess() {
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
      // The listeners stay, because a further signal ends the process at once.
      if (code !== 0) process.exitCode = code
      setTimeout(() => process.exit(), EXIT_DELAY).unref()
    }
  }
}

module.exports = { ownProcess }
