// npm `@modelcontextprotocol/sdk` with its own OAuth: `sdk_client.mjs legacy URL`.

import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { Person, converse } from './sign_in.mjs'

const [era, url] = process.argv.slice(2)

await converse(url, new Person(`sdk-${era}`), {
  open: (address, options) => new StreamableHTTPClientTransport(address, options),
  connect: async (transport) => {
    const client = new Client({ name: 'auth', version: '1.0.0' })
    await client.connect(transport)
    return client
  },
  finish: (transport, answer) => transport.finishAuth(answer.get('code')),
  Unauthorized: UnauthorizedError
})
