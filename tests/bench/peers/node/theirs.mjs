// The servers of the bench on npm `@modelcontextprotocol/server`: `echo` at once, with `--async` as a promise, with `--zod`
// by a schema of zod instead of one in JSON Schema, with `--list` a hundred of them. Serves stdio, or with
// `--http HOST:PORT` HTTP as the package's own handler does, without sessions and with plain JSON answers; then prints
// `listening URL`.

import { createServer } from 'node:http'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { McpServer, createMcpHandler, fromJsonSchema } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { schema, zodSchema } from './schemas.mjs'

const args = process.argv.slice(2)
const description = 'Return the text unchanged.'
const inputSchema = args.includes('--zod') ? zodSchema : fromJsonSchema(schema)
const result = text => ({ content: [{ type: 'text', text }] })
const handler = args.includes('--async') ? async ({ text }) => result(text) : ({ text }) => result(text)
const names = args.includes('--list') ? Array.from({ length: 100 }, (_, number) => `echo_${number}`) : ['echo']

const makeServer = () => {
  const server = new McpServer({ name: 'bench', version: '1.0.0' })
  for (const name of names) server.registerTool(name, { description, inputSchema }, handler)
  return server
}

const http = args.indexOf('--http')
if (http >= 0) {
  const [host, port] = args[http + 1].split(':')
  const listener = createServer(toNodeHandler(createMcpHandler(makeServer, { responseMode: 'json' })))
  listener.listen(Number(port), host, () => {
    console.log(`listening http://${host}:${listener.address().port}/mcp`)
  })
  process.on('SIGTERM', () => {
    listener.close()
    listener.closeAllConnections()
  })
} else {
  await serveStdio(makeServer)
}
