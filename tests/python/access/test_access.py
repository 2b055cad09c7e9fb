"""Who may use what over HTTP: scopes, roles, public entries, keys and tokens."""

import json

import pytest
from http_client import Peer, listening
from tenon_mcp import JWT, RegistrationError, Server
from tokens import AUDIENCE, ISSUER, READER, ROOT, SECRET, jwt, keys, shop, token

LISTS = {
    "tools/list": ("tools", "name"),
    "resources/list": ("resources", "uri"),
    "resources/templates/list": ("resourceTemplates", "uriTemplate"),
    "prompts/list": ("prompts", "name"),
}


def bearer(credentials):
    return {"Authorization": f"Bearer {credentials}"}


def shown(url, headers, lists=tuple(LISTS)):
    """The names in each list that a caller gets."""
    found = {}
    for method in lists:
        member, name = LISTS[method]
        response = Peer(url, headers).post(method, modern=True, id=1)
        assert response.status == 200
        found[member] = {entry[name] for entry in json.load(response)["result"][member]}
    return found


def tools(url, headers):
    return shown(url, headers, ["tools/list"])["tools"]


def status(url, headers, method, **params):
    response = Peer(url, headers).post(method, params, modern=True, id=1)
    return response.status, response.getheader("WWW-Authenticate"), json.load(response)


OPEN = {"tools": {"about"}, "resources": {"shop://rules"}, "resourceTemplates": set(), "prompts": {"greet"}}
READS = {
    "tools": {"about", "who", "read"},
    "resources": {"shop://rules", "shop://prices"},
    "resourceTemplates": {"shop://orders/{id}"},
    "prompts": {"greet"},
}
ALL = {**READS, "tools": {"about", "who", "read", "erase"}, "prompts": {"greet", "audit"}}
USES = {
    ("tools", "about"): ("tools/call", {"name": "about", "arguments": {}}),
    ("tools", "who"): ("tools/call", {"name": "who", "arguments": {}}),
    ("tools", "read"): ("tools/call", {"name": "read", "arguments": {}}),
    ("tools", "erase"): ("tools/call", {"name": "erase", "arguments": {}}),
    ("resources", "shop://prices"): ("resources/read", {"uri": "shop://prices"}),
    ("resources", "shop://rules"): ("resources/read", {"uri": "shop://rules"}),
    ("resourceTemplates", "shop://orders/{id}"): ("resources/read", {"uri": "shop://orders/1"}),
    ("prompts", "audit"): ("prompts/get", {"name": "audit"}),
    ("prompts", "greet"): ("prompts/get", {"name": "greet"}),
}


@pytest.mark.parametrize(
    "headers, may",
    [
        ({}, OPEN),
        (bearer(READER), READS),
        (bearer(ROOT), ALL),
        (bearer(token(scope="read")), READS),
        (bearer(token(scope="read", roles=["owner"])), {**ALL, "prompts": {"greet"}}),
    ],
    ids=["nobody", "reader", "root", "scope", "role"],
)
def test_lists_show_what_calls_allow(headers, may):
    with listening(shop([keys(), jwt()])) as url:
        assert shown(url, headers) == may
        for (member, name), (method, params) in USES.items():
            code, challenge, body = status(url, headers, method, **params)
            allowed = name in may[member]
            assert code == (200 if allowed else 403 if headers else 401), (name, body)
            # A role is nothing that a client could ask its authorization server for.
            assert (challenge is not None) == (code == 401), name


def test_challenges_say_what_is_missing():
    with listening(shop([jwt()], public_url=AUDIENCE)) as url:
        code, challenge, _ = status(url, {}, "tools/call", name="read", arguments={})
        assert code == 401 and challenge.startswith("Bearer ")
        assert 'resource_metadata="https://shop.example/.well-known/oauth-protected-resource/mcp"' in challenge
        assert 'scope="read"' in challenge
        code, challenge, body = status(url, bearer(token()), "tools/call", name="read", arguments={})
        assert code == 403 and 'error="insufficient_scope"' in challenge and 'scope="read"' in challenge
        assert "read" in body["error"]["message"]
        code, challenge, _ = status(url, bearer(token("another secret, also of 32 bytes")), "tools/list")
        assert code == 401 and 'error="invalid_token"' in challenge


@pytest.mark.parametrize(
    "credentials",
    [
        "unknown-key-0123456789",
        token(exp=1),
        token(aud="https://other.example"),
        token(iss="https://evil.example"),
        token(nbf=9_000_000_000),
        token()[:-4],
    ],
    ids=["key", "expired", "audience", "issuer", "early", "cut"],
)
def test_what_no_verifier_accepts_is_refused(credentials):
    with listening(shop([keys(), jwt()])) as url:
        code, challenge, body = status(url, bearer(credentials), "tools/call", name="about", arguments={})
        assert code == 401 and 'error="invalid_token"' in challenge
        assert credentials not in json.dumps(body)


def test_a_key_in_a_header_of_its_own():
    with listening(shop([keys(header="X-Api-Key")])) as url:
        assert shown(url, {"x-api-key": READER}) == READS
        assert status(url, bearer(READER), "tools/list")[0] == 401


def test_a_server_without_public_entries_refuses_everybody_else():
    app = Server("shop", auth=[keys()])
    app.tool("a")(lambda: "a")
    with listening(app) as url:
        assert status(url, {}, "tools/list")[0] == 401
        assert status(url, bearer(READER), "tools/list")[0] == 200


def test_who_may_come_without_credentials_if_all_may():
    app = Server("shop", auth=[keys()], anonymous="allow")
    app.tool("a")(lambda: "a")
    app.tool("b", roles=["admin"])(lambda: "b")
    with listening(app) as url:
        assert status(url, {}, "tools/call", name="a", arguments={})[0] == 200
        assert status(url, {}, "tools/call", name="b", arguments={})[0] == 401


def test_rules_of_the_server_and_of_tags():
    app = Server("shop", auth=[keys(), jwt()], scopes=["use"], scope_hierarchy={"all": ["use", "read"]},
                 access_of_tags={"danger": {"roles": ["admin"]}})
    app.tool("plain")(lambda: "")
    app.tool("own", scopes=["read"])(lambda: "")
    app.tool("risky", tags=["danger"])(lambda: "")
    with listening(app) as url:
        for scope, roles, may in (
            ("use", [], {"plain"}),
            ("read", [], {"own"}),
            ("all", [], {"plain", "own"}),
            ("all", ["admin"], {"plain", "own", "risky"}),
        ):
            assert tools(url, bearer(token(scope=scope, roles=roles))) == may, (scope, roles)


def test_a_handler_learns_who_called():
    with listening(shop([keys(), jwt(roles_claim="realm_access.roles")])) as url:
        made = token(scope="read write", client_id="app", realm_access={"roles": ["owner"]}, exp=9_000_000_000)
        body = status(url, bearer(made), "tools/call", name="who", arguments={})[2]
        said = json.loads(body["result"]["content"][0]["text"])
        claims = said.pop("claims")
        assert (claims["sub"], claims["iss"], claims["aud"]) == ("ann", ISSUER, AUDIENCE)
        assert said == {"text": "ann", "issuer": ISSUER, "client_id": "app", "scopes": ["read", "write"],
                        # The clock of the issuer may be a minute late.
                        "roles": ["owner"], "expires_at": 9_000_000_061}
        body = status(url, bearer(ROOT), "tools/call", name="who", arguments={})[2]
        said = json.loads(body["result"]["content"][0]["text"])
        assert said == {"text": "root", "issuer": "api-keys", "client_id": "console", "scopes": ["read", "write"],
                        "roles": ["admin"], "claims": {}, "expires_at": None}


def test_the_metadata_names_what_tokens_must_be_for():
    with listening(shop([jwt()], public_url=AUDIENCE)) as url:
        peer = Peer(url)
        peer.connection.request("GET", "/.well-known/oauth-protected-resource/mcp")
        metadata = json.load(peer.connection.getresponse())
    assert metadata["resource"] == AUDIENCE
    assert metadata["authorization_servers"] == [ISSUER]
    assert metadata["scopes_supported"] == ["read"]


def test_verifiers_in_a_settings_file(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_SECRET", SECRET)
    (tmp_path / "key").write_text(READER + "\n")
    file = tmp_path / "app.toml"
    file.write_text(f"""
        [server]
        name = "shop"
        [[server.auth]]
        type = "api_keys"
        keys = [{{ subject = "reader", file = "{tmp_path}/key", scopes = ["read"] }}]
        [[server.auth]]
        type = "jwt"
        issuer = "{ISSUER}"
        audience = "{AUDIENCE}"
        secret = "${{SHOP_SECRET}}"
        [server.access_of_tags.danger]
        roles = ["admin"]
    """)
    app = Server(settings=file)
    shown_settings = json.dumps(app.settings.get("server.auth"))
    assert SECRET not in shown_settings and READER not in shown_settings
    app.tool("read", scopes=["read"])(lambda: "read")
    app.tool("risky", tags=["danger"])(lambda: "done")
    with listening(app) as url:
        assert tools(url, bearer(READER)) == {"read"}
        assert tools(url, bearer(token(scope="read", roles=["admin"]))) == {"read", "risky"}


@pytest.mark.parametrize(
    "options, said",
    [
        ({"auth": [{"type": "jwks"}]}, r"auth\[0\].type must be 'api_keys', 'jwt' or 'introspection', not 'jwks'"),
        ({"auth": [keys(), JWT(isuer=ISSUER)]}, r'auth\[1\]: there is no option "isuer"; the nearest name is "issuer"'),
        ({"auth": [keys(leeway=5)]}, r"only jwt and introspection can have .*leeway"),
        ({"auth": [jwt(leeway="soon")]}, r"auth\[0\].leeway must be a number of seconds above 0, not 'soon'"),
        ({"auth": [jwt(algorithms=["HS255"])]}, r'auth\[0\].algorithms: there is no word "HS255"; the words are RS256'),
        ({"auth": [{"type": "api_keys", "keys": [{"value": READER}]}]}, r"keys\[0\] must have a member subject"),
        ({"auth": [{"type": "jwt", "secret": SECRET}]}, r"auth\[0\]: a verifier of JWT needs the option issuer"),
        ({"anonymous": "never"}, r"anonymous must be 'refuse' or 'allow', not 'never'"),
        ({"public_url": "shop.example"}, r"public_url must begin with http:// or https://"),
        ({"access_of_tags": {"a": {"role": ["x"]}}}, r'access_of_tags.a: there is no rule "role"; the rules are'),
        ({"trusted_proxies": ["here"]}, r"trusted_proxies"),
        ({"principal": {"sub": "ann"}}, r"principal"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_wrong_options_are_named(options, said):
    with pytest.raises(RegistrationError, match=said):
        Server("shop", **options)


def test_wrong_policies_are_named():
    app = Server("shop")
    for policies, said in (
        ({"scopes": "read"}, "scopes must be a list of strings, not 'read'"),
        ({"scopes": ["a b"]}, "scopes"),
        ({"public": True, "roles": ["admin"]}, "cannot need scopes or roles"),
    ):
        with pytest.raises(RegistrationError, match=said):
            app.tool("a", **policies)(lambda: "")


@pytest.mark.parametrize(
    "auth",
    [
        [keys(issuer=5)],
        [jwt(secret=[SECRET])],
        {"type": "jwt", "secret": SECRET},
        SECRET,
        [SECRET],
        [{"type": "api_keys", "keys": SECRET}],
        [{"type": "api_keys", "keys": [SECRET]}],
        [{"type": "api_keys", "keys": [{"subject": "a", "value": [SECRET]}]}],
        [{"type": "api_keys", "keys": [{"subject": "a", "value": SECRET, "hash": SECRET}]}],
        [{"type": "jwt", "issuer": "a", "secret": SECRET, "secret_file": SECRET.encode()}],
        [{"type": "introspection", "url": "https://a.example", "client_secret": SECRET}],
    ],
)
def test_no_error_shows_a_secret(auth):
    with pytest.raises(RegistrationError) as raised:
        Server("shop", auth=auth)
    assert "auth" in str(raised.value)
    assert SECRET not in str(raised.value) and READER not in str(raised.value)
