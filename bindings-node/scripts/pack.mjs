// Makes the packages of a release: the main package, and one for each platform whose addon exists.
//
//     pack.mjs OUT [ADDONS]
//
// ADDONS is a folder of `tenon.PLATFORM.node`, by default the folder of this package. The tarballs are written to OUT. The main
// package has the packages of all platforms, in its own version, as optional dependencies. `platforms.json` has their names.

import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import './bundle.mjs'

const here = dirname(dirname(fileURLToPath(import.meta.url)))
const out = resolve(process.argv[2] ?? 'packages')
const addons = resolve(process.argv[3] ?? here)
const LICENSES = ['LICENSE-APACHE', 'LICENSE-MIT']

const json = (file) => JSON.parse(readFileSync(join(here, file), 'utf8'))
const { scripts, devDependencies, files, ...about } = json('package.json')
const platforms = json('platforms.json')
const nameOf = (platform) => `${about.name}-${platform}`

/** The files that match an element of `files`: a name, or the beginning of a name and `*`. */
function matching(pattern) {
  return readdirSync(here).filter((name) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern))
}

/** Packs a folder that `fill` has filled. */
function pack(description, fill) {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-pack-'))
  try {
    for (const license of LICENSES) copyFileSync(join(here, license), join(folder, license))
    fill(folder)
    writeFileSync(join(folder, 'package.json'), `${JSON.stringify(description, null, 2)}\n`)
    execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', out], { cwd: folder })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

mkdirSync(out, { recursive: true })
const optionalDependencies = Object.fromEntries(Object.keys(platforms).map((platform) => [nameOf(platform), about.version]))
pack({ ...about, files: files.filter((name) => name !== '*.node'), optionalDependencies }, (folder) => {
  copyFileSync(join(here, 'README.md'), join(folder, 'README.md'))
  for (const pattern of files) {
    if (pattern === '*.node') continue
    for (const file of matching(pattern)) cpSync(join(here, file), join(folder, file), { recursive: true })
  }
})
for (const [platform, { os, cpu, libc }] of Object.entries(platforms)) {
  const addon = join(addons, `tenon.${platform}.node`)
  if (!existsSync(addon)) continue
  const { version, license, engines } = about
  const main = basename(addon)
  const description = `The native part of ${about.name} for ${platform}.`
  const where = { os: [os], cpu: [cpu], ...(libc && { libc: [libc] }) }
  pack({ name: nameOf(platform), version, description, license, engines, ...where, main, files: [main, 'LICENSE-*'] }, (folder) => {
    copyFileSync(addon, join(folder, main))
    writeFileSync(join(folder, 'README.md'), `${description} It is installed with that package.\n`)
  })
}
