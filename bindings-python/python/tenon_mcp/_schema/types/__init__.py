"""Types beyond JSON's own: their schemas, and how values are converted from and to JSON."""
