// The function visible of a program.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Server } from '../../../bindings-node/index.mjs'
import { listening, post } from '../support/http.mjs'
import { envelope } from '../support/process.mjs'

function demo(options) {
  const app = new Server({ name: 'demo', log: () => {}, ...options })
  app.tool('open', () => 'opened').tool('secret', () => 'hunter2')
  app.resource('note://secret', () => 'hunter2')
  return app.verifier(({ token }) => ({ subject: token, scopes: ['use'] }))
}

/** The result or the error of a request. */
async function send(url, token, method, params = {}) {
  const name = params.name ?? params.uri
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, authorization: `Bearer ${token}` }
  const request = { id: 1, method, params: { ...params, _meta: envelope() } }
  const { messages } = await post(url, request, name ? { ...headers, 'mcp-name': name } : headers)
  return messages[0].result ?? messages[0].error
}

const names = async (url, token) => (await send(url, token, 'tools/list')).tools.map(({ name }) => name)

for (const kind of ['function', 'async function']) {
  test(`a hidden entry does not exist: ${kind}`, async () => {
    const asked = []
    const decide = ({ principal, ...entry }) => {
      assert.deepEqual(principal.scopes, ['use'])
      assert.ok(Object.isFrozen(principal.scopes))
      asked.push([principal.subject, entry])
      return principal.subject === 'ann' || !entry.name.includes('secret')
    }
    const app = demo().visible(kind === 'function' ? decide : async (question) => decide(question))
    await listening(app, 0, async (url) => {
      assert.deepEqual(await names(url, 'ann'), ['open', 'secret'])
      assert.deepEqual(await names(url, 'bob'), ['open'])
      assert.deepEqual(await names(url, 'bob'), ['open'])
      assert.equal(asked.length, 4)
      assert.deepEqual(asked.find(([who]) => who === 'bob')[1].kind, 'tool')
      assert.deepEqual((await send(url, 'bob', 'resources/list')).resources, [])
      assert.equal((await send(url, 'ann', 'tools/call', { name: 'secret' })).content[0].text, 'hunter2')
      assert.equal((await send(url, 'bob', 'tools/call', { name: 'secret' })).message, 'Unknown tool: secret')
    })
  })
}

test('what is no decision refuses the request', async () => {
  const throwing = () => { throw new Error('no route to hunter2') }
  for (const wrong of [throwing, () => null, () => 'no', () => Promise.reject(new Error('hunter2'))]) {
    const app = demo({ maskErrors: false }).visible(wrong)
    await listening(app, 0, async (url) => {
      const { message } = await send(url, 'ann', 'tools/list')
      assert.equal(message, 'Internal error: the server cannot decide what the caller may see')
    })
  }
})

test('a function that hangs is bounded', async () => {
  const app = demo({ limits: { storeTimeout: 50 } }).visible(() => new Promise(() => {}))
  await listening(app, 0, async (url) => assert.match((await send(url, 'ann', 'tools/list')).message, /decide/))
})

test('it is set once and before the start', async () => {
  assert.throws(() => demo().visible({}), /visible must be a function, not a value of type object/)
  assert.throws(() => demo().visible(function* () {}), /must not be a generator/)
  const app = demo().visible(() => true)
  assert.throws(() => app.visible(() => true), { code: 'TENON_STATE' })
  const late = demo()
  await listening(late, 0, () => assert.throws(() => late.visible(() => true), { code: 'TENON_STATE' }))
})
