// The metadata of a protected resource, whose path the program routes to the handler (RFC 9728).
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { Server, jwt } from '../../../bindings-node/index.mjs'

const WELL_KNOWN = '/.well-known/oauth-protected-resource'
const ISSUER = 'https://login.example'
const CREDENTIALS = { authorization: 'Bearer wrong' }

function guarded() {
  const verifier = jwt({ issuer: ISSUER, audience: 'https://shop.example/mcp', secret: 'a secret of at least 32 bytes...' })
  return new Server({ name: 'shop', auth: [verifier] })
}

async function checkDocument(response, resource) {
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('access-control-allow-origin'), '*')
  const document = await response.json()
  assert.deepEqual([document.resource, document.authorization_servers], [resource, [ISSUER]])
}

function checkChallenge(response, metadata) {
  assert.equal(response.status, 401)
  const challenge = response.headers.get('www-authenticate')
  assert.ok(challenge.includes(`resource_metadata="${metadata}"`), challenge)
}

test('a handler knows by the path that the metadata is asked for', async () => {
  const app = guarded()
  const handler = app.handler()
  const server = createServer((request, response) => {
    // As Express does for a handler that is mounted with `use`.
    if (request.url.startsWith('/mounted')) {
      request.originalUrl = request.url
      request.url = request.url.slice('/mounted'.length) || '/'
    }
    handler(request, response)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${server.address().port}`
  try {
    await checkDocument(await fetch(`${origin}${WELL_KNOWN}/mcp?a=b`), `${origin}/mcp`)
    checkChallenge(await fetch(`${origin}/mcp`, { headers: CREDENTIALS }), `${origin}${WELL_KNOWN}/mcp`)
    checkChallenge(await fetch(`${origin}/mounted`, { headers: CREDENTIALS }), `${origin}${WELL_KNOWN}/mounted`)
  } finally {
    server.closeAllConnections()
    server.close()
    await app.close()
  }
})

test('fetch knows by the URL that the metadata is asked for', async () => {
  const app = guarded()
  const ask = (path, headers) => app.fetch(new Request(`http://shop.example${path}`, { headers: { host: 'shop.example', ...headers } }))
  try {
    await checkDocument(await ask(`${WELL_KNOWN}/mcp`), 'http://shop.example/mcp')
    checkChallenge(await ask('/mcp?a=b', CREDENTIALS), `http://shop.example${WELL_KNOWN}/mcp`)
  } finally {
    await app.close()
  }
})
