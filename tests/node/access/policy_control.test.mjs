// The policies of entries while the server runs.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Server } from '../../../bindings-node/index.mjs'
import { Client } from '../../../bindings-node/testing.mjs'

const input = { type: 'object', properties: { key: { type: 'string' } } }

async function using(policies, use) {
  const app = new Server({ name: 'controlled', log: () => {} })
  let runs = 0
  app.tool('count', { input, ...policies }, ({ key }) => {
    runs++
    if (key === 'throw') throw new Error('down')
    return String(runs)
  })
  const client = new Client(app)
  try {
    const call = async (key = '') => (await client.callTool('count', { key })).text
    return await use(app.policies, call)
  } finally {
    await client.close()
  }
}

test('what applies is shown', () => {
  const circuitBreaker = { failures: 1, by: 'arguments.key' }
  const policies = { cache: { ttl: 60_000, public: true }, rateLimit: '5/min', maxConcurrency: 2, circuitBreaker }
  return using(policies, async (control, call) => {
    await call()
    await assert.rejects(call('throw'))
    const shown = control.of('tool', 'count')
    assert.deepEqual(shown.policies.cache, { ttl: 60_000, public: true })
    assert.deepEqual(shown.switchedOff, [])
    assert.deepEqual(shown.state, {
      maxConcurrency: { running: 0, waiting: 0 },
      circuitBreaker: { circuits: 1, open: 1 },
      cache: { entries: 1, bytes: 195 },
      rateLimit: [{ limit: '5 calls per minute', left: 3 }]
    })
    assert.equal(control.of('tool', 'nothing'), undefined)
  })
})

test('policies change while the server runs', () =>
  using({ cache: 60_000 }, async (control, call) => {
    assert.deepEqual([await call(), await call()], ['1', '1'])
    control.change('tool', 'count', { cache: null, rateLimit: { amount: 1, per: 3_600_000 } })
    assert.equal(await call(), '2')
    await assert.rejects(call(), /Too many calls/)
    control.disable('tool', 'count', 'rateLimit')
    assert.equal(await call(), '3')
    assert.deepEqual(control.of('tool', 'count').switchedOff, ['rateLimit'])
    control.enable('tool', 'count', 'rateLimit')
    await assert.rejects(call(), /Too many calls/)
    control.clear('tool', 'count')
    assert.equal(await call(), '4')
    control.change('tool', 'count', { cache: 60_000, rateLimit: null })
    assert.deepEqual([await call(), await call()], ['5', '5'])
    control.clear('tool', 'count', 'cache')
    assert.equal(await call(), '6')
  }))

test('wrong changes are refused', () =>
  using({ cache: 60_000 }, async (control) => {
    const before = control.of('tool', 'count')
    for (const [policies, why] of [
      [{ rateLimit: 'fast' }, /"fast" is no rate/],
      [{ rateLimits: '1/s' }, /there is no option "rateLimits"; the nearest name is "rateLimit"/],
      [{ scopes: ['a'] }, /scopes cannot change while the server runs/],
      [{ retry: 3 }, /a handler that may not run again cannot be retried/],
      [undefined, /policies must be an object, not null/]
    ]) {
      assert.throws(() => control.change('tool', 'count', policies), why)
      assert.deepEqual(control.of('tool', 'count'), before)
    }
    assert.throws(() => control.change('tool', 'nothing', {}), /there is no tool "nothing"/)
    assert.throws(() => control.disable('tool', 'count', 'caches'), /there is no option "caches"/)
  }))
