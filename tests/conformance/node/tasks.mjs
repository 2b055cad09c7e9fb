// Tools whose calls become tasks.

import { setTimeout as sleep } from 'node:timers/promises'
import { McpError, ToolError } from '../../../bindings-node/index.mjs'

const form = (field, type = 'string') => ({ type: 'object', properties: { [field]: { type } }, required: [field] })

export function addTasks(app) {
  const task = (name, description, options, handler) =>
    app.tool(name, { description, taskSupport: 'optional', ...options }, handler)

  app.tool('greet', { description: 'Greets, and never is a task.', input: form('name') }, ({ name }) => `Hello, ${name}!`)

  const work = { type: 'object', properties: { seconds: { type: 'number', default: 0 }, label: { type: 'string' } } }
  task('slow_compute', 'Takes its time.', { input: work }, async ({ seconds, label }, ctx) => {
    ctx.setStatus('computing')
    await sleep(seconds * 1000, undefined, { signal: ctx.signal })
    return `${label} computed in ${seconds} s`
  })

  task('failing_job', 'Fails, as a task only.', { taskSupport: 'required' }, async () => {
    await sleep(1000)
    throw new ToolError('The job failed')
  })

  task('protocol_error_job', 'Ends with an error of the protocol.', {}, () => {
    throw new McpError(-32603, 'The job broke')
  })

  task('confirm_delete', 'Asks before it does anything.', { input: form('filename') }, async ({ filename }, ctx) => {
    const { content } = await ctx.elicit(`Delete ${filename}?`, form('confirm', 'boolean'), { key: 'confirm' })
    return `${content?.confirm ? 'Deleted' : 'Kept'} ${filename}`
  })

  task('multi_input', 'Asks two things at once.', {}, async (_, ctx) => {
    await Promise.all([
      ctx.elicit('Go on?', form('confirm', 'boolean'), { key: 'first' }),
      ctx.elicit('And on?', form('confirm', 'boolean'), { key: 'second' })
    ])
    return 'Both inputs received'
  })

  task('test_tool_with_task', 'Asks before it becomes a task.', { deferTask: true }, async (_, ctx) => {
    const { content } = await ctx.elicit('What is your name?', form('name'), { key: 'user_name' })
    ctx.startTask()
    return `Hello from a task, ${content?.name}`
  })
}
