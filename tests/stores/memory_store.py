"""A complete store in Python, in the memory of the process. Threads may use it at the same time."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenon_mcp import StoreOp, StoreReply

LEAST, MOST = -(2**63), 2**63 - 1
NEVER = 100 * 365 * 86400.0
# Sums of times are not exact.
ROUNDING = 1e-6


class Log:
    """A log: its entries with their positions and times, and the last position that is not there any more."""

    def __init__(self, lost: int) -> None:
        self.entries: deque[tuple[int, bytes, float]] = deque()
        self.lost = lost
        self.trimmed = False

    def trim(self, op: Any, now: float) -> None:
        size = sum(len(entry) for _, entry, _ in self.entries)
        while self.entries:
            position, entry, since = self.entries[0]
            if not (
                position <= op["keep_after"]
                or (op["keep_entries"] is not None and len(self.entries) > op["keep_entries"])
                or (op["keep_bytes"] is not None and size > op["keep_bytes"])
                or (op["keep_age"] is not None and now - since > op["keep_age"])
            ):
                return
            self.entries.popleft()
            self.lost, self.trimmed = position, True
            size -= len(entry)


class Bucket:
    """A token bucket: what is taken of it, in pieces, which come back evenly."""

    def __init__(self, now: float) -> None:
        self.used, self._since = 0.0, now

    def pass_time(self, op: Any, now: float) -> None:
        back = max(0.0, now - self._since) * op["amount"] / op["period"]
        self.used, self._since = max(0.0, self.used - back), max(now, self._since)

    def change(self, by: int, now: float) -> None:
        self.used = max(0.0, self.used + by)

    def time(self, pieces: float, op: Any, now: float) -> float:
        return pieces * op["period"] / op["amount"]


class Window:
    """A sliding window: when which number of pieces was taken. They come back when they are as old as the period."""

    def __init__(self, now: float) -> None:
        self.used, self._taken = 0, deque[tuple[float, int]]()

    def pass_time(self, op: Any, now: float) -> None:
        while self._taken and self._taken[0][0] + op["period"] <= now:
            self.used -= self._taken.popleft()[1]

    def change(self, by: int, now: float) -> None:
        if by > 0:
            self._taken.append((now, by))
            self.used += by
        while by < 0 and self._taken:
            since, count = self._taken.pop()
            back = min(count, -by)
            by, self.used = by + back, self.used - back
            if back < count:
                self._taken.append((since, count - back))

    def time(self, pieces: float, op: Any, now: float) -> float:
        """The time until so many pieces have come back."""
        last = now
        for since, count in self._taken:
            if pieces <= 0:
                break
            pieces -= count
            last = since
        return last + op["period"] - now if self.used else 0.0


class Table:
    """Values that expire."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Any, float]] = {}
        self._inserted = 0

    def get(self, key: str, now: float) -> Any:
        value, expiry = self._held.get(key, (None, now))
        return None if expiry <= now else value

    def put(self, key: str, value: Any, expiry: float, now: float) -> None:
        self._held[key] = (value, expiry)
        self._inserted += 1
        if self._inserted > len(self._held):
            # The cost of the search is spread over as many insertions as there are values.
            self._inserted = 0
            self._held = {key: held for key, held in self._held.items() if held[1] > now}

    def left(self, key: str, now: float) -> float:
        return self._held[key][1] - now

    def remove(self, key: str, now: float) -> bool:
        found = self.get(key, now) is not None
        self._held.pop(key, None)
        return found

    def touch(self, key: str, expiry: float, now: float) -> bool:
        value = self.get(key, now)
        if value is not None:
            self._held[key] = (value, expiry)
        return value is not None


class MemoryStore:
    """The store. ``clock`` returns the time in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._records, self._logs, self._counters, self._rates = Table(), Table(), Table(), Table()
        self._last = 0

    def submit(self, op: StoreOp) -> StoreReply:
        run = getattr(self, "_" + op["op"], None)
        if run is None:
            return {"result": "unsupported"}
        with self._lock:
            reply: StoreReply = run(op, self._clock())
            return reply

    def _next(self) -> int:
        """A version or a position that no key has had before."""
        self._last += 1
        return self._last

    def _get(self, op: Any, now: float) -> StoreReply:
        record = self._records.get(op["key"], now)
        if record is not None and op["touch"] is not None:
            self._records.touch(op["key"], now + op["touch"], now)
        return {"result": "value", "record": record}

    def _conflict(self, op: Any, now: float) -> StoreReply | None:
        """The reply if the condition does not hold."""
        record = self._records.get(op["key"], now)
        version = None if record is None else record["version"]
        if op["when"] == "absent" and record is not None or op["when"] == "version" and version != op["version"]:
            return {"result": "conflict", "record": record}
        return None

    def _put(self, op: Any, now: float) -> StoreReply:
        conflict = self._conflict(op, now)
        if conflict is not None:
            return conflict
        version = self._next()
        self._records.put(op["key"], {"value": op["value"], "version": version}, now + op["ttl"], now)
        return {"result": "stored", "version": version}

    def _touch(self, op: Any, now: float) -> StoreReply:
        return {"result": "found", "found": self._records.touch(op["key"], now + op["ttl"], now)}

    def _delete(self, op: Any, now: float) -> StoreReply:
        return self._conflict(op, now) or {"result": "found", "found": self._records.remove(op["key"], now)}

    def _append(self, op: Any, now: float) -> StoreReply:
        log = self._logs.get(op["key"], now) or Log(self._last)
        position = self._next()
        log.entries.append((position, op["entry"], now))
        log.trim(op, now)
        self._logs.put(op["key"], log, now + op["ttl"], now)
        return {"result": "appended", "position": position}

    def _read(self, op: Any, now: float) -> StoreReply:
        log, after = self._logs.get(op["key"], now), op["after"]
        if log is None:
            return {"result": "entries", "entries": [], "missed": after != 0, "more": False}
        found, size, more = [], 0, False
        for position, entry, _ in log.entries:
            if position <= after:
                continue
            size += len(entry)
            if found and (len(found) >= op["max_entries"] or size > op["max_bytes"]):
                more = True
                break
            found.append({"position": position, "entry": entry})
        missed = log.trimmed if after == 0 else after < log.lost
        return {"result": "entries", "entries": found, "missed": missed, "more": more}  # type: ignore[typeddict-item]

    def _trim(self, op: Any, now: float) -> StoreReply:
        log = self._logs.get(op["key"], now)
        if log is not None:
            log.trim(op, now)
        return {"result": "found", "found": log is not None}

    def _expire(self, op: Any, now: float) -> StoreReply:
        if op["ttl"] == 0:
            return {"result": "found", "found": self._logs.remove(op["key"], now)}
        return {"result": "found", "found": self._logs.touch(op["key"], now + op["ttl"], now)}

    def _add(self, op: Any, now: float) -> StoreReply:
        key, by, most = op["key"], op["by"], op["most"]
        present = self._counters.get(key, now)
        value = max(LEAST, min(MOST, (present or [0])[0] + by))
        added = by <= 0 or most is None or value <= most
        if present is None:
            if by == 0 or not added:
                return {"result": "count", "value": 0, "added": added, "left": 0.0}
            present = [0]
            self._counters.put(key, present, now + op["window"], now)
        if added:
            present[0] = value
        return {"result": "count", "value": present[0], "added": added, "left": self._counters.left(key, now)}

    def _take(self, op: Any, now: float) -> StoreReply:
        key, by, form = op["key"], op["by"], Window if op["burst"] is None else Bucket
        most = op["amount"] if op["burst"] is None else op["burst"]
        usage: Bucket | Window | None = self._rates.get(key, now)
        if usage is None or type(usage) is not form:
            usage = form(now)
        usage.pass_time(op, now)
        taken, wait = by <= 0 or usage.used + by <= most + ROUNDING, 0.0
        if taken:
            usage.change(by, now)
        else:
            wait = usage.time(usage.used + by - most, op, now) if by <= most else NEVER
        reset = usage.time(usage.used, op, now)
        self._rates.put(key, usage, now + reset, now)
        left = max(0, int(most - usage.used + ROUNDING))
        return {"result": "taken", "taken": taken, "left": left, "wait": wait, "reset": reset}
