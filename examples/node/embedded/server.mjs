import { createServer } from 'node:http'
import { Server } from 'tenon-mcp'

const mcp = new Server({ name: 'shop' })
const prices = new Map([['tea', 4.5]])
const input = { type: 'object', properties: { product: { type: 'string' } }, required: ['product'] }
mcp.tool('price', { description: 'What a product costs.', input }, ({ product }) => prices.get(product))

// In Express: app.all('/mcp', mcp.handler()). In Fastify the same. In Hono: app.all('/mcp', (c) => mcp.fetch(c.req.raw)).
const tools = mcp.handler()
const server = createServer((request, response) =>
  request.url === '/mcp' ? tools(request, response) : response.end('A shop with tools at /mcp\n')
)
server.listen(Number(process.env.PORT ?? 8000), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`listening http://127.0.0.1:${port}/mcp`)
})
process.once('SIGTERM', async () => {
  // First the tools: the streams that clients listen on end with them, and calls in flight may finish.
  await mcp.close()
  server.close()
  // A client that keeps its connection busy would keep the process too.
  setTimeout(() => server.closeAllConnections(), 1000).unref()
})
