// Payments that the user confirms and that are recorded in the file that the first argument names.
import { Server } from 'tenon-mcp'

const app = new Server({ name: 'payments', version: '1.0.0', audit: process.argv[2] ?? 'log' })

const input = {
  type: 'object',
  properties: { account: { type: 'string' }, amount: { type: 'number' } },
  required: ['account', 'amount']
}
app.tool(
  'transfer',
  { description: 'Transfer money to an account.', input, audit: ['account'], confirm: 'Transfer the money?' },
  ({ account, amount }) => `transferred ${amount} to ${account}`
)

await app.listen({ stdio: true, signals: true })
