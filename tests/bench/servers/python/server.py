"""The server of the bench in Python: one tool, ``echo``, as a ``def``, or with ``--async`` as an ``async def``.

Serves stdio, or with ``--http HOST:PORT`` HTTP, and then prints ``listening URL``.
"""

import sys

from tenon_mcp import Server

app = Server("bench")
arguments = sys.argv[1:]

if "--async" in arguments:
    arguments.remove("--async")

    @app.tool
    async def echo(text: str) -> str:
        """Return the text unchanged."""
        return text

else:

    @app.tool
    def echo(text: str) -> str:
        """Return the text unchanged."""
        return text


if arguments[:1] == ["--http"]:
    # The engine says on stderr where it listens. A hook that did would need a loop, which most servers start without.
    sys.stderr = sys.stdout
    app.run(http=arguments[1])
else:
    app.run()
