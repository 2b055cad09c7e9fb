"""Stores of a program: by URL, as an object, and what becomes of their faults."""

import asyncio
import json
import logging
import sys
import threading
import time
from pathlib import Path

import pytest
from http_client import Peer, listening
from tenon_mcp import RegistrationError, Server
from tenon_mcp.testing import Client, store_operation
from wire import SECONDS

sys.path.insert(0, str(Path(__file__).parents[2] / "stores"))

from memory_store import MemoryStore

GET = {"op": "get", "key": "test/1", "touch": None}
EVERY_BYTE = bytes(range(256))


class AsyncStore:
    def __init__(self, store=None):
        self.store = store or MemoryStore()
        self.threads = set()

    async def submit(self, op):
        await asyncio.sleep(0)
        self.threads.add(threading.current_thread())
        return self.store.submit(op)


def put(value):
    return {"op": "put", "key": "test/1", "value": value, "ttl": 60.0, "when": "always", "version": None}


def answering(reply):
    class Store:
        def submit(self, op):
            return reply(op) if callable(reply) else reply

    return Store()


def make(store, **options):
    app = Server("t", store=store, **options)

    @app.tool(task_support="optional")
    async def add(a: int, b: int) -> int:
        return a + b

    return app


def outcome(app, op):
    with Client(app) as client:
        client.ping()
        return store_operation(app, op)


def test_a_url_names_a_store():
    assert outcome(Server("t", store="memory:"), GET) == {"result": "value", "record": None}
    assert outcome(Server("t", store=None), GET) == {"result": "value", "record": None}


@pytest.mark.parametrize(
    ("store", "why"),
    [
        ("memori:", "store: \"memori:\" has an unknown scheme; the nearest scheme is \"memory:\""),
        ("memory:x", "nothing after the colon"),
        (7, "store must be a URL, or an object with a method submit, not int"),
        (MemoryStore, "not the class MemoryStore"),
        (object(), "not object"),
    ],
)
def test_a_wrong_store_is_refused(store, why):
    with pytest.raises((RegistrationError, ValueError), match=why.replace("(", r"\(")):
        Server("t", store=store)


def test_no_error_shows_a_password():
    with pytest.raises(RegistrationError) as caught:
        Server("t", store="rediss://user:secret@host/0")
    assert "secret" not in str(caught.value) and "user" not in str(caught.value)


@pytest.mark.parametrize("wrap", [lambda store: store, AsyncStore], ids=["def", "async"])
def test_bytes_and_the_reply_come_through_unchanged(wrap):
    app = make(wrap(MemoryStore()))
    with Client(app) as client:
        client.ping()
        version = store_operation(app, put(EVERY_BYTE))["version"]
        assert store_operation(app, GET) == {"result": "value", "record": {"value": EVERY_BYTE, "version": version}}
        assert store_operation(app, put(b""))["result"] == "stored"
        assert store_operation(app, GET)["record"]["value"] == b""


def test_a_large_value_is_a_value():
    large = b"x" * (1 << 20)
    app = make(MemoryStore(), max_result_bytes=1000)
    with Client(app) as client:
        client.ping()
        store_operation(app, put(large))
        assert store_operation(app, GET)["record"]["value"] == large


@pytest.mark.parametrize("wrap", [lambda store: store, AsyncStore], ids=["def", "async"])
def test_a_session_survives_in_another_server_on_the_same_store(wrap):
    store = wrap(MemoryStore())
    with listening(make(store)) as first, listening(make(store)) as second:
        one, two = Peer(first), Peer(second)
        two.session = one.open_session()
        assert b'"add"' in two.post("tools/list", id=1).read()
        other = Peer(second)
        other.session = "unknown"
        assert other.post("tools/list", id=1).status == 404


def test_a_session_survives_the_end_of_its_server():
    store = AsyncStore()
    with listening(make(store)) as url:
        session = Peer(url).open_session()
    with listening(make(store)) as url:
        peer = Peer(url)
        peer.session = session
        assert peer.post("tools/list", id=1).status == 200


@pytest.mark.parametrize("wrap", [lambda store: store, AsyncStore], ids=["def", "async"])
def test_a_task_survives_the_end_of_its_server(wrap):
    store = wrap(MemoryStore())
    with listening(make(store)) as url:
        peer = Peer(url)
        session = peer.open_session()
        task = json.loads(peer.call("add", {"a": 3, "b": 5}, task={}).read())["result"]["task"]["taskId"]
        result = json.loads(peer.post("tasks/result", {"taskId": task}, id=2).read())
        assert result["result"]["content"][0]["text"] == "8"
    with listening(make(store)) as url:
        peer = Peer(url)
        peer.session = session
        result = json.loads(peer.post("tasks/result", {"taskId": task}, id=2).read())
        assert result["result"]["content"][0]["text"] == "8"


def raising(op):
    raise RuntimeError("no route")


async def raising_later(op):
    await asyncio.sleep(0)
    raise RuntimeError("no route")


FAULTS = [
    (raising, "it failed: no route"),
    (None, "it gave an invalid reply"),
    ("value", "it gave an invalid reply"),
    ({"result": "valu"}, "it gave an invalid reply"),
    ({"result": "stored", "version": 1}, "it gave an invalid reply"),
    ({"result": "value", "record": {"value": "text", "version": 1}}, "it gave an invalid reply"),
    ({"result": "value", "record": {"value": b"", "version": "1"}}, "it gave an invalid reply"),
    ({"result": "unavailable", "reason": "down for now"}, "down for now"),
    ({"result": "unsupported"}, None),
    (object(), "returned object"),
]


@pytest.mark.parametrize(("reply", "why"), FAULTS)
def test_every_fault_is_a_failure_and_hangs_nothing(reply, why):
    failed = outcome(make(answering(reply)), GET)
    if why is None:
        assert failed == {"result": "unsupported"}
    else:
        assert failed["result"] == "unavailable" and why in failed["reason"]


def test_a_request_that_needs_a_failed_store_is_refused_as_busy():
    store = answering(raising)
    store.submit = raising_later
    with listening(make(store)) as url:
        response = Peer(url).post("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                                 "clientInfo": {"name": "t", "version": "1"}}, id=0)
        assert response.status == 503
        error = json.loads(response.read())["error"]
        assert error["message"] == "Server busy: sessions are unavailable: it failed: no route"


def test_an_exception_is_logged_with_its_traceback_and_masked_for_clients(caplog):
    caplog.set_level(logging.ERROR, "tenon_mcp")
    failed = outcome(make(answering(raising), mask_errors=True), GET)
    assert failed == {"result": "unavailable", "reason": "it failed"}
    assert any(record.exc_info and "store.submit" in record.getMessage() for record in caplog.records)


def test_a_wrong_reply_is_logged_with_the_reason(caplog):
    caplog.set_level(logging.ERROR, "tenon_mcp")
    outcome(make(answering({"result": "value", "recrd": None, "x": 1})), GET)
    outcome(make(answering({"result": "value", "record": {"value": "text", "version": 1}})), GET)
    said = " ".join(record.getMessage() for record in caplog.records)
    assert "has no member" in said and "record must be an object with value, which is bytes" in said


def test_a_store_that_hangs_is_bounded_and_does_not_hold_up_the_end():
    ended = threading.Event()

    class Hanging:
        async def submit(self, op):
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

    began = time.monotonic()
    failed = outcome(make(Hanging(), store_timeout=0.1), GET)
    assert failed == {"result": "unavailable", "reason": "it did not answer in time"}
    assert ended.wait(SECONDS), "the task of the operation was not cancelled"
    assert time.monotonic() - began < SECONDS / 2


def test_a_thread_that_hangs_in_a_store_does_not_hold_up_the_end():
    release = threading.Event()
    try:
        app = make(answering(lambda op: release.wait() and None), store_timeout=0.1)
        assert outcome(app, GET)["reason"] == "it did not answer in time"
    finally:
        release.set()


def test_operations_that_wait_at_the_end_are_answered():
    entered = threading.Event()

    class Hanging:
        async def submit(self, op):
            entered.set()
            await asyncio.Event().wait()

    app = make(Hanging(), drain_timeout=0.1)
    with listening(app):
        replies = []
        waiting = threading.Thread(target=lambda: replies.append(store_operation(app, GET)))
        waiting.start()
        assert entered.wait(SECONDS)
        app.close()
        waiting.join(SECONDS)
        assert replies == [{"result": "unavailable", "reason": "the server has ended"}]
    assert "not served" in store_operation(app, GET)["reason"]


def test_a_store_that_fails_sometimes_serves_the_other_requests():
    store, count = MemoryStore(), iter(range(1000))

    def sometimes(op):
        if next(count) % 2:
            raise RuntimeError("no route")
        return store.submit(op)

    with listening(make(answering(sometimes))) as url:
        peer = Peer(url)
        statuses = []
        for number in range(8):
            response = peer.post("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                                "clientInfo": {"name": "t", "version": "1"}}, id=number)
            response.read()
            statuses.append(response.status)
        assert statuses == [200, 503] * 4


def test_a_store_has_threads_of_its_own():
    release, running = threading.Event(), threading.Semaphore(0)
    store = MemoryStore()
    names = set()

    def noting(op):
        names.add(threading.current_thread().name)
        return store.submit(op)

    app = Server("t", store=answering(noting), max_workers=1)

    @app.tool
    def block() -> str:
        running.release()
        release.wait(SECONDS)
        return "done"

    with listening(app) as url:
        peer = Peer(url)
        peer.open_session()
        blocked = threading.Thread(target=lambda: peer.call("block").read())
        blocked.start()
        assert running.acquire(timeout=SECONDS)
        assert store_operation(app, GET)["result"] == "value"
        release.set()
        blocked.join(SECONDS)
    assert names == {"tenon-store"}


def test_a_store_runs_between_the_hooks():
    events, store = [], MemoryStore()

    class Store:
        async def submit(self, op):
            events.append(op["op"])
            return store.submit(op)

    app = make(Store())
    app.on("start")(lambda: events.append("start"))
    app.on("stop")(lambda: events.append("stop"))
    with listening(app) as url:
        Peer(url).open_session()
    assert events[0] == "start" and events[-1] == "stop" and "put" in events


def test_an_async_store_runs_on_the_loop_that_serves():
    async def run():
        store = AsyncStore()
        app = make(store)
        async with Client(app) as client:
            await client.ping()
            reply = await asyncio.to_thread(store_operation, app, GET)
        assert reply == {"result": "value", "record": None}
        assert store.threads == {threading.current_thread()}

    asyncio.run(run())


def test_an_operation_of_a_test_is_checked():
    app = make(MemoryStore())
    with Client(app) as client:
        client.ping()
        with pytest.raises(Exception, match="op must be 'get', 'put'"):
            store_operation(app, {"op": "fetch", "key": "a/1"})
