"""Answers of the client to questions, and the construction of questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .._handlers.results import Content, PromptMessage, camel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Generic, TypeAlias

    from typing_extensions import TypeVar

    C = TypeVar("C", default=Any)

    Messages: TypeAlias = "str | PromptMessage | dict[str, Any] | Iterable[str | PromptMessage | dict[str, Any]]"


if TYPE_CHECKING:

    class Answer(NamedTuple, Generic[C]):
        """The answer to a question."""

        action: str
        """``"accept"``, ``"decline"`` or ``"cancel"``. An answer of a model always has ``"accept"``."""
        content: C
        """If a form was accepted: its values, which conform to the schema that was sent, or an instance of the type
        that was given. If a model answered: its content block, or a list of blocks. Otherwise ``None``.
        """
        text: str
        """The text of a model's message; otherwise empty."""
        json: dict[str, Any]
        """The whole answer as the client sent it, with all members of its kind, such as a model's ``role`` and
        ``model``.
        """

else:  # generic named tuples are of 3.11

    class Answer(NamedTuple):
        """The answer to a question: ``action``, ``content``, a model's ``text``, and all of it as ``json``."""

        action: str
        content: Any
        text: str
        json: dict[str, Any]


class Root(NamedTuple):
    """A directory or file that the user works in."""

    uri: str
    """Its ``file:`` address."""
    name: str | None
    """Its name for people."""


def read(answer: tuple[str, dict[str, Any], str]) -> Answer:
    """The answer as it comes from the engine."""
    action, json, text = answer
    return Answer(action, json.get("content"), text, json)


def roots(answer: Answer) -> list[Root]:
    return [Root(root["uri"], root.get("name")) for root in answer.json["roots"]]


def members(members: dict[str, Any]) -> dict[str, Any]:
    """Parameters by the specification's names, from keywords. Parameters that are ``None`` are left out."""
    return {camel(name): value for name, value in members.items() if value is not None}


def messages(given: Messages) -> list[dict[str, Any]]:
    """The messages to a model."""
    if isinstance(given, (str, PromptMessage, Content, dict)):
        one: Any = given
        return [_message(one)]
    return [_message(one) for one in given]


def _message(one: str | PromptMessage | Content | dict[str, Any]) -> dict[str, Any]:
    if isinstance(one, (str, Content)):
        one = PromptMessage(one)
    return one.json if isinstance(one, PromptMessage) else one
