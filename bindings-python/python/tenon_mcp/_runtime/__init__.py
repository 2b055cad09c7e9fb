"""A call while it runs: its event loop or thread, its questions, its middleware, and how it fails."""
