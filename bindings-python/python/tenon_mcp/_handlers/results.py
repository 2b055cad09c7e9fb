"""Classes for results that plain text and JSON cannot express."""

from __future__ import annotations

import sys
from binascii import b2a_base64

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from typing import Any, TypeAlias

    Said: TypeAlias = "str | Content"

_BYTES = (bytes, bytearray, memoryview)


class _Json:
    """A value that represents an object of the protocol."""

    __slots__ = ("_json",)

    _json: dict[str, Any]

    @property
    def json(self) -> dict[str, Any]:
        """The object in the form of the protocol's newest revision."""
        return self._json

    def __eq__(self, other: object) -> bool:
        return self._json == other._json if isinstance(other, _Json) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # pyright: ignore

    def __repr__(self) -> str:
        text = repr(self._json)
        return f"{type(self).__name__}({text if len(text) <= 200 else text[:200] + '…'})"


def _without_none(**members: Any) -> dict[str, Any]:
    """Members by the specification's names, from keywords. Members that are ``None`` are left out."""
    return {("_meta" if name == "meta" else camel(name)): value for name, value in members.items() if value is not None}


def camel(name: str) -> str:
    """A keyword in the specification's spelling: ``mimeType`` for ``mime_type``."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _encoded(data: bytes | bytearray | memoryview) -> str:
    return b2a_base64(data, newline=False).decode()


class ResourceContents(_Json):
    """The contents of a resource, or a part of them: text or bytes.

    The handler of a resource may leave out ``uri`` and the media type. They default to those of the resource.
    """

    __slots__ = ()

    def __init__(
        self,
        data: str | bytes | bytearray | memoryview,
        *,
        uri: str | None = None,
        mime_type: str | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        if isinstance(data, str):
            held = {"text": data}
        elif isinstance(data, _BYTES):
            held = {"blob": _encoded(data)}
        else:
            raise TypeError(f"the contents of a resource are str or bytes, not {type(data).__name__}")
        self._json = {**_without_none(uri=uri, mime_type=mime_type), **held, **_without_none(meta=meta)}


class Content(_Json):
    """A content block of a tool's result or of a prompt's message, in the form of the protocol's newest revision.

    ``annotations`` has ``audience`` (``"user"``, ``"assistant"``), ``priority`` from 0 to 1 and ``lastModified``.
    Members that the client's revision does not have are left out.
    """

    __slots__ = ()

    def __init__(self, block: dict[str, Any]) -> None:
        self._json = block

    @classmethod
    def text(
        cls, text: str, *, annotations: dict[str, Any] | None = None, meta: dict[str, Any] | None = None
    ) -> Content:
        """Text. If it needs no annotations or metadata, a plain ``str`` is enough."""
        return Content({"type": "text", "text": text, **_without_none(annotations=annotations, meta=meta)})

    @classmethod
    def image(
        cls,
        data: bytes,
        mime_type: str,
        *,
        annotations: dict[str, Any] | None = None,
        meta: dict[str, Any] | None = None,
    ) -> Content:
        """An image from its bytes. ``Image`` also reads files."""
        return Image(data, mime_type, annotations=annotations, meta=meta)

    @classmethod
    def audio(
        cls,
        data: bytes,
        mime_type: str,
        *,
        annotations: dict[str, Any] | None = None,
        meta: dict[str, Any] | None = None,
    ) -> Content:
        """Audio from its bytes. ``Audio`` also reads files."""
        return Audio(data, mime_type, annotations=annotations, meta=meta)

    @classmethod
    def resource(
        cls,
        contents: ResourceContents,
        *,
        annotations: dict[str, Any] | None = None,
        meta: dict[str, Any] | None = None,
    ) -> Content:
        """The contents of a resource. They must have a ``uri``."""
        members = _without_none(annotations=annotations, meta=meta)
        return Content({"type": "resource", "resource": contents.json, **members})

    @classmethod
    def link(
        cls,
        uri: str,
        name: str,
        *,
        title: str | None = None,
        description: str | None = None,
        mime_type: str | None = None,
        size: int | None = None,
        annotations: dict[str, Any] | None = None,
        icons: Sequence[dict[str, Any]] | None = None,
        meta: dict[str, Any] | None = None,
    ) -> Content:
        """A link to a resource that the client may read."""
        members = _without_none(
            title=title,
            description=description,
            mime_type=mime_type,
            size=size,
            annotations=annotations,
            icons=icons,
            meta=meta,
        )
        return Content({"type": "resource_link", "uri": uri, "name": name, **members})


class _Media(Content):
    __slots__ = ()
    _type = ""

    def __init__(
        self,
        source: bytes | bytearray | memoryview | str | os.PathLike[str],
        mime_type: str | None = None,
        *,
        annotations: dict[str, Any] | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        data, mime_type, _ = _read(source, mime_type)
        if mime_type is None:
            raise ValueError(f"{type(self).__name__}: the media type is not known; give it as mime_type")
        block = {"type": self._type, "data": _encoded(data), "mimeType": mime_type}
        super().__init__({**block, **_without_none(annotations=annotations, meta=meta)})


class Image(_Media):
    """An image: bytes and their media type, or the path of a file. The constructor reads the file."""

    __slots__ = ()
    _type = "image"


class Audio(_Media):
    """Audio: bytes and their media type, or the path of a file. The constructor reads the file."""

    __slots__ = ()
    _type = "audio"


class File(Content):
    """A file as an embedded resource: bytes and their media type, or a path. The constructor reads the file.

    ``uri`` defaults to the ``file:`` address of a path. If the media type begins with ``text/`` and the file is UTF-8,
    it is sent as text. Any other file is sent as bytes.
    """

    __slots__ = ()

    def __init__(
        self,
        source: bytes | bytearray | memoryview | str | os.PathLike[str],
        mime_type: str | None = None,
        *,
        uri: str | None = None,
        annotations: dict[str, Any] | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        data, mime_type, path = _read(source, mime_type)
        if uri is None:
            if path is None:
                raise ValueError("File: bytes need a uri")
            uri = path.absolute().as_uri()
        held: str | bytes = data
        if mime_type is not None and mime_type.startswith("text/"):
            try:
                held = data.decode()
            except UnicodeDecodeError:
                pass
        contents = ResourceContents(held, uri=uri, mime_type=mime_type or "application/octet-stream")
        members = _without_none(annotations=annotations, meta=meta)
        super().__init__({"type": "resource", "resource": contents.json, **members})


def _read(
    source: bytes | bytearray | memoryview | str | os.PathLike[str], mime_type: str | None
) -> tuple[bytes, str | None, Path | None]:
    """The bytes, their media type if it is known, and the path that they are from."""
    if isinstance(source, _BYTES):
        return bytes(source), mime_type, None
    import mimetypes
    from pathlib import Path

    path = Path(source)
    return path.read_bytes(), mime_type or mimetypes.guess_type(path.name)[0], path


class PromptMessage(_Json):
    """A message of a prompt, or to a model: a role and its content."""

    __slots__ = ()

    def __init__(self, content: Said, role: str = "user") -> None:
        self._json = {"role": role, "content": block(content)}


class ToolResult(_Json):
    """The whole result of a tool, for results that a plain return value cannot express.

    ``content`` is a text, a block, or several. ``structured`` is any JSON value. If there is no content, it is sent as
    text too. ``is_error`` says that the tool failed. ``meta`` is for the client's program.
    """

    __slots__ = ()

    def __init__(
        self,
        content: Said | Iterable[Said] | None = None,
        *,
        structured: Any = ...,
        is_error: bool = False,
        meta: dict[str, Any] | None = None,
    ) -> None:
        result: dict[str, Any] = {}
        if content is not None:
            several = (content,) if isinstance(content, (str, Content)) else content
            result["content"] = [block(one) for one in several]
        if structured is not ...:
            result["structuredContent"] = structured
        if is_error:
            result["isError"] = True
        self._json = {**result, **_without_none(meta=meta)}

    @classmethod
    def _of(cls, result: dict[str, Any]) -> ToolResult:
        """A result that is JSON already."""
        found = cls.__new__(cls)
        found._json = result
        return found


def block(content: Said) -> dict[str, Any]:
    """A content block."""
    if isinstance(content, str):
        return {"type": "text", "text": content}
    if isinstance(content, Content):
        return content.json
    raise TypeError(f"content is a str or a Content, not {type(content).__name__}")


def block_of(value: Any) -> dict[str, Any]:
    """A content block, made from any value that a tool may have among its content."""
    if isinstance(value, Content):
        return value.json
    if isinstance(value, str):
        return {"type": "text", "text": value}
    shown = _picture(value)
    if shown is not None:
        return shown.json
    if isinstance(value, (_Json, *_BYTES)):
        raise TypeError(f"content is a str or a Content, not {type(value).__name__}")
    from .._native import from_json, to_json

    text = to_json(value, rich=True)
    found = from_json(text)
    return {"type": "text", "text": found if isinstance(found, str) else text.decode()}


def as_content(value: Any) -> Any:
    """The return value of a tool that declares content. Every item of a list becomes a block."""
    if isinstance(value, (list, tuple)):
        return ToolResult._of({"content": [block_of(item) for item in value]})
    return value


def _picture(value: Any) -> Image | None:
    """A PIL image."""
    if "PIL" not in sys.modules:
        return None
    from .._schema.json_defaults import picture

    found = picture(value)
    return None if found is None else Image(*found)


class Passed:
    """An outcome of the engine that JSON values alone cannot express. It is sent unchanged when it is returned."""

    __slots__ = ("json", "word")

    def __init__(self, word: str, json: Any) -> None:
        self.word = word
        self.json = json


def convert(value: Any) -> tuple[str, Any] | None:
    """Converts a return value that JSON cannot express: the engine's word for its kind, and the value as JSON or bytes.
    """
    if isinstance(value, ToolResult):
        return "result", value.json
    if isinstance(value, Passed):
        return value.word, value.json
    if isinstance(value, _Json):
        return "content", value.json
    if isinstance(value, _BYTES):
        return "bytes", bytes(value)
    shown = _picture(value)
    if shown is not None:
        return "content", shown.json
    if isinstance(value, (list, tuple)):
        if "PIL" in sys.modules:
            value = [_picture(item) or item for item in value]
        if any(isinstance(item, (_Json, *_BYTES)) for item in value):
            return "content", [_item(item) for item in value]
    from .awaitable_check import forgotten

    unfit = forgotten(value)
    return None if unfit is None else ("unfit", unfit)


def _item(value: Any) -> Any:
    if isinstance(value, _BYTES):
        return ResourceContents(value).json
    return value.json if isinstance(value, _Json) else value
