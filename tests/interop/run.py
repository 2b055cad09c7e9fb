"""Runs clients by other makers against the fixture servers of every host over every transport.

    run.py [--hosts python,node,c] [--transports stdio,http] [--clients mcp-modern,…] [--subset] [--list] [--verbose]

One line per case with its time, the client's output where a case failed, and `N passed, N failed` at the end.
Exit code 0 only when every case passed. Standard library only.
"""

import argparse
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path

import hosts

CLIENTS_DIR = Path(__file__).resolve().parent / "clients"
CLIENTS = {
    "mcp-modern": [hosts.PYTHON, str(CLIENTS_DIR / "mcp_client.py"), "--era", "modern"],
    "mcp-legacy": [hosts.PYTHON, str(CLIENTS_DIR / "mcp_client.py"), "--era", "legacy"],
    "ts-modern": [hosts.NODE, str(CLIENTS_DIR / "ts_client.mjs"), "--era", "modern"],
    "ts-legacy": [hosts.NODE, str(CLIENTS_DIR / "ts_client.mjs"), "--era", "legacy"],
    "sdk-legacy": [hosts.NODE, str(CLIENTS_DIR / "sdk_client.mjs"), "--era", "legacy"],
}
TRANSPORTS = ["stdio", "http"]
# A third of the matrix, for the quick test run: every client over both transports, every host over both.
SUBSET = [
    ("python", "stdio", "mcp-modern"),
    ("node", "http", "mcp-modern"),
    ("c", "stdio", "mcp-legacy"),
    ("python", "http", "mcp-legacy"),
    ("node", "stdio", "ts-modern"),
    ("c", "http", "ts-modern"),
    ("python", "stdio", "ts-legacy"),
    ("python", "http", "ts-legacy"),
    ("c", "stdio", "sdk-legacy"),
    ("node", "http", "sdk-legacy"),
]
# The last check of every client: an output without it was cut short.
LAST_CHECK = "close"
CLIENT_SECONDS = 75  # the clients stop themselves after 60
START_SECONDS = 20
STOP_SECONDS = 5


class Failure(Exception):
    pass


class HttpHost:
    """A fixture server on a free port, alive between `with` and its end."""

    def __init__(self, host):
        self.command = hosts.http_command(host)

    def __enter__(self):
        # The server's own messages go to our stderr; its stdout holds the one line we wait for.
        try:
            self.process = subprocess.Popen(self.command, cwd=hosts.ROOT, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, start_new_session=True)
        except OSError as error:
            raise Failure(f"cannot start {self.command}: {error}") from error
        try:
            self.url = self._announced_url()
        except BaseException:
            end_group(self.process, signal.SIGKILL)
            raise
        return self

    def _announced_url(self):
        line = read_line(self.process.stdout, START_SECONDS)
        words = line.split()
        if len(words) != 2 or words[0] != "listening" or not words[1].startswith("http://127.0.0.1:"):
            raise Failure(f"{self.command} should print `listening URL` within {START_SECONDS} s, printed {line!r}")
        return words[1]

    def __exit__(self, kind, error, trace):
        self.process.terminate()
        try:
            extra, _ = self.process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            end_group(self.process, signal.SIGKILL)
            raise Failure(f"{self.command} did not end within {STOP_SECONDS} s of SIGTERM") from error
        if extra:
            raise Failure(f"{self.command} printed more than one line on stdout: {extra[:300]!r}") from error
        # A clean exit or death by the SIGTERM we sent; anything else is a crash.
        if self.process.returncode not in (0, -signal.SIGTERM, 128 + signal.SIGTERM):
            raise Failure(f"{self.command} ended with code {self.process.returncode}") from error


def read_line(pipe, seconds):
    """The first line of a pipe, or what came of it before the time or the pipe ended."""
    deadline = time.monotonic() + seconds
    got = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while not got.endswith(b"\n"):
            if not selector.select(max(0, deadline - time.monotonic())):
                break
            byte = os.read(pipe.fileno(), 1)
            if not byte:
                break
            got += byte
    return got.decode("utf-8", "replace").strip()


def end_group(process, number):
    """Ends a process we started together with its children: each was started as the leader of its own group."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass
    process.communicate()


def run_client(client, target):
    """Runs one client to its end. Returns (problems, output)."""
    command = CLIENTS[client] + target
    process = subprocess.Popen(command, cwd=hosts.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=CLIENT_SECONDS)
    except subprocess.TimeoutExpired:
        end_group(process, signal.SIGKILL)
        return [f"the client did not end within {CLIENT_SECONDS} s"], ""
    except BaseException:
        end_group(process, signal.SIGKILL)
        raise
    output = output.decode("utf-8", "replace")
    checks = [check for check in map(parse_check, output.split("\n")) if check]
    problems = [f"{check['check']}: {check['detail']}" for check in checks if not check["ok"]]
    if not checks or checks[-1]["check"] != LAST_CHECK:
        problems.append("the client stopped before its last check")
    if process.returncode != 0 and not problems:
        problems.append(f"the client ended with code {process.returncode}")
    return problems, output


def parse_check(line):
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and {"check", "ok", "detail"} <= value.keys() else None


def run_case(host, transport, client):
    """Returns (problems, client output)."""
    problems, output = [], ""
    try:
        if transport == "stdio":
            return run_client(client, ["--stdio", "--", *hosts.stdio_command(host)])
        with HttpHost(host) as server:
            problems, output = run_client(client, ["--url", server.url])
    except (Failure, OSError) as error:
        problems = [*problems, str(error)]
    return problems, output


def choose(text, known, default):
    chosen = text.split(",") if text else default
    unknown = [name for name in chosen if name not in known]
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", help=f"of {','.join(hosts.HOSTS)}")
    parser.add_argument("--transports", help=f"of {','.join(TRANSPORTS)}")
    parser.add_argument("--clients", help=f"of {','.join(CLIENTS)}")
    parser.add_argument("--subset", action="store_true", help="only the third of the matrix that `make test` runs")
    parser.add_argument("--list", action="store_true", help="print the chosen cases and run none")
    parser.add_argument("--verbose", action="store_true", help="print the client's output of passed cases too")
    args = parser.parse_args()
    chosen_hosts = choose(args.hosts, hosts.HOSTS, hosts.MATRIX_HOSTS)
    chosen_transports = choose(args.transports, TRANSPORTS, TRANSPORTS)
    chosen_clients = choose(args.clients, CLIENTS, list(CLIENTS))
    cases = [(h, t, c) for h in chosen_hosts for t in chosen_transports for c in chosen_clients
             if not args.subset or (h, t, c) in SUBSET]
    if not cases:
        sys.exit("no such case")
    if args.list:
        print("\n".join(" ".join(case) for case in cases))
        return 0

    failed = 0
    for case in cases:
        started = time.monotonic()
        problems, output = run_case(*case)
        failed += bool(problems)
        took = time.monotonic() - started
        print(f"{'FAIL' if problems else 'ok  '} interop {' '.join(case):28} {took:6.2f} s", flush=True)
        for problem in problems:
            print(f"     - {problem}")
        if problems or args.verbose:
            print("".join(f"     | {line}\n" for line in output.rstrip("\n").split("\n")), end="", flush=True)
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
