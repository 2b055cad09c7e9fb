"""The principal as an object, and the ways in which a program gives one."""

import asyncio
import copy
import json
import pickle

import pytest
from asgi_client import call, ended, value
from http_client import Peer, listening
from tenon_mcp import JWT, ApiKey, ApiKeys, Context, Introspection, McpError, Principal, Server, StateError, SyncContext
from tenon_mcp.testing import Client
from tokens import READER, ROOT, SECRET, keys
from wire import serving

ANN = Principal("ann", "https://login.example", scopes=["read"], roles=["admin"], client_id="app",
                expires_at=9_000_000_000)
AS_DICT = {"subject": "ann", "issuer": "https://login.example", "scopes": ["read"]}


def test_a_principal_is_a_value():
    assert (str(ANN), ANN.scopes, ANN.claims) == ("ann", ("read",), {})
    assert ANN.has_scope("read") and not ANN.has_scope("write")
    assert ANN.has_role("admin") and not ANN.has_role("owner")
    assert Principal("ann") == Principal("ann", "host", scopes=["read"]) != Principal("ann", "other")
    assert Principal("ann") != "ann"
    assert len({ANN, Principal("ann", "https://login.example"), Principal("ann")}) == 2
    with pytest.raises(AttributeError):
        ANN.subject = "bob"
    with pytest.raises(TypeError, match="scopes must be a list of strings"):
        Principal("ann", scopes="read")
    for same in (pickle.loads(pickle.dumps(ANN)), copy.deepcopy(ANN)):
        assert (same, same.roles, same.client_id) == (ANN, ANN.roles, "app")
    assert "sk-1" not in repr(Principal("ann", claims={"private": "sk-1"}))


def test_verifiers_do_not_show_their_secrets():
    verifiers = [
        keys(header="x-api-key"),
        ApiKey(subject="ann", value=READER, hash=ROOT),
        JWT(issuer="https://login.example", secret=SECRET),
        Introspection(url="https://login.example/introspect", client_id="shop", client_secret=SECRET),
    ]
    shown = repr(verifiers) + str(verifiers)
    assert not any(secret in shown for secret in (READER, ROOT, SECRET))
    assert repr(verifiers[0]) == "ApiKeys(keys=<hidden>, header='x-api-key')"
    assert repr(verifiers[2]) == "JWT(issuer='https://login.example', secret=<hidden>)"
    assert verifiers[0] == {"type": "api_keys", "keys": verifiers[0]["keys"], "header": "x-api-key"}
    assert type(pickle.loads(pickle.dumps(verifiers[2]))) is JWT
    assert ApiKeys(keys=None) == {"type": "api_keys"}


def guarded(**options):
    app = Server("guarded", **options)

    @app.tool(public=True)
    def login(password: str, ctx: SyncContext) -> str:
        if password != "open sesame":
            return "no"
        ctx.login(Principal("ann", roles=["admin"]))
        return str(ctx.principal)

    @app.tool(public=True)
    async def become(given: dict, ctx: Context) -> str:
        ctx.login(given)
        return "done"

    @app.tool(roles=["admin"])
    def secret() -> str:
        return "42"

    @app.tool
    def who(ctx: SyncContext) -> list:
        principal = ctx.principal
        return [str(principal), principal.issuer, list(principal.scopes), list(principal.roles)]

    return app


def test_a_tool_logs_in_the_client_of_a_channel():
    with serving(guarded()) as client:
        listed = [tool["name"] for tool in client.request("tools/list")["result"]["tools"]]
        assert listed == ["login", "become", "who"]
        assert "error" in client.answer(client.start_call("secret"))
        assert client.text("login", password="guess") == "no"
        assert "error" in client.answer(client.start_call("secret"))
        assert client.text("login", password="open sesame") == "None", "from the next request on"
        assert client.text("secret") == "42"
        assert json.loads(client.text("who")) == ["ann", "host", [], ["admin"]]
        listed = [tool["name"] for tool in client.request("tools/list")["result"]["tools"]]
        assert listed == ["login", "become", "secret", "who"]
        for wrong, said in (
            ({"subject": ""}, "subject must have 1 to 1024 bytes"),
            ({"name": "ann"}, "no member subject"),
            ({"subject": "ann", "scope": "a"}, 'unknown member "scope"'),
            ({"subject": "ann", "expires_at": 1}, "have expired"),
        ):
            assert said in client.error("become", given=wrong)
        assert client.text("secret") == "42", "a failed login changes nothing"
        assert client.text("become", given={"subject": "bob", "issuer": "a"}) == "done"
        assert "error" in client.answer(client.start_call("secret"))


def test_a_login_in_the_process():
    with Client(guarded()) as client, Client(guarded()) as other:
        with pytest.raises(McpError):
            client.call_tool("secret")
        client.call_tool("login", {"password": "open sesame"})
        assert client.call_tool("secret").text == "42"
        with pytest.raises(McpError):
            other.call_tool("secret")


@pytest.mark.parametrize("modern", [True, False])
def test_a_login_over_http_is_refused(modern):
    app, raised = guarded(auth=[keys()]), []

    @app.tool(public=True)
    async def enter(ctx: Context) -> None:
        try:
            ctx.login("ann")
        except StateError as error:
            raised.append(str(error))

    with listening(app) as url:
        peer = Peer(url)
        if not modern:
            peer.open_session()
        assert json.load(peer.call("enter", modern=modern))["result"].get("isError") is not True
    assert len(raised) == 1 and "over HTTP each request needs its own credentials" in raised[0]


@pytest.mark.parametrize("given", ["ann", ANN, AS_DICT], ids=["str", "Principal", "dict"])
def test_every_place_takes_every_form(given):
    expected = {
        "str": ["ann", "host", [], []],
        "Principal": ["ann", "https://login.example", ["read"], ["admin"]],
        "dict": ["ann", "https://login.example", ["read"], []],
    }[type(given).__name__]
    with Client(guarded(), principal=given) as client:
        assert json.loads(client.call_tool("who").text) == expected
    with serving(guarded(principal=given)) as client:
        assert json.loads(client.text("who")) == expected

    async def later(scope):
        return given

    for function in (lambda scope: given, later):
        app = guarded()
        asgi = app.asgi(principal=function)

        async def main(asgi=asgi):
            assert await value(call(asgi, "who")) == expected

        asyncio.run(main())
        ended(app)


def test_what_is_no_principal_is_named():
    for wrong, said in ((5, "a str, a dict or a Principal, not int"), ({"sub": "ann"}, "no member subject")):
        with pytest.raises(ValueError, match=said), Client(guarded(), principal=wrong):
            pass
