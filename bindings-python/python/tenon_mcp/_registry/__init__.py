"""Registration of entries and middleware, with the decorators for it."""
