"""Models of pydantic as parameters and results."""

from typing import Annotated

from pydantic import BaseModel, Field, model_validator
from tenon_mcp import Server

app = Server("ranges")


class Range(BaseModel):
    low: float = Field(0, ge=0)
    high: float

    @model_validator(mode="after")
    def ordered(self) -> "Range":
        if self.low > self.high:
            raise ValueError("low must not be above high")
        return self


@app.tool
def split(whole: Range, parts: Annotated[int, Field(gt=0, le=10, description="How many.")]) -> list[Range]:
    """Cuts a range into equal parts."""
    step = (whole.high - whole.low) / parts
    edges = [whole.low + n * step for n in range(parts + 1)]
    return [Range(low=low, high=high) for low, high in zip(edges, edges[1:])]


app.run()
