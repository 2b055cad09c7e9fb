// The server of the bench in Node: one tool, `echo`, that returns at once, or with `--async` a promise. Serves stdio, or
// with `--http HOST:PORT` HTTP, and then prints `listening URL`.

import { Server } from 'tenon-mcp'

const args = process.argv.slice(2)
const later = args[0] === '--async'
if (later) args.shift()

const app = new Server({ name: 'bench', version: '1.0.0' })
const input = {
  type: 'object',
  properties: { text: { type: 'string' } },
  required: ['text'],
  additionalProperties: false
}
const description = 'Return the text unchanged.'

app.tool('echo', { description, input }, later ? async ({ text }) => text : ({ text }) => text)

if (args[0] === '--http') {
  const { url } = await app.listen({ http: args[1], signals: true })
  console.log(`listening ${url}`)
} else {
  await app.listen({ stdio: true, signals: true })
}
