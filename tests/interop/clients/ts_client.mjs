// Drives a fixture server with npm `@modelcontextprotocol/client` 2.4, in the legacy or the modern era.

import { Client, ProtocolError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

import { main, oneMessageATurn } from './checks.mjs';

async function connect(target, era, elicit) {
  const client = new Client({ name: 'interop', version: '1.0.0' }, {
    capabilities: { elicitation: {} },
    // `auto` asks server/discover first; the identity check proves that it did not fall back.
    versionNegotiation: { mode: era === 'modern' ? 'auto' : 'legacy' },
  });
  // Answers legacy requests and, inside an input_required round, modern ones alike.
  client.setRequestHandler('elicitation/create', (request) => elicit(request.params));
  const transport = target.url
    ? new StreamableHTTPClientTransport(target.url)
    : new StdioClientTransport({ ...target, env: { ...process.env } });
  await client.connect(transport);
  if (!target.url) oneMessageATurn(transport);
  return {
    version: client.getNegotiatedProtocolVersion(),
    era: client.getProtocolEra(),
    info: client.getServerVersion(),
    tools: client.getServerCapabilities()?.tools,
    listTools: () => client.listTools(),
    call: (name, args, options) => client.callTool({ name, arguments: args }, options),
    errorCode: (error) => (ProtocolError.isInstance(error) ? error.code : undefined),
    close: async () => {
      if (target.url && era === 'legacy') await transport.terminateSession();
      await client.close();
    },
  };
}

await main(connect, ['modern', 'legacy']);
