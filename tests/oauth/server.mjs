// Orders for those who have a token of the identity provider ISSUER, and with OPEN opening hours for all: server.py in
// JavaScript. With MOUNTED they are a part of an Express application.

import { Server, introspection, jwt } from '../../bindings-node/index.mjs'

const { ISSUER: issuer, PUBLIC_URL: publicUrl, BY: by = 'keys', SECRET: clientSecret, SECONDS: seconds, OPEN: open } = process.env
const verifiers = {
  keys: jwt({ issuer, jwksUrl: `${issuer}/jwks` }),
  questions: introspection({ url: `${issuer}/token/introspection`, issuer, clientId: 'resource-server', clientSecret })
}
const app = new Server({
  name: 'orders', version: '1.0.0', publicUrl, auth: by.split(' ').map((kind) => verifiers[kind]), authorizationServers: issuer, scopes: ['orders:read'],
  limits: seconds ? { tokenCacheTime: seconds * 1000 } : {}
})
const input = { type: 'object', properties: { item: { type: 'string' } }, required: ['item'] }

if (open) app.tool('opening_hours', { public: true }, () => '9 to 17')
app.tool('my_orders', {}, (_, { principal }) => `${principal.subject} has ordered tea`)
app.tool('add_order', { input, scopes: ['orders:write'] }, ({ item }, { principal }) => `${principal.subject} orders ${item}`)

if (process.env.MOUNTED) {
  const { default: express } = await import('express')
  const [web, handler] = [express(), app.handler()]
  web.all('/mcp', handler)
  web.all('/.well-known/oauth-protected-resource/mcp', handler)
  const [host, port] = process.argv[2].split(':')
  web.listen(Number(port), host, () => console.log(`listening http://${host}:${port}/mcp`))
} else {
  const { url } = await app.listen({ http: process.argv[2], signals: true })
  console.log(`listening ${url}`)
}
