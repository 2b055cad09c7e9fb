"""Concurrency limits of callers and of values of arguments."""

import threading

import pytest
from tenon_mcp import RegistrationError, Server
from wire import serving


@pytest.mark.parametrize("modern", [False, True])
def test_a_call_waits_only_for_calls_with_its_value(modern):
    app = Server("t")
    entered = {city: threading.Semaphore(0) for city in ("Rome", "Oslo")}
    go = {city: threading.Semaphore(0) for city in entered}

    @app.tool(max_concurrency=3, max_concurrency_by={"arguments.city": 1, "principal": 2})
    def visit(city: str) -> str:
        entered[city].release()
        assert go[city].acquire(timeout=20)
        return city

    with serving(app, modern=modern) as client:
        rome, rome_later = (client.start_call("visit", {"city": "Rome"}) for _ in range(2))
        oslo = client.start_call("visit", {"city": "Oslo"})
        for city in entered.values():
            assert city.acquire(timeout=20)
        client.request("tools/list")
        assert not entered["Rome"].acquire(blocking=False), "the second call waits"
        go["Rome"].release()
        client.answer(rome)
        assert entered["Rome"].acquire(timeout=20)
        for city in go.values():
            city.release()
        client.answer(oslo)
        client.answer(rome_later)


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (5, "max_concurrency_by must be a dict with a positive integer for each key, not 5"),
        ({}, "max_concurrency_by must have 1 to 4 keys"),
        ({"principal": 0}, "must be a positive integer, not 0"),
        ({"principal": -1}, "must be a positive integer, not -1"),
        ({"principal": float("nan")}, "max_concurrency_by"),
        ({"entry": 1}, "max_concurrency"),
        ({"user": 1}, 'there is no key "user"'),
        ({"arguments.town": 1}, 'there is no argument "town"; the nearest name is "city"'),
    ],
)
def test_wrong_limits_are_refused(limits, text):
    app = Server("t")
    with pytest.raises(RegistrationError) as caught:
        app.tool("visit", max_concurrency_by=limits)(lambda city: city)
    assert text in str(caught.value)


def test_a_provider_is_limited_also_behind_middleware_around_its_list():
    app = Server("t", max_waiting_calls=1)
    entered, go = threading.Semaphore(0), threading.Semaphore(0)

    def rows():
        entered.release()
        assert go.acquire(timeout=20)
        return []

    app.resource_provider("row://{id}", list=rows, read=lambda id: id, max_concurrency=1)

    @app.middleware(ops=["resource_list"])
    async def around(ctx, call_next):
        return await call_next()

    with serving(app) as client:
        first, second = client.start("resources/list"), client.start("resources/list")
        assert entered.acquire(timeout=20)
        client.request("ping")
        assert not entered.acquire(blocking=False)
        for call in (first, second):
            go.release()
            assert client.answer(call)["result"]["resources"] == []
