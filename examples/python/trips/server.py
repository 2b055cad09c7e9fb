"""A server whose tools take and return values of the program's own types."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from typing import Annotated, NamedTuple
from uuid import UUID, uuid4

from tenon_mcp import Depends, Server

app = Server("trips")


class Class(Enum):
    FIRST = "first"
    SECOND = "second"


class Place(NamedTuple):
    city: str
    country: Annotated[str, {"pattern": "^[A-Z]{2}$"}] = "FR"


@dataclass
class Trip:
    """A journey by train.

    Attributes:
        leaves: The day of departure.
    """

    start: Place
    end: Place
    leaves: date
    seats: Class = Class.SECOND
    id: UUID = field(default_factory=uuid4)


def trips() -> Iterator[dict[UUID, Trip]]:
    """Opened for every call that wants it, and closed behind it."""
    yield TRIPS


TRIPS: dict[UUID, Trip] = {}
Trips = Annotated[dict[UUID, Trip], Depends(trips)]


@app.tool
def book(trip: Trip, trips: Trips) -> Trip:
    """Books a journey.

    Args:
        trip: What to book.
    """
    trips[trip.id] = trip
    return trip


@app.tool
def find(trips: Trips, day: date, within: timedelta = timedelta(days=1), seats: Class | None = None) -> list[Trip]:
    """Finds journeys that leave on a day, or soon after it."""
    return [
        trip for trip in trips.values() if day <= trip.leaves <= day + within and seats in (None, trip.seats)
    ]


@app.tool
def check(trips: Trips) -> Iterator[str]:
    """Looks at one journey after the other."""
    for trip in trips.values():
        yield f"{trip.start.city} to {trip.end.city} is on time"


@app.prompt
def plan(day: date, nights: int = 1) -> str:
    return f"Plan a journey from {day:%d %B} to {day + timedelta(days=nights):%d %B}."


@app.resource("trips://{id}")
def trip(id: UUID, trips: Trips) -> Trip:
    return trips[id]


app.run()
