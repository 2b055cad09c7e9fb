// The transports of `listen()`: what the engine reads of them, and what becomes of descriptors.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { Server } from '../../../bindings-node/index.mjs'

const demo = () => new Server({ name: 'demo' }).tool('yes', () => true)

/** Runs `use` with the URLs while a server listens. */
async function listening(options, use) {
  const app = demo()
  const urls = await app.listen(options)
  try {
    return await use(urls)
  } finally {
    await app.close()
  }
}

/** Runs `use` with a listening socket of the program. */
async function withListener(use) {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  try {
    return await use(listener, listener.address().port)
  } finally {
    listener.close()
  }
}

class Options {
  port = 0
  path = '/own'
  host = undefined
}

test('options are given in any form', async () => {
  for (const options of [0, '127.0.0.1:0', { http: 0, unix: undefined }, { http: { port: 0, host: null } }]) {
    await listening(options, ({ url }) => assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/mcp$/))
  }
  await listening({ http: new Options(), sse: null }, ({ url, sseUrl }) => {
    assert.match(url, /\/own$/)
    assert.equal(sseUrl, undefined)
  })
  await withListener((listener, port) =>
    listening({ http: { socket: listener, path: '/x' }, websocket: '/chat' }, ({ url, websocketUrl }) => {
      assert.equal(url, `http://127.0.0.1:${port}/x`)
      assert.equal(websocketUrl, `ws://127.0.0.1:${port}/chat`)
    })
  )
})

test('duplicates are closed if an option is wrong', () =>
  withListener(async (listener) => {
    const before = readdirSync('/proc/self/fd').length
    for (const wrong of [{ socket: [listener, 'x'] }, { socket: listener, http: { port: 70000 } }, { http: { socket: listener }, sse: { host: 'a' } }]) {
      await assert.rejects(demo().listen(wrong))
      assert.equal(readdirSync('/proc/self/fd').length, before)
    }
  }))

test('errors name the option, its value and what to do', async () => {
  const named = 'the options are host, port, path, unix, mode, socket, allowedHosts, allowedOrigins, allowedHeaders'
  for (const [options, message] of [
    [null, 'listen: options must be an object, a port or an address, not null'],
    [[1], 'listen: options must be an object, a port or an address, not [1]'],
    [{ htp: 1 }, 'listen: there is no option "htp"; the nearest name is "http"; the transports are stdio, http, unix, socket, websocket, sse, embedded'],
    [{ http: { prt: 1 } }, `listen: http: there is no option "prt"; the nearest name is "port"; ${named}`],
    [{ http: { port: '1' } }, 'listen: http: port must be a number from 0 to 65535, not "1"'],
    [{ http: createServer() }, /^listen: http: /],
    [{ socket: { fd: -1 } }, 'listen: socket must be the number of a descriptor, or an object with one, such as a net.Server, not {"fd":-1}'],
    [{ embedded: { port: 1 } }, 'listen: embedded: there is no option "port"; the nearest name is "allowedHosts"; the options are allowedHosts, allowedOrigins, allowedHeaders'],
    [{ inProcess: true }, /there is no option "inProcess"/],
    [{ signal: true }, /^listen: there is no option "signal"; the nearest name is "signals"; the transports are stdio/]
  ]) {
    await assert.rejects(demo().listen(options), { message, code: 'TENON_INVALID' })
  }
  const hosts = 'handler: allowedHosts must be an array of strings, not "a"'
  assert.throws(() => demo().handler({ allowedHosts: 'a' }), { message: hosts })
})
