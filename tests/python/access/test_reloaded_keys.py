"""Keys in a settings file that is reloaded, and a principal in a settings file or a variable."""

import json
import signal

import pytest
from http_client import Peer, listening
from tenon_mcp import ApiKey, ApiKeys, RegistrationError, Server, Settings, StateError
from tokens import AUDIENCE, ISSUER, SECRET, token
from wire import Program, wait_for

KEYS = ("key-of-ann-in-march", "key-of-ann-in-april")
SECRETS = (SECRET, "another secret, also of 32 bytes")


def bearer(credentials):
    return {"Authorization": f"Bearer {credentials}"}


def key(value, more=""):
    """A verifier with one key. It begins in line 5 of the file."""
    return f'[[server.auth]]\ntype = "api_keys"\nkeys = [{{ subject = "ann", value = "{value}" }}]\n{more}'


def signed(options):
    return f'[[server.auth]]\ntype = "jwt"\nissuer = "{ISSUER}"\naudience = "{AUDIENCE}"\n{options}\n'


@pytest.fixture
def file(tmp_path):
    return tmp_path / "app.toml"


def write(file, auth, page_size=1):
    file.write_text(f'[server]\nname = "shop"\n[limits]\npage_size = {page_size}\n{auth}')


def shop(file, **options):
    app = Server(settings=Settings(file, prefix=""), **options)
    app.tool("a")(lambda: "a")
    app.tool("b")(lambda: "b")
    return app


def status(peer, headers):
    """The status of a call. A refusal closes the connection, and the next call opens another one."""
    peer.headers = headers
    response = peer.call("a", modern=peer.session is None)
    body = json.load(response)
    assert ("result" in body) == (response.status == 200), body
    return response.status


def statuses(peer):
    return [status(peer, bearer(each)) for each in KEYS]


def used(url, headers, modern=True):
    """A connection that keeps these credentials, because it has sent them several times."""
    peer = Peer(url, headers)
    if not modern:
        peer.open_session()
    assert [status(peer, headers) for _ in range(3)] == [200] * 3
    return peer


def status_there(peer, headers):
    """The status of a call on the connection that is open, without another one."""
    assert peer.connection.sock is not None, "the connection is closed"
    return status(peer, headers)


def has_pages(peer):
    return "nextCursor" in json.load(peer.post("tools/list", modern=True, id=1))["result"]


# Each writes the keys of one month, and returns the headers that these keys accept.


def keys_as_bearers(file, month):
    write(file, key(KEYS[month]))
    return bearer(KEYS[month])


def keys_in_a_header(file, month):
    write(file, key(KEYS[month], 'header = "x-api-key"\n'))
    return {"X-Api-Key": KEYS[month]}


def keys_in_files(file, month):
    """The settings file itself does not change."""
    (file.parent / "key").write_text(KEYS[month] + "\n")
    write(file, key(f"{file.parent}/key").replace("value", "file"))
    return bearer(KEYS[month])


def tokens(file, month):
    write(file, signed(f'secret = "{SECRETS[month]}"'))
    return bearer(token(SECRETS[month], sub="ann"))


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize("months", [keys_as_bearers, keys_in_a_header, keys_in_files, tokens])
def test_a_reload_replaces_the_keys(file, months, modern):
    old = months(file, 0)
    app = shop(file)
    with listening(app) as url:
        first, second = used(url, old, modern), used(url, old, modern)
        new = months(file, 1)
        assert (status_there(first, old), status(Peer(url), new)) == (200, 401), "the files alone change nothing"
        app.settings.reload()
        assert status_there(first, old) == 401
        assert [status(first, old), status(Peer(url), old)] == [401, 401]
        assert [status_there(second, new), status_there(second, old)] == [200, 401]
        assert [status(second, new), status(Peer(url), new)] == [200, 200]
        # What was refused is forgotten, too.
        third = used(url, new)
        months(file, 0)
        app.settings.reload()
        assert [status(first, old), status_there(third, new)] == [200, 401]


@pytest.mark.parametrize(
    "auth, error, said",
    [
        (key("short-1"), StateError, r"7: server\.auth: auth\[0\]\.keys\[0\]: the key has 7 bytes"),
        (key(KEYS[1]) + key("short-1"), StateError, r"10: server\.auth: auth\[1\]\.keys\[0\]: the key has 7 bytes"),
        (key(KEYS[1]).replace("subject", "subjct"), RegistrationError, r"7: server\.auth\[0\]\.keys\[0\].*subject"),
        (signed('secret = "short-1"'), StateError, r"9: server\.auth: auth\[0\]\.secret: the secret has 7 bytes"),
        (signed(f'secret = "{SECRET}"\nalgorithms = ["HS255"]'), RegistrationError,
         r'10: server\.auth\[0\]\.algorithms: there is no word "HS255"'),
        (signed(f'secret = "{SECRET}"\nalgorithms = ["RS256"]'), StateError,
         r"5: server\.auth: auth\[0\]: none of the algorithms can be used with the keys"),
        (signed('public_key_file = "none.pem"'), StateError,
         r"9: server\.auth: auth\[0\]\.public_key_file: .*none\.pem"),
    ],
    ids=["key", "second", "member", "secret", "algorithm", "other algorithm", "file"],
)
def test_wrong_keys_change_nothing(file, auth, error, said):
    write(file, key(KEYS[0]))
    app = shop(file)
    with listening(app) as url:
        peer = used(url, bearer(KEYS[0]))
        write(file, auth, page_size=2)
        with pytest.raises(error, match=rf"app\.toml, line {said}") as raised:
            app.settings.reload()
        assert not any(secret in str(raised.value) for secret in ("short-1", SECRET, *KEYS))
        assert app.settings.get("limits.page_size") == 1
        assert status_there(peer, bearer(KEYS[0])) == 200
        assert has_pages(peer)
        assert statuses(Peer(url)) == [200, 401]
        # Without the mistake both change.
        write(file, key(KEYS[1]), page_size=2)
        app.settings.reload()
        assert status_there(peer, bearer(KEYS[0])) == 401
        assert statuses(peer) == [401, 200]
        assert not has_pages(peer)


def test_a_key_of_code_counts_more_than_the_file(file):
    write(file, key(KEYS[0]))
    app = shop(file)
    settings, new = app.settings, [ApiKeys(keys=[ApiKey(subject="ann", value=KEYS[1])])]
    with listening(app) as url:
        for value, before, after in ((new, KEYS[0], KEYS[1]), (None, KEYS[1], KEYS[0])):
            peer = used(url, bearer(before))
            settings.set("server.auth", value)
            assert status_there(peer, bearer(before)) == 200, "a set value waits for the reload"
            assert status(Peer(url), bearer(after)) == 401
            settings.reload()
            assert status_there(peer, bearer(before)) == 401
            assert status(peer, bearer(after)) == 200


def test_keys_that_code_gave_the_server_stay(file):
    write(file, key(KEYS[0]))
    app = shop(file, auth=[ApiKeys(keys=[ApiKey(subject="ann", value=KEYS[1])])])
    with listening(app) as url:
        peer = Peer(url)
        for auth in (key(KEYS[0]), ""):
            write(file, auth)
            app.settings.reload()
            assert statuses(peer) == [401, 200]


def test_a_file_without_keys_lets_nobody_in(file):
    write(file, key(KEYS[0]))
    app = shop(file)
    with listening(app) as url:
        peer = used(url, bearer(KEYS[0]))
        write(file, "")
        app.settings.reload()
        assert [status_there(peer, bearer(KEYS[0])), status(peer, {})] == [401, 401]


def test_a_server_without_keys_gets_none(file):
    write(file, "")
    app = shop(file)
    write(file, key(KEYS[0]), page_size=2)
    with pytest.raises(StateError, match=r"line 5: server\.auth: the server was built without verifiers"):
        app.settings.reload()
    assert app.settings.get("limits.page_size") == 1


def test_sighup_replaces_the_keys(file):
    source = f"""
import logging, sys
from tenon_mcp import Server, Settings

logging.basicConfig(level=logging.INFO, format="%(message)s")
app = Server(settings=Settings({str(file)!r}, prefix=""))
app.tool("a")(lambda: "a")
app.tool("b")(lambda: "b")
app.run(http="127.0.0.1:0", on_started=lambda app: print("at", app.url, file=sys.stderr, flush=True))
"""
    write(file, key(KEYS[0]))
    with Program(source, connect=False) as program:

        def line(begin):
            lines = b"".join(program.errors).decode().splitlines()
            return next((line for line in lines if line.startswith(begin)), None)

        def hang_up(begin):
            program.process.send_signal(signal.SIGHUP)
            wait_for(lambda: line(begin))
            return line(begin)

        wait_for(lambda: line("at "))
        peer = used(line("at ").split()[1], bearer(KEYS[0]))
        write(file, key("short-1"), page_size=2)
        assert "app.toml, line 7: server.auth: auth[0].keys[0]" in hang_up("SIGHUP: the settings were not reloaded")
        assert status_there(peer, bearer(KEYS[0])) == 200
        assert has_pages(peer)
        write(file, key(KEYS[1]), page_size=2)
        hang_up("SIGHUP: the settings were reloaded")
        assert status_there(peer, bearer(KEYS[0])) == 401
        assert statuses(peer) == [401, 200]
        assert not has_pages(peer)
        program.terminate()
        assert program.wait()[0] == 0


def who(options, modern=True):
    """The subject and the issuer that a tool of a program with these settings learns on standard input and output."""
    source = f"""
from tenon_mcp import Server, Settings, SyncContext

app = Server(settings=Settings({options}))

@app.tool
def who(ctx: SyncContext) -> list:
    return [ctx.principal.subject, ctx.principal.issuer] if ctx.principal else []

app.run()
"""
    with Program(source, modern=modern) as program:
        return json.loads(program.client.text("who"))


ANN = 'principal = { subject = "ann", issuer = "https://a.example" }'
BOB = '{"subject": "bob", "issuer": "https://b.example"}'


@pytest.mark.parametrize(
    "toml, variables, expected",
    [
        ("", {}, []),
        ('principal = "ann"', {}, ["ann", "host"]),
        ('principal = "${CALLER}"', {"CALLER": "ann"}, ["ann", "host"]),
        (ANN, {}, ["ann", "https://a.example"]),
        ("", {"SHOP_SERVER__PRINCIPAL": "bob"}, ["bob", "host"]),
        ("", {"SHOP_SERVER__PRINCIPAL": BOB}, ["bob", "https://b.example"]),
        ("", {"TENON_SERVER__PRINCIPAL": "bob"}, []),
        (ANN, {"SHOP_SERVER__PRINCIPAL": BOB}, ["bob", "https://b.example"]),
        (ANN, {"SHOP_SERVER__PRINCIPAL": "bob"}, ["bob", "host"]),
        (ANN, {"SHOP_SERVER__PRINCIPAL__SUBJECT": "bob"}, ["bob", "https://a.example"]),
    ],
    ids=["none", "text", "replaced", "table", "variable", "JSON", "another prefix", "both", "a text", "merged"],
)
def test_the_principal_of_standard_input(file, monkeypatch, toml, variables, expected):
    file.write_text(f'[server]\nname = "shop"\n{toml}\n')
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert who(f'{str(file)!r}, prefix="SHOP"') == expected


@pytest.mark.parametrize("modern", [True, False])
def test_the_principal_of_the_environment_alone(monkeypatch, modern):
    monkeypatch.setenv("TENON_SERVER__NAME", "shop")
    monkeypatch.setenv("TENON_SERVER__PRINCIPAL", BOB)
    assert who("", modern) == ["bob", "https://b.example"]
