"""Settings that change in servers that run: all of them, or none."""

import os
import re
import signal
import time

import pytest
from tenon_mcp import RegistrationError, ServeError, Server, Settings, StateError
from wire import SECONDS, Program, serving

FILE = '[server]\nname = "shop"\n[limits]\ncall_timeout = 10\n'


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "app.toml"
    path.write_text(FILE)
    return path


def shop(file):
    app = Server(settings=Settings(file, prefix=""))
    app.tool("a")(lambda: "a")
    app.tool("b", tags=["admin"])(lambda: "b")
    return app


def shown(client):
    return [tool["name"] for tool in client.request("tools/list")["result"]["tools"]]


def test_a_running_server_changes_with_its_settings(file):
    app = shop(file)
    with serving(app) as client:
        assert shown(client) == ["a", "b"]
        file.write_text(FILE + '[server.disabled]\ntags = ["admin"]\n')
        app.settings.reload()
        assert client.receive()["method"] == "notifications/tools/list_changed"
        assert shown(client) == ["a"]
        app.enable("tool", "b")
        assert shown(client) == ["a"], "the settings hide it"
        app.disable("tool", "a")
        file.write_text(FILE)
        app.settings.reload()
        assert shown(client) == ["b"], "code hides it"


def test_what_cannot_change_holds_back_all_other_changes(file):
    app, other = shop(file), Server("other")
    with serving(app) as client:
        disabled = '[server.disabled]\ntools = ["*"]\n'
        for toml, refused in (
            (FILE.replace("shop", "market") + disabled, r"line 2: server.name: it differs from what the server"),
            (FILE + "max_calls = 5\n" + disabled, r"line 5: limits.max_calls: it differs .*; restart the server"),
        ):
            file.write_text(toml)
            with pytest.raises(StateError, match=refused):
                app.settings.reload()
            assert app.settings.get("server.disabled") is None
            assert shown(client) == ["a", "b"]
        file.write_text(FILE + "call_timout = 5\n")
        with pytest.raises(RegistrationError, match="app.toml, line 5: limits: there is no setting"):
            app.settings.reload()
        assert shown(client) == ["a", "b"]
    assert other.settings is None


def test_limits_of_code_do_not_change(file):
    app = Server(settings=Settings(file, prefix=""), max_asks=3)
    file.write_text(FILE + "max_asks = 5\n")
    app.settings.reload()
    assert app.settings.get("limits.max_asks") == 5
    # A limit that cannot change may change in the file if code has set it.
    app = Server(settings=Settings(file, prefix=""), max_calls=3)
    file.write_text(FILE + "max_calls = 5\n")
    app.settings.reload()


def test_keys_are_in_a_file(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("0f" * 32 + "\n" + "Dw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8=\n")
    path = tmp_path / "app.toml"
    path.write_text(f'[server]\nname = "shop"\nstate_keys_file = "{keys}"\n')
    assert Server(settings=Settings(path, prefix="")).settings.get("server.state_keys") is True
    keys.write_text("0f" * 31)
    with pytest.raises(RegistrationError, match=r"server.state_keys\[0\] must have 32 bytes") as refused:
        Settings(path, prefix="")
    assert "0f0f" not in str(refused.value)


def test_files_that_cannot_be_read_say_why(tmp_path):
    (tmp_path / "folder.toml").mkdir()
    with open(tmp_path / "large.toml", "wb") as large:
        large.truncate(100_000_000)
    (tmp_path / "wrong.toml").write_text("[limits]\nmax_calls = 1\nmax_peer_calls = 'x'\n")
    for name, why in (
        ("none.toml", "none.toml: there is no such file"),
        ("folder.toml", "folder.toml: it is not a regular file"),
        ("large.toml", "large.toml: it is larger than 1048576 bytes"),
        ("wrong.toml", "wrong.toml, line 3: limits.max_peer_calls must be an integer from 1"),
    ):
        with pytest.raises(RegistrationError, match=re.escape(why)):
            Settings(tmp_path / name, prefix="")
    unreadable = tmp_path / "unreadable.toml"
    unreadable.write_text("")
    unreadable.chmod(0)
    if not os.access(unreadable, os.R_OK):  # The superuser can read every file.
        with pytest.raises(ServeError, match=r"unreadable\.toml: it cannot be read"):
            Settings(unreadable, prefix="")


SOURCE = """
import logging, signal, sys
from tenon_mcp import Server, Settings

logging.basicConfig(level=logging.INFO, format="%%(message)s")
app = Server(settings=Settings(%r, prefix=""), revisions=["2026-07-28"])
app.tool("a")(lambda: "a")
"""
RUN = "app.run(on_started=lambda app: print('started', file=sys.stderr, flush=True))\n"


def line(program, text):
    """Waits for a line on stderr that has this text, and returns the line."""
    end = time.monotonic() + SECONDS
    while True:
        found = [line for line in b"".join(program.errors).decode().splitlines() if text in line]
        if found:
            return found[-1]
        assert time.monotonic() < end, program.errors
        time.sleep(0.01)


def test_sighup_reloads_the_settings(file):
    with Program(SOURCE % str(file) + RUN, modern=True) as program:
        line(program, "started")
        assert shown(program.client) == ["a"]
        file.write_text(FILE + "[server.disabled]\ntools = ['*']\n")
        program.process.send_signal(signal.SIGHUP)
        line(program, "SIGHUP: the settings were reloaded")
        assert shown(program.client) == []
        file.write_text(FILE + "[limits]\n")
        program.process.send_signal(signal.SIGHUP)
        assert "app.toml, line 5" in line(program, "SIGHUP: the settings were not reloaded, and nothing has changed")
        assert shown(program.client) == []
        program.client.close()
        assert program.wait()[0] == 0


def test_a_handler_of_the_program_gets_sighup(file):
    own = "signal.signal(signal.SIGHUP, lambda *_: print('own', file=sys.stderr, flush=True))\n"
    with Program(SOURCE % str(file) + own + RUN, modern=True) as program:
        line(program, "started")
        program.process.send_signal(signal.SIGHUP)
        line(program, "own")
        program.client.close()
        assert program.wait()[0] == 0


def test_without_a_file_sighup_ends_the_process():
    with Program("from tenon_mcp import Server\nServer('t').run()\n") as program:
        program.process.send_signal(signal.SIGHUP)
        assert program.wait()[0] == -signal.SIGHUP


def test_sighup_reloads_the_settings_of_all_workers(file):
    run = "app.run(http=0, workers=2, on_started=lambda app: print('started', file=sys.stderr, flush=True))\n"
    with Program(SOURCE % str(file) + run, connect=False) as program:
        line(program, "started")
        file.write_text(FILE + "[server.disabled]\ntools = ['*']\n")
        program.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + SECONDS
        while b"".join(program.errors).count(b"SIGHUP: the settings were reloaded") < 2:
            assert time.monotonic() < end, program.errors
            time.sleep(0.01)
        file.write_text("[server]\nname = 5\n")
        program.process.send_signal(signal.SIGHUP)
        line(program, "not reloaded")
        program.terminate()
        assert program.wait()[0] == 0
