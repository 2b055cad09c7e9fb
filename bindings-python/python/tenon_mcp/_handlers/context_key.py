"""The argument by which a call passes its context to the functions around a handler."""

CONTEXT_KEY = "\0context"
"""The name of the argument if the handler itself takes no context. No client can send an argument with this name."""
