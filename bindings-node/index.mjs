import { createRequire } from 'node:module'

// Not by an import, which would have Node look for names in the text first.
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
} = load()
