'use strict'

// The server's log for its operator.

const { inspect } = require('node:util')

const LEVELS = ['debug', 'info', 'warn', 'error']

/** The default of the option `log`: prints a record on standard error, with the stack of an error. */
function printRecord({ level, message, error }) {
  const stack = typeof error === 'object' && error !== null ? `\n${inspect(error)}` : ''
  console.error(`tenon: ${level}: ${message}${stack}`)
}

/** Makes the function that takes records from the option `log`: `undefined`, `null`, a function, or a console. */
function logger(given) {
  if (given === undefined) return printRecord
  if (given === null) return () => {}
  if (typeof given === 'function') return given
  if (typeof given !== 'object' || !LEVELS.every((level) => typeof given[level] === 'function')) {
    throw new TypeError(`Server options: log must be a function, or an object with the methods ${LEVELS.join(', ')}`)
  }
  return ({ level, message, error }) => (error === undefined ? given[level](message) : given[level](message, error))
}

/**
 * Reads `log` and `logLevel`. Returns what the engine needs to know of them, and a function that takes records and never
 * throws. The engine applies the lowest level, which may change with the program's settings.
 */
function logOption(given, level) {
  const log = logger(given)
  if (level != null && !LEVELS.includes(level)) {
    throw new TypeError(`Server options: logLevel must be one of ${LEVELS.join(', ')}`)
  }
  const options = { logs: given !== null, logLevel: level ?? undefined, defaultLogLevel: given === undefined ? 'warn' : 'debug' }
  const write = (record) => {
    try {
      const result = log(record)
      if (typeof result?.then === 'function') result.then(undefined, () => {})
    } catch {
      // The error cannot be reported anywhere.
    }
  }
  return { options, write }
}

module.exports = { logOption }
