"""The transports of a server as keywords: what the engine reads of them, and what becomes of descriptors."""

import asyncio
import contextlib
import itertools
import os
import socket
import tempfile
import threading
import typing
from pathlib import Path

import pytest
import tenon_mcp.types
from tenon_mcp import RegistrationError, ServeError, Server
from wire import SECONDS


@contextlib.contextmanager
def serving(**options):
    app, started = Server("t"), threading.Event()
    app.tool("yes")(lambda: "yes")
    thread = threading.Thread(target=app.run, kwargs={"on_started": lambda _: started.set(), **options}, daemon=True)
    thread.start()
    assert started.wait(SECONDS)
    try:
        yield app
    finally:
        app.close()
        thread.join(SECONDS)


def descriptors():
    return sorted(os.listdir("/proc/self/fd"))


@pytest.fixture
def folder():
    # Not pytest's own: a socket's path has room for 107 bytes.
    with tempfile.TemporaryDirectory(prefix="tenon-") as directory:
        yield Path(directory)


def test_options_are_given_in_any_form(folder):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        unix = {"path": folder / "s", "mode": 0o660}
        with serving(http={"socket": listener.fileno(), "path": "/x"}, unix=unix) as app:
            assert app.url == f"http://127.0.0.1:{port}/x"
            assert (folder / "s").stat().st_mode & 0o777 == 0o660
        with serving(http={"socket": listener}, socket=(), websocket="/chat") as app:
            assert (app.url, app.websocket_url) == (f"http://127.0.0.1:{port}/mcp", f"ws://127.0.0.1:{port}/chat")
    with serving(http={"unix": folder / "h", "mode": None, "allowed_hosts": {"a.example"}}) as app:
        assert app.url.startswith("unix:") and (folder / "h").stat().st_mode & 0o777 == 0o600
    with serving(http={"port": "0", "host": "127.0.0.1"}, sse=None) as app:
        assert app.url and app.sse_url is None


def test_duplicates_are_closed_if_an_option_is_wrong():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        before = descriptors()
        for wrong in (
            {"socket": [listener, "x"]},
            {"socket": listener, "http": {"port": 70000}},
            {"stdio": (listener, 1 << 20)},
            {"http": {"socket": listener}, "sse": {"host": "a"}},
        ):
            with pytest.raises((RegistrationError, ServeError)):
                Server("t").start(**wrong)
            assert descriptors() == before, wrong
        listener.close()
        with pytest.raises(RegistrationError, match="socket must be a socket or a descriptor, not"):
            Server("t").start(socket=listener)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"http": {"prt": 1}}, "unknown http option 'prt'; the nearest name is \"port\"; the options are host"),
        ({"http": {"port": -1}}, "http option port must be a number from 0 to 65535, not -1"),
        ({"http": {"unix": "a", "port": 1}}, "http options must name one place: set only one of host and port"),
        ({"unix": {"path": "a", "mode": 0o1000}}, "unix option mode must be a number from 0 to 0o777, not 512"),
        ({"http": object()}, "http must be JSON, a path, or a socket or another object with a descriptor, not object"),
        ({"http": {"host": b"a"}}, "http option host must be JSON, .*, not bytes"),
        ({"http": {"host": {"a": {"b": {"c": {"d": {}}}}}}}, "http option host must be a host name or an address, not"),
    ],
)
def test_errors_name_the_option_its_value_and_what_to_do(options, said):
    with pytest.raises(RegistrationError, match=said):
        Server("t").start(**options)


def test_options_without_an_end_are_refused():
    itself, twice = [], []
    itself.append(itself)
    twice.extend([twice, twice])
    nested = (itertools.count(3) for _ in range(3))
    for value in (itself, twice, {"a": itself}, itertools.count(3), nested, iter(int, 1)):
        for options in ({"socket": value}, {"http": {"allowed_hosts": value}}, {"stdio": value}):
            with pytest.raises(RegistrationError):
                Server("t").start(**options)
    with pytest.raises(RegistrationError, match="socket has more than 10,000 items; pass fewer"):
        Server("t").start(socket=itertools.count(3))
    with pytest.raises(RegistrationError, match="allowed_hosts has more than 10,000 items; pass fewer"):
        Server("t").asgi(allowed_hosts=itertools.repeat("a.example"))
    with serving(http={"port": 0, "allowed_hosts": [f"h{i}.example" for i in range(9_990)]}) as app:
        assert app.url


def test_an_unknown_keyword_is_a_type_error():
    for serve in (Server("t").run, Server("t").start):
        with pytest.raises(TypeError, match='there is no option "htp"; the nearest name is "http"; the transports are'):
            serve(htp=8000)
    for name, near in (("worker", "workers"), ("signal", "signals"), ("on_start", "on_started")):
        with pytest.raises(TypeError, match=f'there is no option "{name}"; the nearest name is "{near}"'):
            Server("t").run(**{name: 2})
    with pytest.raises(TypeError, match='there is no option "on_start"; the nearest name is "on_started"'):
        asyncio.run(Server("t").serve(on_start=print))
    with pytest.raises(TypeError, match='asgi: there is no option "hosts"; the nearest name is "allowed_hosts"'):
        Server("t").asgi(hosts=["a"])


def test_the_types_have_the_options():
    names = {"HasFileno": tenon_mcp.types.HasFileno}
    assert "allowed_headers" in typing.get_type_hints(tenon_mcp.types.EmbedOptions, localns=names)
    assert tenon_mcp.types.UnixOptions.__required_keys__ == {"path"}
    assert list(tenon_mcp.types.Transports.__annotations__) == ["stdio", "http", "unix", "socket", "websocket", "sse"]
