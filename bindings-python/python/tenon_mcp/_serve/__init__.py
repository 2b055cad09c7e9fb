"""A server from its start to its end: options, transports, event loop, processes and signals.

``run()`` uses ``serving``, and ``signals`` for SIGINT and SIGTERM. ``loop`` serves on an asyncio loop, ``host_loop`` in
a program's own main loop. ``processes`` serves with several processes.
"""
