import { NotFound, Server } from 'tenon-mcp'

const app = new Server({ name: 'notes', version: '1.0.0' })
const notes = new Map([['1', 'Buy oak.'], ['2', 'Cut the tenons.']])
const styles = ['plain', 'poetic', 'short']

app.resource('notes://about', { mimeType: 'application/json' }, () => ({ count: notes.size }))

app.resourceProvider('notes://{id}', {
  list: () => [...notes.keys()].map((id) => ({ uri: `notes://${id}`, name: `Note ${id}` })),
  read: ({ id }) => {
    if (!notes.has(id)) throw new NotFound()
    return notes.get(id)
  }
})

app.prompt('rewrite', { args: { id: { required: true }, style: {} } }, ({ id, style = 'plain' }) =>
  `Rewrite this in a ${style} style: ${notes.get(id)}`
)
app.completion({ prompt: 'rewrite', argument: 'style' }, (value) => styles.filter((style) => style.startsWith(value)))

await app.listen({ stdio: true, signals: true })
