// Concurrent calls: cancellation, timeouts, progress, order.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withServer } from '../support/process.mjs'

test('a cancelled call aborts its signal and is not answered', async () => {
  const source = `
    app.tool('wait', (_, ctx) => new Promise((resolve) => {
      ctx.signal.addEventListener('abort', () => {
        console.error('aborted:', ctx.signal.reason.name, ctx.signal.reason.message)
        resolve('too late')
      })
      console.error('waiting')
    }))
    app.tool('late', async (_, ctx) => {
      console.error('waiting')
      await new Promise((resolve) => process.once('go', resolve))
      console.error('late:', ctx.signal.aborted, ctx.requestId)
      return 'dropped'
    })
    app.tool('go', () => process.emit('go'))
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const call = client.call('wait')
    await client.until(() => client.stderr.includes('waiting'))
    client.notify('notifications/cancelled', { requestId: call.id, reason: 'enough' })
    await client.until(() => client.stderr.includes('aborted: AbortError the client cancelled the call: enough'))

    client.stderr = ''
    const late = client.call('late')
    await client.until(() => client.stderr.includes('waiting'))
    client.notify('notifications/cancelled', { requestId: late.id })
    // The signal is made when it is first read, even after the end; the rest is gone by then.
    assert.equal(await client.text('go'), 'true')
    await client.until(() => client.stderr.includes('late: true undefined'))
    assert.deepEqual((await client.send('ping')).result, {})
    const ids = client.lines.map((line) => JSON.parse(line).id)
    assert.ok(!ids.includes(call.id) && !ids.includes(late.id))
  })
})

test('a call that times out is answered, its signal aborted, its late result dropped', async () => {
  const source = `
    let settle
    app.tool('slow', { timeout: 50 }, (_, ctx) => new Promise((resolve) => {
      settle = resolve
      ctx.signal.addEventListener('abort', () => console.error('aborted:', ctx.signal.reason.message))
    }))
    app.tool('settle', () => {
      settle('late')
      return 'settled'
    })
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const slow = client.call('slow')
    const { result } = await slow
    assert.equal(result.isError, true)
    assert.match(result.content[0].text, /tool "slow" timed out after 50 ms/)
    await client.until(() => client.stderr.includes('aborted: the call timed out'))
    assert.equal(await client.text('settle'), 'settled')
    assert.deepEqual((await client.send('ping')).result, {})
    assert.equal(client.lines.filter((line) => JSON.parse(line).id === slow.id).length, 1)
  })
})

test('progress comes before the answer, and only increases', async () => {
  const source = `
    app.tool('count', async (_, ctx) => {
      ctx.progress(1)
      ctx.progress(1)
      ctx.progress(0.5, 3)
      await null
      ctx.progress(2, 3, 'two')
      setImmediate(() => setImmediate(() => ctx.progress(3)))
      return 'done'
    })
    app.tool('wrong', (_, ctx) => ctx.progress('1'))
    app.tool('odd', (_, ctx) => {
      ctx.progress(NaN)
      ctx.progress(1, undefined, null)
    })
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    await client.call('count', {}, { progressToken: 'p' })
    assert.deepEqual(client.notes.map(({ params }) => params), [
      { progressToken: 'p', progress: 1 },
      { progressToken: 'p', progress: 2, total: 3, message: 'two' }
    ])
    await client.call('count')
    assert.match(await client.text('wrong'), /progress must be a number/)
    await client.call('odd', {}, { progressToken: 2 })
    assert.deepEqual(client.notes.slice(2).map(({ params }) => params), [{ progressToken: 2, progress: 1 }])
  })
})

test('a handler can read who calls', async () => {
  const source = `
    const about = ({ requestId, clientInfo, clientCapabilities, protocolVersion, meta, sessionId }) =>
      ({ requestId, clientInfo, clientCapabilities, protocolVersion, meta, sessionId: sessionId ?? null })
    app.tool('about', (_, ctx) => about(ctx))
    app.tool('later', async (_, ctx) => {
      await new Promise(setImmediate)
      return about(ctx)
    })
    await app.listen()`
  await withServer(source, async (client) => {
    const legacy = {
      clientInfo: { name: 'client', version: '1' },
      clientCapabilities: { roots: {} },
      protocolVersion: '2025-11-25',
      sessionId: null
    }
    await client.initialize({ roots: {} })
    for (const tool of ['about', 'later']) {
      const call = client.call(tool, {}, { extra: 1 })
      const about = JSON.parse((await call).result.content[0].text)
      assert.deepEqual(about, { ...legacy, requestId: call.id, meta: { extra: 1 } })
    }
    const modern = JSON.parse((await client.modern('about', {}, { capabilities: { elicitation: {} } })).result.content[0].text)
    assert.equal(modern.protocolVersion, '2026-07-28')
    assert.deepEqual(modern.clientCapabilities, { elicitation: {} })
    assert.ok('io.modelcontextprotocol/protocolVersion' in modern.meta)
  })
})

test('thousands of pipelined calls are each answered exactly once', async () => {
  const source = `
    const input = { type: 'object', properties: { n: { type: 'integer' } } }
    const later = { immediate: setImmediate, micro: queueMicrotask }
    app.tool('sync', { input }, ({ n }) => n)
    app.tool('async', { input }, async ({ n }) => n)
    app.tool('later', { input }, ({ n }) => new Promise((r) => setImmediate(r, n)))
    app.tool('timer', { input }, ({ n }) => new Promise((r) => setTimeout(r, n % 7, n)))
    app.tool('throw', { input }, ({ n }) => { throw new Error(String(n)) })
    app.tool('never', { input, timeout: 30 }, () => new Promise(() => {}))
    app.tool('wait', { input }, ({ n }, ctx) => new Promise((r) => ctx.signal.onabort = () => r(n)))
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const tools = ['sync', 'async', 'later', 'timer', 'throw', 'never', 'wait']
    const calls = []
    for (let n = 0; n < 4200; n++) calls.push([tools[n % 7], client.call(tools[n % 7], { n }), n])
    for (const [tool, call] of calls) {
      if (tool === 'wait') client.notify('notifications/cancelled', { requestId: call.id })
    }
    for (const [tool, call, n] of calls) {
      if (tool === 'wait') continue
      const { result } = await call
      const [{ text }] = result.content
      assert.equal(text, tool === 'never' ? 'tool "never" timed out after 30 ms' : String(n), tool)
    }
    assert.deepEqual((await client.send('ping')).result, {})
    const ids = client.lines.map((line) => JSON.parse(line).id)
    assert.equal(new Set(ids).size, ids.length)
    // All but the 600 cancelled ones, initialize and ping.
    assert.equal(ids.length, 3600 + 2)
  }, { server: '{ name: "test", limits: { maxPeerCalls: 5000, maxLaneCalls: 5000 } }' })
})

test('tools can be added and removed while calls run', async () => {
  const source = `
    let settle
    app.tool('old', () => new Promise((resolve) => { settle = resolve }))
    app.tool('change', () => {
      app.remove('tool', 'old')
      app.remove('tool', 'change')
      app.tool('new', () => app.remove('tool', 'old'))
      settle('old result')
      return 'changed'
    })
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const old = client.call('old')
    const queued = client.call('change')
    assert.equal((await queued).result.content[0].text, 'changed')
    assert.equal((await old).result.content[0].text, 'old result')
    const { result } = await client.send('tools/list')
    assert.deepEqual(result.tools.map(({ name }) => name), ['new'])
    assert.equal(await client.text('new'), 'false')
    assert.match((await client.call('old')).error.message, /Unknown tool: old/)
  })
})
