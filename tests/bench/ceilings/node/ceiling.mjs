// The Node ceiling: a line loop on process.stdin, or with `--http HOST:PORT` an endpoint on node:http.
// It answers the messages of the load client with the engine's own JSON and nothing else. This is no MCP server:
// `initialize` gets a canned answer, every other request is taken for an `echo` call, nothing is checked.

import { createServer } from 'node:http'

const INITIALIZED = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'ceiling', version: '1.0.0' },
}

/** The answer to one message as a string; a notification has none. */
function answer(message) {
  const request = JSON.parse(message)
  if (request.id === undefined) return ''
  const result =
    request.method === 'initialize'
      ? INITIALIZED
      : { content: [{ type: 'text', text: request.params.arguments.text }] }
  return JSON.stringify({ jsonrpc: '2.0', id: request.id, result })
}

/** One write for all the lines that one read brought. */
function lineLoop() {
  let rest = ''
  process.stdin.setEncoding('utf8')
  process.stdin.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()
    let replies = ''
    for (const line of lines) {
      const reply = answer(line)
      if (reply) replies += reply + '\n'
    }
    if (replies) process.stdout.write(replies)
  })
}

function http(host, port) {
  const server = createServer((request, response) => {
    const chunks = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const reply = answer(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))
      const length = Buffer.byteLength(reply)
      if (reply) response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': length })
      else response.writeHead(202, { 'Content-Length': 0 })
      response.end(reply)
    })
  })
  server.listen(port, host, () => {
    const { address, port } = server.address()
    process.stdout.write(`listening http://${address}:${port}/mcp\n`)
  })
}

const [option, value] = process.argv.slice(2)
if (option === '--http') {
  const [host, port] = value.split(':')
  http(host, Number(port))
} else {
  lineLoop()
}
