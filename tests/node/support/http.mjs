// Talks to a server over HTTP, in either era.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { envelope } from './process.mjs'

/** Runs `use` with the address of a server of Node's. */
export async function serving(listener, use) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await use(`http://127.0.0.1:${server.address().port}/mcp`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

/** Runs `use` with the address of an application that listens on HTTP. */
export async function listening(app, options, use) {
  const { url } = await app.listen(options)
  try {
    return await use(url)
  } finally {
    await app.close()
  }
}

/** One POST; resolves with status, headers and the messages of the answer, be it JSON or an event stream. */
export async function post(url, message, headers = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'accept': 'application/json, text/event-stream', ...headers },
    body: JSON.stringify({ jsonrpc: '2.0', ...message })
  })
  const body = await response.text()
  const events = response.headers.get('content-type')?.startsWith('text/event-stream')
  const texts = events ? [...body.matchAll(/^data: (.+)$/gm)].map(([, data]) => data) : body === '' ? [] : [body]
  return { status: response.status, headers: response.headers, messages: texts.map((text) => JSON.parse(text)) }
}

let next = 1

/** A request of the modern era, which stands alone; resolves with its response. */
export async function modern(url, method, params = {}, capabilities) {
  const meta = { ...envelope(capabilities), ...params._meta }
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method }
  if (params.name !== undefined) headers['mcp-name'] = params.name
  const { messages } = await post(url, { id: next++, method, params: { ...params, _meta: meta } }, headers)
  return messages.at(-1)
}

/** Opens a legacy session; the function returned sends requests in it. */
export async function session(url, capabilities = {}) {
  const version = '2025-11-25'
  const params = { protocolVersion: version, capabilities, clientInfo: { name: 'client', version: '1' } }
  const opened = await post(url, { id: next++, method: 'initialize', params })
  const headers = { 'mcp-session-id': opened.headers.get('mcp-session-id'), 'mcp-protocol-version': version }
  await post(url, { method: 'notifications/initialized' }, headers)
  const request = async (method, params) => (await post(url, { id: next++, method, params }, headers)).messages.at(-1)
  return Object.assign(request, { id: headers['mcp-session-id'], headers })
}
