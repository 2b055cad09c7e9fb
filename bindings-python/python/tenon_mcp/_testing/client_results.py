"""What the requests of a client come to."""

from __future__ import annotations

from typing import Any


def snake(name: str) -> str:
    """A name of the specification as Python writes it."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


class Definition(dict[str, Any]):
    """What a list says of an entry: a dict by the specification's names, whose members are attributes as well, with
    underscores (``tool.input_schema``); ``None`` where there is none of this name."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        for key, value in self.items():
            if snake(key).lstrip("_") == name:
                return value
        return None


class Result:
    """What a request came to."""

    result: dict[str, Any]
    """The result as it was sent."""
    data: Any
    """What a program wants of it."""
    text: str
    """Its texts, a line each."""

    def __init__(self, result: dict[str, Any], data: Any, text: str, is_error: bool) -> None:
        self.result = result
        self.data = data
        self.text = text
        self.is_error = is_error

    @property
    def meta(self) -> dict[str, Any]:
        """Its metadata."""
        meta: dict[str, Any] = self.result.get("_meta", {})
        return meta

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.result!r})"


class CallResult(Result):
    """What a tool returned.

    ``data`` is the value that it gave as structured content, or else its only text: as JSON if it is
    such, else a ``str``; ``None`` where there is no one such value. ``text`` has the texts of its content exactly
    as they were sent.
    """

    is_error: bool
    """Whether the tool failed; the text says why."""

    @property
    def content(self) -> list[Definition]:
        """The content blocks."""
        return [Definition(block) for block in self.result.get("content", ())]

    @property
    def structured(self) -> Any:
        """The structured content; ``None`` if there is none."""
        return self.result.get("structuredContent")


class ReadResult(Result):
    """What was read at an address.

    ``data`` is that of the only contents: JSON by their media type, a ``str``, or ``bytes``; ``None`` where there is no
    one such value.
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
    """A prompt, made."""

    @property
    def messages(self) -> list[Definition]:
        """Its messages, each with ``role`` and ``content``."""
        return [Definition(message) for message in self.result.get("messages", ())]

    @property
    def description(self) -> str | None:
        """What it is, if it says so."""
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
        """How many there are, if that is known."""
        total: int | None = self.data.get("total")
        return total

    @property
    def has_more(self) -> bool:
        """Whether there are more than were sent."""
        return bool(self.data.get("hasMore", False))
