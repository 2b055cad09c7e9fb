// Runs server programs as processes and talks to them over stdio, line by line.

import { spawn } from 'node:child_process'
import { once } from 'node:events'

export const PACKAGE = new URL('../../../bindings-node/index.mjs', import.meta.url).href

const LEGACY = '2025-11-25'
const MODERN = '2026-07-28'

/** A program that imports the package and has `app`; `body` registers tools and listens. */
export function program(body, options = '{ name: "test" }') {
  return `import { Server, AskError, Suspended } from ${JSON.stringify(PACKAGE)}\nconst app = new Server(${options})\n${body}`
}

export class Client {
  #next = 1
  #waiting = new Map()
  /** Every line of the server's output, as text. */
  lines = []
  /** Messages that answer no request of ours: notifications and requests. */
  notes = []
  #watchers = new Set()
  stderr = ''

  /** Starts `source` as a module, or the file of that path. */
  constructor(source, { args = [], env } = {}) {
    const command = source.endsWith('.mjs') ? [source, ...args] : ['--input-type=module', '-e', source, '--', ...args]
    this.child = spawn(process.execPath, command, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } })
    this.child.stdin.on('error', () => {})
    this.child.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr += text
      this.#look()
    })
    this.exited = once(this.child, 'close').then(([code, signal]) => ({ code, signal }))
    // Not by readline, for which some characters inside of messages end lines too.
    let rest = ''
    this.child.stdout.setEncoding('utf8').on('data', (text) => {
      const lines = text.split('\n')
      lines[0] = rest + lines[0]
      rest = lines.pop()
      for (const line of lines) this.#take(line)
    })
    this.exited.then(() => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the server ended: ${this.stderr}`))
      this.#waiting.clear()
    })
  }

  #take(line) {
    this.lines.push(line)
    let message
    try {
      message = JSON.parse(line)
    } catch {
      return this.#look()
    }
    const waiting = message.method === undefined && this.#waiting.get(message.id)
    if (waiting) {
      this.#waiting.delete(message.id)
      waiting.resolve(message)
    } else {
      this.notes.push(message)
    }
    this.#look()
  }

  #look() {
    for (const watch of this.#watchers) watch()
  }

  /** Resolves with what `find` returns, as soon as that is truthy. */
  until(find) {
    return new Promise((resolve, reject) => {
      const watch = () => {
        const found = find()
        if (!found) return
        this.#watchers.delete(watch)
        resolve(found)
      }
      this.#watchers.add(watch)
      this.exited.then(() => {
        watch()
        reject(new Error(`the server ended before it was seen: ${this.stderr}`))
      })
      watch()
    })
  }

  write(message) {
    this.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  }

  notify(method, params) {
    this.write({ method, params })
  }

  /** Sends a request; `id` of the returned promise names it. */
  send(method, params) {
    const id = this.#next++
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    answer.catch(() => {})
    this.write({ id, method, params })
    return Object.assign(answer, { id })
  }

  async initialize(capabilities = {}, version = LEGACY) {
    const params = { protocolVersion: version, capabilities, clientInfo: { name: 'client', version: '1' } }
    const answer = await this.send('initialize', params)
    this.notify('notifications/initialized')
    return answer.result
  }

  /** A tool call in the legacy era. */
  call(name, args = {}, meta) {
    return this.send('tools/call', { name, arguments: args, _meta: meta })
  }

  /** The text of a tool's result. */
  async text(name, args) {
    const { result } = await this.call(name, args)
    return result.content[0].text
  }

  /** A tool call in the modern era. */
  modern(name, args = {}, { capabilities = {}, ...more } = {}) {
    return this.send('tools/call', { name, arguments: args, ...more, _meta: envelope(capabilities) })
  }

  /** Ends the input and waits for the process. */
  async end() {
    this.child.stdin.end()
    return this.exited
  }

  kill(signal = 'SIGKILL') {
    this.child.kill(signal)
    return this.exited
  }
}

export function envelope(capabilities = {}) {
  const key = (name) => `io.modelcontextprotocol/${name}`
  return {
    [key('protocolVersion')]: MODERN,
    [key('clientCapabilities')]: capabilities,
    [key('clientInfo')]: { name: 'client', version: '1' }
  }
}

/** Runs `body` against a server program, and makes sure that the process is gone afterwards. */
export async function withServer(body, use, options) {
  const client = new Client(program(body, options?.server), options)
  try {
    return await use(client)
  } finally {
    await client.kill()
  }
}
