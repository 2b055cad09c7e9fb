// Rate limits: how many calls of an entry, and how many requests of a server, are admitted in a time.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Server } from '../../../bindings-node/index.mjs'
import { using } from '../support/client.mjs'
import { MemoryStore } from '../../stores/memory_store.mjs'

const ERAS = ['2025-11-25', '2026-07-28']
const HOUR = 3_600_000
const input = { type: 'object', properties: { city: { type: 'string' } }, additionalProperties: false }

function searches(rateLimit, settings) {
  const app = new Server({ name: 'searches', log: () => {}, ...settings })
  app.tool('search', { input, rateLimit }, () => 'found')
  return app
}

/** Which of these calls are refused. */
async function refused(client, calls) {
  const found = []
  for (const args of calls) {
    try {
      found.push((await client.callTool('search', args)).text !== 'found')
    } catch (error) {
      assert.equal(error.code, -32603)
      assert.match(error.message, /Too many calls: tool "search" takes/)
      assert.ok(error.data.retryAfterMs > 0)
      found.push(true)
    }
  }
  return found
}

for (const revision of ERAS) {
  for (const limit of ['2/h', { amount: 2, per: HOUR }, ['9/h', { amount: 2, per: HOUR, window: 'sliding' }]]) {
    test(`calls above the limit ${JSON.stringify(limit)} are refused in ${revision}`, () =>
      using(searches(limit), { revision }, async (client) => {
        assert.deepEqual(await refused(client, [{}, {}, {}, {}]), [false, false, true, true])
      }))
  }

  test(`a store of the program has the allowances in ${revision}`, () =>
    using(searches('2/h', { store: new MemoryStore() }), { revision }, async (client) => {
      assert.deepEqual(await refused(client, [{}, {}, {}]), [false, false, true])
    }))
}

test('callers and arguments have allowances of their own', async () => {
  const app = searches({ amount: 1, per: HOUR, by: ['principal', 'arguments.city'] })
  for (const principal of ['ann', 'ben']) {
    await using(app, { principal }, async (client) => {
      const cities = ['Rome', 'Oslo', 'Rome'].map((city) => ({ city }))
      assert.deepEqual(await refused(client, cities), [false, false, true])
    })
  }
})

test('a refusal can be a result with a text', () => {
  const limit = { amount: 1, per: 500, burst: 1, refusal: 'result', text: 'Wait {wait} s.' }
  return using(searches(limit), {}, async (client) => {
    await client.callTool('search', {})
    await assert.rejects(client.callTool('search', {}), /^ToolError: Wait 1 s\.$/)
  })
})

test('a request above the limit of the server is answered with 429', async () => {
  const app = searches(undefined, { rateLimit: { amount: 1, per: HOUR, by: 'address' } })
  const { url } = await app.listen({ http: '127.0.0.1:0' })
  const list = () =>
    fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/list'
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/list',
        params: {
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientCapabilities': {}
          }
        }
      })
    })
  try {
    assert.equal((await list()).status, 200)
    const reply = await list()
    assert.deepEqual([reply.status, reply.headers.get('retry-after')], [429, '3600'])
    assert.match((await reply.json()).error.message, /the server takes 1 request per hour for each address/)
  } finally {
    await app.close()
  }
})

for (const [limit, text] of [
  [5, 'rateLimit must be a string such as "60/min", an object with amount and per, or an array of these, not 5'],
  ['many', 'rateLimit: "many" is no rate'],
  [{ amount: 5 }, 'rateLimit needs the member per'],
  [{ amount: 0, per: 1 }, 'rateLimit.amount must be a positive integer, not 0'],
  [{ amount: NaN, per: 1 }, 'rateLimit'],
  [{ amount: 5, per: -1 }, 'rateLimit.per must be a number of milliseconds above 0, not -1'],
  [{ amount: 5, per: 1, by: 'user' }, 'rateLimit.by: there is no key "user"; the keys are global, entry,'],
  [{ amount: 5, per: 1, by: 'arguments.town' }, 'there is no argument "town"; the nearest name is "city"'],
  [{ amount: 5, per: 1, onStoreFailure: 'wait' }, 'rateLimit.onStoreFailure must be "refuse" or "pass", not "wait"'],
  [{ amount: 5, per: 1, on_store_failure: 'pass' }, 'there is no option "on_store_failure"']
]) {
  test(`the limit ${JSON.stringify(limit)} is refused`, () => {
    assert.throws(() => searches(limit), (error) => {
      assert.ok(error.message.includes(text), error.message)
      return true
    })
  })
}
