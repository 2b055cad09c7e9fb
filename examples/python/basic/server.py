"""Basic tools: an echo, the time, a calculator, a sum, and the weather from an HTTP service."""

import asyncio
import os
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

import calculator
import httpx2
from tenon_mcp import Server, ToolError

WEATHER = os.environ.get("WEATHER_BASE_URL", "https://api.openweathermap.org/data/2.5")
SECONDS = 10.0
app = Server("basic-server", "1.0.0")
app.map_error(ValueError, lambda error: ToolError(f"Error: {error}"))


@app.tool
def echo(message: str) -> str:
    """Say a message back."""
    return f"Echo: {message}"


@app.tool
def current_time(timezone: str | None = None) -> str:
    """Tell the time here, or in a time zone such as Europe/Paris."""
    try:
        return f"Current time: {datetime.now(None if timezone is None else ZoneInfo(timezone)).isoformat()}"
    except (KeyError, ValueError, OSError):
        raise ValueError(f"no time zone is called {timezone!r}") from None


@app.tool
def calculate(expression: str) -> str:
    """Evaluate arithmetic such as 2 * (3 + 4) ** 2 or sqrt(2) / pi."""
    return f"Result: {calculator.evaluate(expression)}"


@app.tool(structured=True)
def calculate_sum(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


@app.tool
async def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    try:
        async with httpx2.AsyncClient(base_url=WEATHER, timeout=SECONDS) as client:
            answer = await asyncio.wait_for(client.get("weather", params={"q": city, "units": "imperial"}), SECONDS)
        found = answer.raise_for_status().json()
        return f"The weather in {city} is {found['weather'][0]['description']} and {found['main']['temp']}°F"
    except (httpx2.HTTPError, httpx2.InvalidURL, asyncio.TimeoutError, ValueError, LookupError, TypeError) as error:
        raise ValueError(f"there is no telling the weather in {city!r}: {error!r}") from None


if __name__ == "__main__":
    app.run(http=sys.argv[1] if len(sys.argv) > 1 else None)
