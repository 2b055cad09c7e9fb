"""The keys that seal the state of questions."""

from __future__ import annotations

from ..errors import RegistrationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def read_state_keys(keys: Iterable[bytes]) -> list[str]:
    """The keys as hexadecimal text, as the engine takes them. No message contains a key."""
    # Bytes are iterable too, but then a single key was intended.
    if isinstance(keys, (bytes, bytearray, str)) or not hasattr(keys, "__iter__"):
        raise RegistrationError("state_keys must be a list of keys; put a single key into a list")
    read = list(keys)
    for index, key in enumerate(read):
        if not isinstance(key, bytes):
            raise RegistrationError(f"state_keys[{index}] must be bytes, not {type(key).__name__}")
        if len(key) != 32:
            raise RegistrationError(f"state_keys[{index}] must have 32 bytes, not {len(key)}")
    return [key.hex() for key in read]
