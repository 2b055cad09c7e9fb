// Registration and options: what is accepted, and the errors for what is refused.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import * as tenon from '../../../bindings-node/index.mjs'
import { withServer } from '../support/process.mjs'

const { Server } = tenon
const make = () => new Server({ name: 'test' })
const object = { type: 'object', properties: {} }

test('both module systems get the same classes', () => {
  const cjs = createRequire(import.meta.url)('../../../bindings-node')
  for (const [name, value] of Object.entries(tenon)) if (name !== 'default') assert.equal(cjs[name], value, name)
  assert.deepEqual(Object.keys(cjs).sort(), Object.keys(tenon).sort())
})

test('server options are checked by name', () => {
  assert.throws(() => new Server(), /Server options must be an object/)
  assert.throws(() => new Server({}), /name must be a string/)
  assert.throws(() => new Server({ name: '' }), { code: 'TENON_INVALID', message: /name is empty/ })
  assert.throws(() => new Server({ name: 'x', verison: '1' }), /no option "verison"/)
  assert.throws(() => new Server({ name: 'x', version: 1 }), /version must be a string/)
})

test('instructions reach the client', async () => {
  const says = async (client) => assert.equal((await client.initialize()).instructions, 'Use it well.')
  await withServer('await app.listen()', says, { server: '{ name: "test", instructions: "Use it well." }' })
})

test('limits are checked by name and value', () => {
  const limits = (limits) => new Server({ name: 'x', limits })
  limits({ maxCalls: 5, callTimeout: 1500, drainTimeout: 0.5, maxDepth: undefined })
  assert.throws(() => limits({ maxCall: 5 }), /there is no limit "maxCall"/)
  for (const wrong of [0, -1, 1.5, NaN, Infinity]) {
    assert.throws(() => limits({ maxCalls: wrong }), /limits: maxCalls must be/, String(wrong))
  }
  assert.throws(() => limits({ callTimeout: -1 }), /callTimeout must be a number of milliseconds from 0, not -1/)
  assert.throws(() => limits({ callTimeout: '5' }), /callTimeout must be a number/)
  // No bound is the longest time there is.
  limits({ callTimeout: Infinity })
  assert.throws(() => limits({ callTimeout: NaN }), /callTimeout must be a number of milliseconds from 0, not NaN/)
  const app = new Server({ name: 'x' })
  const tool = (name, timeout) => app.tool(name, { timeout }, () => 1)
  for (const [i, timeout] of [Infinity, 1e300, Number.MAX_SAFE_INTEGER].entries()) tool(`t${i}`, timeout)
})

test('a tool registered twice is refused, and can be registered again once removed', () => {
  const app = make()
  app.tool('a', () => 1)
  assert.throws(() => app.tool('a', () => 2), { code: 'TENON_DUPLICATE', message: /tool "a" is registered already/ })
  assert.equal(app.remove('tool', 'a'), true)
  assert.equal(app.remove('tool', 'a'), false)
  assert.equal(app.tool('a', () => 3), app)
})

test('a wrong definition is refused with the reason', () => {
  const app = make()
  const tool = (options) => app.tool('t', options, () => 1)
  assert.throws(() => tool({ input: { type: 'objekt' } }), /tool "t": input schema: at \/type/)
  assert.throws(() => tool({ input: { type: 'string' } }), /input schema: must have "type": "object"/)
  assert.throws(() => tool({ output: { type: 7 } }), /tool "t": output schema/)
  assert.throws(() => tool({ input: 'object' }), /input must be a JSON Schema object/)
  assert.throws(() => tool({ input: { type: 'object', default: 2n ** 60n } }), /input must be a JSON Schema object/)
  assert.throws(() => tool({ desc: 'x' }), /tool "t": unknown member "desc"; a tool has name, title/)
  assert.throws(() => tool({ description: 5 }), /description must be a string/)
  assert.throws(() => tool({ structured: 1 }), /structured must be a boolean/)
  for (const timeout of [0, -1, NaN, -Infinity]) {
    assert.throws(() => tool({ timeout }), /tool "t": timeout/, String(timeout))
  }
  assert.throws(() => app.tool('bad name', () => 1), /tool name "bad name" must be/)
  assert.throws(() => app.tool(5, () => 1), /name must be a string/)
  assert.throws(() => app.tool('t', 'what it does', () => 1), /tool "t": options must be an object, such as \{ description \}$/)
  assert.throws(() => app.tool('t', { input: object }), /handler must be a function/)
  assert.throws(() => app.tool('t'), /handler must be a function/)
  for (const generator of [function* () {}, async function* () {}]) {
    assert.throws(() => app.tool('t', generator), /^TypeError: tool "t": handler must not be a generator/)
  }
  tool({ input: object })
})

test('listen options are checked by name', async () => {
  const refuse = (options, message) => assert.rejects(() => make().listen(options), { message })
  await refuse({ stdin: true }, /no option "stdin"/)
  await refuse({ stdio: false }, /at least one transport/)
  await refuse({ stdio: 'yes' }, /stdio must be a boolean/)
  await refuse({ http: { port: 70000 } }, /port must be a number from 0 to 65535/)
  await refuse({ http: { port: 0, path: 'mcp' } }, /path must begin with \//)
  await refuse({ http: { port: 0, host: 5 } }, /host must be/)
  await refuse({ http: { port: 0, allowedHosts: 'x' } }, /allowedHosts must be an array of strings/)
  await refuse({ http: { port: 0, allowedHosts: ['a:80'] } }, /allowed hosts: "a:80" is not a host/)
  await refuse({ http: { port: 0, allowedOrigins: ['https://a/'] } }, /allowed origins: "https:\/\/a\/" is not an origin/)
  await refuse({ http: { port: 0, allowedHeaders: ['x a'] } }, /allowed headers: "x a" is not a header name/)
  await refuse({ http: 'localhost' }, /"localhost": must be host:port/)
  await refuse({ http: '127.0.0.1:1/a/' }, /path must not end/)
})

test('a server that never listened closes at once', async () => {
  const app = make()
  await app.close()
  await app.close()
})

// Shaped as the libraries shape theirs: an instance, a plain object, a function.
class ZodObject {
  def = { type: 'object' }
  get '~standard'() {
    return { version: 1, vendor: 'zod', validate: () => {} }
  }
}
class Zod3 {
  _def = {}
  parse() {}
}
const valibot = { 'kind': 'schema', '~standard': { version: 1, vendor: 'valibot', validate() {} } }
const arktype = Object.assign(() => {}, { '~standard': { version: 1, vendor: 'arktype', validate() {} } })

test('a validator is refused where a JSON Schema belongs, with the way to convert it', () => {
  const app = make()
  const tool = (options) => () => app.tool('t', options, () => 1)
  for (const member of ['input', 'output']) {
    const besides = `, or its JSON Schema as ${member}Schema`
    const refused = (schema, message) => assert.throws(tool({ [member]: schema }), { name: 'TypeError', message })
    const begin = `tool "t": ${member}`
    refused(new ZodObject(), `${begin} is a schema of zod, not a JSON Schema: pass z.toJSONSchema(schema)${besides}`)
    refused(new Zod3(), `${begin} is a schema of zod, not a JSON Schema: pass zodToJsonSchema(schema) of zod-to-json-schema`)
    refused(valibot, new RegExp(`${begin} is a schema of valibot, .*: pass toStandardJsonSchema\\(schema\\) of`))
    refused(arktype, `${begin} is a schema of arktype, not a JSON Schema: pass schema.toJsonSchema()${besides}`)
    // The raw shape of another library, and validators further down.
    refused({ a: new ZodObject() }, `${begin} has a schema of zod as its member "a" and is not a schema itself: pass z.object({ … })`)
    refused({ a: { type: 'string' }, b: arktype }, /has a schema of arktype as its member "b" .* pass type\(\{ … \}\)$/)
    refused({ type: 'object', properties: { a: valibot } }, new RegExp(`^${begin}\\.properties\\.a is a schema of valibot`))
    refused({ type: 'object', anyOf: [new ZodObject()] }, new RegExp(`^${begin}\\.anyOf\\[0\\] is a schema of zod`))
    refused(new (class Form {})(), `${begin} is an instance of Form, not a JSON Schema`)
    refused({ type: 'object', properties: { a: { pattern: /x/ } } }, new RegExp('a\\.pattern is an instance of RegExp'))
    refused({ type: 'object', properties: { a: String } }, new RegExp('properties\\.a is a function, not a JSON Schema'))
    refused(() => object, `${begin} is a function, not a JSON Schema`)
    refused({ type: 'object', maxProperties: NaN }, /maxProperties is the number NaN/)
  }
})

test('a schema in the place of the options, or among them, is told where it belongs', () => {
  const app = make()
  const refused = (register, message) => assert.throws(register, { name: 'TypeError', message })
  for (const schema of [new ZodObject(), valibot, arktype]) {
    refused(() => app.tool('t', schema, () => 1), 'tool "t": the options must not be a schema: pass the schema of the arguments as { input: schema }')
    refused(() => app.prompt('p', schema, () => ''), 'prompt "p": the options must not be a schema: pass the schema of the arguments as { args: schema }')
    refused(() => app.tool('t', { a: schema }, () => 1), 'tool "t": there is no option "a" that is a schema: pass the schema of the arguments as { input: schema }')
    refused(() => app.resource('a:b', { a: schema }, () => 1), 'resource "a:b": there is no option "a" that is a schema')
    refused(() => app.prompt('p', { args: { a: schema } }, () => ''), /^prompt "p": args has a schema of \w+ as its member "a"/)
  }
})

test('every plain object is taken for the JSON Schema it is', () => {
  const app = make()
  app.tool('empty', { output: {} }, () => 1)
  const properties = { '_def': { type: 'string' }, 'parse': {}, '~standard': {}, 'gone': undefined }
  app.tool('names', { input: { type: 'object', properties } }, () => 1)
  app.tool('bare', { input: Object.assign(Object.create(null), object) }, () => 1)
  const shared = { type: 'string' }
  app.tool('shared', { input: { type: 'object', properties: { a: shared, b: shared } } }, () => 1)
  // Zod's JSON Schemas can validate besides.
  const standard = { value: { version: 1, vendor: 'zod', validate() {} }, enumerable: false }
  app.tool('converted', { input: Object.defineProperty({ ...object }, '~standard', standard) }, () => 1)
})

test('state keys are checked without being told', () => {
  const keys = (stateKeys) => new Server({ name: 'x', stateKeys })
  const bytes = Buffer.alloc(32, 0xab)
  keys([])
  keys([bytes, new Uint8Array(32), bytes.toString('hex'), bytes.toString('base64'), bytes.toString('base64url')])
  for (const wrong of [bytes.subarray(1), 'secret', 'abcd', 5, null, new Uint16Array(32), 'é'.repeat(43)]) {
    assert.throws(() => keys([bytes, wrong]), {
      name: 'TypeError',
      message: 'Server options: stateKeys[1] must be 32 bytes: a Uint8Array, or hex or base64 text'
    })
  }
  assert.throws(() => keys(bytes), /stateKeys must be an array/)
})

test('a log is a function or a console', () => {
  const log = (log) => new Server({ name: 'x', log })
  for (const right of [undefined, null, () => {}, console]) log(right)
  for (const wrong of [5, 'x', {}, { error() {} }]) assert.throws(() => log(wrong), /log must be a function, or an object/)
})
