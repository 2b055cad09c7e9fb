// Drives a fixture server with npm `@modelcontextprotocol/client` 2.4, in the legacy or the modern era.

import { Client, ProtocolError, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

import { main } from './checks.mjs';
import { elicit, logs, roots, sample } from './support.mjs';

const CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };

async function connect(target, era) {
  const client = new Client({ name: 'interop', version: '1.0.0' }, {
    capabilities: CAPABILITIES,
    // `auto` asks server/discover first; the identity check proves that it did not fall back.
    versionNegotiation: { mode: era === 'modern' ? 'auto' : 'legacy' },
  });
  // Answers legacy requests and, inside an input_required round, modern ones alike.
  client.setRequestHandler('elicitation/create', (request) => elicit(request.params));
  client.setRequestHandler('sampling/createMessage', (request) => sample(request.params));
  client.setRequestHandler('roots/list', roots);
  client.setNotificationHandler('notifications/message', (notification) => logs.add(notification.params));
  const transport = target.url
    ? new (target.url.pathname === '/sse' ? SSEClientTransport : StreamableHTTPClientTransport)(target.url)
    : new StdioClientTransport({ ...target, env: { ...process.env } });
  await client.connect(transport);
  return {
    version: client.getNegotiatedProtocolVersion(),
    era: client.getProtocolEra(),
    info: client.getServerVersion(),
    tools: client.getServerCapabilities()?.tools,
    library: client,
    call: (name, args, options, meta) => client.callTool({ name, arguments: args, _meta: meta }, options),
    // The library turns -32002 into -32602 where the error's data names the URI.
    notFoundCode: -32602,
    errorCode: (error) => (ProtocolError.isInstance(error) ? error.code : undefined),
    close: async () => {
      if (era === 'legacy') await transport.terminateSession?.();
      await client.close();
    },
  };
}

await main(connect, ['modern', 'legacy']);
