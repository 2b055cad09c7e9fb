// Sensitive operations: audit events, and calls that the user confirms.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Server, ToolError } from '../../../bindings-node/index.mjs'
import { using } from '../support/client.mjs'

const ERAS = ['2025-11-25', '2026-07-28']
const input = { type: 'object', properties: { amount: { type: 'number' }, card: { type: 'string' } }, required: ['amount'] }

function payments(options, policies) {
  const paid = []
  const app = new Server({ name: 'payments', log: () => {}, ...options })
  app.tool('pay', { input, ...policies }, ({ amount }) => {
    if (amount < 0) throw new ToolError('not this one')
    paid.push(amount)
    return `paid ${amount}`
  })
  return { app, paid }
}

/** Runs `use` with the path of a file that does not exist. */
async function withFile(use) {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-audit-'))
  try {
    return await use(join(folder, 'audit.jsonl'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const events = (file) => readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line))

for (const revision of ERAS) {
  test(`each call is recorded in ${revision}`, () => withFile(async (file) => {
    const { app } = payments({ audit: file }, { audit: ['amount'] })
    await using(app, { revision, principal: 'ada' }, async (client) => {
      assert.equal((await client.callTool('pay', { amount: 5, card: 'hunter2' })).text, 'paid 5')
      for (const amount of [-1, 'much']) await assert.rejects(client.callTool('pay', { amount, card: 'hunter2' }))
    })
    const recorded = events(file)
    assert.deepEqual(recorded.map(({ outcome }) => outcome), ['ok', 'failed', 'refused'])
    assert.deepEqual(recorded.map((event) => event.arguments), [{ amount: 5 }, { amount: -1 }, { amount: 'much' }])
    assert.ok(recorded.every(({ subject, name }) => subject === 'ada' && name === 'pay'))
    assert.ok(!readFileSync(file, 'utf8').includes('hunter2'))
    assert.equal(statSync(file).mode & 0o777, 0o600)
  }))

  test(`the user confirms in ${revision}`, () => withFile(async (file) => {
    const { app, paid } = payments({ audit: file }, { confirm: 'Pay the amount?', audit: true })
    const asked = []
    const elicit = ({ message }) => {
      asked.push(message)
      return {}
    }
    await using(app, { revision, elicit }, async (client) => {
      assert.equal((await client.callTool('pay', { amount: 5 })).text, 'paid 5')
    })
    assert.deepEqual([asked, paid], [['Pay the amount?'], [5]])
    await using(app, { revision, elicit: false }, (client) =>
      assert.rejects(client.callTool('pay', { amount: 6 }), /did not run: the user declined/))
    await using(app, { revision }, (client) =>
      assert.rejects(client.callTool('pay', { amount: 7 }), /needs the user's agreement/))
    assert.deepEqual(paid, [5])
    const refused = events(file).filter(({ outcome }) => outcome === 'refused')
    assert.deepEqual(refused.map(({ by }) => by), ['declined', 'client_capability'])
  }))
}

test('tools without the policy are not recorded', () => withFile(async (file) => {
  const { app } = payments({ audit: file }, {})
  await using(app, {}, (client) => client.callTool('pay', { amount: 5 }))
  // The start of the server has created it.
  assert.equal(readFileSync(file, 'utf8'), '')
}))

test('events go to the log', async () => {
  let heard
  const first = new Promise((resolve) => {
    heard = resolve
  })
  const { app } = payments({ log: heard, logLevel: 'error' }, { audit: true })
  await using(app, {}, (client) => client.callTool('pay', { amount: 5 }))
  const { level, message } = await first
  assert.deepEqual([level, JSON.parse(message).outcome], ['info', 'ok'])
})

test('a hook gets events', async () => {
  const { app } = payments({}, { audit: ['amount'] })
  let heard
  const first = new Promise((resolve) => {
    heard = resolve
  })
  app.on('audit', (event) => heard(event))
  await using(app, {}, async (client) => {
    await client.callTool('pay', { amount: 5, card: 'hunter2' })
    const event = await first
    assert.deepEqual([event.outcome, event.arguments, event.name], ['ok', { amount: 5 }, 'pay'])
    assert.ok(!JSON.stringify(event).includes('hunter2'))
  })
})

test('wrong values are refused', () => {
  assert.throws(() => payments({}, { audit: 'amount' }), /a boolean or an array of names of arguments/)
  assert.throws(() => payments({}, { confirm: '' }), /confirm must be a text of 1 to 2048 bytes/)
})

test('the example records what it refuses', () => withFile((file) => {
  const program = fileURLToPath(new URL('../../../examples/node/sensitive/server.mjs', import.meta.url))
  const messages = [
    {
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
    },
    { method: 'notifications/initialized' },
    { id: 1, method: 'tools/call', params: { name: 'transfer', arguments: { account: 'DE1', amount: 5 } } }
  ]
  const lines = messages.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join('')
  const { status, stdout } = spawnSync(process.execPath, [program, file], { input: lines, encoding: 'utf8', timeout: 20_000 })
  assert.equal(status, 0)
  assert.match(stdout, /needs the user's agreement/)
  const [event] = events(file)
  assert.deepEqual([event.arguments, event.by], [{ account: 'DE1' }, 'client_capability'])
}))
