"""Basic tools: an echo, the time, a calculator, a sum, and the weather from an HTTP service."""

import asyncio
import os
import sys
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import calculator
import httpx2
from tenon_mcp import Server, ToolError

WEATHER = os.environ.get("WEATHER_BASE_URL", "https://api.openweathermap.org/data/2.5").rstrip("/")
SECONDS = 10.0
app = Server("basic-server", "1.0.0")


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
        raise ToolError(f"Error: no time zone is called {timezone!r}") from None


@app.tool
def calculate(expression: str) -> str:
    """Evaluate arithmetic such as 2 * (3 + 4) ** 2 or sqrt(2) / pi."""
    try:
        return f"Result: {calculator.evaluate(expression)}"
    except (ValueError, ArithmeticError) as error:
        raise ToolError(f"Error: {error}") from None


@app.tool(structured=True)
def calculate_sum(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


@app.tool
async def get_weather(city: Annotated[str, {"maxLength": 200}]) -> str:
    """Tell the weather in a city."""
    try:
        async with httpx2.AsyncClient(timeout=SECONDS) as client:
            query = client.get(f"{WEATHER}/weather", params={"q": city, "units": "imperial"})
            answer = await asyncio.wait_for(query, SECONDS)
        if answer.status_code == 404:
            raise ToolError(f"Error: no city is called {city!r}")
        found = answer.raise_for_status().json()
        return f"The weather in {city} is {found['weather'][0]['description']} and {found['main']['temp']}°F"
    except asyncio.TimeoutError:
        raise ToolError(f"Error: the weather service has not answered within {SECONDS:g} s") from None
    except (httpx2.HTTPError, ValueError, LookupError, TypeError) as error:
        raise ToolError(f"Error: the weather service is of no help: {error!r}") from None


if __name__ == "__main__":
    app.run(http=sys.argv[1] if len(sys.argv) > 1 else None)
