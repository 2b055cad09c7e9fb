// The server inside of node:http, Express, Fastify and fetch handlers.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { get, request } from 'node:http'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { Server } from '../../../bindings-node/index.mjs'
import { modern, post, serving, session } from '../support/http.mjs'
import { PACKAGE } from '../support/process.mjs'

// The frameworks are beside the interop tests' clients.
const require = createRequire(new URL('../../package.json', import.meta.url))
const number = { type: 'number' }
const input = { type: 'object', properties: { a: number, b: number }, required: ['a', 'b'] }
const add = { name: 'add', arguments: { a: 2, b: 3 } }
const text = ({ result }) => result.content[0].text
const initialize = {
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } }
}

function demo(options) {
  const app = new Server({ name: 'demo', ...options })
  app.tool('add', { input }, ({ a, b }) => a + b)
  app.tool('count', async (_, ctx) => {
    for (let i = 1; i < 4; i++) ctx.progress(i)
    return 'done'
  })
  app.tool('who', (_, ctx) => JSON.stringify(ctx.principal?.subject ?? null))
  return app
}

test('handlers that are for others than the server runs for are refused', async () => {
  const app = demo()
  const hosts = (...allowedHosts) => app.handler({ allowedHosts })
  const asked = (listener) => serving(listener, async (url) => (await fetch(url, { method: 'POST' })).status)
  assert.equal(await asked(hosts('a.example')), 415)
  // The same again, and one that names nothing.
  for (const listener of [hosts('a.example'), app.handler()]) assert.equal(await asked(listener), 415)
  for (const listener of [hosts(), hosts('b.example'), app.handler({ allowedOrigins: ['*'] }), app.handler({ allowedHeaders: ['x-a'] })]) {
    const told = (request, response) => listener(request, response, (error) => response.writeHead(418).end(error.code))
    assert.equal(await asked(told), 418)
    assert.equal(await asked(listener), 500)
  }
  await app.close()
  // Served once more, it is for whom that says.
  assert.equal(await asked(hosts('b.example')), 415)
  await app.close()
})

async function speaks(url) {
  assert.equal(text(await modern(url, 'tools/call', add)), '5')
  const request = await session(url)
  assert.equal(text(await request('tools/call', add)), '5')
  const params = { name: 'count', _meta: { progressToken: 1 } }
  const { headers, messages } = await post(url, { id: 9, method: 'tools/call', params }, request.headers)
  assert.equal(headers.get('content-type'), 'text/event-stream')
  assert.deepEqual(messages.map(({ method }) => method), [...Array(3).fill('notifications/progress'), undefined])
  const ended = await fetch(url, { method: 'DELETE', headers: request.headers })
  assert.equal(ended.status, 204)
  assert.equal((await post(url, { id: 10, method: 'ping' }, request.headers)).status, 404)
}

test('a server of node:http', async () => {
  const app = demo()
  await serving(app.handler(), speaks)
  await app.close()
  // The next request starts it again.
  await serving(app.handler(), speaks)
  await app.close()
})

for (const name of ['express', 'express4']) {
  const express = require(name)
  test(`${name}: before and behind what parses bodies`, async () => {
    for (const parsers of [[], [express.json()], [express.text({ type: '*/*' })], [express.raw({ type: '*/*' })]]) {
      const app = demo()
      const outer = express()
      if (parsers.length > 0) outer.use(parsers)
      outer.all('/mcp', app.handler())
      outer.use((_, response) => response.status(418).end())
      await serving(outer, async (url) => {
        await speaks(url)
        await speaks(`${url}/`)
        assert.equal((await fetch(url.replace('/mcp', '/tea'))).status, 418)
      })
      await app.close()
    }
  })

  test(`${name}: a body that nobody has any more is refused by name`, async () => {
    const app = demo()
    const outer = express()
    outer.use((request, _, next) => {
      request.on('end', next)
      request.resume()
    })
    outer.all('/mcp', app.handler())
    outer.use((error, _request, response, _next) => response.status(500).send(error.message))
    await serving(outer, async (url) => {
      const body = JSON.stringify({ jsonrpc: '2.0', ...initialize })
      const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
      assert.equal(response.status, 500)
      assert.match(await response.text(), /body of the request was read before/)
    })
    await app.close()
  })
}

test('what the head rules out is refused before the body is read', async () => {
  const app = demo()
  const json = { 'content-type': 'application/json' }
  const rows = [
    [{ 'content-type': 'text/plain' }, 415],
    [{ 'content-type': 'application/json; charset=latin1' }, 415],
    [{ ...json, 'content-encoding': 'gzip' }, 415],
    [{ ...json, accept: 'text/html' }, 406],
  ]
  for (const [headers, status] of rows) {
    let pulled = 0
    const body = new ReadableStream({
      pull(controller) {
        if (++pulled > 1000) controller.close()
        else controller.enqueue(new Uint8Array(1024).fill(32))
      },
    })
    const request = new Request('http://localhost/mcp', { method: 'POST', headers, body, duplex: 'half' })
    assert.equal((await app.fetch(request)).status, status, JSON.stringify(headers))
    assert.ok(pulled < 100, `${pulled} pieces were read`)
  }
  await serving(app.handler(), async (url) => {
    for (const [headers, status] of rows) {
      assert.equal((await fetch(url, { method: 'POST', headers, body: '{}' })).status, status)
    }
  })
  await app.close()
})

test('what the head rules out is refused although the body never comes', async () => {
  const app = demo()
  const json = { 'content-type': 'application/json' }
  const rows = [
    [{ 'content-type': 'text/plain', 'content-length': '5000000' }, 415],
    [{ ...json, 'accept': 'text/html', 'content-length': '65537' }, 406],
    [{ 'content-type': 'text/plain', 'content-length': '9', 'expect': '100-continue' }, 415],
    // Node's own parser accepts this one.
    [{ ...json, 'transfer-encoding': 'gzip, chunked' }, 400]
  ]
  await serving(app.handler(), async (url) => {
    for (const [headers, status] of rows) {
      const asked = request(url, { method: 'POST', headers })
      asked.flushHeaders()
      const [answer] = await once(asked, 'response')
      assert.deepEqual([answer.statusCode, answer.headers.connection], [status, 'close'], JSON.stringify(headers))
      asked.on('error', () => {}).destroy()
    }
    // What is fine is read to its end.
    const long = { ...add, _meta: { more: 'x'.repeat(100_000) } }
    assert.equal(text(await modern(url, 'tools/call', long)), '5')
    const pieces = JSON.stringify({ jsonrpc: '2.0', ...initialize }).match(/.{1,9}/g)
    const body = new ReadableStream({ pull: (to) => (pieces.length > 0 ? to.enqueue(Buffer.from(pieces.shift())) : to.close()) })
    const headers = { ...json, accept: 'application/json, text/event-stream' }
    assert.equal((await fetch(url, { method: 'POST', headers, body, duplex: 'half' })).status, 200)
  })
  for (const [headers, status] of rows) {
    const body = new ReadableStream({ pull: () => new Promise(() => {}) })
    const asked = new Request('http://localhost/mcp', { method: 'POST', headers, body, duplex: 'half' })
    assert.equal((await app.fetch(asked)).status, status, JSON.stringify(headers))
  }
  await app.close()
})

test('an address has a share', async () => {
  const app = new Server({ name: 'share', limits: { maxAddressCalls: 1 } })
  let open
  const gate = new Promise((resolve) => { open = resolve })
  let begin
  const begun = new Promise((resolve) => { begin = resolve })
  app.tool('wait', { input: { type: 'object' } }, async () => {
    begin()
    await gate
    return 'done'
  })
  const headers = {
    'content-type': 'application/json', accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'wait'
  }
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {}
  }
  const params = { name: 'wait', arguments: {}, _meta: meta }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  const call = (options) => app.fetch(new Request('http://localhost/mcp', { method: 'POST', headers, body }), options)
  const first = call({ address: '127.0.0.1' })
  await begun
  const refused = await call({ address: '::ffff:127.0.0.1' })
  assert.equal(refused.status, 429)
  assert.match((await refused.json()).error.message, /max_address_calls/)
  // What comes over a socket of this machine counts to the same address.
  await serving(app.handler(), async (url) => {
    assert.equal((await fetch(url, { method: 'POST', headers, body })).status, 429)
  })
  const others = [call({ address: '2001:db8::1' }), call()]
  await assert.rejects(call({ address: 'localhost' }), /IP address/)
  open()
  for (const response of [first, ...others]) assert.equal((await response).status, 200)
  await app.close()
})

test('Fastify', async () => {
  const app = demo()
  const outer = require('fastify')()
  outer.all('/mcp', app.handler())
  const url = await outer.listen({ port: 0, host: '127.0.0.1' })
  await speaks(`${url}/mcp`)
  await outer.close()
  await app.close()
})

test('headers that the application has set before stay, such as those that let pages of others read the answer', async () => {
  const app = demo()
  const listener = app.handler()
  const named = ['access-control-allow-origin', 'x-app']
  const told = async (url) => {
    for (const answer of [await post(url, initialize), await post(url, { id: 9 }, { 'content-type': 'text/plain' })]) {
      assert.deepEqual(named.map((name) => answer.headers.get(name)), ['https://app.example', '1, 2'])
    }
  }
  const express = require('express')()
  express.use((_, response, next) => {
    response.set('Access-Control-Allow-Origin', 'https://app.example').append('X-App', ['1', '2'])
    next()
  })
  await serving(express.all('/mcp', listener), told)

  const fastify = require('fastify')()
  fastify.addHook('onRequest', async (_, reply) => {
    reply.header('Access-Control-Allow-Origin', 'https://app.example').header('X-App', ['1', '2'])
  })
  fastify.all('/mcp', listener)
  try {
    await told(`${await fastify.listen({ port: 0, host: '127.0.0.1' })}/mcp`)
  } finally {
    await fastify.close()
  }

  const { Hono } = require('hono')
  const hono = new Hono()
  hono.use(async (context, next) => {
    context.res.headers.set('Access-Control-Allow-Origin', 'https://app.example')
    context.res.headers.set('X-App', '1, 2')
    await next()
  })
  hono.all('/mcp', (context) => app.fetch(context.req.raw))
  const real = globalThis.fetch
  globalThis.fetch = (url, options) => hono.fetch(new Request(url, options))
  try {
    await told('http://localhost/mcp')
  } finally {
    globalThis.fetch = real
  }
  await app.close()
})

test('fetch, as Hono calls it', async () => {
  const app = demo()
  const { Hono } = require('hono')
  const outer = new Hono().all('/mcp', (context) => app.fetch(context.req.raw))
  const real = globalThis.fetch
  globalThis.fetch = (url, options) => outer.fetch(new Request(url, options))
  try {
    await speaks('http://localhost/mcp')
  } finally {
    globalThis.fetch = real
  }
  await app.close()
})

test('a response of fetch is made as it is read, and ends with the signal', async () => {
  const app = demo()
  let began, ended
  const begun = new Promise((resolve) => (began = resolve))
  const over = new Promise((resolve) => (ended = resolve))
  app.tool('wait', async (_, ctx) => {
    ctx.progress(1)
    began()
    await once(ctx.signal, 'abort')
    ended()
  })
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
    progressToken: 1
  }
  const controller = new AbortController()
  const ask = (signal) =>
    new Request('http://localhost/mcp', {
      method: 'POST',
      signal,
      headers: {
        'content-type': 'application/json',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': 'wait'
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'wait', _meta: meta } })
    })
  const response = await app.fetch(ask(controller.signal))
  const reader = response.body.getReader()
  assert.match(Buffer.from((await reader.read()).value).toString(), /notifications\/progress/)
  await begun
  controller.abort()
  await over
  // Whoever stops reading is gone, too.
  const again = new Promise((resolve) => (ended = resolve))
  const other = await app.fetch(ask())
  await other.body.cancel()
  await again
  await app.close()
})

test('a stream begins before it says anything, and ends with the server', async () => {
  const app = demo()
  await serving(app.handler(), async (url) => {
    const { headers } = await session(url)
    const answer = await new Promise((resolve) =>
      get(url, { headers: { ...headers, accept: 'text/event-stream' } }, resolve)
    )
    assert.equal(answer.statusCode, 200)
    answer.resume()
    await Promise.all([once(answer, 'end'), app.close()])
    assert.equal(app.tools.size, 3)
  })
})

test('pages, hosts and principals', async () => {
  const app = demo()
  const principal = (request) => request.headers['x-user']
  const allowed = { allowedOrigins: ['https://app.example'], allowedHeaders: ['x-custom-auth'] }
  await serving(app.handler({ ...allowed, principal }), async (url) => {
    const asks = { origin: 'https://app.example', 'access-control-request-headers': 'x-custom-auth' }
    const preflight = await fetch(url, { method: 'OPTIONS', headers: asks })
    assert.match(preflight.headers.get('access-control-allow-headers'), /, x-custom-auth$/)
    const every = new Server({ name: 'every' })
    await serving(every.handler({ ...allowed, allowedHeaders: ['*'] }), async (url) => {
      const headers = { ...asks, 'access-control-request-headers': 'x-one,x-other' }
      const preflight = await fetch(url, { method: 'OPTIONS', headers })
      assert.match(preflight.headers.get('access-control-allow-headers'), /, x-one, x-other$/)
    })
    await every.close()
    const status = async (headers) => (await post(url, initialize, headers)).status
    assert.equal(await status({ origin: 'http://evil.example' }), 403)
    assert.equal(await status({ origin: 'https://app.example' }), 200)
    assert.equal(await status({ origin: 'http://localhost:6274' }), 200)
    const opened = await post(url, initialize, { 'x-user': 'ann' })
    const named = { 'mcp-session-id': opened.headers.get('mcp-session-id'), 'mcp-protocol-version': '2025-11-25' }
    const ping = async (user) => (await post(url, { id: 1, method: 'ping' }, { ...named, 'x-user': user })).status
    assert.deepEqual([await ping('ann'), await ping('bob')], [200, 404])
  })
  await app.close()
})

test('beside other transports, and what is wrong is named', async () => {
  const app = demo()
  const { url } = await app.listen({ http: 0, embedded: true })
  const request = await session(url)
  const same = new Request('http://localhost/mcp', {
    method: 'POST',
    headers: { ...request.headers, 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
  })
  assert.equal((await app.fetch(same)).status, 200)
  await assert.rejects(app.fetch(same), /body of the request was used|read before/)
  await app.close()
  // An empty list is the same as none.
  await app.listen({ http: 0, embedded: { allowedHosts: [] } })
  await serving(app.handler({ allowedHosts: [] }), async (url) => assert.equal(text(await modern(url, 'tools/call', add)), '5'))
  await app.close()
  await app.listen({ http: 0 })
  await assert.rejects(app.fetch(new Request('http://localhost/')), /pass embedded: true to listen/)
  await app.close()
  assert.throws(() => app.handler({ hosts: [] }), /no option "hosts"/)
  assert.throws(() => app.handler({ principal: 'ann' }), /principal must be a function/)
  await assert.rejects(app.fetch(new Request('http://localhost/'), { principal: 1 }), /principal must be a string/)
  await assert.rejects(app.listen({ embedded: { allowedHosts: ['http://x'] } }), /allowed hosts/)
})

test('it does not keep the process alive by itself', () => {
  const program = `
    import { Server } from ${JSON.stringify(PACKAGE)}
    const app = new Server({ name: 'demo' })
    app.fetch(new Request('http://localhost/mcp', { method: 'PUT' })).then(({ status }) => console.log(status))
  `
  const { stdout, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', timeout: 30_000 })
  assert.deepEqual([stdout.trim(), status], ['405', 0], stderr)
})

test('the example', async () => {
  const file = new URL('../../../examples/node/embedded/server.mjs', import.meta.url).pathname
  const child = spawn(process.execPath, [file], { env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = await once(child.stdout, 'data')
  const url = said.toString().trim().replace('listening ', '')
  assert.equal((await fetch(url.replace('/mcp', '/'))).status, 200)
  assert.equal(text(await modern(url, 'tools/call', { name: 'price', arguments: { product: 'tea' } })), '4.5')
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'exit'), [0, null])
})

for (const [maskErrors, masks] of [[undefined, true], [true, true], [false, false]]) {
  test(`exceptions are masked unless the program says otherwise: maskErrors ${maskErrors}`, async () => {
    const records = []
    const app = demo({ maskErrors, log: (record) => records.push(record) })
    app.tool('fails', () => { throw new Error('password is 1234') })
    await serving(app.handler(), async (url) => {
      const said = text(await modern(url, 'tools/call', { name: 'fails', arguments: {} }))
      if (masks) assert.doesNotMatch(said, /1234/)
      else assert.equal(said, 'password is 1234')
    })
    await app.close()
    const places = records.filter((record) => record.message.includes('other machines may reach'))
    assert.deepEqual(places.map(({ level }) => level), maskErrors === true ? [] : ['warn'])
  })
}

test('exceptions are not masked on a loopback address', async () => {
  const records = []
  const app = demo({ log: (record) => records.push(record) })
  app.tool('fails', () => { throw new Error('password is 1234') })
  const { url } = await app.listen({ http: '127.0.0.1:0' })
  assert.equal(text(await modern(url, 'tools/call', { name: 'fails', arguments: {} })), 'password is 1234')
  await app.close()
  assert.deepEqual(records.filter((record) => record.message.includes('other machines')), [])
})
