'use strict'

/** Shows the policies of entries with their state, and changes them. */
class PolicyControl {
  #engine
  #nameOf

  /** `nameOf` gives the name of an entry in the engine. */
  constructor(engine, nameOf) {
    this.#engine = engine
    this.#nameOf = nameOf
  }

  /** What applies to an entry; `undefined` if there is no such entry. */
  of(kind, name) {
    const shown = this.#engine.policies(String(kind), this.#nameOf(kind, name))
    return shown == null ? undefined : JSON.parse(shown)
  }

  /** Changes policies; `null` removes one. */
  change(kind, name, policies) {
    this.#engine.changePolicies(String(kind), this.#nameOf(kind, name), JSON.stringify(policies ?? null))
  }

  /** Switches a policy off. */
  disable(kind, name, policy) {
    this.#engine.switchPolicy(String(kind), this.#nameOf(kind, name), String(policy), false)
  }

  /** Switches a policy on again. */
  enable(kind, name, policy) {
    this.#engine.switchPolicy(String(kind), this.#nameOf(kind, name), String(policy), true)
  }

  /** Clears the state of a policy, or of all policies of an entry. */
  clear(kind, name, policy) {
    this.#engine.clearPolicy(String(kind), this.#nameOf(kind, name), policy == null ? undefined : String(policy))
  }
}

module.exports = { PolicyControl }
