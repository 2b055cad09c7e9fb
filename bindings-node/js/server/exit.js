'use strict'

// Calls functions when the process or the worker exits.

const listeners = new Set()

function onExit() {
  for (const listener of listeners) listener()
}

/** Calls `listener` when the environment exits. The returned function cancels that. */
function onEnvironmentExit(listener) {
  if (listeners.size === 0) process.on('exit', onExit)
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) process.off('exit', onExit)
  }
}

module.exports = { onEnvironmentExit }
