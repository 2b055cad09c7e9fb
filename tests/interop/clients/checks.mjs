// The checks both npm clients run against a fixture server, and the frame around them.
//
//   CLIENT.mjs --era modern|legacy --checks JSON --abilities A,B (--url URL | --stdio -- CMD ARGS...)
//
// Runs the checks named in the JSON array. One JSON line per check on stdout; exit code 0 when every check passed.
// A client hands `main` a `connect(target, era)` that gives { version, era?, info, tools, errorCode(error), notFoundCode?,
// call(name, args, { signal, onprogress }, meta), close(), library }, where `library` is the client object itself, whose
// methods for lists, reads, prompts and completion take the same parameters in both libraries.

import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';

import { kindChecks } from './kinds.mjs';
import { FIXTURE, answers, clip, equal, expectAnswers, textOf } from './support.mjs';

const VERSIONS = { modern: '2026-07-28', legacy: '2025-11-25' };
// What a server declares, by the ability of the fixture.
const DECLARED = { resources: 'resources', prompts: 'prompts', completion: 'completions' };
const CHECK_MS = 10_000; // for one check
const TOTAL_MS = 60_000; // for the whole program, hangs included
// The libraries end a stdio server with SIGTERM 2 s after its stdin closed; a good server is gone before.
const CLOSE_MS = 1_900;
const UNICODE = 'né 你好 こんにちは 🦀👩‍👩‍👧 \u2028 \x7f "quoted" \\ \t\n end';

let failed = 0;

function report(check, ok, detail, started) {
  if (!ok) failed += 1;
  console.log(JSON.stringify({ check, ok, detail, ms: Math.round(performance.now() - started) }));
}

async function run(name, check, limit = CHECK_MS) {
  const started = performance.now();
  let timer;
  try {
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no result within ${limit} ms`)), limit);
    });
    report(name, true, (await Promise.race([check(), late])) ?? '', started);
    return true;
  } catch (error) {
    report(name, false, `${error.name}: ${error.message}`.slice(0, 800), started);
    return false;
  } finally {
    clearTimeout(timer);
  }
}

function checks(client, era, abilities) {
  const echo = async (text) => textOf(await client.call('echo', { text }));
  return [
    ['identity', async () => {
      equal(client.version, VERSIONS[era], 'negotiated version');
      if (client.era !== undefined) equal(client.era, era, 'era');
      equal({ name: client.info?.name, version: client.info?.version },
        { name: FIXTURE.name, version: FIXTURE.version }, 'server info');
      if (!client.tools) throw new Error('tools capability missing');
      const declared = client.library.getServerCapabilities();
      for (const [ability, capability] of Object.entries(DECLARED)) {
        const has = declared[capability] !== undefined;
        equal(has, abilities.includes(ability), `capability ${capability}; hosts.py says what is pending`);
      }
      return `${client.version} ${client.info.name} ${client.info.version}`;
    }],
    ['tools/list', async () => {
      const { tools } = await client.library.listTools();
      const expected = FIXTURE.tools.filter((tool) => abilities.includes(tool.ability ?? 'tools'));
      equal(tools.map((tool) => tool.name), expected.map((tool) => tool.name), 'tool names');
      for (const [i, { ability, execution, ...rest }] of expected.entries()) {
        const want = execution && client.version === VERSIONS.legacy ? { ...rest, execution } : rest;
        equal(tools[i], want, `tool ${want.name}`);
      }
      return `${tools.length} tools`;
    }],
    ['add', async () => {
      const result = await client.call('add', { a: 2, b: 3 });
      equal([textOf(result), Boolean(result.isError)], ['5', false], '2 + 3');
      equal(textOf(await client.call('add', { a: -9007199254740991, b: 1 })), '-9007199254740990', 'large integers');
    }],
    ['echo unicode', async () => equal(await echo(UNICODE), UNICODE, 'echo')],
    ['echo 100 KB', async () => {
      const text = '0123456789abcdé🦀'.repeat(Math.floor((100 * 1024) / 20));
      const got = await echo(text);
      if (got !== text) throw new Error(`came back changed: ${got.length} of ${text.length} UTF-16 units`);
      return `${Buffer.byteLength(text)} bytes`;
    }],
    ['describe', async () => {
      const result = await client.call('describe', { name: 'Grace' });
      const want = { name: 'Grace', length: 5 };
      equal(result.structuredContent, want, 'structuredContent');
      equal(JSON.parse(textOf(result)), want, 'text block');
    }],
    ['fail', async () => {
      const result = await client.call('fail', {});
      if (!result.isError || !textOf(result).includes('boom')) throw new Error(`want isError with boom, got ${clip(result)}`);
      return textOf(result);
    }],
    ['schema violation', async () => {
      let said;
      try {
        const result = await client.call('add', { a: 'x', b: 1 });
        if (!result.isError) throw new Error(`accepted a string for an integer: ${clip(result)}`);
        said = textOf(result);
      } catch (error) {
        if (client.errorCode(error) === undefined) throw error;
        equal(client.errorCode(error), -32602, 'error code');
        said = `${error.message} ${clip(error.data)}`;
      }
      if (!said.includes('/a')) throw new Error(`the answer does not name /a: ${said}`);
      return said;
    }],
    ['unknown tool', async () => {
      let result;
      try {
        result = await client.call('no_such_tool', {});
      } catch (error) {
        if (client.errorCode(error) === undefined) throw error;
        equal(client.errorCode(error), -32602, 'error code');
        return error.message;
      }
      throw new Error(`want a JSON-RPC error, got ${clip(result)}`);
    }],
    ['progress', async () => {
      const seen = [];
      const result = await client.call('count', { to: 3 }, { onprogress: (progress) => seen.push(progress) });
      equal(textOf(result), 'counted to 3', 'result');
      equal(seen.map(({ progress, total, message }) => ({ progress, total, message })),
        [1, 2, 3].map((i) => ({ progress: i, total: 3, message: `${i} of 3` })), 'progress');
    }],
    ['ask_name accept', async () => {
      expectAnswers((params) => {
        equal(params.requestedSchema.required, ['name'], 'requested schema');
        return { action: 'accept', content: { name: 'Ada' } };
      });
      equal(textOf(await client.call('ask_name', {})), 'Hello, Ada!', 'accepted');
      equal(answers.asked, ['What is your name?'], 'asked');
    }],
    ...['decline', 'cancel'].map((action) => [`ask_name ${action}`, async () => {
      expectAnswers(() => ({ action }));
      equal(textOf(await client.call('ask_name', {})), `No name given (${action})`, action);
    }]),
    ['ask_two', async () => {
      let release;
      const both = new Promise((resolve) => { release = resolve; });
      expectAnswers(async (params) => {
        // Neither question is answered before both were asked: one after the other would hang here.
        if (answers.asked.length === 2) release();
        await both;
        return { action: 'accept', content: { value: { 'First?': 'A', 'Second?': 'B' }[params.message] } };
      });
      equal(textOf(await client.call('ask_two', {})), 'A B', 'result');
      equal([...answers.asked].sort(), ['First?', 'Second?'], 'asked');
    }],
    ['32 at once', async () => {
      const texts = Array.from({ length: 32 }, (_, i) => `call ${i}`);
      equal(await Promise.all(texts.map(echo)), texts, 'echoes');
    }],
    ['cancel', async () => {
      const abort = new AbortController();
      let outcome = 'pending';
      const waiting = client.call('wait', {}, { signal: abort.signal }).then(
        (result) => { outcome = `answered: ${clip(result)}`; },
        () => { outcome = 'rejected'; },
      );
      // Answered after `wait` was sent, so the server has `wait` in hand when it is cancelled.
      equal(await echo('before'), 'before', 'echo before');
      equal(outcome, 'pending', 'wait before the abort');
      abort.abort();
      await waiting;
      equal(outcome, 'rejected', 'wait after the abort');
      equal(await echo('after'), 'after', 'echo after');
    }],
  ];
}

export async function main(connect, eras) {
  const { values, positionals } = parseArgs({
    options: {
      era: { type: 'string' },
      checks: { type: 'string' },
      abilities: { type: 'string' },
      url: { type: 'string' },
      stdio: { type: 'boolean' },
    },
    allowPositionals: true,
  });
  if (!eras.includes(values.era) || !values.checks || !values.abilities || Boolean(values.url) === Boolean(values.stdio)) {
    console.error(`usage: --era ${eras.join('|')} --checks JSON --abilities A,B (--url URL | --stdio -- CMD ARGS...)`);
    process.exit(2);
  }
  setTimeout(() => {
    report('time limit', false, `still running after ${TOTAL_MS} ms`, performance.now());
    process.exit(1);
  }, TOTAL_MS).unref();
  const target = values.url ? { url: new URL(values.url) } : { command: positionals[0], args: positionals.slice(1) };
  let client;
  await run('connect', async () => { client = await connect(target, values.era); });
  if (client !== undefined) {
    const chosen = JSON.parse(values.checks);
    const known = [...checks(client, values.era, values.abilities.split(',')), ...kindChecks(client, values.era)];
    for (const [name, check] of known) if (chosen.includes(name)) await run(name, check);
    await run('close', () => client.close(), CLOSE_MS);
  }
  process.exit(failed ? 1 : 0);
}
