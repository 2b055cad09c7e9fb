// Copies the addon that cargo built into the package, under the name that `js/native.js` looks for. Then makes one file of js/,
// and links the package into the examples. Usage: copy-addon.mjs [cargo profile [target [platform]]]. Default: `ci` and this
// machine.

import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import './bundle.mjs'

const here = dirname(dirname(fileURLToPath(import.meta.url)))
const target = process.env.CARGO_TARGET_DIR ?? join(here, '..', 'target')
const [profile = 'ci', triple = '', platform = thisPlatform()] = process.argv.slice(2)
const library = platform.startsWith('darwin') ? 'libtenon_node.dylib' : 'libtenon_node.so'

function thisPlatform() {
  const { glibcVersionRuntime } = process.report.getReport().header
  const libc = process.platform === 'linux' ? [glibcVersionRuntime === undefined ? 'musl' : 'gnu'] : []
  return [process.platform, process.arch, ...libc].join('-')
}

// The file is renamed into place, so that a process that runs the old file keeps it.
const file = join(here, `tenon.${platform}.node`)
copyFileSync(join(target, triple, profile, library), `${file}.new`)
renameSync(`${file}.new`, file)

const modules = join(here, '..', 'examples', 'node', 'node_modules')
mkdirSync(modules, { recursive: true })
/** Links `folder` into the examples under a name. */
function link(folder, name) {
  const place = join(modules, name)
  mkdirSync(dirname(place), { recursive: true })
  rmSync(place, { force: true, recursive: true })
  symlinkSync(relative(dirname(place), folder), place, 'dir')
}
link(here, 'tenon-mcp')
// The tests have all libraries that the examples use.
const schemas = ['zod', 'valibot', '@valibot/to-json-schema', 'arktype', 'typebox']
for (const name of [...schemas, 'chokidar', 'express', '@types/express', 'fastify', 'hono', '@hono/node-server']) {
  const folder = join(here, '..', 'tests', 'node_modules', name)
  if (existsSync(folder)) link(folder, name)
}
// Examples in TypeScript are compiled with the compiler of this package.
for (const name of ['typescript', '@types/node']) {
  const folder = join(here, 'node_modules', name)
  if (existsSync(folder)) link(folder, name)
}
