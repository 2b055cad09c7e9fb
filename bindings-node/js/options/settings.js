'use strict'

// The public class Settings. The engine reads, merges and checks settings; values pass as JSON text.

const { Settings: NativeSettings } = require('../native')
const { memberText, optionsText } = require('../registry/entries')
const { isObject, schemaText } = require('../registry/schema')

const { parse } = JSON

const WHAT = 'Settings options'

/** The native settings behind an object of the class. */
let nativeOf

/** The sources of settings as JSON text. */
function sourcesText(options) {
  if (!isObject(options)) throw new TypeError(`${WHAT} must be an object`)
  const { sections } = options
  if (!isObject(sections)) return optionsText(WHAT, options)
  const schemas = Object.entries(sections).map(([name, schema]) => [name, parse(schemaText(`${WHAT}: sections: ${name}`, schema))])
  return optionsText(WHAT, { ...options, sections: Object.fromEntries(schemas) })
}

function checkText(method, name, value) {
  if (typeof value !== 'string') throw new TypeError(`Settings.${method}: ${name} must be a string, not a value of type ${typeof value}`)
  return value
}

class Settings {
  #settings

  static {
    nativeOf = (settings) => settings.#settings
  }

  constructor(options = {}) {
    this.#settings = new NativeSettings(sourcesText(options))
  }

  /** Writes a file that has every setting as a comment. */
  static writeDefault(path) {
    NativeSettings.writeDefault(checkText('writeDefault', 'path', path))
  }

  get(key) {
    const text = this.#settings.get(checkText('get', 'key', key))
    return text == null ? undefined : parse(text)
  }

  /** Where the value of a setting comes from. */
  source(key) {
    return this.#settings.source(checkText('source', 'key', key)) ?? undefined
  }

  /** Sets a value in code. */
  set(key, value) {
    this.#settings.set(checkText('set', 'key', key), memberText(`Settings.set: ${key}`, value))
    return this
  }

  /** Writes the values that `set` has set into the file. */
  save() {
    this.#settings.save()
  }

  /** Reads all sources again, and applies them to the servers that were made with these settings. */
  reload() {
    this.#settings.reload()
  }

  /** The JSON Schema of a settings file. */
  schema() {
    return parse(this.#settings.schema())
  }
}

/** The option `settings` of a server: settings, or the path of their file. */
function settingsOption(what, given) {
  if (given == null || given instanceof Settings) return given ?? undefined
  if (typeof given === 'string') return new Settings({ file: given })
  throw new TypeError(`${what}: settings must be Settings, or the path of a settings file, not a value of type ${typeof given}`)
}

module.exports = { Settings, nativeOf, settingsOption }
