'use strict'

// Ends a server gracefully on Ctrl-C and on SIGTERM, when it was asked to.

const { constants } = require('node:os')

const SIGNALS = ['SIGINT', 'SIGTERM']

/** The first signal calls `close` and exits with 128 + its number when that is done; another one exits at once. */
function install(close) {
  let closing = false
  const handler = (signal) => {
    const exit = () => process.exit(128 + constants.signals[signal])
    if (closing) return exit()
    closing = true
    close().then(exit, exit)
  }
  for (const signal of SIGNALS) process.on(signal, handler)
  return () => {
    if (closing) return
    for (const signal of SIGNALS) process.off(signal, handler)
  }
}

module.exports = { install }
