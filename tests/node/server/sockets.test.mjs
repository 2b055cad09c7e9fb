// Lines and HTTP on Unix sockets and on sockets that the program passes.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, openSync, closeSync, rmSync, statSync, existsSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { Server } from '../../../bindings-node/index.mjs'
import { listening, modern } from '../support/http.mjs'

const input = { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'] }

const adder = () => new Server({ name: 'adder' }).tool('add', { input }, ({ a, b }) => a + b)

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {}
}

/** Runs `use` with a path that nothing lies at, short enough for a socket. */
async function withPath(use) {
  const directory = mkdtempSync(join(tmpdir(), 'tenon-'))
  try {
    return await use(join(directory, 'socket'))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** A client of lines. */
class Client {
  constructor(socket) {
    this.socket = socket
    this.lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  }

  static async connect(path) {
    const socket = connect(path)
    await once(socket, 'connect')
    return new Client(socket)
  }

  async add(a, b) {
    const params = { name: 'add', arguments: { a, b }, _meta: meta }
    this.socket.write(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }) + '\n')
    const { value } = await this.lines.next()
    return JSON.parse(value).result.content[0].text
  }

  /** Resolves when the server has ended the connection. */
  async end() {
    assert.equal((await this.lines.next()).done, true)
  }
}

test('many clients speak lines on one path', () =>
  withPath(async (path) => {
    for (const [unix, mode] of [
      [path, 0o600],
      [{ path }, 0o600],
      [{ path, mode: 0o660 }, 0o660]
    ]) {
      let clients
      await listening(adder(), { unix }, async (url) => {
        assert.equal(url, undefined)
        assert.equal(statSync(path).mode & 0o777, mode)
        clients = await Promise.all([1, 2, 3].map(() => Client.connect(path)))
        assert.deepEqual(await Promise.all(clients.map((client, i) => client.add(i, 1))), ['1', '2', '3'])
      })
      assert.equal(existsSync(path), false)
      await Promise.all(clients.map((client) => client.end()))
    }
  }))

/** The status and the answer to a call over HTTP on a Unix socket. */
async function post(socketPath, path) {
  const params = { name: 'add', arguments: { a: 2, b: 3 }, _meta: meta }
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'add'
  }
  const sent = request({ socketPath, path, method: 'POST', headers })
  sent.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }))
  const [answer] = await once(sent, 'response')
  const chunks = await answer.toArray()
  return [answer.statusCode, Buffer.concat(chunks).toString()]
}

test('http on a path', () =>
  withPath(async (path) => {
    for (const [http, endpoint, mode] of [
      [`unix:${path}`, '/mcp', 0o600],
      [{ unix: path, mode: 0o640, path: '/x' }, '/x', 0o640]
    ]) {
      await listening(adder(), { http }, async (url) => {
        assert.equal(url, `unix:${path}:${endpoint}`)
        assert.equal(statSync(path).mode & 0o777, mode)
        const [status, text] = await post(path, endpoint)
        assert.equal(status, 200)
        assert.match(text, /"5"/)
      })
    }
  }))

/** What Node listens on is a socket of the program's too; `use` has it closed before anybody connects. */
async function listener(use) {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  await use(server, () => server.close(), port)
}

test('sockets of the program', async () => {
  await listener((web, close, port) =>
    listening(adder(), { http: { socket: web } }, async (url) => {
      close()
      assert.equal(url, `http://127.0.0.1:${port}/mcp`)
      const { result } = await modern(url, 'tools/call', { name: 'add', arguments: { a: 2, b: 3 } })
      assert.equal(result.content[0].text, '5')
    })
  )
  await listener((lines, close, port) =>
    listening(adder(), { socket: [lines] }, async () => {
      close()
      const clients = await Promise.all([1, 2].map(() => Client.connect({ port, host: '127.0.0.1' })))
      assert.deepEqual(await Promise.all(clients.map((client, i) => client.add(i, 1))), ['1', '2'])
      for (const { socket } of clients) socket.destroy()
    })
  )
})

test('a connected socket is one client, with which the server ends', () =>
  withPath(async (path) => {
    const meeting = createServer({ pauseOnConnect: true }).listen(path)
    await once(meeting, 'listening')
    const client = Client.connect(path)
    const [theirs] = await once(meeting, 'connection')
    const app = adder()
    await app.listen({ socket: theirs })
    theirs.destroy()
    meeting.close()
    assert.equal(await (await client).add(1, 2), '3')
    ;(await client).socket.end()
    await app.closed
  }))

test('a pair of descriptors is served as standard input and output are', () =>
  withPath(async (path) => {
    const meeting = createServer({ pauseOnConnect: true }).listen(path)
    await once(meeting, 'listening')
    const client = Client.connect(path)
    const [theirs] = await once(meeting, 'connection')
    const app = adder()
    await app.listen({ stdio: [theirs, theirs] })
    theirs.destroy()
    meeting.close()
    assert.equal(await (await client).add(1, 2), '3')
    ;(await client).socket.end()
    await app.closed
  }))

test('what is in use or no socket is told', () =>
  withPath(async (path) => {
    await listening(adder(), { unix: path }, () =>
      assert.rejects(adder().listen({ unix: path }), /another server listens/)
    )
    writeFileSync(path, 'precious')
    await assert.rejects(adder().listen({ unix: path }), /not a socket/)
    assert.equal(existsSync(path), true)
    const file = openSync('/dev/null')
    await assert.rejects(adder().listen({ socket: file }), /not a socket/)
    closeSync(file)
    await assert.rejects(adder().listen({ socket: 1_000_000 }), /descriptor 1000000/)
  }))

test('wrong options are told', async () => {
  for (const [options, said] of [
    [{ unix: 'x'.repeat(108) }, /108 bytes/],
    [{ unix: 7 }, /unix must be a path/],
    [{ unix: { path: 'a', mod: 1 } }, /no option "mod"/],
    [{ unix: { path: 'a', mode: 0o1000 } }, /0o777/],
    [{ http: { unix: 'a', port: 1 } }, /set only one of host and port/],
    [{ http: { unix: 'a', socket: 1 } }, /set only one of host and port/],
    [{ http: { mode: 1 } }, /set only one of host and port/],
    [{ http: {} }, /port must be a number/],
    [{ socket: 'x' }, /number of a descriptor/],
    [{ socket: [] }, /at least one/],
    [{ stdio: [1] }, /pair of descriptors/],
    [{ stdio: 'yes' }, /pair of descriptors/]
  ]) {
    await assert.rejects(adder().listen(options), said)
  }
})
