"""What starting any Python program costs: says a word and waits for the end of its input."""

import sys

print("started", flush=True)
sys.stdin.read(1)
