'use strict'

// What the package exports. `scripts/bundle.mjs` makes one file of this one and all that it needs.
const { Content, PromptMessage, ResourceContents, ToolResult, audio, file, image } = require('./content')
const { AskError, McpError, NotFound, Suspended, ToolError } = require('./errors')
const { Server } = require('./server')

module.exports = {
  AskError,
  Content,
  McpError,
  NotFound,
  PromptMessage,
  ResourceContents,
  Server,
  Suspended,
  ToolError,
  ToolResult,
  audio,
  file,
  image
}
