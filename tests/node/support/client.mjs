// Talks to a server in this process.

import { Client } from '../../../bindings-node/testing.mjs'

/** Runs `use` with a client of the server, which is closed afterwards. */
export async function using(app, options, use) {
  const client = new Client(app, options)
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}
