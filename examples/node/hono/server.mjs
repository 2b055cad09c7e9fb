// A Hono application with routes and a key of its own, and tools at /mcp.
import { createHash, timingSafeEqual } from 'node:crypto'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { Server } from 'tenon-mcp'

const mcp = new Server({ name: 'basic-server', version: '1.0.0' })
const number = { type: 'number' }
const text = { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] }
const two = { type: 'object', properties: { a: number, b: number }, required: ['a', 'b'] }
mcp.tool('echo', { description: 'Say it again.', input: text }, ({ message }) => `Echo: ${message}`)
mcp.tool('calculate_sum', { description: 'Add two numbers.', input: two, structured: true }, ({ a, b }) => a + b)

// There is one user, who has the key.
const OWNER = 'owner'
/** @param {string} text */
const digest = (text) => createHash('sha256').update(text).digest()
const expected = digest(`bearer ${process.env.API_KEY}`)
/** Whether a request brings the key. Takes as long for every other one. @param {string | undefined} authorization */
const brings = (authorization = '') =>
  Boolean(process.env.API_KEY) && timingSafeEqual(digest(authorization.replace(/^bearer /i, 'bearer ')), expected)

/** @type {import('hono').MiddlewareHandler} */
const guard = async (context, next) => {
  if (brings(context.req.header('authorization'))) return next()
  return context.json({ error: 'Authentication required' }, 401, { 'www-authenticate': 'Bearer' })
}

// Both /mcp and /mcp/ answer.
const app = new Hono({ strict: false })
app.get('/health', (context) => context.json({ status: 'healthy' }))
app.get('/me', guard, (context) => context.json({ user: OWNER }))
if (process.env.PROTECT_MCP === 'true') app.use('/mcp', guard)
app.all('/mcp', (context) => {
  // Sessions belong to who opened them.
  const principal = brings(context.req.header('authorization')) ? OWNER : undefined
  return mcp.fetch(context.req.raw, { principal })
})

const [, host = '127.0.0.1', port] = /^(?:(.+):)?(\d+)$/.exec(process.argv[2] ?? '8000') ?? []
if (port === undefined) throw new Error('usage: server.mjs [[host:]port]')
const listening = serve({ fetch: app.fetch, hostname: host, port: Number(port) }, (address) =>
  console.log(`listening http://${host}:${address.port}/mcp`)
)
const server = /** @type {import('node:http').Server} */ (listening)
process.once('SIGTERM', async () => {
  // First the tools: the streams that clients listen on end with them, and calls in flight may finish.
  await mcp.close()
  server.close()
  // A client that keeps its connection busy would keep the process too.
  setTimeout(() => server.closeAllConnections(), 1000).unref()
})
