// Timers and I/O of the program run while many calls wait.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { withServer } from '../support/process.mjs'

const CALLS = 1000

test('timers and I/O of the program run between the batches of a long backlog', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-'))
  const go = join(folder, 'go')
  const source = `
    import { existsSync, readFile } from 'node:fs'
    let count = 0
    const seen = {}
    app.tool('block', () => {
      // Until everything is queued behind this call.
      while (!existsSync(${JSON.stringify(go)}));
      setTimeout(() => (seen.timer = count), 0)
      setImmediate(() => (seen.immediate = count))
      readFile(${JSON.stringify(go)}, () => (seen.file = count))
      return 'unblocked'
    })
    app.tool('work', () => {
      const end = performance.now() + 0.2
      while (performance.now() < end);
      return ++count
    })
    app.tool('seen', () => seen)
    await app.listen()`
  try {
    await withServer(source, async (client) => {
      await client.initialize()
      const calls = [client.call('block')]
      for (let i = 0; i < CALLS; i++) calls.push(client.call('work'))
      // Answered by the engine, after it has read all the calls.
      await client.send('ping')
      writeFileSync(go, 'x')
      await Promise.all(calls)
      const seen = JSON.parse(await client.text('seen'))
      for (const [what, limit] of Object.entries({ timer: 0.5, immediate: 0.5, file: 0.9 })) {
        assert.ok(seen[what] < CALLS * limit, `${what} came after ${seen[what]} of ${CALLS} calls`)
      }
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
