'use strict'

// What the package exports. `scripts/bundle.mjs` makes one file of this one and all that it needs.
const { Content, PromptMessage, ResourceContents, ToolResult, audio, file, image } = require('./calls/content')
const { ArgumentError, AskError, McpError, NotFound, Suspended, ToolError } = require('./errors')
const { Server } = require('./server/server')

const names = {
  ArgumentError,
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

// Not among the names of the package: `tenon-mcp/testing` has it from here, so that both are one set of classes.
Object.defineProperty(names, 'testing', {
  value: () => require('./testing/testing')
})

module.exports = names
