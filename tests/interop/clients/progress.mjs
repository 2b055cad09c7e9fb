// Makes many calls that report progress, and counts those whose callback has not heard all of it. Prints one number.
//
// progress.mjs sdk|client legacy|modern CALLS stdio COMMAND… | http|sse|websocket URL

import * as client from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import * as sse from '@modelcontextprotocol/sdk/client/sse.js';
import * as stdio from '@modelcontextprotocol/sdk/client/stdio.js';
import * as http from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js';

const STEPS = 3;
const AT_ONCE = 4;
const [library, era, calls, kind, where, ...args] = process.argv.slice(2);
const isSdk = library === 'sdk';

function transport() {
  if (kind === 'stdio') return new (isSdk ? stdio : { StdioClientTransport }).StdioClientTransport({ command: where, args });
  if (kind === 'sse') return new (isSdk ? sse : client).SSEClientTransport(new URL(where));
  if (kind === 'http') return new (isSdk ? http : client).StreamableHTTPClientTransport(new URL(where));
  return new WebSocketClientTransport(new URL(where));
}

const info = { name: 'progress', version: '1.0.0' };
const mode = era === 'modern' ? { pin: '2026-07-28' } : 'legacy';
const peer = isSdk ? new Client(info) : new client.Client(info, { versionNegotiation: { mode } });
await peer.connect(transport());
let lost = 0;

async function worker(count) {
  for (let i = 0; i < count; i++) {
    let heard = 0;
    const options = { onprogress: () => heard++ };
    const call = { name: 'count', arguments: { to: STEPS } };
    await (isSdk ? peer.callTool(call, undefined, options) : peer.callTool(call, options));
    if (heard < STEPS) lost++;
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, () => worker(calls / AT_ONCE)));
console.log(lost);
await peer.close();
process.exit(0);
