// What the types accept, infer and refuse.
import { AskError, Content, McpError, NotFound, PromptMessage, ResourceContents, Server, Suspended, ToolError, ToolResult, audio, file, image } from '../../../bindings-node/index.mjs';
function same(_) { }
const app = new Server({ name: 'types', version: '1', instructions: 'x', limits: { maxCalls: 5, callTimeout: 100 } });
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
};
same(true);
app
    .tool('inferred', { description: 'd', input, timeout: 5, structured: true }, (args, ctx) => {
    same(true);
    same(true);
    ctx.progress(1, 2, 'x');
    return args.tags.map((tag) => tag + args.name);
})
    .tool('in place', { input: { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] } }, ({ a }) => {
    same(true);
    return a * 2;
})
    .tool('bare', () => undefined)
    .tool('annotated', { input: { type: 'object' } }, (args) => args.free)
    .tool('async', { output: { type: 'object' } }, async (_, { signal, requestId, clientInfo, sessionId, meta }) => {
    same(true);
    return { requestId, aborted: signal.aborted, name: clientInfo?.name, sessionId, token: meta?.['progressToken'] };
})
    .tool('asks', async (_, ctx) => {
    try {
        const schema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
        const answer = await ctx.elicit('Name?', schema, { key: 'name' });
        same(true);
        return answer.action === 'accept' ? answer.content.name : answer.action;
    }
    catch (error) {
        if (error instanceof Suspended)
            throw error;
        if (!(error instanceof AskError))
            return String(error);
        same(true);
        return error.code;
    }
});
same(true);
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
    .resource('a://b', { mimeType: 'a/b', size: 5, cache: { ttlMs: 1, cacheScope: 'private' } }, (_, ctx) => ctx.uri)
    .resource('a://{id}', ({ id }) => {
    same(true);
    if (id === '')
        throw new NotFound();
    return [new ResourceContents(id), new ResourceContents(new Uint8Array(1), { mimeType: 'a/b' })];
})
    .resourceProvider('row://{id}', {
    list: ({ cursor }) => [{ uri: `row://${cursor}`, name: 'x' }],
    read: ({ id }) => id
})
    .prompt('names', { args: ['a'] }, ({ a }) => {
    same(true);
    return a;
})
    .prompt('about', { args: { a: { required: true }, b: { description: 'd' } } }, (args) => {
    same(true);
    return [PromptMessage.user(args.a), PromptMessage.assistant(Content.text('x'))];
})
    .prompt('schema', { args: { type: 'object', properties: { a: { enum: ['x', 'y'] } }, required: ['a'] } }, ({ a }) => {
    same(true);
    return a;
})
    .prompt('bare', () => 'text')
    .completion({ prompt: 'about', argument: 'a' }, (value, known) => [value, ...Object.keys(known)])
    .completion({ template: 'a://{id}', argument: 'id' }, async () => ({ values: [], hasMore: false }))
    .method('example/m', { input }, ({ name }) => ({ name }))
    .notification('example/n', (params) => params)
    .replace('tools/list', () => ({ tools: [] }))
    .on('session_start', (_, ctx) => ctx.sessionId)
    .mapError(RangeError, -32050)
    .tool('talks', async (_, ctx) => {
    ctx.log('info', { any: 'thing' }, { logger: 'l' });
    const { text, model } = await ctx.sample(['x', PromptMessage.assistant('y')], { maxTokens: 5, temperature: 1, key: 'k' });
    const [root] = await ctx.roots();
    const visit = await ctx.elicitUrl('x', new URL('https://a'), { elicitationId: 'e' });
    same(true);
    const kept = await ctx.once('k', async () => 5);
    same(true);
    if (text === '')
        await ctx.requireUrls({ message: 'x', url: 'https://a' });
    if (text === model)
        throw new McpError(-32050, 'x', { uri: root?.uri });
    throw new ToolError('x', { cause: 1 });
});
const entry = app.tools.get('talks');
app.disable('prompt', entry?.name ?? '');
app.enable('completion', { prompt: 'about', argument: 'a' });
app.elicitationComplete('e');
app.entries('resource_template').size;
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
    cache: { ttlMs: 5, tools: { cacheScope: 'private' } }
});
new Server({ name: 'console', log: console, stateKeys: [new Uint8Array(32), 'text'] });
new Server({ name: 'off', log: null });
new Server({
    name: 'function',
    log: (record) => {
        same(true);
        if (record.level === 'error')
            console.error(record.kind, record.name, record.error);
    }
});
const removed = app.remove('tool', 'bare');
const { url } = await app.listen({ stdio: removed, http: { port: 0, allowedHosts: ['x'] }, signals: true });
same(true);
await app.listen();
await app.listen(8000);
await app.listen({ http: 'localhost:8000/mcp' });
await app.close();
await app.closed;
// @ts-expect-error a name is needed
new Server({});
// @ts-expect-error a misspelt option
new Server({ name: 'x', limits: { maxCall: 1 } });
// @ts-expect-error no method for each level
new Server({ name: 'x', log: { error() { } } });
// @ts-expect-error a key is bytes or text
new Server({ name: 'x', stateKeys: [5] });
// @ts-expect-error a handler is needed
app.tool('x', { input });
// @ts-expect-error the schema says it is a string
app.tool('x', { input }, ({ name }) => name.toFixed());
// @ts-expect-error it is not required
app.tool('x', { input }, ({ count }) => count + 1);
// @ts-expect-error there is no such argument
app.tool('x', { input }, ({ missing }) => missing);
// @ts-expect-error a string is no progress
app.tool('x', (_, ctx) => ctx.progress('1'));
// @ts-expect-error there is no such variable
app.resource('a://{id}', ({ other }) => other);
// @ts-expect-error a prompt's arguments are strings
app.prompt('x', { args: { a: { required: true } } }, ({ a }) => a + 1 - 1);
// @ts-expect-error no such level
app.tool('x', (_, ctx) => ctx.log('warn', 1));
// @ts-expect-error at most so many tokens
app.tool('x', (_, ctx) => ctx.sample('x', {}));
// @ts-expect-error a completion is named by what it completes
app.remove('completion', 'x');
// @ts-expect-error no such hook
app.on('started', () => { });
// @ts-expect-error no such revision
new Server({ name: 'x', revisions: ['2026'] });
// @ts-expect-error a port is needed
await app.listen({ http: {} });
// Views and skills
app.ui('ui://a', '<p>', { csp: { connectDomains: ['https://a.example.com'] }, permissions: { camera: {} }, listed: false });
app.ui('ui://b', { folder: 'view' }).skills('skills');
app.tool('shown', { ui: 'ui://a' }, () => 'x').tool('by-app', { ui: { resourceUri: 'ui://a', visibility: ['app'] } }, () => 'x');
// @ts-expect-error: there is no such visibility
app.tool('odd', { ui: { visibility: ['user'] } }, () => 'x');
// @ts-expect-error: a folder has a name
app.ui('ui://c', { path: 'view' });
