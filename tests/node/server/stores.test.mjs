// Stores of a program: by URL, as an object, and what becomes of their faults.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Server } from '../../../bindings-node/index.mjs'
import { Client, storeOperation } from '../../../bindings-node/testing.mjs'
import { MemoryStore } from '../../stores/memory_store.mjs'
import { post, session } from '../support/http.mjs'

const GET = { op: 'get', key: 'test/1', touch: null }
const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, at) => at)
const put = (value) => ({ op: 'put', key: 'test/1', value, ttl: 60_000, when: 'always', version: null })
const later = (store) => ({ submit: async (op) => store.submit(op) })

function make(store, options = {}) {
  const app = new Server({ name: 't', store, ...options })
  app.tool('add', { input: { type: 'object' }, taskSupport: 'optional' }, ({ a, b }) => a + b)
  return app
}

/** Runs operations on the store of a server. */
async function replies(app, ...ops) {
  const client = new Client(app)
  await client.open()
  try {
    const all = []
    for (const op of ops) all.push(await storeOperation(app, op))
    return all
  } finally {
    await client.close()
  }
}

async function initialize(url) {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } }
  return post(url, { id: 1, method: 'initialize', params })
}

test('a URL names a store', async () => {
  for (const store of ['memory:', undefined, null]) {
    assert.deepEqual(await replies(new Server({ name: 't', store }), GET), [{ result: 'value', record: null }])
  }
})

test('a wrong store is refused', () => {
  for (const [store, why] of [
    ['memori:', /store: "memori:" has an unknown scheme; the nearest scheme is "memory:"; the schemes are memory:/],
    ['memory:x', /nothing after the colon/],
    [7, /store must be a URL, or an object with a method submit, not a value of type number/],
    [{}, /an object with a method submit/]
  ]) {
    assert.throws(() => new Server({ name: 't', store }), why)
  }
  assert.throws(() => new Server({ name: 't', store: 'rediss://user:secret@host/0' }), (error) => !/secret|user/.test(error.message))
})

test('bytes and replies come through unchanged', async () => {
  for (const store of [new MemoryStore(), later(new MemoryStore())]) {
    const [stored, found, , empty] = await replies(make(store), put(EVERY_BYTE), GET, put(new Uint8Array()), GET)
    assert.deepEqual(found, { result: 'value', record: { value: EVERY_BYTE, version: stored.version } })
    assert.deepEqual(empty.record.value, new Uint8Array())
  }
})

test('a large value is a value', async () => {
  const large = new Uint8Array(1 << 20).fill(120)
  const [, found] = await replies(make(new MemoryStore(), { limits: { maxResultBytes: 1000 } }), put(large), GET)
  assert.deepEqual(found.record.value, large)
})

test('a session and a task survive in another server on the same store', async () => {
  for (const store of [new MemoryStore(), later(new MemoryStore())]) {
    const [first, second] = [make(store), make(store)]
    const { url } = await first.listen(0)
    const request = await session(url)
    const { result } = await request('tools/call', { name: 'add', arguments: { a: 3, b: 5 }, task: {} })
    const { taskId } = result.task
    assert.equal((await request('tasks/result', { taskId })).result.content[0].text, '8')
    await first.close()
    const other = await second.listen(0)
    const answer = await post(other.url, { id: 9, method: 'tasks/result', params: { taskId } }, request.headers)
    assert.equal(answer.status, 200)
    assert.equal(answer.messages.at(-1).result.content[0].text, '8')
    const stranger = await post(other.url, { id: 9, method: 'tools/list' }, { ...request.headers, 'mcp-session-id': 'unknown' })
    assert.equal(stranger.status, 404)
    await second.close()
  }
})

const fail = () => {
  throw new Error('no route')
}

test('every fault is a failure and hangs nothing', async () => {
  for (const [reply, why] of [
    [fail, 'it failed: no route'],
    [async () => fail(), 'it failed: no route'],
    [() => undefined, 'it gave an invalid reply'],
    [() => 'value', 'it gave an invalid reply'],
    [() => ({ result: 'valu' }), 'it gave an invalid reply'],
    [() => ({ result: 'stored', version: 1 }), 'it gave an invalid reply'],
    [() => ({ result: 'value', record: { value: 'text', version: 1 } }), 'it gave an invalid reply'],
    [() => ({ result: 'value', record: { value: new Uint8Array(), version: 1.5 } }), 'it gave an invalid reply'],
    [() => ({ result: 'value', record: { value: new Uint16Array(2), version: 1 } }), 'JSON cannot hold'],
    [() => ({ result: 'unavailable', reason: 'down for now' }), 'down for now'],
    [() => new Uint8Array(3), 'it gave an invalid reply']
  ]) {
    const [failed] = await replies(make({ submit: reply }, { log: () => {} }), GET)
    assert.equal(failed.result, 'unavailable')
    assert.ok(failed.reason.includes(why), failed.reason)
  }
})

test('errors are logged, and masked for clients', async () => {
  const records = []
  const log = (record) => records.push(record)
  const [masked] = await replies(make({ submit: fail }, { log, maskErrors: true }), GET)
  assert.deepEqual(masked, { result: 'unavailable', reason: 'it failed' })
  assert.ok(records.some(({ error, name }) => error?.message === 'no route' && name === 'store.submit'))
  await replies(make({ submit: () => ({ result: 'value', record: { value: 'text', version: 1 } }) }, { log }), GET)
  assert.ok(records.some(({ message }) => message.includes('record must be an object with value, which is a Uint8Array')))
})

test('a request that needs a failed store is refused as busy; the others are served', async () => {
  const store = new MemoryStore()
  let count = 0
  const sometimes = { submit: (op) => (count++ % 2 === 1 ? fail() : store.submit(op)) }
  const app = make(sometimes, { log: () => {} })
  const { url } = await app.listen(0)
  for (let round = 0; round < 4; round++) {
    assert.equal((await initialize(url)).status, 200)
    const refused = await initialize(url)
    assert.equal(refused.status, 503)
    assert.equal(refused.messages[0].error.message, 'Server busy: sessions are unavailable: it failed: no route')
  }
  await app.close()
})

test('a store that hangs is bounded, and the end does not wait for it', async () => {
  const app = make({ submit: () => new Promise(() => {}) }, { limits: { storeTimeout: 50 }, log: () => {} })
  const [failed] = await replies(app, GET)
  assert.deepEqual(failed, { result: 'unavailable', reason: 'it did not answer in time' })
})

test('operations that wait at the end are answered', async () => {
  const entered = new EventTarget()
  const submit = () => {
    entered.dispatchEvent(new Event('entered'))
    return new Promise(() => {})
  }
  const app = make({ submit }, { limits: { drainTimeout: 50 }, log: () => {} })
  await app.listen(0)
  const began = once(entered, 'entered')
  const reply = storeOperation(app, GET)
  await began
  await app.close()
  assert.deepEqual(await reply, { result: 'unavailable', reason: 'the server has ended' })
  assert.match((await storeOperation(app, GET)).reason, /not served/)
})

test('a store runs between the hooks', async () => {
  const events = []
  const store = new MemoryStore()
  const submit = (op) => {
    events.push(op.op)
    return store.submit(op)
  }
  const app = make({ submit })
  app.on('start', () => void events.push('start'))
  app.on('stop', () => void events.push('stop'))
  const { url } = await app.listen(0)
  await session(url)
  await app.close()
  assert.equal(events[0], 'start')
  assert.equal(events.at(-1), 'stop')
  assert.ok(events.includes('put'))
})
