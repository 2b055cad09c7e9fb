// An Express application with routes and a key of its own, and tools at /mcp.
import { createHash, timingSafeEqual } from 'node:crypto'
import express from 'express'
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

/** Sessions belong to who opened them. @param {import('node:http').IncomingMessage} request */
const principal = (request) => (brings(request.headers.authorization) ? OWNER : undefined)

/** @type {express.RequestHandler} */
const guard = (request, response, next) => {
  if (brings(request.headers.authorization)) next()
  else response.status(401).set('www-authenticate', 'Bearer').json({ error: 'Authentication required' })
}

const app = express()
// As in the other frameworks, /MCP is another path than /mcp.
app.enable('case sensitive routing')
app.get('/health', (_, response) => void response.json({ status: 'healthy' }))
app.get('/me', guard, (_, response) => void response.json({ user: OWNER }))
// Both /mcp and /mcp/ answer: Express does not tell them apart.
app.all('/mcp', process.env.PROTECT_MCP === 'true' ? guard : (_request, _response, next) => next(), mcp.handler({ principal }))

const [, host = '127.0.0.1', port] = /^(?:(.+):)?(\d+)$/.exec(process.argv[2] ?? '8000') ?? []
if (port === undefined) throw new Error('usage: server.mjs [[host:]port]')
const server = app.listen(Number(port), host, () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`listening http://${host}:${address.port}/mcp`)
})
process.once('SIGTERM', async () => {
  // First the tools: the streams that clients listen on end with them, and calls in flight may finish.
  await mcp.close()
  server.close()
  // A client that keeps its connection busy would keep the process too.
  setTimeout(() => server.closeAllConnections(), 1000).unref()
})
