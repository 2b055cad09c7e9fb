"""Definitions of entries, as programs read them."""

from __future__ import annotations

from typing import Any


def snake(name: str) -> str:
    """A name of the specification in Python's spelling."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


class Definition(dict[str, Any]):
    """An entry of a list: a dict by the specification's names. Its members are also attributes, with underscores
    (``tool.input_schema``). An attribute is ``None`` if there is no such member.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        for key, value in self.items():
            if snake(key).lstrip("_") == name:
                return value
        return None
