// The server as clients see it, in this process.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { McpError, ToolError } from 'tenon-mcp'
import { Client } from 'tenon-mcp/testing'
import { makeServer } from '../dist/server.js'

/** @param {import('node:test').TestContext} t */
function connect(t) {
  const client = new Client(makeServer())
  t.after(() => client.close())
  return client
}

test('resources', async (t) => {
  const client = connect(t)
  const resources = await client.listResources()
  assert.equal(resources.length, 3)
  assert.ok(resources.some(({ uri }) => uri === 'custom://data/users'))
  const { data } = await client.readResource('custom://data/users')
  assert.equal(data.total, data.users.length)
  await assert.rejects(client.readResource('custom://data/nothing'), McpError)
})

test('users', async (t) => {
  const client = connect(t)
  const created = await client.callTool('create_user', { name: 'Test User', email: 'test@example.com' })
  assert.ok(created.text.startsWith('Created user:'))
  assert.deepEqual([created.data.id, created.data.role], [3, 'user'])
  const changed = await client.callTool('update_user', { user_id: 3, name: 'Other' })
  assert.deepEqual(changed.data.updated_fields, ['name'])
  assert.equal((await client.readResource('custom://data/users')).data.users.at(-1).name, 'Other')
  assert.equal((await client.callTool('delete_user', { user_id: 3 })).data.status, 'deleted')
  await assert.rejects(client.callTool('delete_user', { user_id: 3 }), ToolError)
})

const wrong = [
  { name: 'x' },
  { name: '', email: 'x@example.com' },
  { name: 'x', email: 'not an address' },
  { name: 'x', email: 'x@example.com', role: 'root' }
]
for (const values of wrong) {
  test(`no user: ${JSON.stringify(values)}`, async (t) => {
    const client = connect(t)
    await assert.rejects(client.callTool('create_user', values), ToolError)
    assert.equal((await client.readResource('custom://data/users')).data.total, 2)
  })
}

test('prompt', async (t) => {
  const client = connect(t)
  const { messages } = await client.getPrompt('analyze_data', { dataset: 'orders' })
  const [start, told] = messages[0].content.text.split(/(?<=dataset: )/)
  assert.equal(start, 'Analyze this dataset: ')
  assert.equal(JSON.parse(told).rows, 2)
  await assert.rejects(client.getPrompt('analyze_data', { dataset: 'nothing' }), /Unknown dataset/)
})
