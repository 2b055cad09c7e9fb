import { createRequire } from 'node:module'

// An import is not used, because Node would first search the text for the names of exports.
const require = createRequire(import.meta.url)
const load = () => {
  try {
    return require('./dist/tenon.cjs')
  } catch (error) {
    throw require('./unbuilt.cjs')(error)
  }
}

export const {
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
} = load()
