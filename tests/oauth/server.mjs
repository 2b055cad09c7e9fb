// Orders for those who have a token of the identity provider ISSUER, and with OPEN opening hours for all: server.py in
// JavaScript.

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

const { url } = await app.listen({ http: process.argv[2], signals: true })
console.log(`listening ${url}`)
