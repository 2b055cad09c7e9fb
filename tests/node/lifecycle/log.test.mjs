// The server's log: failures with their stack, and logs that throw.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Server, ToolResult } from '../../../bindings-node/index.mjs'
import { Client } from '../../../bindings-node/testing.mjs'
import { withServer } from '../support/process.mjs'

test('an exception in a handler is logged with its stack, and the client gets the message only', async () => {
  const source = `
    function deep() { throw new TypeError('boom', { cause: new Error('the cause') }) }
    app.tool('throws', () => deep())
    app.tool('rejects', async () => deep())
    app.tool('odd', () => { throw 'a string' })
    app.tool('nan', () => [NaN])
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    for (const tool of ['throws', 'rejects']) {
      client.stderr = ''
      assert.equal(await client.text(tool), 'boom')
      await client.until(() => client.stderr.includes('the cause'))
      assert.match(client.stderr, new RegExp(`^tenon: error: tool "${tool}" failed: boom\nTypeError: boom\n    at deep `))
    }
    client.stderr = ''
    assert.equal(await client.text('odd'), 'a string')
    const nan = await client.text('nan')
    await client.until(() => client.stderr.includes('nan'))
    assert.equal(client.stderr, `tenon: error: tool "odd" failed: a string\ntenon: error: ${nan}\n`)
  })
})

test('a plain object in the form of a result is data, which is said once', async () => {
  const records = []
  const app = new Server({ name: 'test', log: (record) => records.push(record) })
  const blocks = { content: [{ type: 'text', text: 'x' }, { type: 'image', data: '', mimeType: 'a/b' }] }
  const contents = { contents: [{ uri: 'a://b', text: '' }, { uri: 'a://c', blob: '' }] }
  app.tool('result', () => blocks)
  app.resource('a://b', () => contents)
  // What is meant, or looks like something else.
  app.tool('typed', () => new ToolResult(blocks))
  app.tool('structured', { structured: true }, () => blocks)
  app.tool('none', () => ({ content: [] }))
  app.tool('page', () => ({ content: [{ type: 'text' }, { type: 'paragraph' }] }))
  app.tool('text', () => ({ content: 'text' }))
  app.tool('contents', () => contents)
  let read = 0
  app.tool('odd', () => Object.defineProperty({}, 'content', { get: () => ++read && assert.fail() }))
  const client = new Client(app)
  for (let i = 0; i < 2; i++) {
    assert.deepEqual((await client.callTool('result')).data, blocks)
    assert.deepEqual((await client.readResource('a://b')).data, contents)
    for (const tool of ['typed', 'structured', 'none', 'page', 'text', 'contents', 'odd']) await client.callTool(tool)
  }
  await client.close()
  assert.equal(read, 2)
  const said = (what, member, type) =>
    `${what} returned a plain object with "${member}": it is sent as JSON data; return a new ${type}(…) to send it as the result`
  assert.deepEqual(records, [
    { level: 'warn', message: said('tool "result"', 'content', 'ToolResult'), kind: 'tool', name: 'result' },
    { level: 'warn', message: said('resource "a://b"', 'contents', 'ResourceContents'), kind: 'resource', name: 'a://b' }
  ])
})

test('what the engine has to say reaches the same log', async () => {
  const source = `
    const output = { type: 'object', required: ['n'] }
    app.tool('misses', { output }, () => ({ m: 1 }))
    app.tool('large', () => '\\n'.repeat(90))
    await app.listen()`
  const log = 'log: ({ level, message, ...rest }) => console.error(level, message, Object.keys(rest).length)'
  await withServer(source, async (client) => {
    await client.initialize()
    for (const tool of ['misses', 'large']) {
      client.stderr = ''
      const told = await client.text(tool)
      await client.until(() => client.stderr.includes(`error ${told} 0\n`))
    }
  }, { server: `{ name: 'test', limits: { maxResultBytes: 100 }, ${log} }` })
})

test('records that come faster than they are taken are counted, not kept', async () => {
  const source = `
    const output = { type: 'object', required: ['n'] }
    app.tool('misses', { output }, () => new Promise((resolve) => process.once('go', resolve)))
    process.setMaxListeners(0)
    app.tool('go', () => process.emit('go'))
    app.tool('count', () => [records.length, records.at(-1) ?? null])
    globalThis.records = []
    await app.listen()`
  const log = 'log: ({ message }) => void records.push(message)'
  await withServer(source, async (client) => {
    await client.initialize()
    const calls = Array.from({ length: 1000 }, () => client.call('misses'))
    await client.call('go')
    for (const call of calls) assert.match((await call).result.content[0].text, /does not fit/)
    let count, last
    // They are taken in a turn of their own.
    do [count, last] = JSON.parse(await client.text('count'))
    while (count === 0)
    assert.deepEqual([count, last], [257, '744 log records were dropped because too many were waiting'])
  }, { server: `{ name: 'test', ${log} }` })
})

const TOOLS = `
  app.tool('fail', () => { throw new Error('boom') })
  app.tool('elicit', async (_, ctx) => ctx.elicit('x', { type: 'object', properties: {} }))
  app.tool('fine', () => 'fine')
  await app.listen()`

async function failOnce(client) {
  await client.initialize()
  assert.equal(await client.text('fail'), 'boom')
  // Not the operator's business: a client that cannot be asked.
  assert.match(await client.text('elicit'), /cannot be asked/)
  assert.equal(await client.text('fine'), 'fine')
}

test('a log function gets records', async () => {
  const log = `(record) => {
    const { level, message, kind, name, error } = record
    console.error(JSON.stringify({ keys: Object.keys(record), level, message, kind, name, error: error.stack.split('\\n').length > 1 }))
  }`
  await withServer(TOOLS, async (client) => {
    await failOnce(client)
    // Standard error is another stream, and may come later.
    await client.until(() => client.stderr.includes('\n'))
    const [line, ...rest] = client.stderr.trim().split('\n')
    assert.deepEqual(rest, [])
    assert.deepEqual(JSON.parse(line), {
      keys: ['level', 'message', 'kind', 'name', 'error'],
      level: 'error',
      message: 'tool "fail" failed: boom',
      kind: 'tool',
      name: 'fail',
      error: true
    })
  }, { server: `{ name: 'test', log: ${log} }` })
})

test('a log can be a console, or off', async () => {
  const log = `Object.fromEntries(['debug', 'info', 'warn', 'error'].map((level) =>
    [level, (message, error) => console.error(level, '|', message, '|', error.message)]))`
  await withServer(TOOLS, async (client) => {
    await failOnce(client)
    await client.until(() => client.stderr.includes('\n'))
    assert.equal(client.stderr, 'error | tool "fail" failed: boom | boom\n')
  }, { server: `{ name: 'test', log: ${log} }` })
  await withServer(TOOLS, async (client) => {
    await failOnce(client)
    await client.end()
    assert.equal(client.stderr, '')
  }, { server: `{ name: 'test', log: null }` })
})

test('a log that throws, rejects or closes the server harms nobody', async () => {
  for (const log of ['() => { throw new Error("log") }', 'async () => { throw new Error("log") }']) {
    await withServer(TOOLS, async (client) => {
      await failOnce(client)
      assert.deepEqual(await client.end(), { code: 0, signal: null })
      assert.equal(client.stderr, '')
    }, { server: `{ name: 'test', log: ${log} }` })
  }
  await withServer(TOOLS, async (client) => {
    await client.initialize()
    assert.equal(await client.text('fail'), 'boom')
    assert.deepEqual(await client.exited, { code: 0, signal: null })
  }, { server: `{ name: 'test', log: () => void app.close() }` })
})

// What is printed reaches the client's end itself.
const DIRECT = { server: '{ name: "test", limits: { maxStderrBytes: 0 } }' }

test('a client that closed standard error does not end a tool that prints', async () => {
  const source = `
    import { writeSync } from 'node:fs'
    const all = {
      console: () => console.error('x'),
      log: () => console.log('x'),
      stream: () => process.stderr.write('x\\n'),
      output: () => process.stdout.write('x\\n'),
      fails: () => { throw new Error('printed by the default log') }
    }
    for (const [name, print] of Object.entries(all)) {
      app.tool(name, async () => {
        print()
        await new Promise(setImmediate)
        print()
        return 'printed'
      })
    }
    await app.listen()`.replaceAll('\\\\n', '\\n')
  for (const tool of ['console', 'log', 'stream', 'output', 'fails']) {
    await withServer(source, async (client) => {
      client.child.stderr.destroy()
      await client.initialize()
      const expected = tool === 'fails' ? 'printed by the default log' : 'printed'
      for (let i = 0; i < 3; i++) assert.equal(await client.text(tool), expected, tool)
      assert.deepEqual((await client.send('ping')).result, {})
      assert.deepEqual(await client.end(), { code: 0, signal: null }, tool)
    }, DIRECT)
  }
})

test('a program that prints before any call survives a closed standard error too', async () => {
  const source = `
    app.tool('fine', () => 'fine')
    await app.listen()
    // The writes report when they have failed. A tool tells of it, which is not called: the first call has its own cover.
    const printed = () => app.tool('printed', () => 1)
    console.error('x')
    setTimeout(() => process.stderr.write('y\\n', () => process.stderr.write('z\\n', () => setImmediate(printed))), 300)`
  await withServer(source, async (client) => {
    client.child.stderr.destroy()
    await client.initialize()
    const tools = async () => (await client.send('tools/list')).result.tools.map(({ name }) => name)
    while (!(await tools()).includes('printed'));
    assert.equal(await client.text('fine'), 'fine')
  }, DIRECT)
})

test('a program that has printed before it listens survives a closed standard error too', async () => {
  for (const print of ["console.error('x')", "process.stderr.write('x\\n')"]) {
    const source = `
      const print = () => ${print}
      app.tool('work', async () => {
        print()
        await new Promise(setImmediate)
        print()
        return 'printed'
      })
      print()
      await app.listen()`
    await withServer(source, async (client) => {
      await client.initialize()
      await client.until(() => client.stderr.includes('x'))
      client.child.stderr.destroy()
      for (let i = 0; i < 3; i++) assert.equal(await client.text('work'), 'printed')
      assert.deepEqual(await client.end(), { code: 0, signal: null })
    }, DIRECT)
  }
})

test('a server that nobody prints in does not open the streams', async () => {
  const source = `
    const loaded = () => process.moduleLoadList.includes('NativeModule net')
    const before = loaded()
    app.tool('opened', () => loaded() !== before)
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    for (let i = 0; i < 2; i++) assert.equal(await client.text('opened'), 'false')
  })
})

test('a client that does not read standard error does not block a tool that prints', async () => {
  const source = `
    app.tool('flood', () => {
      for (let i = 0; i < 64; i++) console.error('x'.repeat(64 << 10))
      return 'printed'
    })
    await app.listen()`
  await withServer(source, async (client) => {
    client.child.stderr.pause()
    await client.initialize()
    assert.equal(await client.text('flood'), 'printed')
    assert.equal(await client.text('flood'), 'printed')
  })
})
