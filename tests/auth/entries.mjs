// A server whose settings are a file and whose entries are lines of another: kind, name, and policies with their JSON, with
// tabs between them. usage: entries.mjs SETTINGS ENTRIES

import { readFileSync } from 'node:fs'
import { ResourceContents, Server } from '../../bindings-node/index.mjs'

const [, , settings, entries] = process.argv
const app = new Server({ settings })
const said = () => 'said'

for (const line of readFileSync(entries, 'utf8').split('\n').filter(Boolean)) {
  const [kind, name, ...words] = line.split('\t')
  const policies = {}
  while (words.length > 0) policies[words.shift()] = JSON.parse(words.shift())
  if (kind === 'tool') app.tool(name, policies, said)
  else if (kind === 'prompt') app.prompt(name, policies, said)
  else if (kind === 'provider') {
    const list = () => [{ uri: name.replace('{id}', '1'), name: 'row' }]
    app.resourceProvider(name, { ...policies, list, read: () => new ResourceContents('said') })
  } else app.resource(name, { ...policies, name }, said)
}
const { url } = await app.listen({ signals: true })
console.log(`listening ${url}`)
