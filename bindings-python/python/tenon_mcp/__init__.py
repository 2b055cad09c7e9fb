"""Tenon: write servers for the Model Context Protocol.

    from tenon_mcp import Server

    app = Server("demo")

    @app.tool
    def add(a: int, b: int) -> int:
        return a + b

    app.run()
"""

from ._context import Context, ElicitResult, Suspended, SyncContext
from ._errors import ElicitError, ForkedError, RegistrationError, ServeError, StateError, TenonError
from ._options import HttpOptions
from ._server import Server

__all__ = [
    "Context",
    "ElicitError",
    "ElicitResult",
    "ForkedError",
    "HttpOptions",
    "RegistrationError",
    "ServeError",
    "Server",
    "StateError",
    "Suspended",
    "SyncContext",
    "TenonError",
]
