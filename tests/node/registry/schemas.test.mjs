// Schemas of libraries: what clients see of them, and how they validate arguments and results.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import Type from 'typebox'
import * as v from 'valibot'
import * as z from 'zod'
import { ArgumentError, Server } from '../../../bindings-node/index.mjs'
import { Client } from '../../../bindings-node/testing.mjs'
import { Client as Process } from '../support/process.mjs'

/** A schema of each library for `{ name: string, count?: number }`, which zod trims. */
const libraries = {
  zod: z.object({ name: z.string().trim().min(1), count: z.number().optional() }),
  valibot: toStandardJsonSchema(v.object({ name: v.pipe(v.string(), v.minLength(2)), count: v.optional(v.number()) })),
  arktype: type({ 'name': 'string', 'count?': 'number' }),
  typebox: Type.Object({ name: Type.String(), count: Type.Optional(Type.Number()) })
}

async function using(app, options, body) {
  const client = new Client(app, options)
  try {
    return await body(client)
  } finally {
    await client.close()
  }
}

/** What a call comes to, whether it failed or was refused. */
async function told(client, name, args) {
  try {
    const { isError, text, data } = await client.callTool(name, args, { raiseOnError: false })
    return isError ? { failed: text } : { data }
  } catch ({ code, message }) {
    return { code, message }
  }
}

const make = (options) => new Server({ name: 'test', log: null, ...options })

test('every library tells clients its JSON Schema, and its validator runs', async () => {
  const app = make()
  for (const [name, input] of Object.entries(libraries)) app.tool(name, { input, structured: true }, (args) => args)
  await using(app, {}, async (client) => {
    for (const { name, inputSchema } of await client.listTools()) {
      assert.equal(inputSchema.type, 'object', name)
      assert.deepEqual(Object.keys(inputSchema.properties).sort(), ['count', 'name'], name)
      assert.deepEqual(inputSchema.required, ['name'], name)
      assert.match((await told(client, name, { count: 1 })).failed, new RegExp(`^Invalid arguments for tool "${name}": .*"name"`))
      assert.match((await told(client, name, { name: 'xy', count: true })).failed, /: \/count: /)
    }
    const padded = { name: ' x ', count: 2 }
    assert.deepEqual(await told(client, 'zod', padded), { data: { name: 'x', count: 2 } })
    // What is unknown is left out by its validator, and left in by that of arktype.
    assert.deepEqual(await told(client, 'valibot', { ...padded, more: 1 }), { data: padded })
    assert.deepEqual(await told(client, 'arktype', { ...padded, more: 1 }), { data: { ...padded, more: 1 } })
    // What no schema says.
    assert.match((await told(client, 'zod', { name: ' ' })).failed, /^Invalid arguments for tool "zod": \/name: /)
  })
})

test('a union of objects is one, for arguments and results', async () => {
  const [a, b] = [z.object({ k: z.literal('a'), x: z.number() }), z.object({ k: z.literal('b'), y: z.string() })]
  const unions = {
    zod: z.discriminatedUnion('k', [a, b]),
    nested: z.union([a, z.union([b, z.object({ k: z.literal('c'), y: z.null() })])]),
    valibot: toStandardJsonSchema(v.union([v.object({ k: v.literal('a'), x: v.number() }), v.object({ k: v.literal('b'), y: v.string() })])),
    arktype: type({ k: '"a"', x: 'number' }).or({ k: '"b"', y: 'string' })
  }
  const app = make()
  for (const [name, union] of Object.entries(unions)) app.tool(name, { input: union, output: union }, (args) => args)
  for (const revision of ['2025-11-25', '2026-07-28']) {
    await using(app, { revision }, async (client) => {
      for (const tool of await client.listTools()) assert.deepEqual([tool.inputSchema.type, tool.outputSchema.type], ['object', 'object'], tool.name)
      for (const name of Object.keys(unions)) {
        assert.deepEqual((await client.callTool(name, { k: 'b', y: 'z' })).result.structuredContent, { k: 'b', y: 'z' }, name)
        assert.match((await told(client, name, { k: 'b', x: 1 })).failed, /^Invalid arguments/)
      }
    })
  }
  assert.throws(() => app.tool('t', { input: z.union([a, z.string()]) }, () => 1), /input schema: must have "type": "object"/)
})

const range = z.object({ low: z.number().default(0), high: z.number(), tags: z.array(z.string().refine((tag) => tag !== 'no', 'is no tag')).optional() })
  .refine(({ low, high }) => low <= high, 'low must not be above high')

for (const revision of ['2025-06-18', '2025-11-25', '2026-07-28']) {
  test(`refinements, transforms and defaults, in ${revision}`, async () => {
    const app = make()
    const when = z.object({ at: z.string().transform((text) => new Date(text)) })
    app.tool('range', { input: range, structured: true }, ({ low, high }) => ({ size: high - low }))
    app.tool('year', { input: when }, ({ at }) => at.getUTCFullYear())
    app.method('example/range', { input: range }, ({ low }) => ({ low }))
    app.prompt('say', { args: z.object({ word: z.string().toUpperCase().refine((word) => word !== 'NO', 'not that') }) }, ({ word }) => word)
    const refused = (text) => (revision < '2025-11-25' ? { code: -32602, message: text } : { failed: text })
    await using(app, { revision }, async (client) => {
      assert.deepEqual(await told(client, 'range', { high: 5 }), { data: { size: 5 } })
      assert.deepEqual(await told(client, 'range', { low: 6, high: 5 }), refused('Invalid arguments for tool "range": (root): low must not be above high'))
      assert.deepEqual(
        await told(client, 'range', { high: 5, tags: ['a', 'no', 'no', 'no', 'no'] }),
        refused('Invalid arguments for tool "range": /tags/1: is no tag; /tags/2: is no tag; /tags/3: is no tag; and 1 more')
      )
      assert.deepEqual(await told(client, 'year', { at: '2020-05-05' }), { data: 2020 })
      assert.deepEqual(await client.request('example/range', { high: 1 }).then(({ low }) => low), 0)
      await assert.rejects(client.request('example/range', { low: 2, high: 1 }), { code: -32602, message: 'Invalid params: (root): low must not be above high' })
      assert.equal((await client.getPrompt('say', { word: 'yes' })).text, 'YES')
      await assert.rejects(client.getPrompt('say', { word: 'no' }), { code: -32602, message: 'Invalid arguments for prompt "say": /word: not that' })
    })
  })
}

test('a validator may take its time, and what it throws fails the call', async () => {
  const app = make()
  const later = z.object({ n: z.number() }).refine(async ({ n }) => n !== 13, 'bad luck')
  const broken = z.object({}).refine(() => { throw new RangeError('out of order') })
  app.tool('later', { input: later }, async ({ n }) => n)
  app.tool('broken', { input: broken }, () => 1)
  // One of the program's own, with steps that are objects and names with odd characters.
  const own = {
    '~standard': {
      version: 1,
      vendor: 'own',
      validate: () => ({ issues: [{ message: 'odd', path: [{ key: 'a/b' }, '~', 0, Symbol.iterator] }, { message: 'whole' }] })
    }
  }
  app.tool('own', { input: own, inputSchema: { type: 'object' } }, () => 1)
  await using(app, {}, async (client) => {
    assert.deepEqual(await told(client, 'later', { n: 1 }), { data: 1 })
    assert.deepEqual(await told(client, 'later', { n: 13 }), { failed: 'Invalid arguments for tool "later": (root): bad luck' })
    assert.deepEqual(await told(client, 'broken'), { failed: 'out of order' })
    assert.deepEqual(await told(client, 'own', { any: 'thing' }), {
      failed: 'Invalid arguments for tool "own": /a~1b/~0/0/Symbol(Symbol.iterator): odd; (root): whole'
    })
  })
})

test('results are judged and completed by the validator of the output', async () => {
  const app = make({ maskErrors: true })
  const output = z.object({ n: z.number().default(7), even: z.number().refine((n) => n % 2 === 0, 'is odd').optional() })
  app.tool('completes', { output }, () => ({ extra: 1 }))
  app.tool('later', { output }, async () => ({ n: 1 }))
  app.tool('odd', { output }, () => ({ even: 3 }))
  app.tool('wrong', { output }, () => 'text')
  const arktype = type({ at: 'string' })
  app.tool('arktype', { output: arktype }, () => ({ at: 5 }))
  app.tool('text', { output: z.string().transform((text) => text.length), outputSchema: { type: 'integer' } }, () => 'four')
  await using(app, {}, async (client) => {
    const { outputSchema } = (await client.listTools()).find(({ name }) => name === 'completes')
    assert.deepEqual(outputSchema.required, ['n'])
    assert.deepEqual(await told(client, 'completes'), { data: { n: 7 } })
    assert.deepEqual(await told(client, 'later'), { data: { n: 1 } })
    const begin = (name) => `tool "${name}" returned a result that does not fit its output schema: `
    assert.deepEqual(await told(client, 'odd'), { failed: `${begin('odd')}/even: is odd` })
    assert.ok((await told(client, 'wrong')).failed.startsWith(`${begin('wrong')}(root): `))
    assert.ok((await told(client, 'arktype')).failed.startsWith(`${begin('arktype')}/at: `))
    assert.deepEqual(await told(client, 'text'), { data: 4 })
  })
})

test('a library that gives no JSON Schema needs one beside it', async () => {
  const app = make()
  const input = v.object({ n: v.pipe(v.number(), v.check((n) => n > 1, 'more!')) })
  const inputSchema = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }
  app.tool('said', { input, inputSchema }, ({ n }) => n)
  app.prompt('said', { args: v.object({ n: v.string() }), argsSchema: { ...inputSchema, properties: { n: { type: 'string' } } } }, ({ n }) => n)
  const day = z.object({ day: z.date() })
  app.tool('codec', { input: z.object({ day: z.string().transform((text) => new Date(text)).pipe(z.date()) }) }, ({ day }) => day.getTime())
  const refused = (options, message) => assert.throws(() => app.tool('t', options, () => 1), { name: 'TypeError', message })
  const way = 'pass toStandardJsonSchema(schema) of @valibot/to-json-schema, or its JSON Schema as'
  refused({ input }, `tool "t": input is a schema of valibot, not a JSON Schema: ${way} inputSchema`)
  refused({ output: input }, `tool "t": output is a schema of valibot, not a JSON Schema: ${way} outputSchema`)
  refused({ input: day }, /^tool "t": input is a schema of zod that has no JSON Schema: Date cannot be represented.*; pass its JSON Schema as inputSchema$/)
  refused({ output: z.object({ n: z.string().transform(Number) }) }, /^tool "t": output is .* no JSON Schema: Transforms .*outputSchema$/)
  refused({ input, inputSchema: day }, /^tool "t": inputSchema is a schema of zod that has no JSON Schema/)
  refused({ inputSchema }, /^tool "t": use the option input instead of inputSchema$/)
  refused({ input: inputSchema, inputSchema }, /^tool "t": use the option input instead of inputSchema$/)
  await using(app, {}, async (client) => {
    assert.deepEqual(await told(client, 'said', { n: 2 }), { data: 2 })
    assert.deepEqual(await told(client, 'said', { n: 1 }), { failed: 'Invalid arguments for tool "said": /n: more!' })
    assert.deepEqual(await told(client, 'said', { n: true }), { failed: 'Invalid arguments for tool "said": /n: value is not of type "number"' })
    assert.equal((await client.getPrompt('said', { n: '1' })).text, '1')
    assert.deepEqual(await told(client, 'codec', { day: '1970-01-01' }), { data: 0 })
  })
})

test('a JSON Schema that its library made validates besides', async () => {
  const app = make()
  app.tool('t', { input: z.toJSONSchema(range) }, ({ low, high }) => high - low)
  await using(app, {}, async (client) => {
    assert.deepEqual(await told(client, 't', { low: 1, high: 3 }), { data: 2 })
    assert.deepEqual(await told(client, 't', { low: 4, high: 3 }), { failed: 'Invalid arguments for tool "t": (root): low must not be above high' })
  })
})

test('handlers and middleware refuse arguments themselves', async () => {
  const app = make()
  app.tool('t', { input: z.object({ n: z.string().refine((n) => n > 0, 'no number').transform(Number) }) }, ({ n }) => {
    if (n > 9) throw new ArgumentError('/n: more than 9')
    return n + 1
  })
  const heard = []
  app.middleware('tool', async (ctx, next) => {
    // Arguments are what the client sent; the handler's are the validator's.
    heard.push(ctx.arguments.n)
    try {
      return await next(ctx.arguments.n === '5' ? { n: '6' } : undefined)
    } catch (error) {
      heard.push(error.name)
      throw error
    }
  })
  await using(app, {}, async (client) => {
    assert.deepEqual(await told(client, 't', { n: '5' }), { data: 7 })
    assert.deepEqual(await told(client, 't', { n: '10' }), { failed: 'Invalid arguments for tool "t": /n: more than 9' })
    assert.deepEqual(await told(client, 't', { n: 'x' }), { failed: 'Invalid arguments for tool "t": /n: no number' })
  })
  assert.deepEqual(heard, ['5', '10', 'ArgumentError', 'x', 'ArgumentError'])
})

test('the validator of a form judges the answer', async () => {
  for (const revision of ['2025-11-25', '2026-07-28']) {
    const app = make()
    const form = z.object({ age: z.number().refine((age) => age >= 18, 'too young') })
    app.tool('ask', async (_, ctx) => {
      const { action, content } = await ctx.elicit('Age?', form)
      return [action, content ?? null]
    })
    const ask = (elicit) => using(app, { revision, elicit }, (client) => told(client, 'ask'))
    assert.deepEqual(await ask({ age: 20 }), { data: ['accept', { age: 20 }] })
    assert.deepEqual(await ask(false), { data: ['decline', null] })
    assert.deepEqual(await ask({ age: 5 }), { failed: "the client's answer does not conform to the schema: /age: too young" })
  }
})

test('the example', async () => {
  const server = new Process(fileURLToPath(new URL('../../../examples/node/schemas/server.mjs', import.meta.url)))
  try {
    await server.initialize({}, '2025-11-25')
    assert.equal(await server.text('weather', { city: 'Bern' }), 'Bern: 20 °C')
    const trip = { from: 'Bern', to: ' Chur ', day: '2026-07-28' }
    assert.deepEqual((await server.call('book', trip)).result.structuredContent, { id: 1, weekday: 'Tuesday', seats: 1 })
    assert.equal(await server.text('book', { ...trip, to: 'Bern' }), 'Invalid arguments for tool "book": /to: is where the trip begins')
    assert.match(await server.text('book', { ...trip, day: 'today' }), /: \/day: /)
    assert.equal(await server.text('seats', { seats: 8 }), '9')
    assert.equal(await server.text('cancel', { id: 3 }), 'trip 3 is cancelled')
    assert.equal(await server.text('names', { names: ['a', 'b'] }), 'a and b')
    assert.equal(await server.text('pairs', { seats: 4 }), '2')
    assert.equal(await server.text('pairs', { seats: 3 }), 'Invalid arguments for tool "pairs": /seats: must be even')
    assert.deepEqual(await server.end(), { code: 0, signal: null })
  } finally {
    await server.kill()
  }
})
