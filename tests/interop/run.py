"""Runs clients by other makers against the fixture servers of every host over every transport.

    run.py [--hosts python,node,c,rust] [--transports stdio,http,sse,websocket] [--clients mcp-modern,…] [--subset]
           [--list] [--verbose]

One line per case with its time and the client's output where a case failed; then, unless it was a subset, the table
client × method × host; and `N passed, N failed` at the end. manifest.json says which checks make a cell and why one is
empty.
Exit code 0 only when every case passed. Standard library only.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import hosts
import table
from hosts import processes

CLIENTS_DIR = Path(__file__).resolve().parent / "clients"
CLIENTS = {
    "mcp-modern": [processes.PYTHON, str(CLIENTS_DIR / "mcp_client.py"), "--era", "modern"],
    "mcp-legacy": [processes.PYTHON, str(CLIENTS_DIR / "mcp_client.py"), "--era", "legacy"],
    "ts-modern": [processes.NODE, str(CLIENTS_DIR / "ts_client.mjs"), "--era", "modern"],
    "ts-legacy": [processes.NODE, str(CLIENTS_DIR / "ts_client.mjs"), "--era", "legacy"],
    # Its WebSocket is the platform's, which this release of Node has behind a flag.
    "sdk-legacy": [processes.NODE, "--experimental-websocket", str(CLIENTS_DIR / "sdk_client.mjs"), "--era", "legacy"],
}
TRANSPORTS = ["stdio", "http", "sse", "websocket"]
# Who speaks the transports that not every client has.
SPEAKS = {"sse": ["mcp-legacy", "ts-legacy", "sdk-legacy"], "websocket": ["sdk-legacy"]}
# A third of the matrix, for the quick test run: every client over stdio and HTTP, every host over all.
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
    ("python", "sse", "mcp-legacy"),
    ("c", "sse", "sdk-legacy"),
    ("node", "sse", "ts-legacy"),
    ("python", "websocket", "sdk-legacy"),
    ("node", "websocket", "sdk-legacy"),
    ("c", "websocket", "sdk-legacy"),
]
# The last check of every client: an output without it was cut short.
LAST_CHECK = "close"
CLIENT_SECONDS = 75  # the clients stop themselves after 60


def run_client(client, host, target):
    """Runs one client to its end. Returns (problems, names of failed or missing checks, output)."""
    wanted = table.checks(client, host)
    chosen = ["--checks", json.dumps(wanted), "--abilities", ",".join(table.abilities(host))]
    code, output = processes.run_to_end(CLIENTS[client] + chosen + target, CLIENT_SECONDS)
    if code is None:
        return [f"the client did not end within {CLIENT_SECONDS} s"], set(wanted), output
    checks = [check for check in map(parse_check, output.split("\n")) if check]
    problems = [f"{check['check']}: {check['detail']}" for check in checks if not check["ok"]]
    if not checks or checks[-1]["check"] != LAST_CHECK:
        problems.append("the client stopped before its last check")
    done = {check["check"] for check in checks if check["ok"]}
    missing = set(wanted) - {check["check"] for check in checks}
    if missing:
        problems.append(f"not checked: {', '.join(sorted(missing))}")
    if done - set(wanted):
        problems.append(f"checks that the manifest does not list: {', '.join(sorted(done - set(wanted)))}")
    if code != 0 and not problems:
        problems.append(f"the client ended with code {code}")
    return problems, set(wanted) - done, output


def parse_check(line):
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and {"check", "ok", "detail"} <= value.keys() else None


def run_case(host, transport, client):
    """Returns (problems, names of failed checks, client output)."""
    problems, failed, output = [], set(), ""
    try:
        if transport == "stdio":
            return run_client(client, host, ["--stdio", "--", *processes.from_root(hosts.HOSTS[host])])
        place = [f"--{transport}", "127.0.0.1:0"]
        with processes.HttpServer(hosts.HOSTS[host], place) as server:
            problems, failed, output = run_client(client, host, ["--url", server.url])
    except (processes.Failure, OSError) as error:
        # A server that does not start or end is no connection.
        return [*problems, str(error)], failed | {"connect"}, output
    return problems, failed, output


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
             if c in SPEAKS.get(t, [c]) and (not args.subset or (h, t, c) in SUBSET)]
    if not cases:
        sys.exit("no such case")
    if args.list:
        print("\n".join(" ".join(case) for case in cases))
        return 0

    wrong = table.validate(CLIENTS)
    if wrong:
        sys.exit("manifest.json: " + "; ".join(wrong))
    outcome = table.Table()
    failed = sum(not passed for passed in (report(case, outcome, args.verbose) for case in cases))
    if not args.subset:
        print("\n" + outcome.text(chosen_clients, chosen_hosts) + "\n")
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


def report(case, outcome, verbose):
    """Runs a case, prints its line, and fills in the table."""
    started = time.monotonic()
    problems, failed, output = run_case(*case)
    took = time.monotonic() - started
    host, _, client = case
    outcome.add(client, host, failed)
    print(f"{'FAIL' if problems else 'ok  '} interop {' '.join(case):28} {took:6.2f} s", flush=True)
    for problem in problems:
        print(f"     - {problem}")
    if problems or verbose:
        print("".join(f"     | {line}\n" for line in output.rstrip("\n").split("\n")), end="", flush=True)
    return not problems


if __name__ == "__main__":
    sys.exit(main())
