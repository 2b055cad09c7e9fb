// A Fastify application with routes and a key of its own, and tools at /mcp.
import { createHash, timingSafeEqual } from 'node:crypto'
import fastify from 'fastify'
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

/** @type {import('fastify').preHandlerAsyncHookHandler} */
const guard = async (request, reply) => {
  if (brings(request.headers.authorization)) return
  return reply.code(401).header('www-authenticate', 'Bearer').send({ error: 'Authentication required' })
}

// Both /mcp and /mcp/ answer.
const app = fastify({ routerOptions: { ignoreTrailingSlash: true }, forceCloseConnections: true })
app.get('/health', async () => ({ status: 'healthy' }))
app.get('/me', { onRequest: guard }, async () => ({ user: OWNER }))
app.register(async (scope) => {
  // Bodies are left to the engine, which has limits and errors of its own.
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
  scope.all('/mcp', process.env.PROTECT_MCP === 'true' ? { onRequest: guard } : {}, mcp.handler({ principal }))
})

const [, host = '127.0.0.1', port] = /^(?:(.+):)?(\d+)$/.exec(process.argv[2] ?? '8000') ?? []
if (port === undefined) throw new Error('usage: server.mjs [[host:]port]')
const url = await app.listen({ host, port: Number(port) })
console.log(`listening ${url}/mcp`)
process.once('SIGTERM', async () => {
  await mcp.close()
  await app.close()
})
