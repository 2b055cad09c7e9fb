// An identity provider of another maker, npm `oidc-provider`, on a free port of this machine. It signs everybody in as `ann`.
//
// It prints `listening URL`, which is its issuer, and ends on SIGTERM. Tests control it at /test:
//   POST /test/keys      ["rsa-1", "ec-1"]                  publishes these keys; the private ones are made when first named
//   POST /test/resource  {"resource", "kid", "format"}      the tokens for a resource: the key that signs, `jwt` or `opaque`
//   POST /test/reset     null                               keys and resources are as at the start
//   GET  /test/log                                          what was asked of the endpoints so far

import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { Provider } from 'oidc-provider'

const READ = 'orders:read'
const SCOPES = [READ, 'orders:write']
const REDIRECT = 'http://127.0.0.1/callback'
/** The members of the log that tests look at, beside those that are secret. */
const LOGGED = ['grant_type', 'resource', 'scope', 'code_challenge_method', 'redirect_uri']
const SECRET = ['code', 'code_verifier', 'client_secret', 'refresh_token']
const CLIENTS = [
  { client_id: 'person', application_type: 'native', token_endpoint_auth_method: 'none', redirect_uris: [REDIRECT] },
  {
    client_id: 'robot', client_secret: 'secret-of-the-robot', grant_types: ['client_credentials'],
    response_types: [], redirect_uris: []
  },
  // The client that a server of MCP is when it asks about tokens.
  { client_id: 'resource-server', client_secret: 'secret of: the server', grant_types: [], response_types: [], redirect_uris: [] }
]

const made = new Map()
const resources = new Map()
const stored = new Map()
const log = []
/** The clients that may have all scopes: `ann` lets a new client only read, whatever it asks for. */
const known = new Set(['person'])
let provider

/** The private key with this name, whose first letters say its kind. */
function key(kid) {
  if (!made.has(kid)) {
    const [kind, options] = kid.startsWith('ec') ? ['ec', { namedCurve: 'P-256' }] : ['rsa', { modulusLength: 2048 }]
    const jwk = generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' })
    made.set(kid, { ...jwk, kid, use: 'sig', alg: algorithm(kid) })
  }
  return made.get(kid)
}

const algorithm = (kid) => kid.startsWith('ec') ? 'ES256' : 'RS256'

/** What the provider keeps: it outlives a rotation, for which the library needs a new instance. */
class Storage {
  constructor(model) {
    this.model = model
  }
  at(id) {
    return `${this.model}:${id}`
  }
  async upsert(id, payload) {
    stored.set(this.at(id), payload)
    if (this.model === 'Session') stored.set(`uid:${payload.uid}`, id)
  }
  async find(id) {
    return stored.get(this.at(id))
  }
  async findByUid(uid) {
    return this.find(stored.get(`uid:${uid}`))
  }
  async consume(id) {
    stored.get(this.at(id)).consumed = Math.floor(Date.now() / 1000)
  }
  async destroy(id) {
    stored.delete(this.at(id))
  }
  async revokeByGrantId(grantId) {
    for (const [at, payload] of stored) if (payload.grantId === grantId) stored.delete(at)
  }
}

function publish(kids) {
  const next = new Provider(issuer, {
    adapter: Storage,
    clients: CLIENTS,
    jwks: { keys: kids.map(key) },
    cookies: { keys: ['a key for the cookies of tests'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: { enabled: true, getResourceServerInfo: tokensFor }
    }
  })
  next.use(async (context, after) => {
    await after()
    const { route, client, params = {} } = context.oidc ?? {}
    const shown = LOGGED.filter((name) => params[name] !== undefined).map((name) => [name, params[name]])
    const hidden = SECRET.filter((name) => params[name] !== undefined)
    log.push({ route, path: context.path, status: context.status, client: client?.clientId, ...Object.fromEntries(shown), hidden })
  })
  provider = next
}

function reset() {
  resources.clear()
  publish(['rsa-1', 'ec-1'])
}

function tokensFor(_, resource) {
  const { kid = 'rsa-1', format = 'jwt' } = resources.get(resource) ?? {}
  return {
    scope: SCOPES.join(' '), audience: resource, accessTokenTTL: 600, accessTokenFormat: format,
    jwt: { sign: { alg: algorithm(kid), kid } }
  }
}

/** Signs in and consents, as `ann` would in a browser. */
async function approve(request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response)
  if (prompt.name === 'login') {
    await provider.interactionFinished(request, response, { login: { accountId: 'ann' } })
    return
  }
  const { missingOIDCScope, missingOIDCClaims, missingResourceScopes = {} } = prompt.details
  const grant = (grantId && await provider.Grant.find(grantId)) ||
    new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '))
  if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims)
  for (const [resource, scopes] of Object.entries(missingResourceScopes)) {
    for (const scope of scopes) {
      if (known.has(params.client_id) || scope === READ) grant.addResourceScope(resource, scope)
      else grant.rejectResourceScope(resource, scope)
    }
  }
  known.add(params.client_id)
  const consent = { grantId: await grant.save() }
  await provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true })
}

async function control(path, request) {
  if (path === '/test/log') return log
  const value = JSON.parse(await text(request))
  if (path === '/test/keys') publish(value)
  else if (path === '/test/resource') resources.set(value.resource, value)
  else reset()
  return {}
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, issuer)
  try {
    if (pathname.startsWith('/test/')) {
      response.setHeader('Content-Type', 'application/json')
      response.end(JSON.stringify(await control(pathname, request)))
    } else if (pathname.startsWith('/interaction/')) {
      await approve(request, response)
    } else {
      if (pathname === '/reg' && request.method === 'POST') {
        // A client that registers for the scopes of its first challenge could not ask for others later. RFC 7591 lets a
        // server leave them out.
        const { scope, ...metadata } = JSON.parse(await text(request))
        request.body = metadata
      }
      await provider.callback()(request, response)
    }
  } catch (error) {
    console.error(error)
    response.statusCode = 500
    response.end(String(error))
  }
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const issuer = `http://127.0.0.1:${server.address().port}`
reset()
process.once('SIGTERM', () => process.exit(0))
console.log(`listening ${issuer}`)
