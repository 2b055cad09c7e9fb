// What handlers return or throw, and what the client gets.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PACKAGE, withServer } from '../support/process.mjs'

const text = (text) => ({ content: [{ type: 'text', text }] })
const failed = (text) => ({ content: [{ type: 'text', text }], isError: true })

test('results', async () => {
  const cases = {
    'string': ['"text"', text('text')],
    'empty string': ['""', text('')],
    'lines and odd characters': [String.raw`"a\nb\u2028\ud800\udfff\udfff \\ud800 é😀"`, text('a\nb\u2028\ud800\udfff\ufffd \\ud800 é😀')],
    'number': ['1.5', text('1.5')],
    'zero': ['-0', text('0')],
    'boolean': ['false', text('false')],
    'null': ['null', text('null')],
    'undefined': ['undefined', text('')],
    'object': ['({ a: [1, "x\\ny"] })', text('{"a":[1,"x\\ny"]}')],
    'array': ['[1, null]', text('[1,null]')],
    'undefined members': ['({ a: undefined, b: [{ c: undefined }] })', text('{"b":[{}]}')],
    'members without prototype': ['Object.assign(Object.create(null), { a: 1 })', text('{"a":1}')],
    'an instance': ['new (class { a = 1; b() {} })()', text('{"a":1}')],
    'a date inside': ['({ at: [new Date(0)] })', text('{"at":["1970-01-01T00:00:00.000Z"]}')],
    'a bigint': ['-(2n ** 53n - 1n)', text('-9007199254740991')],
    'a closer look': [
      'Object.assign(Object.create(null), { z: 1n, 10: "\\ud800", ["__proto__"]: { x: [new Date(0), new Boolean(true), new String("s"), new Number(2), Object(3n)] }, "a\\nb": undefined, e: [[], {}, null, -0, 1e21] })',
      text('{"10":"\ufffd","z":1,"__proto__":{"x":["1970-01-01T00:00:00.000Z",true,"s",2,3]},"e":[[],{},null,0,1e+21]}')
    ],
    'bigints inside': ['({ a: [1n, 2.5, 0n] })', text('{"a":[1,2.5,0]}')],
    'a bigint that says how': ['({ a: Object.assign(Object(1n), { toJSON: () => "1" }) })', text('{"a":"1"}')],
    'date': ['new Date(0)', text('1970-01-01T00:00:00.000Z')],
    'toJSON': ['({ toJSON: () => ({ b: 2 }) })', text('{"b":2}')],
    'promise': ['Promise.resolve(7)', text('7')],
    'late promise': ['new Promise((r) => setTimeout(r, 5, "late"))', text('late')],
    'thenable': ['({ then: (r) => r("thenable") })', text('thenable')],
    'nested promise': ['(async () => (async () => 3)())()', text('3')],
    'thenable that answers twice': ['({ then: (r, e) => { r("once"); r("twice"); e(new Error()) } })', text('once')]
  }
  const rubbish = {
    'bigint': ['2n ** 53n', /tool "rubbish_0" returned a value that JSON cannot hold: a bigint beyond 2\^53$/],
    'nested bigint': ['({ a: -(2n ** 64n) })', /tool "rubbish_1" .* result\.a is a bigint beyond 2\^53/],
    'circular': ['{ const a = {}; a.a = a; return a }', /tool "rubbish_2" .* cannot hold: result\.a is a cycle back to result$/],
    'function': ['() => () => 1', /tool "rubbish_3" returned a value that JSON cannot hold: a value of type function/],
    'symbol': ['Symbol("x")', /tool "rubbish_4" .* type symbol/],
    'NaN': ['NaN', /tool "rubbish_5" .* the number NaN/],
    'Infinity': ['Promise.resolve(-Infinity)', /tool "rubbish_6" .* the number -Infinity/],
    'toJSON that throws': ['({ toJSON() { throw new Error("no json") } })', /tool "rubbish_7" .* cannot hold: a value that cannot be read: no json$/],
    'toJSON that throws nothing': ['({ toJSON() { throw undefined } })', /tool "rubbish_8" .* a value that cannot be read: it cannot be serialised$/],
    'toJSON that returns nothing': ['({ toJSON() {} })', /tool "rubbish_9" .* type object/],
    'revoked proxy': ['{ const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy }', /revoked/]
  }
  const source = [
    ...Object.values(cases).map(([code], i) => `app.tool('case_${i}', () => (${code}))`),
    ...Object.values(rubbish).map(([code], i) => {
      const body = code.startsWith('{') ? code : code.startsWith('() =>') ? `{ return ${code.slice(6)} }` : `(${code})`
      return `app.tool('rubbish_${i}', () => ${body})`
    })
  ]
  await withServer(`${source.join('\n')}\nawait app.listen()`, async (client) => {
    await client.initialize()
    for (const [i, [name, [, expected]]] of Object.entries(cases).entries()) {
      const { result } = await client.call(`case_${i}`)
      assert.deepEqual(result, expected, name)
    }
    for (const [i, [name, [, message]]] of Object.entries(rubbish).entries()) {
      const { result } = await client.call(`rubbish_${i}`)
      assert.equal(result.isError, true, name)
      assert.match(result.content[0].text, message, name)
    }
  })
})

test('what JSON cannot express is refused wherever it is in a result', async () => {
  const cases = [
    ['({ a: [0, 1, 2, { b: NaN }] })', 'result.a[3].b is the number NaN'],
    ['[[-Infinity]]', 'result[0][0] is the number -Infinity'],
    ['({ "odd key": { f() {} } })', 'result["odd key"].f is a value of type function'],
    ['({ s: Symbol("s") })', 'result.s is a value of type symbol'],
    ['[1, undefined]', 'result[1] is undefined'],
    ['[1, , 3]', 'result[1] is undefined'],
    ['({ a: { b: 10n ** 40n } })', 'result.a.b is a bigint beyond 2^53'],
    ['({ n: new Number(NaN) })', 'result.n is the number NaN'],
    ['({ at: new Date(NaN) })', 'result.at is an invalid date'],
    ['({ later: Promise.resolve(1) })', 'result.later is a Promise'],
    ['new Map([[1, 2]])', 'a Map'],
    ['({ all: new Set([1]) })', 'result.all is a Set'],
    ['({ why: new Error("x") })', 'result.why is an Error'],
    ['[new (class Odd extends Error { code = 1 })()]', 'result[0] is an Error'],
    ['({ why: new DOMException("x") })', 'result.why is an Error'],
    ['({ why: Object.assign(new Error("x"), { toJSON: () => "x" }) })', undefined],
    ['({ bytes: new ArrayBuffer(3) })', 'result.bytes is an ArrayBuffer'],
    ['({ bytes: new DataView(new ArrayBuffer(3)) })', 'result.bytes is a DataView'],
    ['({ bytes: Buffer.from("x") })', 'result.bytes is a Buffer'],
    ['[{ bytes: [Buffer.from("x")] }]', 'result[0].bytes[0] is a Buffer'],
    ['({ bytes: Object.assign(Buffer.from("x"), { toJSON() { return this.toString("hex") } }) })', undefined],
    ['({ bytes: new Uint8Array(3) })', 'result.bytes is a Uint8Array'],
    ['({ a: [1, new Float64Array(3)] })', 'result.a[1] is a Float64Array'],
    ['new Int16Array(3)', 'an Int16Array'],
    ['({ a: new Blob(["x"]) })', 'result.a is a Blob'],
    ['({ a: new Response("x") })', 'result.a is a Response'],
    ['new Response("x")', 'a Response'],
    ['({ a: new Headers({ x: "y" }), b: 1 })', 'result.a is a Headers'],
    ['({ a: new URLSearchParams("a=1") })', 'result.a is a URLSearchParams'],
    ['({ a: Object.assign(new URLSearchParams("a=1"), { toJSON() { return String(this) } }), b: new URL("https://a/") })', undefined],
    ['({ a: new (class { b = 1; get [Symbol.toStringTag]() { return "C" } })() })', undefined],
    ['({ a: Object(Symbol("s")) })', 'result.a is a value of type symbol'],
    ['({ ref: new WeakRef({}) })', 'result.ref is a WeakRef'],
    ['({ all: (function* () { yield 1 })() })', 'result.all is a generator'],
    ['({ all: (async function* () { yield 1 })() })', 'result.all is a generator'],
    ['({ all: new Map().keys() })', 'result.all is an iterator'],
    // What toJSON gives is looked at, too.
    ['({ a: { toJSON: () => ({ x: [{}, NaN] }) }, z: 1 })', 'result.a.x[1] is the number NaN'],
    ['({ a: [{}, { toJSON: () => () => 1 }] })', 'result.a[1] is a value of type function'],
    ['({ "k": { ["l".repeat(300)]: NaN } })', `result.k.${'l'.repeat(191)}… is the number NaN`],
    ['{ const a = { b: [] }; a.b.push(a); return a }', 'result.b[0] is a cycle back to result'],
    ['{ const cyc = { x: {} }; cyc.x.y = cyc.x; return { p: { q: [0, cyc] } } }', 'result.p.q[1].x.y is a cycle back to result.p.q[1].x'],
    ['{ const a = { b: 1n }; a.c = { toJSON: () => a }; return [a] }', 'result[0].c is a cycle back to result[0]'],
    ['{ const a = { n: 1n }; return { x: a, y: [a, a] } }', undefined],
    ['({ a: [{ get b() { throw new Error("no b") } }] })', 'result.a[0].b is a value that cannot be read: no b'],
    ['Object.defineProperty([1, 2], 1, { get() { throw new Error("no item") } })', 'a value of type object: no item'],
    ['({ a: [1, { toJSON() { throw new Error("no json") } }] })', 'result.a[1] is a value that cannot be read: no json'],
    ['{ const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return { a: { b: proxy } } }', /^result\.a\.b is a value that cannot be read: .*revoked/],
    ['{ let a = []; for (let i = 1; i < 128; i++) a = [a]; return a }', undefined],
    ['{ let a = []; for (let i = 1; i < 129; i++) a = [a]; return a }', `result${'[0]'.repeat(64)}[0… is a value nested deeper than 128 levels`],
    ['{ let a = {}; for (let i = 1; i < 129; i++) a = { a }; return { toJSON: () => a } }', `result${'.a'.repeat(97)}… is a value nested deeper than 128 levels`]
  ]
  const source = cases.map(([code], i) => `app.tool('t${i}', { structured: ${i % 2 === 0} }, async () => ${code.startsWith('{') ? code : `(${code})`})`)
  await withServer(`${source.join('\n')}\nawait app.listen()`, async (client) => {
    await client.initialize()
    for (const [i, [code, what]] of cases.entries()) {
      const { result } = await client.call(`t${i}`)
      if (what === undefined) assert.equal(result.isError, undefined, code)
      else {
        const [head, said] = result.content[0].text.split(/(?<=^tool "t\d+" returned a value that JSON cannot hold: )/)
        assert.deepEqual([head, result.isError], [`tool "t${i}" returned a value that JSON cannot hold: `, true], code)
        if (what instanceof RegExp) assert.match(said, what, code)
        else assert.equal(said, what, code)
      }
    }
  })
})

test('what is sure to be too long is refused by its length, before it is written', async () => {
  const cases = {
    sparse: 'new Array(1e8)',
    widest: 'new Array(2 ** 32 - 1)',
    nested: '({ rows: [[new Array(1e8)]] })',
    made: '({ toJSON: () => ({ rows: new Array(1e8) }) })',
    // A closer look, for the bigint.
    looked: '[1n, new Array(1e8)]',
    contents: 'new ToolResult({ structuredContent: new Array(1e8), content: [] })',
    blocks: 'new ToolResult({ content: new Array(1e8) })',
    claimed: 'new Proxy([], { get: (items, key) => key === "length" ? 2 ** 40 : items[key] })',
    // No longer than a string may be, and then longer as JSON.
    text: '"x".repeat(5e8)',
    texts: '[1n, "x".repeat(5e8)]',
    names: '({ ["x".repeat(5e8)]: 1 })',
    bytes: 'new Uint8Array(1e8)',
    // The same part over and over: 2^60 values in 60 objects.
    shared: '{ let a = []; for (let i = 0; i < 60; i++) a = [a, a]; return a }'
  }
  const source = Object.entries(cases).map(([name, code]) => {
    return `app.tool('${name}', async () => ${code.startsWith('{') ? code : `(${code})`})`
  })
  const begin = `import { ToolResult } from ${JSON.stringify(PACKAGE)}\n`
  await withServer(`${begin}${source.join('\n')}\nawait app.listen()`, async (client) => {
    await client.initialize()
    const start = performance.now()
    for (const name of Object.keys(cases)) {
      const { result } = await client.call(name)
      const why = `tool "${name}" returned a value of more than 16777216 bytes, the limit maxResultBytes`
      assert.deepEqual([result.content[0].text, result.isError], [why, true])
    }
    // To look at each item of one of them takes longer than this.
    assert.ok(performance.now() - start < 10_000, `it took ${performance.now() - start} ms`)
    assert.equal((await client.send('ping')).result !== undefined, true)
  })
})

test('nothing looks at an item of what is too long: no validator, and no result that is made of it', async () => {
  const source = `
    const look = (what) => console.error('looked at', what)
    const long = () => new Proxy([], {
      get: (items, key) => (key === 'length' ? 2 ** 40 : /^\\d+$/.test(String(key)) ? look(key) : items[key]),
      has: (_, key) => look(key)
    })
    const output = { '~standard': { version: 1, vendor: 'own', validate: (value) => (look('all of it'), { value }) } }
    const options = { output, outputSchema: { type: 'array' } }
    app.tool('short', options, () => [1])
    app.tool('array', options, () => long())
    app.tool('later', options, async () => long())
    app.tool('structured', options, () => new ToolResult({ structuredContent: long() }))
    app.tool('blocks', () => new ToolResult({ content: long() }))
    app.prompt('message', () => PromptMessage.user(long()))
    await app.listen()`
  const begin = `import { PromptMessage, ToolResult } from ${JSON.stringify(PACKAGE)}\n`
  await withServer(begin + source, async (client) => {
    await client.initialize()
    assert.equal(await client.text('short'), '[1]')
    await client.until(() => client.stderr.includes('looked at all of it'))
    const before = client.stderr
    for (const name of ['array', 'later', 'structured', 'blocks']) {
      const { result } = await client.call(name)
      const why = `tool "${name}" returned a value of more than 16777216 bytes, the limit maxResultBytes`
      assert.deepEqual([result.content[0].text, result.isError], [why, true])
    }
    const { error } = await client.send('prompts/get', { name: 'message' })
    assert.match(error.message, /prompt "message" returned a value of more than 16777216 bytes/)
    assert.equal(client.stderr.slice(before.length).includes('looked'), false, client.stderr)
  })
})

test('what JSON leaves out does not count', async () => {
  const long = 2e7
  const source = `
    app.tool('inherited', () => Object.create({ big: 'x'.repeat(${long}) }, { a: { value: 1, enumerable: true } }))
    app.tool('instance', () => new (class { a = 1; static { this.prototype.big = 'x'.repeat(${long}) } })())
    app.tool('unread', () => Object.create({ get big() { throw new Error('read') } }, { a: { value: 1, enumerable: true } }))
    // A member of this name is a number like any other.
    app.tool('file', () => ({ byteLength: ${long} }))
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    for (const name of ['inherited', 'instance', 'unread']) assert.deepEqual((await client.call(name)).result, text('{"a":1}'))
    assert.equal(await client.text('file'), `{"byteLength":${long}}`)
  })
})

test('what just fits is not refused by its length', async () => {
  const source = `
    app.tool('zeros', () => new Array(49).fill(0))
    app.tool('empties', () => new Array(32).fill([]))
    app.tool('objects', () => new Array(32).fill({}))
    app.tool('members', () => Object.fromEntries([...'abcdefghijklmnop'].map((name) => [name, 1])))
    app.tool('texts', () => ['a'.repeat(40), 'b'.repeat(40)])
    app.tool('text', () => 'x'.repeat(98))
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    for (const name of ['zeros', 'empties', 'objects', 'members', 'texts', 'text']) {
      const { result } = await client.call(name)
      assert.equal(result.isError, undefined, JSON.stringify(result))
    }
  }, { server: '{ name: "test", limits: { maxResultBytes: 100 } }' })
})

test('the depth and the size of results are the limits that were set', async () => {
  const source = `
    app.tool('deep', () => [[[1]]])
    app.tool('deeper', () => [[[[1]]]])
    app.tool('large', () => 'x'.repeat(400))
    app.tool('many', () => new Array(400).fill(0))
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    assert.equal(await client.text('deep'), '[[[1]]]')
    assert.match(await client.text('deeper'), /tool "deeper" .* nested deeper than 3 levels/)
    assert.match(await client.text('large'), /tool "large" returned a value of more than 200 bytes, the limit maxResultBytes$/)
    assert.match(await client.text('many'), /tool "many" .* of more than 200 bytes, the limit maxResultBytes$/)
  }, { server: '{ name: "test", limits: { maxDepth: 3, maxResultBytes: 200 } }' })
})

test('errors', async () => {
  const cases = [
    // No code of the protocol: exceptions like any other.
    ['throw Object.assign(new McpError(1, "odd"), { code: "ENOENT" })', 'odd'],
    ['throw new (class extends McpError { code = NaN })(1, "none")', 'none'],
    ['throw new Error("boom")', 'boom'],
    ['throw new TypeError("")', 'TypeError'],
    ['throw "a string"', 'a string'],
    ['throw { message: "like an error" }', 'like an error'],
    ['throw 42', '42'],
    ['throw null', 'null'],
    ['throw undefined', 'the handler failed'],
    ['throw Symbol("s")', 'Symbol(s)'],
    ['throw Object.create(null)', 'the handler failed with a value that has no text'],
    ['throw { get message() { throw 1 } }', 'the handler failed with a value that has no text'],
    ['throw Object.assign(new Error(), { message: 1n })', '1'],
    ['return Promise.reject(new Error("rejected"))', 'rejected'],
    ['return Promise.reject()', 'the handler failed'],
    ['return { get then() { throw new Error("no then") } }', 'no then'],
    ['return Promise.any([Promise.reject(new Error("one")), Promise.reject("two")])', 'one; two'],
    ['throw (() => { const a = new AggregateError([1]); a.errors.push(a); return a })()', '1; AggregateError'],
    ['throw runInNewContext("new AggregateError([new Error(1), 2])")', '1; 2'],
    ['return (function deeper() { return deeper() + 1 })()', 'Maximum call stack size exceeded']
  ]
  const head = `import { runInNewContext } from 'node:vm'\nimport { McpError } from ${JSON.stringify(PACKAGE)}`
  const source = cases.map(([code], i) => `app.tool('t${i}', () => { ${code} })`)
  await withServer(`${[head, ...source].join('\n')}\nawait app.listen()`, async (client) => {
    await client.initialize()
    for (const [i, [code, message]] of cases.entries()) {
      assert.deepEqual((await client.call(`t${i}`)).result, failed(message), code)
    }
    // None of them has harmed the process.
    assert.deepEqual((await client.send('ping')).result, {})
  })
})

test('structured results', async () => {
  const source = `
    const output = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
    app.tool('free', { structured: true }, () => ({ any: [1] }))
    app.tool('fits', { output }, () => ({ n: 1 }))
    app.tool('misses', { output }, async () => ({ n: 'x' }))
    app.tool('nothing', { structured: true }, () => {})
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    assert.deepEqual((await client.call('free')).result, { ...text('{"any":[1]}'), structuredContent: { any: [1] } })
    assert.deepEqual((await client.call('fits')).result, { ...text('{"n":1}'), structuredContent: { n: 1 } })
    const { result } = await client.call('misses')
    assert.equal(result.isError, true)
    assert.match(result.content[0].text, /"misses" returned a result that does not fit its output schema: \/n/)
    assert.deepEqual((await client.call('nothing')).result, text('null'))
  })
})

test('arguments arrive as sent, whatever their size and company', async () => {
  const source = `
    const input = { type: 'object', properties: { text: { type: 'string' } } }
    app.tool('length', { input }, ({ text }) => text?.length ?? 'none')
    app.tool('echo', { input }, (args) => args)
    app.tool('count', (...all) => [all.length, all[0]])
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const odd = { text: 'ü \u2028 \\ " \n', ['__proto__']: 1, extra: [{}, null, 1e21] }
    const long = 'é'.repeat(100_000)
    const answers = await Promise.all([
      client.call('length', { text: 'x' }),
      client.call('length', { text: long }),
      client.call('length'),
      client.call('length', { text: 'y'.repeat(70_000) }),
      client.call('echo', odd),
      client.call('count')
    ])
    const texts = answers.map(({ result }) => result.content[0].text)
    assert.deepEqual(texts.slice(0, 4), ['1', '100000', 'none', '70000'])
    assert.deepEqual(JSON.parse(texts[4]), odd)
    assert.equal(texts[5], '[2,{}]')
    assert.deepEqual((await client.call('echo', { text: long })).result, text(JSON.stringify({ text: long })))
  })
})
