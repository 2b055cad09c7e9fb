// Calls that close their client's connection, and clients that resume.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Server } from '../../../bindings-node/index.mjs'
import { modern, session } from '../support/http.mjs'

/** Messages of an event stream, and its ids. */
async function read(response) {
  const body = await response.text()
  const found = (pattern) => [...body.matchAll(pattern)].map(([, text]) => text)
  return { body, ids: found(/^id: (.+)$/gm), messages: found(/^data: (.+)$/gm).map((text) => JSON.parse(text)) }
}

test('a client comes back for the answer of a call that let go of its connection', async () => {
  let open
  const gate = new Promise((resolve) => (open = resolve))
  const app = new Server({ name: 'test', limits: { streamRetry: 250 } })
  app.tool('waits', async (_, ctx) => {
    const closed = ctx.closeStream()
    await gate
    return String(closed)
  })
  const { url } = await app.listen(0)
  try {
    const { headers } = await session(url)
    const accept = 'application/json, text/event-stream'
    const body = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'waits' } })
    const post = { method: 'POST', headers: { ...headers, accept, 'content-type': 'application/json' }, body }
    const first = await read(await fetch(url, post))
    assert.deepEqual([first.ids.length, first.messages], [1, []])
    assert.match(first.body, /^retry: 250$/m)
    open()
    const again = { ...headers, 'accept': 'text/event-stream', 'last-event-id': first.ids[0] }
    const { messages } = await read(await fetch(url, { headers: again }))
    assert.deepEqual([messages[0].id, messages[0].result.content[0].text], [7, 'true'])
    const unknown = await fetch(url, { headers: { ...again, 'last-event-id': '7' } })
    assert.equal(unknown.status, 400)
    assert.match((await unknown.json()).error.message, /last-event-id/)
    // In the modern era there is no way back.
    const answer = await modern(url, 'tools/call', { name: 'waits' })
    assert.equal(answer.result.content[0].text, 'false')
  } finally {
    await app.close()
  }
})
