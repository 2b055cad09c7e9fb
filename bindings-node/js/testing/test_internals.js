'use strict'

// What clients in the process need of a server, and nobody else sees.

let look

/** Says how to look into a server. */
function open(how) {
  look = how
}

/** The bridge of a server, and whether it listens. */
function insideOf(server) {
  return look(server)
}

module.exports = { insideOf, open }
