'use strict'

// The server as a program sees it: data until it listens.

const { Bridge } = require('./bridge')
const { beforeExit } = require('./exit')
const { Engine } = require('./native')
const { listenOptions, serverOptions, toolOptions } = require('./options')
const { closeOnSignal } = require('./signals')

class Server {
  #bridge
  #next = 0
  #listening
  #closed
  #resolveClosed

  constructor(options) {
    const { name, version, instructions, limits } = serverOptions(options)
    const names = limits.map(([limit]) => limit)
    const values = limits.map(([, value]) => value)
    this.#bridge = new Bridge(new Engine(name, version, instructions, names, values))
    this.#renew()
  }

  #renew() {
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  /** Registers a tool; throws if the name is taken or the definition is wrong. */
  tool(name, options, handler) {
    if (typeof options === 'function' && handler === undefined) [options, handler] = [{}, options]
    if (typeof name !== 'string') throw new TypeError('tool: name must be a string')
    if (typeof handler !== 'function') throw new TypeError(`tool ${JSON.stringify(name)}: handler must be a function`)
    const { engine, tools } = this.#bridge
    const definition = toolOptions(name, options)
    const number = this.#next++
    engine.addTool(definition, number)
    tools.set(number, { name, structured: definition.structured, handler })
    return this
  }

  /** Removes a tool; calls in flight go on. `false` if there is none of this name. */
  removeTool(name) {
    const removed = this.#bridge.engine.removeTool(String(name))
    if (removed?.now) this.#bridge.tools.delete(removed.handler)
    return removed != null
  }

  /** Starts the transports; resolves once they accept messages. */
  async listen(options) {
    const { signals: withSignals, ...transports } = listenOptions(options)
    if (this.#listening === false) this.#renew()
    const resolve = this.#resolveClosed
    const undo = []
    const url = this.#bridge.listen(transports, () => {
      this.#listening = false
      for (const step of undo) step()
      resolve()
    })
    this.#listening = true
    // What has been answered is written before the process goes.
    undo.push(beforeExit(() => this.#bridge.abandon()))
    if (withSignals) undo.push(closeOnSignal(() => this.close()))
    return { url: url ?? undefined }
  }

  /** Ends the server: nothing more is accepted, calls in flight may finish. Resolves when that is done. */
  async close() {
    if (!this.#listening) return
    this.#bridge.engine.close()
    await this.#closed
  }

  /** Resolves when the server has ended: closed, or its transports came to their end. */
  get closed() {
    return this.#closed
  }
}

module.exports = { Server }
