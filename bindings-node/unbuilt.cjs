'use strict'

const path = require('node:path')

/** The error to throw if the package cannot be loaded. In a checkout that was not built, it says how to build it. */
module.exports = (error) => {
  const isThere = error.code !== 'MODULE_NOT_FOUND' || !error.message.includes(path.join('dist', 'tenon.cjs'))
  return isThere ? error : new Error(`tenon-mcp: this checkout is not built; run \`npm run build\` in ${__dirname}`)
}
