'use strict'

// Tells JSON Schemas from what is none. A validator of some library, written down as JSON, would be a schema without a
// known keyword: it would allow everything.

const { Unfit, encodeJson, placeOf, reasonOf } = require('./json')

const { stringify } = JSON

/** Schemas are written by programs, not by peers: these bounds only end what has no end. */
const BOUNDS = { depth: 128, size: 1 << 24 }

/** What turns the validators of a library into JSON Schemas; the names are mostly those of Standard Schema. */
const CONVERT = {
  'arktype': 'schema.toJsonSchema()',
  'valibot': 'toStandardJsonSchema(schema) of @valibot/to-json-schema',
  'zod': 'z.toJSONSchema(schema)',
  'zod 3': 'zodToJsonSchema(schema) of zod-to-json-schema'
}

/** What makes one schema of an object's members. */
const WHOLE = {
  'arktype': 'type({ … })',
  'valibot': 'toStandardJsonSchema(v.object({ … })) of @valibot/to-json-schema',
  'zod': 'z.object({ … })'
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The JSON text of the schema that messages call `what`; throws a TypeError that says why there is none. A validator that knows
 * its JSON Schema is asked for that of `side`, what it takes or what it gives; `besides` is the option that could say it.
 */
function schemaText(what, given, { side = 'input', besides } = {}) {
  const value = written(what, given, side, besides)
  const wrong = foreign(value, [], new Set())
  if (wrong !== undefined) {
    if (wrong.keys.length === 1) refuseShape(what, value)
    const way = besides === undefined || wrong.keys.length > 0 || !isValidator(value) ? '' : `, or its JSON Schema as ${besides}`
    throw new TypeError(`${placeOf(what, wrong.keys)} ${wrong.what}${way}`)
  }
  const none = `${what} must be a JSON Schema object`
  if (!isObject(value)) throw new TypeError(none)
  let text
  try {
    text = encodeJson(value, 'schema', BOUNDS)
  } catch (error) {
    throw new TypeError(`${none}: ${error instanceof Unfit ? error.message : reasonOf(error)}`)
  }
  if (text?.[0] !== '{') throw new TypeError(none)
  return text
}

/** What a validator says of itself that knows its JSON Schema (Standard JSON Schema). */
function written(what, value, side, besides) {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || converted(value)) return value
  const standard = value['~standard']
  if (typeof standard?.jsonSchema?.[side] !== 'function') return value
  try {
    return rooted(standard.jsonSchema[side]({ target: 'draft-2020-12' }))
  } catch (error) {
    const way = besides === undefined ? '' : `; say it as ${besides}`
    throw new TypeError(`${what} is a schema of ${standard.vendor} that has no JSON Schema: ${reasonOf(error).replace(/\.$/, '')}${way}`)
  }
}

/** The schema of a union of objects with the type that the protocol wants at its root, which libraries leave to the parts. */
function rooted(schema) {
  return schema?.type === undefined && isOfObjects(schema) ? { type: 'object', ...schema } : schema
}

function isOfObjects(schema) {
  if (!isObject(schema)) return false
  const parts = schema.anyOf ?? schema.oneOf
  return schema.type === undefined ? Array.isArray(parts) && parts.length > 0 && parts.every(isOfObjects) : schema.type === 'object'
}

/** Whether `value` can judge values itself (Standard Schema). */
function isValidator(value) {
  return typeof value?.['~standard']?.validate === 'function'
}

/** Throws for an object whose members are validators: some libraries take such for the schema of an object. */
function refuseShape(what, value) {
  if (!isPlain(value)) return
  for (const [name, member] of Object.entries(value)) {
    if (!isValidator(member) || converted(member)) continue
    const vendor = String(member['~standard'].vendor)
    const whole = Object.hasOwn(WHOLE, vendor) ? WHOLE[vendor] : 'a schema of the whole object'
    throw new TypeError(`${what} has a schema of ${vendor} as its member ${stringify(name)} and is none itself: pass ${whole}`)
  }
}

/** The first part of `value` that no JSON text would have become, with the keys that lead to it. */
function foreign(value, keys, seen) {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return undefined
  seen.add(value)
  const what = validator(value) ?? instance(value)
  if (what !== undefined) return { what, keys }
  for (const [key, member] of Object.entries(value)) {
    const wrong = foreign(member, [...keys, Array.isArray(value) ? Number(key) : key], seen)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function validator(value) {
  const known = isValidator(value) && !converted(value)
  if (!known && !('_def' in value && typeof value.parse === 'function')) return undefined
  const vendor = known ? String(value['~standard'].vendor) : 'zod'
  const library = vendor === 'zod' && '_def' in value && !('_zod' in value) ? 'zod 3' : vendor
  const pass = Object.hasOwn(CONVERT, library) ? CONVERT[library] : 'what its library converts it to'
  return `is a schema of ${vendor}, not a JSON Schema: pass ${pass}`
}

/** What `z.toJSONSchema` gives is a JSON Schema that can validate besides, with a member that JSON text does not show. */
function converted(value) {
  return isPlain(value) && Object.getOwnPropertyDescriptor(value, '~standard')?.enumerable === false
}

/** Whether `value` is an object of no class, or an array. */
function isPlain(value) {
  if (typeof value === 'function') return false
  const prototype = Object.getPrototypeOf(value)
  // The root of every realm's objects has no prototype itself.
  return Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null
}

function instance(value) {
  if (typeof value === 'function') return 'is a function, not a JSON Schema'
  if (isPlain(value) || typeof value.toJSON === 'function') return undefined
  return `is an instance of ${value.constructor?.name || 'a class'}, not a JSON Schema`
}

module.exports = { BOUNDS, isObject, isValidator, refuseShape, schemaText }
