// What the types accept, infer and refuse.

import { Client } from '../../../bindings-node/testing.mjs'
import {
  AskError,
  Content,
  McpError,
  NotFound,
  PromptMessage,
  ResourceContents,
  Server,
  Settings,
  Suspended,
  ToolError,
  ToolResult,
  apiKeys,
  audio,
  file,
  image,
  jwt,
  type Answer,
  type Context,
  type Entry,
  type FromSchema,
  type LogRecord,
  type Principal,
  type StandardSchema,
  type Variables
} from '../../../bindings-node/index.mjs'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(_: Same<A, B>): void {}

const app = new Server({ name: 'types', version: '1', instructions: 'x', limits: { maxCalls: 5, callTimeout: 100 } })

const input = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    count: { type: 'integer' },
    tags: { type: 'array', items: { enum: ['a', 'b'] } },
    nested: { type: 'object', properties: { on: { type: 'boolean' } } },
    open: { type: ['string', 'null'] }
  },
  required: ['name', 'tags']
} as const
same<
  FromSchema<typeof input>,
  { name: string; tags: ('a' | 'b')[]; count?: number; nested?: { on?: boolean }; open?: string | null }
>(true)

app
  .tool('inferred', { description: 'd', input, timeout: 5, structured: true }, (args, ctx) => {
    same<typeof args, FromSchema<typeof input>>(true)
    same<typeof ctx, Context>(true)
    ctx.progress(1, 2, 'x')
    return args.tags.map((tag) => tag + args.name)
  })
  .tool('in place', { input: { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] } }, ({ a }) => {
    same<typeof a, number>(true)
    return a * 2
  })
  .tool('bare', () => undefined)
  .tool('annotated', { input: { type: 'object' } }, (args: { free: string }) => args.free)
  .tool('async', { output: { type: 'object' } }, async (_, { signal, requestId, clientInfo, sessionId, meta }) => {
    same<typeof signal, AbortSignal>(true)
    return { requestId, aborted: signal.aborted, name: clientInfo?.name, sessionId, token: meta?.['progressToken'] }
  })
  .tool('asks', async (_, ctx) => {
    try {
      const schema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } as const
      const answer = await ctx.elicit('Name?', schema, { key: 'name' })
      same<typeof answer, Answer<{ name: string }>>(true)
      return answer.action === 'accept' ? answer.content.name : answer.action
    } catch (error) {
      if (error instanceof Suspended) throw error
      if (!(error instanceof AskError)) return String(error)
      same<typeof error.code, 'unsupported' | 'invalid' | 'failed' | 'ended'>(true)
      return error.code
    }
  })

same<Variables<'a://{x}/{+rest}{?q,r}{/parts*}{y:3}'>, {
  x: string
  rest: string
  y: string
  parts: string | string[]
  q?: string
  r?: string
}>(true)
declare const standard: StandardSchema<{ n: number }>

app
  .tool('standard', { input: standard }, ({ n }) => n.toFixed())
  .tool('content', { title: 'T', annotations: { readOnlyHint: true }, meta: { k: 1 } }, () => [
    'text',
    image(new Uint8Array(1), 'image/png', { annotations: { audience: ['user'] } }),
    audio('AA==', 'audio/wav'),
    file('file:///a', 'text'),
    Content.link('file:///b', 'b', { size: 3 })
  ])
  .tool('result', () => new ToolResult({ content: 'x', structuredContent: {}, isError: false, meta: {} }))
  .resource('a://b', { mimeType: 'a/b', size: 5, cacheHints: { ttlMs: 1, cacheScope: 'private' } }, (_, ctx) => ctx.uri)
  .resource('a://{id}', ({ id }) => {
    same<typeof id, string>(true)
    if (id === '') throw new NotFound()
    return [new ResourceContents(id), new ResourceContents(new Uint8Array(1), { mimeType: 'a/b' })]
  })
  .resourceProvider('row://{id}', {
    list: ({ cursor }) => [{ uri: `row://${cursor}`, name: 'x' }],
    read: ({ id }) => id
  })
  .prompt('names', { args: ['a'] }, ({ a }) => {
    same<typeof a, string | undefined>(true)
    return a
  })
  .prompt('about', { args: { a: { required: true }, b: { description: 'd' } } }, (args) => {
    same<typeof args, { a: string; b?: string }>(true)
    return [PromptMessage.user(args.a), PromptMessage.assistant(Content.text('x'))]
  })
  .prompt('schema', { args: { type: 'object', properties: { a: { enum: ['x', 'y'] } }, required: ['a'] } }, ({ a }) => {
    same<typeof a, 'x' | 'y'>(true)
    return a
  })
  .prompt('bare', () => 'text')
  .completion({ prompt: 'about', argument: 'a' }, (value, known) => [value, ...Object.keys(known)])
  .completion({ template: 'a://{id}', argument: 'id' }, async () => ({ values: [], hasMore: false }))
  .method('example/m', { input, onceOnly: true, audit: ['name'], confirm: 'Sure?', rateLimit: ['9/s', { amount: 1, per: 1000, by: ['principal'] }] }, ({ name }) => ({ name }))
  .notification('example/n', (params) => params)
  .replace('tools/list', () => ({ tools: [] }))
  .on('session_start', (_, ctx) => ctx.sessionId)
  .mapError(RangeError, -32050)
  .mapError(AggregateError, (error) => new McpError(-32051, error.message, { parts: error.errors.length }))
  .tool('talks', async (_, ctx) => {
    ctx.log('info', { any: 'thing' }, { logger: 'l' })
    const { text, model } = await ctx.sample(['x', PromptMessage.assistant('y')], { maxTokens: 5, temperature: 1, key: 'k' })
    const [root] = await ctx.roots()
    const visit = await ctx.elicitUrl('x', new URL('https://a'), { elicitationId: 'e' })
    same<typeof visit.action, 'accept' | 'decline' | 'cancel'>(true)
    const kept = await ctx.once('k', async () => 5)
    same<typeof kept, number>(true)
    if (text === '') await ctx.requireUrls({ message: 'x', url: 'https://a' })
    if (text === model) throw new McpError(-32050, 'x', { uri: root?.uri })
    throw new ToolError('x', { cause: 1 })
  })
const entry: Entry | undefined = app.tools.get('talks')
app.disable('prompt', entry?.name ?? '')
app.enable('completion', { prompt: 'about', argument: 'a' })
app.elicitationComplete('e')
app.entries('resource_template').size
const view: Entry['handler'] | undefined = app.entries('resource').get('ui://view')?.handler
{
  await using client = new Client(app)
  await client.ping()
}
new Server({
  name: 'full',
  title: 'T',
  description: 'd',
  icons: [{ src: 'https://a', sizes: ['any'], theme: 'dark' }],
  websiteUrl: 'https://a',
  revisions: ['2026-07-28'],
  capabilities: ['prompts'],
  extensions: { 'example.com/x': {} },
  maskErrors: true,
  cacheHints: { ttlMs: 5, tools: { cacheScope: 'private' } }
})

new Server({ name: 'console', log: console, stateKeys: [new Uint8Array(32), 'text'] })
new Server({ name: 'off', log: null })
new Server({
  name: 'function',
  log: (record) => {
    same<typeof record, LogRecord>(true)
    if (record.level === 'error') console.error(record.kind, record.name, record.error)
  }
})

const removed: boolean = app.remove('tool', 'bare')
const { url } = await app.listen({ stdio: removed, http: { port: 0, allowedHosts: ['x'] }, signals: true })
same<typeof url, string | undefined>(true)
await app.listen()
await app.listen(8000)
await app.listen({ http: 'localhost:8000/mcp' })
await app.close()
await app.closed

// @ts-expect-error a name is needed
new Server({})
// @ts-expect-error a function returns an error
app.mapError(RangeError, (error) => error.message)
// @ts-expect-error it gets an error of the type
app.mapError(RangeError, (error: AggregateError) => error)
// @ts-expect-error a misspelt option
new Server({ name: 'x', limits: { maxCall: 1 } })
// @ts-expect-error no method for each level
new Server({ name: 'x', log: { error() {} } })
// @ts-expect-error a key is bytes or text
new Server({ name: 'x', stateKeys: [5] })
// @ts-expect-error a handler is needed
app.tool('x', { input })
// @ts-expect-error the schema says it is a string
app.tool('x', { input }, ({ name }) => name.toFixed())
// @ts-expect-error it is not required
app.tool('x', { input }, ({ count }) => count + 1)
// @ts-expect-error there is no such argument
app.tool('x', { input }, ({ missing }) => missing)
// @ts-expect-error a string is no progress
app.tool('x', (_, ctx) => ctx.progress('1'))
// @ts-expect-error there is no such variable
app.resource('a://{id}', ({ other }) => other)
// @ts-expect-error a prompt's arguments are strings
app.prompt('x', { args: { a: { required: true } } }, ({ a }) => a + 1 - 1)
// @ts-expect-error no such level
app.tool('x', (_, ctx) => ctx.log('warn', 1))
// @ts-expect-error at most so many tokens
app.tool('x', (_, ctx) => ctx.sample('x', {}))
// @ts-expect-error a completion is named by what it completes
app.remove('completion', 'x')
// @ts-expect-error no such hook
app.on('started', () => {})
// @ts-expect-error no such revision
new Server({ name: 'x', revisions: ['2026'] })
// @ts-expect-error a port is needed
await app.listen({ http: {} })

// Views and skills
app.ui('ui://a', '<p>', { csp: { connectDomains: ['https://a.example.com'] }, permissions: { camera: {} }, listed: false })
app.ui('ui://b', { folder: 'view' }).skills('skills')
app.tool('shown', { ui: 'ui://a' }, () => 'x').tool('by-app', { ui: { resourceUri: 'ui://a', visibility: ['app'] } }, () => 'x')
app.page('/', '<p>').page('/a.png', new Uint8Array(1), { contentType: 'image/png' }).removePage('/') satisfies boolean
// @ts-expect-error: there is no such option
app.page('/', '<p>', { type: 'text/html' })
// @ts-expect-error: there is no such visibility
app.tool('odd', { ui: { visibility: ['user'] } }, () => 'x')
// @ts-expect-error: a folder has a name
app.ui('ui://c', { path: 'view' })

// Settings
const settings = new Settings({ file: 'app.toml', dotenv: '.env', prefix: 'APP', sections: { shop: { type: 'object' } }, values: { 'limits.max_calls': 5 } })
same<number | undefined, ReturnType<typeof settings.get<number>>>(true)
settings.set('server.name', 'x').source('server.name') satisfies string | undefined
new Server({ settings: 'app.toml' }).settings satisfies Settings | undefined
new Server({ settings, name: 'x', limits: { maxCalls: 1 } })
Settings.writeDefault('app.toml')
// @ts-expect-error: there is no such source
new Settings({ path: 'app.toml' })
// @ts-expect-error: it is the path of a file, or settings
new Server({ settings: 5 })

// Authentication and authorization
new Server({
  name: 'guarded',
  auth: [apiKeys({ keys: [{ subject: 'ann', env: 'KEY', scopes: ['read'] }], header: 'x-api-key' }), jwt({ issuer: 'a', leeway: 5 }), { type: 'introspection', url: 'a' }],
  anonymous: 'allow',
  accessOfTags: { a: { roles: ['x'], public: false } },
  scopeHierarchy: { all: ['read'] },
  principal: { subject: 'ann', expiresAt: 5 }
})
app.tool('guarded', { scopes: ['read'], roles: ['admin'] }, (_, ctx) => {
  same<Principal | undefined, typeof ctx.principal>(true)
  ctx.login(ctx.principal ?? 'ann')
  ctx.login({ subject: 'ann', clientId: 'app' })
  // @ts-expect-error: it is frozen
  if (ctx.principal) ctx.principal.subject = 'bob'
  return ctx.principal?.scopes.join(' ') ?? ''
})
app.handler({ principal: async () => ({ subject: 'ann', roles: ['admin'] }) })
// @ts-expect-error: a principal has a subject
app.handler({ principal: () => ({ roles: ['admin'] }) })
// @ts-expect-error: there is no such option
jwt({ isuer: 'a' })

app.verifier(({ token }) => token === 'good' && { subject: 'ann', scopes: ['pay'], expiresAt: 4e9 })
app.verifier({ headers: ['x-team'] }, async ({ headers }) => headers['x-team'] ?? null)
app.authorizer(({ principal, kind, name }) => (principal === null ? 'log in first' : kind === 'tool' && name !== 'delete'))
app.authorizer(async ({ arguments: { amount } }) => amount < 100)
// @ts-expect-error: a number is no principal
app.verifier(() => 7)
// @ts-expect-error: there is no such option
app.verifier({ header: 'x-team' }, () => null)
// @ts-expect-error: nothing is no decision
app.authorizer(() => null)
