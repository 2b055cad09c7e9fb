'use strict'

// Reports the end of the process or worker to every server that still listens.

const leaving = new Set()

function onExit() {
  for (const leave of leaving) leave()
}

/** Calls `leave` when the environment exits. The returned function cancels that. */
function beforeExit(leave) {
  if (leaving.size === 0) process.on('exit', onExit)
  leaving.add(leave)
  return () => {
    leaving.delete(leave)
    if (leaving.size === 0) process.off('exit', onExit)
  }
}

module.exports = { beforeExit }
