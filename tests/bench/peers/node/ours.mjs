// Two more servers of the bench in Node on this engine: with `--zod` the schema of `echo` is one of zod, whose own check
// runs as well; with `--list` there are a hundred tools. Serves stdio, or with `--http HOST:PORT` HTTP, and then prints
// `listening URL`.

import { Server } from 'tenon-mcp'
import { schema, zodSchema } from './schemas.mjs'

const args = process.argv.slice(2)
const app = new Server({ name: 'bench', version: '1.0.0' })
const description = 'Return the text unchanged.'

if (args.includes('--list')) {
  for (let number = 0; number < 100; number++) {
    app.tool(`echo_${number}`, { description, input: schema }, ({ text }) => text)
  }
} else {
  app.tool('echo', { description, input: args.includes('--zod') ? zodSchema : schema }, ({ text }) => text)
}

const http = args.indexOf('--http')
if (http >= 0) {
  const { url } = await app.listen({ http: args[http + 1], signals: true })
  console.log(`listening ${url}`)
} else {
  await app.listen({ stdio: true, signals: true })
}
