"""Tenon: write servers for the Model Context Protocol.

    from tenon_mcp import Server

    app = Server("demo")

    @app.tool
    def add(a: int, b: int) -> int:
        return a + b

    app.run()
"""

from ._errors import (
    ArgumentError,
    AskError,
    ForkedError,
    McpError,
    NotFound,
    RegistrationError,
    ServeError,
    StartError,
    StateError,
    TenonError,
    ToolError,
)
from ._runtime.context import Context, Suspended, SyncContext
from ._serve.server import Server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._handlers.depends import Depends
    from ._handlers.results import Audio, Content, File, Image, PromptMessage, ResourceContents, ToolResult
    from ._registry.entry import Entry
    from ._runtime.answer import Answer, Root
    from ._serve.limits import Limits
    from ._serve.option_types import CacheOptions, HttpOptions, SseOptions, UnixOptions, WebOptions

__all__ = [
    "Answer",
    "ArgumentError",
    "AskError",
    "Audio",
    "CacheOptions",
    "Content",
    "Context",
    "Depends",
    "Entry",
    "File",
    "ForkedError",
    "HttpOptions",
    "Image",
    "Limits",
    "McpError",
    "NotFound",
    "PromptMessage",
    "RegistrationError",
    "ResourceContents",
    "Root",
    "ServeError",
    "Server",
    "SseOptions",
    "StartError",
    "StateError",
    "Suspended",
    "SyncContext",
    "TenonError",
    "ToolError",
    "ToolResult",
    "UnixOptions",
    "WebOptions",
]

if not TYPE_CHECKING:  # with it, a checker would take any name for one of ours
    # What not every program needs is loaded when it is asked for.
    _ELSEWHERE = {
        "_runtime.answer": ("Answer", "Root"),
        "_handlers.depends": ("Depends",),
        "_registry.entry": ("Entry",),
        "_serve.limits": ("Limits",),
        "_serve.option_types": ("CacheOptions", "HttpOptions", "SseOptions", "UnixOptions", "WebOptions"),
        "_handlers.results": ("Audio", "Content", "File", "Image", "PromptMessage", "ResourceContents", "ToolResult"),
    }

    def __getattr__(name):
        for module, names in _ELSEWHERE.items():
            if name in names:
                value = getattr(__import__(f"{__name__}.{module}", fromlist=(name,)), name)
                globals()[name] = value
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})
