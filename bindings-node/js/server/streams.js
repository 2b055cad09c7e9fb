'use strict'

// Keeps the process alive when the program prints and the client has closed the other end.
//
// A client may close the other end of standard error, to which standard output goes too. A write then fails, and the error
// would end the process. Many programs never print, and opening the streams takes longer than starting the server. So a stream
// gets its error listener when the program opens it.

/** Node loads one of these modules to open a stream. */
const STREAM_MODULES = ['net', 'tty', 'internal/fs/sync_write_stream'].map((name) => `NativeModule ${name}`)

let installed = false

/** Ignores errors of standard output and standard error from now on. */
function ignoreOutputErrors() {
  if (installed) return
  installed = true
  const opened = mayBeOpen()
  for (const name of ['stderr', 'stdout']) {
    const property = Object.getOwnPropertyDescriptor(process, name)
    if (opened || typeof property?.get !== 'function' || !property.configurable) ignoreErrors(process[name])
    else ignoreErrorsOnceOpen(name, property)
  }
}

/** Whether one of the streams may be open already. */
function mayBeOpen() {
  const { moduleLoadList } = process
  return !Array.isArray(moduleLoadList) || STREAM_MODULES.some((name) => moduleLoadList.includes(name))
}

/** Adds the error listener when the program first reads the property of a stream. */
function ignoreErrorsOnceOpen(name, property) {
  const get = () => {
    const stream = property.get.call(process)
    // Unless the program has replaced the property.
    if (Object.getOwnPropertyDescriptor(process, name)?.get === get) {
      Object.defineProperty(process, name, property)
      ignoreErrors(stream)
    }
    return stream
  }
  Object.defineProperty(process, name, { ...property, get })
}

function ignoreErrors(stream) {
  stream?.on('error', () => {})
}

module.exports = { ignoreOutputErrors }
