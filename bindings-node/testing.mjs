import { createRequire } from 'node:module'

// Not by an import, which would have Node look for names in the text first.
const testing = createRequire(import.meta.url)('./testing.cjs')

export const { CallResult, Client, CompletionResult, PromptResult, ReadResult, storeOperation } = testing
