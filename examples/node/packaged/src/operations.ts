// Users can be created, changed and deleted.
import { Server, ToolError, ToolResult } from 'tenon-mcp'
import * as z from 'zod'
import { type Data, uri } from './data.js'

const name = z.string().min(1).max(200)
const email = z.email().max(254)
const user_id = z.int()

export function addTools(app: Server, data: Data) {
  const changed = () => app.resourceUpdated(uri('users'))
  const missing = (id: number) => new ToolError(`Error: there is no user ${id}`)

  const create = z.object({ name, email, role: z.enum(['user', 'admin']).default('user') })
  app.tool('create_user', { description: 'Tool for create user', input: create }, (fields) => {
    const user = data.createUser(fields)
    changed()
    return new ToolResult({ content: `Created user: ${fields.name}`, structuredContent: { ...user, status: 'created' } })
  })

  const update = z.object({ user_id, name: name.optional(), email: email.optional() })
  app.tool('update_user', { description: 'Tool for update user', input: update }, ({ user_id: id, ...given }) => {
    const fields: Record<string, string> = {}
    for (const [field, value] of Object.entries(given)) if (value !== undefined) fields[field] = value
    if (!data.updateUser(id, fields)) throw missing(id)
    changed()
    const structuredContent = { id, updated_fields: Object.keys(fields), status: 'updated' }
    return new ToolResult({ content: `Updated user: ${id}`, structuredContent })
  })

  const remove = z.object({ user_id })
  const about = { description: 'Tool for delete user', annotations: { destructiveHint: true }, input: remove }
  app.tool('delete_user', about, ({ user_id: id }) => {
    if (!data.deleteUser(id)) throw missing(id)
    changed()
    return new ToolResult({ content: `Deleted user: ${id}`, structuredContent: { id, status: 'deleted' } })
  })
}
