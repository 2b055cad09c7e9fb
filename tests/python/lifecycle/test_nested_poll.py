"""Functions of the main thread that poll the server themselves, as modal dialogs do."""

import select
import threading

import pytest
from tenon_mcp import Server
from wire import SECONDS, beside


def test_a_call_that_polls_finds_those_that_were_taken_with_it():
    app = Server("t")
    order = []

    @app.tool(thread="main")
    def dialog() -> str:
        order.append("opened")
        ready, _, _ = select.select([app.wake_fd], [], [], SECONDS)
        assert ready and app.poll(timeout=0)
        return "closed" if "pressed" in order else "still open"

    @app.tool(thread="main")
    def press() -> None:
        order.append("pressed")

    with beside(app) as client:
        first = client.start_call("dialog")
        client.start_call("press")
        # A list is answered behind both.
        client.request("tools/list")
        while len(order) < 2:
            app.poll(timeout=1)
        assert client.answer(first)["result"]["content"][0]["text"] == "closed"


@pytest.mark.parametrize("watches", [False, True])
def test_a_modal_dialog_polls_within_a_call(watches):
    app = Server("t")
    order = []
    late = False

    @app.tool(thread="main")
    def dialog() -> str:
        order.append("opened")
        pressed.start()
        while "closed" not in order:
            if watches:
                assert select.select([app.wake_fd], [], [], SECONDS)[0], "nothing made it readable"
            assert app.poll(timeout=0 if watches else None)
        return "answered"

    @app.tool(thread="main")
    def press() -> str:
        order.append("closed")
        return "pressed"

    def give_up():
        nonlocal late
        late = True
        app.close()

    with beside(app) as client:
        watchdog = threading.Timer(SECONDS, give_up)
        watchdog.start()
        second = []
        # By then the dialog most likely waits.
        pressed = threading.Timer(0.05, lambda: second.append(client.start_call("press")))
        first = client.start_call("dialog")
        while "closed" not in order:
            app.poll(timeout=1)
        watchdog.cancel()
        assert not late
        pressed.join()
        assert client.answer(first)["result"]["content"][0]["text"] == "answered"
        assert client.answer(second[0])["result"]["content"][0]["text"] == "pressed"
