"""A call while it runs: its event loop or thread, its questions, its middleware, and how it fails.

``bridge`` runs ``async def`` handlers on an asyncio loop. ``workers`` has the worker threads for ``def`` handlers, and
``sync_handler`` calls a ``def`` handler, on any thread. ``failure`` ends a call whose handler raised an exception.
"""
