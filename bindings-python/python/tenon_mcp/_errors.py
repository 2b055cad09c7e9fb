"""The exceptions under the name that the native half imports."""

from .errors import (
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

__all__ = [
    "ArgumentError",
    "AskError",
    "ForkedError",
    "McpError",
    "NotFound",
    "RegistrationError",
    "ServeError",
    "StartError",
    "StateError",
    "TenonError",
    "ToolError",
]
