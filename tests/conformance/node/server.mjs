// The server that the public conformance suite runs against; what is in it is written down in ../README.md.
// `--http HOST:PORT` serves Streamable HTTP and prints `listening URL`.

import { setTimeout as sleep } from 'node:timers/promises'
import {
  Content,
  PromptMessage,
  ResourceContents,
  Server,
  ToolError,
  audio,
  file,
  image
} from '../../../bindings-node/index.mjs'
import { addTasks } from './tasks.mjs'

const argument = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined)
const app = new Server({ name: 'tenon-conformance', version: '1.0.0', settings: argument('--settings') })

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA='

const picture = () => image(PNG, 'image/png')
const string = { type: 'string' }

/** An object schema of these properties, of which `required` are. */
const object = (properties, required = Object.keys(properties)) => ({ type: 'object', properties, required })

// Tools

app.tool(
  'test_simple_text',
  { description: 'Returns a text.' },
  () => 'This is a simple text response for testing.'
)

app.tool('test_image_content', { description: 'Returns an image.' }, picture)

app.tool('test_audio_content', { description: 'Returns a sound.' }, () => audio(WAV, 'audio/wav'))

app.tool('test_embedded_resource', { description: 'Returns an embedded resource.' }, () =>
  file('test://embedded-resource', 'This is an embedded resource content.', 'text/plain')
)

app.tool('test_multiple_content_types', { description: 'Returns a text, an image and a resource.' }, () => [
  'Multiple content types test:',
  picture(),
  file('test://mixed-content-resource', '{"test":"data","value":123}', 'application/json')
])

app.tool('test_error_handling', { description: 'Fails.' }, () => {
  throw new ToolError('This tool intentionally returns an error for testing')
})

app.tool('test_tool_with_progress', { description: 'Reports progress.' }, async (_, ctx) => {
  for (const progress of [0, 50, 100]) {
    ctx.progress(progress, 100)
    await sleep(50)
  }
  return 'Progress completed'
})

app.tool('test_tool_with_logging', { description: 'Logs while it runs.' }, async (_, ctx) => {
  for (const what of ['execution started', 'processing data', 'execution completed']) {
    ctx.log('info', `Tool ${what}`)
    await sleep(50)
  }
  return 'Logging completed'
})

app.tool('test_reconnection', { description: "Lets go of its client's connection." }, async (_, ctx) => {
  ctx.closeStream()
  await sleep(100)
  return 'Reconnection completed'
})

app.tool('test_logging_tool', { description: 'Logs one message.' }, (_, ctx) => {
  ctx.log('info', 'Logged')
  return 'Logged'
})

for (const kind of ['tool', 'prompt']) {
  app.tool(`test_trigger_${kind}_change`, { description: `Says that the list of ${kind}s has changed.` }, () => {
    app.listChanged(kind)
    return 'Changed'
  })
}

app.tool(
  'test_sampling',
  { description: "Asks the client's model.", input: object({ prompt: string }) },
  async ({ prompt }, ctx) => {
    const { text } = await ctx.sample(prompt, { maxTokens: 100 })
    return `LLM response: ${text}`
  }
)

const said = (label, { action, content }) => `${label}: action=${action}, content=${JSON.stringify(content ?? {})}`

app.tool(
  'test_elicitation',
  { description: 'Asks the user.', input: object({ message: string }) },
  async ({ message }, ctx) => said('User response', await ctx.elicit(message, object({ username: string, email: string })))
)

const DEFAULTS = object(
  {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true }
  },
  []
)

app.tool('test_elicitation_sep1034_defaults', { description: 'Asks with defaults.' }, async (_, ctx) =>
  said('Elicitation completed', await ctx.elicit('Please review and update the form fields with defaults', DEFAULTS))
)

const titled = (prefix, ...titles) => titles.map((title, i) => ({ const: `${prefix}${i + 1}`, title }))

const ENUMS = object(
  {
    untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
    titledSingle: { type: 'string', oneOf: titled('value', 'First Option', 'Second Option', 'Third Option') },
    legacyEnum: {
      type: 'string',
      enum: ['opt1', 'opt2', 'opt3'],
      enumNames: ['Option One', 'Option Two', 'Option Three']
    },
    untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
    titledMulti: {
      type: 'array',
      items: { anyOf: titled('value', 'First Choice', 'Second Choice', 'Third Choice') }
    }
  },
  []
)

app.tool('test_elicitation_sep1330_enums', { description: 'Asks with choices.' }, async (_, ctx) =>
  said('Elicitation completed', await ctx.elicit('Please select options from the enum fields', ENUMS))
)

app.tool('test_streaming_elicitation', { description: 'Asks for a confirmation.' }, async (_, ctx) => {
  await ctx.elicit('Please confirm', object({ confirm: { type: 'boolean' } }), { key: 'confirm' })
  return 'Confirmed'
})

app.tool('test_missing_capability', { description: 'Needs a client that can sample.' }, async (_, ctx) => {
  // Rejects with the error that the protocol has for this.
  if (ctx.clientCapabilities?.sampling === undefined) await ctx.sample('Hello', { maxTokens: 1 })
  return 'Sampling is supported'
})

app.tool(
  'test_x_mcp_header',
  {
    description: 'Takes an argument that HTTP repeats in a header.',
    input: object({ region: { type: 'string', 'x-mcp-header': 'Region' }, level: string }, ['region'])
  },
  ({ region, level }) => (level === undefined ? region : `${region} ${level}`)
)

const SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } }
    }
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' }
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false
}

app.tool(
  'json_schema_2020_12_tool',
  { description: 'Has a schema with much of JSON Schema 2020-12.', input: SCHEMA },
  () => 'ok'
)

// Asking in rounds

const askUserName = (ctx) => ctx.elicit('What is your name?', object({ name: string }), { key: 'user_name' })
const sampleCapital = (ctx) =>
  ctx.sample('What is the capital of France?', { maxTokens: 100, key: 'capital_question' })
const clientRoots = (ctx) => ctx.roots({ key: 'client_roots' })

const asking = (name, description, handler) =>
  app.tool(`test_input_required_result_${name}`, { description }, (_, ctx) => handler(ctx))

asking('elicitation', 'Asks for a name.', async (ctx) => {
  const { content } = await askUserName(ctx)
  return `Hello, ${content?.name}!`
})

asking('sampling', 'Asks the model for a capital.', async (ctx) => (await sampleCapital(ctx)).text)

asking('list_roots', 'Asks for the roots.', async (ctx) => (await clientRoots(ctx)).map(({ uri }) => uri).join('\n'))

async function confirmed(ctx) {
  await ctx.elicit('Please confirm', object({ ok: { type: 'boolean' } }), { key: 'confirm' })
  return 'state-ok'
}

asking('request_state', 'Asks, and carries a state.', confirmed)

asking('multiple_inputs', 'Asks three questions at once.', async (ctx) => {
  await Promise.all([
    askUserName(ctx),
    ctx.sample('Generate a greeting', { maxTokens: 50, key: 'greeting' }),
    clientRoots(ctx)
  ])
  return 'Multiple inputs received'
})

asking('multi_round', 'Asks twice.', async (ctx) => {
  const first = await ctx.elicit('Step 1: What is your name?', object({ name: string }), { key: 'step1' })
  const second = await ctx.elicit('Step 2: What is your favorite color?', object({ color: string }), { key: 'step2' })
  return `${first.content?.name} likes ${second.content?.color}`
})

asking('tampered_state', 'Asks, and refuses a state that was changed.', confirmed)

asking('capabilities', 'Asks what the client declared.', async (ctx) => {
  const { elicitation, sampling } = ctx.clientCapabilities
  await Promise.all([elicitation && askUserName(ctx), sampling && sampleCapital(ctx)])
  return 'Capabilities respected'
})

// Resources

app.resource(
  'test://static-text',
  { name: 'static-text', description: 'A text.', mimeType: 'text/plain' },
  () => 'This is the content of the static text resource.'
)

app.resource(
  'test://static-binary',
  { name: 'static-binary', description: 'An image.', mimeType: 'image/png' },
  () => Buffer.from(PNG, 'base64')
)

app.resource(
  'test://watched-resource',
  { name: 'watched-resource', description: 'A text to watch.', mimeType: 'text/plain' },
  () => 'Watched resource content'
)

app.resource(
  'test://template/{id}/data',
  { name: 'template-data', description: 'Data by id.', mimeType: 'application/json' },
  ({ id }) => ({ id, templateTest: true, data: `Data for ID: ${id}` })
)

// Prompts

app.prompt('test_simple_prompt', { description: 'A prompt.' }, () => 'This is a simple prompt for testing.')

app.prompt(
  'test_prompt_with_arguments',
  {
    description: 'A prompt with arguments.',
    args: {
      arg1: { description: 'First argument.', required: true },
      arg2: { description: 'Second argument.', required: true }
    }
  },
  ({ arg1, arg2 }) => `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`
)

app.prompt(
  'test_prompt_with_embedded_resource',
  {
    description: 'A prompt with a resource.',
    args: { resourceUri: { description: 'The address of the resource.', required: true } }
  },
  ({ resourceUri }) => [
    Content.resource(
      new ResourceContents('Embedded resource content for testing.', { uri: resourceUri, mimeType: 'text/plain' })
    ),
    'Please process the embedded resource above.'
  ]
)

app.prompt('test_prompt_with_image', { description: 'A prompt with an image.' }, () => [
  picture(),
  PromptMessage.user('Please analyze the image above.')
])

app.prompt('test_input_required_result_prompt', { description: 'Asks before it answers.' }, async (_, ctx) => {
  const { content } = await ctx.elicit('What context should the prompt use?', object({ context: string }), {
    key: 'user_context'
  })
  return `Use the following context: ${content?.context}`
})

// Completion

app.completion({ prompt: 'test_prompt_with_arguments', argument: 'arg1' }, (value) =>
  ['testValue1', 'testValue2', 'other'].filter((word) => word.startsWith(value))
)

addTasks(app)
app.skills('tests/fixtures/skills')

const { url } = await app.listen({ http: argument('--http'), signals: true })
console.log(`listening ${url}`)
