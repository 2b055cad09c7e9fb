"""The server of the bench in Python: one tool, ``echo``, as a ``def``, or with ``--async`` as an ``async def``.

Serves stdio, or with ``--http HOST:PORT`` HTTP, and then prints ``listening URL``. With ``--auth FILE`` callers need
the scope ``use``, and the file has the options of one verifier of JWT. With ``--policies FILE`` each line of the file
is a policy of the tool: its name, a tab, its value in JSON. ``--audit FILE`` is the setting ``audit``. With
``--count`` the tool, a ``def``, puts behind the text how often it has run.
"""

import sys

from tenon_mcp import Server

arguments = sys.argv[1:]


def option(name):
    """Takes an option and its value away; ``None`` if it is not there."""
    if name not in arguments:
        return None
    at = arguments.index(name)
    _, value = arguments[at : at + 2]
    del arguments[at : at + 2]
    return value


settings, declared = {}, {}
auth, policies, audit = option("--auth"), option("--policies"), option("--audit")
if policies:
    import json

    with open(policies) as file:
        for line in file:
            name, value = line.split("\t")
            declared[name] = json.loads(value)
if auth:
    import json

    from tenon_mcp import JWT

    with open(auth) as file:
        [options] = json.load(file)
    del options["type"]
    settings["auth"] = [JWT(**options)]
    declared["scopes"] = ["use"]
if audit:
    settings["audit"] = audit
app = Server("bench", **settings)

if "--async" in arguments:
    arguments.remove("--async")

    @app.tool(**declared)
    async def echo(text: str) -> str:
        """Return the text unchanged."""
        return text

elif "--count" in arguments:
    arguments.remove("--count")
    runs = 0

    @app.tool(**declared)
    def echo(text: str) -> str:
        """Return the text and the number of runs."""
        global runs
        runs += 1
        return f"{text} {runs}"

else:

    @app.tool(**declared)
    def echo(text: str) -> str:
        """Return the text unchanged."""
        return text


if arguments[:1] == ["--http"]:
    # The engine says on stderr where it listens. A hook that did would need a loop, which most servers start without.
    sys.stderr = sys.stdout
    app.run(http=arguments[1])
else:
    app.run()
