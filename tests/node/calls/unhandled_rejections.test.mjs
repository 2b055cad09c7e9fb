// Rejections that nobody awaits: those caused by the end of a call, and those of the program.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PACKAGE, withServer } from '../support/process.mjs'

const FORM = `{ type: 'object', properties: {} }`

/** Handlers that start two things with the call's signal and await one; the loop turns until both have rejected. */
const SOURCE = `
  import { createServer } from 'node:http'
  import { once } from 'node:events'
  import { setTimeout as sleep } from 'node:timers/promises'
  const web = createServer(() => {}).listen(0, '127.0.0.1')
  await once(web, 'listening')
  const url = 'http://127.0.0.1:' + web.address().port
  const ask = (ctx) => ctx.elicit('x', ${FORM})
  const tool = (name, handler) => app.tool(name, async (args, ctx) => {
    try {
      return await handler(ctx)
    } finally {
      setImmediate(() => setImmediate(() => console.error('over')))
    }
  })
  tool('timer', async (ctx) => {
    const timer = sleep(60_000, null, { signal: ctx.signal })
    await ask(ctx)
    await timer
  })
  tool('fetches', async (ctx) => {
    const other = fetch(url, { signal: ctx.signal })
    const question = ask(ctx)
    await fetch(url, { signal: ctx.signal })
    await other
    await question
  })
  tool('wraps', async (ctx) => {
    const work = async () => {
      try {
        await sleep(60_000, null, { signal: ctx.signal })
      } catch (cause) {
        throw new Error('work', { cause })
      }
    }
    const all = Promise.any([work(), work()])
    await ask(ctx)
    await all
  })
  tool('late', async (ctx) => {
    try {
      await ask(ctx)
    } finally {
      sleep(60_000, null, { signal: ctx.signal })
    }
  })
  app.tool('ping', () => 'pong')
  await app.listen()
  app.closed.then(() => web.closeAllConnections() ?? web.close())`

const count = (text, part) => text.split(part).length - 1

for (const tool of ['timer', 'fetches', 'wraps', 'late']) {
  test(`work of a cancelled call that rejects unawaited does not end the process: ${tool}`, async () => {
    await withServer(SOURCE, async (client) => {
      await client.initialize({ elicitation: {} })
      for (let i = 1; i <= 2; i++) {
        const { id } = client.call(tool)
        const asked = () => client.notes.filter(({ method }) => method === 'elicitation/create').length
        await client.until(() => asked() === i)
        client.notify('notifications/cancelled', { requestId: id })
        await client.until(() => count(client.stderr, 'over') === i)
      }
      assert.equal(await client.text('ping'), 'pong')
      assert.equal(client.stderr.replaceAll('over\n', ''), '')
    })
  })

  test(`work of an attempt that ends with its question does not end the process: ${tool}`, async () => {
    await withServer(SOURCE, async (client) => {
      const { result } = await client.modern(tool, {}, { capabilities: { elicitation: {} } })
      assert.equal(result.resultType, 'input_required')
      await client.until(() => count(client.stderr, 'over') === 1)
      assert.deepEqual(await client.end(), { code: 0, signal: null })
      assert.equal(client.stderr, 'over\n')
    })
  })
}

/** Calls end all the time, while the program rejects by itself. */
const ENDS = `
  app.tool('ends', (_, ctx) => new Promise((_, reject) => {
    ctx.signal.onabort = () => { reject(ctx.signal.reason); setImmediate(own) }
    console.error('running')
  }))
  await app.listen()`

async function cancelled(client) {
  await client.initialize()
  const { id } = client.call('ends')
  await client.until(() => client.stderr.includes('running'))
  client.notify('notifications/cancelled', { requestId: id })
}

test("a rejection of the program's own is Node's affair, in Node's own form, after a call has ended", async () => {
  const error = `const own = () => { Promise.reject(new Error('own')) }`
  await withServer(`${error}\n${ENDS}`, async (client) => {
    await cancelled(client)
    assert.deepEqual(await client.exited, { code: 1, signal: null })
    assert.match(client.stderr, /Error: own/)
  })
  const value = `const own = () => { Promise.reject(7) }`
  await withServer(`${value}\n${ENDS}`, async (client) => {
    await cancelled(client)
    assert.deepEqual(await client.exited, { code: 1, signal: null })
    assert.match(client.stderr, /ERR_UNHANDLED_REJECTION/)
  })
  const origin = `
    process.on('uncaughtException', (error, origin) => console.error(origin, error.code))
    let times = 0
    const own = () => { Promise.reject(7); if (times++ === 0) setImmediate(own) }`
  await withServer(`${origin}\n${ENDS}`, async (client) => {
    await cancelled(client)
    await client.until(() => count(client.stderr, 'unhandledRejection ERR_UNHANDLED_REJECTION') === 2)
  })
})

test('a rejection that the program handles once is handled, after a call has ended', async () => {
  const source = `
    process.once('unhandledRejection', (reason) => console.error('handled', reason))
    const own = () => { Promise.reject(7) }
    app.tool('ping', () => 'pong')
    ${ENDS}`
  await withServer(source, async (client) => {
    await cancelled(client)
    await client.until(() => client.stderr.includes('handled 7'))
    assert.equal(await client.text('ping'), 'pong')
  })
})

test('two copies of the package let pass what is either of them, and nothing else', async () => {
  const source = `
    import { createRequire } from 'node:module'
    const require = createRequire(${JSON.stringify(PACKAGE)})
    const path = require.resolve('./js/calls/rejection_guard.js')
    const first = require(path)
    delete require.cache[path]
    const second = require(path)
    const errors = [new Error('a'), new Error('b')]
    first.ignoreRejections(errors[0])
    second.ignoreRejections(errors[1])
    for (const error of errors) Promise.reject(error)
    setImmediate(() => {
      console.error('passed')
      Promise.reject(new Error('own'))
    })
    setTimeout(() => {}, 60_000)`
  await withServer(source, async (client) => {
    assert.deepEqual(await client.exited, { code: 1, signal: null })
    assert.match(client.stderr, /^passed\n/)
    assert.equal(count(client.stderr, 'Error: own'), 1)
  })
})

test('what middleware came to and nobody awaits does not end the process', async () => {
  const source = `
    const turns = async () => { for (let i = 0; i < 5; i++) await new Promise(setImmediate) }
    app.tool('now', () => { throw new Error('q') })
    app.tool('later', async () => { await turns(); console.error('rejects'); throw new Error('q') })
    app.resource('r://a', () => { throw new Error('q') })
    app.middleware((ctx, next) => { next(); return 'early' })
    app.middleware('tools/list', async (ctx, next) => { next(5); const result = await next(); next({ cursor: 'none' }); return result })
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    assert.equal(await client.text('now'), 'early')
    assert.equal(await client.text('later'), 'early')
    await client.until(() => client.stderr.includes('rejects'))
    assert.equal((await client.send('resources/read', { uri: 'r://a' })).result.contents[0].text, 'early')
    assert.equal((await client.send('tools/list')).result.tools.length, 2)
    assert.deepEqual(await client.end(), { code: 0, signal: null })
    assert.equal(client.stderr, 'rejects\n')
  })
})
