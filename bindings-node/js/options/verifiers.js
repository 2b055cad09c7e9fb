'use strict'

// The functions that make verifiers of credentials. The engine has their options, and checks them.

const { inspect } = require('node:util')
const { secretOptions } = require('../native')
const { isObject } = require('../registry/schema')

/** The names of options whose values are not shown. */
let secrets

/** A value for `console.log`, without its secrets. Keys are within `keys`, which is one. */
function shown(options) {
  secrets ??= new Set(secretOptions())
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, secrets.has(name) ? HIDDEN : value]))
}

const HIDDEN = { [inspect.custom]: () => '<hidden>' }

/** A function that makes verifiers of a type. */
function maker(name, type) {
  return (options = {}) => {
    if (!isObject(options)) throw new TypeError(`${name}: the options must be an object, not a value of type ${typeof options}`)
    const verifier = { ...options, type }
    // It is not enumerable, so it is no option.
    Object.defineProperty(verifier, inspect.custom, {
      value: (depth, settings) => inspect(shown(verifier), { ...settings, depth })
    })
    return verifier
  }
}

module.exports = {
  apiKeys: maker('apiKeys', 'api_keys'),
  introspection: maker('introspection', 'introspection'),
  jwt: maker('jwt', 'jwt')
}
