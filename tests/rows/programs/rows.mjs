// Uses the rows of the tables from Node.

const { Server } = await import(process.env.ROWS_PACKAGE)
const app = new Server({ name: 'rows', rowSetting: 'the setting of a row' })

app.tool('probe', { rowPolicy: 'a word of the entry' }, (_, ctx) => ctx.rowField)
const http = { unix: process.env.ROWS_SOCKET, allowedOrigins: ['*'], rowHeaders: ['x-row'] }
await app.listen({ stdio: true, http })
