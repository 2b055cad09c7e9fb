// Users, products and orders: kept in memory, each a resource.
import { Server } from 'tenon-mcp'

export type Row = { id: number; [column: string]: string | number }

export class Data {
  readonly sources: Record<string, Row[]> = {
    users: [
      { id: 1, name: 'Alice', email: 'alice@example.com' },
      { id: 2, name: 'Bob', email: 'bob@example.com' }
    ],
    products: [
      { id: 1, name: 'Widget', price: 19.99 },
      { id: 2, name: 'Gadget', price: 29.99 }
    ],
    orders: [
      { id: 1, user_id: 1, product_id: 1, quantity: 2 },
      { id: 2, user_id: 2, product_id: 2, quantity: 1 }
    ]
  }
  #lastId = 2

  rows(source: string): Row[] | undefined {
    return Object.hasOwn(this.sources, source) ? this.sources[source] : undefined
  }

  createUser(fields: { name: string; email: string; role: string }): Row {
    const user = { id: ++this.#lastId, ...fields }
    this.rows('users')!.push(user)
    return user
  }

  updateUser(id: number, fields: Record<string, string>): boolean {
    const user = this.rows('users')!.find((one) => one.id === id)
    if (user) Object.assign(user, fields)
    return user !== undefined
  }

  deleteUser(id: number): boolean {
    const users = this.rows('users')!
    const place = users.findIndex((one) => one.id === id)
    if (place >= 0) users.splice(place, 1)
    return place >= 0
  }
}

/** How many rows, which columns, how many bytes. */
export function summary(source: string, rows: Row[]) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  return { id: source, rows: rows.length, columns, size: Buffer.byteLength(JSON.stringify(rows)) }
}

export const uri = (source: string) => `custom://data/${source}`

export function addResources(app: Server, data: Data) {
  for (const source of Object.keys(data.sources)) {
    const title = source[0].toUpperCase() + source.slice(1)
    const about = { name: `${title} Data`, description: `Access to ${source} information`, mimeType: 'application/json' }
    app.resource(uri(source), about, () => {
      const rows = data.rows(source)!
      return { [source]: rows, total: rows.length }
    })
  }
}
