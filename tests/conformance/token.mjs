// Preloaded into the conformance suite: its client sends the token in TENON_SUITE_TOKEN with every request, as a client does
// that has logged in.

import { subscribe } from 'node:diagnostics_channel'
import http from 'node:http'

const authorization = `Bearer ${process.env.TENON_SUITE_TOKEN}`

// `fetch` and the package undici tell here of each request before it is sent.
subscribe('undici:request:create', ({ request }) => {
  request.addHeader('authorization', authorization)
})

const { request } = http
http.request = (...options) => {
  const made = request(...options)
  made.setHeader('authorization', authorization)
  return made
}
