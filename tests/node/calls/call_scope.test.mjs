// AsyncLocalStorage and errors of one call do not reach another.

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { test } from 'node:test'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { Server } from '../../../bindings-node/index.mjs'
import { Client } from '../../../bindings-node/testing.mjs'
import { withServer } from '../support/process.mjs'

const number = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }

async function using(app, options, body) {
  const client = new Client(app, options)
  try {
    return await body(client)
  } finally {
    await client.close()
  }
}

for (const revision of ['2025-11-25', '2026-07-28']) {
  test(`each call has its own store, also across questions, in ${revision}`, async () => {
    const storage = new AsyncLocalStorage()
    const app = new Server({ name: 'test' })
    app.tool('enters', { input: number }, async ({ n }, ctx) => {
      const before = storage.getStore() ?? 'nothing'
      storage.enterWith(n)
      await null
      await turn()
      const { content } = await ctx.elicit(`${n}?`, { type: 'object', properties: { n: { type: 'integer' } } })
      await sleep(1)
      return { before, after: storage.getStore(), answer: content.n }
    })
    app.tool('runs', { input: number }, ({ n }) => storage.run(n, () => sleep(5 - n).then(() => storage.getStore())))
    app.tool('sees', () => storage.getStore() ?? 'nothing')
    await using(app, { revision, elicit: ({ message }) => ({ n: Number.parseInt(message) }) }, async (client) => {
      const all = [1, 2, 3, 4]
      const entered = await Promise.all(all.map((n) => client.callTool('enters', { n })))
      assert.deepEqual(entered.map(({ data }) => data), all.map((n) => ({ before: 'nothing', after: n, answer: n })))
      const run = await Promise.all(all.map((n) => client.callTool('runs', { n })))
      assert.deepEqual(run.map(({ data }) => data), all)
      assert.equal((await client.callTool('sees')).text, 'nothing')
    })
  })
}

test('middleware and the signal are in the store of their call', async () => {
  const storage = new AsyncLocalStorage()
  const app = new Server({ name: 'test' })
  const heard = []
  app.middleware('tool', (ctx, next) => {
    storage.enterWith(ctx.name)
    return next()
  })
  app.tool('reads', () => storage.getStore())
  app.tool('waits', (_, ctx) => new Promise(() => ctx.signal.addEventListener('abort', () => heard.push(storage.getStore()))))
  await using(app, {}, async (client) => {
    const cancelled = new AbortController()
    const waiting = client.callTool('waits', {}, { signal: cancelled.signal })
    assert.equal((await client.callTool('reads')).text, 'reads')
    cancelled.abort()
    await assert.rejects(waiting)
    while (heard.length === 0) await turn()
    assert.deepEqual(heard, ['waits'])
  })
})

test('an exception that a handler leaves behind is the program\'s to handle, and no other call notices', async () => {
  const source = `
    process.on('uncaughtException', (error, origin) => console.error(origin, error.message))
    app.tool('later', () => { setImmediate(() => { throw new Error('left behind') }); return 'ok' })
    app.tool('rejects', () => { Promise.reject(new Error('nobody awaits')); return 'ok' })
    app.tool('never', () => { queueMicrotask(() => { throw new Error('in a microtask') }); return new Promise(() => {}) })
    app.tool('fine', () => new Promise((resolve) => setTimeout(resolve, 5, 'fine')))
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const never = client.call('never')
    never.catch(() => {})
    const answers = await Promise.all(['fine', 'later', 'fine', 'rejects', 'fine'].map((name) => client.text(name)))
    assert.deepEqual(answers, ['fine', 'ok', 'fine', 'ok', 'fine'])
    const lines = ['uncaughtException left behind', 'unhandledRejection nobody awaits', 'uncaughtException in a microtask']
    await client.until(() => lines.every((line) => client.stderr.split('\n').includes(line)))
    assert.equal(await client.text('fine'), 'fine')
    client.notify('notifications/cancelled', { requestId: never.id })
    assert.deepEqual(await client.end(), { code: 0, signal: null })
  })
})

test('a rejection that nobody handles ends the process as Node does, and what was answered before is written', async () => {
  const source = `
    app.tool('answer', () => 'answered')
    app.tool('rejects', () => { Promise.reject(new Error('nobody awaits')); return new Promise(() => {}) })
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const answers = Array.from({ length: 20 }, () => client.text('answer'))
    client.call('rejects')
    assert.ok((await Promise.all(answers)).every((text) => text === 'answered'))
    assert.deepEqual(await client.exited, { code: 1, signal: null })
    assert.match(client.stderr, /Error: nobody awaits/)
  })
})
