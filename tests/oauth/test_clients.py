"""The OAuth clients of other makers: discovery, registration, sign-in, calls, and a sign-in for one more scope.

`manifest.json` has the checks, and why a client does not pass one. A client that passes more than it admits fails, so
that the manifest stays true.
"""

import asyncio
import json
import traceback
from contextlib import ExitStack
from pathlib import Path

import pytest
import python_clients
from identity import processes, server

HERE = Path(__file__).resolve().parent
MANIFEST = json.loads((HERE / "manifest.json").read_text())
PYTHON = {
    "mcp-modern": (python_clients.own, "modern"),
    "mcp-legacy": (python_clients.own, "legacy"),
    "mcp-remote": (python_clients.remote, "legacy"),
}
NODE = {
    "ts-modern": ["ts_client.mjs", "modern"],
    "ts-legacy": ["ts_client.mjs", "legacy"],
    "sdk-legacy": ["sdk_client.mjs", "legacy"],
}
NAMES = [*PYTHON, *NODE]
LATER = "later"
CLIENT_SECONDS = 60
SCOPES = {"orders:read", "orders:write"}


def expected(client, *checks):
    """Those of the checks that the client does not lack."""
    return set(checks) - set(MANIFEST["absent"].get(client, {}))


@pytest.fixture(scope="module")
def servers(running):
    """Gives the URL of a closed or an open server of a host."""
    started = {}
    with ExitStack() as stack:

        def start(host, is_open):
            if (host, is_open) not in started:
                variables = {"OPEN": "1"} if is_open else {}
                started[host, is_open] = stack.enter_context(server(running.issuer, host, **variables))
            return started[host, is_open]

        yield start


def run(client, url):
    """What came of the calls of a client, or None; and the reason, or all that it has printed."""
    if client in PYTHON:
        use, era = PYTHON[client]
        try:
            return asyncio.run(asyncio.wait_for(use(era, url), CLIENT_SECONDS)), ""
        except Exception:
            return None, traceback.format_exc()
    program, era = NODE[client]
    code, output = processes.run_to_end([processes.NODE, str(HERE / "clients" / program), era, url], CLIENT_SECONDS)
    return json.loads(output.strip().splitlines()[-1]) if code == 0 else None, output


def seen(log, url):
    """What the provider has seen of a client: the checks that it passed."""
    authorizations = [entry for entry in log if entry["route"] == "authorization"]
    tokens = [entry for entry in log if entry["route"] == "token"]
    registered = {entry["client"] for entry in log if entry["route"] == "registration" and entry["status"] == 201}
    passed = {
        "metadata": any(entry["route"] == "discovery" and entry["status"] == 200 for entry in log),
        "registration": len(registered) == 1 and {entry["client"] for entry in tokens} == registered,
        "PKCE": all(entry["code_challenge_method"] == "S256" for entry in authorizations)
        and all("code_verifier" in entry["hidden"] for entry in tokens),
        "resource": all(entry.get("resource") == url for entry in [*authorizations, *tokens]),
        "step-up": sum(entry["status"] == 200 for entry in tokens) > 1,
    }
    return {name for name, good in passed.items() if good and authorizations and tokens}


MOUNTED = [(host, client) for host in ("fastapi", "express") for client in ("mcp-modern", "mcp-remote", "ts-legacy")]


@pytest.mark.parametrize(("host", "client"), [(host, name) for host in ("example", "node") for name in NAMES] + MOUNTED)
def test_sign_in_and_step_up(provider, servers, host, client):
    url, before = servers(host, False), len(provider.log())
    result, output = run(client, url)
    assert result, output
    passed = seen(provider.log()[before:], url)
    said, statuses = result["said"], result["statuses"] or []
    if said["my_orders"] == "ann has ordered tea":
        passed.add("call")
    if said["add_order"] != "ann orders tea":
        passed.discard("step-up")
    if statuses[:1] == [401] and 403 in statuses:
        passed.add("challenge")
    if set(result["scope"].split()) == SCOPES and set(result["tools"]) == {"my_orders", "add_order"}:
        passed.add("union")
    assert passed == expected(client, *set(MANIFEST["checks"]) - {LATER}), output


@pytest.mark.parametrize(
    ("host", "client"), [("python", "mcp-modern"), ("python", "ts-modern"), *(("node", client) for client in NAMES)]
)
def test_sign_in_when_a_call_needs_it(provider, servers, host, client):
    """On a server with an entry for all, which lets clients in without a token."""
    url = servers(host, True)
    result, output = run(client, url)
    if LATER not in expected(client, LATER):
        assert not result and "Session not found" in output, f"it can more than the manifest says: {output}"
        return
    assert result and result["said"] == {"my_orders": "ann has ordered tea", "add_order": "ann orders tea"}, output
    assert "opening_hours" in result["tools"]
    if result["statuses"]:
        first = result["statuses"].index(401)
        assert set(result["statuses"][:first]) == {200}, "it was let in before"


def test_the_manifest_is_sound():
    checks, absent = MANIFEST["checks"], MANIFEST["absent"]
    assert set(absent) <= set(NAMES)
    for reasons in absent.values():
        assert set(reasons) <= set(checks) and all(why.strip() for why in reasons.values())
    assert all(why.strip() for why in MANIFEST["left out"].values())
