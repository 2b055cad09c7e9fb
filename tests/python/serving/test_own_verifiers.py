"""The verifier and the authorizer of a program."""

import asyncio
import http.client
import json
import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from http_client import listening
from tenon_mcp import Credentials, Principal, RegistrationError, Server, StateError
from wire import ENVELOPE, SECONDS

KINDS = ["def", "async"]


class Person:
    def __init__(self, subject):
        self.subject = subject

    def to_dict(self):
        return {"subject": self.subject, "roles": ["clerk"]}


def of_kind(kind, function):
    """The function as it is, or as a coroutine function with the same number of parameters."""
    if kind == "def":
        return function

    async def one(credentials):
        await asyncio.sleep(0)
        return function(credentials)

    async def four(principal, entry, name, arguments):
        await asyncio.sleep(0)
        return function(principal, entry, name, arguments)

    return four if function.__code__.co_argcount == 4 else one


def demo(**options):
    app = Server("demo", **options)

    @app.tool
    def pay(amount: int) -> str:
        return f"paid {amount}"

    return app


def call(url, amount=3, **headers):
    """The status and the body of the response to a call."""
    address, _, path = url.removeprefix("http://").partition("/")
    params = {"name": "pay", "arguments": {"amount": amount}, "_meta": ENVELOPE}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    fixed = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    fixed |= {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "pay"}
    connection = http.client.HTTPConnection(address, timeout=SECONDS)
    try:
        own = {name.replace("_", "-"): text for name, text in headers.items()}
        connection.request("POST", "/" + path, body, fixed | own)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "found",
    ["ann", {"subject": "ann", "scopes": ["pay"]}, Person("ann"), Principal("ann", "office", roles=["clerk"])],
    ids=["str", "dict", "object", "Principal"],
)
def test_the_verifier_gives_the_principal(kind, found):
    app, seen, asked = demo(), [], []

    def verify(credentials):
        asked.append((credentials.token, credentials.headers))
        return found if credentials.token == "good" else None

    def decide(principal, kind, name, arguments):
        assert isinstance(principal, Principal)
        assert principal.issuer == ("office" if isinstance(found, Principal) else "host")
        seen.append((principal.subject, kind, name, arguments))
        return True

    app.verifier(of_kind(kind, verify))
    app.authorizer(of_kind(kind, decide))
    with listening(app) as url:
        assert call(url)[0] == 401
        assert asked == []
        status, body = call(url, **bearer("good"))
        assert status == 200 and "paid 3" in body
        assert call(url, 5, **bearer("good"))[0] == 200
        assert call(url, **bearer("bad"))[0] == 401
    assert asked == [("good", {}), ("bad", {})]
    assert seen == [("ann", "tool", "pay", {"amount": 3}), ("ann", "tool", "pay", {"amount": 5})]


def test_the_verifier_reads_headers():
    app = demo()

    @app.verifier(headers=["X-Team"])
    def verify(credentials):
        assert isinstance(credentials, Credentials)
        assert credentials.token is None
        return credentials.headers["x-team"] == "red" and "team-red"

    assert callable(verify)
    with listening(app) as url:
        assert call(url)[0] == 401
        assert call(url, x_team="red")[0] == 200
        assert call(url, x_team="blue")[0] == 401


def test_credentials_show_no_value():
    shown = repr(Credentials("hunter2", {"x-team": "hunter3"}))
    assert shown == "Credentials(token=…, headers=['x-team'])"
    assert repr(Credentials()) == "Credentials(token=None, headers=[])"


def raising(credentials):
    raise RuntimeError("no route to hunter2")


def giving(found):
    return lambda credentials: found


WRONG = [raising, giving(True), giving(7), giving({"name": "ann"}), giving(b"ann")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verify", WRONG, ids=["raises", "true", "number", "members", "bytes"])
def test_a_wrong_verifier_refuses_and_is_logged(kind, verify, caplog):
    app = demo(mask_errors=False)
    app.verifier(of_kind(kind, verify))
    with listening(app) as url, caplog.at_level(logging.ERROR, "tenon_mcp"):
        status, body = call(url, **bearer("secret-token"))
        assert status == 503 and "hunter2" not in body
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert "verifier" in text
    assert "secret-token" not in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_verifier_that_hangs_is_bounded(kind):
    app, go, cancelled = demo(store_timeout=0.05), threading.Event(), threading.Event()

    if kind == "def":

        @app.verifier
        def late(credentials):
            go.wait(SECONDS)
            return "ann"

    else:

        @app.verifier
        async def hangs(credentials):
            try:
                await asyncio.sleep(SECONDS)
            except asyncio.CancelledError:
                cancelled.set()
                raise

    with listening(app) as url:
        assert call(url, **bearer("a"))[0] == 503
        # A late answer counts for nothing.
        go.set()
        if kind == "async":
            assert cancelled.wait(SECONDS)


def test_blocked_handlers_do_not_delay_the_verifier():
    app, entered, go = Server("demo", max_workers=1), threading.Event(), threading.Event()

    @app.tool
    def pay(amount: int) -> str:
        if amount == 0:
            entered.set()
            go.wait(SECONDS)
        return "paid"

    app.verifier(lambda credentials: credentials.token if credentials.token in ("ann", "bob") else None)
    with listening(app) as url:
        blocked = threading.Thread(target=call, args=(url, 0), kwargs=bearer("ann"))
        blocked.start()
        assert entered.wait(SECONDS)
        assert call(url, **bearer("carl"))[0] == 401
        go.set()
        blocked.join(SECONDS)
        assert call(url, **bearer("bob"))[0] == 200


@pytest.mark.parametrize("kind", KINDS)
def test_the_authorizer_decides(kind):
    app = demo()

    def decide(principal, kind, name, arguments):
        assert principal is None
        amount = arguments["amount"]
        return {1: True, 2: False, 3: "only on Mondays", 4: None}[amount]

    app.authorizer(of_kind(kind, decide))
    with listening(app) as url:
        status, body = call(url, 1)
        assert status == 200 and "paid 1" in body
        status, body = call(url, 2)
        assert status == 403 and "the call is not permitted" in body
        status, body = call(url, 3)
        assert status == 403 and "only on Mondays" in body
        # A wrong answer, and an exception.
        for amount in (4, 5):
            status, body = call(url, amount)
            assert "paid" not in body and "cannot decide about this call" in body


@pytest.mark.parametrize("kind", ["verifier", "authorizer"])
def test_wrong_functions_are_named(kind):
    register = getattr(Server("t"), kind)

    def too_few():
        return None

    def generates(principal, kind, name, arguments):
        yield True

    for wrong, why in [
        (7, f"{kind} must be a function, not int 7"),
        (Person, f"{kind} must be a function, not the class Person"),
        (too_few, f"{kind} 'too_few' must take the"),
        (generates, f"{kind} 'generates' must return its answer"),
    ]:
        with pytest.raises(RegistrationError) as caught:
            register(wrong)
        assert why in str(caught.value)


def test_headers_are_checked():
    app = Server("t")
    for headers, why in [
        ("x-team", "headers must be names"),
        ([7], "headers must be names"),
        (["a b"], '"a b" is not the name of a header'),
    ]:
        with pytest.raises(RegistrationError) as caught:
            app.verifier(headers=headers)(lambda credentials: None)
        assert why in str(caught.value)


def test_each_is_set_once_and_before_the_start():
    app = demo()
    app.verifier(lambda credentials: credentials.token)
    app.authorizer(lambda principal, kind, name, arguments: True)
    with pytest.raises(StateError, match="already"):
        app.verifier(lambda credentials: None)
    with pytest.raises(StateError, match="already"):
        app.authorizer(lambda principal, kind, name, arguments: True)
    late = demo()
    with listening(late), pytest.raises(StateError, match="verifier: the server is being served already"):
        late.verifier(lambda credentials: None)
    with listening(app) as url:
        assert call(url, **bearer("ann"))[0] == 200


def test_the_example():
    program = Path(__file__).parents[3] / "examples/python/access/server.py"
    with subprocess.Popen(
        [sys.executable, program, "127.0.0.1:0"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            url = child.stderr.readline().split()[-1]
            assert call(url)[0] == 401
            status, body = call(url, 3, x_team_key="key-of-red")
            assert status == 200 and "paid 3" in body
            status, body = call(url, 101, x_team_key="key-of-blue")
            assert status == 403 and "a person must confirm" in body
        finally:
            child.kill()
