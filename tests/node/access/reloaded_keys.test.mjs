// Keys in a settings file that is reloaded.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Server, Settings } from '../../../bindings-node/index.mjs'
import { listening } from '../support/http.mjs'
import { envelope } from '../support/process.mjs'

const KEYS = ['key-of-ann-in-march', 'key-of-ann-in-april']
const SECRETS = ['a secret for tests, of 32 bytes.', 'another secret, also of 32 bytes']
const ISSUER = 'https://login.example'
const AUDIENCE = 'https://shop.example/mcp'

const bearer = (credentials) => ({ authorization: `Bearer ${credentials}` })
/** A verifier with one key. It begins in line 5 of the file. */
const key = (value, more = '') =>
  `[[server.auth]]\ntype = "api_keys"\nkeys = [{ subject = "ann", value = "${value}" }]\n${more}`
const signed = (options) =>
  `[[server.auth]]\ntype = "jwt"\nissuer = "${ISSUER}"\naudience = "${AUDIENCE}"\n${options}\n`

/** A JSON Web Token with HS256. */
function token(secret) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'ann', exp: Math.floor(Date.now() / 1000) + 600 }
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

/** A client with one connection at a time. A refusal closes it, and the next request opens another one. */
class Peer {
  constructor(url) {
    this.url = url
    this.agent = new Agent({ keepAlive: true, maxSockets: 1 })
  }

  async post(method, params, headers) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: envelope() } })
    const all = {
      'content-type': 'application/json',
      'accept': 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(params.name && { 'mcp-name': params.name }),
      ...headers
    }
    return new Promise((resolve, reject) => {
      const sent = request(this.url, { method: 'POST', agent: this.agent, headers: all })
      sent.on('error', reject).on('response', async (response) => {
        let text = ''
        for await (const part of response.setEncoding('utf8')) text += part
        // The agent takes the connection back after the end of the response.
        const answer = { status: response.statusCode, message: JSON.parse(text), reused: sent.reusedSocket }
        setImmediate(() => resolve(answer))
      })
      sent.end(body)
    })
  }

  async status(headers) {
    const { status, message } = await this.post('tools/call', { name: 'a', arguments: {} }, headers)
    assert.equal('result' in message, status === 200, JSON.stringify(message))
    return status
  }

  /** The status of a call on the connection that is open, without another one. */
  async statusThere(headers) {
    const { status, reused } = await this.post('tools/call', { name: 'a', arguments: {} }, headers)
    assert.ok(reused, 'it is another connection')
    return status
  }

  async hasPages(headers) {
    return 'nextCursor' in (await this.post('tools/list', {}, headers)).message.result
  }
}

/** Runs `use` with a folder, and with a function that writes the settings file into it. */
async function inFolder(use) {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-keys-'))
  const write = (auth, pageSize = 1) => {
    writeFileSync(join(folder, 'app.toml'), `[server]\nname = "shop"\n[limits]\npage_size = ${pageSize}\n${auth}`)
  }
  const peers = []
  /** A connection that keeps these credentials, because it has sent them several times. */
  const used = async (url, headers) => {
    peers.push(new Peer(url))
    assert.equal(await peers.at(-1).status(headers), 200)
    for (let count = 0; count < 2; count++) assert.equal(await peers.at(-1).statusThere(headers), 200)
    return peers.at(-1)
  }
  try {
    return await use({ folder, write, used })
  } finally {
    for (const { agent } of peers) agent.destroy()
    rmSync(folder, { recursive: true })
  }
}

function shop(folder) {
  const settings = new Settings({ file: join(folder, 'app.toml'), prefix: '' })
  return new Server({ settings, log: null }).tool('a', () => 'a').tool('b', () => 'b')
}

/** Each writes the keys of one month, and returns the headers that these keys accept. */
const MONTHS = {
  'as bearers': ({ write }, month) => {
    write(key(KEYS[month]))
    return bearer(KEYS[month])
  },
  'in a header': ({ write }, month) => {
    write(key(KEYS[month], 'header = "x-api-key"\n'))
    return { 'x-api-key': KEYS[month] }
  },
  'in files': ({ folder, write }, month) => {
    writeFileSync(join(folder, 'key'), `${KEYS[month]}\n`)
    write(key(join(folder, 'key')).replace('value', 'file'))
    return bearer(KEYS[month])
  },
  'of tokens': ({ write }, month) => {
    write(signed(`secret = "${SECRETS[month]}"`))
    return bearer(token(SECRETS[month]))
  }
}

for (const [kind, months] of Object.entries(MONTHS)) {
  test(`a reload replaces keys ${kind}`, () =>
    inFolder(async (place) => {
      const old = months(place, 0)
      const app = shop(place.folder)
      await listening(app, { http: '127.0.0.1:0' }, async (url) => {
        const first = await place.used(url, old)
        const second = await place.used(url, old)
        const now = months(place, 1)
        assert.equal(await first.statusThere(old), 200, 'the files alone change nothing')
        app.settings.reload()
        assert.equal(await first.statusThere(old), 401)
        assert.equal(await first.status(old), 401)
        assert.equal(await second.statusThere(now), 200)
        assert.equal(await second.statusThere(old), 401)
        assert.equal(await second.status(now), 200)
      })
    }))
}

test('wrong keys change nothing', () =>
  inFolder(async ({ folder, write, used }) => {
    const [old, now] = KEYS.map(bearer)
    write(key(KEYS[0]))
    const app = shop(folder)
    const secret = `secret = "${SECRETS[0]}"`
    const cases = [
      [key('short-1'), 'TENON_STATE', /line 7: server\.auth: auth\[0\]\.keys\[0\]: the key has 7 bytes/],
      [signed('secret = "short-1"'), 'TENON_STATE', /line 9: server\.auth: auth\[0\]\.secret: the secret has 7 bytes/],
      [signed(`${secret}\nalgorithms = ["HS255"]`), 'TENON_INVALID', /line 10: server\.auth\[0\]\.algorithms: there is no word "HS255"/],
      [signed(`${secret}\nalgorithms = ["RS256"]`), 'TENON_STATE', /line 5: server\.auth: .*: none of the algorithms can be used with the keys/]
    ]
    await listening(app, { http: '127.0.0.1:0' }, async (url) => {
      const peer = await used(url, old)
      for (const [auth, code, said] of cases) {
        write(auth, 2)
        assert.throws(
          () => app.settings.reload(),
          (error) => {
            assert.equal(error.code, code)
            assert.match(error.message, /app\.toml, line /)
            assert.match(error.message, said)
            assert.ok(!['short-1', SECRETS[0]].some((each) => error.message.includes(each)))
            return true
          }
        )
        assert.equal(app.settings.get('limits.page_size'), 1)
        assert.equal(await peer.statusThere(old), 200)
        assert.ok(await peer.hasPages(old))
      }
      // Without the mistake both change.
      write(key(KEYS[1]), 2)
      app.settings.reload()
      assert.equal(await peer.statusThere(old), 401)
      assert.equal(await peer.status(now), 200)
      assert.ok(!(await peer.hasPages(now)))
    })
  }))
