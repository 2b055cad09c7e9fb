// Stores of AsyncLocalStorage around an embedded request are seen by its calls only.

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { setImmediate as turned, setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Server } from '../../../bindings-node/index.mjs'

const USERS = ['ann', 'bob', 'cleo']
const TOOLS = ['atOnce', 'later', 'changes']

function demo() {
  const user = new AsyncLocalStorage()
  const app = new Server({ name: 'demo' })
  const told = () => String(user.getStore())
  app.tool('atOnce', told)
  app.tool('later', async () => {
    await sleep(1)
    return told()
  })
  app.tool('changes', async () => {
    const before = told()
    user.enterWith('changed')
    await null
    return before
  })
  return { app, user }
}

function request(url, name) {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 't', version: '1' }
  }
  const params = { name, arguments: {}, _meta: meta }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': name
  }
  return new Request(url, { method: 'POST', headers, body })
}

/** Opens a session of 2025-11-25; what sends it a message. */
async function session(app) {
  const post = (message, more, signal) => {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...more }
    const body = JSON.stringify({ jsonrpc: '2.0', ...message })
    return app.fetch(new Request('http://localhost/mcp', { method: 'POST', headers, body, signal }))
  }
  const revision = '2025-11-25'
  const params = { protocolVersion: revision, capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const opened = await post({ id: 0, method: 'initialize', params })
  const named = { 'mcp-session-id': opened.headers.get('mcp-session-id'), 'mcp-protocol-version': revision }
  await opened.text()
  await (await post({ method: 'notifications/initialized' }, named)).text()
  return (message, signal) => post(message, named, signal)
}

const textOf = async (response) => (await response.json()).result.content[0].text

/** What each tool says to each user, all at once; `ask` sends a request of a user's. */
async function each(ask) {
  for (const tool of TOOLS) {
    for (let i = 0; i < 2; i++) {
      assert.deepEqual(await Promise.all(USERS.map((name) => ask(name, tool))), USERS, tool)
    }
  }
}

test('behind fetch', async () => {
  const { app, user } = demo()
  const ask = (name, tool) => user.run(name, async () => textOf(await app.fetch(request('http://localhost/mcp', tool))))
  await each(ask)
  await app.close()
  // Served once more.
  await each(ask)
  await app.close()
})

test('behind a server of node:http, and around middleware', async () => {
  const { app, user } = demo()
  const seen = []
  app.middleware('tool', async (ctx, next) => {
    seen.push(user.getStore())
    await sleep(1)
    return next()
  })
  const handler = app.handler()
  const server = createServer((req, res) => user.run(req.headers['x-user'], handler, req, res)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}/mcp`
  await each(async (name, tool) => {
    const asked = request(url, tool)
    asked.headers.set('x-user', name)
    return textOf(await fetch(asked))
  })
  assert.deepEqual(seen.sort(), USERS.flatMap((name) => Array(2 * TOOLS.length).fill(name)))
  server.closeAllConnections()
  server.close()
  await app.close()
})

test('what belongs to no request does not see the first one', async () => {
  const { app, user } = demo()
  const seen = []
  app.on('start', () => { seen.push(user.getStore()) })
  const ask = (tool) => app.fetch(request('http://localhost/mcp', tool)).then(textOf)
  assert.equal(await user.run('ann', () => ask('later')), 'ann')
  assert.equal(await ask('later'), 'undefined')
  await app.close()
  assert.deepEqual(seen, [undefined])
})

test('a call whose client has gone before it begins runs in what is around its request', async () => {
  const { app, user } = demo()
  const seen = []
  const clients = USERS.concat(USERS).map(() => new AbortController())
  app.tool('leaves', () => {
    seen.push(user.getStore())
    // The others are in the same batch, and go on without them, as sessions have it.
    for (const client of clients) client.abort()
  })
  const send = await session(app)
  const message = { method: 'tools/call', params: { name: 'leaves', arguments: {} } }
  const all = clients.map(({ signal }, at) => user.run('ann', () => send({ ...message, id: at + 1 }, signal)))
  await Promise.allSettled(all)
  await app.close()
  assert.ok(seen.length > 1)
  assert.deepEqual([...new Set(seen)], ['ann'])
})

test('a response from before another start is not one of another request', { timeout: 60_000 }, async () => {
  const app = new Server({ name: 'demo', limits: { drainTimeout: 1 } })
  let began
  const begun = new Promise((resolve) => (began = resolve))
  app.tool('old', (args, ctx) => {
    ctx.progress(1)
    began()
    return new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
  })
  app.tool('fresh', () => 'of another')
  const asked = request('http://localhost/mcp', 'old')
  const body = await asked.json()
  body.params._meta.progressToken = 1
  const old = app.fetch(new Request(asked.url, { method: 'POST', headers: asked.headers, body: JSON.stringify(body) }))
  await begun
  const stream = await old
  assert.match(stream.headers.get('content-type'), /event-stream/)
  // Nobody reads it meanwhile.
  await app.close()
  const fresh = app.fetch(request('http://localhost/mcp', 'fresh'))
  assert.doesNotMatch(await stream.text(), /of another/)
  assert.equal(await textOf(await fresh), 'of another')
  await app.close()
})

test('what is around a request is let go of with its calls', async () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc')
  const { app } = demo()
  const stores = new AsyncLocalStorage()
  const ask = (tool) => stores.run({}, async () => {
    const held = new WeakRef(stores.getStore())
    await textOf(await app.fetch(request('http://localhost/mcp', tool)))
    return held
  })
  const left = () => stores.run({}, async () => {
    const held = new WeakRef(stores.getStore())
    const gone = new Request(request('http://localhost/mcp', 'atOnce'), { signal: AbortSignal.abort() })
    await assert.rejects(app.fetch(gone, { principal: () => 'ann' }), { name: 'AbortError' })
    return held
  })
  const held = []
  for (let i = 0; i < 50; i++) held.push(await ask(TOOLS[i % TOOLS.length]), await left())
  // A thread of the engine may be the last to have a request; it is let go of with one that comes later.
  for (let i = 0; i < 1000 && held.some((one) => one.deref() !== undefined); i++) {
    await ask('atOnce')
    await turned()
    gc()
  }
  assert.deepEqual(held.filter((one) => one.deref() !== undefined), [])
  await app.close()
})
