"""Entries of a kind that cannot be registered, and results that no kind can return."""


import pytest
from tenon_mcp import (
    RegistrationError,
    Server,
)
from wire import serving

WRONG = [
    (lambda app: app.resource("no uri")(lambda: ""), ["resource", "uri"]),
    (lambda app: app.resource("test://{a")(lambda a: ""), ["resource template", "test://{a"]),
    (lambda app: app.resource("test://{a}")(lambda: ""), ["has no parameter 'a'"]),
    (lambda app: app.resource("test://{a}")(lambda a, b: ""), ["'b'", "is not one of the variables"]),
    (lambda app: app.resource("test://a")(lambda a: ""), ["'a'", "there are none"]),
    (lambda app: app.resource("test://a", size=-1)(lambda: ""), ["size"]),
    (lambda app: app.resource("test://{a}", size=1)(lambda a: ""), ["size"]),
    (lambda app: app.resource("test://a", annotations={"priority": 2})(lambda: ""), ["priority"]),
    (lambda app: app.resource("test://a", icons=[{}])(lambda: ""), ["icons", "src"]),
    (lambda app: app.resource("test://a", cache_hints={"time": 1})(lambda: ""), ["time", "ttl, scope"]),
    (lambda app: app.resource("test://a", cache_hints={"scope": "mine"})(lambda: ""), ["scope", "mine"]),
    (lambda app: app.resource("test://a")(3), ["function", "int"]),
    (lambda app: app.prompt("a")(positional_only), ["positional"]),
    (lambda app: app.prompt("a", arguments=[{"name": "x"}])(lambda: ""), ["has no parameter 'x'"]),
    (lambda app: app.prompt("a", arguments=[{"name": "x"}] * 2)(lambda x: ""), ["twice"]),
    (lambda app: app.prompt(number), ["'x'", "complex"]),
    (lambda app: app.prompt("a")(yields), ["generator", "prompt"]),
    (lambda app: app.completion(argument="a"), ["either"]),
    (lambda app: app.completion(prompt="a", template="b", argument="a"), ["either"]),
    (lambda app: app.completion(prompt="a", argument="b")(lambda text: []), ["'text'", "value, arguments"]),
    (lambda app: app.method("ping")(lambda: None), ["ping"]),
    (lambda app: app.method("example/a", input_schema={"type": "array"})(lambda: None), ["object"]),
    (lambda app: app.on("session")(lambda: None), ["session_start"]),
    (lambda app: app.tool("a", title=3)(lambda: None), ["title"]),
    (lambda app: app.tool("a", annotations={"readonly": True})(lambda: None), ["readonly"]),
    (lambda app: app.tool("a", meta={"mcp.dev/x": 1})(lambda: None), ["_meta"]),
    (lambda app: app.tool("a", unknown_arguments="maybe")(lambda: None), ["unknown_arguments", "maybe"]),
    (lambda app: app.tool("a", coerce_arguments=1)(lambda: None), ["coerce_arguments"]),
    (lambda app: app.resource_provider("test://{a}", list=lambda x: [], read=lambda a: ""), ["'x'"]),
    (lambda app: app.map_error("KeyError", 3), ["map_error"]),
    (lambda app: app.map_error(KeyError, "3"), ["KeyError"]),
]


def positional_only(a, /):
    return ""


def number(x: complex):
    return ""


def yields():
    yield ""


@pytest.mark.parametrize(("register", "parts"), WRONG, ids=range(len(WRONG)))
def test_wrong_registrations_are_refused_by_name(register, parts):
    app = Server("t")
    with pytest.raises(RegistrationError) as caught:
        register(app)
    for part in parts:
        assert part in str(caught.value), caught.value
    kinds = ("tool", "resource", "resource_template", "resource_provider", "prompt", "completion", "method", "hook")
    assert all(app.entries(kind) == [] for kind in kinds)


def test_a_provider_is_registered_whole_or_not_at_all():
    app = Server("t")
    app.resource_provider("test://{a}", list=lambda: [], read=lambda a: "")
    with pytest.raises(RegistrationError):
        app.resource_provider("test://{a}", list=lambda: [], read=lambda a: "")
    assert len(app.entries("resource_template")) == len(app.entries("resource_provider")) == 1


def test_what_no_kind_can_return():
    app = Server("t")
    app.resource("test://none")(lambda: None)
    app.resource("test://object")(lambda: object())
    app.prompt("dict")(lambda: {"a": 1})
    app.method("example/list")(lambda: [])
    with serving(app) as client:
        for method, params, part in [
            ("resources/read", {"uri": "test://none"}, "resource 'test://none' returned nothing"),
            ("resources/read", {"uri": "test://object"}, "returned object, which JSON cannot hold"),
            ("prompts/get", {"name": "dict"}, "must return messages"),
            ("example/list", {}, "must return an object"),
        ]:
            error = client.request(method, **params)["error"]
            assert error["code"] == -32603 and part in error["message"], error
