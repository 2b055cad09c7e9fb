// Customers and their orders: resources that follow what tools do, arguments described by zod.
import { Server, ToolError } from 'tenon-mcp'
import * as z from 'zod'

const CUSTOMERS = 'custom://database/customers'
const ORDERS = 'custom://api/orders'
const customers = [
  { id: 1, name: 'John Doe', email: 'john@example.com' },
  { id: 2, name: 'Jane Smith', email: 'jane@example.com' }
]
const orders = [
  { id: 1, customerId: 1, status: 'completed', amount: 99.99 },
  { id: 2, customerId: 2, status: 'shipped', amount: 149.99 }
]

const app = new Server({ name: 'typescript-server', version: '1.0.0' })

app.resource(CUSTOMERS, { name: 'customers', mimeType: 'application/json' }, () => JSON.stringify(customers, null, 2))
app.resource(ORDERS, { name: 'orders', mimeType: 'application/json' }, () => JSON.stringify(orders, null, 2))

/**
 * Adds a row under the next number, and tells the subscribers of its resource.
 * @template {{ id: number }} Row
 * @param {Row[]} rows
 * @param {string} uri
 * @param {Omit<Row, 'id'>} values
 */
function add(rows, uri, values) {
  const row = /** @type {Row} */ ({ id: rows.length + 1, ...values })
  rows.push(row)
  app.resourceUpdated(uri)
  return JSON.stringify(row)
}

const customer = z.object({ name: z.string().trim().min(1).max(200), email: z.email().max(254) })
app.tool('create_customer', { description: 'Create a new customer record', input: customer }, (values) =>
  `Customer created successfully: ${add(customers, CUSTOMERS, values)}`
)

const order = z.object({ customerId: z.number(), amount: z.number().positive() })
app.tool('place_order', { description: 'Place a new order for a customer', input: order }, ({ customerId, amount }) => {
  if (!customers.some(({ id }) => id === customerId)) throw new ToolError(`Customer with ID ${customerId} not found`)
  return `Order placed successfully: ${add(orders, ORDERS, { customerId, status: 'pending', amount })}`
})

/** Serves HTTP. @param {number | string} [port] or host:port */
async function listen(port = 3000) {
  const { url } = await app.listen({ http: port, signals: true })
  console.log(`MCP Server running on port ${new URL(String(url)).port}: ${url}`)
}

const where = process.argv[2] // `http`, a port, or host:port; stdio without one
if (where) await listen(where === 'http' ? undefined : where)
else await app.listen({ stdio: true, signals: true })
