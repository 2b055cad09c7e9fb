"""The hostile clients: random attacks over every transport, until standard input ends.

Arguments: the addresses as JSON, a seed, and how many attacks a second are made at most. TCP connections come from
127.0.0.2, so that the server can tell this client from the well-behaved one. A line `attacks N` is printed at the end.
Nothing here checks answers: whatever the server does must not concern its other clients.
"""

import base64
import json
import os
import select
import sys
import threading
import time
from random import Random

import messages
import sockets

SOURCE = "127.0.0.2"
THREADS = 24
HELD = 400
"""Connections that are left open at most."""
VALID_HEADERS = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
METHODS = ["GET", "POST", "DELETE", "PUT", "OPTIONS", "HEAD", "PATCH", "TRACE", "BREW"]


def head(random, url, length, method="POST", extra=""):
    return (
        f"{method} {sockets.path_of(url)} HTTP/1.1\r\nHost: {sockets.authority(url)}\r\n{VALID_HEADERS}"
        f"Content-Length: {length}\r\n{extra}\r\n"
    ).encode()


def read_some(sock, most=1 << 16, seconds=0.5):
    """Reads what comes, a while at most."""
    got = b""
    end = time.monotonic() + seconds
    while len(got) < most and (left := end - time.monotonic()) > 0:
        if not select.select([sock], [], [], left)[0]:
            break
        data = sock.recv(65536)
        if not data:
            break
        got += data
    return got


class Attacker:
    """One thread of hostile clients."""

    def __init__(self, addresses, seed, interval, held):
        self.random = Random(seed)
        self.addresses = addresses
        self.interval = interval
        self.held = held
        self.attacks = 0
        self.failures = 0
        self.kinds = [
            self.garbage, self.heads, self.unfinished, self.chunks, self.bodies, self.bodies, self.encodings,
            self.sessions, self.left_calls, self.slow_reader, self.idle_connections, self.websocket_handshake,
            self.websocket_frames, self.websocket_messages, self.sse, self.sse_posts, self.unix_lines,
            self.unix_lines, self.unix_part,
        ]

    def run(self, over):
        while not over.wait(self.interval * self.random.uniform(0.5, 1.5)):
            attack = self.random.choice(self.kinds)
            try:
                attack()
            except OSError:
                # Refused, reset, timed out: the server may do all of that to a client like this.
                self.failures += 1
            self.attacks += 1

    def tcp(self, url, **options):
        return sockets.connect(url, SOURCE, **options)

    def hold(self, sock):
        """Leaves a connection open, and closes the oldest if there are too many."""
        with self.held["lock"]:
            self.held["sockets"].append(sock)
            old = self.held["sockets"].pop(0) if len(self.held["sockets"]) > HELD else None
        if old:
            sockets.reset(old) if self.random.random() < 0.5 else old.close()

    def part_with(self, sock):
        choice = self.random.random()
        if choice < 0.3:
            self.hold(sock)
        elif choice < 0.6:
            sockets.reset(sock)
        else:
            sock.close()

    def any_web(self):
        return self.addresses[self.random.choice(["http", "http", "sse", "websocket"])]

    def garbage(self):
        sock = self.tcp(self.any_web())
        sock.sendall(self.random.randbytes(self.random.randint(1, 4000)))
        read_some(sock, seconds=0.1)
        self.part_with(sock)

    def heads(self):
        url = self.any_web()
        random = self.random
        extra = random.choice([
            "Transfer-Encoding: gzip\r\n", "Transfer-Encoding: chunked, chunked\r\n", "Content-Length: -1\r\n",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "X: " + "y" * 70000 + "\r\n", "X:\r\n folded\r\n",
            "".join(f"X-{i}: y\r\n" for i in range(200)), "Bad Header\r\n", "Host: other\r\n", "Origin: http://evil\r\n",
            "Mcp-Session-Id: " + "z" * 500 + "\r\n", "MCP-Protocol-Version: nonsense\r\n", "Last-Event-ID: 99-99\r\n",
        ])
        sock = self.tcp(url)
        text = head(random, url, random.choice([0, 2]), random.choice(METHODS), extra)
        sock.sendall(messages.changed(random, text) if random.random() < 0.3 else text + b"{}")
        read_some(sock, seconds=0.2)
        self.part_with(sock)

    def unfinished(self):
        sock = self.tcp(self.addresses["http"])
        size = self.random.choice([100, 100000, 3 << 20])
        sock.sendall(head(self.random, self.addresses["http"], size))
        sock.sendall(b"x" * self.random.randrange(size))
        self.part_with(sock)

    def chunks(self):
        url = self.addresses["http"]
        sock = self.tcp(url)
        text = (
            f"POST {sockets.path_of(url)} HTTP/1.1\r\nHost: {sockets.authority(url)}\r\n"
            f"{VALID_HEADERS}Transfer-Encoding: chunked\r\n\r\n"
        )
        chunk = self.random.choice([
            b"zz\r\n{}\r\n", b"ffffffffffffffff\r\n", b"2\r\n{}0\r\n\r\n", b"-1\r\n", b"2;a=b\r\n{}\r\n",
        ])
        sock.sendall(text.encode() + chunk)
        read_some(sock, seconds=0.2)
        self.part_with(sock)

    def post(self, url, body, extra=""):
        sock = self.tcp(url)
        sock.sendall(head(self.random, url, len(body), extra=extra) + body)
        return sock

    def modern_headers(self, body):
        try:
            value = json.loads(body)
            method, params = value["method"], value["params"]
            name = params.get("name") or params.get("uri") or ""
            text = f"MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\nMcp-Name: {name}\r\n"
            return text if text.isascii() and text.count("\n") == 3 else ""
        except (ValueError, TypeError, KeyError, AttributeError):
            return ""

    def bodies(self):
        body = messages.message(self.random)
        sock = self.post(self.addresses["http"], body, self.modern_headers(body))
        read_some(sock)
        self.part_with(sock)

    def encodings(self):
        extra = self.random.choice([
            "Content-Encoding: gzip\r\n", "Content-Encoding: br, gzip\r\n", "Content-Type: text/plain\r\n",
            "Content-Type: application/json; charset=utf-16\r\n", "Expect: 100-continue\r\n", "Accept: text/html\r\n",
        ])
        sock = self.post(self.addresses["http"], messages.message(self.random), extra)
        read_some(sock, seconds=0.2)
        self.part_with(sock)

    def session(self):
        """A legacy session; its id may be empty."""
        body = json.dumps(messages.initialize(self.random, 1)).encode()
        sock = self.post(self.addresses["http"], body)
        answer = read_some(sock, most=300).lower()
        sock.close()
        return answer.partition(b"mcp-session-id: ")[2].partition(b"\r\n")[0].decode("latin-1")

    def sessions(self):
        name = self.session()
        extra = f"Mcp-Session-Id: {name}\r\n"
        url = self.addresses["http"]
        for _ in range(self.random.randint(0, 4)):
            choice = self.random.random()
            if choice < 0.4:
                sock = self.tcp(url)
                sock.sendall(
                    f"GET {sockets.path_of(url)} HTTP/1.1\r\nHost: {sockets.authority(url)}\r\n"
                    f"Accept: text/event-stream\r\n{extra}\r\n".encode()
                )
                read_some(sock, seconds=0.05)
            elif choice < 0.8:
                sock = self.post(url, messages.message(self.random, modern=False), extra)
                read_some(sock, seconds=0.1)
            else:
                sock = self.tcp(url)
                sock.sendall(head(self.random, url, 0, "DELETE", extra))
                read_some(sock, seconds=0.1)
            self.part_with(sock)

    def left_calls(self):
        """Calls whose client has gone before the answer."""
        name, arguments = self.random.choice([("wait", {}), ("count", {"to": 50}), ("ask", {}), ("large", {})])
        params = {"name": name, "arguments": arguments, "_meta": {**messages.MODERN, "progressToken": 1}}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
        sock = self.post(self.addresses["http"], body, self.modern_headers(body))
        time.sleep(self.random.choice([0, 0.01]))
        self.part_with(sock)

    def slow_reader(self):
        params = {"name": "large", "arguments": {}, "_meta": messages.MODERN}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
        sock = self.tcp(self.addresses["http"], receive_buffer=4096)
        url = self.addresses["http"]
        sock.sendall((head(self.random, url, len(body), extra=self.modern_headers(body)) + body) * 3)
        self.hold(sock)

    def idle_connections(self):
        for _ in range(self.random.randint(1, 50)):
            self.hold(self.tcp(self.any_web()))

    def websocket_handshake(self):
        key = self.random.choice(["", "short", base64.b64encode(os.urandom(15)).decode(), "!" * 24])
        sock = self.tcp(self.addresses["websocket"])
        sock.sendall(messages.changed(self.random, sockets.upgrade(self.addresses["websocket"], key or None)))
        read_some(sock, seconds=0.1)
        self.part_with(sock)

    def websocket(self):
        sock = self.tcp(self.addresses["websocket"])
        sock.sendall(sockets.upgrade(self.addresses["websocket"]))
        read_some(sock, most=150)
        return sock

    def websocket_frames(self):
        sock = self.websocket()
        random = self.random
        for _ in range(random.randint(1, 5)):
            payload = random.randbytes(random.choice([0, 1, 125, 126, 3000, 70000]))
            sock.sendall(
                random.choice([
                    sockets.frame(random.randrange(16), payload, random.random() < 0.8, random.random() < 0.8),
                    sockets.frame(1, b"\xff\xfe"),
                    sockets.frame(9, payload[:125]) * 20,
                    sockets.frame(8, payload[:125]),
                    b"\x81\xff" + b"\xff" * 8 + b"mask",
                    sockets.frame(1, b'{"jsonrpc":', final=False),
                    sockets.frame(2, payload, reserved=random.randrange(8)),
                ])
            )
        read_some(sock, seconds=0.1)
        self.part_with(sock)

    def websocket_messages(self):
        sock = self.websocket()
        for _ in range(self.random.randint(1, 8)):
            sock.sendall(sockets.frame(1, messages.message(self.random)))
        read_some(sock, seconds=0.2)
        self.part_with(sock)

    def sse_stream(self):
        url = self.addresses["sse"]
        sock = self.tcp(url)
        sock.sendall(
            f"GET {sockets.path_of(url)} HTTP/1.1\r\nHost: {sockets.authority(url)}\r\n"
            "Accept: text/event-stream\r\n\r\n".encode()
        )
        data = read_some(sock, most=400, seconds=0.3).decode("latin-1")
        return sock, data.partition("data: ")[2].split("\n")[0].strip()

    def sse(self):
        self.part_with(self.sse_stream()[0])

    def sse_posts(self):
        sock, place = self.sse_stream()
        url = self.addresses["sse"]
        place = place or "/messages?session=none"
        if self.random.random() < 0.3:
            place += "&session=other"
        for _ in range(self.random.randint(1, 4)):
            body = messages.message(self.random, modern=False)
            other = self.tcp(url)
            other.sendall(
                f"POST {place} HTTP/1.1\r\nHost: {sockets.authority(url)}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode() + body
            )
            read_some(other, seconds=0.05)
            self.part_with(other)
        self.part_with(sock)

    def unix_lines(self):
        sock = sockets.connect_unix(self.addresses["unix"])
        for _ in range(self.random.randint(1, 12)):
            sock.sendall(messages.message(self.random).replace(b"\n", b"") + b"\n")
        read_some(sock, seconds=0.2)
        self.part_with(sock)

    def unix_part(self):
        sock = sockets.connect_unix(self.addresses["unix"])
        sock.sendall(self.random.randbytes(self.random.randint(1, 200000)))
        self.part_with(sock)


def stdio(random, over, interval, out):
    """The client of the server's standard input: whole lines, in part hostile ones. Its pipe is descriptor `out`."""
    sent = 0
    while not over.wait(interval):
        line = messages.message(random).replace(b"\n", b"") + b"\n"
        try:
            os.write(out, line)
        except OSError as error:
            sys.exit(f"the server's standard input is gone: {error}")
        sent += 1
    return sent


def main():
    addresses, seed, rate = json.loads(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    over = threading.Event()
    held = {"lock": threading.Lock(), "sockets": []}
    attackers = [Attacker(addresses, seed * 1000 + n, THREADS / rate, held) for n in range(THREADS)]
    threads = [threading.Thread(target=attacker.run, args=[over]) for attacker in attackers]
    threads.append(threading.Thread(target=stdio, args=[Random(seed), over, 10 / rate, addresses["stdio"]]))
    for thread in threads:
        thread.start()
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()
    for sock in held["sockets"]:
        sock.close()
    total = sum(attacker.attacks for attacker in attackers)
    print(f"attacks {total} failures {sum(attacker.failures for attacker in attackers)}", flush=True)


if __name__ == "__main__":
    main()
