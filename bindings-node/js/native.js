'use strict'

// Loads the native part: the file beside the package when it was built here, otherwise the package of this platform.

const path = require('node:path')

const platform = [process.platform, process.arch, ...(process.platform === 'linux' ? ['gnu'] : [])].join('-')
const file = path.join(__dirname, '..', `tenon.${platform}.node`)
const name = `tenon-mcp-${platform}`

function load() {
  const reasons = []
  for (const place of [file, name]) {
    try {
      return require(place)
    } catch (error) {
      reasons.push(error.message.split('\n')[0])
    }
  }
  throw new Error(
    `tenon-mcp: cannot load its native part for ${platform}; ` +
      `neither ${file} nor the package ${name} works: ${reasons.join('; ')}`
  )
}

module.exports = load()
