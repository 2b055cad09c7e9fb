// Workers with a server each, made and ended again and again, in every way there is: memory stays as it was after the first fifth, and no
// handle is left.
//
//     MALLOC_ARENA_MAX=1 node --expose-gc --max-semi-space-size=1 node_workers.mjs [workers]    default 100
//
// Threads that come and go leave freed memory in heaps of their own otherwise, and the young generation grows by steps.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'

const MOST = { heapUsed: 512 << 10, external: 512 << 10, rss: 4 << 20 }

/** How workers end: by whom, and with what pending. */
const ENDS = ['closed', 'terminated', 'terminated in calls', 'exited in calls', 'thrown']

if (isMainThread) await main()
else await serve(workerData)

async function serve(end) {
  const { Server } = await import('../../bindings-node/index.mjs')
  const { Client } = await import('../../bindings-node/testing.mjs')
  const app = new Server({ name: 'worker', log: null })
  app.tool('echo', ({ text }) => text)
  app.tool('add', { input: { type: 'object', properties: { n: { type: 'number' } } } }, async ({ n }) => n + 1)
  app.tool('wait', () => new Promise(() => {}))
  await app.listen(0)
  const client = new Client(app)
  const sums = await Promise.all(Array.from({ length: 50 }, (_, n) => client.callTool('add', { n })))
  assert.equal(sums.at(-1).data, 50)
  const pending = end.includes('in calls') ? Array.from({ length: 20 }, () => client.callTool('wait')) : []
  for (const one of pending) one.catch(() => {})
  await client.callTool('add', { n: 1 })
  if (end === 'closed') {
    await client.close()
    await app.close()
  }
  parentPort.postMessage('ready')
  if (end === 'exited in calls') process.exit(3)
  if (end === 'thrown') setImmediate(() => { throw new Error('thrown') })
}

async function main() {
  const count = Number(process.argv[2] ?? 100)
  const looks = []
  const handles = () => process.getActiveResourcesInfo().filter((name) => name !== 'Timeout' && name !== 'Immediate').sort()
  // What the process has for itself, once it has printed what workers say.
  let before
  const began = Date.now()
  for (let n = 0; n < count; n++) {
    const end = ENDS[n % ENDS.length]
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: end })
    const [errors, exit] = [[], once(worker, 'exit')]
    exit.catch(() => {})
    worker.on('error', (error) => errors.push(error.message))
    await once(worker, 'message')
    if (end.startsWith('terminated')) await worker.terminate()
    const [code] = await new Promise((resolve) => exit.then(resolve, () => resolve([1])))
    assert.deepEqual(errors, end === 'thrown' ? ['thrown'] : [], end)
    assert.equal(code, { 'closed': 0, 'exited in calls': 3 }[end] ?? 1, end)
    if ((n + 1) % ENDS.length === 0) {
      globalThis.gc()
      await sleep(10)
      globalThis.gc()
      const { heapUsed, external, rss } = process.memoryUsage()
      looks.push({ heapUsed, external, rss })
      before ??= handles()
    }
  }
  assert.deepEqual(handles(), before, 'handles that are left')
  const [base, ...rest] = looks.slice(Math.ceil(looks.length / 5))
  console.log(`${count} workers in ${Math.round((Date.now() - began) / 1000)} s`)
  for (const [what, most] of Object.entries(MOST)) {
    const more = Math.max(...rest.map((look) => look[what])) - base[what]
    console.log(`${what}: ${base[what] >> 10} KiB after a fifth, then at most ${more >> 10} KiB more`)
    assert.ok(more < most, `${what} grew by ${more} bytes: ${looks.map((look) => look[what] >> 10)}`)
  }
}
