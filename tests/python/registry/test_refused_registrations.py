"""Wrong arguments of registrations and constructors are refused by name, before any call."""

import copy
import pickle

import pytest
from tenon_mcp import McpError, RegistrationError, ServeError, Server, TenonError
from tenon_mcp.testing import Client
from wire import serving


def function():
    return {}


@pytest.mark.parametrize("decorator", ["resource", "method", "notification", "replace", "on"])
def test_a_decorator_that_needs_parentheses_says_so(decorator):
    app = Server("t")
    with pytest.raises(RegistrationError, match=rf'^{decorator}: .* as in @app\.{decorator}\("…"\), not a function$'):
        getattr(app, decorator)(function)
    with pytest.raises(RegistrationError, match="not bytes"):
        getattr(app, decorator)(b"x://y")(function)


MADE = [
    ({"name": 3}, "name must be a str, not int"),
    ({"version": None}, "version must be a str, not NoneType"),
    ({"instructions": 3}, "instructions must be a str, not 3"),
    ({"revisions": 3}, "revisions must be a list of strings"),
    ({"capabilities": [3]}, "capabilities must be a list of strings"),
    ({"extensions": ["x"]}, 'extensions must be a dict, not ["x"]'),
    ({"cache_hints_of": 3}, "cache_hints_of must be a dict, not 3"),
    ({"cache_hints": "x"}, "cache_hints must be a number of seconds from 0, not 'x'"),
    ({"max_workers": "3"}, "max_workers must be an integer above zero, not '3'"),
    ({"max_workers": 0}, "max_workers must be an integer above zero, not 0"),
    ({"state_keys": 3}, "state_keys must be a list of keys"),
    ({"call_timeout": "3"}, "call_timeout must be a number of seconds from 0, not '3'"),
    ({"call_timeout": -1}, "call_timeout must be a number of seconds from 0, not -1"),
    ({"max_calls": -1}, "max_calls must be an integer from 0, not -1"),
    ({"max_calls": 0}, "max_calls must be an integer above zero, not 0"),
]


@pytest.mark.parametrize(("options", "words"), MADE, ids=range(len(MADE)))
def test_a_server_is_refused_what_it_cannot_be_made_with(options, words):
    with pytest.raises(RegistrationError) as refused:
        Server(**{"name": "t", **options})
    assert words in str(refused.value)


REGISTERED = [
    (lambda app: app.tool("t", timeout="1")(function), "timeout must be a number of seconds above 0, not '1'"),
    (lambda app: app.tool("t", tags=3)(function), "tags must be a list of strings, not 3"),
    (lambda app: app.skills(3), "folder must be a str, or a path whose text is a str, not int"),
    (lambda app: app.prompt("p", arguments="x")(function), "arguments must be a list of dicts"),
    (lambda app: app.prompt("p", arguments=["x"])(function), "arguments must be a list of dicts"),
    (lambda app: app.remove("tol", "t"), 'there is no kind "tol"'),
    (lambda app: app.list_changed("tol"), 'there is no kind "tol"'),
    (lambda app: app.middleware(lambda ctx: None), "middleware must take the context and call_next: too many"),
    (lambda app: app.middleware(lambda ctx, call_next, more: None), "missing a required argument: 'more'"),
    (lambda app: app.middleware(type("Made", (), {})), "middleware must take the context and call_next"),
    (lambda app: app.middleware(generator), "must return its result, but this function is a generator"),
]


def generator(ctx, call_next):
    yield call_next()


@pytest.mark.parametrize(("register", "words"), REGISTERED, ids=range(len(REGISTERED)))
def test_what_cannot_be_registered_is_refused(register, words):
    with pytest.raises(RegistrationError) as refused:
        register(Server("t"))
    assert words in str(refused.value)
    assert isinstance(refused.value, TenonError) and isinstance(refused.value, ValueError)


@pytest.mark.parametrize("transports", [{"socket": 1 << 20}, {"stdio": (0, 1 << 20)}, {"http": {"socket": 1 << 40}}])
def test_a_descriptor_that_is_none_is_an_error_of_serving(transports):
    with pytest.raises(ServeError, match=r"^(socket|stdio|http option socket): descriptor \d+: "):
        Server("t").start(**transports)


def test_middleware_may_take_more_than_it_is_called_with():
    app = Server("t")
    app.tool("t")(lambda: "x")
    app.middleware(lambda ctx, call_next, times=2: call_next() * times)
    app.middleware(lambda *both: both[1]() + "y")
    with serving(app) as client:
        assert client.text("t") == "xyxy"


@pytest.mark.parametrize("template", ["x://y{?a}", "x://y?b=1{&a}", "x://y{;a}", "x://y{#a}", "x://{b}{?c,a*}"])
def test_a_variable_that_an_address_may_leave_out_needs_a_default(template):
    app = Server("t")
    with pytest.raises(RegistrationError, match="'a': an address may leave out this variable; give it a default"):
        app.resource(template)(lambda a, b="", c="": "")
    app.resource(template)(lambda a=None, b="", c="": "")


def test_a_client_is_for_a_server():
    with pytest.raises(RegistrationError, match="Client: app must be a Server of this process, not str"):
        Client("http://127.0.0.1:8000/mcp")


def test_a_client_that_is_not_open_says_how_it_is_opened():
    client = Client(Server("t"))
    with pytest.raises(AttributeError, match="no attribute 'call_tool'; use the client that `with Client"):
        client.call_tool("x")
    with pytest.raises(AttributeError, match="no attribute 'call_tol'$"):
        client.call_tol("x")


class Refused(McpError):
    def __init__(self, reason):
        super().__init__(7, f"refused: {reason}", {"reason": reason})
        self.reason = reason


@pytest.mark.parametrize("error", [McpError(7, "no", {"a": [1]}), Refused("late")], ids=["plain", "derived"])
@pytest.mark.parametrize("again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))], ids=["copy", "pickle"])
def test_an_error_of_the_protocol_comes_back_from_another_process(error, again):
    # As concurrent.futures brings it back: a pool is broken by an exception that it cannot make again.
    other = again(error)
    assert type(other) is type(error) and str(other) == str(error) == error.message
    assert vars(other) == vars(error)


def test_options_of_other_types_are_read_or_refused():
    from decimal import Decimal

    app = Server("t")
    app.tool("numbers", timeout=Decimal("1.5"))(function)
    app.tool("endless", timeout=float("inf"), tags={"a", "b"})(function)
    app.resource("fixed://x", unsafe_paths=False)(function)
    endless = {}
    endless["x"] = endless
    with pytest.raises(RegistrationError, match="extensions"):
        Server("t", extensions={"a.example/x": endless})
    with pytest.raises(TypeError, match='there is no option "timeuot"; the nearest name is "timeout"'):
        app.tool("t", timeuot=None)(function)

    def broken():
        yield "a"
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        app.tool("t", tags=broken())(function)
    app.resource_provider("x://{id}", list=lambda: [], read=lambda id: "", tags=(word for word in ["admin"]))
    app.disable(tags={"admin"})
    with serving(app) as client:
        assert "x://" not in str(client.request("resources/list"))
