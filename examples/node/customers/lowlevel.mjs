// The same kind of server for a program that has a registry of its own: it answers the protocol's methods itself.
import { McpError, NotFound, Server } from 'tenon-mcp'
import * as z from 'zod'

const USERS = 'myserver://data/users'
const INVALID_PARAMS = -32602
const users = [
  { id: 1, name: 'Alice', email: 'alice@example.com' },
  { id: 2, name: 'Bob', email: 'bob@example.com' }
]
const user = z.object({ name: z.string().min(1), email: z.email() })
const json = { mimeType: 'application/json' }

// What is replaced below is not registered, so the server says by itself what it has.
const app = new Server({ name: 'my-mcp-server', version: '1.0.0', capabilities: ['resources', 'tools'] })

app.replace('resources/list', () => ({
  resources: [{ uri: USERS, name: 'Users', description: 'User database', ...json }]
}))
app.replace('resources/read', ({ uri }) => {
  if (uri !== USERS) throw new NotFound(`Unknown resource: ${uri}`)
  return { contents: [{ uri, text: JSON.stringify(users, null, 2), ...json }] }
})

app.replace('tools/list', () => ({
  tools: [{ name: 'create_user', description: 'Create a new user', inputSchema: z.toJSONSchema(user) }]
}))
app.replace('tools/call', ({ name, arguments: values = {} }) => {
  if (name !== 'create_user') throw new McpError(INVALID_PARAMS, `Unknown tool: ${name}`)
  const checked = user.safeParse(values)
  if (!checked.success) {
    const reason = checked.error.issues.map(({ path, message }) => `${path.join('/')}: ${message}`).join('; ')
    return { content: [{ type: 'text', text: `Validation error: ${reason}` }], isError: true }
  }
  users.push({ id: users.length + 1, ...checked.data })
  app.resourceUpdated(USERS)
  return { content: [{ type: 'text', text: `Created user: ${checked.data.name}` }] }
})

const http = process.argv[2] // a port, or host:port; stdio without one
const { url } = await app.listen({ ...(http ? { http } : { stdio: true }), signals: true })
if (url) console.log(`listening ${url}`)
