"""The settings of a program: from a file, from variables of the environment, and from code."""

from __future__ import annotations

import os

from ._native import Settings as _Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Settings"]


class Settings:
    """The settings of a program: of its server, the limits, the transports, and the program's own sections.

    They come from a file, from variables of the environment, and from code; the later source counts. The sections are
    ``server`` with ``name``, ``version`` and the settings of ``Server``, ``limits`` with its limits, and ``serve`` with
    the transports of ``run``. Keys are dotted: ``limits.max_calls``. Times are in seconds. ``Server(settings=…)`` uses
    them.

    ``file`` is the settings file, whose name ends with ``.toml`` or ``.json``. ``dotenv`` is a file with lines
    ``NAME=VALUE``: further variables. Variables of the process count more. ``prefix`` is the beginning of the names of
    variables that are settings (default: ``TENON``, as in ``TENON_LIMITS__MAX_CALLS``). If it is empty, variables are
    no source of settings. ``sections`` are the sections of the program: a JSON Schema for each name. ``values`` are
    values of code, by their keys. They replace those of all other sources.

    Raises ``RegistrationError`` if a name or a value is wrong, or if there is no such file. The message has the source
    (such as the line of the file), the key and the value. Raises ``ServeError`` if a file cannot be read.

    Any thread may use the object. Creating it, ``set``, ``save`` and ``reload`` read or write files, and release the
    interpreter meanwhile. They block the calling thread; on an event loop, call them with ``asyncio.to_thread``.
    """

    __slots__ = ("__weakref__", "_native")

    def __init__(
        self,
        file: str | os.PathLike[str] | None = None,
        *,
        dotenv: str | os.PathLike[str] | None = None,
        prefix: str | None = None,
        sections: dict[str, dict[str, Any]] | None = None,
        values: dict[str, Any] | None = None,
    ) -> None:
        own: dict[str, object] = {"prefix": prefix, "sections": sections, "values": values}
        self._native = _Settings({"file": _path(file), "dotenv": _path(dotenv), **own})

    def get(self, key: str) -> Any:
        """The value of a setting or of a whole section, as its source has it.

        ``None`` if it is not set; a limit always has a value. A secret that is set is ``True``. Raises
        ``RegistrationError`` if there is no such setting.
        """
        return self._native.get(key)

    def source(self, key: str) -> str | None:
        """Where the value of a setting comes from: a line of a file, a variable, or ``code``. ``None`` if it is not
        set.
        """
        return self._native.source(key)

    def set(self, key: str, value: Any) -> None:
        """Sets a value in code; ``None`` removes it again. The other sources are not read again.

        Raises ``RegistrationError`` if the key or the value is wrong; nothing changes then. Servers keep
        their settings until ``reload``.
        """
        self._native.set(key, value)

    def save(self) -> None:
        """Writes the values that ``set`` has set into the file.

        Everything else in the file stays as it is, with its comments. The file is replaced as a whole. Raises
        ``StateError`` if the settings have no file, ``RegistrationError`` if a secret was set, because secrets are not
        written, and ``ServeError`` if the file cannot be written.
        """
        self._native.save()

    def reload(self) -> None:
        """Reads all sources again, and applies them to the servers that were made with these settings.

        All changes happen at once. Not every setting can change while a server exists: the tables of settings and
        limits in the documentation mark those that can. Raises ``StateError`` if another one differs; the message names
        it. Raises like the constructor if anything is wrong. After an error nothing has changed. ``run`` does the same
        at SIGHUP.
        """
        self._native.reload()

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of a settings file with the sections of the program, for editors."""
        schema: dict[str, Any] = self._native.schema()
        return schema

    @staticmethod
    def write_default(path: str | os.PathLike[str]) -> None:
        """Writes a TOML file that has every setting as a comment, with its description.

        Raises ``ServeError`` if the file exists already or cannot be written.
        """
        _Settings.write_default(path)


def _path(path: object) -> object:
    """A path as the engine takes it, which refuses values of other types."""
    return os.fspath(path) if isinstance(path, os.PathLike) else path
