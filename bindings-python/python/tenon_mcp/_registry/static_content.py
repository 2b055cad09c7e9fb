"""Content that the engine serves without a handler: views, skills and pages."""

from __future__ import annotations

import os

from ..errors import RegistrationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Unpack

    from .._native import Engine
    from .policies import ResourcePolicies


class StaticContent:
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
        **policies: Unpack[ResourcePolicies],
    ) -> None:
        """Registers a view: HTML that hosts of MCP Apps show in a frame, next to the results of tools with this ``ui``.

        ``uri`` starts with ``ui://``. ``html`` is the document, or a folder as a ``Path``. The ``index.html`` of a
        folder becomes the document. All files that it loads from the folder (scripts, style sheets, images, fonts,
        media) are put into it, because a frame has no address to load from. The folder is read once, during this call.
        Symbolic links are not followed. Scripts with imports of their own must be bundled before.

        ``csp`` has the origins that the view may reach, such as ``"https://*.example.com"``. It has the lists
        ``connectDomains``, ``resourceDomains``, ``frameDomains`` and ``baseUriDomains``; default: none. ``permissions``
        are the permissions that it requests from the browser: ``camera``, ``microphone``, ``geolocation``,
        ``clipboardWrite``, each ``{}``. ``domain`` is an origin of its own. ``prefers_border`` says whether the host
        should draw a border. With ``listed=False`` the view is not in the list of resources. ``cache_hints`` says how
        long clients may keep it, and for whom.

        Tools may name the view before it is registered. A server does not start while a tool names a view that is not
        registered. Invalid values raise ``RegistrationError``.
        """
        if isinstance(html, str):
            is_folder, text = False, html
        elif isinstance(html, os.PathLike):
            is_folder, text = True, _path("html", html)
        else:
            raise RegistrationError(f"ui: html must be a str or a path, not {type(html).__name__}")
        ui = {"csp": csp, "permissions": permissions, "domain": domain, "prefersBorder": prefers_border}
        ui = {member: value for member, value in ui.items() if value is not None}
        definition = {"uri": uri, "name": name, "title": title, "description": description, "ui": ui or None}
        definition = {member: value for member, value in definition.items() if value is not None}
        if not listed:
            policies["hidden"] = True
        self._engine.add_ui(definition, policies, text, is_folder)

    def skills(self, folder: str | os.PathLike[str], /) -> None:
        """Serves a folder of skills, in every revision. It may be called for several folders.

        Each folder in it that has a ``SKILL.md`` is a skill, with all files in and below it. Other folders group
        skills. Clients get skills by ``skills/list``, ``skills/get`` and ``resources/directory/read``. They read the
        files as resources at ``skill://…``.

        A ``SKILL.md`` begins with front matter: YAML between two lines of ``---``. In it, ``name`` is the name of the
        folder, and ``description`` says what the skill is for. A skill has at most 512 files and 16 MiB. Symbolic links
        are refused. Names that begin with a dot are left out. An invalid skill raises ``RegistrationError``.

        The folder is read again whenever a client asks, so digests and sizes match the current files. A skill that has
        become invalid since then is left out, and the logger ``tenon_mcp.call`` has the reason.
        """
        self._engine.add_skills(_path("folder", folder))

    def page(self, path: str, body: str | bytes, /, *, content_type: str = "text/html; charset=utf-8") -> None:
        """Serves a fixed page. The server's HTTP addresses return it for GET and HEAD requests of one path.
        No function runs.

        The page may be a client of the server in a browser, for example. It replaces an existing page with this path,
        at any time. ``path`` is matched exactly as it is in a request: percent-encoded, without query. A ``str`` is
        sent as UTF-8. ``asgi()`` answers no pages, because the program around it has paths of its own. Pages of a
        mounted server are not mounted.

        Responses have an ``ETag``, by which browsers check whether the page has changed. The response tells browsers
        not to guess another type. A request may name the hosts of the address. Only pages of the same address, and of
        origins that may call the server, may show the page in a frame. Anyone who reaches the address can read the
        page. A page of an address that others can reach may call the server only if its origin is in
        ``allowed_origins``. A page of a loopback address may always call it.

        Raises ``RegistrationError`` if the path or the type is invalid, the page is too large (``max_page_bytes``),
        there are too many (``max_pages``), or MCP is served under the path. If the path of MCP is not known yet, the
        start raises the error.
        """
        if isinstance(body, str):
            try:
                body = body.encode()
            except UnicodeEncodeError as error:
                raise RegistrationError(f"page {path!r}: body cannot be encoded as UTF-8: {error}") from None
        elif not isinstance(body, bytes):
            raise RegistrationError(f"page {path!r}: body must be a str or bytes, not {type(body).__name__}")
        for what, text in (("path", path), ("content_type", content_type)):
            if not isinstance(text, str):
                raise RegistrationError(f"page: {what} must be a str, not {type(text).__name__}")
        self._engine.add_page(path, content_type, body)

    def remove_page(self, path: str, /) -> bool:
        """Removes a page. Returns ``False`` if there is none under this path."""
        return self._engine.remove_page(path)


def _path(what: str, path: str | os.PathLike[str]) -> str:
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str):
        raise RegistrationError(f"{what} must be a str, or a path whose text is a str, not {type(text).__name__}")
    return text
