'use strict'

// Turns what users write into what the engine takes; what is wrong is said by name.

const { stringify } = JSON

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Refuses options that do not exist: a misspelt one would be ignored. */
function only(what, options, names) {
  if (!isObject(options)) throw new TypeError(`${what} must be an object`)
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new TypeError(`${what}: there is no option ${stringify(name)}`)
  }
}

function optional(what, value, type) {
  if (value == null) return undefined
  if (typeof value !== type) throw new TypeError(`${what} must be a ${type}`)
  return value
}

function schema(what, value) {
  if (value == null) return undefined
  if (!isObject(value)) throw new TypeError(`${what} must be a JSON Schema object`)
  let text
  try {
    text = stringify(value)
  } catch (error) {
    throw new TypeError(`${what} must be a JSON Schema object: ${error.message.split('\n')[0]}`)
  }
  if (text?.[0] !== '{') throw new TypeError(`${what} must be a JSON Schema object`)
  return text
}

function serverOptions(options) {
  only('Server options', options, ['name', 'version', 'instructions', 'limits'])
  const { name, version, instructions, limits } = options
  if (typeof name !== 'string') throw new TypeError('Server options: name must be a string')
  if (limits != null && !isObject(limits)) throw new TypeError('Server options: limits must be an object')
  const entries = Object.entries(limits ?? {}).filter(([, value]) => value !== undefined)
  for (const [limit, value] of entries) {
    if (typeof value !== 'number') throw new TypeError(`limits: ${limit} must be a number`)
  }
  return {
    name,
    version: optional('Server options: version', version, 'string') ?? '0.1.0',
    instructions: optional('Server options: instructions', instructions, 'string'),
    limits: entries
  }
}

function toolOptions(name, options) {
  const what = `tool ${stringify(name)}`
  only(what, options, ['description', 'input', 'output', 'structured', 'timeout'])
  const output = schema(`${what}: output`, options.output)
  return {
    name,
    description: optional(`${what}: description`, options.description, 'string'),
    input: schema(`${what}: input`, options.input),
    output,
    structured: (optional(`${what}: structured`, options.structured, 'boolean') ?? false) || output !== undefined,
    timeout: optional(`${what}: timeout`, options.timeout, 'number')
  }
}

/** `listen()` is stdio; a port or an address is HTTP; an object names any of both. */
function listenOptions(given) {
  if (given === undefined) return { stdio: true, http: undefined, signals: false }
  if (typeof given === 'number' || typeof given === 'string') given = { http: given }
  only('listen', given, ['stdio', 'http', 'signals'])
  const { stdio, http, signals } = given
  const options = {
    stdio: optional('listen: stdio', stdio, 'boolean') ?? http == null,
    http: http == null ? undefined : httpOptions(http),
    signals: optional('listen: signals', signals, 'boolean') ?? false
  }
  if (!options.stdio && options.http === undefined) throw new TypeError('listen: name at least one transport')
  return options
}

function httpOptions(http) {
  if (typeof http === 'string') return { address: http, allowedHosts: [], allowedOrigins: [] }
  if (typeof http === 'number') http = { port: http }
  only('listen: http', http, ['port', 'host', 'path', 'allowedHosts', 'allowedOrigins'])
  const { port, host = '127.0.0.1', path = '', allowedHosts = [], allowedOrigins = [] } = http
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new TypeError('listen: http: port must be a number from 0 to 65535')
  }
  if (typeof host !== 'string' || host === '') throw new TypeError('listen: http: host must be a name or an address')
  if (typeof path !== 'string' || (path !== '' && path[0] !== '/')) {
    throw new TypeError('listen: http: path must begin with /')
  }
  for (const [name, list] of Object.entries({ allowedHosts, allowedOrigins })) {
    if (!Array.isArray(list) || !list.every((entry) => typeof entry === 'string')) {
      throw new TypeError(`listen: http: ${name} must be an array of strings`)
    }
  }
  const address = `${host.includes(':') && host[0] !== '[' ? `[${host}]` : host}:${port}${path}`
  return { address, allowedHosts, allowedOrigins }
}

module.exports = { serverOptions, toolOptions, listenOptions }
