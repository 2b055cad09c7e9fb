// A folder and what is in it: no path leads out of it, whatever it says and whoever moves things meanwhile.
//
// A path is walked segment by segment, each opened in the one before and never through a symbolic link, so there is no moment
// between looking at a path and using it. Node has no openat; on Linux a path that begins with an open folder does the same.
import { constants as flag } from 'node:fs'
import { link, lstat, mkdir, open, readdir, rename, rmdir, unlink } from 'node:fs/promises'

/** @typedef {import('node:fs/promises').FileHandle} Handle */

// What a path may not hold even when it is decoded, once or several times: dots, slashes, backslashes, NUL.
const ENCODED = /%(25)*(2e|2f|5c|00)/i
const MOST_PATH = 4096
const MOST_LEVELS = 100
const FOLDER = flag.O_RDONLY | flag.O_DIRECTORY | flag.O_NOFOLLOW
// Without waiting: the other end of a named pipe may never come.
const FILE = flag.O_NOFOLLOW | flag.O_NONBLOCK

/** The path leads out of the folder, or says so. */
export class Denied extends Error {}

/** @param {string} code @param {string} message */
const failure = (code, message) => Object.assign(new Error(message), { code })

/** @param {Handle} folder @param {string} [name] */
const at = (folder, name = '.') => `/proc/self/fd/${folder.fd}/${name}`

/** A path taken apart; nothing for the folder itself. @param {string} path */
function segments(path) {
  if (path === '') throw failure('EINVAL', 'The path is empty')
  if (path.length > MOST_PATH) throw failure('ENAMETOOLONG', 'The path is too long')
  if (path.startsWith('/') || /[\\\0]/.test(path) || ENCODED.test(path)) throw new Denied()
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.some((part) => /^[. ]+$/.test(part))) throw new Denied()
  return parts
}

/** Refuses to take `a/` or `a/.` for the file `a`. @param {string} path */
function noFolder(path) {
  if (/(^|\/)\.?$/.test(path)) throw failure('ENOTDIR', 'not a directory')
}

/** @param {Handle} folder @param {string} name @param {number} how */
async function enter(folder, name, how) {
  try {
    return await open(at(folder, name), how, 0o666)
  } catch (/** @type {any} */ error) {
    const known = error.code === 'ELOOP' || error.code === 'ENOTDIR'
    // One that has just gone was a link, too.
    if (known && (await lstat(at(folder, name)).then((found) => found.isSymbolicLink(), () => true))) throw new Denied()
    throw error
  }
}

export class Folder {
  #base

  /** @param {Handle} base */
  constructor(base) {
    this.#base = base
  }

  /** @param {string} path */
  static async open(path) {
    if (process.platform !== 'linux') throw new Error('Node opens files below an open folder on Linux only')
    return new Folder(await open(path, flag.O_RDONLY | flag.O_DIRECTORY))
  }

  close() {
    return this.#base.close()
  }

  /** @param {string} path */
  async names(path) {
    return this.#within(segments(path), async (folder) => (await readdir(at(folder))).sort())
  }

  /** The paths of all files below one, relative to this folder. @param {string} [path] @returns {AsyncGenerator<string>} */
  async *files(path = '.') {
    const parts = segments(path)
    const entries = await this.#within(parts, (folder) => readdir(at(folder), { withFileTypes: true }))
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const found = [...parts, entry.name].join('/')
      if (entry.isFile()) yield found
      // What has changed since is passed over.
      if (entry.isDirectory() && parts.length < MOST_LEVELS) {
        const below = this.files(found)
        for (;;) {
          const next = await below.next().catch(() => ({ done: /** @type {const} */ (true), value: undefined }))
          if (next.done) break
          yield next.value
        }
      }
    }
  }

  /** @param {string} path @param {number} offset @param {number} length */
  read(path, offset, length) {
    return this.#file(path, flag.O_RDONLY, async (file) => {
      const { size } = await file.stat()
      const bytes = Buffer.alloc(Math.max(Math.min(length, size - offset), 0))
      let filled = 0
      while (filled < bytes.length) {
        const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, offset + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return bytes.subarray(0, filled)
    })
  }

  /** @param {string} path @param {Buffer} data */
  create(path, data) {
    return this.#file(path, flag.O_WRONLY | flag.O_CREAT | flag.O_EXCL, (file) => file.writeFile(data))
  }

  /** @param {string} path @param {Buffer} data */
  write(path, data) {
    return this.#file(path, flag.O_WRONLY | flag.O_CREAT, async (file) => {
      // Not before it is known to be a file.
      await file.truncate(0)
      await file.writeFile(data)
    })
  }

  /** @param {string} path @param {Buffer} data */
  append(path, data) {
    return this.#file(path, flag.O_WRONLY | flag.O_APPEND, (file) => file.writeFile(data))
  }

  /** @param {string} source @param {string} destination */
  move(source, destination) {
    return this.#parent(source, (old, name) =>
      this.#parent(destination, async (folder, wanted) => {
        const [from, to] = [at(old, name), at(folder, wanted)]
        if ((await lstat(from)).isDirectory()) {
          // An empty folder may be replaced, so that there is no moment in which somebody else's could be.
          await mkdir(to)
          await rename(from, to).catch(async (error) => {
            await rmdir(to)
            throw error
          })
        } else {
          noFolder(source)
          noFolder(destination)
          // Unlike a renamed file a link replaces nothing.
          await link(from, to)
          await unlink(from)
        }
      })
    )
  }

  /** @param {string} path */
  delete(path) {
    return this.#parent(path, async (folder, name) => {
      const isFolder = (await lstat(at(folder, name))).isDirectory()
      if (!isFolder) noFolder(path)
      await (isFolder ? rmdir : unlink)(at(folder, name))
    })
  }

  /** @param {string} path */
  info(path) {
    const parts = segments(path)
    return this.#within(parts.slice(0, -1), async (folder) => {
      const found = await lstat(at(folder, parts.at(-1)))
      const type = found.isFile() ? 'file' : found.isDirectory() ? 'directory' : found.isSymbolicLink() ? 'symlink' : 'other'
      return { size: found.size, modified: found.mtime.toISOString(), type }
    })
  }

  /**
   * Runs `use` with a folder below this one.
   * @template T
   * @param {string[]} parts
   * @param {(folder: Handle) => Promise<T>} use
   * @returns {Promise<T>}
   */
  async #within(parts, use) {
    let folder = this.#base
    try {
      for (const part of parts) {
        const below = await enter(folder, part, FOLDER)
        if (folder !== this.#base) await folder.close()
        folder = below
      }
      return await use(folder)
    } finally {
      if (folder !== this.#base) await folder.close()
    }
  }

  /**
   * Runs `use` with the folder that something is in, and its name there.
   * @template T
   * @param {string} path
   * @param {(folder: Handle, name: string) => Promise<T>} use
   */
  async #parent(path, use) {
    const parts = segments(path)
    const name = parts.pop()
    if (name === undefined) throw failure('EISDIR', 'It is the folder itself')
    return this.#within(parts, (folder) => use(folder, name))
  }

  /**
   * Runs `use` with an open file.
   * @template T
   * @param {string} path
   * @param {number} how
   * @param {(file: Handle) => Promise<T>} use
   */
  #file(path, how, use) {
    return this.#parent(path, async (folder, name) => {
      noFolder(path)
      const file = await enter(folder, name, how | FILE)
      try {
        if (!(await file.stat()).isFile()) throw failure('EINVAL', 'It is no file')
        return await use(file)
      } finally {
        await file.close()
      }
    })
  }
}
