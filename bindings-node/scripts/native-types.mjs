// Makes native.d.ts, the declarations of the native part. The macros of its last build have written one line of JSON for each
// function, class, object and block of methods. Usage: native-types.mjs [cargo profile [target]]. Default: `ci`.

import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(dirname(fileURLToPath(import.meta.url)))

/** The file that this writes, which is committed. */
export const DECLARATIONS = join(here, 'native.d.ts')

const HEAD = `// The exports of the native part, for developers of js/. The declarations of the package are in index.d.ts.
// Generated from the last build by \`npm run native-types\`.
`

/** The lines that the last compiler of the native part wrote. Cargo keeps a folder for each set of flags. */
export function lastBuilt(profile = 'ci', triple = '') {
  const builds = join(process.env.CARGO_TARGET_DIR ?? join(here, '..', 'target'), triple, profile, 'build')
  const names = existsSync(builds) ? readdirSync(builds).filter((name) => name.startsWith('tenon-node-')) : []
  const files = names.map((name) => join(builds, name, 'out', 'native-types', 'tenon-node')).filter((file) => existsSync(file))
  if (files.length === 0) throw new Error(`native-types: the native part is not built: nothing in ${builds}/tenon-node-*/out/native-types`)
  const when = (file) => statSync(file).mtimeMs
  const newest = files.reduce((best, file) => (when(file) > when(best) ? file : best))
  // The library and its tests are compiled at the same time and write into one file, so lines may occur twice.
  return [...new Set(readFileSync(newest, 'utf8').trimEnd().split('\n'))].map((line) => JSON.parse(line))
}

/** The members of a class or of an object, each with its comment, indented. */
function members(text) {
  const found = []
  let comment = []
  let open = false
  for (const line of text.split('\n')) {
    if (open || line.startsWith('/**')) {
      comment.push(line)
      open = !line.endsWith('*/')
    } else if (line.trim() !== '') {
      found.push([...comment, line.trim()])
      comment = []
    }
  }
  return found.map((lines) => ({ name: lines.at(-1), text: lines.map((line) => `  ${line}\n`).join('') }))
}

const isConstructor = ({ name }) => name.startsWith('constructor(')

/** Constructors first, then by name, because the order in which two compilers wrote them is arbitrary. */
function before(one, other) {
  if (isConstructor(one) !== isConstructor(other)) return isConstructor(one) ? -1 : 1
  return one.name < other.name ? -1 : 1
}

const KINDS = {
  fn: ({ def }) => `export declare ${def}\n`,
  interface: ({ name, def }) => `export interface ${name} {\n${members(def).map(({ text }) => text).join('')}}\n`,
  struct: ({ name, def }, methods) => {
    const all = [...members(def), ...methods.flatMap(members)].sort(before)
    return `export declare class ${name} {\n${all.map(({ text }) => text).join('')}}\n`
  }
}

/** The text of native.d.ts. */
export function declarations(lines) {
  const methods = lines.filter(({ kind }) => kind === 'impl')
  const declared = lines.filter(({ kind }) => kind !== 'impl').sort((one, other) => (one.name < other.name ? -1 : 1))
  const parts = declared.map((line) => {
    const write = KINDS[line.kind]
    if (write === undefined) throw new Error(`native-types: ${line.name} is of a kind that this does not write: ${line.kind}`)
    return line.js_doc + write(line, methods.filter(({ name }) => name === line.name).map(({ def }) => def))
  })
  return [HEAD, ...parts].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(DECLARATIONS, declarations(lastBuilt(...process.argv.slice(2))))
}
