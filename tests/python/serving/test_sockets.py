"""Lines and HTTP on Unix sockets and on sockets that the program passes."""

import contextlib
import http.client
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from http_client import Peer
from tenon_mcp import RegistrationError, ServeError, Server
from wire import END, SECONDS, Client


@pytest.fixture
def place():
    # Not pytest's own: a socket's path has room for 107 bytes.
    with tempfile.TemporaryDirectory(prefix="tenon-") as directory:
        yield Path(directory) / "socket"


def adder():
    app = Server("adder")

    @app.tool
    def add(a: int, b: int) -> int:
        return a + b

    @app.tool
    async def join(a: str, b: str) -> str:
        return a + b

    return app


@contextlib.contextmanager
def serving(app, **options):
    """Runs the server on a thread; what is yielded ends once it has."""
    started = threading.Event()
    thread = threading.Thread(target=app.run, kwargs={"on_started": lambda _: started.set(), **options}, daemon=True)
    thread.start()
    assert started.wait(SECONDS)
    try:
        yield thread
    finally:
        app.close()
        thread.join(SECONDS)
        assert not thread.is_alive(), "the server did not end"


def client_on(connection, **options):
    connection.settimeout(SECONDS)
    stream = connection.makefile("rwb", buffering=0)
    connection.close()
    return Client(stream, stream, **options)


def connect(path, **options):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.fspath(path))
    return client_on(connection, **options)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=SECONDS)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(SECONDS)
        self.sock.connect(os.fspath(self.path))


def http_peer(path, endpoint="/mcp"):
    peer = Peer("http://localhost" + endpoint)
    peer.connection = UnixConnection(path)
    return peer


@pytest.mark.parametrize("form", [str, Path, lambda path: {"path": path, "mode": 0o660}])
def test_many_clients_speak_lines_on_one_path(place, form):
    app = adder()
    with serving(app, unix=form(place)):
        mode = stat.S_IMODE(place.stat().st_mode)
        assert mode == (0o660 if isinstance(form(place), dict) else 0o600)
        clients = [connect(place, modern=bool(number % 2)) for number in range(6)]
        for number, client in enumerate(clients):
            assert client.text("add", a=number, b=1) == str(number + 1)
            assert client.text("join", a="a", b=str(number)) == f"a{number}"
        assert app.url is None
    assert not place.exists()
    assert all(client.receive() is END for client in clients)


def test_http_on_a_path(place):
    app = adder()
    with serving(app, http=f"unix:{place}"):
        assert app.url == f"unix:{place}:/mcp"
        with http_peer(place).call("add", {"a": 1, "b": 2}, modern=True) as response:
            assert response.status == 200 and b'"3"' in response.read()
    assert not place.exists()
    with serving(app, http={"unix": place, "mode": 0o640, "path": "/x"}):
        assert app.url == f"unix:{place}:/x"
        assert stat.S_IMODE(place.stat().st_mode) == 0o640
        with http_peer(place, "/x").call("add", {"a": 1, "b": 2}, modern=True) as response:
            assert response.status == 200


def test_sockets_of_the_program(place):
    app = adder()
    with socket.socket(socket.AF_UNIX) as listener, socket.create_server(("127.0.0.1", 0)) as web:
        listener.bind(os.fspath(place))
        listener.listen()
        ours, theirs = socket.socketpair()
        with serving(app, socket=[listener, theirs.fileno()], http={"socket": web}) as thread:
            theirs.close()
            assert app.url == f"http://127.0.0.1:{web.getsockname()[1]}/mcp"
            several, one = connect(place), client_on(ours.dup())
            assert several.text("add", a=1, b=2) == one.text("add", a=1, b=2) == "3"
            with Peer(app.url).call("add", {"a": 1, "b": 2}, modern=True) as response:
                assert response.status == 200
            # The program's own is not taken.
            assert listener.fileno() > 0 and place.exists()
            # The server ends with the only client that has a channel of its own.
            ours.shutdown(socket.SHUT_WR)
            assert one.receive() is END
            thread.join(SECONDS)
            assert not thread.is_alive()
        ours.close()
    assert place.exists()


def test_a_pair_of_sockets_is_a_client_in_memory():
    app = adder()
    ours, theirs = socket.socketpair()
    with serving(app, socket=theirs) as thread:
        theirs.close()
        client = client_on(ours.dup())
        assert client.text("add", a=1, b=2) == "3"
        ours.shutdown(socket.SHUT_WR)
        assert client.receive() is END
        thread.join(SECONDS)
        assert not thread.is_alive()
        ours.close()


def test_a_program_that_is_started_has_none_of_the_sockets(place):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with serving(adder(), http="127.0.0.1:0", unix=place):
        command = [sys.executable, "-c", "print(flush=True); input()"]
        with subprocess.Popen(command, close_fds=False, **pipes) as child:
            # It runs what it was started for.
            assert child.stdout.readline() == b"\n"
            opened = [os.readlink(file) for file in Path(f"/proc/{child.pid}/fd").iterdir()]
            assert opened and not [name for name in opened if name.startswith("socket:")], opened
            child.communicate(b"\n", timeout=SECONDS)
            assert child.returncode == 0


def test_what_is_in_use_is_told(place):
    with serving(adder(), unix=place), pytest.raises(ServeError, match="another server listens"):
        adder().run(unix=place)
    place.write_text("precious")
    with pytest.raises(ServeError, match="not a socket"):
        adder().run(unix=place)
    assert place.read_text() == "precious"


@pytest.mark.parametrize(
    "options, said",
    [
        ({"unix": "x" * 108}, "108 bytes"),
        ({"unix": 7}, "unix must be a path"),
        ({"unix": {"mode": 1}}, "unix must be a path"),
        ({"unix": {"path": 7}}, "path must be a path"),
        ({"unix": {"path": "a", "mode": 0o1000}}, "0o777"),
        ({"unix": {"path": "a", "mode": True}}, "0o777"),
        ({"http": {"unix": "a", "port": 1}}, "name one place"),
        ({"http": {"unix": "a", "socket": 1}}, "name one place"),
        ({"http": {"mode": 0o600}}, "name one place"),
        ({"http": {"unix": "a", "path": "x"}}, "must begin with /"),
        ({"socket": "x"}, "socket must be"),
        ({"socket": True}, "socket must be"),
        ({"http": {"socket": object()}}, "socket must be"),
    ],
)
def test_wrong_options_are_told(options, said):
    with pytest.raises(RegistrationError, match=said):
        adder().run(**options)


def test_what_is_no_socket_is_told():
    with open("/dev/null") as file, pytest.raises(RegistrationError, match="not a socket"):
        adder().run(socket=file)
    with pytest.raises(OSError):
        adder().run(socket=10**6)


def test_the_end_of_input_leaves_others(place):
    app = Server("stays", end_with_stdin=False)
    app.tool("yes")(lambda: "yes")
    reader, writer = os.pipe()
    answers, output = os.pipe()
    with serving(app, stdio=(reader, output), unix=place):
        os.close(reader)
        os.close(output)
        os.close(writer)
        # The server lets go of the output, and goes on.
        assert os.read(answers, 1) == b""
        os.close(answers)
        client = connect(place)
        assert client.call("yes")["content"][0]["text"] == "yes"
        client.close()
