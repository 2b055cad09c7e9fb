"""A server inside of another program: requests of its ASGI server, and clients in the same process.

``asgi`` is the ASGI application, and ``embedded`` starts the server with its first request. ``principal`` finds the
principal of a request, and ``in_process`` serves the clients of ``tenon_mcp.testing``.
"""
