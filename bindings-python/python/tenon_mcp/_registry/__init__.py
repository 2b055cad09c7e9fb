"""What a program registers: decorators, entries, and middleware."""
