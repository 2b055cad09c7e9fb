// Caches: results that later calls get without a run of the handler.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Server, ToolError, image } from '../../../bindings-node/index.mjs'
import { using } from '../support/client.mjs'

const ERAS = ['2025-11-25', '2026-07-28']
const text = { type: 'string' }
const input = { type: 'object', properties: { key: text } }

const server = () => new Server({ name: 'cached', log: () => {} })

for (const revision of ERAS) {
  test(`a result is used again in ${revision}`, () => {
    const app = server()
    let runs = 0
    app.tool('count', { input, cache: 60_000, structured: true }, async ({ key }) => ({ key, run: ++runs }))
    return using(app, { revision }, async (client) => {
      const [first, again] = [await client.callTool('count', { key: 'a' }), await client.callTool('count', { key: 'a' })]
      assert.deepEqual(again.structured, { key: 'a', run: 1 })
      assert.deepEqual(again.content, first.content)
      assert.equal((await client.callTool('count', { key: 'b' })).structured.run, 2)
    })
  })
}

test('everything that a handler returns is used again', () => {
  const app = server()
  const ran = []
  const made = { text: 'é', bytes: Uint8Array.of(0, 255), image: image(Uint8Array.of(1), 'image/png'), json: { a: [1, null] } }
  app.tool('make', { input, cache: { ttl: 60_000, maxEntries: 10 } }, ({ key }) => {
    ran.push(key)
    return made[key]
  })
  app.resource('data:bytes', { cache: 60_000 }, () => {
    ran.push('resource')
    return Uint8Array.of(0, 255)
  })
  return using(app, {}, async (client) => {
    for (const key of Object.keys(made)) {
      const [first, again] = [await client.callTool('make', { key }), await client.callTool('make', { key })]
      assert.deepEqual(again.content, first.content)
    }
    const [first, again] = [await client.readResource('data:bytes'), await client.readResource('data:bytes')]
    assert.deepEqual(again.data, first.data)
    assert.deepEqual(ran, [...Object.keys(made), 'resource'])
  })
})

test('failures are not kept', () => {
  const app = server()
  let runs = 0
  app.tool('fail', { cache: 60_000 }, () => {
    throw new ToolError(`down ${++runs}`)
  })
  return using(app, {}, async (client) => {
    await assert.rejects(client.callTool('fail'), /down 1/)
    await assert.rejects(client.callTool('fail'), /down 2/)
  })
})

test('calls at the same time run once', () => {
  const app = server()
  let runs = 0
  let end
  app.tool('slow', { cache: 60_000 }, () => {
    runs++
    return new Promise((resolve) => (end = () => resolve('done')))
  })
  return using(app, {}, async (client) => {
    const calls = Array.from({ length: 20 }, () => client.callTool('slow'))
    while (!end) await new Promise(setImmediate)
    end()
    assert.deepEqual(new Set((await Promise.all(calls)).map((result) => result.text)), new Set(['done']))
    assert.equal(runs, 1)
  })
})

test('an old result answers calls that fail', () => {
  const app = server()
  let runs = 0
  app.tool('flaky', { cache: { ttl: 1, staleIfError: 60_000 } }, () => {
    if (++runs > 1) throw new Error('down')
    return 'works'
  })
  return using(app, {}, async (client) => {
    while (runs < 3) assert.equal((await client.callTool('flaky')).text, 'works')
  })
})

test('wrong caches are refused', () => {
  for (const [cache, why] of [
    [0, /cache must be a number of milliseconds above 0, not 0/],
    ['60', /cache must be a number of milliseconds above 0, or an object with ttl, not "60"/],
    [{ maxEntries: 5 }, /cache needs the member ttl/],
    [{ ttl: 1, size: 5 }, /cache: there is no option "size"/]
  ]) {
    assert.throws(() => server().tool('x', { cache }, () => 'x'), why)
  }
})
