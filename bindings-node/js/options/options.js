'use strict'

// Converts the options of users to the engine's form. Errors name the wrong option.

const { types } = require('node:util')
const { optionsText } = require('../registry/entries')
const { logOption } = require('../server/log')
const { onFirstThread } = require('../native')
const { descriptor, socketOptions, stdioOptions, unixOptions } = require('./socket_options')
const { isObject } = require('../registry/schema')
const { storeHandler } = require('../registry/store')
const { webOptions } = require('./web')

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

/** The state keys: bytes, or their text in hexadecimal or base64. Errors never contain a key. */
function stateKeyBytes(given) {
  if (given == null) return []
  if (!Array.isArray(given)) throw new TypeError('Server options: stateKeys must be an array')
  return given.map((key, at) => {
    const bytes = typeof key === 'string' ? keyBytes(key) : types.isUint8Array(key) ? new Uint8Array(key) : undefined
    if (bytes?.length === KEY_BYTES) return bytes
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
  const { name, version, limits, stateKeys, log, logLevel, store, ...settings } = options
  const hasOwnStore = store != null && typeof store !== 'string'
  if (typeof name !== 'string') throw new TypeError(`${what}: name must be a string`)
  if (limits != null && !isObject(limits)) throw new TypeError(`${what}: limits must be an object`)
  const entries = Object.entries(limits ?? {}).filter(([, value]) => value !== undefined)
  for (const [limit, value] of entries) {
    if (typeof value !== 'number') throw new TypeError(`limits: ${limit} must be a number`)
  }
  return {
    name,
    version: checkType(`${what}: version`, version, 'string') ?? '0.1.0',
    settings: optionsText(what, hasOwnStore ? settings : { ...settings, store }),
    limitNames: entries.map(([limit]) => limit),
    limitValues: entries.map(([, value]) => value),
    stateKeys: stateKeyBytes(stateKeys),
    store: hasOwnStore ? storeHandler(`${what}: store`, store) : undefined,
    log: logOption(log, logLevel)
  }
}

function checkStrings(what, list) {
  if (Array.isArray(list) && list.every((item) => typeof item === 'string')) return list
  throw new TypeError(`${what} must be an array of strings`)
}

/** Whether this is the main thread, and not a worker. */
function onMainThread() {
  // Loading the module takes a tenth of the time of a start. A worker never runs on the first thread of the process.
  return onFirstThread() || require('node:worker_threads').isMainThread
}

/** The options to serve only clients in the process. */
const IN_PROCESS = Object.freeze({})

/** The options of `listen()`. `undefined` means stdio, a port or an address means HTTP, and an object names the transports. */
function listenOptions(given) {
  if (given === undefined) return { stdio: true, sockets: [], owner: false, unref: false }
  if (given === IN_PROCESS) return { stdio: false, sockets: [], owner: false, unref: true, inProcess: true }
  if (typeof given === 'number' || typeof given === 'string') given = { http: given }
  checkNames('listen', given, ['stdio', 'http', 'unix', 'socket', 'websocket', 'sse', 'embedded', 'signals'])
  const { stdio, http, unix, socket, websocket, sse, embedded, signals } = given
  const options = {
    ...stdioOptions(
      stdio,
      [http, unix, socket, websocket, sse, embedded].some((other) => other != null)
    ),
    http: http == null ? undefined : httpOptions(http),
    unix: unix == null ? undefined : unixOptions('unix', unix),
    sockets: socketOptions(socket),
    websocket: webOptions('websocket', '/ws', websocket),
    sse: webOptions('sse', '/sse', sse),
    embedded: embedded == null || embedded === false ? undefined : embedOptions('listen: embedded', embedded),
    owner: checkType('listen: signals', signals, 'boolean') ?? false
  }
  if (options.owner && !onMainThread()) throw new TypeError('listen: signals can be set only in the main thread, not in a worker')
  const { descriptors, sockets } = options
  const web = options.websocket || options.sse
  const hasTransport = options.stdio || descriptors || options.http || options.unix || sockets.length > 0 || web
  options.unref = !hasTransport
  if (!hasTransport && !options.embedded) throw new TypeError('listen: name at least one transport')
  return options
}

/** The options for requests of the program's own HTTP server. */
function embedOptions(what, given) {
  if (given === true) given = {}
  checkNames(what, given, ['allowedHosts', 'allowedOrigins', 'allowedHeaders'])
  const { allowedHosts = [], allowedOrigins = [], allowedHeaders = [] } = given
  return {
    allowedHosts: checkStrings(`${what}: allowedHosts`, allowedHosts),
    allowedOrigins: checkStrings(`${what}: allowedOrigins`, allowedOrigins),
    allowedHeaders: checkStrings(`${what}: allowedHeaders`, allowedHeaders)
  }
}

function addressOf({ port, host = '127.0.0.1' }) {
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new TypeError('listen: http: port must be a number from 0 to 65535')
  }
  if (typeof host !== 'string' || host === '') throw new TypeError('listen: http: host must be a name or an address')
  return `${host.includes(':') && host[0] !== '[' ? `[${host}]` : host}:${port}`
}

const HTTP = ['port', 'host', 'path', 'unix', 'mode', 'socket', 'allowedHosts', 'allowedOrigins', 'allowedHeaders']

function httpOptions(http) {
  if (typeof http === 'string') return { address: http, allowedHosts: [], allowedOrigins: [], allowedHeaders: [] }
  if (typeof http === 'number') http = { port: http }
  checkNames('listen: http', http, HTTP)
  const { unix, mode, socket, path = '' } = http
  const { allowedHosts = [], allowedOrigins = [], allowedHeaders = [] } = http
  const addresses = [http.port ?? http.host, unix, socket].filter((address) => address != null)
  if (addresses.length > 1 || (mode != null && unix == null)) {
    throw new TypeError('listen: http: set only one of host and port, unix and mode, or socket')
  }
  if (typeof path !== 'string' || (path !== '' && path[0] !== '/')) {
    throw new TypeError('listen: http: path must begin with /')
  }
  for (const [name, list] of Object.entries({ allowedHosts, allowedOrigins, allowedHeaders })) {
    if (!Array.isArray(list) || !list.every((entry) => typeof entry === 'string')) {
      throw new TypeError(`listen: http: ${name} must be an array of strings`)
    }
  }
  const address =
    unix != null
      ? { unix: unixOptions('http: unix', unix, mode) }
      : socket != null
        ? { socket: descriptor('http: socket', socket) }
        : { address: addressOf(http) }
  return { ...address, path: path || undefined, allowedHosts, allowedOrigins, allowedHeaders }
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

module.exports = { IN_PROCESS, checkNames, serverOptions, listenOptions, pageOf }
