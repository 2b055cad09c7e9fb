// Retries: handlers that run again after they have failed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Server, ToolError } from '../../../bindings-node/index.mjs'
import { using } from '../support/client.mjs'

const ERAS = ['2025-11-25', '2026-07-28']
const server = () => new Server({ name: 'retried', log: () => {} })
const retry = { attempts: 3, backoff: 1 }

for (const revision of ERAS) {
  for (const kind of ['sync', 'async']) {
    test(`a handler that throws runs again: ${kind}, ${revision}`, () => {
      const app = server()
      let runs = 0
      const run = (failures) => {
        if (++runs <= failures) throw new Error(`down ${runs}`)
        return `run ${runs}`
      }
      let failures = 2
      const handler = kind === 'sync' ? () => run(failures) : async () => run(failures)
      app.tool('fetch', { idempotent: true, retry }, handler)
      return using(app, { revision }, async (client) => {
        assert.equal((await client.callTool('fetch')).text, 'run 3')
        runs = 0
        failures = 9
        await assert.rejects(client.callTool('fetch'), /down 3/)
        assert.equal(runs, 3)
      })
    })
  }
}

test('failed results are not retried, unless that is set', () => {
  const app = server()
  const runs = { plain: 0, counted: 0 }
  const fail = (name) => () => {
    runs[name]++
    throw new ToolError('down')
  }
  app.tool('plain', { idempotent: true, retry }, fail('plain'))
  app.tool('counted', { idempotent: true, retry: { ...retry, counts: ['failed'] } }, fail('counted'))
  return using(app, {}, async (client) => {
    for (const name of Object.keys(runs)) await assert.rejects(client.callTool(name), /down/)
    assert.deepEqual(runs, { plain: 1, counted: 3 })
  })
})

test('wrong policies are refused', () => {
  for (const [policies, why] of [
    [{ retry: 3 }, /a handler that may not run again cannot be retried: set idempotent/],
    [{ retry: 1, idempotent: true }, /retry must be an integer from 2, not 1/],
    [{ retry: { attempt: 3 }, idempotent: true }, /retry: there is no option "attempt"/]
  ]) {
    assert.throws(() => server().tool('x', policies, () => 'x'), why)
  }
})
