'use strict'

// Converts the options of an entry to JSON text. The engine reads and checks it. This file knows only the options whose names
// differ from the protocol's.

const { types } = require('node:util')
const { encodeJson, describeFailure, wellFormed } = require('./json')
const { BOUNDS, isObject, isValidator, refuseShape, schemaText } = require('./schema')

const { stringify } = JSON

/** Options that are schemas, with the members that they become. */
const SCHEMAS = { input: 'inputSchema', output: 'outputSchema' }

/**
 * Options that accept a validator. Each has a second option for the JSON Schema, which is needed if the validator does
 * not know it.
 */
const SCHEMA_OPTIONS = { ...SCHEMAS, args: 'argsSchema' }

/** The tags of an entry, as an array. */
function tagsOf(what, tags) {
  const list = typeof tags === 'string' || typeof tags?.[Symbol.iterator] !== 'function' ? [tags, undefined] : [...tags]
  if (!list.every((word) => typeof word === 'string')) throw new TypeError(`${what} must be an array of strings`)
  return list
}

/** The member that names an entry of a kind, and its options that are schemas. */
const KINDS = {
  tool: { names: 'name', schemas: ['input', 'output'] },
  resource: { names: 'uri', schemas: [] },
  resource_template: { names: 'uriTemplate', schemas: [] },
  resource_provider: { names: 'uriTemplate', schemas: [] },
  prompt: { names: 'name', schemas: [] },
  completion: { names: undefined, schemas: [] },
  method: { names: 'name', schemas: ['input'] },
  notification: { names: 'name', schemas: ['input'] },
  hook: { names: 'name', schemas: [] }
}

function memberText(what, value) {
  let text
  try {
    text = encodeJson(value, what, BOUNDS)
  } catch (error) {
    throw new TypeError(describeFailure(what, error))
  }
  if (text === undefined) throw new TypeError(`${what} is a value of type ${typeof value}`)
  return wellFormed(text)
}

/** The option that has a validator, if `option` has the JSON Schema of that validator. */
function validatorOption(option, options) {
  return Object.keys(SCHEMA_OPTIONS).find((name) => SCHEMA_OPTIONS[name] === option && isValidator(options[name]))
}

/** The JSON text of the schema in `option`, or in the option for its JSON Schema. */
function schemaOf(what, options, option) {
  const alternative = SCHEMA_OPTIONS[option]
  const explicit = isValidator(options[option]) ? options[alternative] : undefined
  if (explicit != null) return schemaText(`${what}: ${alternative}`, explicit)
  return schemaText(`${what}: ${option}`, options[option], { side: option === 'output' ? 'output' : 'input', alternative })
}

/** Whether a value is a set or another collection that is not a text, an array, or an object with a form of its own in JSON. */
function isCollection(value) {
  const isPlain = typeof value !== 'object' || Array.isArray(value) || types.isBoxedPrimitive(value) || types.isMap(value)
  return !isPlain && typeof value.toJSON !== 'function' && typeof value[Symbol.iterator] === 'function'
}

/** The JSON text of the value of an option. Collections count as arrays, and `Infinity` as the largest number. */
function optionText(what, value) {
  if (value === Infinity) return '1e300'
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${what} must not be ${value}`)
  return memberText(what, isCollection(value) ? [...value] : value)
}

/** The JSON text of an object of options. Options that are null or undefined are left out. */
function optionsText(what, options) {
  const members = Object.entries(options).filter(([, value]) => value != null)
  return `{${members.map(([name, value]) => `${stringify(name)}:${optionText(`${what}: ${name}`, value)}`).join(',')}}`
}

/** The JSON text of the options of an entry. `what` is its name in messages. */
function entryText(kind, what, name, options) {
  const { names, schemas } = KINDS[kind]
  if (isValidator(options)) throw new TypeError(`${what}: the options must not be a schema${schemaOption(kind)}`)
  if (!isObject(options)) {
    const example = typeof options === 'string' && kind !== 'hook' && kind !== 'completion' ? ', such as { description }' : ''
    throw new TypeError(`${what}: options must be an object${example}`)
  }
  const members = names === undefined ? [] : [`"${names}":${wellFormed(stringify(name))}`]
  for (const [option, value] of Object.entries(options)) {
    if (value == null) continue
    if (schemas.includes(option)) {
      members.push(`"${SCHEMAS[option]}":${schemaOf(what, options, option)}`)
    } else if (kind === 'prompt' && option === 'args') {
      members.push(`"arguments":${memberText(`${what}: args`, argumentsOf(what, value, options))}`)
    } else if (validatorOption(option, options) === undefined) {
      const called = Object.keys(SCHEMAS).find((name) => SCHEMAS[name] === option && schemas.includes(name))
      if (called !== undefined) throw new TypeError(`${what}: use the option ${called} instead of ${option}`)
      if (isValidator(value)) throw new TypeError(`${what}: there is no option ${stringify(option)} that is a schema${schemaOption(kind)}`)
      members.push(`${stringify(option)}:${optionText(`${what}: ${option}`, value)}`)
    }
  }
  return `{${members.join(',')}}`
}

/** The advice on how to pass a schema of arguments. */
function schemaOption(kind) {
  const option = kind === 'prompt' ? 'args' : KINDS[kind].schemas[0]
  return option === undefined ? '' : `: pass the schema of the arguments as { ${option}: schema }`
}

/** The options of a view that become members of `ui`. */
const UI_MEMBERS = ['csp', 'permissions', 'domain', 'prefersBorder']

/** The JSON text of the options of a view. */
function viewText(what, uri, options) {
  if (!isObject(options)) throw new TypeError(`${what}: options must be an object`)
  const { listed, ...members } = options
  if (listed != null && typeof listed !== 'boolean') throw new TypeError(`${what}: listed must be a boolean`)
  const ui = {}
  for (const member of UI_MEMBERS) {
    if (members[member] != null) ui[member] = members[member]
    delete members[member]
  }
  if (Object.keys(ui).length > 0) members.ui = ui
  if (listed === false) members.hidden = true
  return entryText('resource', what, uri, members)
}

/** The arguments of a prompt, from their names with their options, or from the properties of a schema. */
function argumentsOf(what, args, options) {
  if (Array.isArray(args)) return args.map((arg) => (typeof arg === 'string' ? { name: arg } : arg))
  const whole = isValidator(args) || typeof args?.['~standard'] === 'object' || args?.type === 'object'
  const schema = whole ? JSON.parse(schemaOf(what, options, 'args')) : undefined
  if (schema === undefined) {
    if (!isObject(args)) throw new TypeError(`${what}: args must be an object`)
    refuseShape(`${what}: args`, args)
    return Object.entries(args).map(([name, about]) => {
      if (!isObject(about)) throw new TypeError(`${what}: args.${name} must be an object`)
      return Object.assign({ name }, about, { name })
    })
  }
  const required = schema.required ?? []
  return Object.entries(schema.properties ?? {}).map(([name, { type, title, description }]) => {
    if (type !== undefined && type !== 'string') throw new TypeError(`${what}: args: ${name} must be a string, because prompts have only string arguments`)
    return { name, title, description, required: required.includes(name) }
  })
}

module.exports = { entryText, memberText, optionsText, tagsOf, viewText }
