'use strict'

// Loads the native part: the file beside the package when it was built here, otherwise the package of this platform.

const path = require('node:path')

const root = path.join(__dirname, '..')

/** The native part for a platform, or why there is none, as an error. */
function load(platform) {
  const name = `tenon-mcp-${platform}`
  let failed
  for (const place of [path.join(root, `tenon.${platform}.node`), name]) {
    try {
      return require(place)
    } catch (error) {
      // What is there and does not load says more than what is not there.
      if (error.code !== 'MODULE_NOT_FOUND' || !error.message.includes(place)) failed ??= { place, error }
    }
  }
  return missing(platform, name, failed)
}

function missing(platform, name, failed) {
  const begin = `tenon-mcp: cannot load its native part for ${platform}`
  if (failed !== undefined) {
    const { place, error } = failed
    return new Error(`${begin}: ${place} does not load: ${String(error.message).split('\n')[0]}`, { cause: error })
  }
  const { existsSync } = require('node:fs')
  if (existsSync(path.join(root, 'Cargo.toml'))) {
    return new Error(`${begin}: it is not built; run \`npm run build\` in ${root}`)
  }
  return new Error(
    `${begin}: the package ${name} is not installed. npm installs it with tenon-mcp as an optional dependency, on the platform ` +
      'where it runs: install there, without --omit=optional. Elsewhere it is built from source; Windows is not supported.'
  )
}

/** Which C library a Linux process runs with. It takes a moment to find out, so only those who need it ask. */
function isMusl() {
  const { report } = process
  const before = report.excludeNetwork
  // Names of hosts may take seconds to look up.
  report.excludeNetwork = true
  try {
    return report.getReport().header.glibcVersionRuntime === undefined
  } finally {
    report.excludeNetwork = before
  }
}

function native() {
  const platform = `${process.platform}-${process.arch}`
  if (process.platform !== 'linux') return load(platform)
  // Where the file for glibc is and loads, that is what runs.
  const gnu = load(`${platform}-gnu`)
  return gnu instanceof Error && isMusl() ? load(`${platform}-musl`) : gnu
}

const found = native()
if (found instanceof Error) throw found

module.exports = found
