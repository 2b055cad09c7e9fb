// The lifecycle test's server in Node: a tool that goes on whatever it is told, and one that prints.

import { Server } from '../../bindings-node/index.mjs'

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

const at = process.argv.indexOf('--http')
const transport = at === -1 ? { stdio: true } : { http: process.argv[at + 1] }
const { url } = await app.listen({ ...transport, signals: true })
if (url) console.error(`listening ${url}`)
