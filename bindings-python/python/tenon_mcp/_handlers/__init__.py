"""Handlers: how a function is called with its arguments, and what its return value becomes."""
