// Many calls of a Node server, with thrown errors, cancellations, large results and bytes mixed in: its heap and its memory stay as
// they were in the first quarter, and nothing of a call is left behind.
//
//     node node_calls.mjs [calls]    default 1,000,000

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const CALLS = Number(process.argv[2] ?? 1_000_000)
const WINDOW = 256
const PARTS = 20
// Of a hundred calls.
const MIX = [
  ...Array(25).fill(['echo', { text: 'hello' }]),
  ...Array(20).fill(['echoAsync', { text: 'hello' }]),
  ...Array(10).fill(['validated', { text: 'hello' }]),
  ...Array(8).fill(['stored', { text: 'hello' }]),
  ...Array(6).fill(['report', {}]),
  ...Array(9).fill(['fail', {}]),
  ...Array(9).fill(['failAsync', {}]),
  ...Array(2).fill(['large', {}]),
  ...Array(3).fill(['bytes', {}]),
  ...Array(8).fill(['wait', {}])
]
assert.equal(MIX.length, 100)
/** Bytes that caches of V8, and pages of allocators, may come and go by. */
const MOST = { heapUsed: 3 << 20, external: 1 << 20, arrayBuffers: 256 << 10, rss: 4 << 20 }

class Peer {
  #next = 0
  #rest = ''
  #answers = new Map()
  #room = WINDOW
  #waiting
  #batch = []
  #late = []

  constructor() {
    const server = fileURLToPath(new URL('node_server.mjs', import.meta.url))
    // A young generation of one size: as V8 enlarges it, memory grows by steps that hide what is kept.
    this.process = spawn(process.execPath, ['--expose-gc', '--max-semi-space-size=1', server], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.exited = once(this.process, 'exit')
    this.process.stdout.setEncoding('latin1').on('data', (text) => this.#read(text))
  }

  #read(text) {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop()
    for (const line of lines) {
      if (line.slice(0, 90).includes('"method":')) continue
      if (line.slice(0, 40).includes('"id":"a')) {
        const { id, result } = JSON.parse(line)
        this.#answers.get(id)(result)
      } else {
        this.#room++
      }
    }
    if (this.#room > 0) this.#waiting?.()
  }

  #write(messages) {
    if (messages.length > 0) this.process.stdin.write(messages.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join(''))
    messages.length = 0
  }

  ask(method, params) {
    const id = `a${this.#next++}`
    this.#write([{ id, method, params }])
    return new Promise((resolve) => this.#answers.set(id, resolve))
  }

  async open() {
    await this.ask('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } })
    this.#write([{ method: 'notifications/initialized' }])
  }

  async #until(room) {
    while (this.#room < room) await new Promise((resolve) => (this.#waiting = resolve))
    this.#waiting = undefined
  }

  /** Makes that many, and waits for all but the cancelled ones, which get no answer. */
  async calls(count) {
    for (let n = 0; n < count; n++) {
      const [name, args] = MIX[(n * 37) % 100]
      const id = this.#next++
      const params = { name, arguments: args, ...(name === 'report' && { _meta: { progressToken: id } }) }
      this.#batch.push(name === 'bytes' ? { id, method: 'resources/read', params: { uri: 'soak://bytes' } } : { id, method: 'tools/call', params })
      if (name === 'wait') {
        this.#late.push({ method: 'notifications/cancelled', params: { requestId: id } })
      } else if (--this.#room <= 0) {
        this.#write(this.#batch)
        await this.#until(WINDOW / 2)
        this.#write(this.#late)
      }
      if (this.#batch.length >= 32) {
        this.#write(this.#batch)
        // After a turn: a call that is cancelled before its handler began never runs it.
        ;[this.#batch, this.#late] = [this.#late, this.#batch]
      }
    }
    this.#write(this.#batch)
    this.#write(this.#late)
    await this.#until(WINDOW)
  }

  async look() {
    const { content } = await this.ask('tools/call', { name: 'look', arguments: {} })
    return JSON.parse(content[0].text)
  }
}

const peer = new Peer()
await peer.open()
const looks = []
const began = Date.now()
for (let n = 0; n < PARTS; n++) {
  await peer.calls(Math.max(Math.floor(CALLS / PARTS), 1))
  looks.push(await peer.look())
}
const rest = looks.splice(PARTS / 4)
const most = (of, what) => Math.max(...of.map((look) => look[what]))
console.log(`${CALLS} calls in ${Math.round((Date.now() - began) / 1000)} s, ${rest.at(-1).ended} of them cancelled while they ran`)
for (const what of Object.keys(MOST)) {
  console.log(`${what}: at most ${most(looks, what) >> 10} KiB in the first quarter, then ${most(rest, what) >> 10} KiB`)
}
assert.equal(most([...looks, ...rest], 'alive'), 0, 'objects of calls that are over')
assert.ok(rest.at(-1).ended > 0, 'no call was cancelled while it ran')
assert.deepEqual(rest.at(-1).handles, looks[0].handles, 'handles that are left')
for (const [what, bytes] of Object.entries(MOST)) {
  const all = [...looks, ...rest].map((look) => look[what] >> 10)
  assert.ok(most(rest, what) - most(looks, what) < bytes, `${what} grew, in KiB: ${all}`)
}
peer.process.stdin.end()
assert.deepEqual(await peer.exited, [0, null])
