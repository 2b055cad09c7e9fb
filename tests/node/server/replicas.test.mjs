// Replicas behind one address open what another replica with the same key has sealed.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Server } from '../../../bindings-node/index.mjs'
import { modern } from '../support/http.mjs'

const form = { type: 'object', properties: { v: { type: 'string' } }, required: ['v'] }

async function replica(stateKeys) {
  const app = new Server({ name: 'replica', stateKeys })
  app.tool('chain', async (_, ctx) => {
    const first = await ctx.elicit('first?', form)
    const second = await ctx.elicit(`second after ${first.content.v}?`, form)
    return second.content.v
  })
  return { app, url: (await app.listen(0)).url }
}

const call = (url, more) => modern(url, 'tools/call', { name: 'chain', arguments: {}, ...more }, { elicitation: {} })

/** What a client sends to answer the questions of `result`. */
const answered = ({ result: { inputRequests, requestState } }, v) => ({
  requestState,
  inputResponses: Object.fromEntries(Object.keys(inputRequests).map((key) => [key, { action: 'accept', content: { v } }]))
})

test('replicas that share a key answer a call in turns; one with another key refuses', async () => {
  const [key, old, other] = [randomBytes(32), randomBytes(32), randomBytes(32)]
  // The first key seals, all open; text and bytes are the same key.
  const [a, b, c, d] = await Promise.all([[key], [key.toString('hex'), old], [other], undefined].map(replica))
  try {
    const first = await call(a.url)
    assert.equal(first.result.resultType, 'input_required')
    for (const stranger of [c, d]) {
      const refused = await call(stranger.url, answered(first, '1'))
      assert.equal(refused.result, undefined)
      assert.equal(refused.error.code, -32602)
    }
    const second = await call(b.url, answered(first, '1'))
    assert.match(Object.values(second.result.inputRequests)[0].params.message, /second after 1/)
    const last = await call(a.url, answered(second, '2'))
    assert.equal(last.result.content[0].text, '2')
  } finally {
    await Promise.all([a, b, c, d].map(({ app }) => app.close()))
  }
})

test('a key that was replaced still opens what it has sealed', async () => {
  const [old, key] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64url')]
  const before = await replica([old])
  const after = await replica([key, old])
  try {
    const first = await call(before.url)
    const second = await call(after.url, answered(first, '1'))
    assert.equal(second.result.resultType, 'input_required')
    // Sealed with the new key, which the old replica does not have.
    assert.ok((await call(before.url, answered(second, '2'))).error)
    assert.equal((await call(after.url, answered(second, '2'))).result.content[0].text, '2')
  } finally {
    await Promise.all([before, after].map(({ app }) => app.close()))
  }
})
