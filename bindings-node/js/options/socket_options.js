'use strict'

// The options of `listen()` for Unix sockets, sockets and descriptors.

/** The number of a descriptor, from that number or from an object such as a `net.Server` or a `net.Socket`. */
function descriptor(what, given) {
  const number = typeof given === 'object' && given !== null ? (given.fd ?? given._handle?.fd) : given
  if (!Number.isInteger(number) || number < 0 || number > 0x7fffffff) {
    throw new TypeError(`listen: ${what} must be the number of a descriptor, or an object with one, such as a net.Server`)
  }
  return number
}

/** `'/path'`, or `{ path, mode }`. */
function unixOptions(what, unix, mode) {
  if (typeof unix === 'object' && unix !== null) {
    for (const name of Object.keys(unix)) {
      if (name !== 'path' && name !== 'mode') throw new TypeError(`listen: ${what}: there is no option "${name}"; the options are path, mode`)
    }
    ;({ path: unix, mode } = unix)
  }
  if (typeof unix !== 'string') throw new TypeError(`listen: ${what} must be a path, or an object { path, mode }`)
  if (mode != null && (!Number.isInteger(mode) || mode < 0 || mode > 0o777)) {
    throw new TypeError(`listen: ${what}: mode must be a number from 0 to 0o777`)
  }
  return { path: unix, mode: mode ?? undefined }
}

/** Reads the option `stdio`: whether to serve the process's own input and output, or the two descriptors to serve instead. */
function stdioOptions(stdio, others) {
  if (!Array.isArray(stdio)) {
    if (stdio != null && typeof stdio !== 'boolean') {
      throw new TypeError('listen: stdio must be a boolean or a pair of descriptors')
    }
    return { stdio: stdio ?? !others, descriptors: undefined }
  }
  if (stdio.length !== 2) throw new TypeError('listen: stdio must be a boolean or a pair of descriptors')
  return { stdio: false, descriptors: stdio.map((one) => descriptor('stdio', one)) }
}

/** One socket, or several. */
function socketOptions(sockets) {
  if (sockets == null) return []
  return (Array.isArray(sockets) ? sockets : [sockets]).map((socket) => descriptor('socket', socket))
}

module.exports = { descriptor, socketOptions, stdioOptions, unixOptions }
