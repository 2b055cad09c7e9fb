// Who may use what: scopes, roles, public entries, keys and tokens.

import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { Server, apiKeys, introspection, jwt } from '../../../bindings-node/index.mjs'
import { Client } from '../../../bindings-node/testing.mjs'
import { using } from '../support/client.mjs'
import { listening, post, serving } from '../support/http.mjs'
import { envelope } from '../support/process.mjs'

const SECRET = 'a secret for tests, of 32 bytes.'
const ISSUER = 'https://login.example'
const AUDIENCE = 'https://shop.example/mcp'
const READER = 'key-of-the-reader-0'
const ROOT = 'key-of-root-0123456'

const part = (value) => Buffer.from(value).toString('base64url')

/** A JSON Web Token with HS256. */
function token(claims = {}, secret = SECRET) {
  const exp = Math.floor(Date.now() / 1000) + 600
  const body = { iss: ISSUER, aud: AUDIENCE, sub: 'ann', exp, ...claims }
  const signed = `${part(JSON.stringify({ alg: 'HS256', typ: 'JWT' }))}.${part(JSON.stringify(body))}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

const digest = createHash('sha256').update(ROOT).digest('hex')
const keys = [
  { subject: 'reader', value: READER, scopes: ['read'] },
  { subject: 'root', hash: `sha256:${digest}`, scopes: ['read', 'write'], roles: ['admin'], clientId: 'console' }
]
const tokens = (options) => jwt({ issuer: ISSUER, audience: AUDIENCE, secret: SECRET, ...options })

function shop(options) {
  const app = new Server({ name: 'shop', log: () => {}, auth: [apiKeys({ keys }), tokens()], ...options })
  app.tool('about', { public: true }, () => 'open')
  app.tool('who', {}, (_, { principal }) => ({ ...principal }))
  app.tool('read', { scopes: ['read'] }, () => 'read')
  app.tool('erase', { roles: ['admin', 'owner'] }, () => 'erased')
  app.resource('shop://prices', { name: 'prices', scopes: ['read'] }, () => '1 EUR')
  app.resource('shop://rules', { name: 'rules', public: true }, () => 'none')
  app.resource('shop://orders/{id}', { name: 'order', scopes: ['read'] }, ({ id }) => id)
  app.prompt('audit', { roles: ['admin'] }, () => 'look')
  app.prompt('greet', { public: true }, () => 'hello')
  return app
}

/** One request of 2026-07-28: its status, its challenge and its message. */
async function ask(url, authorization, method, params = {}) {
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method }
  const named = params.name ?? params.uri
  if (named !== undefined) headers['mcp-name'] = named
  Object.assign(headers, typeof authorization === 'string' ? { authorization: `Bearer ${authorization}` } : authorization)
  const answer = await post(url, { id: 1, method, params: { ...params, _meta: envelope() } }, headers)
  return { status: answer.status, challenge: answer.headers.get('www-authenticate'), message: answer.messages[0] }
}

const call = (url, authorization, name) => ask(url, authorization, 'tools/call', { name, arguments: {} })

const LISTS = {
  'tools/list': ['tools', 'name'],
  'resources/list': ['resources', 'uri'],
  'resources/templates/list': ['resourceTemplates', 'uriTemplate'],
  'prompts/list': ['prompts', 'name']
}

async function shown(url, authorization) {
  const names = []
  for (const [method, [member, name]] of Object.entries(LISTS)) {
    const { status, message } = await ask(url, authorization, method)
    assert.equal(status, 200)
    names.push(...message.result[member].map((entry) => entry[name]))
  }
  return new Set(names)
}

const OPEN = ['about', 'shop://rules', 'greet']
const READS = [...OPEN, 'who', 'read', 'shop://prices', 'shop://orders/{id}']
const ALL = [...READS, 'erase', 'audit']
const USES = {
  ...Object.fromEntries(['about', 'who', 'read', 'erase'].map((name) => [name, ['tools/call', { name, arguments: {} }]])),
  ...Object.fromEntries(['audit', 'greet'].map((name) => [name, ['prompts/get', { name }]])),
  'shop://prices': ['resources/read', { uri: 'shop://prices' }],
  'shop://rules': ['resources/read', { uri: 'shop://rules' }],
  'shop://orders/{id}': ['resources/read', { uri: 'shop://orders/1' }]
}

test('lists show what calls allow', () =>
  listening(shop(), { http: '127.0.0.1:0' }, async (url) => {
    for (const [authorization, may] of [
      [undefined, OPEN],
      [READER, READS],
      [ROOT, ALL],
      [token({ scope: 'read' }), READS],
      [token({ scope: 'read', roles: ['owner'] }), [...READS, 'erase']]
    ]) {
      assert.deepEqual(await shown(url, authorization), new Set(may))
      for (const [name, [method, params]] of Object.entries(USES)) {
        const { status, challenge } = await ask(url, authorization, method, params)
        const allowed = may.includes(name)
        assert.equal(status, allowed ? 200 : authorization === undefined ? 401 : 403, name)
        // A role is nothing that a client could ask its authorization server for.
        assert.equal(challenge !== null, status === 401, name)
      }
    }
  }))

test('challenges say what is missing', () =>
  listening(shop({ publicUrl: AUDIENCE }), { http: '127.0.0.1:0' }, async (url) => {
    const anonymous = await call(url, undefined, 'read')
    assert.match(anonymous.challenge, /resource_metadata="https:\/\/shop\.example\/\.well-known\/oauth-protected-resource\/mcp"/)
    assert.match(anonymous.challenge, /scope="read"/)
    const without = await call(url, token(), 'read')
    assert.equal(without.status, 403)
    assert.match(without.challenge, /error="insufficient_scope"/)
    for (const wrong of [token({}, SECRET.toUpperCase()), token({ exp: 1 }), token({ aud: 'https://a.example' }), 'unknown-key-0123']) {
      const refused = await call(url, wrong, 'about')
      assert.equal(refused.status, 401)
      assert.match(refused.challenge, /error="invalid_token"/)
      assert.ok(!JSON.stringify(refused.message).includes(wrong))
    }
  }))

test('a handler learns who called, in a frozen object', async () => {
  let seen
  const app = shop()
  app.tool('look', {}, (_, { principal }) => {
    seen = principal
    assert.throws(() => principal.scopes.push('write'), TypeError)
    assert.throws(() => (principal.subject = 'bob'), TypeError)
  })
  await listening(app, { http: '127.0.0.1:0' }, async (url) => {
    await call(url, token({ scope: 'read write', client_id: 'app', roles: ['owner'], exp: 9e9 }), 'look')
    const { claims, ...rest } = seen
    assert.equal(claims.sub, 'ann')
    assert.ok(Object.isFrozen(claims))
    const expected = { subject: 'ann', issuer: ISSUER, clientId: 'app', scopes: ['read', 'write'], roles: ['owner'] }
    // The clock of the issuer may be a minute late.
    assert.deepEqual(rest, { ...expected, expiresAt: 9e9 + 61 })
    await call(url, ROOT, 'look')
    assert.deepEqual(seen, { subject: 'root', issuer: 'api-keys', clientId: 'console', scopes: ['read', 'write'], roles: ['admin'] })
  })
})

test('a key in a header of its own', () =>
  listening(shop({ auth: [apiKeys({ keys, header: 'X-Api-Key' })] }), { http: '127.0.0.1:0' }, async (url) => {
    assert.equal((await call(url, { 'x-api-key': READER }, 'read')).status, 200)
    assert.equal((await call(url, READER, 'read')).status, 401)
  }))

test('rules of the server and of tags', () => {
  const app = new Server({
    name: 'shop',
    log: () => {},
    auth: [tokens({ leeway: 1000 })],
    scopes: ['use'],
    scopeHierarchy: { all: ['use', 'read'] },
    accessOfTags: { danger: { roles: ['admin'] } }
  })
  app.tool('plain', {}, () => '')
  app.tool('own', { scopes: ['read'] }, () => '')
  app.tool('risky', { tags: ['danger'] }, () => '')
  return listening(app, { http: '127.0.0.1:0' }, async (url) => {
    for (const [scope, roles, may] of [
      ['use', [], ['plain']],
      ['read', [], ['own']],
      ['all', [], ['plain', 'own']],
      ['all', ['admin'], ['plain', 'own', 'risky']]
    ]) {
      const { message } = await ask(url, token({ scope, roles }), 'tools/list')
      assert.deepEqual(message.result.tools.map(({ name }) => name), may)
    }
  })
})

function guarded(options) {
  const app = new Server({ name: 'guarded', log: () => {}, ...options })
  app.tool('login', { public: true, input: { type: 'object' } }, ({ principal }, ctx) => {
    ctx.login(principal)
    return ctx.principal?.subject ?? 'anonymous'
  })
  app.tool('secret', { roles: ['admin'] }, () => '42')
  app.tool('who', {}, (_, { principal }) => `${principal.subject} of ${principal.issuer}`)
  return app
}

test('a tool logs in the client of a channel', async () => {
  await using(guarded(), {}, async (client) => {
    await assert.rejects(client.callTool('secret'), /credentials/)
    const ann = { subject: 'ann', roles: ['admin'] }
    assert.equal((await client.callTool('login', { principal: ann })).text, 'anonymous')
    assert.equal((await client.callTool('secret')).text, '42')
    assert.equal((await client.callTool('who')).text, 'ann of host')
    for (const [wrong, said] of [
      ['', /must not be an empty string/],
      [{ name: 'ann' }, /no member subject/],
      [{ subject: 'ann', client_id: 'a' }, /unknown member "client_id"; the members are .*clientId/],
      [{ subject: 'ann', expiresAt: 1 }, /have expired/],
      [5, /must be a string or an object/]
    ]) {
      await assert.rejects(client.callTool('login', { principal: wrong }), said)
    }
    assert.equal((await client.callTool('secret')).text, '42', 'a failed login changes nothing')
    await client.callTool('login', { principal: 'bob' })
    await assert.rejects(client.callTool('secret'), /roles/)
  })
})

test('a login over HTTP is refused', async () => {
  const app = guarded()
  let thrown
  app.tool('enter', { public: true }, (_, ctx) => {
    try {
      ctx.login('ann')
    } catch (error) {
      thrown = error
    }
  })
  await listening(app, { http: '127.0.0.1:0' }, async (url) => {
    assert.equal((await call(url, undefined, 'enter')).status, 200)
  })
  assert.equal(thrown.code, 'TENON_STATE')
  assert.match(thrown.message, /over HTTP each request needs its own credentials/)
})

test('every place takes a string and an object', async () => {
  for (const [principal, expected] of [
    ['ann', 'ann of host'],
    [{ subject: 'ann', issuer: 'https://a.example', scopes: ['read'] }, 'ann of https://a.example']
  ]) {
    await using(guarded(), { principal }, async (client) => assert.equal((await client.callTool('who')).text, expected))
    for (const find of [() => principal, async () => principal]) {
      const app = guarded()
      await serving(app.handler({ principal: find }), async (url) => {
        assert.equal((await call(url, undefined, 'who')).message.result.content[0].text, expected)
      })
      await app.close()
    }
  }
  await using(guarded(), { principal: 'ann' }, async (client) => assert.deepEqual((await client.callTool('who')).isError, false))
  assert.throws(() => new Client(guarded(), { principal: 5 }), /principal must be a string or an object/)
})

test('verifiers in a settings file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-'))
  try {
    writeFileSync(join(folder, 'key'), `${READER}\n`)
    const file = join(folder, 'app.toml')
    writeFileSync(
      file,
      `[server]
name = "shop"
[[server.auth]]
type = "api_keys"
keys = [{ subject = "reader", file = "${folder}/key", scopes = ["read"] }]
[[server.auth]]
type = "jwt"
issuer = "${ISSUER}"
audience = "${AUDIENCE}"
secret = "${SECRET}"
`
    )
    const app = new Server({ settings: file, log: () => {} })
    assert.ok(!JSON.stringify(app.settings.get('server.auth') ?? null).includes(SECRET))
    app.tool('read', { scopes: ['read'] }, () => 'read')
    await listening(app, { http: '127.0.0.1:0' }, async (url) => {
      for (const good of [READER, token({ scope: 'read' })]) assert.equal((await call(url, good, 'read')).status, 200)
      assert.equal((await call(url, undefined, 'read')).status, 401)
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('wrong options are named', () => {
  const made = (options) => () => new Server({ name: 'shop', log: () => {}, ...options })
  for (const [options, said] of [
    [{ auth: [{ type: 'jwks' }] }, /auth\[0\]\.type must be "api_keys", "jwt" or "introspection", not "jwks"/],
    [{ auth: [jwt({ isuer: ISSUER })] }, /auth\[0\]: there is no option "isuer"; the nearest name is "issuer"/],
    [{ auth: [jwt({ jwks_url: ISSUER })] }, /there is no option "jwks_url"; the nearest name is "jwksUrl"/],
    [{ auth: [tokens({ leeway: 'soon' })] }, /auth\[0\]\.leeway must be a number of milliseconds above 0, not "soon"/],
    [{ auth: [apiKeys({ keys: [{ value: READER }] })] }, /keys\[0\] must have a member subject/],
    [{ anonymous: 'never' }, /anonymous must be "refuse" or "allow", not "never"/],
    [{ publicUrl: 'shop.example' }, /publicUrl must begin with http/],
    [{ accessOfTags: { a: { role: [] } } }, /accessOfTags\.a: there is no rule "role"/]
  ]) {
    assert.throws(made(options), said)
  }
  assert.throws(() => shop().tool('a', { public: true, scopes: ['x'] }, () => ''), /cannot need scopes or roles/)
  assert.throws(() => jwt(5), /jwt: the options must be an object/)
})

test('secrets are not shown', () => {
  const verifiers = [apiKeys({ keys }), tokens(), introspection({ url: `${ISSUER}/i`, audience: 'https://shop.example', clientId: 'shop', clientSecret: SECRET })]
  const text = inspect(verifiers, { depth: 9 })
  for (const secret of [SECRET, READER, digest]) assert.ok(!text.includes(secret), text)
  assert.ok(text.includes(ISSUER) && text.includes('<hidden>'), text)
  for (const auth of [
    [tokens({ secret: [SECRET] })],
    { type: 'jwt', secret: SECRET },
    SECRET,
    [SECRET],
    [{ type: 'api_keys', keys: [SECRET] }],
    [{ type: 'api_keys', keys: [{ subject: 'a', value: [SECRET] }] }]
  ]) {
    assert.throws(() => new Server({ name: 'shop', auth }), (error) => {
      assert.ok(!error.message.includes(SECRET), error.message)
      return error.message.includes('auth')
    })
  }
})
