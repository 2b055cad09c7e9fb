"""A server from its start to its end: options, transports, event loop, processes and signals."""
