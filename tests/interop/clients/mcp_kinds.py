"""Checks of the Python client: all content, resources, prompts, completion, logging, and what else may be asked."""

import json

from mcp import MCPError
from mcp_support import FIXTURE, equal, need, plain, text_of
from mcp_types import ElicitResult, PromptReference, ResourceTemplateReference

NOT_FOUND = {"modern": -32602, "legacy": -32002}
LOG_LEVEL = "io.modelcontextprotocol/logLevel"


async def refused(code, call, what):
    try:
        result = await call
    except MCPError as error:
        equal(error.code, code, f"error code of {what}")
        return error.message
    raise AssertionError(f"{what}: want a JSON-RPC error, got {result!r:.300}")


async def every(get, member):
    """All pages of a list."""
    page = await get(cursor=None)
    items = list(getattr(page, member))
    while page.next_cursor:
        page = await get(cursor=page.next_cursor)
        items += getattr(page, member)
    return [plain(item) for item in items]


async def check_content(client):
    result = await client.call_tool("content", {})
    equal([plain(block) for block in result.content], FIXTURE["content"], "content")
    equal((result.meta or {}).get("example.com/fixture"), True, "_meta")


async def check_measure(client):
    result = await client.call_tool("measure", {"text": "né🦀"})
    equal(result.structured_content, {"length": 3}, "structuredContent")
    equal(json.loads(text_of(result)), {"length": 3}, "text block")


async def check_ask_url(client, answers, action):
    async def reply(params):
        got = (params.mode, params.message, params.url)
        equal(got, ("url", "Please sign in.", "https://example.com/sign-in"), "question")
        return ElicitResult(action=action)

    answers.asked, answers.reply = [], reply
    equal(text_of(await client.call_tool("ask_url", {})), action, "result")
    equal(len(answers.asked), 1, "questions")


async def check_ask_model(client, answers):
    answers.sampled = []
    equal(text_of(await client.call_tool("ask_model", {})), "The model says: Paris", "result")
    equal(len(answers.sampled), 1, "requests")
    params = plain(answers.sampled[0])
    equal(params["maxTokens"], 100, "maxTokens")
    [message] = params["messages"]
    content = message["content"]
    [block] = content if isinstance(content, list) else [content]
    got = (message["role"], block["type"], block["text"])
    equal(got, ("user", "text", "What is the capital of France?"), "message")


async def check_ask_roots(client):
    equal(text_of(await client.call_tool("ask_roots", {})), "file:///home/interop\nfile:///srv", "roots")


async def named(params):
    return ElicitResult(action="accept", content={"name": "Ada"})


async def check_ask_all(client, answers):
    answers.asked, answers.reply = [], named
    want = "Ada; Paris; file:///home/interop file:///srv"
    equal(text_of(await client.call_tool("ask_all", {})), want, "result")


async def check_resources(client):
    equal(await every(client.list_resources, "resources"), FIXTURE["resources"], "resources")


async def check_templates(client):
    got = await every(client.list_resource_templates, "resource_templates")
    equal(got, FIXTURE["resourceTemplates"], "resource templates")


async def check_read(client):
    for uri, contents in FIXTURE["reads"]:
        got = (await client.read_resource(uri)).contents
        equal([plain(part) for part in got], contents, uri)


async def check_not_found(client, era):
    for uri in ("test://nothing", "test://rows/9", "test://template/123"):
        await refused(NOT_FOUND[era], client.read_resource(uri), uri)


async def check_read_failing(client):
    return await refused(-32603, client.read_resource("test://failing"), "test://failing")


async def check_read_asking(client, answers):
    answers.asked, answers.reply = [], named
    [part] = (await client.read_resource("test://asking")).contents
    equal(part.text, "Hello, Ada!", "text")
    equal(answers.asked, ["What is your name?"], "asked")


async def check_prompts(client):
    equal(await every(client.list_prompts, "prompts"), FIXTURE["prompts"], "prompts")


def said(result):
    return [(message.role, plain(message.content)) for message in result.messages]


def user(text):
    return ("user", {"type": "text", "text": text})


async def check_greet(client):
    equal(said(await client.get_prompt("greet", {"name": "Ada"})), [user("Greet Ada.")], "without a style")
    both = await client.get_prompt("greet", {"name": "Ada", "style": "formal"})
    equal(said(both), [user("Greet Ada in a formal style.")], "with a style")


async def check_prompt_contents(client):
    want = [("user", block) for block in FIXTURE["content"][:-1]]
    want.append(("assistant", {"type": "text", "text": "Understood."}))
    equal(said(await client.get_prompt("contents")), want, "messages")


async def check_prompt_faults(client):
    await refused(-32602, client.get_prompt("no_such_prompt"), "an unknown prompt")
    await refused(-32602, client.get_prompt("greet", {"style": "formal"}), "a missing argument")
    return await refused(-32603, client.get_prompt("failing"), "a failing prompt")


async def check_prompt_asking(client, answers):
    async def topic(params):
        return ElicitResult(action="accept", content={"topic": "tea"})

    answers.asked, answers.reply = [], topic
    equal(said(await client.get_prompt("asking")), [user("Tell me about tea.")], "messages")
    equal(answers.asked, ["Which topic?"], "asked")


async def completed(client, ref, name, value, context=None):
    found = (await client.complete(ref, {"name": name, "value": value}, context)).completion
    return found.values, found.total, bool(found.has_more)


async def check_complete_prompt(client):
    ref = PromptReference(type="ref/prompt", name="greet")
    equal((await completed(client, ref, "style", "f"))[0], ["formal", "friendly", "funny"], "of f")
    equal((await completed(client, ref, "style", "fu"))[0], ["funny"], "of fu")
    equal((await completed(client, ref, "style", "f", {"name": "Ada"}))[0], ["formal"], "of f for Ada")


async def check_complete_template(client):
    ref = ResourceTemplateReference(type="ref/resource", uri="test://template/{id}/data")
    everything = [str(number) for number in range(1, 151)]
    values, total, more = await completed(client, ref, "id", "")
    equal((values, total, more), (everything[:100], 150, True), "of nothing")
    values, _, more = await completed(client, ref, "id", "14")
    equal((values, more), (["14", *everything[139:149]], False), "of 14")


async def check_set_level(client, logs):
    levels = FIXTURE["levels"]
    for least in ("warning", "debug", "emergency"):
        await client.set_logging_level(least)
        equal(text_of(await client.call_tool("log", {})), "logged", "result")
        want = [(level, "fixture", level) for level in levels[levels.index(least):]]
        equal(await logs.take(len(want)), want, f"messages from {least}")


async def check_log_per_request(client, logs):
    levels = FIXTURE["levels"]
    for least in ("error", "debug"):
        await client.call_tool("log", {}, meta={LOG_LEVEL: least})
        want = [(level, "fixture", level) for level in levels[levels.index(least):]]
        equal(await logs.take(len(want)), want, f"messages from {least}")
    equal(text_of(await client.call_tool("log", {})), "logged", "result")
    # A message that should not be would have come before the result.
    need(not logs.got, f"messages that nobody asked for: {logs.got!r:.300}")


def checks(client, era, answers, logs):
    """In the order in which they run."""
    return {
        "content": lambda: check_content(client),
        "measure": lambda: check_measure(client),
        "ask_url accept": lambda: check_ask_url(client, answers, "accept"),
        "ask_url decline": lambda: check_ask_url(client, answers, "decline"),
        "ask_model": lambda: check_ask_model(client, answers),
        "ask_all": lambda: check_ask_all(client, answers),
        "ask_roots": lambda: check_ask_roots(client),
        "resources/list": lambda: check_resources(client),
        "resources/templates/list": lambda: check_templates(client),
        "read": lambda: check_read(client),
        "read not found": lambda: check_not_found(client, era),
        "read failing": lambda: check_read_failing(client),
        "read asking": lambda: check_read_asking(client, answers),
        "prompts/list": lambda: check_prompts(client),
        "greet": lambda: check_greet(client),
        "prompt contents": lambda: check_prompt_contents(client),
        "prompt faults": lambda: check_prompt_faults(client),
        "prompt asking": lambda: check_prompt_asking(client, answers),
        "complete prompt": lambda: check_complete_prompt(client),
        "complete template": lambda: check_complete_template(client),
        "log setLevel": lambda: check_set_level(client, logs),
        "log per request": lambda: check_log_per_request(client, logs),
    }
