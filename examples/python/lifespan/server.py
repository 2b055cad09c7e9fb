from contextlib import asynccontextmanager
from dataclasses import dataclass

from tenon_mcp import Context, Server


@dataclass
class Counter:
    calls: int = 0


@asynccontextmanager
async def lifespan(app: Server):
    yield Counter()


app = Server("counts", lifespan=lifespan)


@app.tool
async def count(ctx: Context[Counter]) -> int:
    """Count the calls."""
    ctx.lifespan.calls += 1
    return ctx.lifespan.calls


app.run()
