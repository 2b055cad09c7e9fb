// Orders that only their readers see and only an admin cancels, audited. The keys are in READER_KEY and ADMIN_KEY.
import { NotFound, Server, apiKeys } from 'tenon-mcp'

const reader = { subject: 'reader', env: 'READER_KEY', scopes: ['orders:read'] }
const admin = { subject: 'ann', env: 'ADMIN_KEY', scopes: ['orders:read'], roles: ['admin'] }
const app = new Server({ name: 'secure', version: '1.0.0', auth: [apiKeys({ keys: [reader, admin] })] })
const orders = new Map([['1', 'tea'], ['2', 'cups']])
const input = { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] }

app.tool('opening_hours', { description: 'When the shop is open.', public: true }, () => '9 to 17')

app.tool('order', { description: 'What was ordered.', input, scopes: ['orders:read'] }, ({ id }) => {
  const order = orders.get(id)
  if (order === undefined) throw new NotFound(`order ${id}`)
  return order
})

app.tool('cancel_order', { description: 'Cancel an order.', input, roles: ['admin'], audit: ['id'] }, ({ id }, { principal }) => {
  if (!orders.delete(id)) throw new NotFound(`order ${id}`)
  return `${principal?.subject} cancelled order ${id}`
})

const { url } = await app.listen({ http: process.argv[2] ?? '127.0.0.1:8000', signals: true })
console.log(`listening ${url}`)
