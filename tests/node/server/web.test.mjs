// WebSocket and HTTP+SSE of 2024-11-05, at their own address and at that of HTTP.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { Server } from '../../../bindings-node/index.mjs'

const input = { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'] }

const adder = () => new Server({ name: 'adder' }).tool('add', { input }, ({ a, b }) => a + b)

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {}
}

/** Runs `use` while `app` listens. */
async function listening(options, use) {
  const app = adder()
  const urls = await app.listen(options)
  try {
    return await use(urls, app)
  } finally {
    await app.close()
  }
}

/** The little of a WebSocket client that these tests need. */
class Client {
  constructor(socket) {
    this.socket = socket
    this.bytes = Buffer.alloc(0)
    socket.on('data', (chunk) => (this.bytes = Buffer.concat([this.bytes, chunk])))
  }

  static async open(url, origin) {
    const { hostname, port, host, pathname } = new URL(url)
    const client = new Client(connect(Number(port), hostname))
    const lines = [`GET ${pathname} HTTP/1.1`, `Host: ${host}`, 'Connection: Upgrade', 'Upgrade: websocket']
    lines.push('Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')
    if (origin) lines.push(`Origin: ${origin}`)
    client.socket.write(lines.join('\r\n') + '\r\n\r\n')
    const head = await client.take((bytes) => bytes.indexOf('\r\n\r\n') + 4)
    client.status = Number(head.toString().split(' ')[1])
    return client
  }

  /** Takes as many bytes as `enough` says once it says more than three. */
  async take(enough) {
    while (!(enough(this.bytes) > 3 && this.bytes.length >= enough(this.bytes))) await once(this.socket, 'data')
    const count = enough(this.bytes)
    const taken = this.bytes.subarray(0, count)
    this.bytes = this.bytes.subarray(count)
    return taken
  }

  async add(a, b) {
    const params = { name: 'add', arguments: { a, b }, _meta: meta }
    const text = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }))
    const head = Buffer.from([0x81, 0xfe, text.length >> 8, text.length & 0xff, 0, 0, 0, 0])
    this.socket.write(Buffer.concat([head, text]))
    const frame = await this.take((bytes) => {
      if (bytes.length < 4) return 0
      return bytes[1] === 126 ? 4 + bytes.readUInt16BE(2) : 2 + bytes[1]
    })
    return JSON.parse(frame.subarray(frame[1] === 126 ? 4 : 2)).result.content[0].text
  }
}

test('websocket', () =>
  listening({ websocket: 0 }, async ({ url, websocketUrl, sseUrl }, app) => {
    assert.match(websocketUrl, /^ws:\/\/127\.0\.0\.1:\d+\/ws$/)
    assert.deepEqual([url, sseUrl], [undefined, undefined])
    const client = await Client.open(websocketUrl)
    assert.equal(client.status, 101)
    assert.equal(await client.add(1, 2), '3')
    const closed = app.close()
    const frame = await client.take((bytes) => (bytes.length >= 4 ? 4 : 0))
    assert.deepEqual([...frame], [0x88, 2, 0x03, 0xe9])
    await closed
    client.socket.destroy()
  }))

test('paths of the http address', () => {
  const page = 'https://app.example.com'
  const options = { http: { port: 0, allowedOrigins: [page] }, websocket: { path: '/chat' }, sse: '/sse' }
  return listening(options, async ({ url, websocketUrl, sseUrl }) => {
    assert.equal(websocketUrl, url.replace('http:', 'ws:').replace('/mcp', '/chat'))
    assert.equal(sseUrl, url.replace('/mcp', '/sse'))
    for (const [origin, status] of [
      [page, 101],
      ['https://other.example.com', 403]
    ]) {
      const client = await Client.open(websocketUrl, origin)
      assert.equal(client.status, status)
      client.socket.destroy()
    }
  })
})

test('pages may send the headers that are allowed', () => {
  const origin = 'https://app.example.com'
  const allowed = { port: 0, allowedOrigins: [origin], allowedHeaders: ['X-Custom-Auth'] }
  return listening({ http: allowed, sse: allowed }, async ({ url, sseUrl }) => {
    for (const place of [url, sseUrl, new URL('/messages', sseUrl)]) {
      const headers = { origin, 'access-control-request-headers': 'x-custom-auth' }
      const answer = await fetch(place, { method: 'OPTIONS', headers })
      assert.equal(answer.status, 204)
      assert(answer.headers.get('access-control-allow-headers').split(', ').includes('x-custom-auth'))
    }
  })
})

test('pages may send every header that they ask for', () => {
  const allowed = { port: 0, allowedHeaders: ['*'] }
  return listening({ http: allowed, sse: allowed }, async ({ url, sseUrl }) => {
    for (const place of [url, sseUrl]) {
      const headers = { 'origin': 'http://localhost:6274', 'access-control-request-headers': 'x-one,x-other' }
      const answer = await fetch(place, { method: 'OPTIONS', headers })
      const names = answer.headers.get('access-control-allow-headers').split(', ')
      assert.deepEqual([answer.status, names.slice(-2), names.includes('*')], [204, ['x-one', 'x-other'], false])
    }
  })
})

test('a websocket takes no headers of pages', () =>
  assert.rejects(adder().listen({ websocket: { port: 0, allowedHeaders: ['x-a'] } }), /there is no option "allowedHeaders"/))

test('sse', () =>
  listening({ sse: { port: 0, path: '/old/sse' } }, async ({ sseUrl }) => {
    const stop = new AbortController()
    const response = await fetch(sseUrl, { headers: { accept: 'text/event-stream' }, signal: stop.signal })
    const reader = response.body.getReader()
    let text = ''
    const event = async () => {
      while (!text.includes('\n\n')) text += Buffer.from((await reader.read()).value).toString()
      const [first, ...rest] = text.split('\n\n')
      text = rest.join('\n\n')
      return first.split('\n').map((line) => line.slice(line.indexOf(': ') + 2))
    }
    const [type, messages] = await event()
    assert.equal(type, 'endpoint')
    assert.match(messages, /^\/old\/messages\?session=/)
    const ask = async (message) => {
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify({ jsonrpc: '2.0', ...message })
      const { status } = await fetch(new URL(messages, sseUrl), { method: 'POST', headers, body })
      assert.equal(status, 202)
      return message.id === undefined ? undefined : JSON.parse((await event())[1])
    }
    const clientInfo = { name: 'test', version: '1' }
    const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo }
    const hello = await ask({ id: 0, method: 'initialize', params })
    assert.equal(hello.result.protocolVersion, '2024-11-05')
    await ask({ method: 'notifications/initialized' })
    const sum = await ask({ id: 1, method: 'tools/call', params: { name: 'add', arguments: { a: 1, b: 2 } } })
    assert.equal(sum.result.content[0].text, '3')
    stop.abort()
  }))

test('wrong options are refused by name', async () => {
  for (const option of ['websocket', 'sse']) {
    for (const [given, said] of [
      [true, /must be a port/],
      [{ ports: 1 }, /there is no option "ports"/],
      [{ host: 'localhost' }, /port must be a number/],
      [{ port: 70000 }, /port must be a number/],
      [{ port: 0, path: 'ws' }, /path must begin with/],
      [{ port: 0, allowedOrigins: 'https://app.example.com' }, /allowedOrigins must be an array/]
    ]) {
      await assert.rejects(adder().listen({ [option]: given }), (error) => {
        assert.match(error.message, new RegExp(`listen: ${option}`))
        assert.match(error.message, said)
        return true
      })
    }
  }
  await assert.rejects(adder().listen({ websocket: '/ws' }), /none is served/)
})
