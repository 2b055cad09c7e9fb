// The lifecycle test's server in Node: a tool that goes on whatever it is told, and one that prints.
// `--http ADDRESS` serves HTTP, `--all FOLDER` every transport, `--client FILE` a client in this process, `--embedded FILE`
// requests that this process hands over; with `--throw` there are functions of every kind that throw.

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Server } from '../../bindings-node/index.mjs'
import { Client } from '../../bindings-node/testing.mjs'

const LONG = 600_000

const long = process.argv.includes('--long')
const limits = long ? { drainTimeout: LONG, stdioDrainTimeout: LONG } : {}
const app = new Server({ name: 'lifecycle', version: '1.0.0', limits })
const input = { type: 'object' }

app.tool('block', { description: 'Never ends.', input }, () => {
  console.error('blocked')
  return new Promise(() => setInterval(() => {}, LONG))
})

app.tool('quick', { description: 'Ends at once.', input }, () => 'done')

app.tool('flood', { description: 'Prints.', input }, ({ lines }) => {
  for (let line = 0; line < lines; line++) console.error('x'.repeat(1023))
  return 'printed'
})

const form = { type: 'object', properties: { name: { type: 'string' } } }
app.tool('ask', { description: 'Asks.', input }, async (_, ctx) => {
  await ctx.elicit('Name?', form, { key: 'name' })
  return 'asked'
})

// A long text is not matched where others wait.
const text = { type: 'string', pattern: '(?!-)x' }
app.tool('costly', { description: 'Its arguments may be.', input: { type: 'object', properties: { text } } }, () => 'checked')

app.tool('late', { description: 'Does not end.', input, timeout: 100 }, (_, { signal }) => once(signal, 'abort'))

function raise() {
  throw new Error('thrown')
}

function throwEverywhere() {
  app.tool('throw', { input }, raise)
  app.tool('guarded', { input }, () => 'not reached')
  app.middleware('tool', (ctx, next) => (ctx.name === 'guarded' ? raise() : next()))
  app.middleware('tool_list', raise)
  app.resource('throw://now', raise)
  app.resource('thrown://{when}', raise)
  app.method('demo/throw', raise)
  app.prompt('greet', { args: [{ name: 'name' }] }, raise)
  app.completion({ prompt: 'greet', argument: 'name' }, raise)
  app.completion({ template: 'thrown://{when}', argument: 'when' }, raise)
  app.resourceProvider('row://{number}', { list: raise, read: raise })
  app.replace('resources/templates/list', raise)
  app.notification('notifications/demo/throw', raise)
  app.on('session_start', raise)
  app.on('error', raise)
}

// Calls before, at and after the fault that `file` arms.
async function callWithin(file) {
  const client = await new Client(app).open()
  for (let number = 0; number < 3; number++) {
    if (number === 1) writeFileSync(file, '')
    await client.callTool('quick').then(
      ({ text }) => console.log(text),
      ({ code, message }) => console.log(code, message),
    )
  }
  await client.close()
}

// The same without a client.
async function callEmbedded(file) {
  const headers = {
    'host': 'localhost',
    'content-type': 'application/json',
    'accept': 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'quick'
  }
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {}
  }
  const params = { name: 'quick', arguments: {}, _meta }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  for (let number = 0; number < 3; number++) {
    if (number === 1) writeFileSync(file, '')
    const response = await app.fetch(new Request('http://localhost/mcp', { method: 'POST', headers, body }))
    const { result, error } = await response.json()
    if (error) console.log(error.code, error.message)
    else console.log(result.content[0].text)
  }
  await app.close()
}

function argument(name) {
  const at = process.argv.indexOf(name)
  return at === -1 ? undefined : process.argv[at + 1]
}

const [http, folder, file, embedded] = ['--http', '--all', '--client', '--embedded'].map(argument)
const all = { stdio: true, http: '127.0.0.1:0', websocket: '/ws', sse: '/sse', unix: `${folder}/socket` }
if (process.argv.includes('--throw')) throwEverywhere()
if (file) {
  await callWithin(file)
} else if (embedded) {
  await callEmbedded(embedded)
} else {
  const { url } = await app.listen({ ...(folder ? all : http ? { http } : { stdio: true }), signals: true })
  if (url) console.error(`listening ${url}`)
}
