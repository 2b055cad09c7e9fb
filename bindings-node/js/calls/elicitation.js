'use strict'

// The parameters of questions as JSON text. Invalid parameters are an `AskError` with code `invalid`.

const { PromptMessage } = require('./content')
const { AskError } = require('../errors')
const { encodeJson, describeFailure, wellFormed } = require('../registry/json')
const { BOUNDS, schemaText } = require('../registry/schema')

const { stringify } = JSON

function invalidQuestion(message) {
  return new AskError('invalid', message)
}

function string(what, value) {
  if (typeof value !== 'string') throw invalidQuestion(`${what} must be a string`)
  return value
}

function quote(text) {
  return wellFormed(stringify(text))
}

/** The parameters of a question as JSON text. */
function paramsText(what, value) {
  try {
    return wellFormed(encodeJson(value, what, BOUNDS))
  } catch (error) {
    throw invalidQuestion(describeFailure(what, error))
  }
}

function formParams(message, schema) {
  const text = quote(string('ctx.elicit: message', message))
  try {
    return `{"message":${text},"requestedSchema":${schemaText('ctx.elicit: schema', schema)}}`
  } catch (error) {
    throw invalidQuestion(error.message)
  }
}

function pageParams(what, message, url, options) {
  const { elicitationId } = options ?? {}
  const params = { message: string(`${what}: message`, message), url: String(url) }
  if (elicitationId !== undefined) params.elicitationId = string(`${what}: elicitationId`, elicitationId)
  return quote(params)
}

/** A message; a string is a message of the user. */
function messageOf(message) {
  return typeof message === 'string' ? PromptMessage.user(message) : message
}

function sampleParams(messages, options) {
  const { key, meta, ...params } = options ?? {}
  const list = (Array.isArray(messages) ? messages : [messages]).map(messageOf)
  return paramsText('ctx.sample', { messages: list, ...params, _meta: meta })
}

/** The answer of the client's model. */
class Sampled {
  constructor(answer) {
    // A member of the client's answer must not replace a member of this class, such as `text`.
    for (const [name, value] of Object.entries(answer)) if (!(name in this)) this[name] = value
  }

  /** The text of its text blocks. */
  get text() {
    const blocks = Array.isArray(this.content) ? this.content : [this.content]
    return blocks.map((block) => (block.type === 'text' ? block.text : '')).join('')
  }
}

function readSample(answer) {
  return new Sampled(answer)
}

module.exports = { formParams, pageParams, sampleParams, readSample }
