"""Drives a fixture server with PyPI `mcp` 2.3, in the legacy or the modern era.

    mcp_client.py --era modern|legacy --checks JSON --abilities A,B (--url URL | --stdio -- CMD ARGS...)

Runs the checks named in the JSON array. One JSON line per check on stdout; exit code 0 when every check passed.
"""

import argparse
import asyncio
import json
import os
import sys
import threading
import time

import mcp_kinds
import mcp_tools
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp_support import Answers, Logs

CHECK_SECONDS = 10  # for one check
TOTAL_SECONDS = 60  # for the whole program, hangs included
# The library ends a stdio server with SIGTERM 2 s after its stdin closed; a good server is gone before.
CLOSE_SECONDS = 1.9

failed = 0


def report(check, ok, detail, started):
    global failed
    failed += not ok
    line = {"check": check, "ok": ok, "detail": detail, "ms": round((time.monotonic() - started) * 1000)}
    print(json.dumps(line), flush=True)


def described(error):
    """The error that counts: the library wraps its own in exception groups."""
    while getattr(error, "exceptions", None):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


async def run(name, check):
    started = time.monotonic()
    try:
        detail = await asyncio.wait_for(check, CHECK_SECONDS)
        report(name, True, detail or "", started)
    except asyncio.TimeoutError:
        report(name, False, f"no result within {CHECK_SECONDS} s", started)
    except Exception as error:
        report(name, False, described(error), started)


async def session(target, era, chosen, abilities):
    answers, logs = Answers(), Logs()
    client = Client(
        target,
        # `auto` asks server/discover first; the identity check proves that it did not fall back.
        mode="auto" if era == "modern" else "legacy",
        elicitation_callback=answers,
        sampling_callback=answers.sample,
        list_roots_callback=answers.roots,
        logging_callback=logs,
        read_timeout_seconds=CHECK_SECONDS,
    )
    stage, started = "connect", time.monotonic()
    try:
        async with client:
            report("connect", True, "", started)
            stage = "connection"  # the library cancels whatever runs when it loses the server
            known = mcp_tools.checks(client, era, answers, abilities) | mcp_kinds.checks(client, era, answers, logs)
            for name, check in known.items():
                if name in chosen:
                    await run(name, check())
            stage, started = "close", time.monotonic()
    except BaseException as error:
        report(stage, False, described(error), started)
        return
    took = time.monotonic() - started
    report("close", took < CLOSE_SECONDS, f"took {took:.3f} s", started)


def watchdog():
    report("time limit", False, f"still running after {TOTAL_SECONDS} s", time.monotonic())
    os._exit(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--era", choices=["legacy", "modern"], required=True)
    parser.add_argument("--checks", type=json.loads, required=True)
    parser.add_argument("--abilities", type=lambda text: text.split(","), required=True)
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--url")
    target.add_argument("--stdio", action="store_true")
    parser.add_argument("command", nargs="*")
    args = parser.parse_args()
    timer = threading.Timer(TOTAL_SECONDS, watchdog)
    timer.daemon = True
    timer.start()
    if args.stdio:
        command, *rest = args.command
        server = StdioServerParameters(command=command, args=rest, env=dict(os.environ))
    elif args.url.endswith("/sse"):
        server = sse_client(args.url)
    else:
        server = args.url
    asyncio.run(session(server, args.era, args.checks, args.abilities))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
