// Middleware, and concurrency limits of entries.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Server } from '../../../bindings-node/index.mjs'
import { PACKAGE, envelope, withServer } from '../support/process.mjs'

const text = ({ result }) => result.content[0].text

test('the first is outermost, and shares state with the handler', async () => {
  const source = `
    const around = (name) => async (ctx, next) => {
      (ctx.state.seen ??= []).push(name + ' in')
      const result = await next()
      return result + ' ' + name
    }
    app.middleware(around('a'))
    app.middleware('tool', around('b'))
    app.tool('seen', (args, ctx) => ctx.state.seen.join())
    app.tool('slow', async () => { await new Promise(setImmediate); return 'slow' })
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    assert.equal(text(await client.call('seen')), 'a in,b in b a')
    assert.equal(text(await client.call('seen')), 'a in,b in b a')
    assert.equal(text(await client.call('slow')), 'slow b a')
  })
})

test('it looks at arguments and hands on others, which are checked', async () => {
  const source = `
    app.middleware(async (ctx, next) => {
      const { n } = ctx.arguments
      ctx.arguments.n = 100
      if (n === 1) return next({ n: 10 })
      if (n === 2) return next({ n: [] }).catch((error) => 'refused: ' + error.message)
      if (n === 3) return next(5).catch((error) => error.message)
      if (n === 4) return 'not asked'
      return next()
    })
    app.tool('n', { input: { type: 'object', properties: { n: { type: 'integer' } } } }, ({ n }, ctx) => n + ' ' + ctx.arguments.n)
    app.prompt('p', { args: { n: {} } }, ({ n }) => n)
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const call = async (n) => text(await client.call('n', { n }))
    assert.equal(await call(0), '0 0')
    assert.equal(await call(1), '10 10')
    assert.match(await call(2), /^refused: the arguments are not valid: .*n/)
    assert.equal(await call(3), 'next: arguments must be an object')
    assert.equal(await call(4), 'not asked')
    const { result } = await client.send('prompts/get', { name: 'p', arguments: { n: 'x' } })
    assert.equal(result.messages[0].content.text, 'x')
  })
})

test('errors go through it, and it may map them or try again', async () => {
  const source = `
    import { McpError, ToolError } from ${JSON.stringify(PACKAGE)}
    let tries = 0
    app.middleware(async (ctx, next) => {
      if (ctx.name === 'again') return next().catch(() => next())
      try {
        return await next()
      } catch (error) {
        if (error.message === 'denied') throw new McpError(7, 'forbidden')
        throw error
      }
    })
    app.tool('denied', () => { throw new Error('denied') })
    app.tool('other', async () => { throw new ToolError('other') })
    app.tool('again', () => { if (++tries < 2) throw new Error('not yet'); return tries })
    app.middleware('resource', () => { throw new Error('closed') })
    app.resource('r://a', () => 'a')
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    assert.deepEqual((await client.call('denied')).error, { code: 7, message: 'forbidden' })
    const other = await client.call('other')
    assert.equal(other.result.isError, true)
    assert.equal(text(other), 'other')
    assert.equal(text(await client.call('again')), '2')
    assert.match((await client.send('resources/read', { uri: 'r://a' })).error.message, /closed/)
  })
})

test('lists and views come to it from the engine, and results are judged', async () => {
  const source = `
    app.tool('shown', () => 'x')
    app.tool('hidden', () => 'x')
    app.ui('ui://v', '<p>v</p>')
    app.resourceProvider('p://{x}', { list: () => [{ uri: 'p://1', name: 'one' }], read: ({ x }) => x })
    app.middleware(['tool_list'], async (ctx, next) => {
      const list = await next()
      return { ...list, tools: list.tools.filter(({ name }) => name !== 'hidden') }
    })
    app.middleware(['resource', 'resource_list'], async (ctx, next) => {
      const result = await next()
      if (ctx.name === 'ui://v') return result + '!'
      if (ctx.uri === 'p://bad') return () => {}
      return result
    })
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const names = ({ result }) => result.tools.map(({ name }) => name)
    assert.deepEqual(names(await client.send('tools/list')), ['shown'])
    assert.deepEqual(names(await client.send('tools/list', { _meta: envelope() })), ['shown'])
    const read = async (uri) => client.send('resources/read', { uri })
    assert.equal((await read('ui://v')).result.contents[0].text, '<p>v</p>!')
    assert.equal((await read('p://7')).result.contents[0].text, '7')
    assert.match((await read('p://bad')).error.message, /returned a value that JSON cannot hold/)
    const listed = await client.send('resources/list')
    assert.deepEqual(listed.result.resources.map(({ uri }) => uri), ['ui://v', 'p://1'])
    // The call itself can still be made.
    assert.equal(text(await client.call('hidden')), 'x')
    const wrong = await client.send('tools/list', { cursor: 'x' })
    assert.equal(wrong.error.code, -32602)
  })
})

test('a second next() while the first is open is refused around the engine, and runs a handler again', async () => {
  const source = `
    const told = []
    let runs = 0
    app.resourceProvider('p://{x}', { list: async () => [{ uri: 'p://1', name: 'one' }], read: ({ x }) => x })
    app.tool('twice', async () => { const run = ++runs; await new Promise(setImmediate); return String(run) })
    app.tool('told', () => told.splice(0))
    app.middleware(['tool', 'tool_list', 'resource_list'], async (ctx, next) => {
      if (ctx.name === 'told') return next()
      const both = await Promise.allSettled([next(), next()])
      told.push(both.map(({ status, reason }) => reason?.message ?? status))
      if (ctx.name === 'twice') return both.map(({ value }) => value).join()
      return next()
    })
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const told = async () => JSON.parse(text(await client.call('told')))
    const refused = ['fulfilled', 'next() is already running; await it before calling it again']
    // One is answered by the engine at once, the other by a provider's function.
    assert.equal((await client.send('tools/list')).result.tools.length, 2)
    assert.deepEqual(await told(), [refused])
    assert.equal((await client.send('resources/list')).result.resources.length, 1)
    assert.deepEqual((await told()).at(-1), refused)
    assert.equal(text(await client.call('twice')), '1,2')
    assert.deepEqual(await told(), [['fulfilled', 'fulfilled']])
  })
})

test('what cannot be wrapped is refused by name', () => {
  const app = new Server({ name: 'x' })
  const fn = (ctx, next) => next()
  assert.throws(() => app.middleware('ping', fn), { message: /"ping" cannot have middleware/ })
  assert.throws(() => app.middleware(['tools'], fn), { message: /no operation "tools"/ })
  assert.throws(() => app.middleware('tool'), /must be a function/)
  assert.throws(() => app.middleware({}, fn), /must be an array/)
})

test('as many calls run at a time as maxConcurrency says', async () => {
  const source = `
    const waiting = []
    app.tool('few', { maxConcurrency: 2 }, () => new Promise((resolve) => waiting.push(resolve)))
    app.tool('waiting', () => waiting.length)
    app.tool('next', () => { waiting.shift()('done'); return waiting.length })
    await app.listen()`
  const limits = '{ name: "test", limits: { maxWaitingCalls: 1 } }'
  await withServer(source, async (client) => {
    await client.initialize()
    const calls = [client.call('few'), client.call('few'), client.call('few')]
    assert.match((await client.call('few')).error.message, /tool "few" runs 2 calls at a time, and 1 wait/)
    assert.equal(text(await client.call('waiting')), '2')
    await client.call('next')
    assert.equal(text(await calls[0]), 'done')
    assert.equal(text(await client.call('waiting')), '2')
    await client.call('next')
    await client.call('next')
    assert.deepEqual((await Promise.all(calls)).map(text), ['done', 'done', 'done'])
  }, { server: limits })
  const app = new Server({ name: 'x' })
  assert.throws(() => app.tool('none', { maxConcurrency: 0 }, () => 1), { message: /maxConcurrency must be a positive integer/ })
})

test('a state is used once where onceOnly says so', async () => {
  const source = `
    app.tool('pay', { onceOnly: true }, async (args, ctx) => (await ctx.elicit('sure?', { type: 'object', properties: {} })).action)
    await app.listen()`
  await withServer(source, async (client) => {
    const send = (params) => client.send('tools/call', { name: 'pay', ...params, _meta: envelope({ elicitation: { form: {} } }) })
    const { result } = await send({})
    const [key] = Object.keys(result.inputRequests)
    const answers = { requestState: result.requestState, inputResponses: { [key]: { action: 'accept', content: {} } } }
    assert.equal(text(await send(answers)), 'accept')
    assert.equal((await send(answers)).error.message, 'Invalid params: requestState was already used')
  })
})

test('a question of middleware or handler suspends the whole chain', async () => {
  const source = `
    const form = { type: 'object', properties: {} }
    app.middleware(async (ctx, next) => {
      if (ctx.name === 'outer') await ctx.elicit('outer?', form, { key: 'outer' })
      return (await next()) + '!'
    })
    app.tool('outer', () => 'ran')
    app.tool('inner', async (args, ctx) => (await ctx.elicit('inner?', form, { key: 'inner' })).action)
    await app.listen()`
  await withServer(source, async (client) => {
    for (const [name, wanted] of [['outer', 'ran!'], ['inner', 'accept!']]) {
      const send = (params) => client.send('tools/call', { name, ...params, _meta: envelope({ elicitation: { form: {} } }) })
      const { result } = await send({})
      const inputResponses = { [name]: { action: 'accept', content: {} } }
      assert.equal(text(await send({ requestState: result.requestState, inputResponses })), wanted)
    }
  })
})
