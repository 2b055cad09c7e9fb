"""Docstrings become descriptions of tools and parameters."""

import functools

import pytest
from tenon_mcp import Depends, Server, SyncContext
from wire import serving

# ruff: noqa: B008


def google(a: int, b: str = "", *, ctx: SyncContext, db=Depends(lambda: {})):
    """Does something.

    More of it:
        an example.

    Args:
        a: The first one,
            on two lines.

            And a paragraph.
        b (str, optional): The second: with a colon.
        ctx: The context.
        db: The database.

    Returns:
        What came of it.
    """


def numpy(a: int, b: str = "", *, ctx: SyncContext):
    """Does something.

    Parameters
    ----------
    a : int
        The first one,
        on two lines.

        And a paragraph.
    b : str, optional
        The second: with a colon.
    ctx : SyncContext
        The context.

    Returns
    -------
    str
        What came of it.
    """


def sphinx(a: int, b: str = "", *, ctx: SyncContext):
    """Does something.

    :param int a: The first one,
        on two lines.
    :param b: The second: with a colon.
    :type b: str
    :param ctx: The context.
    :returns: What came of it.
    """


def described(function, **options):
    app = Server("t")
    app.tool("tool", **options)(function)
    with serving(app) as client:
        (tool,) = client.request("tools/list")["result"]["tools"]
    properties = tool["inputSchema"].get("properties", {})
    return tool.get("description"), {name: said.get("description") for name, said in properties.items()}


SECOND = "The second: with a colon."


@pytest.mark.parametrize(
    ("function", "description", "first"),
    [
        (google, "Does something.\n\nMore of it:\n    an example.\n\nReturns:\n    What came of it.",
         "The first one, on two lines.\n\nAnd a paragraph."),
        (numpy, "Does something.\n\nReturns\n-------\nstr\n    What came of it.",
         "The first one, on two lines.\n\nAnd a paragraph."),
        (sphinx, "Does something.\n\n:returns: What came of it.", "The first one, on two lines."),
    ],
)
def test_the_three_forms(function, description, first):
    assert described(function) == (description, {"a": first, "b": SECOND})


def test_names_that_are_no_parameters_stay():
    def tool(a: int):
        """Adds.

        Args:
            a: One.
            b: Nobody knows it.

        :param c: Nor this.
        """

    text, said = described(tool)
    assert said == {"a": "One."}
    assert text == "Adds.\n\nArgs:\n    b: Nobody knows it.\n\n:param c: Nor this."


def test_what_the_annotation_says_counts_and_an_own_schema_leaves_the_text_alone():
    from typing import Annotated

    def tool(a: Annotated[int, "From here."]):
        """Adds.

        Args:
            a: From there.
        """

    assert described(tool) == ("Adds.", {"a": "From here."})
    text, said = described(tool, input_schema={"type": "object"})
    assert "From there." in text and said == {}
    assert described(tool, description="Own.") == ("Own.", {"a": "From here."})


def test_a_docstring_of_parameters_alone_and_one_without():
    def alone(a: int):
        """
        Args:
            a: One.
        """

    def without(a: int):
        """Note: this has a colon.

        Parameters of the kind --- are none.
        """

    assert described(alone) == (None, {"a": "One."})
    assert described(without) == ("Note: this has a colon.\n\nParameters of the kind --- are none.", {"a": None})


def test_prompts_and_methods():
    app = Server("t")

    @app.prompt
    def ask(topic: str):
        """Asks.

        Args:
            topic: About what.
        """
        return topic

    (entry,) = app.entries("prompt")
    assert entry.definition["description"] == "Asks."
    assert entry.definition["arguments"] == [{"name": "topic", "description": "About what.", "required": True}]


def test_a_partial_is_described_by_its_function():
    def add(a: int, b: int) -> int:
        """Adds."""
        return a + b

    app = Server("t")
    app.tool("add_two")(functools.partial(add, b=2))
    assert app.tools["add_two"].description == "Adds."
