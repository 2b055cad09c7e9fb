"""The type of a program's store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .operations import StoreOp, StoreReply


class Store(Protocol):
    """A store for the data that outlives a request: legacy HTTP sessions, the events of streams that can be resumed,
    tasks, and used states.

    ``submit`` runs one operation and returns the reply, as dicts (``StoreOp``, ``StoreReply``). Values are ``bytes``.
    They may contain any bytes, and must be returned unchanged. Times are in seconds.

    - **Keys.** A key is ``kind/name``. Records, logs, counters and allowances with the same key are independent.
    - **Atomicity.** Each operation takes effect at once or not at all, even if others use the store at the same time:
      other threads, other servers, other processes. ``put`` and ``delete`` check their condition and change the record
      in one step.
    - **Versions and positions.** Each write of a record gives it a version that its key never had before, even if the
      record has expired or was removed since. The positions of a log grow in the same way.
    - **Expiry.** Times to live count from the arrival of the operation. What has expired does not exist for any
      operation. ``get`` without ``touch``, ``read`` and ``trim`` do not change the time to live.

    An ``async def submit`` runs on the loop that serves. A ``def submit`` runs on threads of its own, several at once;
    these are not the threads of handlers. Servers with different loops may share a store.

    If ``submit`` raises, the operation has failed: the request that needs it is refused as busy, and the exception is
    logged with its traceback. The same happens if the reply is wrong, or does not come within ``store_timeout``.
    The task of an ``async def submit`` is cancelled then; a ``def submit`` continues, and its reply is dropped. A store
    that cannot be reached may also return ``{"result": "unavailable", "reason": "…"}``.

    The first operation comes after the hooks ``start``, the last one before the hooks ``stop``. So a lifespan may open
    and close what the store uses.
    """

    def submit(self, op: StoreOp, /) -> StoreReply | Awaitable[StoreReply]:
        """Runs an operation and returns its reply."""
        ...
