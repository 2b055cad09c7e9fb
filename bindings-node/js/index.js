'use strict'

// The exports of the package. `scripts/bundle.mjs` makes one file of this file and all that it requires.
//
// server/    the class Server: listening, the end of servers and processes, requests of the program's own HTTP server, logging
// options/   the options of `new Server()`, `listen()`, pages and sockets, as the engine takes them; verifiers; the class Settings
// registry/  definitions and schemas of entries, JSON text of values, validators
// calls/     calls of handlers: batches from the engine, contexts, middleware, questions to the client; `results` encodes results
//            and thrown errors
// testing/   clients in the process of their server
const { Content, PromptMessage, ResourceContents, ToolResult, audio, file, image } = require('./calls/content')
const { ArgumentError, AskError, BreakerOpen, McpError, NotFound, Suspended, ToolError } = require('./errors')
const { Server } = require('./server/server')
const { Settings } = require('./options/settings')
const { apiKeys, introspection, jwt } = require('./options/verifiers')

const names = {
  ArgumentError,
  AskError,
  BreakerOpen,
  Content,
  McpError,
  NotFound,
  PromptMessage,
  ResourceContents,
  Server,
  Settings,
  Suspended,
  ToolError,
  ToolResult,
  apiKeys,
  audio,
  file,
  image,
  introspection,
  jwt
}

// Not an export of the package. `tenon-mcp/testing` gets its module here, so that both use the same classes.
Object.defineProperty(names, 'testing', {
  value: () => require('./testing/testing')
})

module.exports = names
