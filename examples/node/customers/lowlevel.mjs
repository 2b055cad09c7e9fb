// The same kind of server for a program that has a registry of its own: it answers the protocol's methods itself.
import { McpError, Server } from 'tenon-mcp'
import * as z from 'zod'

const USERS = 'myserver://data/users'
const INVALID_PARAMS = -32602
const RESOURCE_NOT_FOUND = -32002 // the engine sends the code of the client's revision
const users = [
  { id: 1, name: 'Alice', email: 'alice@example.com' },
  { id: 2, name: 'Bob', email: 'bob@example.com' }
]
const user = z.object({ name: z.string().min(1), email: z.email() })
const json = { mimeType: 'application/json' }

const read = z.object({ uri: z.string() })
const call = z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()).default({}) })

/** @param {z.ZodError} error */
const reasons = (error) => error.issues.map(({ path, message }) => `${path.join('/')}: ${message}`).join('; ')

/**
 * What a method is asked with: nobody has looked at it before.
 * @template {z.ZodType} T
 * @param {T} schema
 * @param {unknown} params
 */
function checked(schema, params) {
  const { success, data, error } = schema.safeParse(params)
  if (!success) throw new McpError(INVALID_PARAMS, `Invalid params: ${reasons(error)}`)
  return data
}

// What is replaced below is not registered, so the server says by itself what it has.
const app = new Server({ name: 'my-mcp-server', version: '1.0.0', capabilities: ['resources', 'tools'] })

app.replace('resources/list', () => ({
  resources: [{ uri: USERS, name: 'Users', description: 'User database', ...json }]
}))
app.replace('resources/read', (params) => {
  const { uri } = checked(read, params)
  if (uri !== USERS) throw new McpError(RESOURCE_NOT_FOUND, `Unknown resource: ${uri}`)
  return { contents: [{ uri, text: JSON.stringify(users, null, 2), ...json }] }
})

app.replace('tools/list', () => ({
  tools: [{ name: 'create_user', description: 'Create a new user', inputSchema: z.toJSONSchema(user) }]
}))
app.replace('tools/call', (params) => {
  const { name, arguments: values } = checked(call, params)
  if (name !== 'create_user') throw new McpError(INVALID_PARAMS, `Unknown tool: ${name}`)
  const { success, data, error } = user.safeParse(values)
  if (!success) return { content: [{ type: 'text', text: `Validation error: ${reasons(error)}` }], isError: true }
  users.push({ id: users.length + 1, ...data })
  app.resourceUpdated(USERS)
  return { content: [{ type: 'text', text: `Created user: ${data.name}` }] }
})

const http = process.argv[2] // a port, or host:port; stdio without one
const { url } = await app.listen({ ...(http ? { http } : { stdio: true }), signals: true })
if (url) console.log(`listening ${url}`)
