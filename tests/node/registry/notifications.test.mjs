// Notifications that the program sends: updates of resources, changes of lists, its own notifications.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withServer } from '../support/process.mjs'

test('updates and changes reach those who subscribed', async () => {
  const source = `
    const seen = []
    app.resource('test://a', () => 'x')
    for (const hook of ['subscribe', 'unsubscribe']) app.on(hook, ({ uri }) => { seen.push([hook, uri]) })
    app.tool('update', () => { setTimeout(() => app.resourceUpdated('test://a'), 0) })
    app.tool('change', () => { app.listChanged('prompt') })
    app.tool('seen', () => seen)
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    assert.deepEqual((await client.send('resources/subscribe', { uri: 'test://a' })).result, {})
    await client.call('update')
    const note = (name) => client.until(() => client.notes.find(({ method }) => method === name))
    assert.deepEqual((await note('notifications/resources/updated')).params, { uri: 'test://a' })
    await client.call('change')
    await note('notifications/prompts/list_changed')
    assert.deepEqual((await client.send('resources/unsubscribe', { uri: 'test://a' })).result, {})
    let seen
    do seen = JSON.parse(await client.text('seen'))
    while (seen.length < 2)
    assert.deepEqual(seen, [['subscribe', 'test://a'], ['unsubscribe', 'test://a']])
  })
})

test('notifications of a call come before its answer', async () => {
  const source = `
    app.tool('tell', async (_, ctx) => {
      ctx.notify('example/told', { n: [1] })
      ctx.notify('example/bare')
      const told = (method, params) => {
        try {
          ctx.notify(method, params)
          return 'nothing'
        } catch (error) {
          return error.message
        }
      }
      return [told('notifications/progress'), told(5), told('example/x', 5), told('example/x', { a: NaN })]
    })
    await app.listen()`
  await withServer(source, async (client) => {
    await client.initialize()
    const told = JSON.parse(await client.text('tell'))
    assert.match(told[0], /"notifications\/progress" is a notification of the protocol/)
    assert.match(told[1], /method must be a string/)
    assert.match(told[2], /params must be an object/)
    assert.match(told[3], /params\.a is the number NaN/)
    const notes = client.notes.filter(({ method }) => method.startsWith('example/'))
    assert.deepEqual(notes.map(({ method, params }) => [method, params]), [
      ['example/told', { n: [1] }],
      ['example/bare', {}]
    ])
  })
})
