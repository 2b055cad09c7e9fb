// Servers in worker threads: one environment each, nothing shared.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withServer, PACKAGE } from './support/process.mjs'

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

test('a worker is terminated in the middle of calls', async () => {
  const source = `${WORKER}
    const worker = run(\`
      const app = new Server({ name: 'in worker' })
      app.tool('wait', () => { parentPort.postMessage('waiting'); return new Promise(() => {}) })
      app.tool('spin', () => { parentPort.postMessage('spinning'); for (;;); })
      await app.listen()
    \`)
    worker.on('message', (message) => {
      console.error(message)
      if (message === 'spinning') worker.terminate().then(() => console.error('terminated'))
    })
    worker.on('error', (error) => console.error(error))`
  await withServer(source, async (client) => {
    await client.initialize()
    client.call('wait')
    client.call('spin')
    for (let i = 0; i < 500; i++) client.call('wait')
    assert.deepEqual(await client.exited, { code: 0, signal: null })
    assert.match(client.stderr, /terminated/)
    // What the worker was given and could not work on is answered at once; nothing twice.
    const [, ...answers] = client.lines.map((line) => JSON.parse(line))
    assert.equal(new Set(answers.map(({ id }) => id)).size, answers.length)
    for (const { result, error } of answers) {
      if (error) assert.match(error.message, /shutting down/)
      else assert.deepEqual([result.isError, result.content[0].text], [true, "the handler's environment did not take the call"])
    }
  })
})

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
