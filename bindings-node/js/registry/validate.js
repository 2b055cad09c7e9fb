'use strict'

// Validators of libraries (Standard Schema) around a handler: the engine checks arguments and results by the JSON Schema, the
// validator has its say besides, and makes of them what the program wants.

const { ToolResult, Typed, isBytes } = require('../calls/content')
const { ArgumentError } = require('../errors')
const { Unfit, isLong } = require('./json')
const { isValidator } = require('./schema')

/** Issues that are told; the engine tells as many. */
const TOLD = 3

/** The validator of a schema, a function that returns `{ value }` or `{ issues }`, or a promise of it; `undefined` without. */
function validatorOf(schema) {
  return isValidator(schema) ? (value) => schema['~standard'].validate(value) : undefined
}

/** `handler` with the validators of its arguments and its results around it; `boundsOf` says those of results, by the context. */
function validated(handler, { input, output }, what, boundsOf) {
  const judge = (args, ctx) => then(handler(args, ctx), (value) => judged(output, value, what, boundsOf(ctx).size))
  const call = output === undefined ? handler : judge
  if (input === undefined) return call
  return (args, ctx) => then(input(args), (said) => call(accepted(said, (text) => new ArgumentError(text)), ctx))
}

/** Without a promise where there is none. */
function then(value, next) {
  return typeof value?.then === 'function' ? Promise.resolve(value).then(next) : next(value)
}

/** What a validator made of a value; throws what `refuse` makes of its issues. */
function accepted(said, refuse) {
  if (said.issues === undefined) return said.value
  throw refuse(reasons(said.issues))
}

/** What a handler returned, where its schema speaks of it: values, and the structured content of whole results. */
function judged(output, value, what, size) {
  // It is refused as soon as it is to be sent; a validator would look at every item first.
  if (isLong(value instanceof ToolResult ? value.structuredContent : value, size)) return value
  const refuse = (text) => new Unfit(`${what} returned a result that does not fit its output: ${text}`)
  if (value instanceof ToolResult) {
    if (value.structuredContent === undefined || value.isError) return value
    return then(output(value.structuredContent), (said) =>
      Object.assign(Object.create(ToolResult.prototype), value, { structuredContent: accepted(said, refuse) })
    )
  }
  if (value instanceof Typed || isBytes(value) || (Array.isArray(value) && value.some((item) => item instanceof Typed))) return value
  return then(output(value), (said) => accepted(said, refuse))
}

/** Issues in the form of the engine's reasons: `/trip/seats: too many; …`. */
function reasons(issues) {
  const told = Array.from(issues).slice(0, TOLD).map(reason)
  const more = issues.length - told.length
  return (told.join('; ') || 'it does not conform') + (more > 0 ? `; and ${more} more` : '')
}

function reason({ message, path }) {
  const steps = Array.from(path ?? [], (step) => (typeof step === 'object' && step !== null ? step.key : step))
  const place = steps.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  return `${place || '(root)'}: ${message}`
}

module.exports = { accepted, validated, validatorOf }
