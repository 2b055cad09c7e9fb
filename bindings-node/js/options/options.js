'use strict'

// Converts the options of users to the engine's form. Errors name the wrong option.

const { types } = require('node:util')
const { memberText, optionsText } = require('../registry/entries')
const { logOption } = require('../server/log')
const { embedOptions, onFirstThread } = require('../native')
const { isObject } = require('../registry/schema')
const { nativeOf, settingsOption } = require('./settings')
const { storeHandler } = require('../registry/store')

const { stringify } = JSON

/** The number of bytes of a key. */
const KEY_BYTES = 32

/** Refuses unknown options, because a misspelt one would be ignored. */
function checkNames(what, options, names) {
  if (!isObject(options)) throw new TypeError(`${what} must be an object`)
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new TypeError(`${what}: there is no option ${stringify(name)}; the options are ${names.join(', ')}`)
  }
}

function checkType(what, value, type) {
  if (value == null) return undefined
  if (typeof value !== type) throw new TypeError(`${what} must be a ${type}`)
  return value
}

/** The state keys as hexadecimal text. They are bytes, or their text in hexadecimal or base64. Errors never contain a key. */
function stateKeyTexts(given) {
  if (given == null) return undefined
  if (!Array.isArray(given)) throw new TypeError('Server options: stateKeys must be an array')
  return given.map((key, at) => {
    const bytes = typeof key === 'string' ? keyBytes(key) : types.isUint8Array(key) ? new Uint8Array(key) : undefined
    if (bytes?.length === KEY_BYTES) return Buffer.from(bytes).toString('hex')
    throw new TypeError(`Server options: stateKeys[${at}] must be ${KEY_BYTES} bytes: a Uint8Array, or hex or base64 text`)
  })
}

function keyBytes(text) {
  if (/^[0-9a-f]+$/i.test(text) && text.length === 2 * KEY_BYTES) return new Uint8Array(Buffer.from(text, 'hex'))
  // `Buffer.from` would ignore characters that are not base64.
  return /^[\w+/-]+={0,2}$/.test(text) ? new Uint8Array(Buffer.from(text, 'base64')) : undefined
}

function serverOptions(options) {
  const what = 'Server options'
  if (!isObject(options)) throw new TypeError(`${what} must be an object`)
  const { settings: given, name, version, limits, stateKeys, log, logLevel, store, ...others } = options
  const program = settingsOption(what, given)
  const settings = program && nativeOf(program)
  const hasOwnStore = store != null && typeof store !== 'string'
  if (typeof name !== 'string' && (name != null || settings === undefined)) throw new TypeError(`${what}: name must be a string`)
  if (limits != null && !isObject(limits)) throw new TypeError(`${what}: limits must be an object`)
  const entries = Object.entries(limits ?? {}).filter(([, value]) => value !== undefined)
  for (const [limit, value] of entries) {
    if (typeof value !== 'number') throw new TypeError(`limits: ${limit} must be a number`)
  }
  return {
    program,
    own: settings,
    name: name ?? undefined,
    version: checkType(`${what}: version`, version, 'string') ?? (settings === undefined ? '0.1.0' : undefined),
    settings: optionsText(what, { ...others, stateKeys: stateKeyTexts(stateKeys), store: hasOwnStore ? undefined : store }),
    limitNames: entries.map(([limit]) => limit),
    limitValues: entries.map(([, value]) => value),
    store: hasOwnStore ? storeHandler(`${what}: store`, store) : undefined,
    log: logOption(log, logLevel)
  }
}

/** Whether this is the main thread, and not a worker. */
function onMainThread() {
  // Loading the module takes a tenth of the time of a start. A worker never runs on the first thread of the process.
  return onFirstThread() || require('node:worker_threads').isMainThread
}

/** The options to serve only clients in the process. */
const IN_PROCESS = Object.freeze({})

/** The deepest nesting of the options of transports. Deeper values are refused as they are. */
const MAX_DEPTH = 4

/** A value with the types of JSON. Objects that have a descriptor, such as a `net.Server`, become `{ fd }`. */
function plain(value, depth = 0) {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1))
  const fd = value.fd ?? value._handle?.fd
  if (typeof fd === 'number') return { fd }
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(members.map(([name, member]) => [name, plain(member, depth + 1)]))
}

/** The options of `listen()`. The engine reads the transports; without any, it serves stdio. */
function listenOptions(given = {}) {
  if (given === IN_PROCESS) return { owner: false, collectable: false }
  const { signals, ...transports } = isObject(given) ? given : {}
  const owner = checkType('listen: signals', signals, 'boolean') ?? false
  if (owner && !onMainThread()) throw new TypeError('listen: signals can be set only in the main thread, not in a worker')
  return { transports: memberText('listen', plain(isObject(given) ? transports : given)), owner, collectable: false }
}

/** The options for requests of the program's own HTTP server: whether there are any, and their text, which is the same for all that mean the same. */
function handlerOptions(what, given) {
  if (!isObject(given)) throw new TypeError(`${what}: options must be an object`)
  return { isSet: Object.keys(given).length > 0, text: embedOptions(what, memberText(what, plain(given))) }
}

/** Path, media type and bytes of a page. */
function pageOf(path, body, options = {}) {
  if (typeof path !== 'string') throw new TypeError('page: path must be a string')
  const what = `page ${stringify(path)}`
  checkNames(`${what}: options`, options, ['contentType'])
  const type = checkType(`${what}: contentType`, options.contentType, 'string') ?? 'text/html; charset=utf-8'
  if (typeof body === 'string') return [path, type, Buffer.from(body)]
  if (!types.isUint8Array(body)) throw new TypeError(`${what}: body must be a string or a Uint8Array`)
  return [path, type, body]
}

module.exports = { IN_PROCESS, checkNames, handlerOptions, serverOptions, listenOptions, pageOf }
