import { Server } from 'tenon-mcp'

const teams = new Map([['key-of-red', 'red'], ['key-of-blue', 'blue']]) // stands for a database

const app = new Server({ name: 'payments', version: '1.0.0' })

app.verifier({ headers: ['x-team-key'] }, async ({ headers }) => {
  const team = teams.get(headers['x-team-key'])
  return team ? { subject: team, scopes: ['pay'] } : null
})

app.authorizer(({ name, arguments: { amount } }) => {
  return name === 'pay' && amount > 100 ? 'a person must confirm amounts above 100' : true
})

app.visible(({ principal, name }) => name !== 'refund' || principal?.subject === 'red')

const input = { type: 'object', properties: { amount: { type: 'number' } }, required: ['amount'] }
app.tool('pay', { input }, ({ amount }) => `paid ${amount}`)
app.tool('refund', { input }, ({ amount }) => `refunded ${amount}`)

const { url } = await app.listen({ http: process.argv[2] ?? '127.0.0.1:8000', signals: true })
console.error(url)
