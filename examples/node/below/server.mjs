// Serves the files below a folder and nothing outside of it, also if a link leads there.
import { readFile, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { NotFound, Server } from 'tenon-mcp'

const app = new Server({ name: 'below', version: '1.0.0' })
const folder = await realpath(process.argv[2] ?? '.')
// A root such as / ends with a separator already.
const start = folder.endsWith(sep) ? folder : folder + sep

app.resource('below://{+path}', async ({ path }) => {
  // realpath() follows links, so this is the file that would be opened.
  const file = await realpath(join(folder, path)).catch(() => '')
  if (!file.startsWith(start) || !(await stat(file)).isFile()) throw new NotFound()
  return readFile(file)
})

await app.listen({ stdio: true, signals: true })
