"""The example `configuration`: what comes from the environment, what from the file, and what is told of it."""

import json
import subprocess
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from example_servers import SECONDS, command, converse, http, refused

EXAMPLE = "python/configuration"
VARIABLES = ("SERVER_NAME", "DEBUG", "API_KEY", "DATABASE_URL", "MAX_CONNECTIONS")
KEY = "a-key-that-is-nobodys"


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def shown(way, cwd, **environment):
    async def use(client):
        told = await client.call_tool("show_config", {})
        assert KEY not in str(told)
        return client.server_info.name, told.structured_content, await refused(client, "error_tool")

    return converse(EXAMPLE, way, use, cwd=cwd, env=environment)


def test_without_anything(way, tmp_path):
    name, config, failure = shown(way, tmp_path)
    assert name == "default-server"
    assert config == {
        "name": "default-server",
        "debug": False,
        "max_connections": 100,
        "has_api_key": False,
        "has_database": False,
    }
    assert "Test error" not in failure


def test_the_environment_is_before_the_file(tmp_path):
    way = ("stdio", "modern")
    (tmp_path / "server_config.json").write_text(json.dumps({"name": "of the file"}))
    assert shown(way, tmp_path)[0] == "of the file"
    environment = {
        "SERVER_NAME": "mine",
        "DEBUG": "True",
        "API_KEY": KEY,
        "DATABASE_URL": f"postgresql://{KEY}@host/db",
    }
    name, config, failure = shown(way, tmp_path, **environment, MAX_CONNECTIONS="7")
    assert name == "mine" and failure == "Test error"
    assert config["max_connections"] == 7 and config["has_api_key"] and config["has_database"]


@pytest.mark.parametrize(
    ("file", "connections", "reason"),
    [
        (None, "many", "MAX_CONNECTIONS is a number above 0, not 'many'"),
        (None, "0", "MAX_CONNECTIONS is a number above 0, not '0'"),
        ("[]", "1", "server_config.json holds no object"),
        ("{", "1", "Expecting property name"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, monkeypatch, file, connections, reason):
    if file is not None:
        (tmp_path / "server_config.json").write_text(file)
    monkeypatch.setenv("MAX_CONNECTIONS", connections)
    run = subprocess.run(
        command(EXAMPLE), cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS
    )
    assert run.returncode == 1 and run.stderr.startswith("configuration: ") and reason in run.stderr
    assert "Traceback" not in run.stderr


def test_connections_are_bounded():
    with http(EXAMPLE, env={"MAX_CONNECTIONS": "1"}) as url:
        place = urlsplit(url).netloc
        with closing(HTTPConnection(place, timeout=SECONDS)) as first:
            first.request("GET", "/nothing")
            first.getresponse().read()
            # The first waits for a request, so it makes room.
            with closing(HTTPConnection(place, timeout=SECONDS)) as second:
                second.request("GET", "/nothing")
                assert second.getresponse().status == 404
                assert first.sock.recv(1) == b""
        with closing(HTTPConnection(place, timeout=SECONDS)) as third:
            third.request("GET", "/nothing")
            assert third.getresponse().status == 404
