"""Settings from files, variables and code."""

import asyncio
import inspect
import re
import threading

import pytest
from http_client import Peer
from tenon_mcp import RegistrationError, ServeError, Server, Settings, StateError
from tenon_mcp._native import Settings as Native
from wire import SECONDS, Program, serving

SHOP = {"type": "object", "properties": {"currency": {"type": "string"}, "key": {"type": "string", "writeOnly": True}}}


@pytest.fixture
def settings(tmp_path):
    """Makes settings from the text of a file, with no variables of the process."""

    def make(toml, **sources):
        file = tmp_path / "app.toml"
        file.write_text(toml)
        return Settings(file, **{"prefix": "TENON_TEST", **sources})

    return make


def test_later_sources_count_more(tmp_path, monkeypatch, settings):
    (tmp_path / ".env").write_text("TENON_TEST_LIMITS__MAX_CALLS=5\nTENON_TEST_LIMITS__MAX_PEER_CALLS=2\n")
    monkeypatch.setenv("TENON_TEST_LIMITS__MAX_CALLS", "10")
    made = settings(
        '[server]\nname = "file"\n[limits]\nmax_calls = 1\ncall_timeout = 0.5\n[shop]\ncurrency = "EUR"\n',
        dotenv=str(tmp_path / ".env"), sections={"shop": SHOP}, values={"server.title": "Code", "shop.key": "1234"},
    )
    expected = {
        "server.name": ("file", "app.toml, line 2"),
        "limits.max_calls": (10, "the variable TENON_TEST_LIMITS__MAX_CALLS"),
        "limits.max_peer_calls": (2, ".env"),
        "limits.call_timeout": (0.5, "app.toml, line 5"),
        "server.title": ("Code", "code"),
        "shop": ({"currency": "EUR", "key": True}, "line 7"),
        "shop.key": (True, "code"),
    }
    for key, (value, source) in expected.items():
        assert made.get(key) == value and type(made.get(key)) is type(value), key
        assert source in made.source(key), key
    assert (made.get("server.instructions"), made.source("server.instructions")) == (None, None)
    assert made.get("limits.ask_timeout") == 600 and made.source("limits.ask_timeout") is None
    assert made.schema()["properties"]["shop"]["properties"]["key"]["writeOnly"] is True
    assert "1234" not in repr(made)


def test_errors_have_the_text_of_the_engine(tmp_path, settings):
    for toml, line in (
        ('[server]\nlog_levl = "warn"', 'app.toml, line 2: server: there is no setting "log_levl"; the nearest '),
        ("[limits]\nmax_calls = 'x'", 'app.toml, line 2: limits.max_calls must be an integer from 1, not "x"'),
    ):
        with pytest.raises(RegistrationError, match=re.escape(line)):
            settings(toml)
    made = settings("")
    for call, refused in (
        (lambda: made.get("limits.max_call"), 'no setting "limits.max_call"; the nearest name is "limits.max_calls"'),
        (lambda: made.set("limits.max_calls", object()), "limits.max_calls: object is not JSON"),
        (lambda: Settings(5), "settings: file must be a str, not 5"),
        (lambda: Settings(tmp_path / "none.toml"), "none.toml: there is no such file"),
        (lambda: Settings(sections={"shop": []}, prefix=""), "shop"),
        (lambda: Settings(values={"limits.max_calls": object()}, prefix=""), "values: .*is not JSON"),
        (lambda: Server("n", settings=5), "settings: file must be a str, not 5"),
        (lambda: Server(settings=made), "server.name is not set; set it to the name of the server"),
    ):
        with pytest.raises(RegistrationError, match=refused):
            call()
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        Server()
    with pytest.raises(RegistrationError, match="name must be a str, not NoneType"):
        Server(None)
    Settings.write_default(tmp_path / "default.toml")
    assert Settings(tmp_path / "default.toml", prefix="").get("server.name") == "server"
    with pytest.raises(ServeError, match=r"default\.toml"):
        Settings.write_default(str(tmp_path / "default.toml"))


def test_the_keywords_are_the_options_of_the_engine():
    with pytest.raises(RegistrationError) as refused:
        Native({"nothing": 1})
    known = str(refused.value).partition("the options are ")[2]
    assert re.findall(r"\w+", known) == list(inspect.signature(Settings).parameters)


def test_values_are_set_saved_and_read_again(tmp_path, settings):
    made = settings('# The server.\n[server]\nname = "a" # its name\n[limits]\nmax_calls = 1\n')
    made.set("server.name", "b")
    made.set("limits.max_calls", 9)
    with pytest.raises(RegistrationError, match='code: limits.max_calls must be an integer from 1, not "x"'):
        made.set("limits.max_calls", "x")
    assert made.get("limits.max_calls") == 9
    made.set("limits.max_calls", None)
    assert made.get("limits.max_calls") == 1
    made.save()
    file = tmp_path / "app.toml"
    assert file.read_text() == '# The server.\n[server]\nname = "b" # its name\n[limits]\nmax_calls = 1\n'
    file.write_text('[limits]\nmax_calls = "x"\n')
    with pytest.raises(RegistrationError, match="line 2: limits.max_calls"):
        made.reload()
    file.write_text("[limits]\nmax_calls = 3\n")
    made.reload()
    assert (made.get("limits.max_calls"), made.get("server.name")) == (3, "b")
    made.set("server.store", "memory:")
    with pytest.raises(RegistrationError, match="server.store is secret, and secrets are not saved"):
        made.save()
    with pytest.raises(StateError, match="the settings have no file"):
        Settings(prefix="").save()


def test_any_thread_may_use_them(settings):
    made, done = settings("[limits]\nmax_calls = 1\n"), []

    def use():
        for _ in range(50):
            made.set("limits.max_peer_calls", 2)
            made.reload()
            made.save()
            done.append(made.get("limits.max_calls"))

    threads = [threading.Thread(target=use, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert done == [1] * 200


FILE = """
[server]
name = "shop"
version = "7"
title = "Of the file"
instructions = "Of the file too"
[limits]
page_size = 1
call_timeout = 30
thread_stack_bytes = 1048576
"""
# The program has a tool that returns the size of the stack of the thread that it runs on.
STACK = """
import ctypes, sys
from tenon_mcp import Server, Settings

app = Server(settings=Settings(sys.argv[1], prefix="TENON_TEST"), **eval(sys.argv[2]))

@app.tool(thread="pool")
def stack() -> int:
    libc, attributes, size = ctypes.CDLL(None), ctypes.create_string_buffer(64), ctypes.c_size_t()
    libc.pthread_self.restype = ctypes.c_ulong
    assert libc.pthread_getattr_np(ctypes.c_ulong(libc.pthread_self()), attributes) == 0
    assert libc.pthread_attr_getstacksize(attributes, ctypes.byref(size)) == 0
    return size.value

app.run()
"""


def seen(app):
    """What a client sees: the server, its instructions, and the number of tools on a page."""
    app.tool("a")(lambda: 1)
    app.tool("b")(lambda: 2)
    with serving(app) as client:
        info = client.server["serverInfo"]
        assert (info["name"], info["version"]) == (app.name, app.version)
        return info, client.server["instructions"], len(client.request("tools/list")["result"]["tools"])


def test_a_client_sees_the_settings_of_the_file(settings):
    made = settings(FILE)
    app = Server(settings=made)
    assert app.settings is made and Server("n").settings is None
    info = {"name": "shop", "version": "7", "title": "Of the file"}
    assert seen(app) == (info, "Of the file too", 1)
    made.set("server.name", "later")
    assert app.name == "shop"


def test_code_replaces_the_settings(tmp_path, settings):
    settings(FILE)
    app = Server("own", settings=tmp_path / "app.toml", title="Own", page_size=0)
    assert app.settings.get("limits.page_size") == 1
    assert seen(app) == ({"name": "own", "version": "7", "title": "Own"}, "Of the file too", 2)
    assert seen(Server("n", "2", settings=settings(FILE), call_timeout=1))[::2] == (
        {"name": "n", "version": "2", "title": "Of the file"}, 1,
    )
    assert Server("n", settings=settings("")).version == "0.1.0"
    assert Server(None, None, settings=settings(FILE)).version == "7"
    # Null is no value of code.
    assert seen(Server("n", settings=settings(FILE), title=None))[0]["title"] == "Of the file"


def test_workers_have_the_stack_size_of_the_file(tmp_path, settings):
    settings(FILE)
    # A new thread may get the larger stack of one that has ended, so each size has a process of its own.
    for code, least, most in (({}, 1 << 20, 2 << 20), ({"thread_stack_bytes": 3 << 20}, 3 << 20, 4 << 20)):
        with Program(STACK, tmp_path / "app.toml", repr(code)) as program:
            assert least <= int(program.client.text("stack")) < most


def test_transports_of_the_file_are_served(settings):
    app = Server("n", settings=settings('[serve.http]\nport = 0\npath = "/file"\n'))
    app.tool("yes")(lambda: "yes")

    def check():
        assert app.url.endswith("/file")
        peer = Peer(app.url)
        peer.open_session()
        assert '"yes"' in peer.call("yes").read().decode()
        peer.connection.close()

    for start in ({}, {"http": None, "stdio": None}):
        app.start(**start)
        check()
        app.close()
        while app.poll(timeout=SECONDS):
            pass
    app.start(http={"port": 0})
    assert app.url.endswith("/mcp"), "transports of code replace them"
    app.close()
    while app.poll(timeout=SECONDS):
        pass
    checked = []
    app.run(on_started=lambda _: (checked.append(app.url), app.close()))
    asyncio.run(app.serve(on_started=lambda _: (checked.append(app.url), app.close())))
    assert [url.rpartition("/")[2] for url in checked] == ["file", "file"]
    with pytest.raises(TypeError, match="the nearest name is \"http\""):
        app.start(htp=1)


def test_standard_input_is_served_if_the_file_names_no_transport(tmp_path, settings):
    settings('[server]\nname = "shop"\n')
    with Program("from tenon_mcp import Server\nServer(settings='%s').run()\n" % (tmp_path / "app.toml")) as program:
        assert program.client.server["serverInfo"]["name"] == "shop"
        program.client.close()
        assert program.wait()[0] == 0
