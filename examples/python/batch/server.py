"""Many items at a time, with progress, cancellation and tasks; and pages of the public internet from one pool."""

import asyncio
import itertools
import sys
from typing import Annotated, Any

import aiohttp
from guard import guarded, text_of
from tenon_mcp import Context, Server, ToolError

AT_ONCE, ITEM_SECONDS, MOST_BYTES, FETCH_SECONDS = 100, 0.1, 1024 * 1024, 10


def pool(app: Server) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=100, limit_per_host=30, socket_factory=guarded)
    jar, timeout = aiohttp.DummyCookieJar(), aiohttp.ClientTimeout(FETCH_SECONDS)  # all clients share it: no cookies
    return aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=jar)


app = Server("optimized-server", lifespan=pool)


@app.tool
async def fetch_data(url: Annotated[str, {"maxLength": 2048}], ctx: Context[aiohttp.ClientSession]) -> str:
    """Fetch a page of the public internet as text."""
    if not url.lower().startswith(("http://", "https://")):
        raise ToolError("Request failed: only http and https are fetched")
    try:
        async with ctx.lifespan.get(url, raise_for_status=True) as response:
            body = b""
            async for part in response.content.iter_chunked(65536):
                if len(body := body + part) > MOST_BYTES:
                    raise ToolError(f"Request failed: the body is longer than {MOST_BYTES} bytes")
            return text_of(body, response.charset)
    except (aiohttp.ClientError, TimeoutError, asyncio.TimeoutError, ValueError) as error:
        raise ToolError(f"Request failed: {error or f'no answer within {FETCH_SECONDS} s'}") from None


async def process(item: Any) -> str:
    return await asyncio.sleep(ITEM_SECONDS, f"processed: {item}")


@app.tool(structured=True, task_support="optional")
async def batch_process(items: Annotated[list[Any], {"maxItems": 10_000}], ctx: Context) -> list[str]:
    """Process items, many at the same time; the results are in their order."""
    places, done = asyncio.Semaphore(AT_ONCE), itertools.count(1)

    async def one(item: Any) -> str:
        async with places:
            result = await process(item)
        ctx.progress(next(done), len(items))
        return result

    return await asyncio.gather(*map(one, items))


if __name__ == "__main__":
    app.run(http=sys.argv[1] if len(sys.argv) > 1 else None)
