"""Servers whose engine panics at a point that `TENON_FAULT` names, once for each time that a file is made.

Builds for tests have that: the feature `faults` of the engine. Each point is passed over each transport: one message
gets what `POINTS` says, and all else goes on. A panic of one of the engine's own threads, or where all clients are let
in, ends the process.
"""

import json
import re
import tempfile
from functools import partial
from pathlib import Path

from clients import BATCHES, QUESTIONS, TRANSPORTS, Client

ROOT = Path(__file__).resolve().parent.parent.parent
# Where points are passed.
SOURCES = [ROOT / folder / "src" for folder in ("core", "ffi", "bindings-python", "bindings-node")]
INTERNAL = "Internal error: the server failed on this message; the reason is in its log"


class Armed:
    """A server that serves every transport, and the fault that it can have."""

    def __init__(self, start, point, failed, *options):
        self.start, self.point, self.failed, self.options = start, point, failed, options
        self.faults = 0

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tenon-")
        self.file = Path(self.folder.name) / "fault"
        through = ["env", f"TENON_FAULT={self.point}:{self.file}"]
        self.server = self.start("--all", self.folder.name, *self.options, through=through)
        self.clients = {}
        try:
            self.server.wait_for_error(r"listening http://[^/\s]+/mcp\s")
            self.url = re.search(r"listening (\S+)", self.server.errors)[1]
            self.clients = {name: self.open(name) for name in TRANSPORTS}
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        for client in self.clients.values():
            client.close()
        self.server.__exit__(*exception)
        self.folder.cleanup()

    def open(self, name):
        return TRANSPORTS[name](self.server, self.url, self.folder.name)

    def session(self, name, version):
        """A legacy session: on a connection of its own, but for stdio, where all that follows is in it."""
        client = self.clients[name] if name == "stdio" else self.open(name)
        client.begin(version)
        return client

    def arm(self):
        self.faults += 1
        self.file.touch()

    def expect_fault(self, record):
        """The fault has happened, and the log says where and in what."""
        place = rf"{record}: a fault on purpose at {self.point} \(at core/src/faults\.rs:\d+"
        self.server.wait_for_error(place, self.faults)

    def expect_all_go_on(self, ident, clients):
        for client in (*self.clients.values(), *clients):
            answer = client.ask(ident)
            if answer.get("id") != ident or "result" not in answer:
                raise self.failed(f"it does not go on over {type(client).__name__}: {answer}")

    def expect_end(self, code):
        for client in self.clients.values():
            client.close()
        if (found := self.server.process.wait(30)) != code:
            raise self.failed(f"exit code {found}; errors: {self.server.errors[-2000:]}")


# What the functions of the servers throw, and what those in C are told that return without an answer.
THROWN = "thrown|returned without completing the call"


def internal(answer, ident):
    """-32603 under the id of the message."""
    error = answer.get("error", {})
    return answer.get("id") == ident and (error.get("code"), error.get("message")) == (-32603, INTERNAL)


def failure(answer, ident):
    """What the handler makes of a question that has failed."""
    failed = "error" in answer or answer.get("result", {}).get("isError")
    return answer.get("id") == ident and failed and "the client's answer is not usable" in str(answer)


def result(answer, ident):
    """The answer was on its way already."""
    return answer.get("id") == ident and "result" in answer


def suspended(client, ident):
    """A call whose handler asks: its questions are sealed."""
    return client.ask(ident, "ask")


def resumed(client, ident):
    """The same call with the answer: what was sealed is opened."""
    state = client.ask(f"before {ident}", "ask")["result"]["requestState"]
    client.arm()
    answers = {"name": {"action": "accept", "content": {"name": "a"}}}
    more = {"requestState": state, "inputResponses": answers}
    return client.request(ident, "tools/call", name="ask", arguments={}, **more)


def checked_aside(client, ident):
    """A call whose arguments are not checked where others wait."""
    return client.ask(ident, "costly", text="x" * 1000)


CHANNELS = tuple(TRANSPORTS)
# On the others questions are requests.
SEALED = tuple(name for name in CHANNELS if name != "HTTP+SSE")
# What the message that passes a point gets, what the log says, and where it is passed.
POINTS = {
    # Where a message is read. Its id is found by another reader.
    "decode": (internal, "a panic ended a message", CHANNELS),
    # Where arguments are checked, where a call is handed to its host, and where its outcome becomes its answer.
    "check": (internal, "a panic ended the request tools/call with id \\S+", CHANNELS),
    "aside": (internal, 'a panic ended a call of tool "costly"', CHANNELS),
    "start": (internal, 'a panic ended a call of tool "quick"', CHANNELS),
    "answer": (internal, 'a panic ended the answer of tool "quick"', CHANNELS),
    # What is woken for an answer.
    "deliver": (result, "a panic ended the delivery of an answer", CHANNELS),
    # What HTTP does around a message.
    "http": (internal, "a panic ended an HTTP request", ("HTTP",)),
    "post": (internal, "a panic ended an HTTP request", ("HTTP+SSE",)),
    # Where a host takes a call from its lane. Rust has no such host.
    "take": (internal, "a panic ended (?:a turn of the event loop|the start of a call)", CHANNELS),
    # What the client carries between the rounds of a call.
    "seal": (internal, 'a panic ended the questions of tool "ask"', SEALED),
    "unseal": (internal, "a panic ended the request tools/call with id \\S+", SEALED),
}
# What passes a point, if it is no plain call.
MESSAGES = {"seal": suspended, "unseal": resumed, "aside": checked_aside}
# What the call gets whose question is answered, where that passes a point.
ANSWERS = {
    "hear": (internal, 'a panic ended a call of tool "ask"'),
    "decode": (failure, "a panic ended a message"),
    # Only Node hands answers over together with calls.
    "take": (internal, "a panic ended a turn of the event loop"),
}
# Where a notification is taken, which gets nothing.
NOTES = {"note": "a panic ended a notification"}
# Outside of messages: what serves a connection, what accepts connections, and the steps of the end.
OUTSIDE = {
    "connection": "a panic ended a connection",
    "accept": "a panic ended a listener",
    "ending": "a panic ended the shutdown of the server: a step of the transports",
}
# Where the message is none of a client's: the deadlines of calls, and the threads that read and write stdio.
THREADS = {"timer": "a panic ended the timer", "read": "reads the input", "write": "writes the answers"}


def every_transport(start, point, failed):
    expected, record, transports = POINTS[point]
    with Armed(start, point, failed) as armed:
        for number, name in enumerate(transports):
            client = armed.clients[name]
            others = () if name == "stdio" else (armed.open(name),)
            client.arm = armed.arm
            if point != "unseal":
                armed.arm()
            answer = MESSAGES.get(point, Client.ask)(client, number)
            if not expected(answer, number):
                raise failed(f"not what {point} leads to over {name}: {answer}")
            armed.expect_fault(record)
            armed.expect_all_go_on(f"after {number}", others)
            for other in others:
                other.close()
        armed.expect_end(0)


def nameless(start, failed):
    """A response has an id of the server's, which no error may name."""
    with Armed(start, "decode", failed) as armed:
        armed.arm()
        answer = armed.clients["Unix sockets"].exchange({"jsonrpc": "2.0", "id": 1, "result": {}})
        if "id" in answer or not internal({**answer, "id": 1}, 1):
            raise failed(f"not the error: {answer}")
        armed.expect_fault(POINTS["decode"][1])
        armed.expect_all_go_on("after", ())
        armed.expect_end(0)


def in_a_batch(start, point, failed):
    """One member of a batch has the fault, the others have their answers."""
    _, record, _ = POINTS[point]
    with Armed(start, point, failed) as armed:
        for name in CHANNELS:
            client = armed.session(name, BATCHES)
            members = [client.message(ident, "tools/call", name="quick", arguments={}) for ident in (1, 2)]
            note = {"jsonrpc": "2.0", "method": "notifications/demo/none"}
            armed.arm()
            answers = client.exchange([*members, note, client.message(3, "ping")])
            if not isinstance(answers, list) or sorted(answer.get("id") for answer in answers) != [1, 2, 3]:
                raise failed(f"no answer for each member over {name}: {answers}")
            if sum("result" in answer for answer in answers) != 2:
                raise failed(f"not one fault over {name}: {answers}")
            if not any(internal(answer, ident) for answer in answers for ident in (1, 2)):
                raise failed(f"not what {point} leads to over {name}: {answers}")
            armed.expect_fault(record)
            armed.expect_all_go_on(f"after {name}", (client,))
            if name != "stdio":
                client.close()
        armed.expect_end(0)


def accepted(question):
    return {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {"name": "a"}}}


def answered(armed, client, ident):
    """What a call comes to whose question is answered."""
    question = client.ask(ident, "ask")
    armed.arm()
    answer = client.exchange(accepted(question))
    if isinstance(client, TRANSPORTS["HTTP+SSE"]) and "id" not in answer:
        # That was the response to the message itself.
        answer = json.loads(client.receive())
    return answer


def answered_beside(armed, client, ident):
    """The same where the call has a stream, and the answer comes on another connection."""
    events = client.events(client.message(ident, "tools/call", name="ask", arguments={}))
    if (question := next(events, None)) is None:
        raise OSError("no question came")
    other = armed.open("HTTP")
    other.within(client.session)
    armed.arm()
    other.exchange(accepted(question))
    other.close()
    answer, *more = events
    return {"more": more} if more else answer


def of_an_answer(start, point, failed):
    """The answer to a question passes the point: the call that asked ends."""
    expected, record = ANSWERS[point]
    with Armed(start, point, failed) as armed:
        for name in CHANNELS:
            client = armed.session(name, QUESTIONS)
            answer = (answered_beside if name == "HTTP" else answered)(armed, client, name)
            if not expected(answer, name):
                raise failed(f"not what {point} leads to over {name}: {answer}")
            armed.expect_fault(record)
            armed.expect_all_go_on(f"after {name}", (client,))
            if name != "stdio":
                client.close()
        armed.expect_end(0)


def of_a_notification(start, point, failed):
    """Nobody is answered."""
    with Armed(start, point, failed) as armed:
        for name in CHANNELS:
            client = armed.session(name, QUESTIONS)
            armed.arm()
            client.notify("notifications/demo/none")
            armed.expect_fault(NOTES[point])
            armed.expect_all_go_on(f"after {name}", (client,))
            if name != "stdio":
                client.close()
        armed.expect_end(0)


def in_process(start, point, failed, way="--client"):
    """The server's own process makes three calls and says what they came to: the second has the fault."""
    with tempfile.TemporaryDirectory(prefix="tenon-") as folder:
        file = Path(folder) / "fault"
        with start(way, str(file), through=["env", f"TENON_FAULT={point}:{file}"]) as server:
            heard = server.process.stdout.read().decode().splitlines()
            if code := server.process.wait(30):
                raise failed(f"exit code {code}; errors: {server.errors[-2000:]}")
    second = f"-32603 {INTERNAL}" if POINTS[point][0] is internal else "done"
    if heard != ["done", second, "done"]:
        raise failed(f"not what {point} leads to: {heard}")


def thrown(start, failed):
    """Functions of the program that throw, or in C return without an answer."""
    requests = {
        "tool": ("tools/call", {"name": "throw", "arguments": {}}),
        "middleware": ("tools/call", {"name": "guarded", "arguments": {}}),
        "resource": ("resources/read", {"uri": "throw://now"}),
        "template": ("resources/read", {"uri": "thrown://now"}),
        "method": ("demo/throw", {}),
        "prompt": ("prompts/get", {"name": "greet", "arguments": {"name": "a"}}),
        "completion": (
            "completion/complete",
            {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "name", "value": ""}},
        ),
        "completion of a template": (
            "completion/complete",
            {"ref": {"type": "ref/resource", "uri": "thrown://{when}"}, "argument": {"name": "when", "value": ""}},
        ),
        "provider": ("resources/list", {}),
        "resource of a provider": ("resources/read", {"uri": "row://1"}),
        "middleware of a list": ("tools/list", {}),
        "method of the protocol": ("resources/templates/list", {}),
    }
    with Armed(start, "none", failed, "--throw") as armed:
        for name, client in armed.clients.items():
            for kind, (method, params) in requests.items():
                answer = client.request(kind, method, **params)
                failure = answer.get("error", {}).get("code") == -32603 or answer.get("result", {}).get("isError")
                if answer.get("id") != kind or not failure or not re.search(THROWN, str(answer)):
                    raise failed(f"not the failure of a {kind} over {name}: {answer}")
            client.notify("notifications/demo/throw")
            armed.expect_all_go_on(f"after {name}", ())
        failures = len(armed.clients) * len(requests)
        armed.server.wait_for_error(THROWN, failures)
        # Nobody is answered: HTTP+SSE has a session, and over HTTP a notification outside of one is not taken.
        for silent, times in (
            ('hook "session_start"', 1),
            ('hook "error"', failures),
            ('notification "notifications/demo/throw"', len(armed.clients) - 1),
        ):
            armed.server.wait_for_error(f"{silent} failed: (?:the handler panicked: )?thrown", times)
        armed.expect_end(0)


def timer(start, failed):
    """The deadline of a call passes all the same."""
    with Armed(start, "timer", failed) as armed:
        for number, name in enumerate(CHANNELS):
            armed.arm()
            answer = armed.clients[name].ask(number, "late")
            if answer.get("id") != number or "timed out" not in str(answer):
                raise failed(f"no end of the call over {name}: {answer}")
            armed.expect_fault(THREADS["timer"])
            armed.expect_all_go_on(f"after {number}", ())
        armed.expect_end(0)


def ended(start, point, failed):
    """A thread of the engine panics: the process ends, and not with 0."""
    with Armed(start, point, failed) as armed:
        armed.arm()
        armed.server.send(1, "quick")
        armed.expect_fault(f"the thread that {THREADS[point]}")
        code = armed.server.process.wait(30)
        if code <= 0:
            raise failed(f"exit code {code}")


def lost(start, failed):
    """One connection ends, and no other."""
    with Armed(start, "connection", failed) as armed:
        for name in ("Unix sockets", "WebSocket", "HTTP"):
            client = armed.open(name)
            # The fault must not meet another connection whose last message is still being handled.
            for ident in ("before", "once more"):
                armed.expect_all_go_on(ident, (client,))
            armed.arm()
            try:
                answer = client.ask("lost")
            except (OSError, ValueError):
                answer = None
            if answer is not None:
                raise failed(f"an answer came over {name}: {answer}")
            armed.expect_fault(OUTSIDE["connection"])
            client.close()
            again = armed.open(name)
            armed.expect_all_go_on(f"after {name}", (again,))
            again.close()
        armed.expect_end(0)


def unaccepted(start, failed):
    """Nobody accepts connections any more: the process ends, and not with 0."""
    for name in ("Unix sockets", "HTTP"):
        with Armed(start, "accept", failed) as armed:
            armed.arm()
            try:
                armed.open(name).close()
            except OSError:
                pass
            armed.expect_fault(OUTSIDE["accept"])
            if (code := armed.server.process.wait(30)) <= 0:
                raise failed(f"exit code {code}")


def ends_badly(start, failed):
    """A step of the end panics: the others are taken, and the exit code is not 0."""
    with Armed(start, "ending", failed) as armed:
        armed.arm()
        for client in armed.clients.values():
            client.close()
        armed.expect_fault(OUTSIDE["ending"])
        if (code := armed.server.process.wait(30)) <= 0:
            raise failed(f"exit code {code}")


def complete(failed):
    """Each point of the engine has its case."""
    passed = set()
    for path in (path for source in SOURCES for path in source.rglob("*.rs")):
        passed.update(re.findall(r'(?:faults::pass|pass_fault)\(\s*"(\w+)"', path.read_text()))
    if passed != (known := {*POINTS, *ANSWERS, *NOTES, *THREADS, *OUTSIDE}):
        raise failed(f"points without a case, or cases without a point: {sorted(passed ^ known)}")


def cases(host, start, failed):
    yield "each point of a fault has a case", partial(complete, failed)
    for point, (_, _, transports) in POINTS.items():
        if point == "take" and host == "rust":
            continue
        yield f"panic at {point}", partial(every_transport, start, point, failed)
        if transports == CHANNELS and point not in MESSAGES:
            yield f"panic at {point}, client in the process", partial(in_process, start, point, failed)
        # In Rust the program's own server has the same service as ours.
        if (transports == CHANNELS and point not in MESSAGES or point == "http") and host != "rust":
            yield f"panic at {point}, embedded", partial(in_process, start, point, failed, "--embedded")
    yield "panic at decode of a response", partial(nameless, start, failed)
    for point in ("check", "answer"):
        yield f"panic at {point} of a batch's member", partial(in_a_batch, start, point, failed)
    for point in ANSWERS:
        if point == "take" and host != "node":
            continue
        yield f"panic at {point} of an answer to a question", partial(of_an_answer, start, point, failed)
    for point in NOTES:
        yield f"panic at {point}", partial(of_a_notification, start, point, failed)
    yield "functions that throw", partial(thrown, start, failed)
    yield "panic at timer", partial(timer, start, failed)
    yield "panic of a connection", partial(lost, start, failed)
    yield "panic of a listener", partial(unaccepted, start, failed)
    yield "panic at the end", partial(ends_badly, start, failed)
    for point in ("read", "write"):
        yield f"panic of a thread at {point}", partial(ended, start, point, failed)
