// Suspended attempts: handlers unwind before the client gets their questions.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withServer } from '../support/process.mjs'

const FORM = `{ type: 'object', properties: { v: { type: 'string' } }, required: ['v'] }`
const capabilities = { elicitation: {} }
const text = ({ result }) => result.content[0].text

/** Calls `tool`, answers what it asks as often as it asks, and gives the last response. */
async function through(client, tool) {
  let response = await client.modern(tool, {}, { capabilities })
  while (response.result?.resultType === 'input_required') {
    const { inputRequests, requestState } = response.result
    const answers = Object.keys(inputRequests).map((key) => [key, { action: 'accept', content: { v: `<${key}>` } }])
    response = await client.modern(tool, {}, { capabilities, requestState, inputResponses: Object.fromEntries(answers) })
  }
  return response
}

test('a suspended attempt unwinds: its finally runs before the client hears of the question, its lock is free', async () => {
  const source = `
    let locked = false
    app.tool('locks', async (_, ctx) => {
      if (locked) throw new Error('the lock is taken')
      locked = true
      try {
        return (await ctx.elicit('V?', ${FORM}, { key: 'q' })).content.v
      } finally {
        await new Promise((r) => setTimeout(r, 20))
        locked = false
      }
    })
    app.tool('parallel', async (_, ctx) => {
      const held = []
      const ask = async (key) => {
        held.push(key)
        try {
          return (await ctx.elicit(key, ${FORM}, { key })).content.v
        } finally {
          held.splice(held.indexOf(key), 1)
          console.error('released', key, ctx.signal.aborted)
        }
      }
      return (await Promise.all([ask('a'), ask('b')])).join() + held.length
    })
    await app.listen()`
  await withServer(source, async (client) => {
    assert.equal(text(await through(client, 'locks')), '<q>')
    assert.equal(text(await through(client, 'parallel')), '<a>,<b>0')
    await client.until(() => client.stderr.match(/released/g)?.length === 4)
    assert.match(client.stderr, /^released a true\nreleased b true\n(released [ab] false\n){2}$/)
  })
})

test('an attempt is recognised by what its handler throws, also wrapped and by way of the signal', async () => {
  const source = `
    import { setTimeout as sleep } from 'node:timers/promises'
    app.tool('wraps', async (_, ctx) => {
      try {
        return (await ctx.elicit('V?', ${FORM})).content.v
      } catch (cause) {
        console.error(cause instanceof Suspended, cause instanceof AskError, cause.name, ctx.signal.reason === cause)
        throw new Error('no answer', { cause })
      }
    })
    app.tool('any', async (_, ctx) => {
      return (await Promise.any([ctx.elicit('V?', ${FORM})])).content.v
    })
    // Does not await its question while it waits for something else, which the signal ends.
    app.tool('signal', async (_, ctx) => {
      const answer = ctx.elicit('V?', ${FORM})
      await sleep(100, undefined, { signal: ctx.signal }).catch((error) => {
        console.error(error.name)
        throw error
      })
      return (await answer).content.v
    })
    // Nothing new is asked by an attempt that unwinds.
    app.tool('asks more', async (_, ctx) => {
      try {
        return (await ctx.elicit('V?', ${FORM}, { key: 'first' })).content.v
      } catch (error) {
        await ctx.elicit('W?', ${FORM}, { key: 'second' })
      }
    })
    await app.listen()`.replaceAll("'asks more'", "'asks_more'")
  await withServer(source, async (client) => {
    for (const tool of ['wraps', 'any', 'signal', 'asks_more']) {
      const { result } = await client.modern(tool, {}, { capabilities })
      assert.equal(result.resultType, 'input_required', tool)
      assert.equal(Object.keys(result.inputRequests).length, 1, tool)
      assert.match(text(await through(client, tool)), /^<.*>$/, tool)
    }
    await client.end()
    assert.match(client.stderr, /^true false Suspended true$/m)
    assert.match(client.stderr, /^AbortError$/m)
    assert.doesNotMatch(client.stderr, /tenon:/)
  })
})

test('a handler that catches the end of its attempt and goes on has its outcome sent, and that is logged', async () => {
  const source = `
    app.tool('returns', (_, ctx) => ctx.elicit('V?', ${FORM}).catch(() => 'caught'))
    app.tool('throws', (_, ctx) => ctx.elicit('V?', ${FORM}).catch(() => { throw new Error('another') }))
    await app.listen()`
  await withServer(source, async (client) => {
    assert.equal(text(await client.modern('returns', {}, { capabilities })), 'caught')
    await client.until(() => client.stderr.includes('tenon: warn: tool "returns" returned although its attempt was ended'))
    const { result } = await client.modern('throws', {}, { capabilities })
    assert.deepEqual([result.isError, result.content[0].text], [true, 'another'])
    await client.until(() => client.stderr.includes('tenon: error: tool "throws" failed: another'))
  })
})

test('an attempt that does not unwind is ended without its handler, and what that still returns is ignored', async () => {
  const source = `
    app.tool('stays', async (_, ctx) => {
      ctx.elicit('V?', ${FORM})
      await new Promise((resolve) => process.once('go', resolve))
      console.error('returns late')
      return 'ignored'
    })
    app.tool('go', () => process.emit('go'))
    await app.listen()`
  await withServer(source, async (client) => {
    const { result } = await client.modern('stays', {}, { capabilities })
    assert.equal(result.resultType, 'input_required')
    assert.equal(text(await client.modern('go')), 'true')
    await client.until(() => client.stderr.includes('returns late'))
    assert.match(client.stderr, /tenon: warn: tool "stays" still runs 1000 ms after its attempt was ended/)
    assert.equal(text(await client.modern('go')), 'false')
    assert.equal(client.lines.length, 3)
  })
})

test('a call that times out while it unwinds is answered once', async () => {
  const source = `
    app.tool('stuck', { timeout: 100 }, async (_, ctx) => {
      try {
        await ctx.elicit('V?', ${FORM})
      } finally {
        await new Promise((r) => setTimeout(r, 200))
        console.error('unwound')
      }
    })
    await app.listen()`
  await withServer(source, async (client) => {
    for (const round of [1, 2]) {
      const { result } = await client.modern('stuck', {}, { capabilities })
      assert.equal(result.isError, true)
      // Later than its handler, which has unwound meanwhile.
      await client.until(() => client.stderr.match(/unwound/g)?.length === round)
    }
    assert.equal(client.lines.length, 2)
  })
})

const ONE_BY_ONE = `
  const ask = async (ctx, key) => {
    try {
      return (await ctx.elicit(key, ${FORM}, { key })).content.v
    } finally {
      await new Promise((r) => setTimeout(r, 20))
      console.error('unwound', key)
    }
  }
  app.tool('one_by_one', async (_, ctx) => {
    const [a, b] = [ask(ctx, 'a'), ask(ctx, 'b')]
    return (await a) + (await b)
  })
  app.tool('stray', async (_, ctx) => {
    ctx.signal.onabort = () => Promise.reject(new Error('stray'))
    await ask(ctx, 'a')
  })
  await app.listen()`

test('promises that a handler leaves behind when its call ends do not end the process', async () => {
  await withServer(ONE_BY_ONE, async (client) => {
    assert.equal(text(await through(client, 'one_by_one')), '<a><b>')
    await client.initialize(capabilities)
    const call = client.call('one_by_one')
    await client.until(() => client.notes.filter(({ method }) => method === 'elicitation/create').length === 2)
    client.stderr = ''
    client.notify('notifications/cancelled', { requestId: call.id })
    await client.until(() => client.stderr.match(/unwound/g)?.length === 2)
    // What they reject with comes up in the turn after.
    await client.send('ping')
    assert.equal(text(await through(client, 'one_by_one')), '<a><b>')
    assert.doesNotMatch(client.stderr, /AskError|Suspended/)
  })
})

test('any other promise that is left behind ends the process as always', async () => {
  await withServer(ONE_BY_ONE, async (client) => {
    client.modern('stray', {}, { capabilities })
    assert.deepEqual(await client.exited, { code: 1, signal: null })
    assert.match(client.stderr, /Error: stray/)
  })
})
