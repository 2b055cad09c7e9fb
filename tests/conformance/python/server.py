"""The conformance fixture in Python; ../README.md says what is in it and how it is started."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import tasks
from tenon_mcp import (
    Audio,
    Content,
    Context,
    Image,
    ResourceContents,
    Server,
    SyncContext,
    ToolError,
)

if TYPE_CHECKING:
    from tenon_mcp import Answer

SETTINGS = sys.argv[sys.argv.index("--settings") + 1] if "--settings" in sys.argv else None
app = Server("tenon-conformance", "1.0.0", settings=SETTINGS)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WAV = base64.b64decode("UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=")


def form(*, required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    return {**schema, "required": list(required)} if required else schema


STRING = {"type": "string"}
NAME = form(name=STRING, required=("name",))
OK = form(ok={"type": "boolean"}, required=("ok",))


@app.tool
def test_simple_text() -> str:
    """Returns a text."""
    return "This is a simple text response for testing."


@app.tool
def test_image_content() -> Image:
    """Returns an image."""
    return Image(PNG, "image/png")


@app.tool
def test_audio_content() -> Audio:
    """Returns a sound."""
    return Audio(WAV, "audio/wav")


@app.tool
def test_embedded_resource() -> Content:
    """Returns a resource."""
    text = "This is an embedded resource content."
    return Content.resource(ResourceContents(text, uri="test://embedded-resource", mime_type="text/plain"))


@app.tool
async def test_multiple_content_types() -> list[str | Image | Content]:
    """Returns a text, an image and a resource."""
    mixed = ResourceContents(
        '{"test":"data","value":123}', uri="test://mixed-content-resource", mime_type="application/json"
    )
    return ["Multiple content types test:", Image(PNG, "image/png"), Content.resource(mixed)]


@app.tool
def test_error_handling() -> None:
    """Always fails."""
    raise ToolError("This tool intentionally returns an error for testing")


@app.tool
async def test_tool_with_progress(ctx: Context) -> str:
    """Reports progress."""
    for done in (0, 50, 100):
        ctx.progress(done, 100)
        await asyncio.sleep(0.05)
    return "Progress completed"


@app.tool
async def test_tool_with_logging(ctx: Context) -> str:
    """Logs while it runs."""
    for message in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        ctx.log("info", message)
        await asyncio.sleep(0.05)
    return "Logging completed"


@app.tool
async def test_reconnection(ctx: Context) -> str:
    """Lets go of its client's connection."""
    ctx.close_stream()
    await asyncio.sleep(0.1)
    return "Reconnection completed"


@app.tool
def test_logging_tool(ctx: SyncContext) -> str:
    """Logs once."""
    ctx.log("info", "Logged")
    return "Logged"


@app.tool
def test_trigger_tool_change() -> str:
    """Says that the list of tools has changed."""
    app.list_changed("tool")
    return "Changed"


@app.tool
def test_trigger_prompt_change() -> str:
    """Says that the list of prompts has changed."""
    app.list_changed("prompt")
    return "Changed"


@app.tool
async def test_sampling(prompt: str, ctx: Context) -> str:
    """Asks the client's model."""
    return f"LLM response: {(await ctx.sample(prompt, max_tokens=100)).text}"


def told(answer: Answer) -> str:
    return f"action={answer.action}, content={json.dumps(answer.content)}"


@app.tool
async def test_elicitation(message: str, ctx: Context) -> str:
    """Asks the user for a name and an address."""
    answer = await ctx.elicit(message, form(username=STRING, email=STRING, required=("username", "email")))
    return f"User response: {told(answer)}"


@app.tool
async def test_elicitation_sep1034_defaults(ctx: Context) -> str:
    """Asks with a form that has defaults."""
    schema = form(
        name={"type": "string", "default": "John Doe"},
        age={"type": "integer", "default": 30},
        score={"type": "number", "default": 95.5},
        status={"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        verified={"type": "boolean", "default": True},
    )
    answer = await ctx.elicit("Please review and update the form fields with defaults", schema)
    return f"Elicitation completed: {told(answer)}"


def titled(*titles: str) -> list[dict[str, str]]:
    return [{"const": f"value{place}", "title": title} for place, title in enumerate(titles, 1)]


@app.tool
async def test_elicitation_sep1330_enums(ctx: Context) -> str:
    """Asks with a form that has every kind of choice."""
    options = ["option1", "option2", "option3"]
    schema = form(
        untitledSingle={"type": "string", "enum": options},
        titledSingle={"type": "string", "oneOf": titled("First Option", "Second Option", "Third Option")},
        legacyEnum={
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        untitledMulti={"type": "array", "items": {"type": "string", "enum": options}},
        titledMulti={"type": "array", "items": {"anyOf": titled("First Choice", "Second Choice", "Third Choice")}},
    )
    answer = await ctx.elicit("Please select options from the enum fields", schema)
    return f"Elicitation completed: {told(answer)}"


@app.tool
async def test_streaming_elicitation(ctx: Context) -> str:
    """Asks for a confirmation."""
    await ctx.elicit("Please confirm", form(confirm={"type": "boolean"}), key="confirm")
    return "Confirmed"


@app.tool
async def test_missing_capability(ctx: Context) -> str:
    """Needs a client with a model."""
    if "sampling" not in ctx.client_capabilities:
        # Fails, in the way the protocol has for it.
        await ctx.sample("", max_tokens=1)
    return "Sampling is supported"


@app.tool
def test_x_mcp_header(region: Annotated[str, {"x-mcp-header": "Region"}], level: str = "") -> str:
    """Takes an argument that clients repeat in a header."""
    return f"{region} {level}".rstrip()


@app.tool(
    input_schema={
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            }
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    }
)
def json_schema_2020_12_tool(**arguments: Any) -> str:
    """Has an input schema with much of JSON Schema 2020-12."""
    return "ok"


@app.tool
async def test_input_required_result_elicitation(ctx: Context) -> str:
    """Asks for a name."""
    answer = await ctx.elicit("What is your name?", NAME, key="user_name")
    return f"Hello, {answer.content['name']}!"


@app.tool
async def test_input_required_result_sampling(ctx: Context) -> str:
    """Asks the model for a capital."""
    return (await ctx.sample("What is the capital of France?", max_tokens=100, key="capital_question")).text


@app.tool
async def test_input_required_result_list_roots(ctx: Context) -> str:
    """Asks for the roots."""
    return "\n".join(root.uri for root in await ctx.roots(key="client_roots"))


@app.tool
async def test_input_required_result_request_state(ctx: Context) -> str:
    """Asks with a state."""
    await ctx.elicit("Please confirm", OK, key="confirm")
    return "state-ok"


@app.tool
async def test_input_required_result_multiple_inputs(ctx: Context) -> str:
    """Asks for three things at once."""
    await asyncio.gather(
        ctx.elicit("What is your name?", NAME, key="user_name"),
        ctx.sample("Generate a greeting", max_tokens=50, key="greeting"),
        ctx.roots(key="client_roots"),
    )
    return "Multiple inputs received"


@app.tool
async def test_input_required_result_multi_round(ctx: Context) -> str:
    """Asks for one thing after the other."""
    first = await ctx.elicit("Step 1: What is your name?", NAME, key="step1")
    color = form(color=STRING, required=("color",))
    second = await ctx.elicit("Step 2: What is your favorite color?", color, key="step2")
    return f"{first.content['name']} likes {second.content['color']}"


@app.tool
def test_input_required_result_tampered_state(ctx: SyncContext) -> str:
    """Asks with a state that nobody may change."""
    ctx.elicit("Please confirm", OK, key="confirm")
    return "state-ok"


@app.tool
async def test_input_required_result_capabilities(ctx: Context) -> str:
    """Asks for what the client declared and nothing else."""
    questions = []
    if "elicitation" in ctx.client_capabilities:
        questions.append(ctx.elicit("What is your name?", NAME, key="user_name"))
    if "sampling" in ctx.client_capabilities:
        questions.append(ctx.sample("What is the capital of France?", max_tokens=100, key="capital_question"))
    await asyncio.gather(*questions)
    return "Capabilities respected"


@app.resource("test://static-text", name="static-text", mime_type="text/plain")
def static_text() -> str:
    """A text."""
    return "This is the content of the static text resource."


@app.resource("test://static-binary", name="static-binary", mime_type="image/png")
def static_binary() -> bytes:
    """An image."""
    return PNG


@app.resource("test://watched-resource", name="watched-resource", mime_type="text/plain")
async def watched_resource() -> str:
    """A text that clients watch."""
    return "Watched resource content"


@app.resource("test://template/{id}/data", name="template-data", mime_type="application/json")
def template_data(id: str) -> dict[str, Any]:
    """Data by id."""
    return {"id": id, "templateTest": True, "data": f"Data for ID: {id}"}


@app.prompt
def test_simple_prompt() -> str:
    """A text."""
    return "This is a simple prompt for testing."


@app.prompt
def test_prompt_with_arguments(
    arg1: Annotated[str, "First test argument."], arg2: Annotated[str, "Second test argument."]
) -> str:
    """Takes two arguments."""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


@app.prompt
def test_prompt_with_embedded_resource(
    resourceUri: Annotated[str, "The resource to embed."],
) -> list[Content | str]:
    """Embeds a resource."""
    contents = ResourceContents("Embedded resource content for testing.", uri=resourceUri, mime_type="text/plain")
    return [Content.resource(contents), "Please process the embedded resource above."]


@app.prompt
async def test_prompt_with_image() -> list[Image | str]:
    """Shows an image."""
    return [Image(PNG, "image/png"), "Please analyze the image above."]


@app.prompt
async def test_input_required_result_prompt(ctx: Context) -> str:
    """Asks before it says anything."""
    schema = form(context=STRING, required=("context",))
    answer = await ctx.elicit("What context should the prompt use?", schema, key="user_context")
    return f"Use the following context: {answer.content['context']}"


@app.completion(prompt="test_prompt_with_arguments", argument="arg1")
def arg1(value: str) -> list[str]:
    return [known for known in ("testValue1", "testValue2", "other") if known.startswith(value)]


tasks.add(app)
app.skills("tests/fixtures/skills")

if __name__ == "__main__":
    app.run(http=sys.argv[sys.argv.index("--http") + 1], on_started=lambda app: print("listening", app.url, flush=True))
