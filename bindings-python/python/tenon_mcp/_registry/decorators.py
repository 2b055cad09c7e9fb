"""Registration of tools, resources and prompts."""

from __future__ import annotations

from .._schema import signature_schema
from ..errors import RegistrationError
from .access import AccessRegistry
from .methods import Methods
from .middleware_registry import MiddlewareRegistry
from .registry import check_first, named
from .static_content import StaticContent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeAlias, TypeVar, overload

    from typing_extensions import Unpack

    from ..types import Thread
    from .policies import (
        CompletionPolicies,
        PromptPolicies,
        ResourceProviderPolicies,
        ResourceTemplatePolicies,
        ToolPolicies,
    )

    F = TypeVar("F", bound=Callable[..., Any])
    Icons: TypeAlias = "Sequence[dict[str, Any]] | None"


def _names(arguments: Any) -> list[str]:
    """The names of explicit arguments. The engine checks the other members."""
    if not isinstance(arguments, (list, tuple)) or not all(isinstance(argument, dict) for argument in arguments):
        raise RegistrationError(f"prompt: arguments must be a list of dicts, not {arguments!r}")
    return [argument["name"] for argument in arguments if isinstance(argument.get("name"), str)]


class Registrations(StaticContent, Methods, MiddlewareRegistry, AccessRegistry):
    """The part of a server that registers entries.

    A handler may be an ``async def`` function, which runs on the loop that serves. Or it is a ``def`` function, which
    runs where ``thread`` says:

    - ``"pool"``, the default: on a worker thread, in parallel with others.
    - ``"loop"``: on the loop's thread. It must not block there.
    - ``"main"``: on the main thread, for libraries that may be used from there only. That is the thread that calls
      ``poll``, or without ``start`` the thread that serves.

    With ``"loop"`` and ``"main"`` a function cannot wait for an answer. If it asks the client something, the attempt
    ends, and the function runs again from its top with the answer. Each call of a ``def`` function has its own copy of
    the context variables that were set where serving began.

    A parameter annotated ``Context``, or ``SyncContext`` in a ``def`` function, receives the call's context. A
    decorator leaves the function as it is. Any thread may register at any time, even while the server runs. Invalid
    registrations raise ``RegistrationError``.
    """

    if TYPE_CHECKING:

        @overload
        def tool(self, function: F, /) -> F: ...

        @overload
        def tool(
            self,
            name: str | None = None,
            *,
            title: str | None = None,
            description: str | None = None,
            annotations: dict[str, Any] | None = None,
            icons: Icons = None,
            meta: dict[str, Any] | None = None,
            ui: str | dict[str, Any] | None = None,
            input_schema: dict[str, Any] | None = None,
            output_schema: dict[str, Any] | None = None,
            thread: Thread = None,
            **policies: Unpack[ToolPolicies],
        ) -> Callable[[F], F]: ...

    def tool(
        self,
        name: Any = None,
        *,
        title: str | None = None,
        description: str | None = None,
        annotations: dict[str, Any] | None = None,
        icons: Icons = None,
        meta: dict[str, Any] | None = None,
        ui: str | dict[str, Any] | None = None,
        input_schema: dict[str, Any] | None = None,
        output_schema: dict[str, Any] | None = None,
        thread: Thread = None,
        **policies: Unpack[ToolPolicies],
    ) -> Any:
        """Registers a function as a tool; with or without parentheses. The function itself stays as it is.

        ``async def`` functions run on the loop that serves, and ``def`` functions run on worker threads. The default
        name is the function's name. By default ``input_schema`` comes from the signature. It may use JSON's types,
        dates, UUIDs, paths, bytes, enumerations, dataclasses, named tuples, typed dicts, and pydantic models. Unions
        and collections of these are supported too. The function gets values of these types. ``Annotated`` and the
        docstring describe parameters. The rest of the docstring is the description. Clients do not see a parameter with
        ``Depends``. A parameter annotated ``Context`` (``SyncContext`` in a ``def`` function) receives the call's
        context.

        The protocol defines ``annotations`` (such as ``{"readOnlyHint": True}``), ``icons`` and ``meta``. ``ui`` is the
        view in which hosts of MCP Apps show the tool's results. It is an address (see ``ui``), or a dict with
        ``resourceUri`` and ``visibility``. ``visibility`` lists who may call the tool: ``"model"`` and ``"app"``.

        A result is sent as text: a ``str`` as it is, ``None`` as empty text, anything else as JSON. If the return
        annotation declares anything but text or content, the result is also sent as structured content. This includes
        numbers and lists as well as objects. ``output_schema`` then comes from the annotation. If the revision supports
        only objects, any other value is wrapped in an object as its member ``result``. ``structured`` overrides this. A
        result that does not fit the schema fails the call. ``Content``, ``Image``, ``Audio``, ``File`` and lists with
        one of them are sent as content. ``ToolResult`` is the whole result. A generator yields content. If the client
        asked for progress, each text is also the message of a progress notification.

        The other keywords are the tool's policies (``ToolPolicies``), such as ``timeout`` in seconds,
        ``max_concurrency``, ``tags``, ``unknown_arguments``, ``once_only`` and ``task_support``.

        An exception from the function fails its call and nothing else. The client gets the message, and the logger
        ``tenon_mcp.call`` gets the traceback. ``ToolError``, ``McpError`` and ``NotFound`` are meant for the client.
        One exception also ends the loop: a ``KeyboardInterrupt`` in an ``async def`` tool, if Python's own handler of
        SIGINT may have raised it. This is the case on the main thread, with ``serve`` or ``signals=False``.
        """

        def register(function: F) -> F:
            own = named("tool", function, None if name is function else name)
            of = self._function("tool", own, function, strict=input_schema is None, thread=thread)
            returns_dict = of.returns_dict
            is_structured, returned = of.result(policies.get("structured"), output_schema is not None)
            self._add(
                "tool",
                {
                    "name": own,
                    "title": title,
                    "description": of.doc if description is None else description,
                    "annotations": annotations,
                    "icons": icons,
                    "meta": meta,
                    "ui": ui,
                    "input_schema": of.schema(closed=True) if input_schema is None else input_schema,
                    "output_schema": returned if output_schema is None else output_schema,
                },
                of,
                handler=of.handler(open=True, returns_dict=returns_dict and policies.get("structured") is None),
                policies={**policies, "structured": is_structured},
            )
            return function

        return register if name is None or isinstance(name, str) else register(name)

    def resource(
        self,
        uri: str,
        *,
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        mime_type: str | None = None,
        size: int | None = None,
        annotations: dict[str, Any] | None = None,
        icons: Icons = None,
        meta: dict[str, Any] | None = None,
        thread: Thread = None,
        **policies: Unpack[ResourceTemplatePolicies],
    ) -> Callable[[F], F]:
        """Registers a function that reads the resource at ``uri``. If ``uri`` has ``{x}`` in it, the function reads all
        resources that match.

        A template (RFC 6570) passes its variables to the parameters with the same names. Each is a string, which is
        converted to the annotated type. With ``*`` in the template it is a list of strings. A variable that an address
        may leave out needs a default. If there is nothing at an address, raise ``NotFound``.

        No variable can lead out of a folder: ``{+x}`` is no absolute path and does not start with a drive (``C:``), and
        no value has a segment ``..``. Addresses with such values do not match the template, unless ``unsafe_paths`` is
        true.

        A ``str`` is sent as text, ``bytes`` as a blob, and anything else as JSON. ``ResourceContents``, one or a list
        of them, may have their own addresses and media types. The default name is the function's name, and the default
        description is its docstring. ``size`` is in bytes; a template has none. ``cache_hints`` says how long clients
        may keep the contents, and for whom.
        """

        check_first("resource", "its URI", uri)

        def register(function: F) -> F:
            of_template = "{" in uri
            kind = "resource_template" if of_template else "resource"
            of = self._function(kind, uri, function, strict=of_template, thread=thread)
            of.check_variables(uri)
            self._add(
                kind,
                {
                    "uri_template" if of_template else "uri": uri,
                    "name": name if name is not None else getattr(function, "__name__", None),
                    "title": title,
                    "description": of.doc if description is None else description,
                    "mime_type": mime_type,
                    "size": size,
                    "annotations": annotations,
                    "icons": icons,
                    "meta": meta,
                },
                of,
                policies=policies,
            )
            return function

        return register

    def resource_provider(
        self,
        template: str,
        /,
        *,
        list: Callable[..., Any],
        read: Callable[..., Any],
        thread: Thread = None,
        **policies: Unpack[ResourceProviderPolicies],
    ) -> None:
        """Registers two functions for resources that only the program knows, such as rows of a table or files of a
        folder.

        ``list`` returns the resources as dicts with ``uri``, ``name`` and the other members of a resource. If there are
        many, it may return one page: ``{"resources": […], "nextCursor": "…"}``. It is then called again with that
        ``cursor``. ``read`` reads one of the resources that match ``template``; see ``resource``. The template itself
        is in no list. ``timeout`` and ``max_concurrency`` apply to each function separately.
        """
        lister = self._function("resource_provider", template, list, thread=thread)
        lister.check_names(["cursor"], "the arguments of list")
        reader = self._function("resource_template", template, read, strict=True, thread=thread)
        reader.check_variables(template)
        # An iterator can be read only once, and both functions have the policies.
        given: dict[str, Any] = {**policies}
        lists: Any = {key: [*value] if hasattr(value, "__next__") else value for key, value in given.items()}
        self._add("resource_template", {"uri_template": template}, reader, policies={**lists, "hidden": True})
        try:
            self._add("resource_provider", {"uri_template": template}, lister, policies=lists)
        except BaseException:
            self._engine.remove("resource_template", template)
            raise

    if TYPE_CHECKING:

        @overload
        def prompt(self, function: F, /) -> F: ...

        @overload
        def prompt(
            self,
            name: str | None = None,
            *,
            title: str | None = None,
            description: str | None = None,
            arguments: Sequence[dict[str, Any]] | None = None,
            icons: Icons = None,
            meta: dict[str, Any] | None = None,
            thread: Thread = None,
            **policies: Unpack[PromptPolicies],
        ) -> Callable[[F], F]: ...

    def prompt(
        self,
        name: Any = None,
        *,
        title: str | None = None,
        description: str | None = None,
        arguments: Sequence[dict[str, Any]] | None = None,
        icons: Icons = None,
        meta: dict[str, Any] | None = None,
        thread: Thread = None,
        **policies: Unpack[PromptPolicies],
    ) -> Any:
        """Registers a function as a prompt; with or without parentheses.

        By default ``arguments`` come from the signature. An argument without a default is required.
        ``Annotated[str, "…"]`` or the docstring describes it. Arguments arrive as strings and are converted to the
        annotated types: ``int``, ``date``, an enumeration, or JSON for lists and objects.

        If the function returns a ``str`` or a ``Content``, that is one message of the user. A list has several
        messages. Use ``PromptMessage`` for messages of the assistant.
        """

        def register(function: F) -> F:
            own = named("prompt", function, None if name is function else name)
            of = self._function("prompt", own, function, strict=arguments is None, thread=thread)
            takes = of.prompt_arguments() if arguments is None else arguments
            if arguments is not None:
                names = _names(arguments)
                of.check_all_names(names, "the arguments")
                of.convert_strings(signature_schema.of_parameters(of.label, of.signature, {}))
            self._add(
                "prompt",
                {
                    "name": own,
                    "title": title,
                    "description": of.doc if description is None else description,
                    "arguments": takes or None,
                    "icons": icons,
                    "meta": meta,
                },
                of,
                policies=policies,
            )
            return function

        return register if name is None or isinstance(name, str) else register(name)

    def completion(
        self,
        *,
        prompt: str | None = None,
        template: str | None = None,
        argument: str,
        thread: Thread = None,
        **policies: Unpack[CompletionPolicies],
    ) -> Callable[[F], F]:
        """Registers a function that suggests values for an argument of a prompt or a variable of a template.

        Its parameter ``value`` is the text typed so far. Its parameter ``arguments`` has the other arguments that are
        known. The function may leave out either parameter. It returns a list of any length, with the best value first.
        A client gets at most 100 values and their total number.

        If the server runs already, the prompt or template must exist with this argument when this is called. Otherwise
        it must exist when the server starts.
        """
        if (prompt is None) == (template is None):
            raise RegistrationError("completion: pass either prompt or template")
        of_kind = "resource_template" if prompt is None else "prompt"
        of_name: Any = template if prompt is None else prompt

        def register(function: F) -> F:
            of = self._function("completion", f"{of_name}#{argument}", function, thread=thread)
            of.check_names(["value", "arguments"], "the arguments of a completion")
            self._add_completion(of_kind, of_name, argument, of, policies)
            return function

        return register
