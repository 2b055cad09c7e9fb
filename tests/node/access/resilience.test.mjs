// Limiters, circuit breakers and the cache that handlers use by code.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BreakerOpen, NotFound, Server } from '../../../bindings-node/index.mjs'
import { Client } from '../../../bindings-node/testing.mjs'
import { using } from '../support/client.mjs'

const limiters = { api: { amount: 2, per: 3_600_000 }, fast: '1000/s' }
const breakers = { api: { failures: 2, openFor: 3_600_000 } }
const server = (options) => new Server({ name: 'resilient', log: () => {}, limiters, breakers, ...options })

/** What a handler returns. */
function run(handler, app = server()) {
  app.tool('use', {}, async (args, ctx) => JSON.stringify(await handler(ctx)))
  return using(app, {}, async (client) => JSON.parse((await client.callTool('use')).text))
}

test('a limiter says how long to wait', async () => {
  const [first, second, third] = await run(async ({ limiter }) => {
    await limiter('fast').acquire()
    return [1, 2, 3].map(() => limiter('api').tryAcquire())
  })
  assert.deepEqual([first, second], [0, 0])
  assert.ok(third > 3_500_000 && third <= 3_600_000)
})

test('a service tells its own limit', async () => {
  for (const headers of [{ 'Retry-After': 120 }, new Headers({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '120' })]) {
    const wait = await run(({ limiter }) => {
      limiter('fast').feed(headers)
      return limiter('fast').tryAcquire()
    })
    assert.ok(wait > 100_000 && wait <= 120_000)
  }
})

test('a breaker opens after failures', async () => {
  const ran = []
  const fail = (error) => () => {
    ran.push(error.name)
    throw error
  }
  const seen = await run(async ({ breaker }) => {
    for (const error of [new NotFound('x'), new Error('down'), new NotFound('x'), new Error('down')]) {
      await assert.rejects(breaker('api').run(fail(error)), error)
    }
    try {
      await breaker('api').run(() => 'not called')
    } catch (error) {
      return [error instanceof BreakerOpen, error.message, error.retryAfter > 3_500_000]
    }
  })
  // What does not exist is no failure, and no success either.
  assert.deepEqual(ran, ['NotFound', 'Error', 'NotFound', 'Error'])
  assert.deepEqual(seen, [true, 'Circuit breaker open for api: try again in 3600 s', true])
})

test('a permit records the first result', async () => {
  const seen = await run(({ breaker }) => {
    for (let call = 0; call < 2; call++) {
      const permit = breaker('api').allow()
      permit.record(false)
      permit.record(true)
    }
    try {
      breaker('api').allow()
    } catch (error) {
      return error.name
    }
  })
  assert.equal(seen, 'BreakerOpen')
})

test('calls that want one value share one run, and get objects of their own', async () => {
  let runs = 0
  const seen = await run(async ({ cache }) => {
    const load = async () => ({ runs: ++runs })
    const values = await Promise.all([1, 2, 3].map(() => cache.getOrSet('key', 60_000, load)))
    return [values, values[0] === values[1], cache.get('key'), cache.delete('key'), cache.delete('key'), cache.get('key') ?? 'none']
  })
  assert.deepEqual(seen, [[{ runs: 1 }, { runs: 1 }, { runs: 1 }], false, { runs: 1 }, true, false, 'none'])
})

test('an error is not kept', async () => {
  let runs = 0
  const seen = await run(async ({ cache }) => {
    const load = async () => {
      if (++runs === 1) throw new Error('down')
      return runs
    }
    const first = await Promise.allSettled([1, 2].map(() => cache.getOrSet('key', 60_000, load)))
    const second = await cache.getOrSet('key', 60_000, load)
    cache.clear()
    return [first.map(({ reason }) => reason.message), second, cache.get('key') ?? 'none']
  })
  assert.deepEqual(seen, [['down', 'down'], 2, 'none'])
})

test('the parts of a mounted server are its own', async () => {
  const [inner, outer] = [server(), new Server({ name: 'outer', log: () => {} })]
  inner.tool('inside', {}, (args, { cache, limiter }) => {
    cache.put('key', 'inner', 60_000)
    return String(limiter('api').tryAcquire())
  })
  outer.tool('outside', {}, (args, { cache }) => String(cache.get('key')))
  outer.mount(inner)
  await using(outer, {}, async (client) => {
    assert.equal((await client.callTool('inside')).text, '0')
    assert.equal((await client.callTool('outside')).text, 'undefined')
  })
})

test('wrong names and values are refused', async () => {
  const seen = await run((ctx) => {
    const uses = [
      () => ctx.limiter('b'),
      () => ctx.breaker('b'),
      () => ctx.limiter('api').feed('x'),
      () => ctx.cache.put('key', () => {}, 1),
      () => ctx.cache.put('key', 1, -1)
    ]
    return uses.map((use) => {
      try {
        return use()
      } catch (error) {
        return error.message
      }
    })
  })
  assert.deepEqual(seen.slice(0, 3), [
    'there is no "b" in the setting limiters, which has api, fast',
    'there is no "b" in the setting breakers, which has api',
    'limiter.feed: headers must be an object'
  ])
  assert.match(seen[3], /^cache: the value of "key"/)
  assert.equal(seen[4], 'cache.put: ttl must be a number of milliseconds above 0, not -1')
  assert.throws(() => server({ limiters: { a: { amount: 1, per: 1, by: 'principal' } } }), /limiters\.a\.by is for policies of entries/)
})

test('a function that asks for its own key fails', async () => {
  const seen = await run(({ cache }) => {
    const load = () => cache.getOrSet('key', 1000, load)
    return cache.getOrSet('key', 1000, load).catch((error) => error.message)
  })
  assert.equal(seen, 'cache.getOrSet: the function for "key" asks for its own key')
})

test('the end of a call is no failure of others, and its function is replaced', async () => {
  const app = server()
  let runs = 0
  app.tool('short', { timeout: 20 }, async (args, { cache, signal }) => {
    const never = () => new Promise((resolve, reject) => void (runs++, signal.addEventListener('abort', () => reject(signal.reason))))
    return cache.getOrSet('key', 60_000, never)
  })
  app.tool('patient', {}, async (args, { cache }) => String(await cache.getOrSet('key', 60_000, () => 7)))
  await using(app, {}, async (client) => {
    const short = client.callTool('short')
    const patient = client.callTool('patient')
    await assert.rejects(short, /timed out/)
    assert.equal((await patient).text, '7')
    assert.equal(runs, 1)
  })
})

test('a question in a breaker is no failure', async () => {
  const app = server({ breakers: { api: { failures: 1 } } })
  app.tool('ask', {}, async (args, { breaker, elicit }) => {
    const answer = await breaker('api').run(() => elicit('Name?', { type: 'object', properties: { name: { type: 'string' } } }))
    return answer.content.name
  })
  const client = new Client(app, { revision: '2026-07-28', elicit: { name: 'Ann' } })
  try {
    assert.equal((await client.callTool('ask')).text, 'Ann')
  } finally {
    await client.close()
  }
})

test('after the end of its call, a context gives nothing new', async () => {
  const app = server()
  let late
  app.tool('use', {}, (args, ctx) => {
    late = ctx
    return 'done'
  })
  await using(app, {}, (client) => client.callTool('use'))
  assert.throws(() => late.cache, /the call has ended/)
  assert.throws(() => late.limiter('api'), /the call has ended/)
})
