"""Clients in the process of their server, for tests."""
