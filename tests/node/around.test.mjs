// What is around a request that the program hands over (stores of AsyncLocalStorage) is around its calls, and no others.

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Server } from '../../bindings-node/index.mjs'

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
