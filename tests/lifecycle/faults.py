"""Servers whose engine panics once, at a point that `TENON_FAULT` names.

Builds for tests have that: the feature `faults` of the engine. One message gets -32603 under its id, and all else goes
on. A panic of one of the engine's own threads ends the process.
"""

import http.client
import json

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
# Where arguments are checked, where a call is handed to its host, and where its outcome becomes its answer.
POINTS = ("check:1", "start:1", "answer:1")
# The same over HTTP, and what is done around the message.
HTTP_POINTS = (*POINTS, "http:1")
INTERNAL = "Internal error: the server failed on this message; its log says why"
WORDS = "a fault on purpose"


def fault(point):
    """What a command is run through, so that it has the fault."""
    return ["env", f"TENON_FAULT={point}"]


def expect_internal(answer, ident, failed):
    error = answer.get("error", {})
    if (answer.get("id"), error.get("code"), error.get("message")) != (ident, -32603, INTERNAL):
        raise failed(f"not the error: {answer}")


def over_stdio(start, point, failed):
    with start(through=fault(point)) as server:
        expect_internal(server.call("quick"), "quick", failed)
        for _ in range(2):
            if "result" not in server.call("quick"):
                raise failed("it does not go on")
        server.wait_for_error(WORDS)
        server.process.stdin.close()
        if code := server.process.wait(30):
            raise failed(f"exit code {code}")


def delivered(start, failed):
    """What is woken for an answer panics: the answer is there, once."""
    with start(through=fault("deliver:1")) as server:
        for _ in range(3):
            if "result" not in server.call("quick"):
                raise failed("it does not go on")
        server.wait_for_error(WORDS)


def over_http(start, point, failed):
    """All requests on one connection."""
    with start("--http", "127.0.0.1:0", through=fault(point)) as server:
        server.wait_for_error(r"http://[^/\s]+/mcp")
        address = server.errors.split("http://")[1].split("/")[0]
        connection = http.client.HTTPConnection(address, timeout=30)
        connection.connect()
        socket = connection.sock
        answers = [ask(connection, ident) for ident in (1, 2, 3)]
        if connection.sock is not socket:
            raise failed("the connection was closed")
        expect_internal(answers[0], 1, failed)
        if any("result" not in answer for answer in answers[1:]):
            raise failed(f"it does not go on: {answers}")
        connection.close()


def ask(connection, ident):
    params = {"name": "quick", "arguments": {}, "_meta": META}
    body = {"jsonrpc": "2.0", "id": ident, "method": "tools/call", "params": params}
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": META["io.modelcontextprotocol/protocolVersion"],
        "Mcp-Method": "tools/call",
        "Mcp-Name": "quick",
    }
    connection.request("POST", "/mcp", json.dumps(body), headers)
    return json.loads(connection.getresponse().read())


def ended(start, point, failed):
    """A thread of the engine panics: the process ends, and not with 0."""
    with start(through=fault(point)) as server:
        server.send("quick", "quick")
        server.send("quick", "quick")
        code = server.process.wait(30)
        if code <= 0:
            raise failed(f"exit code {code}")
        server.wait_for_error(WORDS)


def cases(start, failed):
    for point in POINTS:
        yield f"panic at {point}", lambda point=point: over_stdio(start, point, failed)
    yield "panic at deliver:1", lambda: delivered(start, failed)
    for point in HTTP_POINTS:
        yield f"panic over HTTP at {point}", lambda point=point: over_http(start, point, failed)
    for point in ("read:1", "write:1"):
        yield f"panic of a thread at {point}", lambda point=point: ended(start, point, failed)
