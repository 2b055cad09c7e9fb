import assert from 'node:assert/strict'
import { test } from 'node:test'
import { McpError, Server } from 'tenon-mcp'
import { Client } from 'tenon-mcp/testing'

const app = new Server({ name: 'demo' })
const input = { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } } }
app.tool('divide', { input }, ({ a, b }) => {
  if (b === 0) throw new McpError(-1, 'Division by zero')
  return a / b
})
app.tool('greet', async (_, ctx) => {
  const form = { type: 'object', properties: { name: { type: 'string' } } }
  const { content } = await ctx.elicit('Who are you?', form)
  return `Hello ${content.name}`
})

test('divide and greet', async () => {
  const client = new Client(app, { elicit: { name: 'Ada' } })
  assert.equal((await client.callTool('divide', { a: 16, b: 2 })).data, 8)
  await assert.rejects(client.callTool('divide', { a: 1, b: 0 }), { code: -1 })
  assert.equal((await client.callTool('greet')).text, 'Hello Ada')
  await client.close()
})
