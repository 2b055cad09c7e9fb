// What both npm clients need for OAuth: what they know of themselves, and a browser.

export const REDIRECT = 'http://127.0.0.1/callback'

/** Opens a page as a browser does, and returns the parameters with which the provider sends it to the client. */
async function visit(page) {
  const cookies = new Map()
  for (let hops = 0; hops < 20; hops++) {
    const headers = { cookie: [...cookies].map((pair) => pair.join('=')).join('; ') }
    const response = await fetch(page, { redirect: 'manual', headers })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
      cookies.set(name, value)
    }
    const next = response.headers.get('location')
    if (next === null) throw new Error(`the provider says ${response.status}: ${await response.text()}`)
    page = new URL(next, page)
    if (page.href.startsWith(REDIRECT)) return page.searchParams
  }
  throw new Error(`too many redirects, to ${page}`)
}

/** An OAuthClientProvider of either library. It keeps all as long as the program runs. */
export class Person {
  redirectUrl = REDIRECT
  #client
  #tokens
  #verifier
  #answer
  #state
  #found

  constructor(name) {
    this.clientMetadata = {
      client_name: name, redirect_uris: [REDIRECT], token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'], response_types: ['code'], application_type: 'native'
    }
  }

  state() {
    this.#state = crypto.randomUUID()
    return this.#state
  }
  clientInformation() { return this.#client }
  saveClientInformation(client) { this.#client = client }
  tokens() { return this.#tokens }
  saveTokens(tokens) { this.#tokens = tokens }
  saveCodeVerifier(verifier) { this.#verifier = verifier }
  codeVerifier() { return this.#verifier }
  saveDiscoveryState(found) { this.#found = found }
  discoveryState() { return this.#found }

  async redirectToAuthorization(page) {
    this.#answer = await visit(page)
    if (this.#answer.get('state') !== this.#state) throw new Error('the provider answers with another state')
  }

  /** The answer of the provider to the last sign-in, once. */
  answer() {
    const answer = this.#answer
    this.#answer = undefined
    return answer
  }
}

/**
 * Connects, calls, signs in each time that the library says so, and prints what came of it as one line of JSON.
 * `connect(transport)` and `call(client, name, args)` are those of the library; `open(options)` makes a transport.
 */
export async function converse(url, person, { open, connect, finish, Unauthorized }) {
  const statuses = []
  const options = {
    authProvider: person,
    fetch: async (input, init) => {
      const response = await fetch(input, init)
      if (String(input?.url ?? input) === url) statuses.push(response.status)
      return response
    }
  }
  let transport = open(new URL(url), options)
  let client

  async function signingIn(act) {
    for (let tries = 0; tries < 3; tries++) {
      try {
        return await act()
      } catch (error) {
        if (!(error instanceof Unauthorized)) throw error
        await finish(transport, person.answer())
      }
    }
    throw new Error('a sign-in does not help')
  }

  client = await signingIn(async () => {
    if (transport.started) {
      await transport.close()
      transport = open(new URL(url), options)
    }
    transport.started = true
    return connect(transport)
  })
  const said = {}
  for (const [name, args] of [['my_orders', {}], ['add_order', { item: 'tea' }], ['my_orders', {}]]) {
    const result = await signingIn(() => client.callTool({ name, arguments: args }))
    said[name] = result.content[0].text
  }
  const { tools } = await client.listTools()
  await client.close()
  const { scope } = person.tokens()
  console.log(JSON.stringify({ said, tools: tools.map(({ name }) => name).sort(), scope, statuses }))
}
