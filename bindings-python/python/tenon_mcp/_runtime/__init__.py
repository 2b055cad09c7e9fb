"""A call while it runs: its context, its answers from the client, its middleware, and the threads for it."""
