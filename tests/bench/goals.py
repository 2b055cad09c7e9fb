"""What the figures are to reach, and the figures of a run that answer to it."""

from dataclasses import dataclass

# Calls in flight of the rows that are compared; over HTTP each has a connection of its own.
USUAL = {"stdio": 64, "http": 16}
ERAS = ["legacy", "modern"]
NAMES = {
    "rust-async": "Rust, spawned",
    "rust-inline": "Rust, inline",
    "c-workers": "C, worker threads",
    "c-inline": "C, inline",
    "python-def": "Python, `def`",
    "python-async": "Python, `async def`",
    "node-sync": "Node, plain",
    "node-async": "Node, `async`",
    "python-model": "Python, `def` with a pydantic model",
    "node-zod": "Node, schema of zod",
    "node-list": "Node, `tools/list` of 100",
    "mcp-def": "PyPI `mcp`, `def`",
    "mcp-async": "PyPI `mcp`, `async def`",
    "mcp-model": "PyPI `mcp`, `def` with a pydantic model",
    "sdk-sync": "npm `@modelcontextprotocol/server`, plain",
    "sdk-async": "npm `@modelcontextprotocol/server`, `async`",
    "sdk-zod": "npm `@modelcontextprotocol/server`, schema of zod",
    "sdk-list": "npm `@modelcontextprotocol/server`, `tools/list` of 100",
    "ceiling-rust": "bare Rust",
    "ceiling-c": "bare C",
    "ceiling-python": "bare asyncio",
    "ceiling-node": "bare Node",
}
CEILINGS = {"stdio": "bare Rust loop", "http": "bare hyper"}
# Most CPU per call, as a multiple of the Rust ceiling's. None: it is shown, and nothing is set.
CPU = {
    "http": {
        "rust-async": 1.4,
        "rust-inline": 1.4,
        "c-workers": 2.2,
        "c-inline": 1.5,
        "python-def": 2.3,
        "python-async": 2.8,
        "node-sync": 2.3,
        "node-async": 2.3,
    },
    "stdio": {"c-inline": 2.2, "python-async": 4.0},
}
# Most of the p99 over HTTP, in the same unit.
P99 = 2.0
# Milliseconds of CPU beyond an empty program, and MiB resident after the first answer.
START = {"rust": 3.0, "c": 3.0, "python": 15.0, "node": 15.0}
RESIDENT = {"rust": 6.0, "c": 6.0, "python": 26.0, "node": 57.0}
IDLE_KIB = 10.0
# By variant, as the benchmark names them: the eras that it is measured in, and by target what it may add to a call over
# HTTP, as a factor or in µs of CPU. `cache hit` is compared with `ping`. None: it is shown, and nothing is set.
POLICIES = {
    "auth and a rule": (
        ERAS,
        {"python-def": ("ratio", 1.10), "python-async": ("ratio", 1.10), "c-inline": ("more", 1.0)},
    ),
    "limits": (ERAS, {"python-def": ("ratio", 1.15), "python-async": ("ratio", 1.15), "c-inline": ("more", 2.0)}),
    "all": (ERAS, {"python-def": ("ratio", 1.25), "python-async": ("ratio", 1.25), "c-inline": None}),
    "cache hit": (["legacy"], {"python-def": ("ratio", 3.0), "c-inline": ("ratio", 3.0)}),
    "twice the same": (["modern"], {"python-def": None, "c-inline": None}),
}
LIBRARY_MB = 5.0


@dataclass
class Line:
    """A line of the table: figures by what they are of, and the bound all of them are to keep, if there is one."""

    what: str
    figures: dict
    to_reach: float | None
    places: int = 2

    def reached(self):
        rounded = [round(figure, self.places) for figure in self.figures.values()]
        return self.to_reach is None or all(figure <= self.to_reach for figure in rounded)


def calls(record, target, transport, figure):
    """A figure of a target under the usual load, by era."""
    found = {}
    for row in record["calls"]:
        if (row["target"], row["transport"], row["in_flight"]) == (target, transport, USUAL[transport]):
            found[row["era"]] = row[figure]
    return {era: found[era] for era in ERAS if era in found}


def servers(record):
    return list(dict.fromkeys(row["target"] for row in record["calls"] if row["kind"] == "server"))


def lines(record):
    """Everything that is to be reached, from one run."""
    loads = {"http": "HTTP, 16 connections: CPU per call", "stdio": "stdio, 64 in flight: CPU per call"}
    for transport, what in loads.items():
        for target in servers(record):
            bound = CPU[transport].get(target)
            name = f"{what}, × {CEILINGS[transport]}: {NAMES[target]}"
            yield Line(name, calls(record, target, transport, "cpu_ratio"), bound)
    for target in servers(record):
        name = f"HTTP, 16 connections: p99, × bare hyper in the same round: {NAMES[target]}"
        yield Line(name, calls(record, target, "http", "p99_ratio"), P99)
    kinds = [("beyond", "start to first answer: ms of CPU beyond an empty program", START),
             ("resident_mib", "resident memory after it, MiB", RESIDENT)]
    for figure, what, bounds in kinds:
        for language, bound in bounds.items():
            figures = {start["transport"]: start[figure] for start in record["starts"] if start["language"] == language}
            yield Line(f"{what}: {LANGUAGES[language]}", figures, bound, 1)
    if record["idle_session"]:
        yield Line("idle HTTP session with an open stream, KiB", {"": record["idle_session"]["kib"]}, IDLE_KIB, 1)
    if record["library"]:
        yield Line("`libtenon.so`, stripped, MB", {"": record["library"]["stripped_bytes"] / 1e6}, LIBRARY_MB)


LANGUAGES = {"rust": "Rust", "c": "C", "python": "Python", "node": "Node"}
