// The exit of a process with `signals: true` and without; see docs/lifecycle.md.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { once } from 'node:events'
import { PACKAGE, withServer } from '../support/process.mjs'

const SIGNALS = [['SIGTERM', 0, 143], ['SIGINT', 130, 130]]
const LONG = { server: '{ name: "test", limits: { drainTimeout: 60_000, stdioDrainTimeout: 60_000 } }' }

const FORM = `{ type: 'object', properties: {} }`

/** Tools that never end. The question of one fails when the input has ended, so that it is seen that the drain began. */
const SOURCE = `
  const never = () => new Promise(() => {})
  app.tool('never', () => { console.error('running'); return never() })
  app.tool('asks', (_, ctx) => {
    ctx.elicit('x', ${FORM}).catch(() => console.error('draining'))
    return never()
  })
  app.tool('closes', () => { app.close(); console.error('draining'); return never() })
  app.tool('lingers', (_, ctx) => {
    ctx.signal.onabort = () => console.error('aborted')
    console.error('running')
    return new Promise((resolve) => setTimeout(resolve, 3_600_000))
  })
  app.tool('blocks', () => { console.error('running'); for (;;); })
  await app.listen({ stdio: true, signals: true })`

async function begin(client, tool, seen = 'running') {
  await client.initialize({ elicitation: {} })
  const call = client.call(tool)
  await client.until(() => client.stderr.includes(seen))
  // In an object, or the call would be awaited.
  return { call }
}

for (const [signal, code, forced] of SIGNALS) {
  test(`a second ${signal} ends the process at once with ${forced}`, async () => {
    await withServer(`process.on('${signal}', () => console.error('signal'))\n${SOURCE}`, async (client) => {
      await begin(client, 'never')
      client.child.kill(signal)
      await client.until(() => client.stderr.includes('signal'))
      client.child.kill(signal)
      assert.deepEqual(await client.exited, { code: forced, signal: null })
    }, LONG)
  })

  test(`${signal} during the drain that the end of the input began ends that drain with ${code}`, async () => {
    await withServer(SOURCE, async (client) => {
      const { call } = await begin(client, 'never')
      client.call('asks')
      await client.until(() => client.notes.some(({ method }) => method === 'elicitation/create'))
      client.child.stdin.end()
      await client.until(() => client.stderr.includes('draining'))
      client.child.kill(signal)
      assert.deepEqual(await client.exited, { code, signal: null })
      assert.match((await call).error.message, /shutting down/)
    }, LONG)
  })

  test(`${signal} during the drain that the program began ends that drain with ${code}`, async () => {
    await withServer(SOURCE, async (client) => {
      const { call } = await begin(client, 'closes', 'draining')
      client.child.kill(signal)
      assert.deepEqual(await client.exited, { code, signal: null })
      assert.match((await call).error.message, /shutting down/)
    }, LONG)
  })

  test(`a second ${signal} ends a process whose handler blocks the loop with ${forced}`, async () => {
    await withServer(SOURCE, async (client) => {
      await begin(client, 'blocks')
      client.child.kill(signal)
      // The engine answers by itself that the server is ending.
      let refused
      while (!refused) {
        client.call('never').then(({ error }) => { refused = error }, () => {})
        await client.send('ping')
      }
      client.child.kill(signal)
      assert.deepEqual(await client.exited, { code: forced, signal: null })
    }, LONG)
  })

  test(`${signal} ends a process whose handler blocks the loop with ${code}, after the drain`, async () => {
    await withServer(SOURCE, async (client) => {
      const { call } = await begin(client, 'blocks')
      client.child.kill(signal)
      assert.deepEqual(await client.exited, { code, signal: null })
      assert.match((await call).error.message, /shutting down/)
    }, { server: '{ name: "test", limits: { stdioDrainTimeout: 300 } }' })
  })

  test(`one ${signal} counts once, although the loop and the engine hear of it, also after another start`, async () => {
    const source = `
      let seen = 0
      process.on('${signal}', () => console.error('signal', ++seen))
      const before = new Server({ name: 'before' })
      await before.listen({ http: 0, signals: true })
      await before.close()
      app.tool('slow', async () => {
        console.error('running')
        await new Promise((resolve) => process.once('${signal}', resolve))
        for (const end = Date.now() + 300; Date.now() < end;);
        return 'drained'
      })
      await app.listen({ stdio: true, signals: true })`
    await withServer(source, async (client) => {
      const { call } = await begin(client, 'slow')
      client.child.kill(signal)
      assert.equal((await call).result.content[0].text, 'drained')
      assert.deepEqual(await client.exited, { code, signal: null })
      assert.match(client.stderr, /signal 1/)
    }, LONG)
  })

  test(`${signal} ends a process that only its own timers keep, with ${code} and without a traceback`, async () => {
    await withServer(SOURCE, async (client) => {
      await begin(client, 'lingers')
      client.child.kill(signal)
      assert.deepEqual(await client.exited, { code, signal: null })
      assert.equal(client.stderr, 'running\naborted\n')
    }, { server: '{ name: "test", limits: { stdioDrainTimeout: 50 } }' })
  })
}

/** Milliseconds: more than ten times what is waited for where the input has ended, and far less than other drains may take. */
const SOON = 20_000

test('the end of the input ends a process whose handler leaves a timer behind, by a time-out of its own', async () => {
  await withServer(SOURCE, async (client) => {
    await begin(client, 'lingers')
    const start = performance.now()
    assert.deepEqual(await client.end(), { code: 0, signal: null })
    assert.ok(performance.now() - start < SOON, `it took ${performance.now() - start} ms`)
    assert.equal(client.stderr, 'running\naborted\n')
  }, { server: '{ name: "test", limits: { drainTimeout: 600_000 } }' })
})

test('the end of the input ends a process whose handler blocks the loop, by a time-out of its own', async () => {
  await withServer(SOURCE, async (client) => {
    const { call } = await begin(client, 'blocks')
    const start = performance.now()
    assert.deepEqual(await client.end(), { code: 0, signal: null })
    assert.ok(performance.now() - start < SOON, `it took ${performance.now() - start} ms`)
    assert.match((await call).error.message, /shutting down/)
  }, { server: '{ name: "test", limits: { stdioDrainTimeout: 300, drainTimeout: 600_000 } }' })
})

test('the program has a moment for itself after the end, and its exit code', async () => {
  const source = `${SOURCE}
    setInterval(() => {}, 1000)
    process.on('exit', (code) => console.error('exit', code))
    await app.closed
    await new Promise((resolve) => setTimeout(resolve, 20))
    process.exitCode = 3
    console.log('cleaned')`
  await withServer(source, async (client) => {
    await client.initialize()
    assert.deepEqual(await client.end(), { code: 3, signal: null })
    assert.equal(client.lines.at(-1), 'cleaned')
    assert.equal(client.stderr, 'exit 3\n')
  })
})

test('a server that the program closes leaves the process and its signals to the program', async () => {
  const source = `${SOURCE}
    await app.close()
    await new Promise((resolve) => setTimeout(resolve, 700))
    console.error('still here', process.listenerCount('SIGTERM'))
    setInterval(() => {}, 1000)`
  await withServer(source, async (client) => {
    await client.until(() => client.stderr.includes('still here 0'))
    assert.deepEqual(await client.kill('SIGTERM'), { code: null, signal: 'SIGTERM' })
  })
})

test('the process ends with the last of the servers it belongs to', async () => {
  const source = `
    const other = new Server({ name: 'other' })
    const { url } = await other.listen({ http: 0, signals: true })
    await app.listen({ stdio: true, signals: true })
    app.closed.then(() => setTimeout(() => console.error('closed', url), 700))
    other.closed.then(() => console.error('other closed'))
    console.error('up')`
  await withServer(source, async (client) => {
    await client.until(() => client.stderr.includes('up'))
    client.child.stdin.end()
    await client.until(() => client.stderr.includes('closed http'))
    client.child.kill('SIGINT')
    assert.deepEqual(await client.exited, { code: 130, signal: null })
    assert.match(client.stderr, /other closed/)
  })
})

test('without signals the process lives on as long as anything keeps it', async () => {
  const source = `
    app.tool('lingers', () => new Promise((resolve) => setTimeout(() => resolve(console.error('timer')), 900)))
    const before = process.listenerCount('SIGINT') + process.listenerCount('SIGTERM')
    await app.listen()
    app.closed.then(() => console.error('closed'))
    console.error('listeners', process.listenerCount('SIGINT') + process.listenerCount('SIGTERM') - before)`
  await withServer(source, async (client) => {
    await client.initialize()
    client.call('lingers')
    await client.send('ping')
    assert.deepEqual(await client.end(), { code: 0, signal: null })
    assert.equal(client.stderr, 'listeners 0\nclosed\ntimer\n')
  }, { server: '{ name: "test", limits: { drainTimeout: 50 } }' })
})

test('signals are refused in workers', async () => {
  const code = `
    import { parentPort } from 'node:worker_threads'
    const { Server } = await import(${JSON.stringify(PACKAGE)})
    await new Server({ name: 'w' }).listen({ http: 0, signals: true }).catch((error) => parentPort.postMessage(error.message))`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`))
  const exit = once(worker, 'exit')
  assert.deepEqual(await once(worker, 'message'), ['listen: signals can be set only in the main thread, not in a worker'])
  await exit
})
