'use strict'

// Questions as the engine takes them: JSON text of their parameters. What is wrong is an `AskError` with code `invalid`.

const { PromptMessage } = require('./content')
const { AskError } = require('../errors')
const { encodeJson, unfit, wellFormed } = require('../registry/json')
const { BOUNDS, schemaText } = require('../registry/schema')

const { stringify } = JSON

function invalid(message) {
  return new AskError('invalid', message)
}

function string(what, value) {
  if (typeof value !== 'string') throw invalid(`${what} must be a string`)
  return value
}

function quote(text) {
  return wellFormed(stringify(text))
}

/** The JSON text of what a question hands over. */
function paramsText(what, value) {
  try {
    return wellFormed(encodeJson(value, what, BOUNDS))
  } catch (error) {
    throw invalid(unfit(what, error))
  }
}

function formParams(message, schema) {
  const text = quote(string('ctx.elicit: message', message))
  try {
    return `{"message":${text},"requestedSchema":${schemaText('ctx.elicit: schema', schema)}}`
  } catch (error) {
    throw invalid(error.message)
  }
}

function pageParams(what, message, url, options) {
  const { elicitationId } = options ?? {}
  const params = { message: string(`${what}: message`, message), url: String(url) }
  if (elicitationId !== undefined) params.elicitationId = string(`${what}: elicitationId`, elicitationId)
  return quote(params)
}

/** A string is a message of the user. */
function messageOf(message) {
  return typeof message === 'string' ? PromptMessage.user(message) : message
}

function sampleParams(messages, options) {
  const { key, meta, ...params } = options ?? {}
  const all = (Array.isArray(messages) ? messages : [messages]).map(messageOf)
  return paramsText('ctx.sample', { messages: all, ...params, _meta: meta })
}

/** The answer of the client's model. */
class Sampled {
  constructor(answer) {
    // What a client calls by a name that means something here, such as `text`, would take its place.
    for (const [name, value] of Object.entries(answer)) if (!(name in this)) this[name] = value
  }

  /** The text of its text blocks. */
  get text() {
    const blocks = Array.isArray(this.content) ? this.content : [this.content]
    return blocks.map((block) => (block.type === 'text' ? block.text : '')).join('')
  }
}

function sampled(answer) {
  return new Sampled(answer)
}

module.exports = { formParams, pageParams, sampleParams, sampled }
