'use strict'

// Some servers only answer requests of the program's own HTTP server. This module ends them once nothing references them.

/** Bridges that must stay: they have a request or a handler for their end, or something waits for their end. */
const neededBridges = new Set()

const collectedBridges = new FinalizationRegistry(({ engine, forget }) => {
  forget()
  engine.closeNow()
})

const unreadStreams = new FinalizationRegistry((over) => over())

/** Calls `over` once the stream is collected, unless `streamEnded` was called before. `over` must not reference the stream. */
function endWhenCollected(stream, exchange, over) {
  unreadStreams.register(stream, over, exchange)
  return stream
}

/** Reports that the stream of an exchange has ended. */
function streamEnded(exchange) {
  unreadStreams.unregister(exchange)
}

/** A function that abandons a bridge. It does not keep the bridge. */
function abandonFunction(bridge) {
  const weak = new WeakRef(bridge)
  return () => weak.deref()?.abandon()
}

/** Ends the engine of a bridge once the bridge is collected. `forget` then releases everything else that was kept for it. */
function closeWhenCollected(bridge, forget) {
  collectedBridges.register(bridge, { engine: bridge.engine, forget }, bridge)
  updateNeeded(bridge)
}

/** Reports that the server of a bridge has ended. */
function serverEnded(bridge) {
  collectedBridges.unregister(bridge)
  neededBridges.delete(bridge)
  bridge.collectable = bridge.awaited = false
}

/** Keeps a bridge while it is needed. Call this when that may have changed. */
function updateNeeded(bridge) {
  if (bridge.exchanges.size > 0 || bridge.awaited || bridge.needsStop) neededBridges.add(bridge)
  else neededBridges.delete(bridge)
}

/** Keeps a bridge until its end, because a promise waits for that end. */
function awaitEnd(bridge) {
  bridge.awaited = true
  if (bridge.collectable) updateNeeded(bridge)
}

module.exports = { abandonFunction, awaitEnd, closeWhenCollected, endWhenCollected, serverEnded, streamEnded, updateNeeded }
