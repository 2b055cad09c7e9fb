// Clients that leave, at the program's own HTTP server.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Server } from '../../../bindings-node/index.mjs'
import { modern, serving } from '../support/http.mjs'

test('a client that goes away cancels its call', async () => {
  const app = new Server({ name: 'demo' })
  let ended
  const over = new Promise((resolve) => (ended = resolve))
  app.tool('wait', async (_, ctx) => {
    ctx.progress(1)
    await once(ctx.signal, 'abort')
    ended()
  })
  await serving(app.handler(), async (url) => {
    const controller = new AbortController()
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
      progressToken: 1
    }
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'wait', _meta: meta } }
    const headers = {
      'content-type': 'application/json',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'wait'
    }
    await fetch(url, { method: 'POST', headers, body: JSON.stringify(message), signal: controller.signal })
    controller.abort()
    await over
  })
  await app.close()
})

test('a client that left before the handler ran holds no place', async () => {
  const app = new Server({ name: 'demo', limits: { maxConnections: 1 } })
  app.tool('yes', () => true)
  const handler = app.handler()
  const client = new AbortController()
  let handled
  const late = new Promise((resolve) => (handled = resolve))
  const parsing = async (req, res) => {
    const pieces = []
    for await (const piece of req) pieces.push(piece)
    req.body = Buffer.concat(pieces)
    if (req.headers['x-late'] !== undefined) {
      const closed = once(res, 'close')
      client.abort()
      await closed
    }
    handler(req, res)
    handled()
  }
  await serving(parsing, async (url) => {
    const request = { method: 'POST', body: '{}', headers: { 'x-late': '1' }, signal: client.signal }
    await assert.rejects(fetch(url, request), { name: 'AbortError' })
    await late
    const { result } = await modern(url, 'tools/call', { name: 'yes', arguments: {} })
    assert.equal(result.content[0].text, 'true')
  })
  await app.close()
})
