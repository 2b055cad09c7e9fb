"""Runs the public conformance suite against the conformance fixture of each host and says what it found.

    run.py [--hosts rust,python,node,c] [--revisions 2025-11-25,2026-07-28] [--token] [--verbose]
    run.py --url URL [--name NAME]         any server that runs already; nothing is expected to fail

Prints for each host and revision `python 2026-07-28 scored 37/37 unscored 13/13 warnings 0`, and for scenarios that
no revision requires `python 2026-07-28 by name 3/3 checks 41`, under it what failed and why, and at the end
`N passed, N failed`, counted in scenarios. A scenario named in expected.json counts as neither while it fails; one
that passes though named counts as failed, so the list only shrinks. What the suite wrote stays in build/conformance.
With --token the hosts refuse requests without a token, and the suite's client has one; that needs `cryptography`, all
else only the standard library.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import suite
import verdict

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import processes  # noqa: E402

HOSTS = {
    "rust": ["target/ci/tenon-conformance"],
    "python": [processes.PYTHON, "tests/conformance/python/server.py"],
    "node": [processes.NODE, "tests/conformance/node/server.mjs"],
    "c": [f"{os.environ.get('BUILD', 'build/c')}/conformance"],
}
OUTPUT = processes.ROOT / "build" / "conformance"
AUTHENTICATION = ["--settings", str(HERE / "token.toml")]


class Tally:
    def __init__(self):
        self.passed = self.failed = self.expected = 0

    def fail(self, text):
        self.failed += 1
        print(text, flush=True)


def report(host, revision, scenarios, seconds, tally, verbose, line=None):
    print(line or verdict.summary(host, revision, scenarios), flush=True)
    for scenario in scenarios:
        if scenario.passed and scenario.as_expected:
            tally.passed += 1
        elif scenario.as_expected:
            tally.expected += 1
        else:
            tally.failed += 1
        kind = "" if scenario.scored else " (not scored)"
        if scenario.passed and not scenario.as_expected:
            print(f"    FAIL {scenario.name}{kind} passes, but expected.json says it fails: {scenario.reason}")
        elif not scenario.passed:
            excuse = f": expected, {scenario.reason}" if scenario.reason else ""
            print(f"    {'fail' if excuse else 'FAIL'} {scenario.name}{kind}{excuse}")
            if not excuse or verbose:
                for status, check, message in scenario.problems:
                    print(f"         {status} {check}: {' '.join(message.split())[:600]}")
        elif verbose:
            print(f"    ok   {scenario.name}{kind}")
        if verbose:
            for check in scenario.checks:
                print(f"         | {check['status']:7} {check['id']}: {check.get('description', '')}")
    if verbose:
        print(f"    took {seconds:.1f} s", flush=True)


def run_server(host, url, revisions, required, document, tally, verbose):
    for revision in revisions:
        started = time.monotonic()
        results = suite.run(url, revision, output(host, revision))
        scenarios = verdict.judge(required[revision], results, verdict.Expected(document, host), revision)
        report(host, revision, scenarios, time.monotonic() - started, tally, verbose)
        run_by_name(host, url, revision, tally, verbose)


def run_by_name(host, url, revision, tally, verbose):
    """What no revision requires: all of it has to pass, and a check that is skipped does not."""
    started = time.monotonic()
    names = suite.BY_NAME.get(revision, [])
    if not names:
        return
    results = suite.run_by_name(url, revision, output(host, f"{revision}-by-name"))
    required = suite.Requirements([], dict.fromkeys(names, "by name"))
    nothing = verdict.Expected({"fail": {}, "skip": {}}, host)
    scenarios = verdict.judge(required, results, nothing, revision)
    line = verdict.by_name(host, revision, scenarios)
    report(host, revision, scenarios, time.monotonic() - started, tally, verbose, line)


def output(host, name):
    """Runs with and without a token may be at the same time."""
    return OUTPUT / f"{host}{'-token' if suite.TOKEN in os.environ else ''}-{name}"


@contextlib.contextmanager
def authentication():
    """Puts a token for the suite, and the key that it is verified with, into the environment."""
    sys.path.insert(0, str(HERE.parent / "auth"))
    import tokens

    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "key.pem"
        tokens.write_key(key)
        os.environ.update({suite.TOKEN: tokens.signed(["conformance"]), "ACCESS_KEY_FILE": str(key)})
        try:
            yield
        finally:
            del os.environ[suite.TOKEN]


def check_refusal(host, url):
    """Without a token nothing is answered; otherwise the suite's token would prove nothing."""
    post = urllib.request.Request(url, b"{}", {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(post, timeout=processes.START_SECONDS) as response:
            status = response.status
    except urllib.error.HTTPError as error:
        status = error.code
    if status != 401:
        raise suite.SuiteError(f"{host} answers a request without a token with {status}")


def run_host(host, revisions, required, document, tally, args):
    """One process serves every revision: that is how it is used."""
    fixture = Path(processes.from_root(HOSTS[host])[-1])
    pending = document["pending"].get(host)
    if pending and fixture.exists():
        return tally.fail(f"FAIL {host}: has a fixture, but expected.json says it is pending: {pending}")
    if pending:
        return print(f"{host} pending: {pending}", flush=True)
    try:
        more = AUTHENTICATION if args.token else []
        with processes.HttpServer(HOSTS[host], processes.HTTP_ARGUMENTS + more) as server:
            if args.token:
                check_refusal(host, server.url)
            run_server(host, server.url, revisions, required, document, tally, args.verbose)
    except (processes.Failure, suite.SuiteError) as error:
        tally.fail(f"FAIL {host}: {error}")


def choose(text, known):
    chosen = text.split(",") if text else known
    unknown = [name for name in chosen if name not in known]
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
    return chosen


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", help=f"of {','.join(HOSTS)}")
    parser.add_argument("--revisions", help=f"of {','.join(suite.REVISIONS)}")
    parser.add_argument("--url", help="a server that runs already, in place of the hosts' fixtures")
    parser.add_argument("--name", default="server", help="what to call the server of --url")
    parser.add_argument("--token", action="store_true", help="with authentication on, for a client that has a token")
    parser.add_argument("--verbose", action="store_true", help="print every scenario and check")
    args = parser.parse_args(arguments)
    revisions = choose(args.revisions, suite.REVISIONS)
    tally = Tally()
    try:
        required = {revision: suite.requirements(revision) for revision in revisions}
        if args.url:
            nothing = {"pending": {}, "fail": {}, "skip": {}}
            run_server(args.name, args.url, revisions, required, nothing, tally, args.verbose)
        else:
            document = json.loads((HERE / "expected.json").read_text())
            with authentication() if args.token else contextlib.nullcontext():
                for host in choose(args.hosts, list(HOSTS)):
                    run_host(host, revisions, required, document, tally, args)
    except suite.SuiteError as error:
        tally.fail(f"FAIL {error}")
    if tally.expected:
        print(f"{tally.expected} failed as expected")
    print(f"{tally.passed} passed, {tally.failed} failed", flush=True)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
