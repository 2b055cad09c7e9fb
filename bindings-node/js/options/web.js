'use strict'

// The options of `listen()` for WebSocket and HTTP+SSE.

const WEBSOCKET = ['port', 'host', 'path', 'allowedHosts', 'allowedOrigins']
// A web page cannot add headers to a WebSocket, so there is no option allowedHeaders for it.
const OPTIONS = { websocket: WEBSOCKET, sse: [...WEBSOCKET, 'allowedHeaders'] }

/** The options from a port, an address, a path, or an object. */
function webOptions(what, defaultPath, web) {
  if (web == null) return undefined
  if (typeof web === 'string') return { address: web, allowedHosts: [], allowedOrigins: [], allowedHeaders: [] }
  if (typeof web === 'number') web = { port: web }
  if (typeof web !== 'object' || Array.isArray(web)) {
    throw new TypeError(`listen: ${what} must be a port, 'host:port', 'host:port/path', '/path' or options`)
  }
  for (const name of Object.keys(web)) {
    if (!OPTIONS[what].includes(name)) throw new TypeError(`listen: ${what}: there is no option "${name}"; the options are ${OPTIONS[what].join(', ')}`)
  }
  const { port, host = '127.0.0.1', path = defaultPath } = web
  const { allowedHosts = [], allowedOrigins = [], allowedHeaders = [] } = web
  if (port === undefined ? web.host !== undefined : !Number.isInteger(port) || port < 0 || port > 65535) {
    throw new TypeError(`listen: ${what}: port must be a number from 0 to 65535`)
  }
  if (typeof host !== 'string' || host === '') {
    throw new TypeError(`listen: ${what}: host must be a name or an address, not ${JSON.stringify(host)}`)
  }
  if (typeof path !== 'string' || path[0] !== '/') throw new TypeError(`listen: ${what}: path must begin with /`)
  for (const [name, list] of Object.entries({ allowedHosts, allowedOrigins, allowedHeaders })) {
    if (!Array.isArray(list) || !list.every((entry) => typeof entry === 'string')) {
      throw new TypeError(`listen: ${what}: ${name} must be an array of strings`)
    }
  }
  const authority = `${host.includes(':') && host[0] !== '[' ? `[${host}]` : host}:${port}`
  return { address: port === undefined ? path : authority + path, allowedHosts, allowedOrigins, allowedHeaders }
}

module.exports = { webOptions }
