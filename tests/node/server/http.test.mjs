// HTTP: addresses, both eras, several servers, shutdown.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { Server } from '../../../bindings-node/index.mjs'
import { listening, modern, post, session } from '../support/http.mjs'
import { PACKAGE, withServer } from '../support/process.mjs'

const input = { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'] }

function adder(options) {
  const app = new Server({ name: 'adder', ...options })
  return app.tool('add', { input }, ({ a, b }) => a + b)
}

const add = { name: 'add', arguments: { a: 2, b: 3 } }
const text = ({ result }) => result.content[0].text

test('an address can be a port, a text or options', async () => {
  for (const [options, pattern] of [
    [0, /^http:\/\/127\.0\.0\.1:\d+\/mcp$/],
    ['127.0.0.1:0', /^http:\/\/127\.0\.0\.1:\d+\/mcp$/],
    [{ http: 0 }, /^http:\/\/127\.0\.0\.1:\d+\/mcp$/],
    [{ http: '127.0.0.1:0/api/tools' }, /^http:\/\/127\.0\.0\.1:\d+\/api\/tools$/],
    [{ http: { port: 0, path: '/x' } }, /^http:\/\/127\.0\.0\.1:\d+\/x$/],
    [{ http: { port: 0, host: '127.0.0.1' } }, /^http:\/\/127\.0\.0\.1:\d+\/mcp$/]
  ]) {
    await listening(adder(), options, async (url) => {
      assert.match(url, pattern)
      assert.equal(text(await modern(url, 'tools/call', add)), '5')
    })
  }
})

test('both eras are served on one URL', async () => {
  await listening(adder(), 0, async (url) => {
    const request = await session(url)
    assert.ok(request.id)
    assert.equal(text(await request('tools/call', add)), '5')
    assert.equal(text(await modern(url, 'tools/call', add)), '5')
    assert.deepEqual((await request('ping')).result, {})
  })
})

test('an address has a share', async () => {
  const limits = {
    maxAddressConnections: 100, maxAddressStreams: 1, maxAddressBufferedBytes: 1 << 20, maxAddressCalls: 100,
    maxSessionListens: 2
  }
  await listening(adder({ limits }), 0, async (url) => {
    const listen = async () => {
      const { headers } = await session(url)
      return fetch(url, { headers: { ...headers, accept: 'text/event-stream' } })
    }
    const first = await listen()
    assert.equal(first.status, 200)
    const second = await listen()
    assert.equal(second.status, 429)
    assert.equal(second.headers.get('retry-after'), '1')
    assert.match((await second.json()).error.message, /max_address_streams/)
    assert.equal(text(await modern(url, 'tools/call', add)), '5')
    await first.body.cancel()
  })
})

test('a handler sees its session, and progress makes the answer a stream', async () => {
  const app = new Server({ name: 'test' })
  app.tool('session', (_, ctx) => ctx.sessionId ?? 'none')
  app.tool('count', async (_, ctx) => {
    ctx.progress(1, 2)
    await null
    ctx.progress(2, 2)
    return 'counted'
  })
  await listening(app, 0, async (url) => {
    const request = await session(url)
    assert.equal(text(await request('tools/call', { name: 'session' })), request.id)
    assert.equal(text(await modern(url, 'tools/call', { name: 'session' })), 'none')
    const params = { name: 'count', _meta: { progressToken: 't' } }
    const { headers, messages } = await post(url, { id: 1, method: 'tools/call', params }, request.headers)
    assert.match(headers.get('content-type'), /^text\/event-stream/)
    assert.deepEqual(messages.map(({ params, result }) => params?.progress ?? result.content[0].text), [1, 2, 'counted'])
  })
})

test('two questions in parallel over modern HTTP', async () => {
  const app = new Server({ name: 'test' })
  const form = { type: 'object', properties: { v: { type: 'string' } }, required: ['v'] }
  app.tool('two', async (_, ctx) => {
    const ask = (key) => ctx.elicit(`${key}?`, form, { key })
    const answers = await Promise.all([ask('a'), ask('b')])
    return answers.map(({ content }) => content.v).join()
  })
  await listening(app, 0, async (url) => {
    const call = (more) => modern(url, 'tools/call', { name: 'two', arguments: {}, ...more }, { elicitation: {} })
    const { result } = await call()
    assert.deepEqual(Object.keys(result.inputRequests), ['a', 'b'])
    const answer = (v) => ({ action: 'accept', content: { v } })
    const inputResponses = { a: answer('1'), b: answer('2') }
    assert.equal(text(await call({ requestState: result.requestState, inputResponses })), '1,2')
  })
})

test('a port in use is refused with the address, and nothing is left behind', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address()
  const app = adder()
  await assert.rejects(app.listen(port), { code: 'TENON_ADDRESS', message: new RegExp(`127.0.0.1:${port}`) })
  other.close()
  await once(other, 'close')
  await listening(app, port, async (url) => assert.equal(text(await modern(url, 'tools/call', add)), '5'))
})

test('a program whose port is in use ends with an error, and standard output is untouched', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const source = `await app.listen({ stdio: true, http: ${other.address().port} })`
  try {
    await withServer(source, async (client) => {
      assert.equal((await client.exited).code, 1)
      assert.match(client.stderr, /code: 'TENON_ADDRESS'/)
    })
  } finally {
    other.close()
  }
})

test('several servers share an environment, each with its own tools', async () => {
  const apps = [1, 2, 3].map((n) => new Server({ name: `s${n}` }).tool('which', () => n))
  const urls = []
  for (const app of apps) urls.push((await app.listen(0)).url)
  const which = (url) => modern(url, 'tools/call', { name: 'which', arguments: {} })
  const answers = await Promise.all([...urls, ...urls].map(which))
  assert.deepEqual(answers.map(text), ['1', '2', '3', '1', '2', '3'])
  await apps[0].close()
  await assert.rejects(which(urls[0]))
  assert.equal(text(await which(urls[2])), '3')
  await Promise.all(apps.map((app) => app.close()))
})

test('a worker serves beside the main thread, and every call in flight gets the same answer when it is terminated', async () => {
  const ends = { 'in a handler': 'for (;;);', 'while all handlers wait': 'return new Promise(() => {})' }
  const code = (end) => `
    import { parentPort } from 'node:worker_threads'
    const { Server } = await import(${JSON.stringify(PACKAGE)})
    const app = new Server({ name: 'worker' })
    app.tool('wait', () => { parentPort.postMessage('waits'); return new Promise(() => {}) })
    app.tool('end', () => { parentPort.postMessage('ends'); ${end} })
    app.tool('where', () => 'worker')
    parentPort.postMessage((await app.listen(0)).url)`
  await listening(adder(), 0, async (here) => {
    for (const [how, end] of Object.entries(ends)) {
      for (let i = 0; i < 3; i++) {
        const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code(end))}`))
        const [url] = await once(worker, 'message')
        const call = (name) => modern(url, 'tools/call', { name, arguments: {} })
        assert.equal(text(await call('where')), 'worker')
        const calls = []
        for (const name of ['wait', 'wait', 'wait', 'end']) {
          const began = once(worker, 'message')
          calls.push(call(name))
          await began
        }
        await worker.terminate()
        const error = { code: -32603, message: 'Server busy: the server is shutting down' }
        for (const answer of await Promise.all(calls)) assert.deepEqual(answer.error, error, how)
        await assert.rejects(modern(url, 'tools/list'))
        assert.equal(text(await modern(here, 'tools/call', add)), '5')
      }
    }
  })
})

test('stdio and HTTP are served at once, and the end of the input ends both', async () => {
  const source = `
    app.tool('who', (_, ctx) => ctx.clientInfo.name)
    const { url } = await app.listen({ stdio: true, http: 0 })
    console.error('url', url)`
  await withServer(source, async (client) => {
    const [, url] = await client.until(() => client.stderr.match(/url (\S+)\n/))
    await client.initialize()
    assert.equal(await client.text('who'), 'client')
    assert.equal(text(await modern(url, 'tools/call', { name: 'who', arguments: {} })), 'client')
    assert.deepEqual(await client.end(), { code: 0, signal: null })
  })
})
