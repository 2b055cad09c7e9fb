// The verifier and the authorizer of a program.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { Server } from '../../../bindings-node/index.mjs'
import { listening, post } from '../support/http.mjs'
import { envelope } from '../support/process.mjs'

function demo(options) {
  const app = new Server({ name: 'demo', log: () => {}, ...options })
  app.tool('pay', { input: { type: 'object', properties: { amount: { type: 'integer' } } } }, ({ amount }) => `paid ${amount}`)
  return app
}

/** Calls the tool; the status and the text of the whole answer. */
async function call(url, amount, headers = {}) {
  const params = { name: 'pay', arguments: { amount }, _meta: envelope() }
  const own = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'pay' }
  const { status, messages } = await post(url, { id: 1, method: 'tools/call', params }, { ...own, ...headers })
  return { status, text: JSON.stringify(messages) }
}

const bearer = (token) => ({ authorization: `Bearer ${token}` })

class Person {
  constructor(subject) {
    this.subject = subject
  }

  toJSON() {
    return { subject: this.subject, clientId: 'app' }
  }
}

for (const [kind, found] of Object.entries({
  string: 'ann',
  object: { subject: 'ann', expiresAt: 4e9, clientId: 'app', claims: { team_name: 'red' } },
  class: new Person('ann'),
  promise: Promise.resolve('ann')
})) {
  test(`the verifier gives the principal: ${kind}`, async () => {
    const [asked, seen] = [[], []]
    const app = demo()
      .verifier(({ token, headers }) => {
        asked.push([token, { ...headers }])
        return token === 'good' ? found : null
      })
      .authorizer(async ({ principal, ...question }) => {
        assert.equal(principal.issuer, 'host')
        assert.equal(principal.clientId, kind === 'object' || kind === 'class' ? 'app' : undefined)
        assert.deepEqual(principal.claims, kind === 'object' ? { team_name: 'red' } : undefined)
        assert.ok(Object.isFrozen(principal.scopes))
        seen.push([principal.subject, question])
        return true
      })
    await listening(app, 0, async (url) => {
      assert.equal((await call(url, 3)).status, 401)
      assert.deepEqual(asked, [])
      const { status, text } = await call(url, 3, bearer('good'))
      assert.equal(status, 200, text)
      assert.match(text, /paid 3/)
      assert.equal((await call(url, 5, bearer('good'))).status, 200)
      assert.equal((await call(url, 3, bearer('bad'))).status, 401)
    })
    assert.deepEqual(asked, [['good', {}], ['bad', {}]])
    const question = (amount) => ['ann', { kind: 'tool', name: 'pay', arguments: { amount } }]
    assert.deepEqual(seen, [question(3), question(5)])
  })
}

test('the verifier reads headers, and credentials show no value', async () => {
  let shown
  const app = demo().verifier({ headers: ['X-Team'] }, (credentials) => {
    shown = inspect(credentials)
    return credentials.token === null && credentials.headers['x-team'] === 'red' && 'team-red'
  })
  await listening(app, 0, async (url) => {
    assert.equal((await call(url, 3)).status, 401)
    assert.equal((await call(url, 3, { 'x-team': 'red' })).status, 200)
    assert.equal((await call(url, 3, { 'x-team': 'blue' })).status, 401)
    assert.equal(shown, 'Credentials { token: null, headers: [x-team] }')
  })
})

const fail = () => {
  throw new Error('no route to hunter2')
}

for (const [kind, verify] of Object.entries({
  throws: fail,
  rejects: async () => fail(),
  true: () => true,
  number: async () => 7,
  members: () => ({ name: 'ann' }),
  bytes: () => new Uint8Array(3)
})) {
  test(`a wrong verifier refuses, and the log says why: ${kind}`, async () => {
    const records = []
    const app = demo({ maskErrors: false, log: (record) => records.push(record) }).verifier(verify)
    await listening(app, 0, async (url) => {
      const { status, text } = await call(url, 3, bearer('secret-token'))
      assert.equal(status, 503)
      assert.doesNotMatch(text, /hunter2/)
    })
    const texts = records.map(({ message, name }) => `${message} ${name}`)
    assert.ok(texts.some((text) => text.includes('verifier')), texts.join('\n'))
    assert.ok(!texts.some((text) => text.includes('secret-token')))
  })
}

test('a verifier that hangs is bounded, and a late answer counts for nothing', async () => {
  let answer
  const app = demo({ limits: { storeTimeout: 50 } }).verifier(() => new Promise((resolve) => (answer = resolve)))
  await listening(app, 0, async (url) => {
    assert.equal((await call(url, 3, bearer('a'))).status, 503)
    answer('ann')
    const second = call(url, 3, bearer('b'))
    assert.equal((await second).status, 503)
  })
})

test('the authorizer decides', async () => {
  const answers = [undefined, true, false, 'only on Mondays', null]
  for (const later of [false, true]) {
    const app = demo().authorizer(({ principal, arguments: { amount } }) => {
      assert.equal(principal, null)
      if (amount === 5) fail()
      return later ? Promise.resolve(answers[amount]) : answers[amount]
    })
    await listening(app, 0, async (url) => {
      const one = await call(url, 1)
      assert.equal(one.status, 200)
      assert.match(one.text, /paid 1/)
      for (const [amount, reason] of [[2, /the call is not permitted/], [3, /only on Mondays/]]) {
        const { status, text } = await call(url, amount)
        assert.equal(status, 403)
        assert.match(text, reason)
      }
      for (const amount of [4, 5]) assert.match((await call(url, amount)).text, /cannot decide about this call/)
    })
  }
})

test('wrong arguments are refused', () => {
  const app = demo()
  assert.throws(() => app.verifier(7), /verifier must be a function, not a value of type number/)
  assert.throws(() => app.verifier({ headers: ['a'] }), /verifier must be a function, not a value of type undefined/)
  assert.throws(() => app.verifier({ header: ['a'] }, () => null), /unknown option "header"; the option is headers/)
  assert.throws(() => app.verifier({ headers: 'x-team' }, () => null), /headers must be an array/)
  assert.throws(() => app.verifier({ headers: ['a b'] }, () => null), /"a b" is not the name of a header/)
  assert.throws(() => app.verifier(function* () {}), /must not be a generator/)
  assert.throws(() => app.authorizer({}), /authorizer must be a function, not a value of type object/)
})

test('each is set once, and before the start', async () => {
  const app = demo().verifier(({ token }) => token).authorizer(() => true)
  assert.throws(() => app.verifier(() => null), { code: 'TENON_STATE' })
  assert.throws(() => app.authorizer(() => true), { code: 'TENON_STATE' })
  await listening(app, 0, async (url) => assert.equal((await call(url, 1, bearer('ann'))).status, 200))
  const late = demo()
  await listening(late, 0, async () => {
    assert.throws(() => late.verifier(() => null), { code: 'TENON_STATE', message: /running already/ })
    assert.throws(() => late.authorizer(() => true), { code: 'TENON_STATE' })
  })
})

test('the example', async () => {
  const program = fileURLToPath(new URL('../../../examples/node/access/server.mjs', import.meta.url))
  const child = spawn(process.execPath, [program, '127.0.0.1:0'], { stdio: ['ignore', 'ignore', 'pipe'] })
  try {
    const [line] = await once(createInterface(child.stderr), 'line')
    assert.equal((await call(line, 3)).status, 401)
    assert.match((await call(line, 3, { 'x-team-key': 'key-of-red' })).text, /paid 3/)
    const { status, text } = await call(line, 101, { 'x-team-key': 'key-of-blue' })
    assert.equal(status, 403)
    assert.match(text, /a person must confirm/)
  } finally {
    child.kill()
    await once(child, 'exit')
  }
})
