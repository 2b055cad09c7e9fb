// Schemas that are costly to check: refused at registration, or stopped at a limit.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Server, ToolError } from '../../../bindings-node/index.mjs'
import { Client } from '../../../bindings-node/testing.mjs'
import { modern } from '../support/http.mjs'

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

/** Whether a thread is there that checks arguments; it is there for nothing else. */
function checking() {
  return readdirSync('/proc/self/task').some((task) => {
    try {
      return readFileSync(`/proc/self/task/${task}/comm`, 'utf8') === 'tenon-check\n'
    } catch {
      return false // It has ended meanwhile.
    }
  })
}

test('a costly check holds up no other client', async () => {
  const app = new Server({ name: 'test' })
  // It looks at the rest of a text once for each character.
  const slow = { type: 'object', properties: { text: { type: 'string', pattern: '(?=.*b)x' } } }
  app.tool('costly', { input: slow }, ({ text }) => text)
  app.tool('cheap', () => 'done')
  const { url } = await app.listen(0)
  try {
    let answered = false
    // All of them take about a hundred times as long as the calls of the other client together.
    const costly = () => modern(url, 'tools/call', { name: 'costly', arguments: { text: 'a'.repeat(6000) } })
    const refused = Promise.all(Array.from({ length: 30 }, costly)).finally(() => { answered = true })
    while (!checking()) {
      assert(!answered, 'no thread of its own checks the arguments')
      await setImmediate()
    }
    for (let call = 0; call < 10; call++) {
      const { result } = await modern(url, 'tools/call', { name: 'cheap', arguments: {} })
      assert.equal(result.content[0].text, 'done')
    }
    assert(checking() && !answered, 'the other client waited for the check')
    for (const { result } of await refused) assert.match(result.content[0].text, /takes too many steps to be matched/)
  } finally {
    await app.close()
  }
})
