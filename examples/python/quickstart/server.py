import sys

from tenon_mcp import Server

app = Server("demo")

@app.tool
def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b

app.run(http=sys.argv[1] if len(sys.argv) > 1 else None)
