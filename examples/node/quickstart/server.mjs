import { Server } from 'tenon-mcp'

const app = new Server({ name: 'demo', version: '1.0.0' })
const number = { type: 'number' }
const input = { type: 'object', properties: { a: number, b: number }, required: ['a', 'b'] }

app.tool('add', { description: 'Add two numbers.', input }, ({ a, b }) => a + b)

const http = process.argv[2] // a port or host:port/path; without it, the server uses stdio
const { url } = await app.listen({ ...(http ? { http } : { stdio: true }), signals: true })
if (url) console.log(`listening ${url}`)
