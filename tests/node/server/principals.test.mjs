// The function that finds the principal of a request of the program's own HTTP server.

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { request as httpRequest } from 'node:http'
import { test } from 'node:test'
import { Server } from '../../../bindings-node/index.mjs'
import { post, serving } from '../support/http.mjs'
import { envelope } from '../support/process.mjs'

const user = new AsyncLocalStorage()
const text = ({ result }) => result.content[0].text
const initialize = {
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } }
}

function demo(options) {
  const app = new Server({ name: 'demo', log: () => {}, ...options })
  app.tool('who', (_, ctx) => `${ctx.principal?.subject} ${user.getStore()}`)
  return app
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers() {
  const made = {}
  made.promise = new Promise((resolve) => {
    made.resolve = resolve
  })
  return made
}

/** A body that counts how often it was read. */
function countingRequest(init = {}) {
  const seen = { reads: 0 }
  const body = new ReadableStream(
    {
      pull(controller) {
        seen.reads++
        controller.enqueue(new TextEncoder().encode('{}'))
        controller.close()
      }
    },
    { highWaterMark: 0 }
  )
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-session-id': 'unknown',
    ...init.headers
  }
  const request = new Request('http://localhost/mcp', { method: 'POST', body, duplex: 'half', ...init, headers })
  return { request, seen }
}

/** The status and the error of a request that is refused before its body is read. */
async function refused(app, principal) {
  const { request, seen } = countingRequest()
  const response = await app.fetch(request, { principal })
  assert.equal(seen.reads, 0, 'the body was read')
  return { status: response.status, ...(await response.json()).error }
}

const failures = {
  sync: () => {
    throw new Error('the password is hunter2')
  },
  async: async () => {
    await null
    throw new Error('the password is hunter2')
  },
  thenable: () => ({ then: (_, reject) => reject(new Error('the password is hunter2')) })
}

for (const [maskErrors, masks] of [[undefined, true], [true, true], [false, false]]) {
  test(`what a function throws is for the log: maskErrors ${maskErrors}`, async () => {
    // Embedded requests do not keep the process alive.
    const alive = setInterval(() => {}, 1000)
    let records, reason
    const log = (record) => {
      records?.push(record)
      // The engine's own record.
      if (record.error === undefined && record.message.includes('hunter2')) reason.resolve()
    }
    const app = demo({ maskErrors, log })
    for (const [kind, principal] of Object.entries(failures)) {
      records = []
      reason = withResolvers()
      const { status, code, message } = await refused(app, principal)
      assert.deepEqual([status, code], [500, -32603], kind)
      assert.equal(message.includes('hunter2'), !masks, message)
      const errors = records.filter(({ level }) => level === 'error')
      assert.equal(errors.filter(({ error }) => error instanceof Error).length, 1, kind)
      await reason.promise
    }
    clearInterval(alive)
    await app.close()
  })
}

test('what is no principal is refused', async () => {
  const app = demo({ maskErrors: false })
  for (const wrong of [1, '', true, {}, Buffer.from('ann'), Symbol('ann'), () => 'ann']) {
    for (const principal of [() => wrong, async () => wrong]) {
      const { status, code, message } = await refused(app, principal)
      assert.deepEqual([status, code], [500, -32603])
      assert.match(message, /principal/)
    }
  }
  for (const principal of [1, true]) {
    await assert.rejects(
      app.fetch(countingRequest().request, { principal }),
      /principal must be a string, an object with the member subject or a function/
    )
  }
  await assert.rejects(app.fetch(countingRequest().request, { principal: {} }), /the principal has no member subject/)
  await app.close()
})

test('a function that never ends is given up', async () => {
  const app = demo({ limits: { storeTimeout: 50 } })
  let given
  const principal = (_, details) => {
    given = details
    return new Promise(() => {})
  }
  const lazy = await refused(app, principal)
  assert.deepEqual([lazy.status, lazy.code], [503, -32603])
  assert.match(lazy.message, /store_timeout/)
  assert.equal(given.signal.aborted, true)
  const reasons = []
  const aborting = (_, { signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(reasons.push(signal.reason.name))))
  assert.equal((await refused(app, aborting)).status, 503)
  assert.deepEqual(reasons, ['AbortError'])
  await app.close()
})

test('what the head refuses asks nobody', async () => {
  const app = demo()
  let asked = 0
  const principal = () => void asked++
  const status = async (init) => (await app.fetch(countingRequest(init).request, { principal })).status
  assert.equal(await status({ headers: { host: 'evil.example', origin: 'http://evil.example' } }), 403)
  assert.equal(await status({ method: 'PUT' }), 405)
  assert.equal(await status({ method: 'OPTIONS' }), 204)
  assert.equal(asked, 0)
  assert.equal(await status({ headers: { 'content-type': 'text/plain' } }), 415)
  assert.equal(asked, 1)
  await app.close()
})

const finders = {
  sync: ({ headers }) => {
    user.enterWith(headers['x-user'].toUpperCase())
    return headers['x-user']
  },
  async: async ({ headers }) => {
    await new Promise((resolve) => setTimeout(resolve, 20 - headers['x-user'].slice(4)))
    return headers['x-user']
  },
  'already resolved': async ({ headers }) => headers['x-user'],
  thenable: ({ headers }) => ({ then: (resolve) => setImmediate(resolve, headers['x-user']) })
}

for (const [kind, principal] of Object.entries(finders)) {
  test(`calls have the principal and the stores of their request: ${kind}`, async () => {
    const app = demo()
    const listener = app.handler({ principal })
    const within = (req, res) => user.run(`store of ${req.headers['x-user']}`, () => listener(req, res))
    await serving(within, async (url) => {
      const names = Array.from({ length: 20 }, (_, n) => `user${n}`)
      const named = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'who' }
      const message = { id: 1, method: 'tools/call', params: { name: 'who', arguments: {}, _meta: envelope() } }
      const ask = async (name) => text((await post(url, message, { ...named, 'x-user': name })).messages.at(-1))
      const expected = (name) => `${name} ${kind === 'sync' ? name.toUpperCase() : `store of ${name}`}`
      assert.deepEqual(await Promise.all(names.map(ask)), names.map(expected))
    })
    await app.close()
  })
}

test('sessions belong to what an async function returned', async () => {
  const app = demo()
  const principal = async ({ headers }) => {
    await null
    return headers['x-user']
  }
  await serving(app.handler({ principal }), async (url) => {
    const opened = await post(url, initialize, { 'x-user': 'ann' })
    const named = { 'mcp-session-id': opened.headers.get('mcp-session-id'), 'mcp-protocol-version': '2025-11-25' }
    const ping = async (more) => (await post(url, { id: 1, method: 'ping' }, { ...named, ...more })).status
    assert.deepEqual([await ping({ 'x-user': 'ann' }), await ping({ 'x-user': 'bob' }), await ping({})], [200, 404, 404])
  })
  await app.close()
})

test('a client that leaves ends the wait, and the body was not read', async () => {
  const app = demo()
  const { promise: begun, resolve: begin } = withResolvers()
  const { promise: aborted, resolve: abort } = withResolvers()
  const { promise: late, resolve: finish } = withResolvers()
  const principal = (req, { signal }) => {
    signal.addEventListener('abort', () => abort(req.readableDidRead))
    begin()
    return late
  }
  await serving(app.handler({ principal }), async (url) => {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    const asked = httpRequest(url, { method: 'POST', headers })
    asked.on('error', () => {})
    asked.write('{')
    await begun
    asked.destroy()
    assert.equal(await aborted, false)
    // What comes later has no effect.
    finish(7)
    await late
    // fetch() reports the same by its signal.
    const controller = new AbortController()
    const { request, seen } = countingRequest({ signal: controller.signal })
    const found = withResolvers()
    const answer = app.fetch(request, { principal: () => (found.resolve(), new Promise(() => {})) })
    await found.promise
    controller.abort()
    await assert.rejects(answer, { name: 'AbortError' })
    assert.equal(seen.reads, 0)
  })
  await app.close()
})

test('a refusal ends the connection, whose body was not read', async () => {
  const app = demo()
  const { promise: read, resolve } = withResolvers()
  const listener = app.handler({ principal: failures.async })
  const watched = (req, res) => {
    res.on('finish', () => resolve(req.readableDidRead))
    listener(req, res)
  }
  await serving(watched, async (url) => {
    const refused = await post(url, initialize)
    assert.deepEqual([refused.status, refused.headers.get('connection')], [500, 'close'])
    assert.equal(refused.messages[0].error.code, -32603)
    assert.equal(await read, false)
  })
  await app.close()
})
