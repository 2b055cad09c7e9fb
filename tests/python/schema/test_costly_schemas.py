"""Schemas that are costly to check: refused at registration, or stopped at a limit."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from http_client import Peer, listening
from tenon_mcp import RegistrationError, Server
from wire import SECONDS, serving

# Each refers ten times to the next.
LEVELS = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 10} for n in range(20)}
EXPANDING = {
    "type": "object",
    "properties": {"x": {"$ref": "#/$defs/d0"}},
    "$defs": {**LEVELS, "d20": {"type": "integer"}},
}
# It looks at the rest of a text once for each character.
SLOW = {"type": "object", "properties": {"text": {"type": "string", "pattern": "(?=.*b)x"}}}
SLUG = {"type": "object", "properties": {"slug": {"type": "string", "pattern": "^(?!-)[a-z0-9-]+(?<!-)$"}}}


@pytest.mark.parametrize("member", ["input_schema", "output_schema"])
def test_a_schema_that_expands_too_far_is_refused(member):
    app = Server("t")
    with pytest.raises(RegistrationError, match='tool "odd".*more than 10000 schemas apply to one value'):

        @app.tool("odd", **{member: EXPANDING})
        def odd() -> dict:
            return {}


@pytest.mark.parametrize("modern", [False, True])
def test_a_pattern_at_its_step_limit_is_an_argument_error(modern):
    app = Server("t")

    @app.tool(input_schema=SLUG)
    def publish(slug: str) -> str:
        return slug

    with serving(app, modern=modern) as client:
        assert "takes too many steps to be matched" in client.error("publish", slug="a" * 2000 + "!")
        assert client.text("publish", slug="a-b") == "a-b"


def checking():
    """Whether a thread is there that checks arguments; it is there for nothing else."""
    names = set()
    for task in Path("/proc/self/task").glob("*/comm"):
        with suppress(OSError):  # It may have ended meanwhile.
            names.add(task.read_text().strip())
    return "tenon-check" in names


def done(calls):
    return all(call.done() for call in calls)


def test_a_costly_check_holds_up_no_other_client():
    app = Server("t")

    @app.tool(input_schema=SLOW)
    def costly(text: str) -> str:
        return text

    @app.tool
    def cheap() -> str:
        return "done"

    def call_costly(peer):
        return peer.call("costly", {"text": "a" * 6000}, modern=True).read()

    with listening(app) as url, ThreadPoolExecutor(30) as pool:
        other = Peer(url)
        # All of them take about a hundred times as long as the calls of the other client together.
        refused = [pool.submit(call_costly, Peer(url)) for _ in range(30)]
        end = time.monotonic() + SECONDS
        while not checking():
            assert not done(refused) and time.monotonic() < end, "no thread of its own checks the arguments"
        for _ in range(10):
            assert b'"done"' in other.call("cheap", modern=True).read()
        assert checking() and not done(refused), "the other client waited for the check"
        for call in refused:
            assert b"takes too many steps to be matched" in call.result(SECONDS)
