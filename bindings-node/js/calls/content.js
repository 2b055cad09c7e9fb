'use strict'

// The classes for results that a plain value cannot express: content blocks, messages, contents of resources, whole results.
// Their members are those of the protocol, so they are sent as they are.

const { constants } = require('node:buffer')
const { types } = require('node:util')
const { checkNames } = require('../options/options')

/** The base of these classes. A value is recognised by its class, never by its shape. */
class Typed {
  constructor(members) {
    for (const [name, value] of Object.entries(members)) if (value !== undefined) this[name] = value
  }
}

function isBytes(value) {
  return types.isUint8Array(value) || types.isAnyArrayBuffer(value)
}

/** Bytes as base64 text; a string must be base64 already. */
function base64(what, data) {
  if (typeof data === 'string') return data
  if (!isBytes(data)) throw new TypeError(`${what} must be bytes or their base64 text`)
  return Buffer.from(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength).toString('base64')
}

function text(what, value) {
  if (typeof value !== 'string') throw new TypeError(`${what} must be a string`)
  return value
}

/** The options of a block, with the protocol's names. */
function optionMembers({ meta, ...options } = {}) {
  return meta === undefined ? options : { ...options, _meta: meta }
}

/** One content block. */
class Content extends Typed {
  static text(value, options) {
    return new Content({ type: 'text', text: text('Content.text: text', value), ...optionMembers(options) })
  }

  static image(data, mimeType, options) {
    return media('image', data, mimeType, options)
  }

  static audio(data, mimeType, options) {
    return media('audio', data, mimeType, options)
  }

  static link(uri, name, options) {
    const members = { uri: text('Content.link: uri', uri), name: text('Content.link: name', name) }
    return new Content({ type: 'resource_link', ...members, ...optionMembers(options) })
  }

  static resource(contents, options) {
    if (!(contents instanceof ResourceContents)) {
      throw new TypeError('Content.resource: contents must be ResourceContents')
    }
    if (contents.uri === undefined) throw new TypeError('Content.resource: contents must have a uri')
    return new Content({ type: 'resource', resource: contents, ...optionMembers(options) })
  }
}

function media(type, data, mimeType, options) {
  const members = { data: base64(`${type}: data`, data), mimeType: text(`${type}: mimeType`, mimeType) }
  return new Content({ type, ...members, ...optionMembers(options) })
}

/** The contents of a resource, or a part of them. */
class ResourceContents extends Typed {
  constructor(data, options = {}) {
    checkNames('ResourceContents', options, ['uri', 'mimeType', 'meta'])
    const { uri, mimeType, meta } = options
    const contents = typeof data === 'string' ? { text: data } : { blob: base64('ResourceContents: data', data) }
    super({ uri, mimeType, ...contents, _meta: meta })
  }
}

/** A file as content: text, or bytes. */
function file(uri, data, mimeType, options) {
  return Content.resource(new ResourceContents(data, { uri: text('file: uri', uri), mimeType }), options)
}

/** One message of a prompt, or for the client's model. */
class PromptMessage extends Typed {
  constructor(role, content) {
    super({ role: text('PromptMessage: role', role), content: blockOf(content) })
  }

  static user(content) {
    return new PromptMessage('user', content)
  }

  static assistant(content) {
    return new PromptMessage('assistant', content)
  }
}

/** The maximum number of blocks of a result. The text of more blocks would exceed the maximum length of a string. */
const MAX_BLOCKS = Math.floor(constants.MAX_STRING_LENGTH / '{"type":"text","text":""}'.length)

function blockOf(content) {
  // A longer array stays as it is and is refused later. It may have hundreds of millions of items.
  if (Array.isArray(content)) return content.length > MAX_BLOCKS ? content : content.map(blockOf)
  return typeof content === 'string' ? Content.text(content) : content
}

/** A tool's whole result. */
class ToolResult extends Typed {
  constructor(result = {}) {
    if (typeof result !== 'object' || result === null) throw new TypeError('ToolResult: the argument must be an object, such as { content }')
    checkNames('ToolResult', result, ['content', 'structuredContent', 'isError', 'meta'])
    const { content, structuredContent, isError, meta } = result
    const blocks = content === undefined || Array.isArray(content) ? content : [content]
    super({ content: blocks && blockOf(blocks), structuredContent, isError, _meta: meta })
  }
}

module.exports = {
  Content,
  PromptMessage,
  ResourceContents,
  ToolResult,
  Typed,
  audio: Content.audio,
  file,
  image: Content.image,
  isBytes
}
