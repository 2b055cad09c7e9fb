// Settings from files, variables and code, and servers that are made from them.

import assert from 'node:assert/strict'
import { accessSync, chmodSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Server, Settings } from '../../../bindings-node/index.mjs'
import { Client } from '../../../bindings-node/testing.mjs'
import { post, modern } from '../support/http.mjs'
import { program, Client as Process } from '../support/process.mjs'

/** Runs `use` with a function that writes a file into a folder of its own, and returns its path. */
async function inFolder(use) {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-settings-'))
  try {
    return await use((name, text) => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** What a server says of itself when a session opens. */
async function serverInfo(url) {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } }
  return (await post(url, { id: 1, method: 'initialize', params })).messages[0].result.serverInfo
}

/** Runs `use` with the URLs of a server while it listens. */
async function listening(app, options, use) {
  const urls = await app.listen(options)
  try {
    return await use(urls)
  } finally {
    await app.close()
  }
}

test('a later source counts more, and every value knows its source', () =>
  inFolder((file) => {
    const settings = new Settings({
      file: file('app.toml', '[server]\nname = "file"\n[limits]\nmax_calls = 1\nmax_peer_calls = 2\ncall_timeout = 0.5\n[shop]\nrates = [1, 2]\n'),
      dotenv: file('.env', 'APP_LIMITS__MAX_CALLS=10\nAPP_SHOP__PASSWORD=hunter2\n'),
      prefix: 'APP',
      sections: { shop: { type: 'object', properties: { rates: { type: 'array' }, password: { type: 'string', writeOnly: true } } } },
      values: { 'limits.max_peer_calls': 20, 'limits.max_sessions': undefined }
    })
    assert.equal(settings.get('server.name'), 'file')
    assert.match(settings.source('server.name'), /app\.toml, line 2$/)
    assert.equal(settings.get('limits.max_calls'), 10)
    assert.match(settings.source('limits.max_calls'), /^the variable APP_LIMITS__MAX_CALLS \(.*\.env, line 1\)$/)
    assert.equal(settings.get('limits.max_peer_calls'), 20)
    assert.equal(settings.source('limits.max_peer_calls'), 'code')
    assert.equal(settings.get('limits.call_timeout'), 0.5, 'seconds, as the file has them')
    assert.equal(settings.get('server.title'), undefined)
    assert.equal(settings.source('server.title'), undefined)
    assert.deepEqual(settings.get('shop'), { rates: [1, 2], password: true })
    assert.equal(settings.get('shop.password'), true)
    assert.equal(settings.schema().properties.shop.properties.rates.type, 'array')
  }))

test('errors have a code, and name the file and the line', () =>
  inFolder((file) => {
    const load = (text, options) => () => new Settings({ file: file('app.toml', text), prefix: '', ...options })
    assert.throws(load('[limits]\nmax_call = 1\n'), {
      code: 'TENON_INVALID',
      message: /app\.toml, line 2: limits: there is no setting "max_call"; the nearest name is "max_calls"/
    })
    assert.throws(() => new Settings({ file: file('app.toml', '') + 'none.toml' }), { code: 'TENON_NOT_FOUND', message: /there is no such file$/ })
    assert.throws(load('', { fil: 'a' }), { code: 'TENON_INVALID', message: /there is no option "fil"; the nearest name is "file"/ })
    assert.throws(load('', { values: { 'limits.max_calls': 0 } }), { message: 'code: limits.max_calls must be an integer from 1, not 0' })
    assert.throws(load('', { sections: { shop: 5 } }), { name: 'TypeError', message: 'Settings options: sections: shop must be a JSON Schema object' })
    const settings = load('')()
    assert.throws(() => settings.get('limits.max_call'), { code: 'TENON_NOT_FOUND', message: /the nearest name is "limits.max_calls"/ })
    assert.throws(() => settings.get(5), { message: 'Settings.get: key must be a string, not a value of type number' })
    assert.throws(() => settings.set('limits.max_calls', undefined), { name: 'TypeError', message: /Settings\.set: limits\.max_calls/ })
    assert.throws(() => new Settings({ prefix: '' }).save(), { code: 'TENON_STATE' })
    assert.throws(() => new Server({ settings: 5 }), { name: 'TypeError', message: /settings must be Settings, or the path of a settings file/ })
    assert.throws(() => new Server({ settings }), { code: 'TENON_INVALID', message: /^server\.name is not set/ })
    assert.throws(() => new Server({ settings, name: 5 }), { name: 'TypeError', message: 'Server options: name must be a string' })
  }))

test('values are set and saved, and a wrong file changes nothing', () =>
  inFolder((file) => {
    const path = file('app.toml', '# The server.\n[limits]\nmax_calls = 1 # few\n')
    const settings = new Settings({ file: path, prefix: '' })
    assert.equal(settings.set('limits.max_calls', 9).set('server.name', 'demo'), settings)
    assert.throws(() => settings.set('limits.max_calls', 'x'), { message: 'code: limits.max_calls must be an integer from 1, not "x"' })
    settings.save()
    assert.equal(readFileSync(path, 'utf8'), '# The server.\n[limits]\nmax_calls = 9 # few\n\n[server]\nname = "demo"\n')
    settings.set('limits.max_calls', null)
    file('app.toml', '[limits]\nmax_calls = "x"\n')
    assert.throws(() => settings.reload(), { message: /app\.toml, line 2: limits\.max_calls/ })
    assert.equal(settings.get('limits.max_calls'), 1, 'as the file was read last')
    file('app.toml', '[limits]\nmax_calls = 3\n')
    settings.reload()
    assert.equal(settings.get('limits.max_calls'), 3)
    const written = join(path, '../default.toml')
    Settings.writeDefault(written)
    assert.equal(new Settings({ file: written, prefix: '' }).get('server.name'), 'server')
    assert.throws(() => Settings.writeDefault(written), { code: 'TENON_IO' })
  }))

test('a server has the settings of a file, unless code sets others', () =>
  inFolder(async (file) => {
    const path = file(
      'app.toml',
      '[server]\nname = "shop"\nversion = "2"\ntitle = "The file"\ninstructions = "Of the file"\n' +
        '[limits]\nmax_result_bytes = 1000\nmax_depth = 4\n[serve.http]\nport = 0\npath = "/file"\n'
    )
    const large = (app) => app.tool('large', () => 'x'.repeat(2000)).tool('deep', () => [[[[[[1]]]]]])
    const plain = large(new Server({ settings: path, log: null }))
    assert.equal(plain.settings.get('server.name'), 'shop')
    await listening(plain, undefined, async ({ url }) => {
      assert.match(url, /\/file$/, 'the transports of the file')
      assert.equal((await modern(url, 'server/discover')).result.instructions, 'Of the file')
      assert.deepEqual(await serverInfo(url), { name: 'shop', title: 'The file', version: '2' })
      const { result } = await modern(url, 'tools/call', { name: 'large', arguments: {} })
      assert.match(result.content[0].text, /more than 1000 bytes/, 'the limit of the file')
    })
    const settings = new Settings({ file: path, prefix: '' })
    const own = large(new Server({ settings, log: null, name: 'code', title: 'The code', limits: { maxResultBytes: 5000 } }))
    assert.equal(own.settings, settings)
    await listening(own, { http: 0 }, async ({ url }) => {
      assert.match(url, /\/mcp$/, 'the transports of code')
      assert.deepEqual(await serverInfo(url), { name: 'code', title: 'The code', version: '2' })
    })
    const client = new Client(own)
    try {
      assert.equal((await client.callTool('large')).text.length, 2000, 'the limit of code')
      await assert.rejects(client.callTool('deep'), /deeper than 4 levels/, 'the other limit stays that of the file')
    } finally {
      await client.close()
    }
    assert.equal(new Server({ name: 'a' }).settings, undefined)
  }))

test('without transports in the settings, standard input and output are served', () =>
  inFolder(async (file) => {
    const path = file('app.toml', '[server]\nname = "shop"\n')
    const child = new Process(program('await app.listen({ signals: true })', JSON.stringify({ settings: path })))
    assert.deepEqual((await child.initialize()).serverInfo, { name: 'shop', version: '0.0.0' })
    child.child.stdin.end()
    assert.deepEqual(await child.exited, { code: 0, signal: null })
  }))

test('the log level of the settings counts, unless code sets another', () =>
  inFolder(async (file) => {
    const settings = file('app.toml', '[server]\nname = "shop"\nlog_level = "error"\nmask_errors = false\n')
    const levels = async (options) => {
      const seen = new Set()
      const app = new Server({ settings, log: ({ level }) => seen.add(level), ...options })
      // The engine warns of a server that other machines may reach without masked errors.
      await listening(app, { http: { port: 0, allowedHosts: ['shop.example'] } }, () => {})
      return seen
    }
    assert.equal((await levels({})).size, 0)
    assert.deepEqual(await levels({ logLevel: 'warn' }), new Set(['warn']))
  }))

test('a reload changes a server that runs, or nothing', () =>
  inFolder(async (file) => {
    const text = '[server]\nname = "shop"\n[limits]\ncall_timeout = 10\n'
    const path = file('app.toml', text)
    const app = new Server({ settings: path, log: null, limits: { maxCalls: 5 } })
    app.tool('a', () => 'a').tool('b', { tags: ['admin'] }, () => 'b').tool('fail', () => 'no')
    const client = new Client(app)
    const shown = async () => (await client.listTools()).map(({ name }) => name)
    try {
      assert.deepEqual(await shown(), ['a', 'b', 'fail'])
      file('app.toml', `${text}max_calls = 9\n[server.disabled]\ntools = ["f*l"]\ntags = ["admin"]\n`)
      app.settings.reload()
      assert.deepEqual(await shown(), ['a'])
      file('app.toml', `${text.replace('shop', 'market')}[server.disabled]\ntools = ["*"]\n`)
      assert.throws(() => app.settings.reload(), {
        code: 'TENON_STATE',
        message: /app\.toml, line 2: server\.name: it differs from what the server was built with, and cannot change/
      })
      assert.deepEqual(await shown(), ['a'], 'nothing has changed')
      assert.deepEqual(app.settings.get('server.disabled'), { tools: ['f*l'], tags: ['admin'] })
      file('app.toml', text)
      app.settings.reload()
      assert.deepEqual(await shown(), ['a', 'b', 'fail'])
    } finally {
      await client.close()
    }
  }))

test('keys may be in a file, and no error has one', () =>
  inFolder((file) => {
    const keys = file('keys', `${'0f'.repeat(32)}\nDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8=\n`)
    const path = file('app.toml', `[server]\nname = "shop"\nstate_keys_file = ${JSON.stringify(keys)}\n`)
    assert.equal(new Server({ settings: path }).settings.get('server.state_keys'), true)
    file('keys', '0f'.repeat(31))
    assert.throws(
      () => new Settings({ file: path, prefix: '' }),
      ({ message }) => /server\.state_keys\[0\] must have 32 bytes/.test(message) && !message.includes('0f0f')
    )
  }))

test('files that cannot be read say why', () =>
  inFolder((file) => {
    const large = file('large.toml', '')
    truncateSync(large, 100_000_000)
    mkdirSync(join(large, '../folder.toml'))
    const unreadable = file('unreadable.toml', '')
    chmodSync(unreadable, 0)
    const cases = [
      ['none.toml', 'TENON_NOT_FOUND', /none\.toml: there is no such file/],
      ['folder.toml', 'TENON_INVALID', /folder\.toml: it is not a regular file/],
      ['large.toml', 'TENON_INVALID', /large\.toml: it is larger than 1048576 bytes/]
    ]
    try {
      // The superuser can read every file.
      accessSync(unreadable, constants.R_OK)
    } catch {
      cases.push(['unreadable.toml', 'TENON_IO', /unreadable\.toml: it cannot be read/])
    }
    for (const [name, code, message] of cases) {
      assert.throws(() => new Settings({ file: join(large, '..', name), prefix: '' }), { code, message })
    }
  }))

test('SIGHUP reloads the settings of a server that has signals', () =>
  inFolder(async (file) => {
    const text = '[server]\nname = "shop"\nlog_level = "info"\n'
    // The record of success reaches the log only because the level changes too.
    const path = file('app.toml', text.replace('info', 'error'))
    const body = "app.tool('a', () => 'a')\nawait app.listen({ signals: true })"
    const child = new Process(program(body, JSON.stringify({ settings: path })))
    await child.initialize()
    // Its handler runs after the start, which has taken over the signal.
    assert.equal(await child.text('a'), 'a')
    file('app.toml', `${text}[server.disabled]\ntools = ["*"]\n`)
    child.child.kill('SIGHUP')
    await child.until(() => child.stderr.includes('SIGHUP: the settings were reloaded'))
    assert.deepEqual((await child.send('tools/list')).result.tools, [])
    file('app.toml', '[server]\nname = 5\n')
    child.child.kill('SIGHUP')
    await child.until(() => /SIGHUP: the settings were not reloaded.*app\.toml, line 2/.test(child.stderr))
    assert.deepEqual((await child.send('tools/list')).result.tools, [])
    child.child.stdin.end()
    assert.deepEqual(await child.exited, { code: 0, signal: null })
  }))

test('a listener of the program gets SIGHUP, and without a file it ends the process', () =>
  inFolder(async (file) => {
    const path = file('app.toml', '[server]\nname = "shop"\n')
    const own = "app.tool('a', () => 'a')\nprocess.on('SIGHUP', () => console.error('own'))\nawait app.listen({ signals: true })"
    const child = new Process(program(own, JSON.stringify({ settings: path })))
    await child.initialize()
    assert.equal(await child.text('a'), 'a')
    child.child.kill('SIGHUP')
    await child.until(() => child.stderr.includes('own'))
    child.child.stdin.end()
    assert.deepEqual(await child.exited, { code: 0, signal: null })
    const plain = new Process(program('await app.listen({ signals: true })'))
    await plain.initialize()
    plain.child.kill('SIGHUP')
    assert.deepEqual(await plain.exited, { code: null, signal: 'SIGHUP' })
  }))
