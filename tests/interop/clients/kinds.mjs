// Checks of both npm clients: all content, resources, prompts, completion, logging, and what else may be asked.

import { FIXTURE, answers, clip, equal, expectAnswers, logs, textOf } from './support.mjs';

const NOT_FOUND = { modern: -32602, legacy: -32002 };
const LOG_LEVEL = 'io.modelcontextprotocol/logLevel';

const user = (text) => ({ role: 'user', content: { type: 'text', text } });
const named = () => ({ action: 'accept', content: { name: 'Ada' } });

// All pages of a list.
async function every(get, member) {
  const items = [];
  let cursor;
  do {
    const page = await get(cursor === undefined ? undefined : { cursor });
    items.push(...page[member]);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return items;
}

export function kindChecks(client, era) {
  const { library } = client;

  const refused = async (code, call, what) => {
    let result;
    try {
      result = await call();
    } catch (error) {
      if (client.errorCode(error) === undefined) throw error;
      equal(client.errorCode(error), code, `error code of ${what}`);
      return error.message;
    }
    throw new Error(`${what}: want a JSON-RPC error, got ${clip(result)}`);
  };
  const messages = async (name, args) => (await library.getPrompt({ name, arguments: args })).messages;
  const complete = async (ref, name, value, args) => {
    const context = args && { arguments: args };
    return (await library.complete({ ref, argument: { name, value }, context })).completion;
  };
  const from = (level) => FIXTURE.levels.slice(FIXTURE.levels.indexOf(level)).map((name) => [name, 'fixture', name]);

  return [
    ['content', async () => {
      const result = await client.call('content', {});
      equal(result.content, FIXTURE.content, 'content');
      equal(result._meta?.['example.com/fixture'], true, '_meta');
    }],
    ['measure', async () => {
      const result = await client.call('measure', { text: 'né🦀' });
      equal(result.structuredContent, { length: 3 }, 'structuredContent');
      equal(JSON.parse(textOf(result)), { length: 3 }, 'text block');
    }],
    ...['accept', 'decline'].map((action) => [`ask_url ${action}`, async () => {
      expectAnswers(({ mode, message, url }) => {
        equal([mode, message, url], ['url', 'Please sign in.', 'https://example.com/sign-in'], 'question');
        return { action };
      });
      equal(textOf(await client.call('ask_url', {})), action, 'result');
      equal(answers.asked.length, 1, 'questions');
    }]),
    ['ask_model', async () => {
      answers.sampled = [];
      equal(textOf(await client.call('ask_model', {})), 'The model says: Paris', 'result');
      equal(answers.sampled.map((params) => params.maxTokens), [100], 'maxTokens');
      const [{ role, content }] = answers.sampled[0].messages;
      const { type, text } = [content].flat()[0];
      equal([role, type, text], ['user', 'text', 'What is the capital of France?'], 'message');
    }],
    ['ask_all', async () => {
      expectAnswers(named);
      equal(textOf(await client.call('ask_all', {})), 'Ada; Paris; file:///home/interop file:///srv', 'result');
    }],
    ['ask_roots', async () => {
      equal(textOf(await client.call('ask_roots', {})), 'file:///home/interop\nfile:///srv', 'roots');
    }],
    ['resources/list', async () => {
      equal(await every((params) => library.listResources(params), 'resources'), FIXTURE.resources, 'resources');
    }],
    ['resources/templates/list', async () => {
      const got = await every((params) => library.listResourceTemplates(params), 'resourceTemplates');
      equal(got, FIXTURE.resourceTemplates, 'resource templates');
    }],
    ['read', async () => {
      for (const [uri, contents] of FIXTURE.reads) {
        equal((await library.readResource({ uri })).contents, contents, uri);
      }
    }],
    ['read not found', async () => {
      for (const uri of ['test://nothing', 'test://rows/9', 'test://template/123']) {
        await refused(client.notFoundCode ?? NOT_FOUND[era], () => library.readResource({ uri }), uri);
      }
    }],
    ['read failing', () => refused(-32603, () => library.readResource({ uri: 'test://failing' }), 'test://failing')],
    ['read asking', async () => {
      expectAnswers(named);
      const { contents } = await library.readResource({ uri: 'test://asking' });
      equal(contents.map(({ text }) => text), ['Hello, Ada!'], 'text');
      equal(answers.asked, ['What is your name?'], 'asked');
    }],
    ['prompts/list', async () => {
      equal(await every((params) => library.listPrompts(params), 'prompts'), FIXTURE.prompts, 'prompts');
    }],
    ['greet', async () => {
      equal(await messages('greet', { name: 'Ada' }), [user('Greet Ada.')], 'without a style');
      equal(await messages('greet', { name: 'Ada', style: 'formal' }), [user('Greet Ada in a formal style.')],
        'with a style');
    }],
    ['prompt contents', async () => {
      const want = FIXTURE.content.slice(0, -1).map((content) => ({ role: 'user', content }));
      want.push({ role: 'assistant', content: { type: 'text', text: 'Understood.' } });
      equal(await messages('contents'), want, 'messages');
    }],
    ['prompt faults', async () => {
      await refused(-32602, () => messages('no_such_prompt'), 'an unknown prompt');
      await refused(-32602, () => messages('greet', { style: 'formal' }), 'a missing argument');
      return refused(-32603, () => messages('failing'), 'a failing prompt');
    }],
    ['prompt asking', async () => {
      expectAnswers(() => ({ action: 'accept', content: { topic: 'tea' } }));
      equal(await messages('asking'), [user('Tell me about tea.')], 'messages');
      equal(answers.asked, ['Which topic?'], 'asked');
    }],
    ['complete prompt', async () => {
      const ref = { type: 'ref/prompt', name: 'greet' };
      equal((await complete(ref, 'style', 'f')).values, ['formal', 'friendly', 'funny'], 'of f');
      equal((await complete(ref, 'style', 'fu')).values, ['funny'], 'of fu');
      equal((await complete(ref, 'style', 'f', { name: 'Ada' })).values, ['formal'], 'of f for Ada');
    }],
    ['complete template', async () => {
      const ref = { type: 'ref/resource', uri: 'test://template/{id}/data' };
      const all = Array.from({ length: 150 }, (_, i) => String(i + 1));
      const { values, total, hasMore } = await complete(ref, 'id', '');
      equal([values, total, hasMore], [all.slice(0, 100), 150, true], 'of nothing');
      const few = await complete(ref, 'id', '14');
      equal([few.values, Boolean(few.hasMore)], [['14', ...all.slice(139, 149)], false], 'of 14');
    }],
    ['log setLevel', async () => {
      for (const least of ['warning', 'debug', 'emergency']) {
        await library.setLoggingLevel(least);
        equal(textOf(await client.call('log', {})), 'logged', 'result');
        equal(await logs.take(from(least).length), from(least), `messages from ${least}`);
      }
    }],
    ['log per request', async () => {
      for (const least of ['error', 'debug']) {
        await client.call('log', {}, undefined, { [LOG_LEVEL]: least });
        equal(await logs.take(from(least).length), from(least), `messages from ${least}`);
      }
      equal(textOf(await client.call('log', {})), 'logged', 'result');
      // A message that should not be would have come before the result.
      equal(logs.got, [], 'messages that nobody asked for');
    }],
  ];
}
