from typing import Annotated

from tenon_mcp import Context, Image, NotFound, Server, ToolError

app = Server("notes", "1.0.0", title="Notes", mask_errors=True)
POINT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
)
notes = {"1": "Buy milk."}


@app.resource("notes://{id}", mime_type="text/plain")
def note(id: str) -> str:
    """A note by its number."""
    if id not in notes:
        raise NotFound
    return notes[id]


@app.prompt
def summarise(style: Annotated[str, "How to write."] = "short") -> str:
    """Summarise all notes."""
    return f"Summarise these notes in a {style} style: {notes}"


@app.completion(prompt="summarise", argument="style")
def styles(value: str) -> list[str]:
    return [style for style in ("long", "short") if style.startswith(value)]


@app.tool(annotations={"destructiveHint": True})
async def delete(id: str, ctx: Context) -> str:
    """Delete a note."""
    answer = await ctx.elicit(f"Delete note {id}?", {"type": "object", "properties": {"sure": {"type": "boolean"}}})
    if answer.action != "accept" or not answer.content.get("sure"):
        raise ToolError("The user did not agree.")
    ctx.log("notice", f"note {id} is gone")
    return notes.pop(id)


@app.tool
def draw() -> Image:
    """Draw a point."""
    return Image(POINT, "image/png")


app.run()
