// Declarations of the native module agree with the last build, the loaded module and the uses in js/.

import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import native from '../../../bindings-node/js/native.js'
import { DECLARATIONS, declarations, lastBuilt } from '../../../bindings-node/scripts/native-types.mjs'

const declared = readFileSync(DECLARATIONS, 'utf8')
const folder = new URL('../../../bindings-node/js/', import.meta.url)
const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.js'))
const sources = files.map((file) => readFileSync(new URL(file, folder), 'utf8'))

const sorted = (names) => [...new Set(names)].sort()
const found = (text, pattern) => [...text.matchAll(pattern)].map(([, name]) => name)

/** The names of a declared class or interface's members. */
function members(kind, name) {
  const [, body] = declared.match(new RegExp(`^export ${kind} ${name} \\{\n(.*?)^\\}`, 'ms'))
  return sorted(found(body, /^  (\w+)\??[(:]/gm))
}

const classes = found(declared, /^export declare class (\w+)/gm)
/** Classes whose objects come from an `Engine`. */
const RETURNED = ['NativeBreaker', 'NativeCache', 'NativeLimiter']
const functions = found(declared, /^export declare function (\w+)/gm)

test('the declarations are those of the last build', () => {
  assert.equal(declared, declarations(lastBuilt()), 'native.d.ts: run `npm run native-types` in bindings-node')
})

test('what is loaded is declared, and the other way round', () => {
  assert.deepEqual(classes, ['Engine', 'Link', ...RETURNED, 'Settings'])
  assert.deepEqual(sorted(Object.keys(native)), sorted([...classes, ...functions]))
  for (const name of classes) {
    assert.deepEqual(Object.getOwnPropertyNames(native[name].prototype).sort(), sorted(['constructor', ...members('declare class', name)]), name)
  }
})

test('what the package uses is declared, and what is declared is used', () => {
  const taken = sources.flatMap((text) => found(text, /const \{ (.+) \} = require\('\.{1,2}\/native'\)/g))
  // A module may give what it takes another name.
  const names = taken.flatMap((names) => names.split(', ')).map((name) => name.split(':')[0])
  const made = classes.filter((name) => !RETURNED.includes(name))
  assert.deepEqual(sorted(names), sorted([...made, ...functions]))
  const called = (name) => sources.flatMap((text) => found(text, new RegExp(`\\b${name}\\??\\.(\\w+)\\(`, 'g')))
  const returned = sorted(RETURNED.flatMap((name) => members('declare class', name)))
  const { 0: resilience } = sources.filter((text) => text.includes('class ValueCache'))
  assert.deepEqual(sorted([...found(resilience, /#native\.(\w+)\(/g)]), returned)
  for (const name of made) {
    assert.deepEqual(sorted(['constructor', ...called(name.toLowerCase())]), members('declare class', name), name)
  }
})

test('two compilers that write at once, in whatever order, make the same text', () => {
  const lines = [
    { kind: 'impl', name: 'A', js_doc: '', def: '/** Second. */\nz(): void\n/** First. */\nb(): void' },
    { kind: 'struct', name: 'A', js_doc: '/** A class. */\n', def: '' },
    { kind: 'impl', name: 'A', js_doc: '', def: '/**\n * Made,\n * of two lines.\n */\nconstructor(of: string)' },
    { kind: 'interface', name: 'O', js_doc: '', def: 'one: number\n/** Perhaps. */\ntwo?: string' },
    { kind: 'fn', name: 'f', js_doc: '', def: 'function f(): O' }
  ]
  const text = declarations(lines)
  assert.equal(declarations([...lines].reverse()), text)
  const body = text.slice(text.indexOf('/** A class'))
  assert.equal(body, `/** A class. */
export declare class A {
  /**
   * Made,
   * of two lines.
   */
  constructor(of: string)
  /** First. */
  b(): void
  /** Second. */
  z(): void
}

export interface O {
  one: number
  /** Perhaps. */
  two?: string
}

export declare function f(): O
`)
  assert.throws(() => declarations([{ kind: 'enum', name: 'E', js_doc: '', def: '' }]), /E is of a kind that this does not write: enum/)
})
