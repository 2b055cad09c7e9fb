// Fixed pages at the server's HTTP address.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Server } from '../../../bindings-node/index.mjs'

const PAGE = '<!doctype html><title>Grüße</title>'

/** Runs `use` while `app` listens. */
async function listening(app, options, use) {
  const urls = await app.listen(options)
  try {
    return await use(urls)
  } finally {
    await app.close()
  }
}

/** Status, headers and body of an answer. `node:http`, because `fetch` says the host itself. */
function ask(where, { path = '/', method = 'GET', ...headers } = {}) {
  const { hostname, port } = where.startsWith('/') ? {} : new URL(where)
  const target = port ? { hostname, port } : { socketPath: where }
  return new Promise((resolve, reject) => {
    const asked = request({ ...target, path, method, headers, agent: false }, async (answer) => {
      const body = Buffer.concat(await answer.toArray())
      resolve({ status: answer.statusCode, headers: answer.headers, body })
    })
    asked.on('error', reject).end()
  })
}

test('a page is answered where MCP is', async () => {
  const app = new Server({ name: 'pages' }).page('/', PAGE)
  await listening(app, { http: '127.0.0.1:0', websocket: '/ws' }, async ({ url }) => {
    const page = await ask(url)
    assert.equal(page.status, 200)
    assert.equal(page.body.toString(), PAGE)
    assert.equal(page.headers['content-type'], 'text/html; charset=utf-8')
    assert.equal(page.headers['x-content-type-options'], 'nosniff')
    assert.equal(page.headers['cache-control'], 'no-cache')
    assert.equal((await ask(url, { 'if-none-match': page.headers.etag })).status, 304)
    const head = await ask(url, { method: 'HEAD' })
    assert.deepEqual([head.status, head.body.length], [200, 0])
    assert.equal(head.headers['content-length'], String(Buffer.byteLength(PAGE)))
    assert.equal((await ask(url, { method: 'PUT' })).headers.allow, 'GET, HEAD, OPTIONS')
    assert.equal((await ask(url, { host: 'evil.example' })).status, 403)
    assert.equal((await ask(url, { path: '/other' })).status, 404)
  })
})

test('scripts of allowed origins may read a page', async () => {
  const origin = 'https://app.example.com'
  const http = { port: 0, allowedOrigins: [origin], allowedHeaders: ['X-Custom-Auth'] }
  await listening(new Server({ name: 'pages' }).page('/', PAGE), { http }, async ({ url }) => {
    const named = (answer, ...names) => names.map((name) => answer.headers[name])
    const page = await ask(url, { origin })
    assert.deepEqual([page.status, ...named(page, 'access-control-allow-origin', 'vary')], [200, origin, 'Origin'])
    // The same address has another answer without the header, so a cache must keep both apart.
    for (const headers of [{}, { 'if-none-match': page.headers.etag }]) {
      const answer = await ask(url, headers)
      assert.deepEqual(named(answer, 'access-control-allow-origin', 'vary'), [undefined, 'Origin'])
    }
    const asks = { method: 'OPTIONS', origin, 'access-control-request-headers': 'x-custom-auth' }
    const preflight = await ask(url, asks)
    assert.deepEqual([preflight.status, preflight.body.length, preflight.headers['access-control-allow-origin']], [204, 0, origin])
    assert.equal(preflight.headers['access-control-allow-methods'], 'GET, HEAD, OPTIONS')
    assert.ok(preflight.headers['access-control-allow-headers'].split(', ').includes('x-custom-auth'))
    const foreign = await ask(url, { ...asks, origin: 'https://evil.example' })
    assert.deepEqual([foreign.status, foreign.headers['access-control-allow-origin']], [403, undefined])
  })
})

test('pages change while they are served', async () => {
  const app = new Server({ name: 'pages' })
  assert.equal(app.removePage('/a.bin'), false)
  await listening(app, { websocket: '127.0.0.1:0' }, async ({ websocketUrl }) => {
    const path = '/a.bin'
    app.page(path, new Uint8Array([0, 255]), { contentType: 'application/octet-stream' })
    const page = await ask(websocketUrl, { path })
    assert.deepEqual([page.status, ...page.body], [200, 0, 255])
    assert.equal(page.headers['content-type'], 'application/octet-stream')
    app.page(path, '')
    assert.equal((await ask(websocketUrl, { path })).body.length, 0)
    assert.throws(() => app.page('/ws', PAGE), /page "\/ws": WebSocket is served at \/ws/)
    assert.equal(app.removePage(path), true)
    assert.equal((await ask(websocketUrl, { path })).status, 404)
  })
})

test('a Unix socket has them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-pages-'))
  const path = join(folder, 'socket')
  try {
    await listening(new Server({ name: 'pages' }).page('/', PAGE), { http: `unix:${path}` }, async () => {
      assert.equal((await ask(path)).body.toString(), PAGE)
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('what is no page is refused', async () => {
  const app = new Server({ name: 'pages', limits: { maxPages: 1, maxPageBytes: 5 } }).page('/a', '12345')
  for (const [given, message] of [
    [['index.html', ''], /it must begin with \//],
    [['/a b', ''], /percent-encoded/],
    [['/a\r\nb', ''], /control character/],
    [['/?', ''], /\? or #/],
    [['/', '', { contentType: 'html' }], /content type/],
    [['/', '', { contentType: 1 }], /contentType must be a string/],
    [['/', '', { type: 'text/html' }], /there is no option "type"/],
    [['/', '', 'text/html'], /options must be an object/],
    [['/', '123456'], /max_page_bytes \(5\)/],
    [['/', null], /body must be a string or a Uint8Array/],
    [[1, ''], /path must be a string/],
    [['/b', ''], /max_pages \(1\)/]
  ]) {
    assert.throws(() => app.page(...given), message)
  }
})

test('a server does not listen with a page where MCP is', async () => {
  const app = new Server({ name: 'pages' }).page('/mcp/', PAGE)
  await assert.rejects(app.listen({ http: '127.0.0.1:0' }), /page "\/mcp\/": Streamable HTTP is served at \/mcp/)
  app.removePage('/mcp/')
  await listening(app, { http: '127.0.0.1:0' }, async ({ url }) => {
    assert.equal((await ask(url, { path: '/mcp' })).status, 400)
  })
})

test('a mounted server and an embedded endpoint have none', async () => {
  const inner = new Server({ name: 'inner' }).page('/', PAGE)
  await listening(new Server({ name: 'outer' }).mount(inner, 'in'), { http: '127.0.0.1:0' }, async ({ url }) => {
    assert.equal((await ask(url)).status, 404)
  })
  const answer = await inner.fetch(new Request('http://localhost/'))
  assert.equal(answer.status, 400)
  await inner.close()
})
