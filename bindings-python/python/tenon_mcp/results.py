"""Classes for results that plain text and JSON cannot express."""

from __future__ import annotations

from binascii import b2a_base64

from ._handlers.members import camel_members

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from typing import Any, TypeAlias

    TextOrContent: TypeAlias = "str | Content"

__all__ = ["Audio", "Content", "File", "Image", "PromptMessage", "ResourceContents", "ToolResult"]

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


def _members(*, meta: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    """Members by the specification's names, from keywords. Members that are ``None`` are left out."""
    found = camel_members(members)
    return found if meta is None else {**found, "_meta": meta}


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
            body = {"text": data}
        elif isinstance(data, _BYTES):
            body = {"blob": _encoded(data)}
        else:
            raise TypeError(f"ResourceContents: data must be a str or bytes, not {type(data).__name__}")
        self._json = {**_members(uri=uri, mime_type=mime_type), **body, **_members(meta=meta)}


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
        return Content({"type": "text", "text": text, **_members(annotations=annotations, meta=meta)})

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
        members = _members(annotations=annotations, meta=meta)
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
        members = _members(
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
            raise ValueError(f"{type(self).__name__}: the media type of {_name(source)} is not known; pass mime_type")
        block = {"type": self._type, "data": _encoded(data), "mimeType": mime_type}
        super().__init__({**block, **_members(annotations=annotations, meta=meta)})


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
                raise ValueError("File: uri is required if the source is bytes")
            uri = path.absolute().as_uri()
        body: str | bytes = data
        if mime_type is not None and mime_type.startswith("text/"):
            try:
                body = data.decode()
            except UnicodeDecodeError:
                pass
        contents = ResourceContents(body, uri=uri, mime_type=mime_type or "application/octet-stream")
        members = _members(annotations=annotations, meta=meta)
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

    def __init__(self, content: TextOrContent, role: str = "user") -> None:
        self._json = {"role": role, "content": _block(content)}


class ToolResult(_Json):
    """The whole result of a tool, for results that a plain return value cannot express.

    ``content`` is a text, a block, or several. ``structured`` is any JSON value. If there is no content, it is sent as
    text too. ``is_error`` says that the tool failed. ``meta`` is for the client's program.
    """

    __slots__ = ()

    def __init__(
        self,
        content: TextOrContent | Iterable[TextOrContent] | None = None,
        *,
        structured: Any = ...,
        is_error: bool = False,
        meta: dict[str, Any] | None = None,
    ) -> None:
        result: dict[str, Any] = {}
        if content is not None:
            items = (content,) if isinstance(content, (str, Content)) else content
            result["content"] = [_block(one) for one in items]
        if structured is not ...:
            result["structuredContent"] = structured
        if is_error:
            result["isError"] = True
        self._json = {**result, **_members(meta=meta)}

    @classmethod
    def _from_json(cls, result: dict[str, Any]) -> ToolResult:
        """A result whose members are JSON already."""
        found = cls.__new__(cls)
        found._json = result
        return found


def _name(source: object) -> str:
    return "the bytes" if isinstance(source, _BYTES) else repr(str(source))


def _block(content: TextOrContent) -> dict[str, Any]:
    if isinstance(content, str):
        return {"type": "text", "text": content}
    if isinstance(content, Content):
        return content.json
    raise TypeError(f"content must be a str or a Content, not {type(content).__name__}")
