"""Checks of the Python client: tools, progress, cancellation, forms."""

import asyncio
import json

from mcp import MCPError
from mcp_support import FIXTURE, equal, need, plain, text_of
from mcp_types import ElicitResult

VERSIONS = {"modern": "2026-07-28", "legacy": "2025-11-25"}
UNICODE = "né 你好 こんにちは 🦀👩‍👩‍👧 \u2028 \x7f \"quoted\" \\ \t\n end"


# What a server declares, by the ability of the fixture.
DECLARED = {"resources": "resources", "prompts": "prompts", "completion": "completions"}


async def check_identity(client, era, abilities):
    equal(client.protocol_version, VERSIONS[era], "negotiated version")
    info = client.server_info
    need(info is not None, "the server did not name itself")
    equal((info.name, info.version), (FIXTURE["name"], FIXTURE["version"]), "server info")
    need(client.server_capabilities.tools is not None, "tools capability missing")
    for ability, capability in DECLARED.items():
        has = getattr(client.server_capabilities, capability) is not None
        equal(has, ability in abilities, f"capability {capability}; hosts.py says what is pending")
    discovered = client.session.discover_result
    equal(discovered is not None, era == "modern", "connected by server/discover")
    return f"{client.protocol_version} {info.name} {info.version}"


async def check_list(client, abilities):
    wanted = [dict(tool) for tool in FIXTURE["tools"] if tool.get("ability", "tools") in abilities]
    got = [plain(tool) for tool in (await client.list_tools()).tools]
    equal([t["name"] for t in got], [t["name"] for t in wanted], "tool names")
    for tool, want in zip(got, wanted):
        want.pop("ability", None)
        if client.protocol_version != VERSIONS["legacy"]:
            want.pop("execution", None)
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


def checks(client, era, answers, abilities):
    """In the order in which they run."""
    return {
        "identity": lambda: check_identity(client, era, abilities),
        "tools/list": lambda: check_list(client, abilities),
        "add": lambda: check_add(client),
        "echo unicode": lambda: check_unicode(client),
        "echo 100 KB": lambda: check_big(client),
        "describe": lambda: check_describe(client),
        "fail": lambda: check_fail(client),
        "schema violation": lambda: check_schema(client),
        "unknown tool": lambda: check_unknown_tool(client),
        "progress": lambda: check_progress(client),
        "ask_name accept": lambda: check_ask_name(client, answers),
        "ask_name decline": lambda: check_ask_name_refused(client, answers, "decline"),
        "ask_name cancel": lambda: check_ask_name_refused(client, answers, "cancel"),
        "ask_two": lambda: check_ask_two(client, answers),
        "32 at once": lambda: check_concurrent(client),
        "cancel": lambda: check_cancel(client),
    }
