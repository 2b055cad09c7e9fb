"""Weather whose callers are limited: the server as a whole, and each caller and city."""

import asyncio

from tenon_mcp import RateLimit, Server

app = Server("weather", "1.0.0", rate_limit=RateLimit(600, per=60, by="address"))


@app.tool(rate_limit=["10/s", RateLimit(60, per=60, by="principal")])
async def forecast(city: str) -> str:
    """The forecast for a city."""
    await asyncio.sleep(0.01)  # A request to a weather service.
    return f"sunny in {city}"


REPORTS = RateLimit(2, per=3600, by="arguments.city", refusal="result", text="It is written. Ask again in {wait} s.")


@app.tool(rate_limit=REPORTS)
async def report(city: str) -> str:
    """A long report, which each city has at most twice an hour."""
    return f"all about the weather in {city}"


if __name__ == "__main__":
    app.run()
