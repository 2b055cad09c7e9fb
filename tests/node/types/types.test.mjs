// Declarations, examples and the fixture under `tsc --strict`.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as tenon from '../../../bindings-node/index.mjs'
import * as testing from '../../../bindings-node/testing.mjs'
import contexts from '../../../bindings-node/js/calls/context.js'

const { Context } = contexts

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

/** What the compiler says of a project, which must be in order. */
function compile(project, ...options) {
  const { resolve } = createRequire(here('../../../bindings-node/package.json'))
  const tsc = here('../../../bindings-node/node_modules/typescript/bin/tsc')
  assert.ok(resolve('typescript/package.json'), 'npm ci in bindings-node installs the compiler')
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', project, ...options], { encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
  return stdout
}

test('usage type-checks, and misuse does not', () => {
  compile(here('.'))
})

test('schemas infer to what they say', () => {
  // Without the declarations of the libraries, which take longer than all else.
  compile(here('./libraries.json'))
})

test('every example is type-checked', () => {
  const checked = (project) => JSON.parse(readFileSync(here(`./${project}.json`), 'utf8')).files
  const files = [...checked('tsconfig'), ...checked('libraries')].map((file) => here(`./${file}`))
  const examples = here('../../../examples/node/')
  // The project to copy is compiled by its own `tsconfig.json`, by its test.
  const passed = (path) => /^(node_modules|packaged)\//.test(path) || !/\.[cm]?[jt]s$/.test(path)
  const unchecked = readdirSync(examples, { recursive: true }).filter((path) => !passed(path) && !files.includes(join(examples, path)))
  assert.deepEqual(unchecked, [])
})

// What a tool's schema may be, with a number that makes it one of its own.
const SCHEMAS = [
  (n) => `{ type: 'object', properties: { a: { type: 'string' }, b: { type: 'integer', default: ${n} }, c: { type: 'array', items: { enum: ['x', 'y'] } } }, required: ['a'] }`,
  (n) => `{ type: 'object', properties: { u: { anyOf: [{ type: 'string' }, { type: 'null' }, { type: 'object', properties: { n${n}: { type: 'number' } } }] } } }`,
  (n) => `{ type: 'object', properties: { deep: { type: 'object', properties: { er: { type: 'array', items: { type: 'object', properties: { s${n}: { type: ['number', 'null'] } } } } } } } }`,
  (n) => `{ type: 'object', allOf: [{ properties: { p${n}: { type: 'string' } } }, { properties: { q: { type: 'boolean' } }, required: ['q'] }] }`,
  (n) => `{ type: 'object', properties: { t: { type: 'array', prefixItems: [{ type: 'string' }, { const: ${n} }], minItems: 2, items: false }, r: { type: 'object', additionalProperties: { type: 'number' } } } }`
]
const ZOD = (n) => `z.object({ a${n}: z.string(), b: z.number().optional(), c: z.array(z.enum(['x', 'y'])), d: z.union([z.string(), z.object({ n: z.number().nullable() })]) })`

// How many instantiations of types the compiler may need for 200 tools; it needs about a twentieth less. The compiler and the
// libraries are those of the lock files, so that the count is the same on every machine.
const MOST = { 'JSON Schema': 120_000, 'zod': 100_000 }

test('two hundred tools are no trouble to the compiler', (t) => {
  const sources = {
    'JSON Schema': (n) => SCHEMAS[n % SCHEMAS.length](n),
    'zod': ZOD
  }
  for (const [what, schema] of Object.entries(sources)) {
    // Beside the tests, where the libraries are found.
    const folder = mkdtempSync(here('./many-'))
    try {
      const tools = Array.from({ length: 200 }, (_, n) => `app.tool('t${n}', { input: ${schema(n)} }, (args) => Object.keys(args))`)
      const head = `import * as z from 'zod'\nimport { Server } from '../../../../bindings-node/index.mjs'\nconst app = new Server({ name: 'many' })\n`
      writeFileSync(join(folder, 'many.mts'), `${head}${tools.join('\n')}\nexport const kept = z\n`)
      writeFileSync(join(folder, 'tsconfig.json'), '{ "extends": "../libraries.json", "files": ["many.mts"] }')
      const said = compile(folder, '--extendedDiagnostics', '--singleThreaded')
      const count = Number(said.match(/^Instantiations: +(\d+)/m)[1])
      t.diagnostic(`${what}: ${count} instantiations`)
      assert.ok(count > 10_000 && count < MOST[what], `${what}: ${count} instantiations`)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
})

/** What a file of declarations says there is: its values, and the members of one of its types. */
function declarations(path) {
  const text = readFileSync(here(`../../../bindings-node/${path}`), 'utf8')
  const values = [...text.matchAll(/^export (?:class|function) (\w+)/gm)].map(([, name]) => name)
  const members = (name) => {
    const [, body] = text.match(new RegExp(`^export (?:class|interface) ${name}\\b[^{\n]* \\{\n(.*?)^\\}`, 'ms'))
    const code = body.replace(/\/\*.*?\*\//gs, '')
    return [...new Set([...code.matchAll(/^  (?:(?:readonly|static) )?(\w+)/gm)].map(([, member]) => member))].sort()
  }
  return { values: [...new Set(values)].sort(), members }
}

test('everything declared as a value exists, and everything that exists is declared', () => {
  const { values, members } = declarations('index.d.ts')
  assert.deepEqual(Object.keys(tenon).sort(), values)
  assert.deepEqual(Object.getOwnPropertyNames(tenon.Server.prototype).sort(), members('Server'))
  // What a handler may read of its call is a table of the engine's.
  assert.deepEqual(Object.getOwnPropertyNames(Context.prototype).sort(), ['constructor', ...members('Context')].sort())
  const ofClass = ['length', 'name', 'prototype']
  const statics = (type) => Object.getOwnPropertyNames(type).filter((name) => !ofClass.includes(name)).sort()
  assert.deepEqual(statics(tenon.Content), members('Content').filter((name) => typeof tenon.Content[name] === 'function'))
  for (const type of [tenon.Content, tenon.PromptMessage]) {
    for (const name of statics(type)) assert.ok(members(type.name).includes(name), `${type.name}.${name}`)
  }
})

test('the same holds of the client for tests, and of both module systems', () => {
  const { values, members } = declarations('testing.d.cts')
  assert.deepEqual(Object.keys(testing).sort(), values)
  assert.deepEqual(Object.getOwnPropertyNames(testing.Client.prototype).sort(), members('Client'))
  const require = createRequire(import.meta.url)
  for (const [name, modules] of Object.entries({ index: tenon, testing })) {
    const required = require(`../../../bindings-node/${name}.cjs`)
    assert.deepEqual(Object.keys(required).sort(), Object.keys(modules).sort())
    for (const key of Object.keys(modules)) assert.equal(required[key], modules[key], key)
  }
})
