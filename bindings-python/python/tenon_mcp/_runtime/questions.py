"""Questions to the client: their parameters, and the answers. Loaded with the first question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .._handlers.members import camel_members
from ..results import Content, PromptMessage

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

else:  # Python 3.10 does not support generic named tuples.

    class Answer(NamedTuple):
        """The answer to a question: ``action``, ``content``, a model's ``text``, and all of it as ``json``."""

        action: str
        content: Any
        text: str
        json: dict[str, Any]


class Root(NamedTuple):
    """A directory or file that the user works in."""

    uri: str
    """The root's ``file:`` address."""
    name: str | None
    """The root's name for people."""


def read(answer: tuple[str, dict[str, Any], str]) -> Answer:
    """Converts an answer from the engine's form."""
    action, json, text = answer
    return Answer(action, json.get("content"), text, json)


def roots(answer: Answer) -> list[Root]:
    return [Root(root["uri"], root.get("name")) for root in answer.json["roots"]]


def form(message: str, schema: Any) -> dict[str, Any]:
    """The parameters of an elicitation. ``schema`` is a JSON Schema, or a type that has one."""
    if not isinstance(schema, dict):
        from .._schema import elicitation_schema

        if elicitation_schema.is_type(schema):
            schema = elicitation_schema.schema_of(schema)
    return camel_members({"message": message, "requested_schema": schema})


def typed(schema: Any, answer: Answer[Any]) -> Answer[Any]:
    """The answer to a form. If the form was given as a type, ``content`` is an instance of this type."""
    if isinstance(schema, dict) or answer.content is None:
        return answer
    from .._schema import elicitation_schema

    if not elicitation_schema.is_type(schema):
        return answer
    return answer._replace(content=elicitation_schema.read(schema, answer.content))


def page(message: str, url: str, id: str | None = None) -> dict[str, Any]:
    """The parameters of a request to visit a page."""
    return camel_members({"message": message, "url": url, "elicitation_id": id})


def sampling(arguments: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a question to a model, from the local variables of ``sample``."""
    del arguments["self"], arguments["key"]
    return camel_members({**arguments, "messages": _messages(arguments["messages"])})


def _messages(messages: Messages) -> list[dict[str, Any]]:
    if isinstance(messages, (str, PromptMessage, Content, dict)):
        single: Any = messages
        return [_message(single)]
    return [_message(message) for message in messages]


def _message(message: str | PromptMessage | Content | dict[str, Any]) -> dict[str, Any]:
    if isinstance(message, (str, Content)):
        message = PromptMessage(message)
    return message.json if isinstance(message, PromptMessage) else message
