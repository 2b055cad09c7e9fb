// Puts the server together.
import { McpError, Server } from 'tenon-mcp'
import { addResources, Data, summary } from './data.js'
import { addTools } from './operations.js'

const INVALID_PARAMS = -32602

/** A server with data of its own, so that tests do not see each other's. */
export function makeServer(): Server {
  const app = new Server({ name: 'my-mcp-server', version: '1.0.0' })
  const data = new Data()
  addResources(app, data)
  addTools(app, data)

  const args = { dataset: { description: 'Name of the dataset', required: true } } as const
  app.prompt('analyze_data', { description: 'Data analysis prompt', args }, ({ dataset }) => {
    const rows = data.rows(dataset)
    if (!rows) {
      const known = Object.keys(data.sources).join(', ')
      throw new McpError(INVALID_PARAMS, `Unknown dataset: ${dataset}; there are ${known}`)
    }
    return `Analyze this dataset: ${JSON.stringify(summary(dataset, rows))}`
  })
  return app
}
