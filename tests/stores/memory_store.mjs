// A complete store in JavaScript, in the memory of the process.

const [LEAST, MOST] = [-(2 ** 53), 2 ** 53 - 1]
const NEVER = 100 * 365 * 86_400_000
// Sums of times are not exact.
const ROUNDING = 1e-6

/** A log: its entries with their positions and times, and the last position that is not there any more. */
class Log {
  entries = []
  trimmed = false

  constructor(lost) {
    this.lost = lost
  }

  trim({ keepEntries, keepBytes, keepAge, keepAfter }, now) {
    let size = this.entries.reduce((all, { entry }) => all + entry.length, 0)
    while (this.entries.length > 0) {
      const { position, entry, since } = this.entries[0]
      const goes =
        position <= keepAfter ||
        (keepEntries !== null && this.entries.length > keepEntries) ||
        (keepBytes !== null && size > keepBytes) ||
        (keepAge !== null && now - since > keepAge)
      if (!goes) return
      this.entries.shift()
      this.lost = position
      this.trimmed = true
      size -= entry.length
    }
  }
}

/** A token bucket: what is taken of it, in pieces, which come back evenly. */
class Bucket {
  used = 0

  constructor(now) {
    this.since = now
  }

  passTime({ amount, period }, now) {
    this.used = Math.max(0, this.used - (Math.max(0, now - this.since) * amount) / period)
    this.since = Math.max(now, this.since)
  }

  change(by) {
    this.used = Math.max(0, this.used + by)
  }

  time(pieces, { amount, period }) {
    return (pieces * period) / amount
  }
}

/** A sliding window: when which number of pieces was taken. They come back when they are as old as the period. */
class Window {
  used = 0
  #taken = []

  passTime({ period }, now) {
    while (this.#taken.length > 0 && this.#taken[0].since + period <= now) this.used -= this.#taken.shift().count
  }

  change(by, now) {
    if (by > 0) {
      this.#taken.push({ since: now, count: by })
      this.used += by
    }
    while (by < 0 && this.#taken.length > 0) {
      const newest = this.#taken.at(-1)
      const back = Math.min(newest.count, -by)
      by += back
      this.used -= back
      newest.count -= back
      if (newest.count === 0) this.#taken.pop()
    }
  }

  /** The time until so many pieces have come back. */
  time(pieces, { period }, now) {
    if (this.used === 0) return 0
    let last = now
    for (const { since, count } of this.#taken) {
      if (pieces <= 0) break
      pieces -= count
      last = since
    }
    return last + period - now
  }
}

/** Values that expire. */
class Table {
  #held = new Map()
  #inserted = 0

  get(key, now) {
    const held = this.#held.get(key)
    return held !== undefined && held.expiry > now ? held.value : undefined
  }

  put(key, value, expiry, now) {
    this.#held.set(key, { value, expiry })
    if (++this.#inserted <= this.#held.size) return
    // The cost of the search is spread over as many insertions as there are values.
    this.#inserted = 0
    for (const [key, { expiry }] of this.#held) if (expiry <= now) this.#held.delete(key)
  }

  left(key, now) {
    return this.#held.get(key).expiry - now
  }

  remove(key, now) {
    const found = this.get(key, now) !== undefined
    this.#held.delete(key)
    return found
  }

  touch(key, expiry, now) {
    const found = this.get(key, now) !== undefined
    if (found) this.#held.get(key).expiry = expiry
    return found
  }
}

/** The store. `clock` returns the time in milliseconds. */
export class MemoryStore {
  #clock
  #records = new Table()
  #logs = new Table()
  #counters = new Table()
  #rates = new Table()
  #last = 0

  constructor(clock = () => performance.now()) {
    this.#clock = clock
  }

  submit(op) {
    const now = this.#clock()
    switch (op.op) {
      case 'get':
        return this.#get(op, now)
      case 'put':
        return this.#conflict(op, now) ?? this.#put(op, now)
      case 'touch':
        return { result: 'found', found: this.#records.touch(op.key, now + op.ttl, now) }
      case 'delete':
        return this.#conflict(op, now) ?? { result: 'found', found: this.#records.remove(op.key, now) }
      case 'append':
        return this.#append(op, now)
      case 'read':
        return this.#read(op, now)
      case 'trim':
        return this.#trim(op, now)
      case 'expire':
        if (op.ttl === 0) return { result: 'found', found: this.#logs.remove(op.key, now) }
        return { result: 'found', found: this.#logs.touch(op.key, now + op.ttl, now) }
      case 'add':
        return this.#add(op, now)
      case 'take':
        return this.#take(op, now)
      default:
        return { result: 'unsupported' }
    }
  }

  #get({ key, touch }, now) {
    const record = this.#records.get(key, now)
    if (record !== undefined && touch !== null) this.#records.touch(key, now + touch, now)
    return { result: 'value', record }
  }

  /** The reply if the condition does not hold. */
  #conflict({ key, when, version }, now) {
    const record = this.#records.get(key, now)
    const holds = when === 'always' || (when === 'absent' ? record === undefined : record?.version === version)
    return holds ? undefined : { result: 'conflict', record }
  }

  #put({ key, value, ttl }, now) {
    const version = ++this.#last
    this.#records.put(key, { value, version }, now + ttl, now)
    return { result: 'stored', version }
  }

  #append(op, now) {
    const log = this.#logs.get(op.key, now) ?? new Log(this.#last)
    const position = ++this.#last
    log.entries.push({ position, entry: op.entry, since: now })
    log.trim(op, now)
    this.#logs.put(op.key, log, now + op.ttl, now)
    return { result: 'appended', position }
  }

  #read({ key, after, maxEntries, maxBytes }, now) {
    const log = this.#logs.get(key, now)
    if (log === undefined) return { result: 'entries', entries: [], missed: after !== 0, more: false }
    const entries = []
    let size = 0
    let more = false
    for (const { position, entry } of log.entries) {
      if (position <= after) continue
      size += entry.length
      if (entries.length > 0 && (entries.length >= maxEntries || size > maxBytes)) {
        more = true
        break
      }
      entries.push({ position, entry })
    }
    return { result: 'entries', entries, missed: after === 0 ? log.trimmed : after < log.lost, more }
  }

  #trim(op, now) {
    const log = this.#logs.get(op.key, now)
    log?.trim(op, now)
    return { result: 'found', found: log !== undefined }
  }

  #add({ key, by, window, most }, now) {
    let counter = this.#counters.get(key, now)
    const value = Math.max(LEAST, Math.min(MOST, (counter?.value ?? 0) + by))
    const added = by <= 0 || most === null || value <= most
    if (counter === undefined) {
      if (by === 0 || !added) return { result: 'count', value: 0, added, left: 0 }
      counter = { value: 0 }
      this.#counters.put(key, counter, now + window, now)
    }
    if (added) counter.value = value
    return { result: 'count', value: counter.value, added, left: this.#counters.left(key, now) }
  }

  #take(op, now) {
    const { key, by, amount, burst } = op
    const [Form, most] = burst === null ? [Window, amount] : [Bucket, burst]
    let usage = this.#rates.get(key, now)
    if (!(usage instanceof Form)) usage = new Form(now)
    usage.passTime(op, now)
    const taken = by <= 0 || usage.used + by <= most + ROUNDING
    let wait = 0
    if (taken) usage.change(by, now)
    else wait = by <= most ? usage.time(usage.used + by - most, op, now) : NEVER
    const reset = usage.time(usage.used, op, now)
    this.#rates.put(key, usage, now + reset, now)
    return { result: 'taken', taken, left: Math.max(0, Math.floor(most - usage.used + ROUNDING)), wait, reset }
  }
}
