// The engine answers while the event loop is blocked.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modern, session } from '../support/http.mjs'
import { withServer } from '../support/process.mjs'

const BLOCK = 2000

const BLOCKERS = {
  'a busy loop': `{ const end = performance.now() + ${BLOCK}; while (performance.now() < end); }`,
  'Atomics.wait': `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${BLOCK})`
}

const median = (times) => times.toSorted((a, b) => a - b)[times.length >> 1]

async function timed(work) {
  const start = performance.now()
  await work()
  return performance.now() - start
}

for (const [name, block] of Object.entries(BLOCKERS)) {
  test(`ping and tools/list are answered while ${name} blocks a handler`, async () => {
    const source = `
      app.tool('block', () => {
        console.error('blocking')
        ${block}
        return 'free'
      })
      const { url } = await app.listen({ stdio: true, http: 0 })
      console.error('url', url)`
    await withServer(source, async (client) => {
      await client.initialize()
      const [, url] = await client.until(() => client.stderr.match(/url (\S+)\n/))
      const request = await session(url)
      let free = false
      const call = client.call('block').then(({ result }) => {
        free = true
        return result
      })
      await client.until(() => client.stderr.includes('blocking'))
      const pings = []
      const lists = []
      const others = []
      for (let i = 0; i < 15; i++) {
        pings.push(await timed(() => client.send('ping')))
        lists.push(await timed(() => client.send('tools/list')))
        others.push(await timed(() => request('ping')))
        others.push(await timed(() => modern(url, 'tools/list')))
        // What a blocked handler cannot take is still judged.
        assert.match((await client.call('nobody')).error.message, /Unknown tool/)
      }
      assert.equal(free, false, 'the handler still blocks')
      assert.ok(median(pings) < 50, `ping took ${median(pings)} ms`)
      assert.ok(median(lists) < 50, `tools/list took ${median(lists)} ms`)
      assert.ok(median(others) < 50, `over HTTP it took ${median(others)} ms`)
      assert.deepEqual((await call).content[0].text, 'free')
    })
  })
}
