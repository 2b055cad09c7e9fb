"""What the engine serves of itself: views, skills and pages."""

from __future__ import annotations

import os

from .._errors import RegistrationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .._native import Engine
    from .._serve.option_types import Cache


class Served:
    """The part of a server that needs no handlers."""

    _engine: Engine

    def ui(
        self,
        uri: str,
        html: str | os.PathLike[str],
        /,
        *,
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        csp: dict[str, Any] | None = None,
        permissions: dict[str, Any] | None = None,
        domain: str | None = None,
        prefers_border: bool | None = None,
        listed: bool = True,
        cache: Cache | None = None,
    ) -> None:
        """Registers a view: HTML that hosts of MCP Apps show in a frame, beside the results of tools with this ``ui``.

        ``uri`` starts with ``ui://``. ``html`` is the document, or as a ``Path`` a folder: of that its ``index.html``,
        with everything put inside that it loads from the folder (scripts, style sheets, images, fonts, media), since a
        frame has no address to load it from. The folder is read once, now; no symbolic link is followed, and scripts
        with imports of their own have to be bundled before.

        ``csp`` has the origins it may reach: lists ``connectDomains``, ``resourceDomains``, ``frameDomains``,
        ``baseUriDomains`` of such as ``"https://*.example.com"``; default: none. ``permissions`` are what it asks the
        browser for: ``camera``, ``microphone``, ``geolocation``, ``clipboardWrite``, each ``{}``. ``domain`` is an
        origin of its own, ``prefers_border`` whether the host should draw a border. With ``listed=False`` it is not in
        the list of resources. ``cache`` says how long clients may keep it, and for whom.

        Tools may name it before it is registered; a server does not start while one names a view that is not there.
        What is wrong raises ``RegistrationError``.
        """
        if isinstance(html, str):
            is_folder, text = False, html
        elif isinstance(html, os.PathLike):
            is_folder, text = True, _path("html", html)
        else:
            raise RegistrationError(f"html must be a str or a path, not {type(html).__name__}")
        shown = {"csp": csp, "permissions": permissions, "domain": domain, "prefersBorder": prefers_border}
        shown = {member: value for member, value in shown.items() if value is not None}
        definition = {"uri": uri, "name": name, "title": title, "description": description, "ui": shown or None}
        definition = {member: value for member, value in definition.items() if value is not None}
        policies: dict[str, Any] = {} if cache is None else {"cache": cache}
        if not listed:
            policies["hidden"] = True
        self._engine.add_ui(definition, policies, text, is_folder)

    def skills(self, folder: str | os.PathLike[str], /) -> None:
        """Serves a folder of skills, in every revision; may be called for several.

        Each folder in it that has a ``SKILL.md`` is a skill, with all files in and below it; other folders group
        skills. Clients get them by ``skills/list``, ``skills/get`` and ``resources/directory/read``, and read their
        files as resources at ``skill://…``.

        A ``SKILL.md`` begins with front matter: YAML between two lines of ``---``, in which ``name`` is that of its
        folder and ``description`` says what the skill is for. A skill has at most 512 files and 16 MiB; symbolic links
        are refused, and what begins with a dot is left out. What is not in order raises ``RegistrationError``.

        The folder is looked at whenever a client asks, so that digests and sizes are those of the files there are. What
        has come to be wrong since is left out, and the logger ``tenon_mcp.call`` has the reason.
        """
        self._engine.add_skills(_path("folder", folder))

    def page(self, path: str, body: str | bytes, /, *, content_type: str = "text/html; charset=utf-8") -> None:
        """Has the server's HTTP addresses answer GET and HEAD of one path with a fixed page, without a function.

        Such as one that is a client of the server in a browser. A page that there is under this path is replaced, at
        any time. ``path`` is matched exactly, as it stands in a request: percent-encoded, without query. A ``str`` is
        sent as UTF-8. ``asgi()`` answers no pages, since the program around it has paths of its own, and those of a
        mounted server stay with it.

        Responses have an ``ETag``, by which browsers ask whether the page has changed, and nobody guesses another type.
        Hosts that a request may name are those of the address; in a frame the page is shown to its own address and to
        origins that may call the server. Whoever reaches the address can read it. A page of an address that others can
        reach calls the server only if its origin is in ``allowed_origins``; one of a loopback address may.

        Raises ``RegistrationError`` where the path or the type is none, the page is too large (``max_page_bytes``),
        there are too many (``max_pages``) or MCP is served under the path; where that is not known yet, the start
        raises it.
        """
        if isinstance(body, str):
            try:
                body = body.encode()
            except UnicodeEncodeError as error:
                raise RegistrationError(f"page {path!r}: body cannot be written as UTF-8: {error}") from None
        elif not isinstance(body, bytes):
            raise RegistrationError(f"page {path!r}: body must be a str or bytes, not {type(body).__name__}")
        for what, text in (("path", path), ("content_type", content_type)):
            if not isinstance(text, str):
                raise RegistrationError(f"page: {what} must be a str, not {type(text).__name__}")
        self._engine.add_page(path, content_type, body)

    def remove_page(self, path: str, /) -> bool:
        """Removes a page; ``False`` if there is none under this path."""
        return self._engine.remove_page(path)


def _path(what: str, path: str | os.PathLike[str]) -> str:
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str):
        raise RegistrationError(f"{what} must be a path of str, not {type(text).__name__}")
    return text
