"""Types that are refused, type aliases, and methods without their object."""

# ruff: noqa: UP006, UP007, UP035, UP045

import dataclasses
import datetime
import enum
import functools
import subprocess
import sys
import typing
from typing import Annotated, Any

import pytest
from tenon_mcp import RegistrationError, Server
from test_types import Ge, Level, Point, schema_of, takes
from wire import serving


@dataclasses.dataclass
class WithInitVar:
    a: dataclasses.InitVar[int]


@dataclasses.dataclass
class WithUnknown:
    a: complex


@dataclasses.dataclass
class Unresolved:
    a: "Nowhere"  # noqa: F821


WRONG = [
    (WithInitVar, ["'x'", "WithInitVar.a", "InitVar"]),
    (WithUnknown, ["'x'", "WithUnknown.a", "complex"]),
    (list[Unresolved], ["'x'", "Unresolved", "Nowhere"]),
    (enum.Flag("F", "A B"), ["'x'", "Flag"]),
    (dict[int, Point], ["'x'", "keys"]),
    (dict[Level, int], ["'x'", "keys"]),
    (Annotated[int, {"minimun": 3}], ["'x'", "'minimun'", "not a keyword"]),
    (Annotated[bool, Ge(3)], ["'x'", "ge"]),
    (typing.Callable, ["'x'", "Callable"]),
    (type(None) | typing.Callable, ["'x'", "Callable"]),
]


@pytest.mark.parametrize(("annotation", "parts"), WRONG, ids=range(len(WRONG)))
def test_what_cannot_be_said_is_refused_by_name(annotation, parts):
    with pytest.raises(RegistrationError) as caught:
        takes(annotation)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is newer")
def test_type_aliases():
    namespace = {}
    exec(
        "type Ids = list[int]\ntype Pair[T] = tuple[T, T]\ntype Json = dict[str, Json] | list[Json] | str | int | None",
        namespace,
    )
    assert schema_of(namespace["Ids"]) == {"type": "array", "items": {"type": "integer"}}
    pair = {"type": "array", "items": {"type": "string", "format": "date"}, "minItems": 2, "maxItems": 2}
    assert schema_of(namespace["Pair"][datetime.date]) == pair
    app, seen = takes(namespace["Json"])
    (entry,) = app.entries("tool")
    assert list(entry.definition["inputSchema"]["$defs"]) == ["Json"]
    value = {"a": [1, None, {"b": "c"}]}
    with serving(app) as client:
        client.text("tool", x=value)
        assert "/x" in client.error("tool", x={"a": 1.5})
    assert seen == [value]


def test_plain_signatures_load_nothing_more():
    source = (
        "import sys\nfrom tenon_mcp import Server\napp = Server('t')\n"
        "@app.tool\ndef add(a: int, b: float = 1.5, *, c: list[str] | None = None) -> dict[str, int]:\n"
        "    '''Adds.'''\n    return {}\n"
        "@app.prompt\ndef ask(topic: str) -> str: return topic\n"
        "@app.resource('test://{id}')\ndef read(id: str) -> str: return id\n"
        "print(sorted(m for m in sys.modules if m in ('typing', 'inspect', 'pydantic', 'dataclasses')"
        " or m.startswith('tenon_mcp._')"
        " and m.rpartition('.')[2] in ('types', 'metadata', 'invocation_plan', 'docstring', 'depends')))"
    )
    out = subprocess.run(
        [sys.executable, "-S", "-c", "import sys; sys.path[:] = " + repr(sys.path) + "\n" + source],
        capture_output=True,
        text=True,
        check=True,
    )
    # 3.10 takes what has None as its default for an Optional, which typing knows of.
    assert out.stdout.strip() == ("[]" if sys.version_info >= (3, 11) else "['typing']")


class Unbound:
    @functools.lru_cache  # noqa: B019
    def cached(self, a: int) -> int:
        return a

    def annotated(self: Any, a: int) -> int:
        return a


@pytest.mark.parametrize("name", ["cached", "annotated"])
def test_a_method_without_its_object_is_refused_whatever_is_around_it(name):
    with pytest.raises(RegistrationError, match=f"Unbound.{name} takes 'self'"):
        Server("t").tool(getattr(Unbound, name))
    Server("t").tool(getattr(Unbound(), name))
