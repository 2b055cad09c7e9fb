'use strict'

// Validators of libraries (Standard Schema) around a handler. The engine checks arguments and results against the JSON Schema.
// Then the validator checks and converts them.

const { ToolResult, Typed, isBytes } = require('../calls/content')
const { ArgumentError } = require('../errors')
const { NotSerializable, isLong } = require('./json')
const { isValidator } = require('./schema')

/** The most issues in a message; the engine reports as many. */
const MAX_ISSUES = 3

/** The validator of a schema, a function that returns `{ value }` or `{ issues }`, or a promise of it; `undefined` without. */
function validatorOf(schema) {
  return isValidator(schema) ? (value) => schema['~standard'].validate(value) : undefined
}

/** `handler` with the validators of its arguments and its results around it; `boundsOf` says those of results, by the context. */
function withValidators(handler, { input, output }, what, boundsOf) {
  const checkResult = (args, ctx) => whenSettled(handler(args, ctx), (value) => validatedResult(output, value, what, boundsOf(ctx).size))
  const call = output === undefined ? handler : checkResult
  if (input === undefined) return call
  return (args, ctx) => whenSettled(input(args), (outcome) => call(acceptedValue(outcome, (text) => new ArgumentError(text)), ctx))
}

/** Calls `next` with the value, or with a promise's result. */
function whenSettled(value, next) {
  return typeof value?.then === 'function' ? Promise.resolve(value).then(next) : next(value)
}

/** The value as a validator returns it. Throws the error that `refuse` makes of its issues. */
function acceptedValue(outcome, refuse) {
  if (outcome.issues === undefined) return outcome.value
  throw refuse(reasons(outcome.issues))
}

/** A handler's result after its output schema was applied: to values, and to the structured content of whole results. */
function validatedResult(output, value, what, size) {
  // A result that is too long is refused later. A validator would examine every item first.
  if (isLong(value instanceof ToolResult ? value.structuredContent : value, size)) return value
  const refuse = (text) => new NotSerializable(`${what} returned a result that does not fit its output schema: ${text}`)
  if (value instanceof ToolResult) {
    if (value.structuredContent === undefined || value.isError) return value
    return whenSettled(output(value.structuredContent), (outcome) =>
      Object.assign(Object.create(ToolResult.prototype), value, { structuredContent: acceptedValue(outcome, refuse) })
    )
  }
  if (value instanceof Typed || isBytes(value) || (Array.isArray(value) && value.some((item) => item instanceof Typed))) return value
  return whenSettled(output(value), (outcome) => acceptedValue(outcome, refuse))
}

/** Issues in the form of the engine's messages: `/trip/seats: too many; …`. */
function reasons(issues) {
  const shown = Array.from(issues).slice(0, MAX_ISSUES).map(reason)
  const more = issues.length - shown.length
  return (shown.join('; ') || 'it does not conform to the schema') + (more > 0 ? `; and ${more} more` : '')
}

function reason({ message, path }) {
  const steps = Array.from(path ?? [], (step) => (typeof step === 'object' && step !== null ? step.key : step))
  const pointer = steps.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  return `${pointer || '(root)'}: ${message}`
}

module.exports = { acceptedValue, withValidators, validatorOf }
