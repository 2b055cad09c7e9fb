'use strict'

// Requests of the program's own HTTP server: an exchange for each request, and the handlers for servers and frameworks.

const { AsyncResource } = require('node:async_hooks')
const { isIP } = require('node:net')
const { endWhenCollected, streamEnded, updateNeeded } = require('./collected')
const { findPrincipal, principalText } = require('./principal')
const { checkNames, handlerOptions } = require('../options/options')

// The kinds of steps; `src/serve/embed.rs` has the same numbers.
const WAIT = 0
const END = 3
const PRINCIPAL = 4

/** One request until its response is complete. */
class Exchange {
  #bridge
  #number
  #wake

  /** Whether a function finds the principal. */
  isDeferred

  /** `principal` is the principal as JSON text, or the function that finds it; see `prepare`. */
  constructor(bridge, method, version, headers, principal, address) {
    this.#bridge = bridge
    const deferred = typeof principal === 'function'
    this.#number = bridge.engine.exchange(method, version, headers, deferred ? undefined : principal, address, deferred)
    bridge.exchanges.set(this.#number, this)
    if (bridge.collectable && bridge.exchanges.size === 1) updateNeeded(bridge)
    this.isDeferred = deferred
    if (deferred) this.#find = principal
    else this.#enter()
  }

  #find

  /** Sets the context in which calls of this exchange run, unless the client has left already. */
  #enter() {
    if (this.#bridge.exchanges.has(this.#number)) this.#bridge.scopes.set(this.#number, new AsyncResource('TENON_EXCHANGE'))
  }

  /**
   * Finds the principal, if a function does that. The body must not be read before. Returns a promise only if the function
   * does. Then `hasResponse` tells whether the request was refused.
   */
  prepare() {
    const find = this.#find
    if (find === undefined) return undefined
    this.#find = undefined
    const waiting = findPrincipal(this, find, this.#bridge)
    // The function may have changed the context.
    if (waiting === undefined) return void this.#enter()
    return waiting.then(() => this.#enter())
  }

  /** Whether the engine waits for the principal. */
  wantsPrincipal() {
    return this.#peek()?.kind === PRINCIPAL
  }

  /** Sets the principal, or the reason why there is none. */
  setPrincipal(principal, failed) {
    this.#bridge.engine.setPrincipal(this.#number, principal, failed)
    this.wake()
  }

  /** Waits until the exchange may have a next step. */
  woken() {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  /** Adds a piece of the body. Returns whether the response begins already. Then the rest of the body is not needed. */
  feed(data) {
    this.#bridge.engine.feed(this.#number, data)
    return this.hasResponse()
  }

  /** Whether the response begins already. */
  hasResponse() {
    const step = this.#peek()
    return step !== undefined && step.kind !== PRINCIPAL
  }

  /** Declares that the body is complete. */
  end() {
    this.#bridge.engine.feed(this.#number)
  }

  /** The next step, when there is one. */
  async next() {
    for (;;) {
      const step = this.#peek()
      if (step !== undefined) {
        this.#step = undefined
        if (step.kind === END) this.abandon()
        return step
      }
      await this.woken()
    }
  }

  #step

  #peek() {
    if (this.#step !== undefined) return this.#step
    const step = this.#bridge.engine.step(this.#number)
    if (step.kind === WAIT) return undefined
    if (step.kind !== PRINCIPAL) this.#step = step
    return step
  }

  /** Reports that the exchange may have a next step. */
  wake() {
    this.#wake?.()
  }

  /** Drops the exchange: the client has disconnected, or the response is complete. */
  abandon() {
    if (!this.#bridge.exchanges.delete(this.#number)) return
    if (this.#bridge.collectable && this.#bridge.exchanges.size === 0) updateNeeded(this.#bridge)
    for (const number of this.#bridge.engine.forgetExchange(this.#number)) this.#bridge.scopes.delete(number)
    this.#step ??= { kind: END }
    this.wake()
  }
}

/** The client's address, if the HTTP server or the framework knows it. */
function addressOrNothing(address) {
  return typeof address === 'string' ? address : undefined
}

/** A function for `node:http`, Express and Fastify. */
function handlerOf(open, options = {}) {
  const { principal, ...given } = options
  const embedded = handlerOptions('handler', given)
  if (principal !== undefined && typeof principal !== 'function') {
    throw new TypeError('handler: principal must be a function of the request')
  }
  return (request, response, next) => {
    // Fastify wraps the objects of Node. It sends a response itself unless `hijack` is called.
    const fastify = typeof response.hijack === 'function' && response.raw !== undefined
    const [req, res] = fastify ? [request.raw, response.raw] : [request, response]
    if (fastify) {
      // Fastify has the headers of its hooks, which the response of Node does not have yet.
      for (const [name, value] of Object.entries(response.getHeaders())) if (value !== undefined) res.setHeader(name, value)
      response.hijack()
    }
    const failed = (error) => {
      if (typeof next === 'function' && !fastify) return next(error)
      if (res.headersSent) return res.destroy()
      res.statusCode = 500
      res.end()
    }
    // The client left before this was called, and `close` comes only once.
    if (res.destroyed) return
    let exchange
    try {
      exchange = new Exchange(
        open(embedded),
        req.method,
        req.httpVersionMajor,
        // Express cuts the path that the handler is mounted at off `url`.
        [...req.rawHeaders, ':path', req.originalUrl ?? req.url],
        principal && ((details) => principal(request, details)),
        addressOrNothing(request.ip ?? req.socket?.remoteAddress)
      )
    } catch (error) {
      return failed(error)
    }
    res.once('close', () => exchange.abandon())
    runExchange(exchange, req, res, request).catch(failed)
  }
}

/** If the length of a body has at least this many digits, the body is not read before the response is checked. */
const LARGE_DIGITS = String(64 << 10).length

/** Whether the engine may respond before it has read the body. Other requests are not checked for an early response. */
function mayRespondEarly(expect, coding, length) {
  return expect != null || coding != null || length?.length >= LARGE_DIGITS
}

async function runExchange(exchange, req, res, request) {
  try {
    const preparing = exchange.prepare()
    if (preparing !== undefined) await preparing
    const { expect, 'transfer-encoding': coding, 'content-length': length } = req.headers
    if ((exchange.isDeferred || mayRespondEarly(expect, coding, length)) && exchange.hasResponse()) {
      // The body is not needed.
    } else if (!req.readableDidRead) {
      // The stream is not destroyed when the rest is not needed, because the response uses the same connection.
      for await (const chunk of req.iterator({ destroyOnReturn: false })) if (exchange.feed(chunk)) break
    } else {
      // A body parser has read it, and set `request.body`.
      exchange.feed(bodyBytes(request.body))
    }
    exchange.end()
    const head = await exchange.next()
    if (res.destroyed) return
    if (head.kind === END) {
      res.writeHead(503)
      res.end()
      return
    }
    const headers = pairs(head.headers)
    res.writeHead(head.status, headers)
    // A stream may have no events for a long time.
    if (headers['content-length'] === undefined) res.flushHeaders()
    for (let more = true; more; ) {
      const step = await exchange.next()
      more = step.kind !== END && step.more
      if (res.destroyed) return
      if (step.data !== undefined && !res.write(step.data) && more) await untilDrained(res)
    }
    res.end()
  } finally {
    exchange.abandon()
  }
}

function untilDrained(res) {
  return new Promise((resolve) => {
    const done = () => {
      res.off('drain', done)
      res.off('close', done)
      resolve()
    }
    res.on('drain', done)
    res.on('close', done)
  })
}

/** The bytes of a body that a parser has read. */
function bodyBytes(parsed) {
  if (typeof parsed === 'string') return Buffer.from(parsed)
  if (parsed instanceof Uint8Array) return parsed
  if (parsed !== null && typeof parsed === 'object') return Buffer.from(JSON.stringify(parsed))
  throw new TypeError(
    'handler: the body of the request was read before, and request.body is not set: add the handler before the middleware that reads it, or parse the body as JSON'
  )
}

function pairs(flat) {
  const headers = {}
  for (let i = 0; i < flat.length; i += 2) headers[flat[i]] = flat[i + 1]
  return headers
}

/** The options for requests that the program passes to `fetch()`. */
const NO_OPTIONS = Object.freeze({ isSet: false, text: '{}' })

/** Answers a `Request` with a `Response`. */
async function fetchResponse(open, request, options = {}) {
  checkNames('fetch', options, ['principal', 'address'])
  const { principal, address } = options
  if (principal != null && !['string', 'object', 'function'].includes(typeof principal)) {
    throw new TypeError(
      `fetch: principal must be a string, an object with the member subject or a function of the request, not a value of type ${typeof principal}`
    )
  }
  const given = principal == null || typeof principal === 'function' ? undefined : principalText('fetch: principal', principal)
  if (address != null && isIP(String(address).split('%')[0]) === 0) {
    throw new TypeError(`fetch: address must be an IP address without port, not ${JSON.stringify(address)}`)
  }
  if (request.bodyUsed) throw new TypeError('fetch: the body of the request was read before; pass a Request with an unread body')
  const find = typeof principal === 'function' ? (details) => principal(request, details) : given
  const { pathname } = new URL(request.url)
  const exchange = new Exchange(open(NO_OPTIONS), request.method, 1, [...request.headers, [':path', pathname]].flat(), find, address ?? undefined)
  const gone = () => exchange.abandon()
  const { signal } = request
  if (signal?.aborted) gone()
  signal?.addEventListener('abort', gone, { once: true })
  const over = () => {
    signal?.removeEventListener('abort', gone)
    streamEnded(exchange)
    exchange.abandon()
  }
  let head
  try {
    const preparing = exchange.prepare()
    if (preparing !== undefined) await preparing
    if (request.body) await feedBody(exchange, request)
    exchange.end()
    head = await exchange.next()
    if (head.kind === END) {
      signal?.throwIfAborted()
      over()
      return new Response(null, { status: 503 })
    }
  } catch (error) {
    over()
    throw error
  }
  const { status } = head
  const headers = pairs(head.headers)
  // A response that is not a stream is complete at once.
  const whole = headers['content-length'] !== undefined || status === 204 ? await exchange.next() : undefined
  if (whole !== undefined && !whole.more) {
    over()
    return new Response(whole.data?.length > 0 ? whole.data : null, { status, headers })
  }
  return new Response(endWhenCollected(bodyStream(exchange, whole, over), exchange, over), { status, headers })
}

async function feedBody(exchange, { headers, body }) {
  const early = mayRespondEarly(headers.get('expect'), headers.get('transfer-encoding'), headers.get('content-length'))
  if ((exchange.isDeferred || early) && exchange.hasResponse()) {
    body.cancel().catch(() => {})
    return
  }
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    if (exchange.feed(value)) {
      // The request was refused before the end of its body.
      reader.cancel().catch(() => {})
      return
    }
  }
}

/** The body as a stream, which takes the next step when it is read. */
function bodyStream(exchange, first, over) {
  return new ReadableStream(
    {
      async pull(controller) {
        const step = first ?? (await exchange.next())
        first = undefined
        if (step.data !== undefined) controller.enqueue(new Uint8Array(step.data))
        if (step.kind === END || !step.more) {
          over()
          controller.close()
        }
      },
      cancel: over
    },
    { highWaterMark: 0 }
  )
}

module.exports = { handlerOf, fetchResponse }
