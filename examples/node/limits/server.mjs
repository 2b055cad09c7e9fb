// Weather whose callers are limited, from a service that may be down.
import { setTimeout } from 'node:timers/promises'
import { Server } from 'tenon-mcp'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

const app = new Server({
  name: 'weather',
  version: '1.0.0',
  rateLimit: { amount: 600, per: MINUTE, by: 'address' }
})

const input = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }

app.tool(
  'forecast',
  {
    description: 'The forecast for a city.',
    input,
    rateLimit: ['10/s', { amount: 60, per: MINUTE, by: 'principal' }]
  },
  async ({ city }) => {
    await setTimeout(10) // A request to a weather service.
    return `sunny in ${city}`
  }
)

app.tool(
  'report',
  {
    description: 'A long report, which each city has at most twice an hour.',
    input,
    rateLimit: {
      amount: 2,
      per: HOUR,
      by: 'arguments.city',
      refusal: 'result',
      text: 'It is written. Ask again in {wait} s.'
    }
  },
  ({ city }) => `all about the weather in ${city}`
)

let measurements = 0
app.tool(
  'temperature',
  {
    description: 'The temperature in a city, measured once a minute for all callers.',
    input,
    cache: { ttl: MINUTE, public: true, staleIfError: 10 * MINUTE }
  },
  ({ city }) => `${15 + ++measurements / 10} °C in ${city}`
)

const text = { type: 'string' }
app.tool(
  'warnings',
  {
    description: 'The warnings for a country.',
    input: { type: 'object', properties: { country: text }, required: ['country'] },
    // A failed request is not repeated at once, so that the service of this country can recover.
    circuitBreaker: {
      failures: 3,
      openFor: MINUTE,
      by: 'arguments.country',
      text: 'No service for {country} for {wait} s.'
    }
  },
  ({ country }) => {
    if ((process.env.DOWN ?? '').split(' ').includes(country)) throw new Error('the service does not answer')
    return `no warnings for ${country}`
  }
)

await app.listen({ stdio: true, signals: true })
