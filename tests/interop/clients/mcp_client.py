"""Drives a fixture server with PyPI `mcp` 2.3, in the legacy or the modern era.

    mcp_client.py --era modern|legacy (--url URL | --stdio -- CMD ARGS...)

One JSON line per check on stdout; exit code 0 when every check passed.
"""

import argparse
import asyncio
import json
import os
import sys
import threading
import time
from pathlib import Path

from mcp import Client, MCPError, StdioServerParameters
from mcp_types import ElicitResult

FIXTURE = json.loads((Path(__file__).parent.parent / "fixture.json").read_text())
VERSIONS = {"modern": "2026-07-28", "legacy": "2025-11-25"}
CHECK_SECONDS = 10  # for one check
TOTAL_SECONDS = 60  # for the whole program, hangs included
# The library ends a stdio server with SIGTERM 2 s after its stdin closed; a good server is gone before.
CLOSE_SECONDS = 1.9
UNICODE = "né 你好 こんにちは 🦀👩‍👩‍👧 \u2028 \x7f \"quoted\" \\ \t\n end"

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


def need(condition, said):
    if not condition:
        raise AssertionError(said)


def equal(got, want, what):
    need(got == want, f"{what}: got {got!r:.300}, want {want!r:.300}")


def text_of(result):
    need(len(result.content) == 1, f"one content block expected, got {result.content!r:.300}")
    return result.content[0].text


class Answers:
    """The elicitation handler: answers what the current check put there."""

    def __init__(self):
        self.asked = []
        self.reply = None

    async def __call__(self, context, params):
        self.asked.append(params.message)
        return await self.reply(params)


async def check_identity(client, era):
    equal(client.protocol_version, VERSIONS[era], "negotiated version")
    info = client.server_info
    need(info is not None, "the server did not name itself")
    equal((info.name, info.version), (FIXTURE["name"], FIXTURE["version"]), "server info")
    need(client.server_capabilities.tools is not None, "tools capability missing")
    discovered = client.session.discover_result
    equal(discovered is not None, era == "modern", "connected by server/discover")
    return f"{client.protocol_version} {info.name} {info.version}"


async def check_list(client):
    tools = (await client.list_tools()).tools
    got = [{"name": t.name, "description": t.description, "inputSchema": t.input_schema} for t in tools]
    equal([t["name"] for t in got], [t["name"] for t in FIXTURE["tools"]], "tool names")
    for tool, want in zip(got, FIXTURE["tools"]):
        equal(tool, want, f"tool {want['name']}")
    return f"{len(got)} tools"


async def check_add(client):
    result = await client.call_tool("add", {"a": 2, "b": 3})
    equal((text_of(result), bool(result.is_error)), ("5", False), "2 + 3")
    result = await client.call_tool("add", {"a": -9007199254740991, "b": 1})
    equal(text_of(result), "-9007199254740990", "large integers")


async def check_unicode(client):
    equal(text_of(await client.call_tool("echo", {"text": UNICODE})), UNICODE, "echo")


async def check_big(client):
    text = "0123456789abcdé🦀" * (100 * 1024 // 20)
    got = text_of(await client.call_tool("echo", {"text": text}))
    need(got == text, f"100 KB echo came back changed: {len(got)} of {len(text)} characters")
    return f"{len(text.encode())} bytes"


async def check_describe(client):
    result = await client.call_tool("describe", {"name": "Grace"})
    want = {"name": "Grace", "length": 5}
    equal(result.structured_content, want, "structuredContent")
    equal(json.loads(text_of(result)), want, "text block")


async def check_fail(client):
    result = await client.call_tool("fail", {})
    need(result.is_error and "boom" in text_of(result), f"want isError with boom, got {result!r:.300}")
    return text_of(result)


async def check_schema(client):
    try:
        result = await client.call_tool("add", {"a": "x", "b": 1})
    except MCPError as error:
        equal(error.code, -32602, "error code")
        said = f"{error.message} {error.error.data}"
    else:
        need(result.is_error, f"accepted a string for an integer: {result!r:.300}")
        said = text_of(result)
    need("/a" in said, f"the answer does not name /a: {said}")
    return said


async def check_unknown_tool(client):
    try:
        result = await client.call_tool("no_such_tool", {})
    except MCPError as error:
        equal(error.code, -32602, "error code")
        return error.message
    raise AssertionError(f"want a JSON-RPC error, got {result!r:.300}")


async def check_progress(client):
    seen = []

    async def on_progress(progress, total, message):
        seen.append((progress, total, message))

    result = await client.call_tool("count", {"to": 3}, progress_callback=on_progress)
    equal(text_of(result), "counted to 3", "result")
    equal(seen, [(i, 3, f"{i} of 3") for i in (1, 2, 3)], "progress")


async def check_ask_name(client, answers):
    async def accept(params):
        equal(params.requested_schema["required"], ["name"], "requested schema")
        return ElicitResult(action="accept", content={"name": "Ada"})

    answers.asked, answers.reply = [], accept
    equal(text_of(await client.call_tool("ask_name", {})), "Hello, Ada!", "accepted")
    equal(answers.asked, ["What is your name?"], "asked")


async def check_ask_name_refused(client, answers, action):
    async def refuse(params):
        return ElicitResult(action=action)

    answers.asked, answers.reply = [], refuse
    equal(text_of(await client.call_tool("ask_name", {})), f"No name given ({action})", action)


async def check_ask_two(client, answers):
    both = asyncio.Event()

    async def answer(params):
        # Neither question is answered before both were asked: one after the other would hang here.
        if len(answers.asked) == 2:
            both.set()
        await both.wait()
        return ElicitResult(action="accept", content={"value": {"First?": "A", "Second?": "B"}[params.message]})

    answers.asked, answers.reply = [], answer
    equal(text_of(await client.call_tool("ask_two", {})), "A B", "result")
    equal(sorted(answers.asked), ["First?", "Second?"], "asked")


async def check_concurrent(client):
    async def one(i):
        equal(text_of(await client.call_tool("echo", {"text": f"call {i}"})), f"call {i}", f"echo {i}")

    await asyncio.gather(*(one(i) for i in range(32)))


async def check_cancel(client):
    waiting = asyncio.ensure_future(client.call_tool("wait", {}))
    # `wait` is sent when the first of these suspends, so the second is answered by a server that has it in hand.
    for text in ("before", "still before"):
        equal(text_of(await client.call_tool("echo", {"text": text})), text, text)
    need(not waiting.done(), "wait ended by itself")
    waiting.cancel()
    try:
        result = await waiting
    except asyncio.CancelledError:
        pass
    else:
        raise AssertionError(f"wait was answered: {result!r:.300}")
    equal(text_of(await client.call_tool("echo", {"text": "after"})), "after", "echo after")


async def run_checks(client, era, answers):
    await run("identity", check_identity(client, era))
    await run("tools/list", check_list(client))
    await run("add", check_add(client))
    await run("echo unicode", check_unicode(client))
    await run("echo 100 KB", check_big(client))
    await run("describe", check_describe(client))
    await run("fail", check_fail(client))
    await run("schema violation", check_schema(client))
    await run("unknown tool", check_unknown_tool(client))
    await run("progress", check_progress(client))
    await run("ask_name accept", check_ask_name(client, answers))
    await run("ask_name decline", check_ask_name_refused(client, answers, "decline"))
    await run("ask_name cancel", check_ask_name_refused(client, answers, "cancel"))
    await run("ask_two", check_ask_two(client, answers))
    await run("32 at once", check_concurrent(client))
    await run("cancel", check_cancel(client))


async def session(target, era, answers):
    # `auto` asks server/discover first; the identity check proves that it did not fall back.
    mode = "auto" if era == "modern" else "legacy"
    client = Client(target, mode=mode, elicitation_callback=answers, read_timeout_seconds=CHECK_SECONDS)
    stage, started = "connect", time.monotonic()
    try:
        async with client:
            report("connect", True, "", started)
            stage = "connection"  # the library cancels whatever runs when it loses the server
            await run_checks(client, era, answers)
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
    parser.add_argument("--era", choices=sorted(VERSIONS), required=True)
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
    else:
        server = args.url
    asyncio.run(session(server, args.era, Answers()))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
