"""The Java SDK: everything over HTTP+SSE, and what it does not do, which docs/clients.md lists."""

import contextlib
import json
from pathlib import Path

import pytest
from hosts import HOSTS, processes

HERE = Path(__file__).resolve().parent
# Compiles the program before it runs it, with the jars that pom.xml names. The flags shorten the start.
JAVA = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", str(processes.ROOT / ".cache" / "java" / "*")]
CLIENT = [*JAVA, str(HERE / "clients" / "JavaClient.java")]
SERVERS = {
    "rust": (HOSTS["rust"], "--sse"),
    "python": (HOSTS["python"], "--sse"),
    "own": ([processes.PYTHON, str(HERE / "java_server.py")], "--http"),
}


@pytest.fixture(scope="module")
def reports():
    """What the client says of each server. One process uses them all, as it starts slowly."""
    with contextlib.ExitStack() as running:
        urls = [
            running.enter_context(processes.HttpServer(command, [kind, "127.0.0.1:0"])).url
            for command, kind in SERVERS.values()
        ]
        code, output = processes.run_to_end([*CLIENT, *urls], 90)
    assert code == 0, output
    print(output)  # pytest shows it if a test fails
    lines = [line for line in output.splitlines() if line.startswith("{")]
    return dict(zip(SERVERS, map(json.loads, lines), strict=True))


@pytest.mark.parametrize("host", ["rust", "python"])
def test_http_sse(reports, host):
    report = reports[host]
    tools = {tool["name"] for tool in json.loads((HERE / "fixture.json").read_text("utf-8"))["tools"]}
    assert set(report.pop("tools")) == tools
    assert report == {
        "revision": "2024-11-05",
        "server": "fixture",
        "add": "5",
        "count": "counted to 3",
        "progress": [f"progress {step} null" for step in (1, 2, 3)],
        "log": "logged",
        "logged": [f"log {level.upper()} {level}" for level in ("alert", "critical", "emergency", "error")],
        "asked": "Hello, Ada!",
        "fail": True,
        "resource": "This is the content of the static text resource.",
    }


def test_a_log_message_that_is_an_object_is_not_heard(reports):
    """Should this fail, the SDK has learnt it; so with the next."""
    assert reports["own"]["objects"] == "logged"
    assert reports["own"]["logged"] == ["log INFO a text"]
    assert reports["own"]["heard later"] == ["log ERROR before"], "from the next test"


def test_a_closed_stream_is_not_resumed(reports):
    assert reports["own"]["closed"] == "[True]", "the stream was closed and the call has ended"
    assert "TimeoutException" in reports["own"]["answer"]
