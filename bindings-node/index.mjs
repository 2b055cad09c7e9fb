import { createRequire } from 'node:module'

// Not by an import, which would have Node look for names in the text first.
const tenon = createRequire(import.meta.url)('./dist/tenon.cjs')

export const {
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
} = tenon
