'use strict'

// The end of the process or worker, told to every server that still listens.

const leaving = new Set()

function onExit() {
  for (const leave of leaving) leave()
}

/** Has `leave` called when the environment exits; the function returned takes that back. */
function beforeExit(leave) {
  if (leaving.size === 0) process.on('exit', onExit)
  leaving.add(leave)
  return () => {
    leaving.delete(leave)
    if (leaving.size === 0) process.off('exit', onExit)
  }
}

module.exports = { beforeExit }
