// Servers in worker threads: each has its own environment and shares nothing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withServer, PACKAGE } from '../support/process.mjs'

// `run(code)` starts a worker that is a module like the program itself.
const WORKER = `
  import { Worker } from 'node:worker_threads'
  import { once } from 'node:events'
  const run = (code) => new Worker(new URL('data:text/javascript,' + encodeURIComponent(
    \`import { isMainThread, parentPort } from 'node:worker_threads'
     const { Server } = await import(\${JSON.stringify(PACKAGE)})
     \${code}\`
  )))
  const PACKAGE = ${JSON.stringify(PACKAGE)}`

test('a worker serves, and its end ends its server only', async () => {
  const source = `${WORKER}
    const worker = run(\`
      const app = new Server({ name: 'in worker' })
      app.tool('where', () => isMainThread ? 'main' : 'worker')
      app.tool('leave', () => { setImmediate(() => process.exit(3)); return 'leaving' })
      await app.listen()
      parentPort.postMessage('up')
    \`)
    worker.on('error', (error) => console.error(error))
    worker.on('exit', (code) => console.error('worker left', code))`
  await withServer(source, async (client) => {
    const { serverInfo } = await client.initialize()
    assert.equal(serverInfo.name, 'in worker')
    assert.equal(await client.text('where'), 'worker')
    assert.equal(await client.text('leave'), 'leaving')
    assert.deepEqual(await client.exited, { code: 0, signal: null })
    assert.match(client.stderr, /worker left 3/)
  })
})

// What ends a worker in the middle of a call: in a handler that runs, or while all of them wait.
const ENDS = {
  'terminated while a handler runs': "() => { parentPort.postMessage('terminate'); for (;;); }",
  'terminated while all handlers wait': "() => { parentPort.postMessage('terminate'); return new Promise(() => {}) }",
  'process.exit in a handler': '() => process.exit(3)',
  'process.exit after a handler': '() => { setImmediate(() => process.exit(3)); return new Promise(() => {}) }',
  'an uncaught error': "() => { setImmediate(() => { throw new Error('uncaught') }); return new Promise(() => {}) }",
  'an unhandled rejection': "() => { Promise.reject(new Error('unhandled')); return new Promise(() => {}) }"
}

for (const [what, handler] of Object.entries(ENDS)) {
  test(`every call in flight gets the same answer when a worker ends: ${what}`, async () => {
    const source = `${WORKER}
      const worker = run(${JSON.stringify(`
        const app = new Server({ name: 'in worker' })
        app.tool('wait', () => new Promise(() => {}))
        app.tool('done', () => 'done')
        app.tool('end', ${handler})
        await app.listen()
      `)})
      worker.on('message', () => worker.terminate())
      worker.on('error', () => {})
      worker.on('exit', () => console.error('ended'))`
    await withServer(source, async (client) => {
      await client.initialize()
      assert.equal(await client.text('done'), 'done')
      const calls = []
      for (let i = 0; i < 40; i++) calls.push(client.call('wait'))
      calls.push(client.call('end'))
      for (let i = 0; i < 500; i++) calls.push(client.call('wait'))
      const answers = (await Promise.allSettled(calls)).filter(({ status }) => status === 'fulfilled')
      assert.deepEqual(await client.exited, { code: 0, signal: null })
      assert.match(client.stderr, /ended/)
      // Those of the batch that the end came in among them. What came after the end of reading has no answer.
      assert.ok(answers.length > 41, `${answers.length} answers`)
      const [first, ...others] = answers.map(({ value: { result, error } }) => JSON.stringify(result ?? error))
      assert.match(first, /shutting down/)
      assert.deepEqual(new Set(others), new Set([first]))
    })
  })
}

test('workers come and go, listening or not', async () => {
  const source = `${WORKER}
    const listening = \`
      const app = new Server({ name: 'w' })
      app.tool('t', () => 1)
      await app.listen()
      parentPort.postMessage('up')
    \`
    const idle = "new Server({ name: 'w' }).tool('t', () => 1); parentPort.postMessage('up')"
    const closing = \`
      const app = new Server({ name: 'w' })
      await app.listen()
      await app.close()
      parentPort.postMessage('up')
    \`
    for (let i = 0; i < 4; i++) {
      for (const code of [listening, idle, closing]) {
        const worker = run(code)
        const exit = once(worker, 'exit')
        await once(worker, 'message')
        if (code === listening) await worker.terminate()
        await exit
      }
    }
    app.tool('alive', () => 'yes')
    await app.listen()
    console.error('up')`
  await withServer(source, async (client) => {
    await client.until(() => client.stderr.includes('up'))
    await client.initialize()
    assert.equal(await client.text('alive'), 'yes')
    assert.deepEqual(await client.end(), { code: 0, signal: null })
  })
})
