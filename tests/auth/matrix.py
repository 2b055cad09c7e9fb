"""The matrix of authentication: every method, with every kind of credentials, in every language, over every transport.

    matrix.py [--cells N --seed N] [--hosts rust,python,node,c] [--only TEXT] [--verbose]

All hosts serve `fixture --settings tests/auth/settings.toml`. What each request gets follows from `rules.py`. With
`--cells` so many cells are drawn by the seed. The last line is `N passed, N failed`; a failure names its cell.
"""

import argparse
import collections
import http.client
import itertools
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import peers
import tokens
from cells import Callers, cells
from replies import check
from rules import Expected, expected, may_use

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import processes  # noqa: E402

SETTINGS = str(HERE / "settings.toml")
HOSTS = {
    "rust": ["target/ci/tenon-fixture"],
    "python": [processes.PYTHON, "tests/fixtures/python/fixture.py"],
    "node": [processes.NODE, "tests/fixtures/node/fixture.mjs"],
    "c": [f"{os.environ.get('BUILD', 'build/c')}/fixture"],
}
TRANSPORTS = {"HTTP": peers.Http, "HTTP+SSE": peers.Sse, "WebSocket": peers.WebSocket}


class Server:
    """One process, and the clients of its transports."""

    def __init__(self, url, owner):
        self.url, self.owner = url, owner
        self.peers, self.ids = {}, itertools.count(1)
        # How often the handler of the notification has run.
        self.heard = 0

    def peer(self, transport, era):
        key = transport, era
        if key not in self.peers:
            self.peers[key] = TRANSPORTS[transport](self.url, era, self.owner)
        return self.peers[key]

    def send(self, peer, caller, method, params=(), notify=False):
        id = None if notify else next(self.ids)
        return peer.ask(caller, peers.request(id, method, dict(params), peer.era))

    def owned(self, peer, method, **params):
        """The result of a request of the owner, which is no cell."""
        reply = self.send(peer, self.owner, method, params)
        if "result" not in (reply.message or {}):
            raise AssertionError(f"{method} {params} of the owner: {reply}")
        return reply.message["result"]

    def start_task(self, peer, tool):
        more = {"task": {"ttl": 60000}} if peer.era == "legacy" else {}
        started = self.owned(peer, "tools/call", name=tool, arguments={}, **more)
        return started.get("task", started)["taskId"]

    def tried(self, cell):
        """Returns what is wrong, or nothing. If a client fails, the next cell has a new one."""
        try:
            return self.run(cell)
        except (AssertionError, AttributeError, LookupError, OSError, ValueError, http.client.HTTPException) as error:
            self.peers.pop((cell.transport, cell.era)).close()
            return f"{type(error).__name__}: {error}"

    def run(self, cell):
        peer, operation, caller = self.peer(cell.transport, cell.era), cell.operation, cell.caller
        want = expected(operation, caller, cell.is_open)
        if operation.method in ("GET", "DELETE"):
            reply = peer.stream(caller) if operation.method == "GET" else peer.delete(caller)
            return check(cell, reply, want)
        params = dict(operation.params)
        task = None
        if operation.task or operation.method == "tasks/list":
            task = self.start_task(peer, operation.task or "hold")
        if operation.task:
            params["taskId"] = task
        notify = operation.method.startswith("notifications/")
        reply = self.send(peer, caller, operation.method, params, notify)
        if notify:
            # A notification gets no answer, so only credentials that are not valid are refused visibly.
            refused = caller.fault or not (caller.authorization or cell.is_open)
            wrong = check(cell, reply, want if refused else Expected("ok"))
            return wrong or self.count(cell, peer, want.kind == "ok")
        wrong = check(cell, reply, want)
        if operation.method == "tasks/list" and want.kind == "ok" and not wrong:
            shown = task in self.listed_tasks(peer, caller, reply.message["result"])
            wrong = "" if shown == may_use("hold", caller) else f"the task of hold is {'' if shown else 'not '}listed"
        self.tidy(peer, cell, reply, task)
        return wrong

    def listed_tasks(self, peer, caller, page):
        """The tasks of a page and of those that follow."""
        while True:
            yield from (each["taskId"] for each in page["tasks"])
            if "nextCursor" not in page:
                return
            page = self.send(peer, caller, "tasks/list", {"cursor": page["nextCursor"]}).message["result"]

    def count(self, cell, peer, permitted):
        """The handler runs exactly if the caller may use it."""
        if cell.operation.method != "notifications/access":
            return ""
        self.heard += permitted
        end = time.monotonic() + peers.SECONDS
        while True:
            result = self.owned(peer, "tools/call", name="heard", arguments={})
            heard = int(result["content"][0]["text"])
            if heard > self.heard:
                return f"the handler has run {heard} times in place of {self.heard}"
            if heard == self.heard:
                return ""
            if time.monotonic() > end:
                return f"the handler has run only {heard} times in place of {self.heard}"

    def tidy(self, peer, cell, reply, task):
        result = (reply.message or {}).get("result", {})
        if cell.operation.method == "tools/call" and cell.operation.kind == "task":
            task = result.get("task", result).get("taskId")
        if task and cell.operation.task != "work" and not (cell.operation.method == "tasks/cancel" and result):
            self.owned(peer, "tasks/cancel", taskId=task)
        if cell.operation.method == "subscriptions/listen" and cell.transport == "WebSocket" and reply.before:
            id = reply.before[-1]["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"]
            self.send(peer, cell.caller, "notifications/cancelled", {"requestId": id}, True)

    def close(self):
        for peer in self.peers.values():
            peer.close()


def run(chosen, owner, key, verbose):
    """Runs the cells, one server at a time. Returns how many passed and failed."""
    tally = collections.Counter()
    chosen = sorted(chosen, key=lambda cell: cell.server)
    for (host, mounted, is_open), group in itertools.groupby(chosen, lambda cell: cell.server):
        os.environ.update(ACCESS_KEY_FILE=key, ACCESS_HIDDEN="nothing" if is_open else "open")
        arguments = ["--settings", SETTINGS, *(["--embedded", "127.0.0.1:0"] if mounted else [])]
        started, before = time.monotonic(), tally.copy()
        name = f"{host}{', in ' + mounted if mounted else ''}, {'open' if is_open else 'closed'}"
        try:
            with processes.HttpServer(HOSTS[host], arguments) as process:
                run_cells(group, Server(process.url, owner), tally, verbose)
        except processes.Failure as failure:
            tally["failed"] += 1
            print(f"FAILED {name}: {failure}", flush=True)
        print(f"{name}: {(tally - before).total()} cells in {time.monotonic() - started:.1f} s", flush=True)
    return tally


def run_cells(group, server, tally, verbose):
    try:
        for cell in group:
            wrong = server.tried(cell)
            tally["failed" if wrong else "passed"] += 1
            if wrong:
                print(f"FAILED {cell}\n       {wrong}", flush=True)
            elif verbose:
                print(f"ok {cell}", flush=True)
    finally:
        server.close()


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, help="how many cells are drawn; all by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hosts", default=",".join(HOSTS))
    parser.add_argument("--only", default="", help="a part of the names of the cells")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args(arguments)
    callers = Callers()
    chosen = [cell for cell in cells(args.hosts.split(","), callers) if args.only in str(cell)]
    if args.cells is not None:
        print(f"{args.cells} of {len(chosen)} cells, drawn with --seed {args.seed}")
        chosen = random.Random(args.seed).sample(chosen, min(args.cells, len(chosen)))
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "key.pem"
        tokens.write_key(key)
        tally = run(chosen, callers.owner, str(key), args.verbose)
    print(f"{tally['passed']} passed, {tally['failed']} failed", flush=True)
    return 1 if tally["failed"] or not tally["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
