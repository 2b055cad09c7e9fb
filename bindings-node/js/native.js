'use strict'

// Loads the native part: a file in this folder's parent if it was built here, otherwise the package for this platform.

const path = require('node:path')

const root = path.join(__dirname, '..')

/** The native part for a platform, or the error why it cannot be loaded. */
function load(platform) {
  const name = `tenon-mcp-${platform}`
  let failed
  for (const source of [path.join(root, `tenon.${platform}.node`), name]) {
    try {
      return require(source)
    } catch (error) {
      // A file that exists and does not load is a better explanation than a missing file.
      if (error.code !== 'MODULE_NOT_FOUND' || !error.message.includes(source)) failed ??= { source, error }
    }
  }
  return missingError(platform, name, failed)
}

function missingError(platform, name, failed) {
  const begin = `tenon-mcp: cannot load its native part for ${platform}`
  if (failed !== undefined) {
    const { source, error } = failed
    return new Error(`${begin}: ${source} does not load: ${String(error.message).split('\n')[0]}`, { cause: error })
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

/** Whether a Linux process uses musl. The check takes time, so it is made only if necessary. */
function isMusl() {
  const { report } = process
  const before = report.excludeNetwork
  // Resolving host names may take seconds.
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
  // If the native part for glibc loads, the process uses glibc.
  const gnu = load(`${platform}-gnu`)
  return gnu instanceof Error && isMusl() ? load(`${platform}-musl`) : gnu
}

const found = native()
if (found instanceof Error) throw found

module.exports = found
