'use strict'

// What a program says of an entry, as the engine takes it: the JSON text of its definition, and its policies. What a
// definition may hold is the engine's knowledge; here are only the words that differ from the protocol's.

const { encodeJson, unfit, wellFormed } = require('./json')
const { BOUNDS, isObject, isValidator, refuseShape, schemaText } = require('./schema')

const { stringify } = JSON

/** Options that are schemas, with the members they become. */
const SCHEMAS = { input: 'inputSchema', output: 'outputSchema' }

/** Options that may be validators, with the options that say their JSON Schemas where they do not. */
const BESIDES = { ...SCHEMAS, args: 'argsSchema' }

/** Options that are no members of a definition, with their types and the policies they become. */
const POLICIES = {
  structured: ['boolean', 'structured'],
  timeout: ['number', 'timeout'],
  maxConcurrency: ['number', 'maxConcurrency'],
  onceOnly: ['boolean', 'onceOnly'],
  unsafePaths: ['boolean', 'unsafePaths'],
  unknownArguments: ['string', 'unknown'],
  coerceArguments: ['boolean', 'coerce'],
  taskSupport: ['string', 'taskSupport'],
  deferTask: ['boolean', 'deferTask'],
  cache: ['object', 'cache']
}

/** Words that an entry is hidden by: strings, several of them. */
function tagsOf(what, tags) {
  const words = typeof tags === 'string' || typeof tags?.[Symbol.iterator] !== 'function' ? [tags, undefined] : [...tags]
  if (!words.every((word) => typeof word === 'string')) throw new TypeError(`${what} must be strings, several of them`)
  return words
}

const CALLED = ['timeout', 'maxConcurrency']
const WITH_SCHEMA = [...CALLED, 'unknownArguments', 'coerceArguments']

/** The member that names an entry of a kind, and the options it has besides members of its definition. */
const KINDS = {
  tool: { names: 'name', policies: [...WITH_SCHEMA, 'structured', 'onceOnly', 'taskSupport', 'deferTask'], schemas: ['input', 'output'] },
  resource: { names: 'uri', policies: [...CALLED, 'cache'], schemas: [] },
  resource_template: { names: 'uriTemplate', policies: [...CALLED, 'cache', 'unsafePaths'], schemas: [] },
  resource_provider: { names: 'uriTemplate', policies: CALLED, schemas: [] },
  prompt: { names: 'name', policies: CALLED, schemas: [] },
  completion: { names: undefined, policies: CALLED, schemas: [] },
  method: { names: 'name', policies: WITH_SCHEMA, schemas: ['input'] },
  notification: { names: 'name', policies: WITH_SCHEMA, schemas: ['input'] },
  hook: { names: 'name', policies: CALLED, schemas: [] }
}

function memberText(what, value) {
  let text
  try {
    text = encodeJson(value, what, BOUNDS)
  } catch (error) {
    throw new TypeError(unfit(what, error))
  }
  if (text === undefined) throw new TypeError(`${what} is a value of type ${typeof value}`)
  return wellFormed(text)
}

/** The option whose JSON Schema `option` is, if that is a validator. */
function whose(option, options) {
  return Object.keys(BESIDES).find((name) => BESIDES[name] === option && isValidator(options[name]))
}

/** The JSON text of the schema that `option` says, or the option beside it. */
function schemaOf(what, options, option) {
  const besides = BESIDES[option]
  const explicit = isValidator(options[option]) ? options[besides] : undefined
  if (explicit != null) return schemaText(`${what}: ${besides}`, explicit)
  return schemaText(`${what}: ${option}`, options[option], { side: option === 'output' ? 'output' : 'input', besides })
}

/** `definition` and `policies` of an entry that messages call `what`. */
function entryOf(kind, what, name, options) {
  const { names, policies: own, schemas } = KINDS[kind]
  if (isValidator(options)) throw new TypeError(`${what}: the options are a schema themselves${schemaOption(kind)}`)
  if (!isObject(options)) {
    const such = typeof options === 'string' && kind !== 'hook' && kind !== 'completion' ? ', such as { description }' : ''
    throw new TypeError(`${what}: options must be an object${such}`)
  }
  const members = names === undefined ? [] : [`"${names}":${wellFormed(stringify(name))}`]
  const policies = { structured: false, hidden: false }
  for (const [option, value] of Object.entries(options)) {
    if (value == null) continue
    if (option === 'tags' && kind !== 'hook') {
      policies.tags = tagsOf(`${what}: tags`, value)
      continue
    }
    if (own.includes(option)) {
      const [type, policy] = POLICIES[option]
      if (typeof value !== type) throw new TypeError(`${what}: ${option} must be ${type === 'object' ? 'an' : 'a'} ${type}`)
      policies[policy] = type === 'object' ? memberText(`${what}: ${option}`, value) : value
    } else if (schemas.includes(option)) {
      members.push(`"${SCHEMAS[option]}":${schemaOf(what, options, option)}`)
      if (option === 'output') policies.structured = true
    } else if (kind === 'prompt' && option === 'args') {
      members.push(`"arguments":${memberText(`${what}: args`, argumentsOf(what, value, options))}`)
    } else if (whose(option, options) === undefined) {
      const called = Object.keys(SCHEMAS).find((name) => SCHEMAS[name] === option && schemas.includes(name))
      if (called !== undefined) throw new TypeError(`${what}: ${option} is called ${called} here`)
      if (isValidator(value)) throw new TypeError(`${what}: there is no option ${stringify(option)} that is a schema${schemaOption(kind)}`)
      members.push(`${stringify(option)}:${memberText(`${what}: ${option}`, value)}`)
    }
  }
  return { definition: `{${members.join(',')}}`, policies }
}

/** How a schema of arguments is passed. */
function schemaOption(kind) {
  const option = kind === 'prompt' ? 'args' : KINDS[kind].schemas[0]
  return option === undefined ? '' : `: pass that of the arguments as { ${option}: schema }`
}

/** What is said of how a view is shown. */
const SHOWN = ['csp', 'permissions', 'domain', 'prefersBorder']

/** `definition` and `policies` of a view. */
function viewOf(what, uri, options) {
  if (!isObject(options)) throw new TypeError(`${what}: options must be an object`)
  const { listed, ...members } = options
  if (listed != null && typeof listed !== 'boolean') throw new TypeError(`${what}: listed must be a boolean`)
  const ui = {}
  for (const member of SHOWN) {
    if (members[member] != null) ui[member] = members[member]
    delete members[member]
  }
  if (Object.keys(ui).length > 0) members.ui = ui
  const { definition, policies } = entryOf('resource', what, uri, members)
  return { definition, policies: { ...policies, hidden: listed === false } }
}

/** The arguments of a prompt: names with what is said of each, or the properties of a schema. */
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
    if (type !== undefined && type !== 'string') throw new TypeError(`${what}: args: ${name} must be a string: prompts have no other arguments`)
    return { name, title, description, required: required.includes(name) }
  })
}

module.exports = { entryOf, memberText, tagsOf, viewOf }
