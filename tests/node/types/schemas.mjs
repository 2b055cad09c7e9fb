// What schemas of every kind infer to.
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import Type from 'typebox';
import * as v from 'valibot';
import * as z from 'zod';
import { Server } from '../../../bindings-node/index.mjs';
function same(_) { }
function schema(schema) {
    return schema;
}
// Unions and what can be null
const nullable = schema({ type: ['string', 'null'] });
same(true);
const any = schema({ anyOf: [{ type: 'string' }, { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }] });
same(true);
const one = schema({ oneOf: [{ const: 'a' }, { type: 'array', items: { type: 'boolean' } }, { type: 'null' }] });
same(true);
const mixed = schema({ enum: ['a', 1, null] });
same(true);
// What is all of several, and what is said beside
const all = schema({
    allOf: [
        { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
        { properties: { b: { type: ['number', 'boolean'] } } }
    ]
});
same(true);
const beside = schema({
    type: 'object',
    properties: { kind: { enum: ['x', 'y'] } },
    required: ['kind'],
    anyOf: [{ properties: { left: { type: 'string' } }, required: ['left'] }, { properties: { right: { type: 'string' } }, required: ['right'] }]
});
same(true);
const either = schema({
    type: 'object',
    properties: { a: { type: 'string' }, b: { type: 'string' } },
    anyOf: [{ required: ['a'] }, { required: ['b'] }]
});
same(true);
// Tuples
const pair = schema({ type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], minItems: 2, items: false });
same(true);
const some = schema({ type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], minItems: 1, maxItems: 2 });
same(true);
const more = schema({ type: 'array', prefixItems: [{ type: 'string' }], minItems: 1, items: { type: 'null' } });
same(true);
// Records
const record = schema({ type: 'object', additionalProperties: { type: 'number' } });
same(true);
const patterns = schema({ type: 'object', patternProperties: { '^x': { type: 'number' }, '^y': { type: 'string' } }, additionalProperties: false });
same(true);
const open = schema({ type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: true });
same(true);
same(true);
// Deep, and as far as it is said
const deep = schema({ type: 'array', items: { type: 'object', properties: { a: { anyOf: [{ type: 'null' }, { type: 'array', items: { const: 5 } }] } } } });
same(true);
same(true);
same(true);
same(true);
// Arguments have the defaults of their own properties.
const defaults = { type: 'object', properties: { unit: { enum: ['cm', 'in'], default: 'cm' }, n: { type: 'number' } } };
same(true);
same(true);
// Libraries
const zod = z.object({ at: z.string().transform((text) => new Date(text)), tags: z.array(z.enum(['a', 'b'])).default([]) });
const valibot = toStandardJsonSchema(v.object({ a: v.optional(v.string(), 'x'), b: v.nullable(v.number()) }));
const arktype = type({ 'name': 'string', 'count?': 'number | null' });
const typebox = Type.Object({
    a: Type.String(),
    b: Type.Optional(Type.Union([Type.Literal('x'), Type.Null()])),
    c: Type.Record(Type.String(), Type.Number()),
    d: Type.Array(Type.Object({ e: Type.Boolean() }))
});
same(true);
same(true);
const app = new Server({ name: 'types' });
app
    .tool('zod', { input: zod, output: z.object({ n: z.number() }) }, ({ at, tags }) => {
    same(true);
    same(true);
    return { n: at.getTime() };
})
    .tool('valibot', { input: valibot }, ({ a, b }) => {
    same(true);
    same(true);
})
    .tool('valibot, said', { input: v.object({ n: v.number() }), inputSchema: { type: 'object' } }, ({ n }) => n.toFixed())
    .tool('arktype', { input: arktype }, ({ name, count }) => {
    same(true);
    same(true);
})
    .tool('typebox', { input: typebox }, (args) => {
    same(true);
})
    .tool('union', { input: { type: 'object', oneOf: [{ properties: { a: { type: 'string' } }, required: ['a'] }, { properties: { b: { type: 'number' } }, required: ['b'] }] } }, (args) => 'a' in args ? args.a.trim() : args.b.toFixed())
    .method('x/y', { input: zod }, ({ at }) => ({ at: at.getTime() }))
    .prompt('p', { args: z.object({ word: z.string() }) }, ({ word }) => word.trim())
    .tool('asks', async (_, ctx) => {
    const answer = await ctx.elicit('Age?', z.object({ age: z.number() }));
    return answer.action === 'accept' ? answer.content.age.toFixed() : '';
})
    .tool('none', { description: 'd' }, (args) => {
    same(true);
});
// @ts-expect-error it can be null
app.tool('x', { input: valibot }, ({ b }) => b.toFixed());
// @ts-expect-error it is a Date
app.tool('x', { input: zod }, ({ at }) => at.trim());
// @ts-expect-error there is no such argument
app.tool('x', { input: zod }, ({ missing }) => missing);
// @ts-expect-error it may be another
app.tool('x', { input: { type: 'object', properties: { a: { type: ['string', 'number'] } }, required: ['a'] } }, ({ a }) => a.trim());
// @ts-expect-error there are two
app.tool('x', { input: { type: 'object', properties: { p: { type: 'array', prefixItems: [{}, {}], items: false, minItems: 2 } }, required: ['p'] } }, ({ p }) => p[2]);
// @ts-expect-error a tool without input takes nothing
app.tool('x', { description: 'd' }, ({ a }) => a);
// @ts-expect-error a schema is an object
app.tool('x', { input: 'object' }, () => 1);
