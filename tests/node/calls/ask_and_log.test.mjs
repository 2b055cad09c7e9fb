// Log messages, questions of every kind, and errors with codes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PACKAGE, envelope, withServer } from '../support/process.mjs'

const text = ({ result }) => result.content[0].text
const question = (client, method) => client.until(() => client.notes.find((note) => note.method === method))

test('log messages reach clients that want them, and wrong ones are refused', async () => {
  const source = `
    app.tool('log', (_, ctx) => {
      for (const level of ['debug', 'info', 'error']) ctx.log(level, { level }, { logger: 'part' })
      ctx.log('warning', 'plain')
      return 'logged'
    })
    app.tool('wrong', (_, ctx) => {
      const told = []
      for (const args of [['warn', 1], ['info', NaN], ['info', undefined], ['info', { a: 2n ** 60n }]]) {
        try { ctx.log(...args) } catch (error) { told.push(String(error)) }
      }
      return told
    })
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const logged = async () => {
      client.notes = []
      await client.call('log')
      return client.notes.map(({ method, params }) => (assert.equal(method, 'notifications/message'), params))
    }
    const info = { level: 'info', logger: 'part', data: { level: 'info' } }
    const error = { level: 'error', logger: 'part', data: { level: 'error' } }
    assert.deepEqual(await logged(), [info, error, { level: 'warning', data: 'plain' }])
    await client.send('logging/setLevel', { level: 'error' })
    assert.deepEqual(await logged(), [error])
    assert.deepEqual(JSON.parse(await client.text('wrong')), [
      'TypeError: ctx.log: level must be one of debug, info, notice, warning, error, critical, alert, emergency',
      'TypeError: ctx.log: the number NaN',
      'TypeError: ctx.log: data must be a value that JSON can hold, not a value of type undefined',
      'TypeError: ctx.log: data.a is a bigint beyond 2^53'
    ])
    client.notes = []
    await client.send('tools/call', { name: 'log', _meta: { ...envelope(), 'io.modelcontextprotocol/logLevel': 'info' } })
    assert.equal(client.notes.length, 3)
  })
})

const ASKS = `
  import { PromptMessage } from ${JSON.stringify(PACKAGE)}
  app.tool('sample', async (_, ctx) => {
    const answer = await ctx.sample(['one', PromptMessage.assistant('two'), { role: 'user', content: { type: 'text', text: 'three' } }],
      { maxTokens: 5, temperature: 0.5, systemPrompt: 's', key: 'k' })
    return [answer.text, answer.model, answer.stopReason ?? null, answer.role]
  })
  app.tool('roots', async (_, ctx) => ctx.roots())
  app.tool('url', async (_, ctx) => ctx.elicitUrl('Go.', new URL('https://a/b'), { elicitationId: 'e1' }))
  app.tool('complete', () => [app.elicitationComplete('e1'), app.elicitationComplete('e2')])
  app.tool('require', (_, ctx) => ctx.requireUrls({ message: 'Go.', url: 'https://a/b', elicitationId: 'e1' }))
  app.tool('wrong', async (_, ctx) => {
    const told = []
    for (const ask of [() => ctx.sample('x', null), () => ctx.sample('x'), () => ctx.sample([5], { maxTokens: 1 }), () => ctx.sample('x', { maxTokens: 1, odd: 1 }),
      () => ctx.sample('x', { maxTokens: NaN }), () => ctx.elicitUrl('x', 'no address'), () => ctx.elicitUrl(5, 'https://a'), () => ctx.requireUrls()]) {
      await ask().catch(({ name, code, message }) => told.push(name + ' ' + code + ': ' + message))
    }
    return told
  })
  app.prompt('ask', async (_, ctx) => (await ctx.sample('x', { maxTokens: 1 })).text)
  await app.listen()`

const capabilities = { sampling: {}, roots: {}, elicitation: { form: {}, url: {} } }
const model = (content) => ({ role: 'assistant', model: 'm', content })

test('a legacy session is asked for samples, roots and visits', async () => {
  await withServer(ASKS, async (client) => {
    await client.initialize(capabilities)
    const asked = async (name, method, result) => {
      client.notes = []
      const call = client.call(name)
      const { id, params } = await question(client, method)
      client.write({ id, result })
      return { params, answer: await call }
    }
    const said = (role, text) => ({ role, content: { type: 'text', text } })
    const blocks = [{ type: 'text', text: 'a' }, { type: 'image', data: 'AA==', mimeType: 'image/x' }, { type: 'text', text: 'b' }]
    const sample = await asked('sample', 'sampling/createMessage', model(blocks))
    assert.deepEqual(sample.params, {
      messages: [said('user', 'one'), said('assistant', 'two'), said('user', 'three')], maxTokens: 5, temperature: 0.5, systemPrompt: 's'
    })
    assert.equal(text(sample.answer), '["ab","m",null,"assistant"]')

    const roots = await asked('roots', 'roots/list', { roots: [{ uri: 'file:///a', name: 'A' }] })
    assert.equal(text(roots.answer), '[{"uri":"file:///a","name":"A"}]')

    const url = await asked('url', 'elicitation/create', { action: 'accept', content: { a: 1 } })
    assert.deepEqual(url.params, { mode: 'url', message: 'Go.', url: 'https://a/b', elicitationId: 'e1' })
    assert.equal(text(url.answer), '{"action":"accept"}')
    client.notes = []
    assert.equal(await client.text('complete'), '[true,false]')
    const { params } = await question(client, 'notifications/elicitation/complete')
    assert.deepEqual(params, { elicitationId: 'e1' })

    const { error } = await client.call('require')
    assert.equal(error.code, -32042)
    assert.deepEqual(error.data.elicitations, [{ mode: 'url', message: 'Go.', url: 'https://a/b', elicitationId: 'e1' }])

    const wrong = JSON.parse(await client.text('wrong'))
    for (const [i, message] of [/maxTokens/, /maxTokens/, /messages/, /"odd"/, /ctx\.sample\.maxTokens is the number NaN/, /url/, /message must be a string/, /required pages is empty/].entries()) {
      assert.match(wrong[i], /^AskError invalid: /)
      assert.match(wrong[i], message)
    }
  })
})

test('a modern request is asked in rounds, also by a prompt', async () => {
  await withServer(ASKS, async (client) => {
    const round = (name, more) => client.modern(name, {}, { capabilities, ...more })
    const first = (await round('sample')).result
    assert.deepEqual(Object.entries(first.inputRequests).map(([key, { method }]) => [key, method]), [['k', 'sampling/createMessage']])
    const inputResponses = { k: model({ type: 'text', text: 'said' }) }
    assert.equal(text(await round('sample', { requestState: first.requestState, inputResponses })), '["said","m",null,"assistant"]')
    const { error } = await client.modern('roots')
    assert.deepEqual([error.code, error.data], [-32021, { requiredCapabilities: { roots: {} } }])

    const visit = (await round('require')).result
    const [[key, { params }]] = Object.entries(visit.inputRequests)
    assert.equal(params.url, 'https://a/b')
    const again = await round('require', { requestState: visit.requestState, inputResponses: { [key]: { action: 'accept' } } })
    assert.equal(again.result.resultType, 'input_required')

    const prompt = await client.send('prompts/get', { name: 'ask', _meta: envelope(capabilities) })
    assert.equal(prompt.result.resultType, 'input_required')
  })
})

test('an effect is not repeated over the rounds of a call', async () => {
  const source = `
    let effects = 0
    const form = { type: 'object', properties: { ok: { type: 'boolean' } } }
    app.tool('pay', async (_, ctx) => {
      const receipt = await ctx.once('pay', async () => ({ number: ++effects, at: new Date(0), left: undefined }))
      await ctx.elicit('Sure?', form, { key: 'sure' })
      return receipt
    })
    // The question is asked while the effect is still at work.
    app.tool('both', async (_, ctx) => {
      const slow = () => new Promise((resolve) => setTimeout(resolve, 50, ++effects))
      const [number] = await Promise.all([ctx.once('slow', slow), ctx.once('slow', slow), ctx.elicit('Sure?', form, { key: 'sure' })])
      return number
    })
    app.tool('fails', async (_, ctx) => {
      const told = []
      for (const effect of [() => { throw new Error('no') }, () => 'yes', () => 'again', 5]) {
        await ctx.once('k', effect).then((value) => told.push(value), (error) => told.push(String(error)))
      }
      for (const effect of [() => 2n ** 53n, () => ({ a: NaN }), () => {}, undefined]) {
        await ctx.once('j' + told.length, effect).then((value) => told.push(value), (error) => told.push(String(error)))
      }
      return told
    })
    app.tool('effects', () => effects)
    await app.listen()`
  await withServer(source, async (client) => {
    const capabilities = { elicitation: {} }
    const inputResponses = { sure: { action: 'accept', content: { ok: true } } }
    for (const [tool, expected] of [['pay', '{"number":1,"at":"1970-01-01T00:00:00.000Z"}'], ['both', '2']]) {
      const { requestState } = (await client.modern(tool, {}, { capabilities })).result
      assert.equal(text(await client.modern(tool, {}, { capabilities, requestState, inputResponses })), expected)
    }
    assert.equal(text(await client.modern('effects')), '2')
    assert.deepEqual(JSON.parse(text(await client.modern('fails'))), [
      'Error: no', 'yes', 'yes', 'yes',
      'TypeError: ctx.once: the result under "j4": a bigint beyond 2^53',
      'TypeError: ctx.once: the result under "j5": result.a is the number NaN',
      null,
      'TypeError: ctx.once: the effect must be a function, not undefined'
    ])
  })
})

const ERRORS = `
  import { McpError, NotFound, ToolError } from ${JSON.stringify(PACKAGE)}
  class Odd extends Error {}
  class Odder extends Odd {}
  class Made extends Error {}
  app.mapError(Odd, -32050).mapError(Odder, -32051).mapError(Made, (error) => error.make(error))
  const made = (make) => () => Object.assign(new Made('secret'), { make })
  const thrown = {
    mcp: () => new McpError(-32099, 'mine', { a: [1] }),
    unfit: () => new McpError(-32098, 'mine', 2n ** 60n),
    missing: () => new NotFound('it'),
    tool: () => new ToolError('for you', { cause: new Error('secret') }),
    odd: () => new Odd('odd'),
    odder: () => new Odder('odder'),
    toMcp: made(({ message }) => new McpError(-32097, 'from ' + message, { n: 1 })),
    toMissing: made(() => new NotFound('gone')),
    toTool: made(() => new ToolError('not now')),
    toOther: made(() => new Odd('other')),
    toNothing: made(() => {}),
    toPromise: made(async () => { throw new McpError(1, 'late') }),
    toThrown: made(() => { throw new McpError(-32096, 'thrown') }),
    toBroken: made(() => { throw new Error('broken') }),
    plain: () => new Error('secret'),
    revoked: () => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy }
  }
  for (const [name, make] of Object.entries(thrown)) {
    const fail = async () => { throw make() }
    app.tool(name, fail).prompt(name, fail).method('example/' + name, fail)
  }
  await app.listen()`

test('what a handler throws is a failed result or a protocol error, as its class says', async () => {
  await withServer(ERRORS, async (client) => {
    await client.initialize()
    const tool = async (name) => {
      const { result, error } = await client.call(name)
      return error ?? [result.isError, result.content[0].text]
    }
    const others = async (name) => [
      (await client.send('prompts/get', { name })).error,
      (await client.send(`example/${name}`)).error
    ]
    const everywhere = async (name, error) => {
      for (const told of [await tool(name), ...(await others(name))]) assert.deepEqual(told, error, name)
    }
    await everywhere('mcp', { code: -32099, message: 'mine', data: { a: [1] } })
    await everywhere('unfit', { code: -32098, message: 'mine' })
    await everywhere('odd', { code: -32050, message: 'odd' })
    await everywhere('odder', { code: -32051, message: 'odder' })
    await everywhere('toMcp', { code: -32097, message: 'from secret', data: { n: 1 } })
    await everywhere('toThrown', { code: -32096, message: 'thrown' })
    for (const [name, message] of [
      ['tool', 'for you'],
      ['plain', 'secret'],
      ['toTool', 'not now'],
      // What a function returns is not mapped again.
      ['toOther', 'other'],
      ['toNothing', 'mapError: the function for Made returned a value of type undefined, not an error'],
      ['toPromise', 'mapError: the function for Made returned a value of type object, not an error'],
      ['toBroken', 'broken']
    ]) {
      assert.deepEqual(await tool(name), [true, message])
      for (const told of await others(name)) assert.deepEqual(told, { code: -32603, message })
    }
    assert.deepEqual(await tool('missing'), [true, 'Not found: it'])
    assert.deepEqual(await tool('toMissing'), [true, 'Not found: gone'])
    await client.until(() => client.stderr.includes('failed: mapError: the function for Made returned'))
    for (const told of await others('missing')) assert.match(told.message, /it/)
    assert.equal((await tool('revoked'))[0], true)
  })
})

test('exceptions are masked where the server says so, and logged under the reference that clients get', async () => {
  await withServer(ERRORS, async (client) => {
    await client.initialize()
    const told = await client.text('plain')
    assert.ok(!told.includes('secret'), told)
    const [reference] = told.match(/[0-9a-f]{8,}/)
    await client.until(() => client.stderr.includes(reference) && client.stderr.includes('secret'))
    assert.ok(!(await client.send('prompts/get', { name: 'plain' })).error.message.includes('secret'))
    assert.equal(await client.text('tool'), 'for you')
    assert.equal((await client.call('mcp')).error.message, 'mine')
    assert.equal((await client.call('odd')).error.message, 'odd')
    assert.equal((await client.call('toMcp')).error.message, 'from secret')
    for (const name of ['toNothing', 'toBroken', 'toOther']) assert.match(await client.text(name), /reference|[0-9a-f]{8,}/)
  }, { server: '{ name: "test", maskErrors: true }' })
})
