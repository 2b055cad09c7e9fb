// What schemas of every kind infer to.

import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import Type from 'typebox'
import * as v from 'valibot'
import * as z from 'zod'
import { Content, Server, ToolResult, type Arguments, type FromSchema, type Given, type Infer, type Returned, type StandardSchema } from '../../../bindings-node/index.mjs'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(_: Same<A, B>): void {}
function schema<const S extends object>(schema: S): FromSchema<S> {
  return schema as FromSchema<S>
}

// Unions and what can be null
const nullable = schema({ type: ['string', 'null'] })
same<typeof nullable, string | null>(true)
const any = schema({ anyOf: [{ type: 'string' }, { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }] })
same<typeof any, string | { n: number }>(true)
const one = schema({ oneOf: [{ const: 'a' }, { type: 'array', items: { type: 'boolean' } }, { type: 'null' }] })
same<typeof one, 'a' | boolean[] | null>(true)
const mixed = schema({ enum: ['a', 1, null] })
same<typeof mixed, 'a' | 1 | null>(true)

// What is all of several, and what is said beside
const all = schema({
  allOf: [
    { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
    { properties: { b: { type: ['number', 'boolean'] } } }
  ]
})
same<typeof all, { a: string; b?: number | boolean }>(true)
const beside = schema({
  type: 'object',
  properties: { kind: { enum: ['x', 'y'] } },
  required: ['kind'],
  anyOf: [{ properties: { left: { type: 'string' } }, required: ['left'] }, { properties: { right: { type: 'string' } }, required: ['right'] }]
})
same<typeof beside, { kind: 'x' | 'y'; left: string } | { kind: 'x' | 'y'; right: string }>(true)
const either = schema({
  type: 'object',
  properties: { a: { type: 'string' }, b: { type: 'string' } },
  anyOf: [{ required: ['a'] }, { required: ['b'] }]
})
same<typeof either, { a?: string; b?: string }>(true)

// A type beside that says nothing of properties takes nothing away from what is said of them elsewhere.
const tagged = schema({ type: 'object', oneOf: [{ properties: { k: { const: 'a' } }, required: ['k'] }, { properties: { k: { const: 'b' }, n: { type: 'number' } }, required: ['k', 'n'] }] })
same<typeof tagged, { k: 'a' } | { k: 'b'; n: number }>(true)
const optional = schema({ type: ['object', 'null'], anyOf: [{ type: 'null' }, { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }] })
same<typeof optional, { n: number } | null>(true)
const every = schema({ type: 'object', allOf: [{ type: 'object' }, { properties: { a: { type: 'string' } }, required: ['a'] }, { anyOf: [{ required: ['a'] }, { required: ['b'] }] }] })
same<typeof every, { a: string }>(true)
const within = schema({ type: 'object', properties: { a: { type: 'string' } }, anyOf: [{ type: 'object', required: ['a'] }, { type: 'object' }] })
same<typeof within, { a?: string }>(true)
const nothing = schema({ type: 'object', anyOf: [{ required: ['a'] }, { required: ['b'] }] })
same<typeof nothing, any>(true)
const untyped = schema({ anyOf: [{ required: ['a'] }, { required: ['b'] }] })
same<typeof untyped, any>(true)
const anything = schema({ type: 'object', oneOf: [{ type: 'object' }, { properties: { a: { type: 'string' } } }] })
same<typeof anything, any>(true)

// Tuples
const pair = schema({ type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], minItems: 2, items: false })
same<typeof pair, [string, number]>(true)
const some = schema({ type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], minItems: 1, maxItems: 2 })
same<typeof some, [string, number?]>(true)
const more = schema({ type: 'array', prefixItems: [{ type: 'string' }], minItems: 1, items: { type: 'null' } })
same<typeof more, [string, ...null[]]>(true)

// Records
const record = schema({ type: 'object', additionalProperties: { type: 'number' } })
same<typeof record, { [name: string]: number }>(true)
const patterns = schema({ type: 'object', patternProperties: { '^x': { type: 'number' }, '^y': { type: 'string' } }, additionalProperties: false })
same<typeof patterns, { [name: string]: number | string }>(true)
const open = schema({ type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: true })
same<typeof open.a, string>(true)
same<(typeof open)['else'], unknown>(true)

// Deep, and as far as it is said
const deep = schema({ type: 'array', items: { type: 'object', properties: { a: { anyOf: [{ type: 'null' }, { type: 'array', items: { const: 5 } }] } } } })
same<typeof deep, { a?: null | 5[] }[]>(true)
declare const loaded: { [keyword: string]: unknown }
same<FromSchema<typeof loaded>, any>(true)
same<FromSchema<{ type: string; properties: { a: { type: string } } }>, any>(true)
same<FromSchema<{ readonly $ref: '#/$defs/a' }>, any>(true)

// Arguments have the defaults of their own properties.
const defaults = { type: 'object', properties: { unit: { enum: ['cm', 'in'], default: 'cm' }, n: { type: 'number' } } } as const
same<Arguments<typeof defaults>, { unit: 'cm' | 'in'; n?: number }>(true)
same<FromSchema<typeof defaults>, { unit?: 'cm' | 'in'; n?: number }>(true)

// Libraries
const zod = z.object({ at: z.string().transform((text) => new Date(text)), tags: z.array(z.enum(['a', 'b'])).default([]) })
const valibot = toStandardJsonSchema(v.object({ a: v.optional(v.string(), 'x'), b: v.nullable(v.number()) }))
const arktype = type({ 'name': 'string', 'count?': 'number | null' })
const typebox = Type.Object({
  a: Type.String(),
  b: Type.Optional(Type.Union([Type.Literal('x'), Type.Null()])),
  c: Type.Record(Type.String(), Type.Number()),
  d: Type.Array(Type.Object({ e: Type.Boolean() }))
})
declare const own: StandardSchema<{ in: string }, { out: number }>
same<Infer<typeof zod>, z.output<typeof zod>>(true)
same<Infer<typeof own>, { out: number }>(true)
same<Given<typeof own>, { in: string }>(true)

const app = new Server({ name: 'types' })
app
  .tool('zod', { input: zod, output: z.object({ n: z.number() }) }, ({ at, tags }) => {
    same<typeof at, Date>(true)
    same<typeof tags, ('a' | 'b')[]>(true)
    return { n: at.getTime() }
  })
  .tool('valibot', { input: valibot }, ({ a, b }) => {
    same<typeof a, string>(true)
    same<typeof b, number | null>(true)
  })
  .tool('valibot, said', { input: v.object({ n: v.number() }), inputSchema: { type: 'object' } }, ({ n }) => n.toFixed())
  .tool('arktype', { input: arktype }, ({ name, count }) => {
    same<typeof name, string>(true)
    same<typeof count, number | null | undefined>(true)
  })
  .tool('typebox', { input: typebox }, (args) => {
    same<typeof args, { a: string; b?: 'x' | null; c: { [name: string]: number }; d: { e: boolean }[] }>(true)
  })
  .tool('union', { input: { type: 'object', oneOf: [{ properties: { a: { type: 'string' } }, required: ['a'] }, { properties: { b: { type: 'number' } }, required: ['b'] }] } }, (args) => {
    same<typeof args, { a: string } | { b: number }>(true)
    return 'a' in args ? args.a.trim() : args.b.toFixed()
  })
  .method('x/y', { input: zod }, ({ at }) => ({ at: at.getTime() }))
  .prompt('p', { args: z.object({ word: z.string() }) }, ({ word }) => word.trim())
  .tool('asks', async (_, ctx) => {
    const answer = await ctx.elicit('Age?', z.object({ age: z.number() }))
    return answer.action === 'accept' ? answer.content.age.toFixed() : ''
  })
  .tool('none', { description: 'd' }, (args) => {
    same<keyof typeof args, never>(true)
  })

// @ts-expect-error it can be null
app.tool('x', { input: valibot }, ({ b }) => b.toFixed())
// @ts-expect-error it is a Date
app.tool('x', { input: zod }, ({ at }) => at.trim())
// @ts-expect-error there is no such argument
app.tool('x', { input: zod }, ({ missing }) => missing)
// @ts-expect-error it may be another
app.tool('x', { input: { type: 'object', properties: { a: { type: ['string', 'number'] } }, required: ['a'] } }, ({ a }) => a.trim())
// @ts-expect-error no alternative has such an argument
app.tool('x', { input: { type: 'object', oneOf: [{ properties: { k: { const: 'a' } }, required: ['k'] }] } }, (a) => a.nonsense.x)
// @ts-expect-error there are two
app.tool('x', { input: { type: 'object', properties: { p: { type: 'array', prefixItems: [{}, {}], items: false, minItems: 2 } }, required: ['p'] } }, ({ p }) => p[2])
// @ts-expect-error a tool without input takes nothing
app.tool('x', { description: 'd' }, ({ a }) => a)
// @ts-expect-error a schema is an object
app.tool('x', { input: 'object' }, () => 1)

// What handlers return, by the schema of their output
const point = { type: 'object', properties: { x: { type: 'number' }, side: { enum: ['left', 'right'] } }, required: ['x'] } as const
const nested = schemaOf({
  type: 'object',
  properties: { side: { enum: ['left', 'right'] }, names: { type: 'array', items: { type: 'string' } }, pair: { type: 'array', prefixItems: [{ enum: ['l', 'r'] }, { type: 'number' }], minItems: 2, items: false } }
})
function schemaOf<const S extends object>(schema: S): S {
  return schema
}
const text = z.object({ n: z.string().transform(Number) })
declare const elsewhere: object
declare const names: string[]
new Server({ name: 'returned' })
  .tool('value', { output: point }, () => ({ x: 1, side: 'left' }))
  .tool('promise', { output: point }, async () => ({ x: 1, side: Math.random() > 0.5 ? 'left' : 'right' }))
  .tool('of arguments', { input: point, output: point }, ({ x, side = 'right' }) => ({ x: x + 1, side }))
  .tool('in place', { output: { type: 'array', items: { type: 'string' } } }, () => ['a'])
  .tool('nested', { output: nested }, () => ({ side: 'left', names: ['x'], pair: ['l', 1] }))
  .tool('nested, from elsewhere', { output: nested }, async () => ({ names }))
  .tool('whole result', { output: point }, () => new ToolResult({ content: Content.text('x'), structuredContent: { x: 1 } }))
  .tool('either', { output: point }, async () => (Math.random() > 0.5 ? new ToolResult({ isError: true }) : { x: 1 }))
  .tool('throws', { output: point }, () => {
    throw new Error('no')
  })
  .tool('what the validator takes', { output: text }, () => ({ n: '1' }))
  .tool('TypeBox', { output: typebox }, () => ({ a: 'a', c: { k: 1 }, d: [{ e: true }] }))
  .tool('elsewhere', { output: elsewhere }, () => 1)
  .tool('without', () => Content.text('x'))
  // @ts-expect-error A member is missing.
  .tool('wrong', { output: point }, () => ({ side: 'left' }))
  // @ts-expect-error A member has another type.
  .tool('wrong', { output: point }, () => ({ x: 'one' }))
  // @ts-expect-error It is not one of the values.
  .tool('wrong', { output: point }, () => ({ x: 1, side: 'up' }))
  // @ts-expect-error It is so within, too.
  .tool('wrong', { output: nested }, ({}) => ({ pair: ['x', 1] }))
  // @ts-expect-error Nothing is no value.
  .tool('wrong', { output: point }, () => {})
  // @ts-expect-error A promise of something else.
  .tool('wrong', { output: point }, async () => 'text')
  // @ts-expect-error One of two ways out.
  .tool('wrong', { input: point, output: point }, ({ x }) => (x > 1 ? { x } : null))
  // @ts-expect-error Content has no structured content.
  .tool('wrong', { output: point }, () => Content.text('x'))
  // @ts-expect-error A library's schema.
  .tool('wrong', { output: z.object({ n: z.number() }) }, () => ({ n: '1' }))
  // @ts-expect-error What the validator makes, not what it takes.
  .tool('wrong', { output: text }, () => ({ n: 1 }))
const returned: Returned<typeof point> = { x: 1, side: 'left' }
export const kept = returned
