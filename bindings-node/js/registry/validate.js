'use strict'

// Runs validators of libraries (Standard Schema) around a handler. First the engine checks arguments and results against the
// JSON Schema. Then the validator checks and converts them.

const { ToolResult, Typed, isBytes } = require('../calls/content')
const { ArgumentError } = require('../errors')
const { NotSerializable, isLong } = require('./json')
const { isValidator } = require('./schema')

/** The maximum number of issues in a message. The engine has the same limit. */
const MAX_ISSUES = 3

/** The validator of a schema: a function that returns `{ value }` or `{ issues }`, or a promise. `undefined` if it has none. */
function validatorOf(schema) {
  return isValidator(schema) ? (value) => schema['~standard'].validate(value) : undefined
}

/** `handler` with validators for its arguments and its results. `boundsOf` returns the bounds of results for a context. */
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

/** The value that a validator has returned. If there are issues, throws the error that `refuse` makes of them. */
function acceptedValue(outcome, refuse) {
  if (outcome.issues === undefined) return outcome.value
  throw refuse(reasons(outcome.issues))
}

/** Applies the output schema to a handler's result: to a value, or to the structured content of a whole result. */
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
