"""What every check of the Python client uses: the fixture's contract, comparing, and what the client answers."""

import asyncio
import json
from pathlib import Path

from mcp_types import CreateMessageResult, ListRootsResult, Root, TextContent

FIXTURE = json.loads((Path(__file__).parent.parent / "fixture.json").read_text())


def need(condition, said):
    if not condition:
        raise AssertionError(said)


def equal(got, want, what):
    need(got == want, f"{what}: got {got!r:.300}, want {want!r:.300}")


def text_of(result):
    need(len(result.content) == 1, f"one content block expected, got {result.content!r:.300}")
    return result.content[0].text


def plain(value):
    """A library's object as the JSON it came from."""
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


class Answers:
    """Answers questions: forms and pages with what the current check put there, the rest always alike."""

    def __init__(self):
        self.asked = []
        self.sampled = []
        self.reply = None

    async def __call__(self, context, params):
        self.asked.append(params.message)
        return await self.reply(params)

    async def sample(self, context, params):
        self.sampled.append(params)
        return CreateMessageResult(role="assistant", content=TextContent(type="text", text="Paris"), model="interop")

    async def roots(self, context):
        return ListRootsResult(roots=[Root(**root) for root in FIXTURE["roots"]])


class Logs:
    """Collects log messages."""

    def __init__(self):
        self.got = []
        self.more = asyncio.Event()

    async def __call__(self, params):
        self.got.append((params.level, params.logger, params.data))
        self.more.set()

    async def take(self, count):
        """So many messages, and whatever came with them."""
        while len(self.got) < count:
            self.more.clear()
            await self.more.wait()
        got, self.got = self.got, []
        return got
