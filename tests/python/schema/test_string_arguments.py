"""String arguments of prompts and templates are converted to their annotations."""

# ruff: noqa: UP007, UP045

import dataclasses
import datetime
import enum
import uuid
from typing import Annotated, Literal, Optional

import pytest
from tenon_mcp import RegistrationError, Server
from wire import serving


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 2


@dataclasses.dataclass
class Point:
    x: int


ID = "123e4567-e89b-12d3-a456-426614174000"
VALUES = [
    (int, "3", 3, "three"),
    (float, "3", 3.0, "x"),
    (bool, "true", True, "maybe"),
    (Color, "red", Color.RED, "green"),
    (Level, "2", Level.HIGH, "3"),
    (Literal["a", "b"], "a", "a", "c"),
    (datetime.date, "2026-07-28", datetime.date(2026, 7, 28), "tomorrow"),
    (datetime.timedelta, "PT5M", datetime.timedelta(minutes=5), "5m"),
    (uuid.UUID, ID, uuid.UUID(ID), "1"),
    (Optional[int], "3", 3, "x"),
    (Annotated[int, {"minimum": 2}], "3", 3, "1"),
    (list[int], "[1, 2]", [1, 2], "1, 2"),
    (Point, '{"x": 1}', Point(1), "{}"),
    (str, "3", "3", None),
    (Optional[str], "null", "null", None),
]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("annotation", "sent", "arrives", "wrong"), VALUES, ids=range(len(VALUES)))
def test_of_a_prompt(annotation, sent, arrives, wrong, is_async):
    app = Server("t")
    seen = []

    def sync(x):
        seen.append(x)
        return ""

    async def on_loop(x):
        seen.append(x)
        return ""

    function = on_loop if is_async else sync
    function.__annotations__ = {"x": annotation}
    app.prompt("ask")(function)
    with serving(app) as client:
        assert "result" in client.request("prompts/get", name="ask", arguments={"x": sent})
        if wrong is not None:
            error = client.request("prompts/get", name="ask", arguments={"x": wrong})["error"]
            assert error["code"] == -32602 and "/x" in error["message"], error
    assert seen == [arrives] and type(seen[0]) is type(arrives)


def test_of_a_template():
    app = Server("t")
    seen = []

    @app.resource("test://{id}/{day}{?limit,tags*}")
    def read(id: int, day: datetime.date, limit: int = 10, tags: list[str] | None = None) -> str:
        seen.append((id, day, limit, tags))
        return ""

    @app.resource("list://{color}")
    async def other(color: Color) -> str:
        return color.name

    with serving(app) as client:
        client.request("resources/read", uri="test://7/2026-07-28")
        client.request("resources/read", uri="test://7/2026-07-28?limit=3&tags=a&tags=b")
        assert client.request("resources/read", uri="list://red")["result"]["contents"][0]["text"] == "RED"
        for uri, part in [("test://x/2026-07-28", "/id"), ("test://7/soon", "/day"), ("list://blue", "/color")]:
            error = client.request("resources/read", uri=uri)["error"]
            assert error["code"] == -32602 and part in error["message"], error
    day = datetime.date(2026, 7, 28)
    assert seen == [(7, day, 10, None), (7, day, 3, ["a", "b"])]


def test_arguments_that_are_listed_by_hand_are_read_too():
    app = Server("t")
    seen = []

    @app.prompt(arguments=[{"name": "n", "required": True}])
    def ask(n: int) -> str:
        seen.append(n)
        return ""

    with serving(app) as client:
        client.request("prompts/get", name="ask", arguments={"n": "3"})
    assert seen == [3]


def test_what_a_text_cannot_be_is_refused():
    def read(id: complex):
        return ""

    def several(tags: int):
        return ""

    with pytest.raises(RegistrationError, match="'id'.*complex"):
        Server("t").resource("test://{id}")(read)
    with pytest.raises(RegistrationError, match="'tags'.*list of strings"):
        Server("t").resource("test://x{?tags*}")(several)
