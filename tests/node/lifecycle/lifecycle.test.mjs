// From `listen` to the exit of the process.

import assert from 'node:assert/strict'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { program, withServer } from '../support/process.mjs'

const ids = (client) => client.lines.map((line) => JSON.parse(line).id)

test('a server that does not listen does not keep the process alive', async () => {
  await withServer(`app.tool('a', () => 1)`, async (client) => {
    assert.deepEqual(await client.exited, { code: 0, signal: null })
  })
})

test('the end of the input drains calls, then ends the server and the process', async () => {
  const source = `
    app.tool('slow', () => new Promise((r) => setTimeout(r, 100, 'drained')))
    await app.listen()
    await app.closed
    console.log('closed')`
  await withServer(source, async (client) => {
    await client.initialize()
    const calls = [client.call('slow'), client.call('slow')]
    client.child.stdin.end()
    for (const call of calls) assert.equal((await call).result.content[0].text, 'drained')
    assert.deepEqual(await client.exited, { code: 0, signal: null })
    // Descriptor 1 is the program's again.
    assert.equal(client.lines.at(-1), 'closed')
  })
})

test('calls that never end are given up after the drain time', async () => {
  const source = `
    app.tool('never', (_, ctx) => {
      ctx.signal.onabort = () => console.error('aborted:', ctx.signal.reason.message)
      return new Promise(() => {})
    })
    await app.listen()`
  const options = { server: '{ name: "test", limits: { drainTimeout: 50 } }' }
  await withServer(source, async (client) => {
    await client.initialize()
    const call = client.call('never')
    assert.deepEqual(await client.end(), { code: 0, signal: null })
    assert.match(client.stderr, /aborted: the server is closing/)
    // Its one answer says so.
    assert.match((await call).error.message, /shutting down/)
    assert.equal(client.lines.length, 2)
  }, options)
})

test('close is graceful, may be called twice, and lets the process end', async () => {
  const source = `
    let end
    app.tool('slow', () => new Promise((r) => { end = r }))
    app.tool('close', () => {
      Promise.all([app.close(), app.close()]).then(() => app.close()).then(() => console.error('both closed'))
      setImmediate(() => end('drained'))
      return 'closing'
    })
    await app.listen()
    await app.closed
    console.error('closed')`
  await withServer(source, async (client) => {
    await client.initialize()
    const slow = client.call('slow')
    assert.equal(await client.text('close'), 'closing')
    assert.equal((await slow).result.content[0].text, 'drained')
    assert.deepEqual(await client.exited, { code: 0, signal: null })
    assert.match(client.stderr, /both closed/)
    assert.match(client.stderr, /^closed/m)
  })
})

test('a handler that awaits close ends with the drain time', async () => {
  const source = `
    app.tool('close', async (_, ctx) => {
      await app.close()
      console.error('aborted', ctx.signal.aborted)
    })
    await app.listen()`
  const options = { server: '{ name: "test", limits: { drainTimeout: 50 } }' }
  await withServer(source, async (client) => {
    await client.initialize()
    client.call('close')
    assert.deepEqual(await client.exited, { code: 0, signal: null })
    assert.match(client.stderr, /aborted true/)
  }, options)
})

test('a server can listen once at a time, and again after it was closed', async () => {
  const source = `
    const results = []
    await app.listen()
    await app.listen().catch((error) => results.push(error.code))
    const first = app.closed
    await app.close()
    await app.listen()
    results.push(app.closed !== first)
    app.tool('results', () => results)
    app.tool('bye', () => { app.close() })
    console.error('up')`
  await withServer(source, async (client) => {
    await client.until(() => client.stderr.includes('up'))
    await client.initialize()
    assert.equal(await client.text('results'), '["TENON_STATE",true]')
    await client.text('bye')
    assert.deepEqual(await client.exited, { code: 0, signal: null })
  })
})

test('process.exit with calls pending writes what was answered, and the exit code is kept', async () => {
  const source = `
    app.tool('wait', () => new Promise(() => {}))
    app.tool('answer', () => 'answered')
    app.tool('exit', () => setImmediate(() => process.exit(7)) && 'bye')
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    client.call('wait')
    const calls = Array.from({ length: 200 }, () => client.call('answer'))
    const exit = client.call('exit')
    const texts = (await Promise.all([...calls, exit])).map(({ result }) => result.content[0].text)
    assert.equal(texts.filter((text) => text === 'answered').length, 200)
    assert.equal(texts.at(-1), 'bye')
    assert.deepEqual(await client.exited, { code: 7, signal: null })
  })
})

test('a handler that exits the process loses no answer given before', async () => {
  const source = `
    app.tool('answer', () => 'answered')
    app.tool('exit', () => process.exit(5))
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const calls = Array.from({ length: 20 }, () => client.call('answer'))
    client.call('exit')
    for (const { result } of await Promise.all(calls)) assert.equal(result.content[0].text, 'answered')
    assert.deepEqual(await client.exited, { code: 5, signal: null })
  })
})

test('an exception outside of any handler ends the process as always', async () => {
  const source = `
    app.tool('crash', () => { setImmediate(() => { throw new Error('outside') }); return 'ok' })
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    await client.text('crash')
    assert.deepEqual(await client.exited, { code: 1, signal: null })
    assert.match(client.stderr, /Error: outside/)
  })
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  test(`${signal} ends the process at once by default`, async () => {
    await withServer(`app.tool('wait', () => new Promise(() => {}))\nawait app.listen()`, async (client) => {
      await client.initialize()
      client.call('wait')
      assert.deepEqual(await client.kill(signal), { code: null, signal })
    })
  })

  test(`${signal} closes gracefully where that was asked for`, async () => {
    const source = `
      app.tool('slow', () => new Promise((r) => {
        process.once('${signal}', () => setTimeout(r, 20, 'drained'))
        console.error('begun')
      }))
      await app.listen({ stdio: true, signals: true })`
    await withServer(source, async (client) => {
      await client.initialize()
      const slow = client.call('slow')
      await client.until(() => client.stderr.includes('begun'))
      client.child.kill(signal)
      assert.equal((await slow).result.content[0].text, 'drained')
      assert.deepEqual(await client.exited, { code: signal === 'SIGINT' ? 130 : 0, signal: null })
    })
  })
}

test('signals have their handlers before the first message can be answered', async () => {
  // While stdio is served descriptor 1 points elsewhere.
  const source = `
    import { fstatSync } from 'node:fs'
    const output = () => fstatSync(1).ino
    const before = output()
    const on = process.on
    process.on = function (name, ...rest) {
      if (name === 'SIGTERM') console.error('served', output() !== before)
      return on.call(this, name, ...rest)
    }
    await app.listen({ stdio: true, signals: true })
    console.error('now served', output() !== before)`
  await withServer(source, async (client) => {
    await client.until(() => client.stderr.includes('now'))
    assert.match(client.stderr, /^served false\nnow served true\n/)
  })
})

test('a start that fails leaves signals alone', async () => {
  const source = `
    const before = process.listenerCount('SIGINT')
    await app.listen({ http: { port: 1, host: '203.0.113.1' }, signals: true }).catch((error) => console.error(error.code))
    console.error('restored', process.listenerCount('SIGINT') === before)`
  await withServer(source, async (client) => {
    await client.exited
    assert.match(client.stderr, /restored true/)
  })
})

test('the second signal does not wait for calls', async () => {
  const source = `
    app.tool('wait', () => { console.error('waiting'); return new Promise(() => {}) })
    await app.listen({ stdio: true, signals: true })
    process.on('SIGINT', () => console.error('signal'))`
  await withServer(source, async (client) => {
    await client.initialize()
    client.call('wait')
    await client.until(() => client.stderr.includes('waiting'))
    client.child.kill('SIGINT')
    await client.until(() => client.stderr.includes('signal'))
    client.child.kill('SIGINT')
    assert.deepEqual(await client.exited, { code: 130, signal: null })
  })
})

test('what was printed before a crash or an exit is not lost', async () => {
  const source = `
    app.tool('abort', () => { console.error('last words'); process.abort() })
    app.tool('exit', () => { console.error('last words'); process.reallyExit(3) })
    await app.listen()`
  // Often, since what is on its way when a process dies is mostly lost where nothing waits for it.
  for (let i = 0; i < 4; i++) {
    for (const [tool, end] of [['abort', { code: null, signal: 'SIGABRT' }], ['exit', { code: 3, signal: null }]]) {
      await withServer(source, async (client) => {
        await client.initialize()
        client.call(tool).catch(() => {})
        assert.deepEqual(await client.exited, end)
        assert.match(client.stderr, /^last words\n/)
      })
    }
  }
})

test('signal handlers are gone after the close', async () => {
  const source = `
    const counts = () => ['SIGINT', 'SIGTERM', 'exit'].map((name) => process.listenerCount(name)).join(' ')
    const before = counts()
    await app.listen({ stdio: true, signals: true })
    const during = counts()
    await app.close()
    console.error('changed', during !== before, 'restored', counts() === before)`
  await withServer(source, async (client) => {
    assert.deepEqual(await client.exited, { code: 0, signal: null })
    assert.match(client.stderr, /changed true restored true/)
  })
})

const NOISE = `
  import { writeSync } from 'node:fs'
  import { execFileSync } from 'node:child_process'
  console.log('before')
  app.tool('noise', () => {
    console.log('by console')
    process.stdout.write('by stream\\n')
    writeSync(1, 'by descriptor\\n')
    execFileSync('echo', ['by child'], { stdio: ['ignore', 'inherit', 'ignore'] })
    return 'quiet'
  })
  await app.listen()
  await app.closed
  console.log('after')`

test('what a handler prints goes to standard error, not to the client', async () => {
  await withServer(NOISE, async (client) => {
    await client.until(() => client.lines.includes('before'))
    await client.initialize()
    assert.equal(await client.text('noise'), 'quiet')
    assert.deepEqual(await client.end(), { code: 0, signal: null })
    assert.equal(client.lines.at(-1), 'after')
    assert.deepEqual(client.lines.slice(1, -1).map((line) => JSON.parse(line).id), [1, 2])
    for (const by of ['console', 'stream', 'descriptor', 'child']) assert.match(client.stderr, new RegExp(`by ${by}\n`))
  })
})

test('the same when standard output is a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-'))
  try {
    const file = join(folder, 'out')
    const stdio = ['pipe', openSync(file, 'w'), 'pipe']
    const child = spawn(process.execPath, ['--input-type=module', '-e', program(NOISE)], { stdio })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
    const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'noise' } }
    const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } }
    child.stdin.end(
      [{ jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize }, call].map((m) => JSON.stringify(m)).join('\n')
    )
    assert.deepEqual(await once(child, 'close'), [0, null])
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    assert.deepEqual([lines.length, lines[0], lines[3]], [4, 'before', 'after'])
    assert.deepEqual(lines.slice(1, 3).map((line) => JSON.parse(line).id), [1, 2])
    for (const by of ['console', 'stream', 'descriptor', 'child']) assert.match(stderr, new RegExp(`by ${by}\n`))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a client that goes away ends the server without harm', async () => {
  const source = `
    app.tool('flood', async (_, ctx) => {
      for (let i = 0; i < 1000; i++) ctx.progress(i, 1000, 'x'.repeat(1000))
      return 'y'.repeat(100000)
    })
    await app.listen()
    await app.closed
    console.error('closed')`
  const options = { server: '{ name: "test", limits: { drainTimeout: 100 } }' }
  await withServer(source, async (client) => {
    await client.initialize()
    client.child.stdout.destroy()
    for (let i = 0; i < 5; i++) client.call('flood', {}, { progressToken: i })
    assert.deepEqual(await client.exited, { code: 0, signal: null })
    assert.match(client.stderr, /closed/)
    assert.deepEqual(ids(client), [1])
  }, options)
})

test('a server that was closed can be collected', async () => {
  const source = `
    import { setFlagsFromString } from 'node:v8'
    import { runInNewContext } from 'node:vm'
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc')
    const servers = []
    for (let i = 0; i < 20; i++) {
      const server = new Server({ name: 's' }).tool('t', () => 1)
      await server.listen()
      await server.close()
      servers.push(new WeakRef(server))
    }
    const left = () => servers.filter((server) => server.deref()).length
    for (let i = 0; i < 100 && left() > 1; i++) {
      await new Promise(setImmediate)
      gc()
    }
    console.error('left', left())`
  await withServer(source, async (client) => {
    assert.deepEqual(await client.exited, { code: 0, signal: null })
    // The last one may still be held by the frame above.
    assert.match(client.stderr, /left [01]$/m)
  })
})
