'use strict'

// Recognises JSON Schemas, and refuses other values. Without this check, a library's validator would be written as JSON. It
// would then be a schema without known keywords, which allows everything.

const { NotSerializable, encodeJson, pathOf, reasonOf } = require('./json')

const { stringify } = JSON

/**
 * The maximum nesting and size of a schema. Schemas come from the program and not from clients, so these bounds only
 * stop values that never end.
 */
const BOUNDS = { depth: 128, size: 1 << 24 }

/** The calls that convert a library's validators to JSON Schemas, by the library's name in Standard Schema. */
const CONVERSIONS = {
  'arktype': 'schema.toJsonSchema()',
  'valibot': 'toStandardJsonSchema(schema) of @valibot/to-json-schema',
  'zod': 'z.toJSONSchema(schema)',
  'zod 3': 'zodToJsonSchema(schema) of zod-to-json-schema'
}

/** The calls that make one schema of an object's members. */
const OBJECT_SCHEMA = {
  'arktype': 'type({ … })',
  'valibot': 'toStandardJsonSchema(v.object({ … })) of @valibot/to-json-schema',
  'zod': 'z.object({ … })'
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The JSON text of a schema. `what` is its name in messages. Throws a TypeError with the reason if there is none. `side`
 * selects the JSON Schema of the input or the output of a validator that knows both. `alternative` is the option in which the
 * program can pass the JSON Schema.
 */
function schemaText(what, given, { side = 'input', alternative } = {}) {
  const value = jsonSchemaOf(what, given, side, alternative)
  const wrong = findForeign(value, [], new Set())
  if (wrong !== undefined) {
    if (wrong.keys.length === 1) refuseShape(what, value)
    const way = alternative === undefined || wrong.keys.length > 0 || !isValidator(value) ? '' : `, or its JSON Schema as ${alternative}`
    throw new TypeError(`${pathOf(what, wrong.keys)} ${wrong.what}${way}`)
  }
  const none = `${what} must be a JSON Schema object`
  if (!isObject(value)) throw new TypeError(none)
  let text
  try {
    text = encodeJson(value, 'schema', BOUNDS)
  } catch (error) {
    throw new TypeError(`${none}: ${error instanceof NotSerializable ? error.message : reasonOf(error)}`)
  }
  if (text?.[0] !== '{') throw new TypeError(none)
  return text
}

/** The JSON Schema of a validator that knows it (Standard JSON Schema). Other values are returned unchanged. */
function jsonSchemaOf(what, value, side, alternative) {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || isConverted(value)) return value
  const standard = value['~standard']
  if (typeof standard?.jsonSchema?.[side] !== 'function') return value
  try {
    return withObjectType(standard.jsonSchema[side]({ target: 'draft-2020-12' }))
  } catch (error) {
    const way = alternative === undefined ? '' : `; pass its JSON Schema as ${alternative}`
    throw new TypeError(`${what} is a schema of ${standard.vendor} that has no JSON Schema: ${reasonOf(error).replace(/\.$/, '')}${way}`)
  }
}

/** Adds `type: "object"` to a union of objects. The protocol requires it at the root. Libraries write it only in the parts. */
function withObjectType(schema) {
  return schema?.type === undefined && isOfObjects(schema) ? { type: 'object', ...schema } : schema
}

function isOfObjects(schema) {
  if (!isObject(schema)) return false
  const parts = schema.anyOf ?? schema.oneOf
  return schema.type === undefined ? Array.isArray(parts) && parts.length > 0 && parts.every(isOfObjects) : schema.type === 'object'
}

/** Whether `value` is a validator (Standard Schema). */
function isValidator(value) {
  return typeof value?.['~standard']?.validate === 'function'
}

/** Throws for an object whose members are validators. In some libraries such an object is the schema of an object. */
function refuseShape(what, value) {
  if (!isPlain(value)) return
  for (const [name, member] of Object.entries(value)) {
    if (!isValidator(member) || isConverted(member)) continue
    const vendor = String(member['~standard'].vendor)
    const whole = Object.hasOwn(OBJECT_SCHEMA, vendor) ? OBJECT_SCHEMA[vendor] : 'a schema of the whole object'
    throw new TypeError(`${what} has a schema of ${vendor} as its member ${stringify(name)} and is not a schema itself: pass ${whole}`)
  }
}

/** The first part of `value` that does not come from JSON, with the keys that lead to it. */
function findForeign(value, keys, seen) {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return undefined
  seen.add(value)
  const what = describeValidator(value) ?? describeInstance(value)
  if (what !== undefined) return { what, keys }
  for (const [key, member] of Object.entries(value)) {
    const wrong = findForeign(member, [...keys, Array.isArray(value) ? Number(key) : key], seen)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function describeValidator(value) {
  const known = isValidator(value) && !isConverted(value)
  if (!known && !('_def' in value && typeof value.parse === 'function')) return undefined
  const vendor = known ? String(value['~standard'].vendor) : 'zod'
  const library = vendor === 'zod' && '_def' in value && !('_zod' in value) ? 'zod 3' : vendor
  const pass = Object.hasOwn(CONVERSIONS, library) ? CONVERSIONS[library] : 'the JSON Schema that its library makes of it'
  return `is a schema of ${vendor}, not a JSON Schema: pass ${pass}`
}

/** Whether `z.toJSONSchema` has made `value`. Such a JSON Schema can also validate, with a member that is not enumerable. */
function isConverted(value) {
  return isPlain(value) && Object.getOwnPropertyDescriptor(value, '~standard')?.enumerable === false
}

/** Whether `value` is an object without a class, or an array. */
function isPlain(value) {
  if (typeof value === 'function') return false
  const prototype = Object.getPrototypeOf(value)
  // In every realm, the prototype of plain objects has no prototype.
  return Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null
}

function describeInstance(value) {
  if (typeof value === 'function') return 'is a function, not a JSON Schema'
  if (isPlain(value) || typeof value.toJSON === 'function') return undefined
  return `is an instance of ${value.constructor?.name || 'a class'}, not a JSON Schema`
}

module.exports = { BOUNDS, isObject, isValidator, refuseShape, schemaText }
