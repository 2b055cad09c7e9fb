// The server of node_calls.mjs: tools that leave something to be found if anything is kept, and one that looks.
// Run with --expose-gc.

import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { Server } from '../../bindings-node/index.mjs'

const LARGE = 'x'.repeat(65536)
const storage = new AsyncLocalStorage()
let alive = 0
let ended = 0
const gone = new FinalizationRegistry(() => alive--)

/** One per call: in its frame, its exception, its context. */
class Thing {
  constructor() {
    alive++
    gone.register(this)
  }
}

class Failed extends Error {
  constructor(thing) {
    super('failed')
    this.thing = thing
  }
}

const app = new Server({ name: 'soak', log: null, limits: { maxCalls: 4096, maxLaneCalls: 4096, maxPeerCalls: 4096 } })
const input = { type: 'object', properties: { text: { type: 'string' } } }
/** A validator as libraries have one. */
const validator = { '~standard': { version: 1, vendor: 'soak', validate: (value) => ({ value: { ...value, thing: new Thing() } }) } }

app.tool('echo', { input }, ({ text }) => (new Thing() ? text : ''))
app.tool('echoAsync', { input }, async ({ text }) => {
  const thing = new Thing()
  await null
  return thing ? text : ''
})
app.tool('validated', { input: validator, inputSchema: input, structured: true }, ({ text }) => ({ text }))
app.tool('stored', { input }, ({ text }) =>
  storage.run(new Thing(), async () => {
    await null
    return storage.getStore() ? text : ''
  })
)
app.tool('report', async (_, ctx) => {
  ctx.progress(1)
  await null
  ctx.progress(2)
  return { kind: ctx.kind }
})
app.tool('fail', () => {
  throw new Failed(new Thing())
})
app.tool('failAsync', async () => {
  await null
  throw new Failed(new Thing())
})
app.tool('large', () => LARGE)
app.tool('wait', (_, ctx) => {
  const thing = new Thing()
  return new Promise((_, reject) => {
    ctx.signal.addEventListener('abort', () => {
      ended += thing ? 1 : 0
      reject(ctx.signal.reason)
    })
  })
})
app.resource('soak://bytes', () => Buffer.alloc(4096))

/** What there is once the calls before have ended. */
app.tool('look', async () => {
  const end = Date.now() + 20_000
  // Finalizers run in turns of their own, and cancelled calls may be at it still.
  do {
    globalThis.gc()
    await turn()
    await sleep(5)
  } while (alive > 0 && Date.now() < end)
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage()
  // The timers are this function's own.
  const handles = process.getActiveResourcesInfo().filter((name) => name !== 'Timeout' && name !== 'Immediate').sort()
  return { alive, ended, heapUsed, external, arrayBuffers, rss, handles }
})

await app.listen()
