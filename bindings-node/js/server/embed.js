'use strict'

// Requests that the program's own HTTP server hands over: one exchange each, and the forms that servers want them in.

const { AsyncResource } = require('node:async_hooks')
const { isIP } = require('node:net')
const { endUnread, keep, read } = require('./collected')
const { only } = require('../options/options')

// Kinds of steps; `src/embed.rs` holds the same numbers.
const WAIT = 0
const END = 3

/** One request on its way to its response. */
class Exchange {
  #bridge
  #number
  #wake

  constructor(bridge, method, version, headers, principal, address) {
    this.#bridge = bridge
    this.#number = bridge.engine.exchange(method, version, headers, principal, address)
    bridge.exchanges.set(this.#number, this)
    if (bridge.collectable && bridge.exchanges.size === 1) keep(bridge)
    bridge.scopes.set(this.#number, new AsyncResource('TENON_EXCHANGE'))
  }

  /** Hands in a piece of the body; says whether the answer begins already, in which case nobody wants the rest. */
  feed(data) {
    this.#bridge.engine.feed(this.#number, data)
    return this.begins()
  }

  /** Whether the answer begins already. */
  begins() {
    return this.#look() !== undefined
  }

  /** The body is complete. */
  end() {
    this.#bridge.engine.feed(this.#number)
  }

  /** What comes next, once there is something. */
  async next() {
    for (;;) {
      const step = this.#look()
      if (step !== undefined) {
        this.#step = undefined
        if (step.kind === END) this.abandon()
        return step
      }
      await new Promise((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #step

  #look() {
    if (this.#step !== undefined) return this.#step
    const step = this.#bridge.engine.step(this.#number)
    if (step.kind !== WAIT) this.#step = step
    return this.#step
  }

  /** There may be more, or an end. */
  wake() {
    this.#wake?.()
  }

  /** The client is gone, or has all there is. */
  abandon() {
    if (!this.#bridge.exchanges.delete(this.#number)) return
    if (this.#bridge.collectable && this.#bridge.exchanges.size === 0) keep(this.#bridge)
    for (const number of this.#bridge.engine.forgetExchange(this.#number)) this.#bridge.scopes.delete(number)
    this.#step ??= { kind: END }
    this.wake()
  }
}

/** An address that the server or the framework gives, which may be none. */
function addressed(address) {
  return typeof address === 'string' ? address : undefined
}

/** What a principal is. */
function checked(principal) {
  if (principal == null) return undefined
  if (typeof principal !== 'string') throw new TypeError('principal must be a string, or nothing')
  return principal
}

/** A function for `node:http`, Express and Fastify. */
function handlerOf(open, options = {}) {
  only('handler', options, ['allowedHosts', 'allowedOrigins', 'allowedHeaders', 'principal'])
  const { principal, ...embedded } = options
  if (principal !== undefined && typeof principal !== 'function') {
    throw new TypeError('handler: principal must be a function of the request')
  }
  return (request, response, next) => {
    // Fastify has its own around those of Node, and answers itself unless it is told.
    const fastify = typeof response.hijack === 'function' && response.raw !== undefined
    const [req, res] = fastify ? [request.raw, response.raw] : [request, response]
    if (fastify) {
      // It keeps what hooks have said until it answers.
      for (const [name, value] of Object.entries(response.getHeaders())) if (value !== undefined) res.setHeader(name, value)
      response.hijack()
    }
    const failed = (error) => {
      if (typeof next === 'function' && !fastify) return next(error)
      if (res.headersSent) return res.destroy()
      res.statusCode = 500
      res.end()
    }
    let exchange
    try {
      exchange = new Exchange(
        open(embedded),
        req.method,
        req.httpVersionMajor,
        req.rawHeaders,
        checked(principal?.(request)),
        addressed(request.ip ?? req.socket?.remoteAddress)
      )
    } catch (error) {
      return failed(error)
    }
    const gone = () => exchange.abandon()
    res.once('close', gone)
    exchanged(exchange, req, res, request.body).catch((error) => {
      exchange.abandon()
      failed(error)
    })
  }
}

/** Digits of the least length of a body that a refusal does not wait for; a look in vain costs little. */
const LONG = String(64 << 10).length

/** Whether the head alone may bring an answer: of other requests the engine reads the body first, and a look would be in vain. */
function isEarly(expect, coding, length) {
  return expect != null || coding != null || length?.length >= LONG
}

async function exchanged(exchange, req, res, parsed) {
  const { expect, 'transfer-encoding': coding, 'content-length': length } = req.headers
  if (isEarly(expect, coding, length) && exchange.begins()) {
    // Nothing of the body is wanted.
  } else if (!req.readableDidRead) {
    // Not destroyed where the rest is not wanted: the answer goes the same way.
    for await (const chunk of req.iterator({ destroyOnReturn: false })) if (exchange.feed(chunk)) break
  } else {
    // Somebody has read it, and left what came of it.
    exchange.feed(again(parsed))
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
  // A stream may say nothing for long.
  if (headers['content-length'] === undefined) res.flushHeaders()
  for (let more = true; more; ) {
    const step = await exchange.next()
    more = step.kind !== END && step.more
    if (res.destroyed) return
    if (step.data !== undefined && !res.write(step.data) && more) await drained(res)
  }
  exchange.abandon()
  res.end()
}

function drained(res) {
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
function again(parsed) {
  if (typeof parsed === 'string') return Buffer.from(parsed)
  if (parsed instanceof Uint8Array) return parsed
  if (parsed !== null && typeof parsed === 'object') return Buffer.from(JSON.stringify(parsed))
  throw new TypeError(
    'handler: the body of the request was read before, and there is no request.body: mount the handler before what reads it, or parse it as JSON'
  )
}

function pairs(flat) {
  const headers = {}
  for (let i = 0; i < flat.length; i += 2) headers[flat[i]] = flat[i + 1]
  return headers
}

/** Answers a `Request` with a `Response`. */
async function fetched(open, request, options = {}) {
  only('fetch', options, ['principal', 'address'])
  const principal = checked(options.principal)
  const { address } = options
  if (address != null && isIP(String(address).split('%')[0]) === 0) {
    throw new TypeError(`fetch: address must be an IP address without port, not ${JSON.stringify(address)}`)
  }
  if (request.bodyUsed) throw new TypeError('fetch: the body of the request was read before')
  const exchange = new Exchange(open({}), request.method, 1, [...request.headers].flat(), principal, address ?? undefined)
  const gone = () => exchange.abandon()
  const { signal } = request
  if (signal?.aborted) gone()
  signal?.addEventListener('abort', gone, { once: true })
  const over = () => {
    signal?.removeEventListener('abort', gone)
    read(exchange)
    exchange.abandon()
  }
  let head
  try {
    if (request.body) await fed(exchange, request)
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
  // What is no stream is there at once.
  const whole = headers['content-length'] !== undefined || status === 204 ? await exchange.next() : undefined
  if (whole !== undefined && !whole.more) {
    over()
    return new Response(whole.data?.length > 0 ? whole.data : null, { status, headers })
  }
  return new Response(endUnread(streamed(exchange, whole, over), exchange, over), { status, headers })
}

async function fed(exchange, { headers, body }) {
  const early = isEarly(headers.get('expect'), headers.get('transfer-encoding'), headers.get('content-length'))
  if (early && exchange.begins()) {
    body.cancel().catch(() => {})
    return
  }
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    if (exchange.feed(value)) {
      // Refused before its end.
      reader.cancel().catch(() => {})
      return
    }
  }
}

/** The body, made as it is read. */
function streamed(exchange, first, over) {
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

module.exports = { handlerOf, fetched }
