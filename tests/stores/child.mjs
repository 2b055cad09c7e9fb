// Runs operations, one per line of the input, on a store in JavaScript through a server. For core/tests/stores.

import { createInterface } from 'node:readline'
import { Server } from '../../bindings-node/index.mjs'
import { Client, storeOperation } from '../../bindings-node/testing.mjs'
import { MemoryStore } from './memory_store.mjs'

let now = 0
const store = new MemoryStore(() => now)
const later = { submit: async (op) => store.submit(op) }
const app = new Server({ name: 'child', store: process.argv.includes('async') ? later : store })
const client = new Client(app)
await client.open()

const withBytes = (name, value) => (typeof value?.base64 === 'string' ? new Uint8Array(Buffer.from(value.base64, 'base64')) : value)
const withText = (value) => {
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return value.map(withText)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withText(part)]))
}

for await (const text of createInterface({ input: process.stdin })) {
  const line = JSON.parse(text, withBytes)
  if (line.pass !== undefined) {
    now += line.pass
    continue
  }
  const reply = storeOperation(app, line.op)
  reply.then((reply) => process.stdout.write(`${JSON.stringify({ id: line.id, reply: withText(reply) })}\n`))
}
await client.close()
