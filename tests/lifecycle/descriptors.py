"""Servers that are started without some of the descriptors 0, 1 and 2."""

import http.client
import itertools
import json
import signal
import socket
import subprocess
import time

NAMES = ("input", "output", "errors")
CLOSED = ("<&-", ">&-", "2>&-")
SETS = [kinds for count in (1, 2, 3) for kinds in itertools.combinations(range(3), count)]
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


def started_without(numbers):
    """What a command is run through, so that it has not these descriptors."""
    return ["sh", "-c", f'exec "$@" {" ".join(CLOSED[number] for number in numbers)}', "sh"]


def ended(server, failed, patience):
    try:
        return server.process.wait(patience)
    except subprocess.TimeoutExpired:
        raise failed(f"the process is there after {patience} s") from None


def over_stdio(start, numbers, failed, patience):
    """It answers if only errors cannot be printed; otherwise it says what is missing, and ends."""
    with start(through=started_without(numbers)) as server:
        if numbers == (2,):
            server.call("quick")
            server.process.send_signal(signal.SIGTERM)
            code = ended(server, failed, patience)
            if code not in (0, -signal.SIGTERM):
                raise failed(f"exit code {code} after SIGTERM")
            return
        code = ended(server, failed, patience)
        if code <= 0:
            raise failed(f"exit code {code} instead of a failure")
        server.reader.join(patience)
        number = numbers[0]
        said = f"stdio cannot be served: descriptor {number} (standard {NAMES[number]}) is closed"
        if 2 not in numbers and said not in server.errors:
            raise failed(f"{said!r} is not printed: {server.errors[-2000:]}")


def over_http(start, numbers, failed, patience):
    """Nothing is missing for it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with start("--http", f"127.0.0.1:{port}", through=started_without(numbers)) as server:
        status = first_answer(server, port, failed, patience)
        if status != 200:
            raise failed(f"status {status}")
        server.process.send_signal(signal.SIGTERM)
        code = ended(server, failed, patience)
        if code not in (0, -signal.SIGTERM):
            raise failed(f"exit code {code} after SIGTERM")


def first_answer(server, port, failed, patience):
    until = time.monotonic() + patience
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    while time.monotonic() < until and server.process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
        try:
            connection.request("POST", "/mcp", json.dumps(INITIALIZE), headers)
            return connection.getresponse().status
        except ConnectionRefusedError:
            time.sleep(0.02)  # It does not listen yet.
        finally:
            connection.close()
    raise failed(f"it does not listen; exit code {server.process.poll()}, errors: {server.errors[-2000:]}")


def cases(host, start, failed, patience):
    """Names and functions; `start` starts a server of the host."""
    ways = {"stdio": over_stdio, "HTTP": over_http}
    for numbers, (name, way) in itertools.product(SETS, ways.items()):
        missing = ", ".join(map(str, numbers))
        yield f"{name} without {missing}", lambda way=way, numbers=numbers: way(start, numbers, failed, patience)
        if host == "python":
            # A loop that the program makes has descriptors before there is a server.
            def within(*arguments, **options):
                return start("--loop", *arguments, **options)

            yield (
                f"{name} in a loop without {missing}",
                lambda way=way, numbers=numbers, within=within: way(within, numbers, failed, patience),
            )
