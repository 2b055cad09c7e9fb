"""Clients in TypeScript hear all progress, also what is written just before the answer.

They handle the messages of one read at once, and see the answer first. TENON_PROGRESS_CALLS is for longer runs.
"""

import os
from pathlib import Path

import pytest
from hosts import processes

HERE = Path(__file__).resolve().parent
CLIENT = [processes.NODE, "--no-warnings", "--experimental-websocket", str(HERE / "clients" / "progress.mjs")]
SERVER = [processes.PYTHON, str(HERE / "progress_server.py")]
CALLS = int(os.environ.get("TENON_PROGRESS_CALLS", "300"))
GAP = "0.05"


def lost(library, era, calls, *target):
    code, output = processes.run_to_end([*CLIENT, library, era, str(calls), *target], 60 + calls / 20)
    assert code == 0, output
    return int(output.split()[-1])


@pytest.mark.parametrize(("library", "era"), [("sdk", "legacy"), ("client", "legacy"), ("client", "modern")])
def test_stdio(library, era):
    assert lost(library, era, CALLS, "stdio", *SERVER, GAP) == 0


@pytest.mark.parametrize("library", ["sdk", "client"])
def test_streamable_http(library):
    with processes.HttpServer([*SERVER, GAP], ["--http", "127.0.0.1:0"]) as server:
        assert lost(library, "legacy", min(CALLS, 40), "http", server.url) == 0


def test_websocket():
    with processes.HttpServer([*SERVER, GAP], ["--websocket", "127.0.0.1:0"]) as server:
        assert lost("sdk", "legacy", CALLS, "websocket", server.url) == 0


def test_without_the_wait_progress_is_lost():
    """Should this fail, the clients have learnt better, and the limit can go."""
    assert lost("sdk", "legacy", 100, "stdio", *SERVER, "0") > 0


@pytest.mark.parametrize("library", ["sdk", "client"])
def test_http_sse(library):
    with processes.HttpServer([*SERVER, GAP], ["--sse", "127.0.0.1:0"]) as server:
        assert lost(library, "legacy", CALLS, "sse", server.url) == 0
