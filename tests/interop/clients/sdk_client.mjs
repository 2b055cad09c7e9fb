// Drives a fixture server with npm `@modelcontextprotocol/sdk` 1.32, which knows the legacy era only.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js';
import {
  CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema, LoggingMessageNotificationSchema, McpError,
} from '@modelcontextprotocol/sdk/types.js';

import { main } from './checks.mjs';
import { elicit, logs, roots, sample } from './support.mjs';

const CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };

/** The transport that an address is for, by what the fixtures' paths are called. */
function transportTo(url) {
  if (url.protocol === 'ws:') return new WebSocketClientTransport(url);
  return url.pathname === '/sse' ? new SSEClientTransport(url) : new StreamableHTTPClientTransport(url);
}

async function connect(target, era) {
  const client = new Client({ name: 'interop', version: '1.0.0' }, { capabilities: CAPABILITIES });
  client.setRequestHandler(ElicitRequestSchema, (request) => elicit(request.params));
  client.setRequestHandler(CreateMessageRequestSchema, (request) => sample(request.params));
  client.setRequestHandler(ListRootsRequestSchema, roots);
  client.setNotificationHandler(LoggingMessageNotificationSchema, (notification) => logs.add(notification.params));
  const transport = target.url
    ? transportTo(target.url)
    : new StdioClientTransport({ ...target, env: { ...process.env } });
  // The library keeps the negotiated version to itself and tells only the transport.
  let version;
  const tellTransport = transport.setProtocolVersion?.bind(transport);
  transport.setProtocolVersion = (negotiated) => {
    version = negotiated;
    tellTransport?.(negotiated);
  };
  await client.connect(transport);
  return {
    version,
    info: client.getServerVersion(),
    tools: client.getServerCapabilities()?.tools,
    library: client,
    call: (name, args, options, meta) => client.callTool({ name, arguments: args, _meta: meta }, undefined, options),
    errorCode: (error) => (error instanceof McpError ? error.code : undefined),
    close: async () => {
      await transport.terminateSession?.();
      await client.close();
    },
  };
}

await main(connect, ['legacy']);
