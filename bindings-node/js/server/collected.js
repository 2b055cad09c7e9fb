'use strict'

// Ends the engines of servers that only answer requests of the program's own server, once nothing references these servers.

/** Bridges that stay even if nothing references them: they have a request, a handler for their end, or a waiter for it. */
const kept = new Set()

const collected = new FinalizationRegistry(({ engine, forget }) => {
  forget()
  engine.closeNow()
})

const unread = new FinalizationRegistry((over) => over())

/** Calls `over`, which must not have the stream, once nobody has that, unless `read` is called with the exchange before. */
function endUnread(stream, exchange, over) {
  unread.register(stream, over, exchange)
  return stream
}

/** The stream of an exchange has ended, so it keeps nothing alive. */
function read(exchange) {
  unread.unregister(exchange)
}

/** What leaves a bridge when the process exits, and does not keep it until then. */
function leaver(bridge) {
  const weak = new WeakRef(bridge)
  return () => weak.deref()?.abandon()
}

/** Ends the engine of a bridge once nobody has that; `forget` lets go of what else was kept for it. */
function endWithout(bridge, forget) {
  collected.register(bridge, { engine: bridge.engine, forget }, bridge)
  keep(bridge)
}

/** The bridge has ended by itself. */
function ended(bridge) {
  collected.unregister(bridge)
  kept.delete(bridge)
  bridge.collectable = bridge.awaited = false
}

/** Keeps a bridge while it is needed. To be called when that may have changed. */
function keep(bridge) {
  if (bridge.exchanges.size > 0 || bridge.awaited || bridge.needsEnd) kept.add(bridge)
  else kept.delete(bridge)
}

/** Keeps a bridge until its end, for which somebody waits. Whoever waits hangs on the bridge alone. */
function awaitEnd(bridge) {
  bridge.awaited = true
  if (bridge.collectable) keep(bridge)
}

module.exports = { awaitEnd, ended, endUnread, endWithout, keep, leaver, read }
