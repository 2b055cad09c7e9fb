"""The server of the bench on PyPI ``mcp``: ``echo`` as a ``def``, with ``--async`` as an ``async def``, with
``--model`` of a pydantic model.

Serves stdio, or with ``--http HOST:PORT`` HTTP without sessions and with plain JSON answers, its leanest mode, and then
prints ``listening URL``. It logs warnings only, as the servers beside it.
"""

import logging
import socket
import sys

import uvicorn
from mcp.server.mcpserver import MCPServer
from pydantic import BaseModel

logging.basicConfig(level=logging.WARNING)
app = MCPServer("bench", log_level="WARNING")


class Message(BaseModel):
    text: str


# The text alone, as the other servers of the bench answer.
text_only = app.tool(structured_output=False)

if "--async" in sys.argv:

    @text_only
    async def echo(text: str) -> str:
        """Return the text unchanged."""
        return text

elif "--model" in sys.argv:

    @text_only
    def echo(message: Message) -> str:
        """Return the text unchanged."""
        return message.text

else:

    @text_only
    def echo(text: str) -> str:
        """Return the text unchanged."""
        return text


def serve_http(address):
    host, _, port = address.rpartition(":")
    # Named as TCP, or asyncio leaves small packets to wait for one another.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind((host, int(port)))
    listener.listen(1024)
    application = app.streamable_http_app(json_response=True, stateless_http=True)
    print(f"listening http://{host}:{listener.getsockname()[1]}/mcp", flush=True)
    server = uvicorn.Server(uvicorn.Config(application, log_level="warning", access_log=False, loop="asyncio"))
    server.run(sockets=[listener])


if "--http" in sys.argv:
    serve_http(sys.argv[sys.argv.index("--http") + 1])
else:
    app.run()
