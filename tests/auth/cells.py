"""The cells of the matrix: a request, its caller, and the server that it is sent to."""

import itertools
from dataclasses import dataclass

import tokens
from operations import operations
from rules import ROLES, SCOPES, needed

# What the server is mounted in. The program of C has no HTTP server.
MOUNTED = {"rust": "hyper", "python": "FastAPI", "node": "Express"}


@dataclass(frozen=True)
class Cell:
    host: str
    # What the server is mounted in, or nothing.
    mounted: str
    is_open: bool
    transport: str
    era: str
    operation: object
    caller: tokens.Caller

    @property
    def server(self):
        return self.host, self.mounted, self.is_open

    def __str__(self):
        place = self.mounted or self.transport
        state = "open" if self.is_open else "closed"
        return f"{self.host}, {place}, {state}, {self.era}: {self.operation.kind}: {self.operation}: {self.caller.name}"


class Callers:
    """The callers of an operation. Those with the same rights are the same caller."""

    def __init__(self):
        self.owner = self.make("a scope that includes all", ["all"], ROLES)
        self.impostors = tokens.impostors(SCOPES, ROLES)
        self.made = {}

    def make(self, name, scopes, roles):
        return tokens.principal(name, scopes, roles)

    def of(self, operation):
        scopes, roles = needed(operation)
        yield tokens.NOBODY
        yield from self.impostors
        yield self.cached("no scope", (), ())
        for missing in scopes:
            others = [scope for scope in SCOPES if scope != missing]
            yield self.cached(f"wrong scopes: all but {missing}", others, ROLES)
        if roles:
            yield self.cached("all scopes, and no role", SCOPES, ())
        for role in roles:
            yield self.cached(f"right scopes, and the role {role}", scopes, [role])
        if scopes and not roles:
            yield self.cached("right scopes", scopes, ())
        yield self.owner

    def cached(self, name, scopes, roles):
        key = tuple(scopes), tuple(roles)
        if key not in self.made:
            self.made[key] = self.make(name, scopes, roles)
        return self.made[key]


def cells(hosts, callers):
    for host, is_open in itertools.product(hosts, (False, True)):
        for mounted in ("", MOUNTED[host]) if host in MOUNTED else ("",):
            for transport in ("HTTP",) if mounted else ("HTTP", "HTTP+SSE", "WebSocket"):
                for era in ("legacy",) if transport == "HTTP+SSE" else ("legacy", "modern"):
                    for operation in operations(is_open):
                        if era in operation.eras and fits(operation, transport):
                            for caller in callers.of(operation):
                                yield Cell(host, mounted, is_open, transport, era, operation, caller)


def fits(operation, transport):
    if operation.method == "GET":
        return transport != "WebSocket"
    return operation.method != "DELETE" or transport == "HTTP"
