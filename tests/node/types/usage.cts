// The same package, by `require`.

import tenon = require('../../../bindings-node/index.js')

const app: tenon.Server = new tenon.Server({ name: 'types' })
const handler: tenon.Handler<{ a: number }> = ({ a }) => a
app.tool('a', { input: { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] } }, handler)
