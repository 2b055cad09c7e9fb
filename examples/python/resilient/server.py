"""Weather whose callers are limited, from a service that may be down."""

import asyncio
import itertools
import os

from tenon_mcp import Cache, CircuitBreaker, RateLimit, Server

app = Server("weather", "1.0.0", rate_limit=RateLimit(600, per=60, by="address"))
REPORTS = RateLimit(2, per=3600, by="arguments.city", refusal="result", text="It is written. Ask again in {wait} s.")
# A failed request is not repeated at once, so that the service of this country can recover.
DOWN = "No service for {country} for {wait} s."
SERVICES = CircuitBreaker(failures=3, open_for=60, by="arguments.country", text=DOWN)


@app.tool(rate_limit=["10/s", RateLimit(60, per=60, by="principal")])
async def forecast(city: str) -> str:
    """The forecast for a city."""
    await asyncio.sleep(0.01)  # A request to a weather service.
    return f"sunny in {city}"


@app.tool(rate_limit=REPORTS)
async def report(city: str) -> str:
    """A long report, which each city has at most twice an hour."""
    return f"all about the weather in {city}"


measurements = itertools.count(1)


@app.tool(cache=Cache(60, public=True, stale_if_error=600))
async def temperature(city: str) -> str:
    """The temperature in a city, measured once a minute for all callers."""
    return f"{15 + next(measurements) / 10} °C in {city}"


@app.tool(circuit_breaker=SERVICES)
async def warnings(country: str) -> str:
    """The warnings for a country."""
    if country in os.environ.get("DOWN", "").split():
        raise ConnectionError("the service does not answer")
    return f"no warnings for {country}"


if __name__ == "__main__":
    app.run()
