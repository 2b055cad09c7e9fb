// Elicitation in both eras with the same handlers.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withServer } from '../support/process.mjs'

const form = (name) => `{ type: 'object', properties: { ${name}: { type: 'string' } }, required: ['${name}'] }`
const capabilities = { elicitation: {} }

const SOURCE = `
  const seen = (ctx) => ctx.signal.addEventListener('abort', () => console.error('aborted:', ctx.signal.reason.message))
  app.tool('name', async (_, ctx) => {
    console.error('run')
    const { action, content } = await ctx.elicit('Name?', ${form('name')})
    return content === undefined ? action : 'Hello, ' + content.name
  })
  app.tool('two', async (_, ctx) => {
    seen(ctx)
    const ask = (key) => ctx.elicit(key + '?', ${form('value')}, { key })
    const both = Promise.all([ask('first'), ask('second')])
    both.catch((error) => console.error(error.code + ': ' + error.message))
    const [first, second] = await both
    return first.content.value + ' ' + second.content.value
  })
  app.tool('chain', async (_, ctx) => {
    const first = await ctx.elicit('First?', ${form('value')})
    const second = await ctx.elicit('Second after ' + first.content.value + '?', ${form('value')})
    return second.content.value
  })
  app.tool('caught', async (_, ctx) => {
    try {
      return await ctx.elicit('Name?', ${form('name')})
    } catch (error) {
      return [error instanceof AskError, error instanceof Error, error.name, error.code, error.message].join('|')
    }
  })
  app.tool('wrapped', async (_, ctx) => {
    try {
      return await ctx.elicit('Name?', ${form('name')})
    } catch (error) {
      throw new Error('wrapped: ' + error.code)
    }
  })
  app.tool('forgotten', (_, ctx) => {
    ctx.elicit('Name?', ${form('name')})
    ctx.elicit(5)
    return 'not waited'
  })
  app.tool('invalid', async (_, ctx) => {
    const codes = []
    for (const args of [[5, ${form('a')}], ['x'], ['x', { type: 'string' }], ['x', { type: 'object', properties: { a: { type: 'object' } } }],
      ['x', new (class { _def = {}; parse() {} })()]]) {
      await ctx.elicit(...args).catch((error) => codes.push(error.code + ': ' + error.message))
    }
    return codes
  })
  app.tool('race', async (_, ctx) => {
    return Promise.race([ctx.elicit('Name?', ${form('name')}), 'not waited'])
  })
  app.tool('optional', async (_, ctx) => (await ctx.elicit('x', { type: 'object', properties: {} })).content)
  await app.listen()`

const text = ({ result }) => result.content[0].text
const request = (client, at = 0) => client.until(() => client.notes.filter(({ method }) => method === 'elicitation/create')[at])

test('a legacy session is asked with a request while the handler waits', async () => {
  await withServer(SOURCE, async (client) => {
    await client.initialize(capabilities)
    for (const [result, expected] of [
      [{ action: 'accept', content: { name: 'Ada' } }, 'Hello, Ada'],
      [{ action: 'decline' }, 'decline'],
      [{ action: 'cancel', content: { name: 'x' } }, 'cancel']
    ]) {
      client.notes = []
      const call = client.call('name')
      const { id, params } = await request(client)
      assert.equal(params.message, 'Name?')
      client.write({ id, result })
      assert.equal(text(await call), expected)
    }
    const runs = () => client.stderr.match(/run/g).length
    await client.until(() => runs() >= 3)
    assert.equal(runs(), 3)

    client.notes = []
    const optional = client.call('optional')
    client.write({ id: (await request(client)).id, result: { action: 'accept' } })
    assert.equal(text(await optional), '{}')
  })
})

test('two questions of a legacy session are open at once, and answered in any order', async () => {
  await withServer(SOURCE, async (client) => {
    await client.initialize(capabilities)
    const call = client.call('two')
    const requests = [await request(client, 0), await request(client, 1)]
    assert.deepEqual(requests.map(({ params }) => params.message), ['first?', 'second?'])
    for (const { id, params } of requests.reverse()) {
      client.write({ id, result: { action: 'accept', content: { value: params.message[0] } } })
    }
    assert.equal(text(await call), 'f s')
  })
})

test('a legacy answer that does not fit, or an error, rejects', async () => {
  await withServer(SOURCE, async (client) => {
    await client.initialize(capabilities)
    for (const [answer, expected] of [
      [{ result: { action: 'accept', content: { name: 5 } } }, /^true\|true\|AskError\|failed\|.*\/name/],
      [{ error: { code: 1, message: 'no screen' } }, /\|failed\|.*no screen/]
    ]) {
      client.notes = []
      const call = client.call('caught')
      client.write({ id: (await request(client)).id, ...answer })
      assert.match(text(await call), expected)
    }
  })
})

test('a legacy call that is cancelled while it asks rejects its question', async () => {
  await withServer(SOURCE, async (client) => {
    await client.initialize(capabilities)
    const call = client.call('two')
    await request(client, 1)
    client.notify('notifications/cancelled', { requestId: call.id })
    await client.until(() => client.stderr.includes('aborted: the client cancelled the call'))
    await client.until(() => client.stderr.includes('ended: the client cancelled the call'))
    assert.deepEqual((await client.send('ping')).result, {})
    assert.ok(!client.lines.some((line) => JSON.parse(line).id === call.id && !JSON.parse(line).method))
  })
})

test('the modern era ends the attempt and runs the handler again with the answer', async () => {
  await withServer(SOURCE, async (client) => {
    const { result } = await client.modern('name', {}, { capabilities })
    assert.equal(result.resultType, 'input_required')
    const [[key, question]] = Object.entries(result.inputRequests)
    assert.equal(question.params.message, 'Name?')
    const retry = (answer) =>
      client.modern('name', {}, { capabilities, requestState: result.requestState, inputResponses: { [key]: answer } })
    assert.equal(text(await retry({ action: 'accept', content: { name: 'Ada' } })), 'Hello, Ada')
    assert.equal(text(await retry({ action: 'decline' })), 'decline')
    await client.end()
    assert.equal(client.stderr.match(/run/g).length, 3)
  })
})

test('two questions in parallel make one input_required, and abort the attempt', async () => {
  await withServer(SOURCE, async (client) => {
    const { result } = await client.modern('two', {}, { capabilities })
    assert.deepEqual(Object.keys(result.inputRequests), ['first', 'second'])
    await client.until(() => client.stderr.includes('aborted: the attempt has ended'))
    const answer = (value) => ({ action: 'accept', content: { value } })
    const inputResponses = { first: answer('a'), second: answer('b') }
    const again = await client.modern('two', {}, { capabilities, requestState: result.requestState, inputResponses })
    assert.equal(text(again), 'a b')
  })
})

test('questions one after the other take a round each', async () => {
  await withServer(SOURCE, async (client) => {
    let answer = await client.modern('chain', {}, { capabilities })
    for (const [value, question] of [['1', 'First?'], ['2', 'Second after 1?']]) {
      const { requestState, inputRequests } = answer.result
      const [[key, { params }]] = Object.entries(inputRequests)
      assert.equal(params.message, question)
      const inputResponses = { [key]: { action: 'accept', content: { value } } }
      answer = await client.modern('chain', {}, { capabilities, requestState, inputResponses })
    }
    assert.equal(text(answer), '2')
  })
})

test('a handler that does not wait for its question has its result sent', async () => {
  await withServer(SOURCE, async (client) => {
    for (const tool of ['forgotten', 'race']) {
      assert.equal(text(await client.modern(tool, {}, { capabilities })), 'not waited')
    }
    // Neither the pending nor the refused question ends the process.
    assert.equal(text(await client.modern('forgotten')), 'not waited')
    await client.initialize()
    assert.equal(text(await client.call('forgotten')), 'not waited')
    assert.deepEqual((await client.send('ping')).result, {})
  })
})

test('a client that cannot be asked', async () => {
  await withServer(SOURCE, async (client) => {
    const modern = await client.modern('name')
    assert.equal(modern.error.code, -32021)
    assert.deepEqual(modern.error.data, { requiredCapabilities: { elicitation: { form: {} } } })
    // Handled by the handler it is no protocol error.
    assert.match(text(await client.modern('caught')), /^true\|true\|AskError\|unsupported\|The client cannot be asked/)
    assert.deepEqual(text(await client.modern('wrapped')), 'wrapped: unsupported')
    await client.initialize()
    const legacy = await client.call('name')
    assert.equal(legacy.result.isError, true)
    assert.match(text(legacy), /^The client cannot be asked/)
  })
})

test('a wrong question is refused with the reason', async () => {
  await withServer(SOURCE, async (client) => {
    const codes = JSON.parse(text(await client.modern('invalid', {}, { capabilities })))
    assert.equal(codes.length, 5)
    assert.match(codes[0], /^invalid: ctx.elicit: message must be a string/)
    assert.match(codes[1], /^invalid: ctx.elicit: schema must be a JSON Schema/)
    assert.match(codes[2], /^invalid: elicitation: a form's schema must have "type": "object"/)
    assert.match(codes[3], /^invalid: elicitation: \/properties\/a/)
    assert.match(codes[4], /^invalid: ctx.elicit: schema is a schema of zod, not a JSON Schema/)
  })
})
