// Concurrency limits of callers and of values of arguments.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Server } from '../../../bindings-node/index.mjs'
import { Client } from '../../../bindings-node/testing.mjs'

const input = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false }

function visits(maxConcurrencyBy, handler) {
  const app = new Server({ name: 'visits', log: () => {} })
  app.tool('visit', { input, maxConcurrency: 3, maxConcurrencyBy }, handler)
  return app
}

for (const revision of ['2025-11-25', '2026-07-28']) {
  test(`a call waits only for calls with its value in ${revision}`, async () => {
    const running = []
    const visit = ({ city }) => new Promise((resolve) => running.push({ city, end: () => resolve(city) }))
    const client = new Client(visits({ 'arguments.city': 1, principal: 2 }, visit), { revision })
    try {
      const calls = ['Rome', 'Rome', 'Oslo'].map((city) => client.callTool('visit', { city }))
      while (running.length < 2) await client.listTools()
      assert.deepEqual(running.map(({ city }) => city).sort(), ['Oslo', 'Rome'])
      running.find(({ city }) => city === 'Rome').end()
      assert.equal((await calls[0]).text, 'Rome')
      while (running.length < 3) await client.listTools()
      for (const { end } of running) end()
      assert.deepEqual((await Promise.all(calls)).map(({ text }) => text), ['Rome', 'Rome', 'Oslo'])
    } finally {
      await client.close()
    }
  })
}

for (const [limits, text] of [
  [5, 'maxConcurrencyBy must be an object with a positive integer for each key, not 5'],
  [{}, 'maxConcurrencyBy must have 1 to 4 keys'],
  [{ principal: 0 }, 'must be a positive integer, not 0'],
  [{ entry: 1 }, 'tells no calls of one entry apart; use maxConcurrency'],
  [{ user: 1 }, 'there is no key "user"'],
  [{ 'arguments.town': 1 }, 'there is no argument "town"; the nearest name is "city"']
]) {
  test(`the limits ${JSON.stringify(limits)} are refused`, () => {
    assert.throws(() => visits(limits, () => ''), (error) => {
      assert.ok(error.message.includes(text), error.message)
      return true
    })
  })
}
