"""A server for the Model Context Protocol."""
