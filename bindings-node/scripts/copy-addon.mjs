// Puts the addon that cargo built beside the package, under the name `js/native.js` looks for, makes one file of js/, and
// links the package into the examples. Usage: copy-addon.mjs [cargo profile], by default `ci`.

import { copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import './bundle.mjs'

const here = dirname(dirname(fileURLToPath(import.meta.url)))
const target = process.env.CARGO_TARGET_DIR ?? join(here, '..', 'target')
const profile = process.argv[2] ?? 'ci'
const library = { darwin: 'libtenon_node.dylib', win32: 'tenon_node.dll' }[process.platform] ?? 'libtenon_node.so'
const platform = [process.platform, process.arch, ...(process.platform === 'linux' ? ['gnu'] : [])].join('-')

// By renaming, so that a process that runs the old one keeps it.
const file = join(here, `tenon.${platform}.node`)
copyFileSync(join(target, profile, library), `${file}.new`)
renameSync(`${file}.new`, file)

const modules = join(here, '..', 'examples', 'node', 'node_modules')
mkdirSync(modules, { recursive: true })
rmSync(join(modules, 'tenon-mcp'), { force: true, recursive: true })
symlinkSync(join('..', '..', '..', 'bindings-node'), join(modules, 'tenon-mcp'), 'dir')
