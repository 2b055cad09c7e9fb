"""The server of the bench in Python: one tool, ``echo``, as a ``def``, or with ``--async`` as an ``async def``.

Serves stdio, or with ``--http HOST:PORT`` HTTP, and then prints ``listening URL``. With ``--auth FILE`` callers need
the scope ``use``, and the file has the options of one verifier of JWT.
"""

import sys

from tenon_mcp import Server

arguments = sys.argv[1:]
auth, needed = [], {}
if "--auth" in arguments:
    import json

    from tenon_mcp import JWT

    at = arguments.index("--auth")
    with open(arguments[at + 1]) as file:
        [options] = json.load(file)
    del options["type"]
    auth = [JWT(**options)]
    needed = {"scopes": ["use"]}
    del arguments[at : at + 2]
app = Server("bench", auth=auth) if auth else Server("bench")

if "--async" in arguments:
    arguments.remove("--async")

    @app.tool(**needed)
    async def echo(text: str) -> str:
        """Return the text unchanged."""
        return text

else:

    @app.tool(**needed)
    def echo(text: str) -> str:
        """Return the text unchanged."""
        return text


if arguments[:1] == ["--http"]:
    # The engine says on stderr where it listens. A hook that did would need a loop, which most servers start without.
    sys.stderr = sys.stdout
    app.run(http=arguments[1])
else:
    app.run()
