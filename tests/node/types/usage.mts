// What the types accept, infer and refuse.

import { ElicitError, Server, type Answer, type Context, type FromSchema } from '../../../bindings-node/index.mjs'

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
  { name: string; tags: ('a' | 'b')[]; count?: number; nested?: { on?: boolean }; open?: any }
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
      return error instanceof ElicitError ? error.code : String(error)
    }
  })

const removed: boolean = app.removeTool('bare')
const { url } = await app.listen({ stdio: removed, http: { port: 0, allowedHosts: ['x'] }, signals: true })
same<typeof url, string | undefined>(true)
await app.listen()
await app.listen(8000)
await app.listen({ http: 'localhost:8000/mcp' })
await app.close()
await app.closed

// @ts-expect-error a name is needed
new Server({})
// @ts-expect-error a misspelt option
new Server({ name: 'x', limits: { maxCall: 1 } })
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
// @ts-expect-error a port is needed
await app.listen({ http: {} })
