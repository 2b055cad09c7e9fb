// Clients in the process of their server, in every revision.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { McpError, Server, ToolError } from '../../../bindings-node/index.mjs'
import { Client } from '../../../bindings-node/testing.mjs'

const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28']
const numbers = { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer' } }, required: ['a', 'b'] }

function make() {
  const app = new Server({ name: 'test', limits: { pageSize: 1 } })
  app.tool('add', { input: numbers }, async ({ a, b }, ctx) => {
    ctx.progress(1, 2, 'half')
    ctx.log('info', 'adds')
    return a + b
  })
  app.tool('describe', { structured: true }, () => ({ v: 1 }))
  app.tool('fail', () => {
    throw new ToolError('no luck')
  })
  app.tool('refuse', () => {
    throw new McpError(7, 'not you', { why: 'me' })
  })
  app.tool('greet', async (_, ctx) => {
    const { action, content } = await ctx.elicit('Who?', { type: 'object', properties: { name: { type: 'string' } } })
    return `${action} ${content?.name}`
  })
  app.tool('forever', (_, ctx) => new Promise((_, reject) => ctx.signal.addEventListener('abort', reject)))
  app.resource('config://app', { mimeType: 'application/json' }, () => ({ v: 1 }))
  app.resource('blob://b', () => Buffer.from([0, 255]))
  app.resource('note://{id}', ({ id }) => `note ${id}`)
  app.prompt('ask', { args: [{ name: 'count' }] }, ({ count }) => `${count} times`)
  app.completion({ prompt: 'ask', argument: 'count' }, (value) => [`${value}0`, `${value}1`])
  return app
}

async function using(app, options, body) {
  const client = new Client(app, options)
  try {
    return await body(client)
  } finally {
    await client.close()
  }
}

for (const revision of REVISIONS) {
  test(`a client does everything in ${revision}`, async () => {
    const heard = []
    const onLog = ({ data }) => heard.push(data)
    await using(make(), { revision, onLog }, async (client) => {
      const sum = await client.callTool('add', { a: 3, b: 5 }, { onProgress: (progress) => heard.push(progress) })
      assert.deepEqual([sum.data, sum.text, sum.isError, sum.content[0].type], [8, '8', false, 'text'])
      assert.deepEqual(heard, [1, 'adds'])
      const names = (await client.listTools()).map(({ name }) => name)
      assert.deepEqual(names, ['add', 'describe', 'fail', 'refuse', 'greet', 'forever'])
      assert.deepEqual((await client.readResource('config://app')).data, { v: 1 })
      assert.deepEqual((await client.readResource('blob://b')).data, Buffer.from([0, 255]))
      assert.equal((await client.readResource('note://7')).text, 'note 7')
      assert.equal((await client.listResources())[0].uri, 'config://app')
      assert.equal((await client.listResourceTemplates())[0].uriTemplate, 'note://{id}')
      const prompt = await client.getPrompt('ask', { count: 3 })
      assert.deepEqual([prompt.text, prompt.messages[0].role], ['3 times', 'user'])
      assert.equal((await client.listPrompts())[0].name, 'ask')
      const completion = await client.complete({ prompt: 'ask', argument: 'count', value: '2' })
      assert.deepEqual(completion.values, ['20', '21'])
      await client.ping()
    })
  })
}

test('failures and errors are told apart', async () => {
  await using(make(), {}, async (client) => {
    await assert.rejects(client.callTool('fail'), (error) => error instanceof ToolError && error.message === 'no luck')
    const failed = await client.callTool('fail', {}, { raiseOnError: false })
    assert.deepEqual([failed.isError, failed.text], [true, 'no luck'])
    await assert.rejects(client.callTool('refuse'), (error) => {
      assert.ok(error instanceof McpError)
      assert.deepEqual([error.code, error.message, error.data], [7, 'not you', { why: 'me' }])
      return true
    })
    await assert.rejects(client.request('no/such'), { code: -32601 })
    const described = await client.callTool('describe')
    assert.deepEqual([described.data, described.structured], [{ v: 1 }, { v: 1 }])
  })
})

for (const revision of REVISIONS.slice(2)) {
  test(`questions are answered in ${revision}`, async () => {
    const app = make()
    const asked = []
    const elicit = async ({ message }) => {
      asked.push(message)
      return { name: 'Ada' }
    }
    await using(app, { revision, elicit }, async (client) => {
      assert.equal((await client.callTool('greet')).text, 'accept Ada')
    })
    assert.deepEqual(asked, ['Who?'])
    await using(app, { revision, elicit: false }, async (client) => {
      assert.match((await client.callTool('greet')).text, /^decline/)
    })
    const fails = () => {
      throw new Error('out of order')
    }
    await using(app, { revision, elicit: fails }, (client) => assert.rejects(client.callTool('greet'), /out of order/))
    await using(app, { revision }, (client) => assert.rejects(client.callTool('greet')))
  })
}

test('a client says who it is', async () => {
  const app = make()
  app.tool('who', (_, ctx) => [ctx.clientInfo.name, ctx.principal.subject, ctx.protocolVersion, ctx.meta['example.com/x']])
  await using(app, { revision: '2025-06-18', name: 'me', principal: 'ada' }, async (client) => {
    const said = await client.callTool('who', {}, { meta: { 'example.com/x': 1 } })
    assert.deepEqual(said.data, ['me', 'ada', '2025-06-18', 1])
  })
})

test('a signal cancels a call', async () => {
  await using(make(), {}, async (client) => {
    const control = new AbortController()
    const call = client.callTool('forever', {}, { signal: control.signal })
    await client.ping()
    control.abort()
    await assert.rejects(call, { name: 'AbortError' })
  })
})

test('a call that is cancelled before the server has started is not made', async () => {
  const app = new Server({ name: 'test' })
  let go
  let calls = 0
  app.on('start', () => new Promise((resolve) => (go = resolve)))
  app.tool('count', () => ++calls)
  await using(app, {}, async (client) => {
    const control = new AbortController()
    const call = client.callTool('count', {}, { signal: control.signal })
    while (go === undefined) await setImmediate()
    control.abort()
    go()
    await assert.rejects(call, { name: 'AbortError' })
    assert.equal((await client.callTool('count')).data, 1)
  })
})

test('a client that comes while the last one leaves starts the server again', async () => {
  const app = make()
  const add = async () => (await app.callTool('add', { a: 1, b: 1 })).data
  const several = () => Promise.all([add(), add(), add()])
  for (let round = 0; round < 20; round++) {
    const left = new Client(app)
    await left.ping()
    const leaves = left.close()
    assert.deepEqual(await several(), [2, 2, 2])
    await leaves
  }
  // Some leave while others come.
  const loop = async () => {
    for (let i = 0; i < 20; i++) assert.equal(await add(), 2)
  }
  await Promise.all([loop(), loop(), loop()])
})

test('a client that comes after the program has closed the server starts it again', async () => {
  const app = make()
  const first = new Client(app)
  await first.ping()
  await app.close()
  await using(app, {}, async (second) => {
    assert.equal((await second.callTool('add', { a: 1, b: 1 })).data, 2)
    // It has nothing to end any more.
    await first.close()
    assert.equal((await second.callTool('add', { a: 1, b: 2 })).data, 3)
  })
})

for (const revision of REVISIONS.slice(3)) {
  test(`what the answer of a model calls like something else takes no place in ${revision}`, async () => {
    const app = new Server({ name: 'test' })
    app.tool('ask', async (_, ctx) => {
      const answer = await ctx.sample('?', { maxTokens: 1 })
      return [answer.text, answer.model, answer.toString === Object.prototype.toString]
    })
    const odd = { text: 'odd', toString: 1, ['__proto__']: { model: 'odd' } }
    const sample = { ...odd, role: 'assistant', model: 'm', content: { type: 'text', text: 'said' } }
    await using(app, { revision, sample }, async (client) => {
      assert.deepEqual((await client.callTool('ask')).data, ['said', 'm', true])
    })
  })
}

test('the first client starts the server, and the last one ends it', async () => {
  const app = make()
  for (let round = 0; round < 3; round++) {
    await using(app, {}, async (first) => {
      await using(app, {}, async (second) => assert.equal((await second.callTool('add', { a: 1, b: 1 })).data, 2))
      assert.equal((await first.callTool('add', { a: 1, b: 2 })).data, 3)
    })
    await assert.rejects(app.listen({ http: { port: -1 } }), /port must be/, 'it does not listen')
  }
})

test('a client joins a server that listens', async () => {
  const app = make()
  await app.listen({ http: { port: 0 } })
  const client = new Client(app)
  assert.equal((await client.callTool('add', { a: 1, b: 1 })).data, 2)
  await app.close()
  await assert.rejects(client.callTool('add', { a: 1, b: 1 }), { code: 'TENON_STATE' })
  await client.close()
})

test('calls may finish when the server is closed', async () => {
  const app = make()
  let go
  const gate = new Promise((resolve) => (go = resolve))
  app.tool('slow', async () => {
    await gate
    return 'done'
  })
  const client = await new Client(app).open()
  const call = client.callTool('slow')
  await client.ping()
  const closed = app.close()
  // From here on nothing new is begun.
  await assert.rejects(async () => {
    for (;;) await client.callTool('add', { a: 1, b: 1 })
  }, /shutting down/)
  go()
  assert.equal((await call).text, 'done')
  await closed
  await client.close()
})

test('what a client asks still is cancelled when it is closed', async () => {
  const app = make()
  let begin
  const begun = new Promise((resolve) => (begin = resolve))
  let cancelled
  app.tool('waits', async (_, ctx) => {
    cancelled = once(ctx.signal, 'abort')
    begin()
    await cancelled
  })
  await app.listen({ http: { port: 0 } })
  const client = new Client(app)
  const call = client.callTool('waits')
  await begun
  await Promise.all([assert.rejects(call, /closed/), client.close()])
  await cancelled
  await app.close()
})

test('wrong options are refused by name', async () => {
  assert.throws(() => new Client(make(), { revison: '1' }), /no option "revison"/)
  await assert.rejects(new Client(make(), { revision: '1' }).open(), /no revision "1"/)
})

test('a client that was left open does not keep the process', () => {
  const program = `
    import { Server } from 'tenon-mcp'
    import { Client } from '../../bindings-node/testing.mjs'
    const app = new Server({ name: 'test' })
    app.tool('one', () => 1)
    console.log((await new Client(app).callTool('one')).data)`
  const cwd = fileURLToPath(new URL('../../../examples/node', import.meta.url))
  const options = { cwd, encoding: 'utf8', timeout: 60_000 }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], options)
  assert.deepEqual([status, stdout], [0, '1\n'], stderr)
})

test('a handler may take methods out of its context', async () => {
  const app = new Server({ name: 'test' })
  app.tool('taken', async (_, { progress, log, once, elicit }) => {
    progress(1, 2)
    log('info', 'taken', { logger: 'part' })
    const kept = await once('k', () => 'kept')
    return [kept, (await elicit('?', { type: 'object', properties: {} })).action]
  })
  const heard = []
  await using(app, { elicit: true, onLog: (message) => heard.push(message.logger) }, async (client) => {
    const onProgress = (...said) => heard.push(said.slice(0, 2))
    assert.deepEqual((await client.callTool('taken', {}, { onProgress })).data, ['kept', 'accept'])
  })
  assert.deepEqual(heard.slice(0, 2), [[1, 2], 'part'])
})

test('functions of mounted servers are reached by name, and what the engine answers has none', () => {
  const [app, part] = ['app', 'part'].map((name) => new Server({ name }))
  app.mount(part, 'sub')
  const handler = () => 1
  part.tool('one', handler).resource('a://b', handler).completion({ prompt: 'p', argument: 'x' }, handler).completion({ prompt: 'p', argument: 'y' }, handler)
  app.ui('ui://view', '<p>').on('stop', handler)
  const found = ['tool', 'resource', 'completion', 'hook'].map((kind) => [...app.entries(kind).values()].map((entry) => [entry.name, entry.handler]))
  assert.deepEqual(found, [
    [['sub_one', handler]],
    [['a://sub/b', handler], ['ui://view', undefined]],
    [['ref/prompt/sub_p#x', handler], ['ref/prompt/sub_p#y', handler]],
    [['stop', handler]]
  ])
})

test('functions are reached by name, and a server calls its own tools', async () => {
  const app = make()
  assert.equal(await app.tools.get('add').handler({ a: 3, b: 5 }, { progress() {}, log() {} }), 8)
  app.tool('both', { input: { type: 'object' } }, async ({ a }) => (await app.callTool('add', { a, b: a })).data)
  assert.equal((await app.callTool('both', { a: 2 })).data, 4)
  await assert.rejects(app.callTool('fail'), ToolError)
  assert.equal((await app.callTool('fail', {}, { raiseOnError: false })).isError, true)
})

test('tags hide and show', () => {
  const app = new Server({ name: 'test' })
  app.tool('a', { tags: new Set(['admin']) }, () => 1)
  app.tool('b', { tags: ['admin', 'slow'] }, () => 1)
  app.tool('c', () => 1)
  app.prompt('p', { tags: ['slow'] }, () => '')
  app.resourceProvider('row://{id}', { list: () => [], read: () => '', tags: ['slow'] })
  const shown = () => ['tool', 'prompt', 'resource_template'].flatMap((kind) => {
    return [...app.entries(kind).values()].filter(({ enabled }) => enabled).map(({ name }) => name)
  })
  assert.equal(app.disable({ tags: ['admin'] }), true)
  assert.deepEqual(shown(), ['c', 'p', 'row://{id}'])
  assert.equal(app.disable({ tags: ['slow'] }), true)
  assert.deepEqual(shown(), ['c'])
  assert.equal(app.enable({ tags: ['admin'] }), true)
  assert.deepEqual(shown(), ['a', 'c'])
  assert.equal(app.enable({ tags: ['slow'] }), true)
  assert.deepEqual(shown(), ['a', 'b', 'c', 'p', 'row://{id}'])
  assert.equal(app.disable({ tags: ['none'] }), false)
  for (const tags of ['admin', [1], undefined]) assert.throws(() => app.disable({ tags }), /tags must be an array of strings/)
  assert.throws(() => app.tool('d', { tags: 'admin' }, () => 1), /tool "d": tags must be an array of strings/)
})

test('a server is mounted in another', async () => {
  const [app, part, deep] = ['app', 'part', 'deep'].map((name) => new Server({ name }))
  part.mount(deep, 'in')
  assert.equal(app.mount(part, 'sub'), app)
  part.tool('add', { input: numbers }, ({ a, b }) => a + b)
  await using(app, {}, async (client) => {
    assert.equal((await client.callTool('sub_add', { a: 1, b: 2 })).data, 3)
    deep.tool('name', (_, ctx) => ctx.name)
    deep.resourceProvider('row://{id}', { list: () => [{ uri: 'row://1', name: 'one' }], read: ({ id }) => `row ${id}` })
    assert.equal((await client.callTool('sub_in_name')).text, 'sub_in_name')
    assert.equal((await client.listResources())[0].uri, 'row://sub/in/1')
    assert.equal((await client.readResource('row://sub/in/1')).text, 'row 1')
    part.disable('tool', 'add')
    assert.deepEqual((await client.listTools()).map(({ name }) => name), ['sub_in_name'])
    part.enable('tool', 'add')
    deep.remove('tool', 'name')
    assert.deepEqual((await client.listTools()).map(({ name }) => name), ['sub_add'])
  })
  await using(part, {}, async (client) => assert.equal((await client.callTool('add', { a: 1, b: 2 })).data, 3))
  assert.throws(() => app.tool('sub_add', () => 1), { code: 'TENON_DUPLICATE' })
  assert.throws(() => part.mount(app, 'back'), { code: 'TENON_STATE' })
  assert.throws(() => app.mount(part, 'a_b'), { code: 'TENON_INVALID' })
  assert.throws(() => app.mount({}, 'x'), /other must be a Server/)
})

test('a value in an object that the revision wants is given alone', async () => {
  const result = { type: 'integer' }
  for (const revision of REVISIONS) {
    const app = new Server({ name: 'test' })
    app.tool('eight', { output: result }, () => 8)
    app.tool('own', { output: { type: 'object', properties: { result } } }, () => ({ result: 8 }))
    await using(app, { revision }, async (client) => {
      assert.deepEqual((await client.callTool('eight')).data, 8, revision)
      assert.deepEqual((await client.callTool('own')).data, { result: 8 }, revision)
    })
  }
})

test('the middleware of a mounted server is around what it has, inside of that of the other', async () => {
  const named = (name) => async (ctx, next) => {
    if (ctx.name.endsWith('secret')) throw new ToolError(`${name} refuses ${ctx.name}`)
    return `${name}(${await next()})`
  }
  const [app, middle, part] = ['app', 'middle', 'part'].map((name) => new Server({ name }))
  part.tool('hello', () => 'hello')
  part.tool('secret', () => 'told')
  part.resource('part://static', () => 'static')
  part.prompt('say', () => 'say')
  part.middleware(named('part'))
  middle.mount(part, 'in')
  app.mount(middle, 'out')
  const client = new Client(app)
  assert.equal((await client.callTool('out_in_hello')).text, 'part(hello)')
  await assert.rejects(client.callTool('out_in_secret'), /part refuses out_in_secret/)
  // Also what comes later.
  middle.middleware(named('middle'))
  app.middleware(named('app'))
  assert.equal((await client.callTool('out_in_hello')).text, 'app(middle(part(hello)))')
  assert.equal((await client.readResource('part://out/in/static')).text, 'app(middle(part(static)))')
  assert.equal((await client.getPrompt('out_in_say')).text, 'app(middle(part(say)))')
  assert.throws(() => part.middleware(['tool_list'], (ctx, next) => next()), { code: 'TENON_INVALID' })
  const listed = new Server({ name: 'listed' }).middleware(['tool_list'], (ctx, next) => next())
  assert.throws(() => app.mount(listed, 'sub'), /middleware around "tools\/list"/)
  await client.close()
})

test('a server is mounted without a prefix, and unmounted', async () => {
  const [app, part, other] = ['app', 'part', 'other'].map((name) => new Server({ name }))
  let release
  let begun
  const begins = new Promise((resolve) => { begun = resolve })
  part.tool('hello', () => 'hello')
  part.tool('slow', () => new Promise((resolve) => { release = resolve; begun() }))
  other.tool('hello', () => '')
  assert.equal(app.mount(part), app)
  const client = new Client(app)
  assert.equal((await client.callTool('hello')).text, 'hello')
  assert.throws(() => app.mount(other), { code: 'TENON_DUPLICATE', message: /tool "hello"/ })
  const slow = client.callTool('slow')
  await begins
  assert.equal(app.unmount(part), app)
  assert.deepEqual(await client.listTools(), [])
  await assert.rejects(client.callTool('hello'), /Unknown tool/)
  release('slow')
  assert.equal((await slow).text, 'slow')
  assert.throws(() => app.unmount(part), { code: 'TENON_NOT_FOUND' })
  app.mount(part, 'again')
  assert.equal((await client.callTool('again_hello')).text, 'hello')
  await client.close()
})

test('without a prefix an address is refused that is taken', async () => {
  const [app, part] = ['app', 'part'].map((name) => new Server({ name }))
  app.resource('x://a', () => 'own')
  part.resource('x://b', () => 'other').resource('x://a', () => 'other')
  assert.throws(() => app.mount(part), { code: 'TENON_DUPLICATE', message: /resource "x:\/\/a"/ })
  assert.deepEqual([...app.entries('resource').keys()], ['x://a'])
  app.mount(part, 'sub')
  await using(app, {}, async (client) => {
    assert.equal((await client.readResource('x://a')).text, 'own')
    assert.equal((await client.readResource('x://sub/a')).text, 'other')
  })
})

test('completions of a mounted server', async () => {
  const [app, part] = ['app', 'part'].map((name) => new Server({ name }))
  part.prompt('say', { args: [{ name: 'word' }] }, ({ word }) => word)
  part.resource('note://{id}', ({ id }) => id)
  part.completion({ prompt: 'say', argument: 'word' }, (value) => [`${value}!`])
  app.mount(part, 'sub')
  await using(app, {}, async (client) => {
    part.completion({ template: 'note://{id}', argument: 'id' }, (value) => [`${value}?`])
    const complete = async (what) => (await client.complete(what)).values
    assert.deepEqual(await complete({ prompt: 'sub_say', argument: 'word', value: 'a' }), ['a!'])
    assert.deepEqual(await complete({ template: 'note://sub/{id}', argument: 'id', value: 'a' }), ['a?'])
    await assert.rejects(complete({ prompt: 'say', argument: 'word', value: 'a' }), McpError)
  })
})
