// The declarations, the examples and the fixture under `tsc --strict`.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as tenon from '../../bindings-node/index.mjs'
import contexts from '../../bindings-node/js/context.js'

const { Context } = contexts

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

test('usage type-checks, and misuse does not', () => {
  const { resolve } = createRequire(here('../../bindings-node/package.json'))
  const tsc = here('../../bindings-node/node_modules/typescript/bin/tsc')
  assert.ok(resolve('typescript/package.json'), 'npm ci in bindings-node installs the compiler')
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', here('types')], { encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
})

test('everything declared as a value exists, and everything that exists is declared', () => {
  const declared = readFileSync(here('../../bindings-node/index.d.ts'), 'utf8')
  const values = [...declared.matchAll(/^export (?:class|function) (\w+)/gm)].map(([, name]) => name)
  assert.deepEqual(Object.keys(tenon).sort(), [...new Set(values)].sort())
  const members = (name) => {
    const [, body] = declared.match(new RegExp(`^export (?:class|interface) ${name} \\{\n(.*?)^\\}`, 'ms'))
    const code = body.replace(/\/\*.*?\*\//gs, '')
    return [...new Set([...code.matchAll(/^  (?:readonly )?(\w+)/gm)].map(([, member]) => member))].sort()
  }
  assert.deepEqual(Object.getOwnPropertyNames(tenon.Server.prototype).sort(), members('Server'))
  // What a handler may read of its call is a table of the engine's.
  assert.deepEqual(Object.getOwnPropertyNames(Context.prototype).sort(), ['constructor', ...members('Context')].sort())
})
