// Many servers in one process: what they share, and that unused ones are freed.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once as event } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Server } from '../../../bindings-node/index.mjs'
import { modern } from '../support/http.mjs'
import { envelope } from '../support/process.mjs'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc')

/** The engine's threads, by name. */
function threads() {
  const names = readdirSync('/proc/self/task').map((task) => {
    try {
      return readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim()
    } catch {
      return ''
    }
  })
  return names.filter((name) => name.startsWith('tenon-')).sort()
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

async function until(done) {
  for (let i = 0; i < 2000 && !done(); i++) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.ok(done(), `it did not happen: ${threads()}`)
}

const yes = () => new Server({ name: 'many' }).tool('yes', () => 'yes')

function request(meta) {
  const params = { name: 'yes', arguments: {}, _meta: { ...envelope(), ...meta } }
  return new Request('http://localhost/mcp', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'accept': 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'yes'
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  })
}

/** A server for one request. */
async function once(server = yes()) {
  const response = await server.fetch(request())
  assert.match(await response.text(), /"yes"/)
}

test('a hundred servers have the threads of one', async () => {
  const servers = []
  const listen = async () => {
    servers.push(yes())
    return (await servers.at(-1).listen({ http: 0 })).url
  }
  const call = async (url) => assert.equal((await modern(url, 'tools/call', { name: 'yes' })).result.content[0].text, 'yes')
  await call(await listen())
  const one = threads()
  assert.ok(one.length < 6, one.join())
  for (let i = 1; i < 100; i++) await call(await listen())
  // A further thread for sockets, and its reserve, may have come: at most four of each.
  assert.ok(threads().length <= 9, threads().join())
  await Promise.all(servers.map((server) => server.close()))
  await until(() => threads().length === 0)
})

test('servers that nobody has any more end', async () => {
  const measure = async (count) => {
    for (let i = 0; i < count; i++) {
      await once()
      if (i % 100 === 99) {
        gc()
        await turn()
      }
    }
    await until(() => {
      gc()
      return threads().length === 0
    })
    return process.memoryUsage().rss
  }
  const before = await measure(500)
  const after = await measure(2000)
  assert.ok(after - before < 32 << 20, `${(after - before) >> 10} KiB more`)
})

test('a server with a request, with a handler for its end, or that somebody has, stays', async () => {
  let ended = 0
  let answer
  const slow = () => new Server({ name: 'slow' }).tool('yes', () => new Promise((resolve) => (answer = resolve)))
  const waits = slow().fetch(request())
  await until(() => answer !== undefined)
  await once(yes().on('stop', () => void ended++))
  const held = yes()
  await once(held)
  for (let i = 0; i < 10; i++) {
    gc()
    await turn()
  }
  answer('yes')
  assert.match(await (await waits).text(), /"yes"/)
  assert.equal(ended, 0)
  await once(held)
  await held.close()
  assert.equal(threads().includes('tenon-timer'), true, 'the one with a handler is there')
})

/** One request through `node:http`. */
async function handled(server) {
  const listener = createServer(server.handler()).listen(0, '127.0.0.1')
  await event(listener, 'listening')
  const { headers, body } = request()
  const url = `http://127.0.0.1:${listener.address().port}/mcp`
  const response = await fetch(url, { method: 'POST', headers: { ...Object.fromEntries(headers), connection: 'close' }, body, duplex: 'half' })
  assert.match(await response.text(), /"yes"/)
  listener.close()
  await event(listener, 'close')
}

for (const [way, use, count] of [
  ['fetch()', once, 500],
  ['handler()', handled, 50]
]) {
  test(`whoever waits for the end of a server of ${way} is told, however often memory is collected`, async () => {
    let [closed, heard] = [0, 0]
    const one = async (wait) => {
      const server = yes()
      const { closed: end } = wait ? server : {}
      void end?.then(() => heard++)
      await use(server)
      await server.close()
      closed++
    }
    for (let i = 0; i < count; i++) void one(i % 2 === 0)
    await until(() => {
      gc()
      return closed === count && heard === count / 2
    })
  })
}

test('a server stays while somebody waits for its end', async () => {
  let [ended, server] = [false, yes()]
  const running = new WeakRef(server)
  await once(server)
  server.closed.then(() => (ended = true))
  server = undefined
  for (let i = 0; i < 10; i++) {
    gc()
    await turn()
  }
  assert.equal(ended, false)
  assert.equal(threads().includes('tenon-timer'), true, 'its engine runs')
  await running.deref()?.close()
})

/** Servers in a call of its own, whose frame holds nothing afterwards. */
function idle(make) {
  const app = new Server({ name: 'app' })
  // It lives as long as its server does.
  const close = () => app.close()
  app.tool('yes', () => (close ? 'yes' : ''))
  const part = make(app)
  return { app, part, close: new WeakRef(close) }
}

async function collect() {
  for (let i = 0; i < 10; i++) {
    gc()
    await turn()
  }
}

for (const [way, mount, stop] of [
  ['a part of which gets', (app, part) => void app.mount(part, 'in'), (_, part, end) => void part.on('stop', end)],
  ['a part of whose part gets', (app, part) => void app.mount(new Server({ name: 'middle' }).mount(part)), (_, part, end) => void part.on('stop', end)],
  ['that has mounted one with', () => {}, (app, part, end) => void app.mount(part.on('stop', end), 'in')]
]) {
  test(`an idle server ${way} a handler for its end stays`, async () => {
    let ended = 0
    const serve = async (stops) => {
      const { app, part, close } = idle((app) => {
        const part = new Server({ name: 'part' })
        mount(app, part)
        return part
      })
      await once(app)
      if (stops) stop(app, part, () => void ended++)
      return { part, close }
    }
    const [stays, goes] = [await serve(true), await serve(false)]
    await until(() => {
      gc()
      return goes.close.deref() === undefined
    })
    await collect()
    assert.equal(ended, 0)
    const close = stays.close.deref()
    assert.notEqual(close, undefined)
    await close()
    // What was mounted after the start was told of that, and so is told of the stop.
    assert.equal(ended, 1)
  })
}

test('a server with a handler for its end that was mounted only before the start keeps nothing', async () => {
  const serve = async () => {
    const { app, close } = idle((app) => {
      const part = new Server({ name: 'part' }).on('stop', () => {})
      app.mount(part, 'in').unmount(part, 'in')
    })
    await once(app)
    return close
  }
  const close = await serve()
  await until(() => {
    gc()
    return close.deref() === undefined
  })
})

for (const [way, isServed, isWithin] of [
  ['that is not served', false, false],
  ['that is served', true, false],
  ['within one that is served', true, true]
]) {
  test(`a part that was unmounted in a server ${way} is collected`, async () => {
    const app = yes()
    const into = isWithin ? new Server({ name: 'middle' }) : app
    if (isWithin) app.mount(into, 'mid')
    if (isServed) await app.listen({ http: 0 })
    const use = async () => {
      const part = new Server({ name: 'part' })
      const handler = () => part.tools.size
      part.tool('size', handler)
      into.mount(part, 'a').mount(part, 'b')
      assert.throws(() => into.mount(part, 'a'), { code: 'TENON_DUPLICATE' })
      into.unmount(part, 'a')
      if (isServed) assert.equal((await app.callTool(isWithin ? 'mid_b_size' : 'b_size')).data, 1)
      into.unmount(part, 'b')
      return new WeakRef(handler)
    }
    const gone = await use()
    await until(() => {
      gc()
      return gone.deref() === undefined
    })
    await app.close()
  })
}

test('a part that was unmounted is collected when its last call has ended', async () => {
  const app = yes()
  await app.listen({ http: 0 })
  let release
  const use = () => {
    const part = new Server({ name: 'part' })
    const handler = () => new Promise((resolve) => (release = resolve))
    // The second waits until the first has ended.
    part.tool('slow', { maxConcurrency: 1 }, handler)
    app.mount(part, 'in')
    const calls = [app.callTool('in_slow'), app.callTool('in_slow')]
    return { gone: new WeakRef(handler), calls, part: new WeakRef(part) }
  }
  const { gone, calls, part } = use()
  await until(() => release !== undefined)
  app.unmount(part.deref(), 'in')
  await collect()
  for (const call of calls) {
    await until(() => release !== undefined)
    assert.notEqual(gone.deref(), undefined)
    const resolve = release
    release = undefined
    resolve('done')
    assert.equal((await call).text, 'done')
    await turn()
  }
  await until(() => {
    gc()
    return gone.deref() === undefined
  })
  await app.close()
})

test('a response of a stream that nobody has any more keeps no server', async () => {
  const cancelled = []
  const serve = async (name) => {
    const app = new Server({ name: 'app' })
    const tool = (_, ctx) => {
      ctx.signal.addEventListener('abort', () => cancelled.push(name))
      ctx.progress(1)
      return new Promise(() => app)
    }
    const response = await app.tool('yes', tool).fetch(request({ progressToken: 1 }))
    assert.match(response.headers.get('content-type'), /event-stream/)
    return [response, new WeakRef(tool)]
  }
  const [[held, stays], gone] = [await serve('held'), (await serve('left'))[1]]
  await until(() => {
    gc()
    return gone.deref() === undefined
  })
  assert.deepEqual(cancelled, ['left'])
  assert.notEqual(stays.deref(), undefined)
  await held.body.cancel()
  await until(() => {
    gc()
    return stays.deref() === undefined
  })
})

test('a program that is started has none of the sockets', async () => {
  const server = yes()
  await server.listen({ http: 0 })
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  await event(child, 'spawn')
  try {
    // The program may close some of its descriptors meanwhile.
    const descriptors = readdirSync(`/proc/${child.pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${child.pid}/fd/${fd}`)]
      } catch (error) {
        if (error.code === 'ENOENT') return []
        throw error
      }
    })
    assert.deepEqual(descriptors.filter((name) => name.startsWith('socket:')), [])
  } finally {
    child.kill()
  }
  await server.close()
})
