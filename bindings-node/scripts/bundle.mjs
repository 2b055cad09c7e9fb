// Makes dist/tenon.cjs from js/index.js and all modules that it requires. Finding, reading and compiling twenty small files is
// a large part of the time that a server adds to the start of Node. A module that is required only inside functions runs when
// one of these functions runs.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(dirname(fileURLToPath(import.meta.url)))
const ENTRY = 'index'

/** How the modules of this package require each other. */
const REQUIRE = /\brequire\('(\.[./\w]+)'\)/g

/** The module that another one requires, as its path below js/. */
const resolved = (from, path) => posix.join(posix.dirname(from), path)

/** The name of a module in the bundle. Each module has a different file name. */
const constant = (module) => `$${posix.basename(module)}`

function bundle(file) {
  const modules = new Map()
  read(ENTRY, modules, [])
  const constants = new Set([...modules.keys()].map(constant))
  if (constants.size !== modules.size) throw new Error('two modules have the same file name')
  const early = atOnce(ENTRY, modules, new Set())
  const parts = [...modules].map(([name, lines]) => wrapped(name, lines, early))
  mkdirSync(dirname(file), { recursive: true })
  // The file is renamed into place, so that a process that starts meanwhile reads a complete file.
  writeFileSync(`${file}.new`, `'use strict'\n\n// Made by scripts/bundle.mjs.\n\n${LATER}\n${parts.join('\n')}\nmodule.exports = ${constant(ENTRY)}\n`)
  renameSync(`${file}.new`, file)
}

const LATER = `const later = (make) => {
  let made
  return () => (made ??= make())
}
`

/** Reads a module after those that it requires: name -> lines. */
function read(name, modules, open) {
  if (open.includes(name)) throw new Error(`${[...open, name].join(' requires ')}`)
  if (modules.has(name)) return
  const lines = readFileSync(join(here, 'js', `${name}.js`), 'utf8').trimEnd().split('\n')
  if (lines[0] !== "'use strict'") throw new Error(`${name}.js is not strict`)
  const needed = lines.flatMap((line) => [...line.matchAll(REQUIRE)].map(([, path]) => resolved(name, path)))
  for (const other of needed) read(other, modules, [...open, name])
  modules.set(name, lines.slice(1))
}

/** The modules that run when `name` runs: those that it requires outside of functions, those that these require, and so on. */
function atOnce(name, modules, found) {
  found.add(name)
  for (const line of modules.get(name)) {
    if (/^\s/.test(line)) continue
    for (const [, path] of line.matchAll(REQUIRE)) {
      const needed = resolved(name, path)
      if (!found.has(needed)) atOnce(needed, modules, found)
    }
  }
  return found
}

/** A module as the constant that holds its exports, or the function that returns them. */
function wrapped(name, lines, early) {
  const body = lines.map((line) => {
    const used = line.replace(REQUIRE, (_, path) => {
      const needed = resolved(name, path)
      return early.has(needed) ? constant(needed) : `${constant(needed)}()`
    })
    return used.replace(/^module\.exports = /, 'return ')
  })
  const code = body.map((line) => (line === '' ? line : `  ${line}`)).join('\n')
  // V8 compiles a function in parentheses at once, without a preliminary parse.
  const own = constant(name)
  return early.has(name) ? `const ${own} = (() => {${code}\n})()\n` : `const ${own} = later(() => {${code}\n})\n`
}

bundle(join(here, 'dist', 'tenon.cjs'))
