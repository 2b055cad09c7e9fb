// What every check of the npm clients uses: the fixture's contract, comparing, and what the client answers.

import { deepStrictEqual } from 'node:assert';
import { readFileSync } from 'node:fs';

export const FIXTURE = JSON.parse(readFileSync(new URL('../fixture.json', import.meta.url), 'utf8'));

export function equal(got, want, what) {
  try {
    deepStrictEqual(got, want);
  } catch {
    throw new Error(`${what}: got ${clip(got)}, want ${clip(want)}`);
  }
}

export function clip(value) {
  return (JSON.stringify(value) ?? 'undefined').slice(0, 300);
}

export function textOf(result) {
  equal(result.content?.length, 1, 'number of content blocks');
  return result.content[0].text;
}

// What the elicitation handler says is set by the check that is running.
export const answers = { asked: [], sampled: [], reply: undefined };

export async function elicit(params) {
  answers.asked.push(params.message);
  return answers.reply(params);
}

export function expectAnswers(reply) {
  answers.asked = [];
  answers.reply = reply;
}

export async function sample(params) {
  answers.sampled.push(params);
  return { role: 'assistant', content: { type: 'text', text: 'Paris' }, model: 'interop' };
}

export const roots = () => ({ roots: FIXTURE.roots });

// Collects log messages.
export const logs = {
  got: [],
  wake: () => {},
  add({ level, logger, data }) {
    this.got.push([level, logger, data]);
    this.wake();
  },
  // So many messages, and whatever came with them.
  async take(count) {
    while (this.got.length < count) await new Promise((resolve) => { this.wake = resolve; });
    return this.got.splice(0);
  },
};
