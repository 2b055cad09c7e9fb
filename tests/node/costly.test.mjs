// Schemas whose check could take for ever: refused at registration, or stopped at a limit.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Server, ToolError } from '../../bindings-node/index.mjs'
import { Client } from '../../bindings-node/testing.mjs'

// Each refers ten times to the next.
const levels = Array.from({ length: 20 }, (_, n) => [`d${n}`, { allOf: Array(10).fill({ $ref: `#/$defs/d${n + 1}` }) }])
const expanding = {
  type: 'object',
  properties: { x: { $ref: '#/$defs/d0' } },
  $defs: { ...Object.fromEntries(levels), d20: { type: 'integer' } }
}

test('a schema that expands too far is refused at registration', () => {
  const app = new Server({ name: 'test' })
  for (const member of ['input', 'output']) {
    assert.throws(() => app.tool('odd', { [member]: expanding }, () => ({})), {
      code: 'TENON_INVALID',
      message: /tool "odd".*more than 10000 schemas apply to one value/
    })
  }
})

test('a pattern at its step limit is an argument error', async () => {
  for (const revision of ['2025-11-25', '2026-07-28']) {
    const app = new Server({ name: 'test' })
    const slug = { type: 'string', pattern: '^(?!-)[a-z0-9-]+(?<!-)$' }
    app.tool('publish', { input: { type: 'object', properties: { slug } } }, (args) => args.slug)
    const client = await new Client(app, { revision }).open()
    try {
      await assert.rejects(client.callTool('publish', { slug: `${'a'.repeat(2000)}!` }), (error) => {
        assert(error instanceof ToolError)
        assert.match(error.message, /takes too many steps to be matched/)
        return true
      })
      assert.equal((await client.callTool('publish', { slug: 'a-b' })).text, 'a-b')
    } finally {
      await client.close()
    }
  }
})
