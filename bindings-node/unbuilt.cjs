'use strict'

const path = require('node:path')

/** What to say where the package does not load: of a checkout in which nothing was built, what builds it. */
module.exports = (error) => {
  const isThere = error.code !== 'MODULE_NOT_FOUND' || !error.message.includes(path.join('dist', 'tenon.cjs'))
  return isThere ? error : new Error(`tenon-mcp: this checkout is not built; run \`npm run build\` in ${__dirname}`)
}
