// The hooks `start` and `stop`: before the first call, after the last.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { Server } from '../../../bindings-node/index.mjs'
import { Client } from '../../../bindings-node/testing.mjs'

/** A server that notes its start and its stop. */
function noted(seen, name, options = {}) {
  const app = new Server({ name, ...options })
  app.on('start', async () => {
    await null
    seen.push(`${name} start`)
  })
  app.on('stop', () => {
    seen.push(`${name} stop`)
  })
  return app
}

test('they run around all calls, once each time it is served', async () => {
  const seen = []
  const app = noted(seen, 'own')
  app.tool('work', () => {
    seen.push('work')
    return 'done'
  })
  for (const before of [0, 3]) {
    const client = await new Client(app).open()
    assert.equal(seen.length, before + 1)
    assert.equal((await client.callTool('work')).text, 'done')
    await client.close()
    assert.deepEqual(seen.slice(before), ['own start', 'work', 'own stop'])
  }
})

test('who listens meanwhile is refused, and does not disturb it', async () => {
  const app = new Server({ name: 'own' })
  let go
  app.on('start', () => new Promise((resolve) => (go = resolve)))
  const listens = app.listen('127.0.0.1:0')
  await assert.rejects(app.listen('127.0.0.1:0'), { code: 'TENON_STATE' })
  while (go === undefined) await turn()
  go()
  assert.match((await listens).url, /^http/)
  await app.close()
})

test('an end that is past stays so where the server cannot listen again', async () => {
  const app = new Server({ name: 'own' })
  await app.listen('127.0.0.1:0')
  await app.close()
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  await assert.rejects(app.listen(other.address().port), { code: 'TENON_ADDRESS' })
  await app.closed
  other.close()
})

test('a start that fails is named, and nothing is served', async () => {
  const seen = []
  const app = new Server({ name: 'own' })
  app.on('start', async () => {
    await null
    throw new Error('no database')
  })
  app.on('stop', () => {
    seen.push('stop')
  })
  app.tool('work', () => 'done')
  const failure = { code: 'TENON_START', message: 'hook "start" failed: no database' }
  await assert.rejects(app.listen('127.0.0.1:0'), failure)
  await assert.rejects(new Client(app).callTool('work'), failure)
  await app.closed
  assert.deepEqual(seen, [])
  // Once its cause is gone the server starts.
  assert.ok(app.remove('hook', 'start'))
  const { url } = await app.listen('127.0.0.1:0')
  assert.match(url, /^http/)
  await app.close()
})

test('one that takes too long fails, too', async () => {
  const app = new Server({ name: 'own', limits: { startTimeout: 30 } })
  app.on('start', () => new Promise(() => {}))
  await assert.rejects(app.listen('127.0.0.1:0'), { message: 'hook "start" timed out after 30 ms' })
})

test('calls wait for it, lists do not', async () => {
  const seen = []
  const app = new Server({ name: 'own', limits: {} })
  let entered
  let go
  const inside = new Promise((resolve) => {
    entered = resolve
  })
  const gate = new Promise((resolve) => {
    go = resolve
  })
  app.on('start', async () => {
    entered()
    await gate
    seen.push('start')
  })
  app.tool('work', () => {
    seen.push('work')
    return 'done'
  })
  // Started by the first request.
  const server = createServer(app.handler())
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${server.address().port}/mcp`
  const request = async (method, params) => {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {}
    }
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(params.name && { 'mcp-name': params.name })
    }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } })
    return (await fetch(url, { method: 'POST', headers, body })).json()
  }
  const call = request('tools/call', { name: 'work', arguments: {} })
  await inside
  assert.equal((await request('tools/list', {})).result.tools[0].name, 'work')
  assert.deepEqual(seen, [])
  go()
  assert.equal((await call).result.content[0].text, 'done')
  assert.deepEqual(seen, ['start', 'work'])
  await app.close()
  server.close()
  server.closeAllConnections()
})

test('mounted servers start and stop along', async () => {
  const seen = []
  const outer = noted(seen, 'outer')
  outer.mount(noted(seen, 'inner'), 'in')
  await outer.listen('127.0.0.1:0')
  await outer.close()
  assert.deepEqual(seen, ['outer start', 'inner start', 'inner stop', 'outer stop'])
})

test('a server that is mounted while the other one is served starts and stops along', async () => {
  const seen = []
  const outer = noted(seen, 'outer')
  outer.tool('own', () => 'own')
  const client = await new Client(outer).open()
  const inner = new Server({ name: 'inner' })
  let go
  const gate = new Promise((resolve) => (go = resolve))
  inner.on('start', async () => {
    await gate
    seen.push('inner start')
  })
  inner.on('stop', () => {
    seen.push('inner stop')
  })
  inner.tool('work', () => {
    seen.push('work')
    return 'done'
  })
  outer.mount(inner, 'in')
  const call = client.callTool('in_work')
  // Others do not wait for it.
  assert.equal((await client.callTool('own')).text, 'own')
  assert.deepEqual(seen, ['outer start'])
  go()
  assert.equal((await call).text, 'done')
  const bad = new Server({ name: 'bad' })
  bad.on('start', () => {
    throw new Error('no')
  })
  bad.tool('work', () => 'never')
  outer.mount(bad, 'bad')
  await assert.rejects(client.callTool('bad_work'), /has not started/)
  assert.equal((await client.callTool('own')).text, 'own')
  await client.close()
  assert.deepEqual(seen, ['outer start', 'inner start', 'work', 'inner stop', 'outer stop'])
})

test('servers that are mounted later do not wait for each other', { timeout: 30_000 }, async () => {
  const outer = new Server({ name: 'outer' })
  const client = await new Client(outer).open()
  const [x, y, z] = ['x', 'y', 'z'].map((name) => {
    const server = new Server({ name })
    server.tool('work', () => name)
    return server
  })
  x.on('start', () => {})
  let go, enter
  const gate = new Promise((resolve) => (go = resolve))
  const entered = new Promise((resolve) => (enter = resolve))
  y.on('start', async () => {
    enter((await client.callTool('x_work')).text)
    await gate
  })
  outer.mount(x, 'x')
  outer.mount(y, 'y')
  const last = client.callTool('y_work')
  assert.equal(await entered, 'x')
  assert.equal((await client.callTool('x_work')).text, 'x')
  outer.mount(z, 'z')
  assert.equal((await client.callTool('z_work')).text, 'z')
  go()
  assert.equal((await last).text, 'y')
  await client.close()
})

test('who closes during the start cuts it off', async () => {
  const app = new Server({ name: 'own' })
  app.on('start', () => sleep(60_000, undefined, { ref: false }))
  const listening = app.listen('127.0.0.1:0')
  await app.close()
  await listening
})
