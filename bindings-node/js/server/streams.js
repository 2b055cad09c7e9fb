'use strict'

// Keeps the server alive when nobody reads what the program prints.
//
// A client may close the other end of standard error, where standard output goes too meanwhile. The error that a write
// meets then would end the process. Many programs never print, and to open the streams takes longer than to start the
// server: so each is covered when the program opens it.

/** What Node loads to open a stream: one of these. */
const LOADED = ['net', 'tty', 'internal/fs/sync_write_stream'].map((name) => `NativeModule ${name}`)

let covered = false

/** From now on, errors of what the program prints go by. */
function cover() {
  if (covered) return
  covered = true
  const opened = mayBeOpen()
  for (const name of ['stderr', 'stdout']) {
    const property = Object.getOwnPropertyDescriptor(process, name)
    if (opened || typeof property?.get !== 'function' || !property.configurable) tolerant(process[name])
    else coverOnceOpen(name, property)
  }
}

/** Whether one of them may be in use: then nothing tells when it is used again. */
function mayBeOpen() {
  const { moduleLoadList } = process
  return !Array.isArray(moduleLoadList) || LOADED.some((name) => moduleLoadList.includes(name))
}

/** Has the one who first asks for a stream find it covered. */
function coverOnceOpen(name, property) {
  const get = () => {
    const stream = property.get.call(process)
    // Unless the program has put something else in its place.
    if (Object.getOwnPropertyDescriptor(process, name)?.get === get) {
      Object.defineProperty(process, name, property)
      tolerant(stream)
    }
    return stream
  }
  Object.defineProperty(process, name, { ...property, get })
}

function tolerant(stream) {
  stream?.on('error', () => {})
}

module.exports = { cover }
