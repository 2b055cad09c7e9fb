// Options of a server, and what they change in answers.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { modern as talk, post } from '../support/http.mjs'
import { envelope, withServer } from '../support/process.mjs'
import { Server } from '../../../bindings-node/index.mjs'
import { Client } from '../../../bindings-node/testing.mjs'

const modern = (client, method, params = {}, capabilities) =>
  client.send(method, { ...params, _meta: envelope(capabilities) })

test('what a server says of itself', async () => {
  const server = `{ name: 'test', version: '2', title: 'T', description: 'd', websiteUrl: 'https://a/b',
    icons: [{ src: 'https://a/i.png', theme: 'dark' }], capabilities: ['prompts'], extensions: { 'example.com/x': { on: true } } }`
  const source = `
    app.tool('extension', (_, ctx) => [ctx.extension('example.com/y') ?? 'none'])
    await app.listen()`
  await withServer(source, async (client) => {
    const { serverInfo, capabilities } = await client.initialize()
    const icons = [{ src: 'https://a/i.png', theme: 'dark' }]
    assert.deepEqual(serverInfo, { name: 'test', title: 'T', version: '2', description: 'd', websiteUrl: 'https://a/b', icons })
    assert.deepEqual(Object.keys(capabilities).filter((word) => word !== 'logging'), ['tools', 'prompts'])
    assert.deepEqual((await client.send('prompts/list')).result, { prompts: [] })
    const discovered = (await modern(client, 'server/discover')).result
    assert.deepEqual(discovered.capabilities.extensions, { 'example.com/x': { on: true } })
    const declared = { extensions: { 'example.com/y': { deep: 1 } } }
    const { result } = await modern(client, 'tools/call', { name: 'extension' }, declared)
    assert.equal(result.content[0].text, '[{"deep":1}]')
  }, { server })
})

test('only the revisions that were named are spoken', async () => {
  await withServer('await app.listen()', async (client) => {
    const answer = await client.send('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } })
    assert.equal(answer.result.protocolVersion, '2025-06-18')
    const { error } = await modern(client, 'tools/list')
    assert.equal(error.code, -32022)
  }, { server: '{ name: "test", revisions: ["2025-06-18"] }' })
})

test('caching hints of all answers, of one kind and of one resource', async () => {
  const source = `
    app.resource('a:b', { cacheHints: { ttlMs: 3, cacheScope: 'private' } }, () => '')
    app.resource('a:c', () => '')
    app.tool('t', () => '')
    await app.listen()`
  await withServer(source, async (client) => {
    const hints = async (method, params) => {
      const { ttlMs, cacheScope } = (await modern(client, method, params)).result
      return [ttlMs, cacheScope]
    }
    assert.deepEqual(await hints('tools/list'), [1, 'public'])
    assert.deepEqual(await hints('resources/list'), [2, 'private'])
    assert.deepEqual(await hints('resources/read', { uri: 'a:b' }), [3, 'private'])
    assert.deepEqual(await hints('resources/read', { uri: 'a:c' }), [1, 'public'])
  }, { server: '{ name: "test", cacheHints: { ttlMs: 1, resources: { ttlMs: 2, cacheScope: "private" } } }' })
})

test('arguments that are unknown, or texts of what they should be', async () => {
  const source = `
    const input = { type: 'object', properties: { n: { type: 'integer' }, d: { type: 'string', format: 'date' } } }
    const echo = (args) => JSON.stringify(args)
    app.tool('schema', { input }, echo)
    app.tool('drop', { input, unknownArguments: 'drop' }, echo)
    app.tool('refuse', { input, unknownArguments: 'refuse' }, echo)
    app.tool('strict', { input, coerceArguments: false }, echo)
    await app.listen()`
  const run = async (server, use) => withServer(source, async (client) => {
    await client.initialize()
    await use((name, args) => client.text(name, args))
  }, { server })
  await run('{ name: "test" }', async (text) => {
    assert.equal(await text('schema', { n: '5', x: 1 }), '{"n":5,"x":1}')
    assert.equal(await text('drop', { n: 5, x: 1 }), '{"n":5}')
    assert.match(await text('refuse', { n: 5, x: 1 }), /x/)
    assert.match(await text('strict', { n: '5' }), /\/n/)
    assert.match(await text('schema', { d: 'today' }), /\/d/)
  })
  await run('{ name: "test", coerceArguments: false, assertFormats: false }', async (text) => {
    assert.match(await text('schema', { n: '5' }), /\/n/)
    assert.equal(await text('schema', { d: 'today' }), '{"d":"today"}')
  })
})

test('a handler reads the headers and the trace of its request', async () => {
  const app = new Server({ name: 'test' })
  app.tool('about', (_, ctx) => [ctx.headers['x-mine'], ctx.principal?.subject ?? 'nobody', ctx.trace?.traceparent ?? 'none'])
  const { url } = await app.listen({ http: 0 })
  try {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const headers = { 'x-mine': 'yes', 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'about' }
    const params = { name: 'about', _meta: { ...envelope(), traceparent } }
    const { messages } = await post(url, { id: 1, method: 'tools/call', params }, headers)
    assert.equal(messages[0].result.content[0].text, JSON.stringify(['yes', 'nobody', traceparent]))
  } finally {
    await app.close()
  }
})

test('wrong settings are refused by name', () => {
  for (const [options, message] of [
    [{ title: 5 }, /server: title must be a string/],
    [{ websiteUrl: 'nowhere' }, /server: websiteUrl must be an absolute URI/],
    [{ icons: [{}] }, /icons\[0\]\.src is missing/],
    [{ icons: [{ src: Symbol() }] }, /icons\[0\]\.src is a value of type symbol/],
    [{ revisions: ['2025'] }, /revisions: there is no revision "2025"; the revisions are 2026-07-28/],
    [{ revisions: [] }, /at least one revision/],
    [{ revisions: '2025-11-25' }, /revisions must be an array of strings/],
    [{ capabilities: ['tool'] }, /capabilities: there is no capability "tool"/],
    [{ extensions: { 'example.com/x': 5 } }, /settings must be an object/],
    [{ extensions: { x: {} } }, /must have a prefix/],
    [{ extensions: [] }, /extensions must be an object/],
    [{ cacheHints: { ttl: 5 } }, /ttl/],
    [{ cacheHints: { ttlMs: -1 } }, /ttlMs must be a whole number/],
    [{ cacheHints: { tools: { cacheScope: 'all' } } }, /cacheScope must be/],
    [{ maskErrors: 'yes' }, /maskErrors must be a boolean/]
  ]) {
    assert.throws(() => new Server({ name: 'x', ...options }), message, JSON.stringify(options, (_, v) => String(v)))
  }
})

test('what is null is not set, and collections and Infinity are options', async () => {
  const app = new Server({ name: 'x', title: null, extensions: { 'a.example/x': null }, cacheHints: { tools: null } })
  app.tool('endless', { timeout: Infinity, maxConcurrency: Infinity, tags: new Set(['admin']) }, () => '')
  const client = new Client(app)
  assert.deepEqual((await client.listTools()).map(({ name }) => name), ['endless'])
  app.disable({ tags: ['admin'] })
  assert.deepEqual(await client.listTools(), [])
  await client.close()
  await app.close()
  assert.throws(() => app.tool('t', { timeout: NaN }, () => ''), /tool "t": timeout must not be NaN/)
  assert.throws(() => app.tool('t', { description: Infinity }, () => ''), /tool "t": description must be a string/)
})

test('the level of the log', async () => {
  const said = async (options) => {
    const records = []
    const app = new Server({ name: 'test', log: (record) => records.push(record.level), ...options })
    app.tool('blocks', () => ({ content: [{ type: 'text', text: 'x' }] }))
    app.tool('fails', () => { throw new Error('boom') })
    const client = new Client(app)
    await client.callTool('blocks')
    await client.callTool('fails').catch(() => {})
    await client.close()
    await app.close()
    return records
  }
  assert.deepEqual(await said({}), ['warn', 'error'])
  assert.deepEqual(await said({ logLevel: 'error' }), ['error'])
  assert.throws(() => new Server({ name: 'test', logLevel: 'loud' }), /logLevel must be one of debug, info, warn, error/)
})

test('the end of standard input leaves others where the server is told so', async () => {
  const source = `
    app.tool('yes', () => 'yes')
    const { url } = await app.listen({ stdio: true, http: 0 })
    console.error(url)
    app.closed.then(() => console.error('closed'))`
  await withServer(source, async (client) => {
    await client.until(() => client.stderr.includes('/mcp'))
    const url = client.stderr.trim()
    const ended = once(client.child.stdout, 'end')
    client.child.stdin.end()
    await ended
    const { result } = await talk(url, 'tools/call', { name: 'yes', arguments: {} })
    assert.equal(result.content[0].text, 'yes')
    assert.doesNotMatch(client.stderr, /closed/)
    client.child.kill()
  }, { server: '{ name: "test", endWithStdin: false }' })
})
