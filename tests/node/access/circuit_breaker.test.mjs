// Circuit breakers: calls are refused for a time after too many have failed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NotFound, Server, ToolError } from '../../../bindings-node/index.mjs'
import { using } from '../support/client.mjs'

const ERAS = ['2025-11-25', '2026-07-28']
const text = { type: 'string' }
const input = { type: 'object', properties: { api: text, how: text }, required: ['api'], additionalProperties: false }

function fetches(circuitBreaker) {
  const app = new Server({ name: 'fetches', log: () => {} })
  const ran = []
  app.tool('fetch', { input, circuitBreaker }, async ({ api, how }) => {
    ran.push(api)
    if (how === 'raise') throw new Error('down')
    if (how === 'fail') throw new ToolError('down')
    if (how === 'lost') throw new NotFound(api)
    return 'fetched'
  })
  return { app, ran }
}

/** How a call ends: with a text, with a failed result, or refused. */
async function call(client, how, api = 'a') {
  try {
    return (await client.callTool('fetch', { api, how: how ?? '' })).text
  } catch (error) {
    if (error instanceof ToolError) return 'failed'
    assert.ok(error.data.retryAfterMs > 0)
    return error.message
  }
}

for (const revision of ERAS) {
  test(`exceptions open the circuit in ${revision}`, () => {
    const breaker = { failures: 2, openFor: 3_600_000, by: 'arguments.api', text: '{api} is down for {wait} s.' }
    const { app, ran } = fetches(breaker)
    return using(app, { revision }, async (client) => {
      assert.deepEqual([await call(client, 'raise'), await call(client, 'raise')], ['failed', 'failed'])
      assert.match(await call(client), /a is down for 3600 s\./)
      assert.equal(await call(client, '', 'b'), 'fetched')
      assert.deepEqual(ran, ['a', 'a', 'b'])
    })
  })
}

test('a probe closes it', () =>
  using(fetches({ failures: 1, openFor: 1 }).app, {}, async (client) => {
    await call(client, 'raise')
    // The circuit has been open for long enough as soon as a call passes.
    for (let said = await call(client); said !== 'fetched'; said = await call(client)) {
      assert.match(said, /have failed, so none is made/)
    }
    assert.deepEqual([await call(client), await call(client)], ['fetched', 'fetched'])
  }))

for (const [counts, how, opens] of [
  [undefined, 'fail', false],
  [undefined, 'lost', false],
  [['failed'], 'fail', true],
  [['failed', 'errors', 'exceptions'], 'lost', false],
  [['failed'], 'raise', false],
  [['exceptions', 'failed'], 'raise', true]
]) {
  test(`${how} counts as declared by ${counts}`, () => {
    const { app, ran } = fetches({ failures: 1, counts })
    return using(app, {}, async (client) => {
      assert.equal(await call(client, how), 'failed')
      assert.equal((await call(client)) !== 'fetched', opens)
      assert.equal(ran.length, opens ? 1 : 2)
    })
  })
}

for (const [breaker, expected] of [
  [5, 'circuitBreaker must be an object, not 5'],
  [{ failures: 0 }, 'circuitBreaker.failures must be a positive integer, not 0'],
  [{ openFor: -1 }, 'circuitBreaker.openFor must be a number of milliseconds above 0, not -1'],
  [{ by: 'session' }, 'circuitBreaker.by: "session" has no circuits; the keys are entry and arguments.NAME'],
  [{ by: 'arguments.apy' }, 'there is no argument "apy"; the nearest name is "api"'],
  [{ counts: ['everything'] }, 'there is no failure "everything"'],
  [{ open_for: 1 }, 'there is no option "open_for"; the nearest name is "openFor"']
]) {
  test(`the breaker ${JSON.stringify(breaker)} is refused`, () => {
    assert.throws(() => fetches(breaker), (error) => {
      assert.ok(error.message.includes(expected), error.message)
      return true
    })
  })
}
