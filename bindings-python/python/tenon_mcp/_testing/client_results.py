"""The results of a client's requests."""

from __future__ import annotations

from typing import Any

from .._registry.definition import Definition


class Result:
    """The result of a request."""

    result: dict[str, Any]
    """The result as it was sent."""
    data: Any
    """The value that a program usually needs."""
    text: str
    """The texts of the result, joined by line breaks."""

    def __init__(self, result: dict[str, Any], data: Any, text: str, is_error: bool) -> None:
        self.result = result
        self.data = data
        self.text = text
        self.is_error = is_error

    @property
    def meta(self) -> dict[str, Any]:
        """The metadata of the result."""
        meta: dict[str, Any] = self.result.get("_meta", {})
        return meta

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.result!r})"


class CallResult(Result):
    """The result of a tool.

    ``data`` is the structured content. Without structured content it is the only text: parsed, if the text is JSON,
    otherwise a ``str``. It is ``None`` if there is no single such value. ``text`` has the texts of the content exactly
    as they were sent.
    """

    is_error: bool
    """Whether the tool failed. The text gives the reason."""

    @property
    def content(self) -> list[Definition]:
        """The content blocks."""
        return [Definition(block) for block in self.result.get("content", ())]

    @property
    def structured(self) -> Any:
        """The structured content; ``None`` if there is none."""
        return self.result.get("structuredContent")


class ReadResult(Result):
    """The contents that were read at an address.

    ``data`` is the data of the only contents: parsed JSON if their media type says so, a ``str``, or ``bytes``. It is
    ``None`` if there is no single such value.
    """

    def __init__(self, result: dict[str, Any], data: Any, text: str, is_error: bool) -> None:
        contents = result.get("contents", ())
        if data is None and len(contents) == 1 and "blob" in contents[0]:
            import base64

            data = base64.b64decode(contents[0]["blob"])
        super().__init__(result, data, text, is_error)

    @property
    def contents(self) -> list[Definition]:
        """The contents, with their addresses."""
        return [Definition(one) for one in self.result.get("contents", ())]


class PromptResult(Result):
    """The result of a prompt."""

    @property
    def messages(self) -> list[Definition]:
        """The messages, each with ``role`` and ``content``."""
        return [Definition(message) for message in self.result.get("messages", ())]

    @property
    def description(self) -> str | None:
        """The description of the prompt, if it has one."""
        return self.result.get("description")


class CompletionResult(Result):
    """Suggestions for an argument."""

    @property
    def values(self) -> list[str]:
        """The suggestions."""
        values: list[str] = self.data.get("values", [])
        return values

    @property
    def total(self) -> int | None:
        """The total number of suggestions, if it is known."""
        total: int | None = self.data.get("total")
        return total

    @property
    def has_more(self) -> bool:
        """Whether there are more suggestions than were sent."""
        return bool(self.data.get("hasMore", False))
