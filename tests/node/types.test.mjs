// The declarations, the examples and the fixture under `tsc --strict`.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as tenon from '../../bindings-node/index.mjs'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

test('usage type-checks, and misuse does not', () => {
  const { resolve } = createRequire(here('../../bindings-node/package.json'))
  const tsc = here('../../bindings-node/node_modules/typescript/bin/tsc')
  assert.ok(resolve('typescript/package.json'), 'npm ci in bindings-node installs the compiler')
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', here('types')], { encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
})

test('everything declared as a value exists', () => {
  assert.deepEqual(Object.keys(tenon).sort(), ['ElicitError', 'Server'])
  assert.deepEqual(
    Object.getOwnPropertyNames(tenon.Server.prototype).sort(),
    ['close', 'closed', 'constructor', 'listen', 'removeTool', 'tool']
  )
})
