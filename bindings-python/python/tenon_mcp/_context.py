"""What a tool may know about its call, and say while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ._bridge import LoopBridge
    from ._native import Call


class Suspended(BaseException):
    """Ends this attempt of a ``def`` tool whose question is on its way to the client.

    The tool is run again, from its top, once the answer is there. Let it pass; do clean up in ``finally``.
    """


class ElicitResult(NamedTuple):
    """What the user did with a question."""

    action: str
    """``"accept"``, ``"decline"`` or ``"cancel"``."""
    content: dict[str, Any] | None
    """The filled form with ``"accept"``, else ``None``. It conforms to the schema that was sent."""


class _CallContext:
    """What both kinds of context have in common."""

    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call = call

    def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Reports how far the call has come.

        Dropped if the client did not ask for progress or if ``progress`` has not increased.
        """
        self._call.progress(progress, total, message)

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the result any more: the call was cancelled, timed out, or its client left."""
        return self._call.cancelled

    @property
    def request_id(self) -> str | int:
        """The id of the client's request."""
        return self._call.request_id

    @property
    def client_info(self) -> dict[str, Any] | None:
        """What the client calls itself, if it says."""
        return self._call.client_info

    @property
    def client_capabilities(self) -> dict[str, Any]:
        """What the client can do."""
        return self._call.client_capabilities

    @property
    def protocol_version(self) -> str:
        """The protocol revision in force for this call."""
        return self._call.protocol_version

    @property
    def meta(self) -> dict[str, Any]:
        """The request's metadata, as sent."""
        return self._call.meta

    @property
    def session_id(self) -> str | None:
        """The session, where the transport has sessions."""
        return self._call.session_id


class Context(_CallContext):
    """The context of an ``async def`` tool: annotate a parameter with it."""

    __slots__ = ("_bridge",)

    def __init__(self, call: Call, bridge: LoopBridge) -> None:
        super().__init__(call)
        self._bridge = bridge

    async def elicit(self, message: str, schema: dict[str, Any], key: str | None = None) -> ElicitResult:
        """Asks the user behind the client to fill in a form.

        ``schema`` is an object schema of flat primitive properties. In a session this waits for the answer. With
        clients of the stateless protocol the call ends here and the tool runs again, from its top, with the answer:
        what it does before asking must be harmless to repeat. Questions asked at once (``asyncio.gather``) go out
        together; give each a ``key`` if their order may vary. Raises ``ElicitError``.
        """
        return ElicitResult(*await self._bridge.ask(self._call, message, schema, key))


class SyncContext(_CallContext):
    """The context of a ``def`` tool: annotate a parameter with it, or with ``Context``."""

    __slots__ = ()

    def elicit(self, message: str, schema: dict[str, Any], key: str | None = None) -> ElicitResult:
        """Asks the user behind the client to fill in a form, and blocks until the answer is there.

        As ``Context.elicit``, except that the call of a stateless client ends by raising ``Suspended``.
        """
        answer = self._call.ask_and_wait(message, schema, key)
        if answer is None:
            raise Suspended
        return ElicitResult(*answer)
