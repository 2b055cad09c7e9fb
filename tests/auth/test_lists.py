"""For random rules, lists never show what a call would refuse, and never hide what it would allow."""

import random

import pytest
from random_rules import LISTS, draw, draw_principal
from tenon_mcp import McpError, ResourceContents, Server
from tenon_mcp.testing import Client

SETS = 200
REVISIONS = ["2024-11-05", "2025-06-18", "2025-11-25", "2026-07-28"]


async def said():
    return "said"


def register(app, entry):
    policies = entry.policies
    if entry.kind == "tool":
        app.tool(entry.name, **policies)(said)
    elif entry.kind == "prompt":
        app.prompt(entry.name, **policies)(said)
    elif entry.kind == "provider":
        async def read(id: str):
            return ResourceContents("said")

        app.resource_provider(entry.name, list=lambda: [{"uri": entry.address, "name": "row"}], read=read, **policies)
    elif entry.kind == "template":
        @app.resource(entry.name, name=entry.name, **policies)
        async def template(id: str) -> str:
            return "said"
    else:
        app.resource(entry.name, name=entry.name, **policies)(said)


def listed(client):
    """All that the lists show: pairs of a list and a name, from all pages."""
    found = []
    for method, (member, name) in LISTS.items():
        params = {}
        while True:
            page = client.request(method, params)
            found += [(method, entry[name]) for entry in page[member]]
            if "nextCursor" not in page:
                break
            params = {"cursor": page["nextCursor"]}
    assert len(found) == len(set(found)), found
    return set(found)


def usable(client, entries):
    """What can be used, in the form of `listed`."""
    return {entry.shown for entry in entries if succeeds(client, *entry.use)}


def succeeds(client, method, params):
    try:
        result = client.request(method, params)
    except McpError:
        return False
    assert "said" in str(result), result
    return True


def as_dict(principal):
    if principal is None:
        return None
    return {"subject": "ann", "scopes": sorted(principal.scopes), "roles": sorted(principal.roles)}


def name_of(entry, prefix):
    """The entry as it is named by the server that it is mounted in."""
    mounted = entry.kind in ("tool", "prompt")
    return type(entry)(entry.kind, f"{prefix}_{entry.name}" if mounted else entry.name, entry.policies)


@pytest.mark.parametrize("seed", range(SETS))
def test_lists_show_exactly_what_calls_allow(seed):
    drawn = random.Random(seed)
    rules = draw(drawn)
    app = Server("random", page_size=drawn.randint(1, 9), **rules.settings)
    for entry in rules.entries:
        register(app, entry)
    # Rules of both servers hold for what is mounted, so here lists and calls are only compared with each other.
    inner, mounted = draw(drawn), []
    if drawn.random() < 0.3:
        part = Server("part", **inner.settings)
        for entry in inner.entries:
            if entry.kind in ("tool", "prompt"):
                register(part, entry)
                mounted.append(name_of(entry, "sub"))
        app.mount(part, "sub")
    for principal in [None, *(draw_principal(drawn) for _ in range(4))]:
        with Client(app, principal=as_dict(principal), revision=drawn.choice(REVISIONS)) as client:
            shown = listed(client)
            assert shown == usable(client, [*rules.entries, *mounted])
            own = {entry.shown for entry in rules.entries if rules.permits(entry, principal)}
            assert {pair for pair in shown if not pair[1].startswith("sub_")} == own


def test_the_sets_are_not_all_alike():
    """Each outcome is drawn often, for strangers and for others."""
    permitted = {True: 0, False: 0}
    for seed in range(SETS):
        drawn = random.Random(seed)
        rules, principal = draw(drawn), draw_principal(drawn)
        for caller in (None, principal):
            outcomes = {rules.permits(entry, caller) for entry in rules.entries}
            for outcome in outcomes:
                permitted[outcome] += 1
    assert min(permitted.values()) > SETS / 2, permitted
