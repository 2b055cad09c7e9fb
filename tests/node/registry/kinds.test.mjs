// Entries of every kind: what handlers get and return, and what clients get.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Server } from '../../../bindings-node/index.mjs'
import { PACKAGE, envelope, withServer } from '../support/process.mjs'

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

const read = (client, uri) => client.send('resources/read', { uri })
const get = (client, name, args) => client.send('prompts/get', { name, arguments: args })
const modern = (client, method, params = {}) => client.send(method, { ...params, _meta: envelope() })

test('the program hears of handlers that fail of themselves', async () => {
  const source = `
    const { ToolError } = await import(${JSON.stringify(PACKAGE)})
    const seen = []
    app.on('error', (failure) => {
      seen.push(failure)
      throw new Error('told to nobody')
    })
    app.tool('breaks', () => { throw new Error('no disk') })
    app.tool('wrong', { output: { type: 'object', required: ['a'] } }, () => ({}))
    app.tool('meant', () => { throw new ToolError('try again') })
    app.tool('seen', () => seen)
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    for (const name of ['meant', 'breaks', 'wrong']) await client.send('tools/call', { name, arguments: {} })
    let seen
    do seen = JSON.parse(await client.text('seen'))
    while (seen.length < 2)
    assert.deepEqual(seen.map(({ kind, name }) => [kind, name]), [['tool', 'breaks'], ['tool', 'wrong']])
    assert.match(seen[0].message, /no disk/)
    assert.match(seen[1].message, /does not fit its output schema/)
  })
})

test('what a tool shows of itself', async () => {
  const source = `
    app.tool('full', {
      title: 'Full', description: 'd', annotations: { readOnlyHint: true }, icons: [{ src: 'https://a/i.png' }],
      meta: { 'example.com/k': [1] }, output: { type: 'object' }
    }, () => ({}))
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const { result } = await client.send('tools/list')
    assert.deepEqual(result.tools, [{
      name: 'full', title: 'Full', description: 'd',
      inputSchema: { type: 'object', properties: {}, additionalProperties: false }, outputSchema: { type: 'object' },
      annotations: { readOnlyHint: true }, icons: [{ src: 'https://a/i.png' }], _meta: { 'example.com/k': [1] }
    }])
  })
})

test('content of every type, alone, in arrays and in whole results', async () => {
  const source = `
    import { Content, ResourceContents, ToolResult, audio, file, image } from ${JSON.stringify(PACKAGE)}
    const png = Buffer.from('${PNG}', 'base64')
    app.tool('image', () => image(png, 'image/png'))
    app.tool('array', () => ['text', audio(new Uint8Array([1]).buffer, 'audio/wav', { meta: { k: 1 } }), file('file:///a', 'x')])
    app.tool('slice', () => file('file:///b', new Uint8Array([1, 2, 3]).subarray(1, 2), 'a/b', { annotations: { priority: 1 } }))
    app.tool('link', () => Content.link('file:///c', 'c', { title: 'C', size: 3 }))
    app.tool('whole', () => new ToolResult({ content: 'no', structuredContent: { a: 1 }, isError: true, meta: { k: 2 } }))
    app.tool('values', () => new ToolResult({ structuredContent: [1] }))
    app.tool('mixed', () => [Content.text('a'), { type: 'text', text: 'b' }, 5])
    app.tool('shape', () => ({ content: [{ type: 'text', text: 'plain' }] }))
    app.tool('bytes', () => png)
    app.tool('buffers', () => ['text', png, image(png, 'image/png'), new Uint8Array([1]).buffer, new Uint8Array([1, 2]).subarray(1)])
    app.tool('deep', () => [[png]])
    app.tool('structured', { structured: true }, () => png)
    app.prompt('bytes', () => png)
    app.prompt('buffers', () => ['text', png])
    app.resource('r://bytes', () => png)
    app.resource('r://typed', { mimeType: 'image/png' }, () => [png])
    app.resource('r://deep', () => ({ png }))
    app.tool('contents', () => new ResourceContents('x'))
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const result = async (name) => (await client.call(name)).result
    assert.deepEqual(await result('image'), { content: [{ type: 'image', data: PNG, mimeType: 'image/png' }] })
    assert.deepEqual((await result('array')).content, [
      { type: 'text', text: 'text' },
      { type: 'audio', data: 'AQ==', mimeType: 'audio/wav', _meta: { k: 1 } },
      { type: 'resource', resource: { uri: 'file:///a', text: 'x' } }
    ])
    assert.deepEqual((await result('slice')).content, [
      { type: 'resource', resource: { uri: 'file:///b', mimeType: 'a/b', blob: 'Ag==' }, annotations: { priority: 1 } }
    ])
    assert.deepEqual((await result('link')).content, [{ type: 'resource_link', uri: 'file:///c', name: 'c', title: 'C', size: 3 }])
    const whole = { content: [{ type: 'text', text: 'no' }], structuredContent: { a: 1 }, isError: true, _meta: { k: 2 } }
    assert.deepEqual(await result('whole'), whole)
    assert.deepEqual((await modern(client, 'tools/call', { name: 'values' })).result.structuredContent, [1])
    // Shapes alone say nothing; a wrong block is named.
    assert.deepEqual(await result('shape'), { content: [{ type: 'text', text: '{"content":[{"type":"text","text":"plain"}]}' }] })
    assert.match((await result('mixed')).content[0].text, /tool "mixed".*content\[2\]/)
    const embedded = (blob, uri) => ({ type: 'resource', resource: { uri, mimeType: 'application/octet-stream', blob } })
    assert.deepEqual(await result('bytes'), { content: [embedded(PNG, 'tool:///bytes')] })
    assert.deepEqual(await result('structured'), { content: [embedded(PNG, 'tool:///structured')] })
    assert.deepEqual((await result('buffers')).content, [
      { type: 'text', text: 'text' },
      embedded(PNG, 'tool:///buffers'),
      { type: 'image', data: PNG, mimeType: 'image/png' },
      embedded('AQ==', 'tool:///buffers'),
      embedded('Ag==', 'tool:///buffers')
    ])
    assert.match((await result('deep')).content[0].text, /result\[0\]\[0\] is a Buffer/)
    const said = async (name) => (await client.send('prompts/get', { name })).result.messages.map(({ content }) => content)
    assert.deepEqual(await said('bytes'), [embedded(PNG, 'prompt:///bytes')])
    assert.deepEqual(await said('buffers'), [{ type: 'text', text: 'text' }, embedded(PNG, 'prompt:///buffers')])
    const read = async (uri) => client.send('resources/read', { uri })
    assert.deepEqual((await read('r://bytes')).result.contents, [embedded(PNG, 'r://bytes').resource])
    assert.deepEqual((await read('r://typed')).result.contents, [{ uri: 'r://typed', mimeType: 'image/png', blob: PNG }])
    assert.match((await read('r://deep')).error.message, /result\.png is a Buffer/)
    assert.equal((await result('contents')).isError, true)
  })
})

test('content is checked where it is made', async () => {
  const { Content, McpError, PromptMessage, ResourceContents, image } = await import('../../../bindings-node/index.mjs')
  assert.throws(() => image(new Uint8Array(1)), { message: 'image: mimeType must be a string' })
  assert.throws(() => image({}, 'image/png'), { message: 'image: data must be bytes or their base64 text' })
  assert.throws(() => Content.text(5), TypeError)
  assert.throws(() => Content.resource({ uri: 'a:b', text: '' }), /must be ResourceContents/)
  assert.throws(() => Content.resource(new ResourceContents('x')), /must have a uri/)
  assert.throws(() => new PromptMessage(5, 'x'), /role must be a string/)
  for (const code of [1.5, '1', 2 ** 31, undefined]) assert.throws(() => new McpError(code, 'x'), /32-bit integer/)
})

test('resources and templates', async () => {
  const source = `
    import { NotFound, ResourceContents } from ${JSON.stringify(PACKAGE)}
    app.resource('a:text', { name: 'n', title: 'T', size: 4, mimeType: 'text/x', meta: { k: 1 } }, (args, ctx) =>
      [Object.keys(args), ctx.kind, ctx.name, ctx.uri].join())
    app.resource('a:json', () => ({ v: 1 }))
    app.resource('a:bytes', async () => new Uint8Array([255]))
    app.resource('a:parts', () => ['one', new ResourceContents('two', { uri: 'a:two', mimeType: 'b/c', meta: { k: 1 } })].map((c) =>
      typeof c === 'string' ? new ResourceContents(c) : c))
    app.resource('a:nothing', () => {})
    app.resource('a:gone', () => { throw new NotFound() })
    app.resource('a:told', () => { throw new NotFound('that one') })
    app.resource('a:broken', () => { throw new Error('boom') })
    app.resource('t://{id}/{+rest}{?q}', { mimeType: 'text/y' }, (args, ctx) => JSON.stringify([args, ctx.name, ctx.uri]))
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const contents = async (uri) => (await read(client, uri)).result.contents
    assert.deepEqual(await contents('a:text'), [{ uri: 'a:text', mimeType: 'text/x', text: ',resource,a:text,a:text' }])
    assert.deepEqual(await contents('a:json'), [{ uri: 'a:json', mimeType: 'application/json', text: '{"v":1}' }])
    assert.deepEqual(await contents('a:bytes'), [{ uri: 'a:bytes', mimeType: 'application/octet-stream', blob: '/w==' }])
    assert.deepEqual(await contents('a:parts'), [{ uri: 'a:parts', text: 'one' }, { uri: 'a:two', mimeType: 'b/c', text: 'two', _meta: { k: 1 } }])
    const uri = 't://a%20b/c/d?q=e'
    const [{ text, mimeType }] = await contents(uri)
    assert.equal(mimeType, 'text/y')
    assert.deepEqual(JSON.parse(text), [{ id: 'a b', rest: 'c/d', q: 'e' }, 't://{id}/{+rest}{?q}', uri])
    const error = async (uri) => (await read(client, uri)).error
    assert.match((await error('a:nothing')).message, /resource "a:nothing" returned nothing/)
    assert.deepEqual(await error('a:gone'), { code: -32002, message: 'Resource not found: a:gone', data: { uri: 'a:gone' } })
    assert.deepEqual(await error('a:told'), { code: -32002, message: 'Resource not found: that one', data: { uri: 'a:told' } })
    assert.equal((await modern(client, 'resources/read', { uri: 'a:gone' })).error.code, -32602)
    assert.deepEqual(await error('a:broken'), { code: -32603, message: 'boom' })
    const { resources } = (await client.send('resources/list')).result
    assert.deepEqual(resources[0], { uri: 'a:text', name: 'n', title: 'T', mimeType: 'text/x', size: 4, _meta: { k: 1 } })
    const { resourceTemplates } = (await client.send('resources/templates/list')).result
    assert.deepEqual(resourceTemplates.map(({ uriTemplate }) => uriTemplate), ['t://{id}/{+rest}{?q}'])
  })
})

test('no variable leads out of a folder, unless unsafePaths says so', async () => {
  const source = `
    const read = (args) => JSON.stringify(args)
    app.resource('t://any/{+path}{?d}', read)
    app.resource('t://every/{+path}{?d}', { unsafePaths: true }, read)
    app.resourceProvider('t://rows/{+path}', { list: () => [], read })
    app.resourceProvider('t://free/{+path}', { unsafePaths: true, list: () => [], read })
    let refused
    try { app.resource('t://one', { unsafePaths: true }, () => '') } catch (error) { refused = error.message }
    app.resource('t://refused', () => refused)
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const text = async (uri) => (await read(client, uri)).result?.contents[0].text
    assert.equal(await text('t://any/a/b?d=c/d'), '{"path":"a/b","d":"c/d"}')
    for (const uri of ['t://any//etc/x', 't://any/C:/x', 't://any/c%3Ax', 't://any/x?d=..', 't://any/x?d=a%2F.%2e']) {
      assert.deepEqual((await read(client, uri)).error, { code: -32002, message: `Resource not found: ${uri}`, data: { uri } })
      assert.ok(await text(uri.replace('any', 'every')), uri)
    }
    assert.equal((await read(client, 't://rows//x')).error.code, -32002)
    assert.equal(await text('t://free//x'), '{"path":"/x"}')
    assert.match(await text('t://refused'), /unsafePaths/)
  })
})

test('a provider lists and reads, also in pages, and is in no list of templates', async () => {
  const source = `
    import { NotFound } from ${JSON.stringify(PACKAGE)}
    const rows = { 1: 'one', 2: 'two', 3: 'three' }
    app.resourceProvider('row://{id}', {
      mimeType: 'text/plain',
      list: ({ cursor = '1' }, ctx) => ({
        resources: [{ uri: 'row://' + cursor, name: ctx.kind }],
        nextCursor: cursor === '3' ? undefined : String(Number(cursor) + 1)
      }),
      read: async ({ id }) => rows[id] ?? (() => { throw new NotFound() })()
    })
    app.tool('remove', () => [app.remove('resource_provider', 'row://{id}'), app.remove('resource_provider', 'row://{id}')])
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const uris = []
    let cursor
    do {
      const { result } = await client.send('resources/list', { cursor })
      uris.push(...result.resources.map(({ uri, name }) => `${uri} ${name}`))
      cursor = result.nextCursor
    } while (cursor !== undefined)
    assert.deepEqual(uris, ['row://1 resource_provider', 'row://2 resource_provider', 'row://3 resource_provider'])
    assert.deepEqual((await read(client, 'row://2')).result.contents, [{ uri: 'row://2', mimeType: 'text/plain', text: 'two' }])
    assert.equal((await read(client, 'row://4')).error.code, -32002)
    assert.deepEqual((await client.send('resources/templates/list')).result.resourceTemplates, [])
    assert.equal(await client.text('remove'), '[true,false]')
    assert.equal((await read(client, 'row://2')).error !== undefined, true)
  })
})

test('prompts: arguments in every form, and messages of every kind', async () => {
  const source = `
    import { Content, PromptMessage, image } from ${JSON.stringify(PACKAGE)}
    const echo = (args) => JSON.stringify(args)
    app.prompt('plain', () => 'text')
    app.prompt('names', { args: ['a', 'b'] }, echo)
    app.prompt('about', { title: 'T', args: { a: { title: 'A', description: 'd', required: true }, type: {} } }, echo)
    app.prompt('schema', { args: { type: 'object', properties: { a: { type: 'string', description: 'd' }, b: { enum: ['x'] } }, required: ['b'] } }, echo)
    const standard = { input: ({ target }) => ({ type: 'object', properties: { [target]: { type: 'string' } } }) }
    app.prompt('standard', { args: { '~standard': { version: 1, vendor: 'x', validate() {}, jsonSchema: standard } } }, echo)
    app.prompt('messages', () => ['one', Content.text('two'), PromptMessage.assistant('three'), PromptMessage.user(image('AA==', 'image/x'))])
    app.prompt('nothing', () => {})
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const { prompts } = (await client.send('prompts/list')).result
    assert.deepEqual(prompts.slice(0, 5), [
      { name: 'plain' },
      { name: 'names', arguments: [{ name: 'a' }, { name: 'b' }] },
      { name: 'about', title: 'T', arguments: [{ name: 'a', title: 'A', description: 'd', required: true }, { name: 'type' }] },
      { name: 'schema', arguments: [{ name: 'a', description: 'd', required: false }, { name: 'b', required: true }] },
      { name: 'standard', arguments: [{ name: 'draft-2020-12', required: false }] }
    ])
    const messages = async (name, args) => (await get(client, name, args)).result.messages
    const user = (text) => ({ role: 'user', content: { type: 'text', text } })
    assert.deepEqual(await messages('plain'), [user('text')])
    assert.deepEqual(await messages('about', { a: 'x' }), [user('{"a":"x"}')])
    assert.match((await get(client, 'about', {})).error.message, /"a"/)
    assert.deepEqual(await messages('messages'), [
      user('one'), user('two'), { role: 'assistant', content: { type: 'text', text: 'three' } },
      { role: 'user', content: { type: 'image', data: 'AA==', mimeType: 'image/x' } }
    ])
    assert.match((await get(client, 'nothing')).error.message, /prompt "nothing": must return messages/)
  })
})

test('completion of arguments and variables, with what is known already', async () => {
  const source = `
    app.prompt('p', { args: ['a', 'b'] }, () => '')
    app.resource('t://{x}', () => '')
    app.completion({ prompt: 'p', argument: 'a' }, (value, args, ctx) => [value + '!', args.b ?? 'none', ctx.kind])
    app.completion({ template: 't://{x}', argument: 'x', timeout: 5000 }, async () => Array.from({ length: 120 }, (_, i) => String(i)))
    app.completion({ prompt: 'p', argument: 'b' }, () => ({ values: ['v'], hasMore: true }))
    app.tool('remove', () => app.remove('completion', { prompt: 'p', argument: 'a' }))
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const complete = async (ref, name, known) => {
      const context = known && { arguments: known }
      return (await client.send('completion/complete', { ref, argument: { name, value: 'x' }, context })).result.completion
    }
    const prompt = { type: 'ref/prompt', name: 'p' }
    assert.deepEqual((await complete(prompt, 'a')).values, ['x!', 'none', 'completion'])
    assert.deepEqual((await complete(prompt, 'a', { b: 'known' })).values, ['x!', 'known', 'completion'])
    const { values, ...rest } = await complete({ type: 'ref/resource', uri: 't://{x}' }, 'x')
    assert.deepEqual([values.length, rest], [100, { total: 120, hasMore: true }])
    assert.deepEqual(await complete(prompt, 'b'), { values: ['v'], hasMore: true })
    assert.equal(await client.text('remove'), 'true')
    assert.deepEqual((await complete(prompt, 'a')).values, [])
  })
})

test('a completion of what does not exist is refused', async () => {
  const refused = async (fill, wanted) => {
    const app = new Server({ name: 't' })
    fill(app)
    await assert.rejects(app.listen({ http: 0 }), wanted)
  }
  const of = (app, options) => app.completion(options, () => [])
  await refused((app) => of(app, { prompt: 'gret', argument: 'style' }), /completion: there is no prompt "gret"; none is registered/)
  const greet = (app) => app.prompt('greet', { args: ['style', 'name'] }, () => '')
  await refused((app) => of(greet(app), { prompt: 'gret', argument: 'style' }), /there is no prompt "gret"; the nearest name is "greet"/)
  await refused((app) => of(greet(app), { prompt: 'greet', argument: 'stile' }), /prompt "greet" has no argument "stile"; the nearest name is "style"/)
  await refused(
    (app) => of(app.resource('t://{id}', () => ''), { template: 't://{id}', argument: 'ids' }),
    /resource template "t:\/\/\{id\}" has no variable "ids"; the nearest name is "id"/
  )
  // Also while the server runs.
  const source = `
    const failed = (register) => { try { register(); return 'registered' } catch (error) { return error.message } }
    app.tool('late', () => [
      failed(() => app.completion({ prompt: 'other', argument: 'a' }, () => [])),
      failed(() => app.prompt('others', { args: ['a'] }, () => '').completion({ prompt: 'other', argument: 'a' }, () => [])),
      failed(() => app.completion({ prompt: 'others', argument: 'a' }, () => []))
    ])
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const [none, near, good] = JSON.parse(await client.text('late'))
    assert.match(none, /there is no prompt "other"; none is registered/)
    assert.match(near, /the nearest name is "others"/)
    assert.equal(good, 'registered')
  })
})

test('an update before the start does nothing', async () => {
  const source = `
    app.resource('a:b', () => 'x')
    app.resourceUpdated('a:b')
    app.tool('update', () => { app.resourceUpdated('a:b') })
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    assert.deepEqual((await client.send('resources/subscribe', { uri: 'a:b' })).result, {})
    await client.text('update')
    const updated = () => client.notes.filter(({ method }) => method === 'notifications/resources/updated')
    await client.until(() => updated().length)
    assert.equal(updated().length, 1)
  })
})

test('methods, replaced methods, notifications and hooks', async () => {
  const source = `
    const seen = []
    const input = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
    app.method('example/double', { input }, ({ n }, ctx) => ({ n: 2 * n, kind: ctx.kind, name: ctx.name }))
    app.method('example/nothing', () => {})
    app.method('example/wrong', () => 5)
    app.notification('notifications/example', (params, ctx) => { seen.push([params, ctx.requestId ?? 'no id']) })
    app.replace('prompts/list', () => ({ prompts: [{ name: 'mine' }] }))
    app.on('session_start', () => { seen.push('started') })
    app.on('roots_changed', () => { seen.push('roots') })
    app.tool('seen', () => seen)
    app.tool('tell', () => app.notify('notifications/mine', { a: [1] }))
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize({ roots: { listChanged: true } })
    assert.deepEqual((await client.send('example/double', { n: 2 })).result, { n: 4, kind: 'method', name: 'example/double' })
    assert.equal((await client.send('example/double', { n: 'x' })).error.code, -32602)
    assert.deepEqual((await client.send('example/nothing')).result, {})
    assert.match((await client.send('example/wrong')).error.message, /must return an object/)
    client.notify('notifications/example', { a: 1 })
    client.notify('notifications/roots/list_changed')
    let seen
    do seen = JSON.parse(await client.text('seen'))
    while (seen.length < 3)
    assert.deepEqual(seen.sort(), [[{ a: 1 }, 'no id'], 'roots', 'started'])
    assert.deepEqual((await client.send('prompts/list')).result.prompts, [{ name: 'mine' }])
    assert.equal(await client.text('tell'), '1')
    const { params } = await client.until(() => client.notes.find(({ method }) => method === 'notifications/mine'))
    assert.deepEqual(params, { a: [1] })
  })
})

test('a second initialize is another session', async () => {
  const source = `
    const seen = []
    for (const hook of ['session_start', 'session_end']) app.on(hook, (_, ctx) => { seen.push([hook, ctx.protocolVersion]) })
    app.tool('wait', (_, ctx) => new Promise((resolve) => {
      seen.push('waits')
      ctx.signal.addEventListener('abort', () => { seen.push('aborted'); resolve('too late') })
    }))
    app.tool('seen', () => seen)
    await app.listen()`
  await withServer(source, async (client) => {
    const [old, version] = ['2025-06-18', '2025-11-25']
    const until = async (what) => {
      let seen
      do seen = JSON.parse(await client.text('seen'))
      while (!what.every((one) => seen.some((found) => JSON.stringify(found) === JSON.stringify(one))))
      return seen
    }
    await client.initialize({}, old)
    let answered = false
    client.call('wait').then(() => { answered = true }, () => {})
    await until(['waits', ['session_start', old]])
    assert.equal((await client.initialize({}, version)).protocolVersion, version)
    const seen = await until(['aborted', ['session_end', old], ['session_start', version]])
    const hooks = seen.filter(Array.isArray)
    assert.deepEqual(hooks, [['session_start', old], ['session_end', old], ['session_start', version]])
    assert.equal(answered, false)
  })
})

test('entries are shown, hidden and removed while the server runs, and clients are told', async () => {
  const source = `
    app.prompt('p', () => 'x')
    app.prompt('other', () => 'x')
    app.resource('a:b', () => 'x')
    app.tool('all', () => [app.entries('prompt').get('p').enabled, [...app.tools.keys()], app.tools.get('all').definition.name,
      typeof app.tools.get('all').handler])
    app.tool('hide', () => [app.disable('prompt', 'p'), app.disable('prompt', 'q')])
    app.tool('show', () => [app.enable('prompt', 'p'), app.enable('tool', 'p')])
    app.tool('drop', () => [app.remove('resource', 'a:b'), app.remove('resource', 'a:b')])
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    assert.equal(await client.text('all'), '[true,["all","hide","show","drop"],"all","function"]')
    const prompts = async () => (await client.send('prompts/list')).result.prompts.length
    assert.equal(await client.text('hide'), '[true,false]')
    assert.equal(await prompts(), 1)
    assert.match((await get(client, 'p')).error.message, /p/)
    assert.equal(await client.text('show'), '[true,false]')
    assert.equal(await prompts(), 2)
    assert.equal(await client.text('drop'), '[true,false]')
    const told = (what) => client.notes.some(({ method }) => method === `notifications/${what}/list_changed`)
    await client.until(() => told('resources') && told('prompts'))
    assert.equal(told('tools'), false)
  })
})

test('a wrong entry of any kind is refused with the reason', async () => {
  const { ResourceContents, Server, ToolResult } = await import('../../../bindings-node/index.mjs')
  const app = new Server({ name: 'x' })
  const handler = () => ''
  for (const [register, message] of [
    [() => app.resource('no address', handler), /resource.*uri must be an absolute URI/],
    [() => app.resource('a:{', handler), /template/],
    [() => app.resource(5, handler), /^TypeError: resource: name must be a string/],
    [() => app.resource('a:b', { size: -1 }, handler), /resource "a:b": size/],
    [() => app.resource('a:b', { cacheHints: { ttl: 1 } }, handler), /resource "a:b": cacheHints: there is no option "ttl"; the options are ttlMs, cacheScope/],
    [() => app.resource('a:b', { cacheHints: 5 }, handler), /resource "a:b": cacheHints must be an object/],
    [() => app.resourceProvider('a:{b}', { list: handler }), /handler must be a function/],
    [() => app.resourceProvider('a:{b}', { read: handler }), /list must be a function/],
    [() => app.prompt('p', { args: { a: { require: true } } }, handler), /prompt "p": arguments\[0\]: unknown member "require"/],
    [() => app.prompt('p', { args: { a: 5 } }, handler), /args\.a must be an object/],
    [() => app.prompt('p', { args: { type: 'object', properties: { n: { type: 'integer' } } } }, handler), /n must be a string/],
    [() => app.prompt('p', { args: ['a', 'a'] }, handler), /argument "a" is given twice/],
    [() => app.prompt('p', { input: {} }, handler), /unknown member "input"/],
    [() => app.completion({ prompt: 'p', template: 't', argument: 'a' }, handler), /set either prompt or template/],
    [() => app.completion({ prompt: 'p' }, handler), /argument must be a string/],
    [() => app.completion({ prompt: 'p', argument: 'a', odd: 1 }, handler), /odd/],
    [() => app.completion({ prompt: 'p', argument: 'a' }), /handler must be a function/],
    [() => app.method('bad name', handler), /method name "bad name"/],
    [() => app.replace('ping', handler), /method "ping": the engine answers this method itself/],
    [() => app.replace('tool/list', handler), /method "tool\/list": the protocol has no such request/],
    [() => app.on('stopped', handler), /hook.*must be one of/],
    [() => app.tool('t', { inputSchema: {} }, handler), /use the option input instead of inputSchema/],
    [() => app.tool('t', { unknownArguments: 'no' }, handler), /tool "t": unknownArguments must be "schema", "refuse" or "drop", not "no"/],
    [() => app.tool('t', { annotations: { readonly: true } }, handler), /tool "t": annotations: unknown member "readonly"/],
    [() => app.tool('t', { icons: [{ src: Symbol() }] }, handler), /icons\[0\]\.src is a value of type symbol/],
    [() => app.remove('tools', 'x'), /there is no kind "tools"; the kinds are tool, resource/],
    [() => app.remove('tool', { prompt: 'x' }), /"tool": name must be a string/],
    [() => app.notify('x', 5), /params must be an object/],
    [() => app.notify('x', { a: NaN }), /^TypeError: notify: params\.a is the number NaN$/],
    [() => app.tool('t', { meta: { a: { toJSON() { throw 5 } } } }, handler), /: meta\.a is a value that cannot be read: 5$/],
    [() => app.tool('t\ud800', handler), /tool name "t\ufffd" must be/],
    [() => app.mount(new Server({ name: 'x' }), 7), /mount: prefix must be a string/],
    [() => app.unmount(new Server({ name: 'x' }), 7), /unmount: prefix must be a string/],
    [() => new ToolResult('text'), /ToolResult: the argument must be an object/],
    [() => new ToolResult({ _meta: {} }), /ToolResult: there is no option "_meta"/],
    [() => new ResourceContents('text', { mime: 'a/b' }), /ResourceContents: there is no option "mime"/],
    [() => app.notify('notifications/progress'), /a notification of the protocol/],
    [() => app.listChanged('completion'), /clients cannot list the kind "completion"/],
    [() => app.resourceUpdated(5), /uri must be a string/],
    [() => app.mapError('Error', 1), /must be a class/],
    [() => app.mapError(Error, 'x'), /a 32-bit integer, or a function/],
    [() => app.mapError(Error, 2 ** 31), /a 32-bit integer, or a function/],
    [() => app.mapError(Error), /a 32-bit integer, or a function/]
  ]) {
    const told = () => {
      try {
        return `nothing: ${register()}`
      } catch (error) {
        return String(error)
      }
    }
    assert.match(told(), message, String(register))
  }
  // Nothing of a provider that was refused is left.
  app.resourceProvider('a:{b}', { list: handler, read: handler })
  assert.deepEqual(['resource', 'prompt', 'completion', 'method', 'tool'].map((kind) => app.entries(kind).size), [0, 0, 0, 0, 0])
})
