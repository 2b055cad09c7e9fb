// The server as a process of its own, over stdio.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../dist/index.js', import.meta.url))
const clientInfo = { name: 'test', version: '1.0.0' }
const user = { name: 'Test User', email: 'test@example.com' }

test('stdio', () => {
  const messages = [
    { id: 1, method: 'initialize', params: { protocolVersion: '2024-11-05', capabilities: {}, clientInfo } },
    { method: 'notifications/initialized' },
    { id: 2, method: 'resources/read', params: { uri: 'custom://data/users' } },
    { id: 3, method: 'tools/call', params: { name: 'create_user', arguments: user } }
  ]
  const input = messages.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join('')
  const done = spawnSync(process.execPath, [program], { input, encoding: 'utf8', timeout: 60_000 })
  assert.equal(done.status, 0, done.stderr)
  const lines = done.stdout.trim().split('\n').map((line) => JSON.parse(line))
  const answers = new Map(lines.map(({ id, result }) => [id, result]))
  assert.equal(answers.get(1).protocolVersion, '2024-11-05')
  assert.equal(answers.get(1).serverInfo.name, 'my-mcp-server')
  assert.ok('users' in JSON.parse(answers.get(2).contents[0].text))
  assert.ok(answers.get(3).content[0].text.startsWith('Created user:'))
})
