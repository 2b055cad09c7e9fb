"""Tenon: write servers for the Model Context Protocol.

    from tenon_mcp import Server

    app = Server("demo")

    @app.tool
    def add(a: int, b: int) -> int:
        return a + b

    app.run()
"""

from .context import Context, Suspended, SyncContext
from .errors import (
    ArgumentError,
    AskError,
    BreakerOpen,
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
from .server import Server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._auth.options import AccessRule
    from .auth import JWT, ApiKey, ApiKeys, Introspection, Principal
    from .context import Answer, Root
    from .results import Audio, Content, File, Image, PromptMessage, ResourceContents, ToolResult
    from .settings import Settings
    from .types import (
        Cache,
        CacheHints,
        CircuitBreaker,
        Credentials,
        Depends,
        Entry,
        HttpOptions,
        Limits,
        RateLimit,
        Retry,
        SseOptions,
        Store,
        StoreEntry,
        StoreOp,
        StoreRecord,
        StoreReply,
        UnixOptions,
        WebOptions,
    )

__all__ = [
    "AccessRule",
    "Answer",
    "ApiKey",
    "ApiKeys",
    "ArgumentError",
    "AskError",
    "Audio",
    "BreakerOpen",
    "Cache",
    "CacheHints",
    "CircuitBreaker",
    "Content",
    "Context",
    "Credentials",
    "Depends",
    "Entry",
    "File",
    "ForkedError",
    "HttpOptions",
    "Image",
    "Introspection",
    "JWT",
    "Limits",
    "McpError",
    "NotFound",
    "Principal",
    "PromptMessage",
    "RateLimit",
    "Retry",
    "RegistrationError",
    "ResourceContents",
    "Root",
    "ServeError",
    "Server",
    "Settings",
    "SseOptions",
    "StartError",
    "StateError",
    "Store",
    "StoreEntry",
    "StoreOp",
    "StoreRecord",
    "StoreReply",
    "Suspended",
    "SyncContext",
    "TenonError",
    "ToolError",
    "ToolResult",
    "UnixOptions",
    "WebOptions",
]

if not TYPE_CHECKING:  # A type checker that sees `__getattr__` accepts any name.
    # Modules that not every program needs are loaded with the first use of one of their names.
    _LAZY = {
        "context": ("Answer", "Root"),
        "_auth.credentials": ("Credentials",),
        "_auth.options": ("AccessRule",),
        "auth": ("ApiKey", "ApiKeys", "Introspection", "JWT", "Principal"),
        "_handlers.depends": ("Depends",),
        "results": ("Audio", "Content", "File", "Image", "PromptMessage", "ResourceContents", "ToolResult"),
        "settings": ("Settings",),
        "types": ("CacheHints", "Entry", "HttpOptions", "Limits", "SseOptions", "UnixOptions", "WebOptions"),
        "_registry.policy_values": ("Cache", "CircuitBreaker", "RateLimit", "Retry"),
        "_store.store": ("Store",),
        "_store.operations": ("StoreEntry", "StoreOp", "StoreRecord", "StoreReply"),
    }

    def __getattr__(name):
        for module, names in _LAZY.items():
            if name in names:
                value = getattr(__import__(f"{__name__}.{module}", fromlist=(name,)), name)
                globals()[name] = value
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})
