// The files of one folder: read, written, searched and watched, and none outside of it.
import { once } from 'node:events'
import { posix } from 'node:path'
import { getSystemErrorMap } from 'node:util'
import { watch } from 'chokidar'
import { Content, McpError, ResourceContents, Server, ToolError } from 'tenon-mcp'
import * as z from 'zod'
import { Denied, Folder } from './folder.mjs'

const MOST_READ = 1024 * 1024
const MOST_FOUND = 200
const LISTED_ON_A_PAGE = 1000
const INVALID_PARAMS = -32602
const RESOURCE_NOT_FOUND = -32002 // the engine sends the code of the client's revision

/** @param {string} word */
const isAddress = (word) => /^(.*:)?\d+(\/.*)?$/.test(word)
const words = process.argv.slice(2)
const base = words.find((word) => !isAddress(word)) ?? process.env.BASE_PATH ?? '.'
const http = words.find(isAddress)
const folder = await Folder.open(base)
const app = new Server({ name: 'resource-server', version: '1.0.0' })

/** Why the system refused, without the path that it was asked for. @param {any} error */
const reason = (error) => getSystemErrorMap().get(error.errno)?.[1] ?? error.message
const path = z.string()

app.middleware('tool', async (_, next) => {
  try {
    return await next()
  } catch (/** @type {any} */ error) {
    if (error instanceof Denied) throw new ToolError('Error: Access denied to path outside base directory')
    if (error.code === undefined) throw error
    throw new ToolError(`Error: ${reason(error)}`, { cause: error })
  }
})

app.tool('list_files', { description: 'Name what is in a folder.', input: z.object({ path: path.default('.') }) }, async ({ path }) =>
  [`Contents of ${path}:`, ...(await folder.names(path))].join('\n')
)

const written = z.object({ path, content: z.string() })
app.tool('create_file', { description: 'Create a file that does not exist yet.', input: written }, async ({ path, content }) => {
  await folder.create(path, Buffer.from(content))
  return `File created: ${path}`
})
app.tool('write_file', { description: 'Write a file, whether or not it exists.', input: written }, async ({ path, content }) => {
  const data = Buffer.from(content)
  await folder.write(path, data)
  return `Successfully wrote ${data.length} bytes to ${path}`
})
app.tool('append_file', { description: 'Add to the end of a file.', input: written }, async ({ path, content }) => {
  const data = Buffer.from(content)
  await folder.append(path, data)
  return `Appended ${data.length} bytes to ${path}`
})

/** The text that bytes are, or nothing if they are none; the last character of those `cut` off may be incomplete. @param {Buffer} data */
function textOf(data, cut = false) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data, { stream: cut })
  } catch {
    return undefined
  }
}

/** @param {string} path */
const uriOf = (path) => `file://${path.split('/').map(encodeURIComponent).join('/')}`
/** @param {Buffer} data @param {string | undefined} uri */
const contents = (data, uri) => {
  const text = textOf(data)
  return new ResourceContents(text ?? data, { uri, mimeType: text === undefined ? 'application/octet-stream' : 'text/plain' })
}

const range = z.object({ path, offset: z.int().min(0).default(0), length: z.int().min(0).default(MOST_READ) })
const reads = { description: 'Read a file or a range of its bytes, at most 1 MiB at a time.', input: range }
app.tool('read_file', reads, async ({ path, offset, length }) => {
  const data = await folder.read(path, offset, Math.min(length, MOST_READ))
  return textOf(data, data.length === MOST_READ) ?? Content.resource(contents(data, uriOf(path)))
})

const moves = { description: 'Move or rename; what exists is not replaced.', input: z.object({ source: path, destination: path }) }
app.tool('move_file', moves, async ({ source, destination }) => {
  await folder.move(source, destination)
  return `Moved ${source} to ${destination}`
})

const deletes = { description: 'Delete a file, or a folder that is empty.', annotations: { destructiveHint: true } }
app.tool('delete_file', { ...deletes, input: z.object({ path }) }, async ({ path }) => {
  await folder.delete(path)
  return `Deleted ${path}`
})

/**
 * Whether a name fits a pattern of letters, `*`, `?`, `[a-z]` and `[!a-z]`. Takes no longer than one times the other.
 * @param {string} name @param {string} pattern
 */
function fits(name, pattern) {
  const letters = [...name]
  // A bracket that nothing closes is a letter, and so is `]` where it comes first.
  const parts = pattern.match(/\[(?=(!?\]?))\1[^\]]*\]|./gsu) ?? []
  let [i, j, star, mark] = [0, 0, -1, 0]
  while (i < letters.length) {
    if (j < parts.length && parts[j] !== '*' && isOne(letters[i], parts[j])) {
      i++
      j++
    } else if (parts[j] === '*') {
      star = j++
      mark = i
    } else if (star >= 0) {
      j = star + 1
      i = ++mark
    } else {
      return false
    }
  }
  return parts.slice(j).every((part) => part === '*')
}

/** @param {string} letter @param {string} part */
function isOne(letter, part) {
  const set = /^\[(!?)(.+)\]$/su.exec(part)
  if (set === null) return part === '?' || part === letter
  const ranges = set[2].matchAll(/(.)-(.)|./gsu)
  return [...ranges].some(([all, from, to]) => (from === undefined ? all === letter : from <= letter && letter <= to)) !== (set[1] === '!')
}

const search = z.object({ pattern: z.string().min(1).max(255), path: path.default('.') })
const finds = { description: 'Find files by their names, such as *.txt, in a folder and all below it.', input: search }
app.tool('search_files', finds, async ({ pattern, path }) => {
  const found = []
  let count = 0
  for await (const file of folder.files(path)) {
    if (fits(posix.basename(file), pattern) && ++count <= MOST_FOUND) found.push(file)
  }
  if (count > MOST_FOUND) found.push(`... and ${count - MOST_FOUND} more`)
  return found.join('\n') || 'No files found'
})

app.tool('get_file_info', { description: 'Tell size, last change and kind.', structured: true, input: z.object({ path }) }, ({ path }) =>
  folder.info(path)
)

async function list({ cursor = '0' }) {
  const at = Number(cursor)
  const resources = []
  let count = 0
  for await (const name of folder.files()) {
    if (count++ < at) continue
    if (resources.length === LISTED_ON_A_PAGE) return { resources, nextCursor: String(at + LISTED_ON_A_PAGE) }
    resources.push({ uri: uriOf(name), name })
  }
  return { resources }
}

/** @param {{ path: string }} variables @param {import('tenon-mcp').Context} ctx */
async function read({ path }, ctx) {
  try {
    const data = await folder.read(path, 0, MOST_READ + 1)
    if (data.length > MOST_READ) throw new Error('It is larger than 1 MiB; read_file reads parts of it')
    return contents(data, ctx.uri)
  } catch (/** @type {any} */ error) {
    if (error.code === 'ENOENT') throw new McpError(RESOURCE_NOT_FOUND, `Failed to read file: ${reason(error)}`, { uri: ctx.uri })
    throw new McpError(INVALID_PARAMS, `Failed to read file: ${error instanceof Denied ? 'Access denied' : reason(error)}`)
  }
}

// One says the template in the list of templates, the other reads paths of several segments and lists the files.
app.resource('file://{path}', { name: 'File' }, read)
// The folder itself refuses every path that leads out of it, with an error of its own.
app.resourceProvider('file://{+path}', { list, read, unsafePaths: true })

// The paths of addresses as subscribers spell them.
const spelled = new Map()
/** @param {string} uri */
const named = (uri) => posix.normalize(decodeURIComponent(uri.slice('file://'.length)))
app.on('subscribe', ({ uri }) => void spelled.set(uri, named(uri)))
app.on('unsubscribe', ({ uri }) => void spelled.delete(uri))

// Before the server listens, so that no change behind a subscription is missed.
const watcher = watch('.', { cwd: base, ignoreInitial: true, followSymlinks: false })
watcher.on('error', (error) => console.error('files:', error))
await once(watcher, 'ready')
watcher.on('all', (event, path) => {
  if (event !== 'change') app.listChanged('resource')
  app.resourceUpdated(uriOf(path))
  for (const [uri, of] of spelled) if (of === path && uri !== uriOf(path)) app.resourceUpdated(uri)
})
app.on('stop', () => watcher.close())

const { url } = await app.listen({ ...(http ? { http } : { stdio: true }), signals: true })
if (url) console.log(`listening ${url}`)
