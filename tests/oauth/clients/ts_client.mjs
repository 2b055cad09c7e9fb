// npm `@modelcontextprotocol/client` with its own OAuth: `ts_client.mjs ERA URL`.

import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client'
import { Person, converse } from './sign_in.mjs'

const [era, url] = process.argv.slice(2)

await converse(url, new Person(`ts-${era}`), {
  open: (address, options) => new StreamableHTTPClientTransport(address, options),
  connect: async (transport) => {
    const mode = era === 'modern' ? 'auto' : 'legacy'
    const client = new Client({ name: 'auth', version: '1.0.0' }, { versionNegotiation: { mode } })
    await client.connect(transport)
    return client
  },
  finish: (transport, answer) => transport.finishAuth(answer),
  Unauthorized: UnauthorizedError
})
