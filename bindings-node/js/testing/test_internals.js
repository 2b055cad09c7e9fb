'use strict'

// Access to the internals of a server, for clients in its process.

let accessor

/** Sets the function that returns the internals of a server. */
function setAccessor(given) {
  accessor = given
}

/** The bridge of a server, and whether it listens. */
function internalsOf(server) {
  return accessor(server)
}

module.exports = { internalsOf, setAccessor }
