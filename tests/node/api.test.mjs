// Registration and options: what is accepted, and what is refused with which words.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { ElicitError, Server } from '../../bindings-node/index.mjs'

const make = () => new Server({ name: 'test' })
const object = { type: 'object', properties: {} }

test('both module systems get the same classes', () => {
  const cjs = createRequire(import.meta.url)('../../bindings-node')
  assert.equal(cjs.Server, Server)
  assert.equal(cjs.ElicitError, ElicitError)
  assert.deepEqual(Object.keys(cjs).sort(), ['ElicitError', 'Server'])
})

test('server options are checked by name', () => {
  assert.throws(() => new Server(), /Server options must be an object/)
  assert.throws(() => new Server({}), /name must be a string/)
  assert.throws(() => new Server({ name: '' }), { code: 'TENON_INVALID', message: /name is empty/ })
  assert.throws(() => new Server({ name: 'x', verison: '1' }), /no option "verison"/)
  assert.throws(() => new Server({ name: 'x', version: 1 }), /version must be a string/)
})

test('limits are checked by name and value', () => {
  const limits = (limits) => new Server({ name: 'x', limits })
  limits({ maxCalls: 5, callTimeout: 1500, drainTimeout: 0.5, maxDepth: undefined })
  assert.throws(() => limits({ maxCall: 5 }), /there is no limit called "maxCall"/)
  for (const wrong of [0, -1, 1.5, NaN, Infinity]) {
    assert.throws(() => limits({ maxCalls: wrong }), /maxCalls cannot be/, String(wrong))
  }
  assert.throws(() => limits({ callTimeout: -1 }), /callTimeout cannot be -1/)
  assert.throws(() => limits({ callTimeout: '5' }), /callTimeout must be a number/)
})

test('a tool registered twice is refused, and can be registered again once removed', () => {
  const app = make()
  app.tool('a', () => 1)
  assert.throws(() => app.tool('a', () => 2), { code: 'TENON_DUPLICATE', message: /tool "a" is registered already/ })
  assert.equal(app.removeTool('a'), true)
  assert.equal(app.removeTool('a'), false)
  assert.equal(app.tool('a', () => 3), app)
})

test('a wrong definition is refused with the reason', () => {
  const app = make()
  const tool = (options) => app.tool('t', options, () => 1)
  assert.throws(() => tool({ input: { type: 'objekt' } }), /tool "t": input schema: at \/type/)
  assert.throws(() => tool({ input: { type: 'string' } }), /input schema: must have "type": "object"/)
  assert.throws(() => tool({ output: { type: 7 } }), /tool "t": output schema/)
  assert.throws(() => tool({ input: 'object' }), /input must be a JSON Schema object/)
  assert.throws(() => tool({ input: { type: 'object', default: 1n } }), /input must be a JSON Schema object/)
  assert.throws(() => tool({ desc: 'x' }), /no option "desc"/)
  assert.throws(() => tool({ description: 5 }), /description must be a string/)
  assert.throws(() => tool({ structured: 1 }), /structured must be a boolean/)
  for (const timeout of [0, -1, NaN, Infinity, 1e300]) {
    assert.throws(() => tool({ timeout }), /tool "t": timeout/, String(timeout))
  }
  assert.throws(() => app.tool('bad name', () => 1), /tool name "bad name" must be/)
  assert.throws(() => app.tool(5, () => 1), /name must be a string/)
  assert.throws(() => app.tool('t', { input: object }), /handler must be a function/)
  assert.throws(() => app.tool('t'), /handler must be a function/)
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
  await refuse({ http: 'localhost' }, /"localhost": must be host:port/)
  await refuse({ http: '127.0.0.1:1/a/' }, /path must not end/)
})

test('a server that never listened closes at once', async () => {
  const app = make()
  await app.close()
  await app.close()
})
