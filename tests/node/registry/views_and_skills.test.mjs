// Views and skills, which the engine serves without handlers.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Server } from '../../../bindings-node/index.mjs'
import { Client } from '../../../bindings-node/testing.mjs'
import { envelope, withServer } from '../support/process.mjs'

const HTML = '<!doctype html><title>Clock</title>'
const modern = (client, method, params = {}) => client.send(method, { ...params, _meta: envelope() })

/** A folder of the test's own, with these files. */
function folder(t, files) {
  const path = mkdtempSync(join(tmpdir(), 'tenon-node-'))
  t.after(() => rmSync(path, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(path, name, '..'), { recursive: true })
    writeFileSync(join(path, name), text)
  }
  return path
}

const manifest = (name) => `---\nname: ${name}\ndescription: For ${name}.\n---\n`

test('a view says how it is shown', async () => {
  const source = `
    app.ui('ui://a', ${JSON.stringify(HTML)}, {
      name: 'n', title: 'T', description: 'D', csp: { connectDomains: ['https://*.example.com'] }, permissions: { camera: {} },
      domain: 'a.example.com', prefersBorder: false, cacheHints: { ttlMs: 9000, cacheScope: 'private' }
    })
    app.ui('ui://hidden', ${JSON.stringify(HTML)}, { listed: false })
    app.ui('ui://gone', ${JSON.stringify(HTML)})
    if (!app.remove('resource', 'ui://gone') || app.remove('resource', 'ui://gone')) throw new Error('removed')
    await app.listen()`
  const ui = {
    csp: { connectDomains: ['https://*.example.com'] },
    permissions: { camera: {} },
    domain: 'a.example.com',
    prefersBorder: false
  }
  await withServer(source, async (client) => {
    const { result } = await modern(client, 'resources/read', { uri: 'ui://a' })
    const mimeType = 'text/html;profile=mcp-app'
    assert.deepEqual(result.contents, [{ uri: 'ui://a', mimeType, text: HTML, _meta: { ui } }])
    assert.deepEqual([result.ttlMs, result.cacheScope], [9000, 'private'])
    const listed = await modern(client, 'resources/list')
    assert.deepEqual(listed.result.resources, [
      { uri: 'ui://a', name: 'n', title: 'T', description: 'D', mimeType, _meta: { ui } }
    ])
    assert.equal((await modern(client, 'resources/read', { uri: 'ui://hidden' })).result.contents[0].text, HTML)
  })
})

test('a view of a folder', async (t) => {
  const path = folder(t, { 'index.html': '<script src=app.js></script>', 'app.js': 'go()' })
  const source = `
    app.ui('ui://a', { folder: ${JSON.stringify(path)} })
    await app.listen()`
  await withServer(source, async (client) => {
    const { result } = await modern(client, 'resources/read', { uri: 'ui://a' })
    assert.equal(result.contents[0].text, '<script>go()</script>')
  })
  const app = new Server({ name: 't' })
  assert.throws(() => app.ui('ui://a', { folder: join(path, 'none') }), /there is no file "index.html"/)
})

test('a tool names its view', async () => {
  const app = new Server({ name: 't' })
  app.tool('shows', { ui: 'ui://a' }, () => '')
  await assert.rejects(app.listen({ http: 0 }), /tool "shows" names the view "ui:\/\/a"/)
  assert.throws(() => app.tool('x', { ui: { visibility: ['user'] } }, () => ''), /one of model, app/)
})

test('what is wrong with a view', () => {
  const app = new Server({ name: 't' })
  for (const [args, wanted] of [
    [['http://a', HTML], /starts with ui:\/\//],
    [[7, HTML], /uri must be a string/],
    [['ui://a', 7], /html must be a string, or \{ folder: path \}/],
    [['ui://a', ''], /is empty/],
    [['ui://a', HTML, 7], /options must be an object/],
    [['ui://a', HTML, { listed: 'no' }], /listed must be a boolean/],
    [['ui://a', HTML, { csp: { connectDomains: ['a b'] } }], /ui.csp.connectDomains/],
    [['ui://a', HTML, { permissions: { all: {} } }], /unknown member "all"/]
  ]) {
    assert.throws(() => app.ui(...args), wanted)
  }
})

test('skills', async (t) => {
  const path = folder(t, { 'group/a/SKILL.md': manifest('a') })
  const source = `
    app.skills(${JSON.stringify(path)})
    await app.listen()`
  await withServer(source, async (client) => {
    const skills = async () => (await modern(client, 'skills/list')).result.skills
    assert.deepEqual((await skills()).map(({ uri }) => uri), ['skill://group/a/SKILL.md'])
    writeFileSync(join(path, 'group/a/x.txt'), 'x')
    assert.deepEqual((await skills())[0].resources.map(({ size }) => size), [manifest('a').length, 1])
    const { result } = await modern(client, 'resources/read', { uri: 'skill://group/a/x.txt' })
    assert.deepEqual(result.contents, [{ uri: 'skill://group/a/x.txt', mimeType: 'text/plain', text: 'x' }])
    const children = await modern(client, 'resources/directory/read', { uri: 'skill://group' })
    assert.deepEqual(children.result.resources, [{ uri: 'skill://group/a', name: 'a', mimeType: 'inode/directory' }])
  })
})

for (const prefix of [undefined, 'sub']) {
  test(`skills stay with their server where that is mounted ${prefix === undefined ? 'without' : 'with'} a prefix`, async (t) => {
    const [app, part, more] = ['app', 'part', 'more'].map((name) => new Server({ name }))
    const skill = (name) => folder(t, { [`${name}/SKILL.md`]: manifest(name) })
    part.skills(skill('of-part'))
    app.mount(part, prefix).skills(skill('of-app'))
    more.skills(skill('of-more')).mount(part, prefix)
    for (const [server, name] of [[app, 'of-app'], [part, 'of-part'], [more, 'of-more']]) {
      const client = new Client(server)
      assert.deepEqual((await client.listResources()).map(({ uri }) => uri), [`skill://${name}/SKILL.md`])
      await client.close()
    }
  })
}

test('what is wrong with skills', (t) => {
  const path = folder(t, { 'a/SKILL.md': manifest('b') })
  const app = new Server({ name: 't' })
  assert.throws(() => app.skills(path), /its name is "b", but its folder is called "a"/)
  assert.throws(() => app.skills(7), /folder must be a string/)
})
