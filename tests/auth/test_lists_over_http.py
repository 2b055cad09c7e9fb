"""The same over HTTP for some of the sets, in Node and C, with callers that have keys."""

import hashlib
import json
import os
import random
import sys
from pathlib import Path

import pytest
from peers import Http, request
from random_rules import LISTS, draw, draw_principal
from tokens import NOBODY, Caller

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import processes  # noqa: E402

SERVERS = {
    "node": [processes.NODE, "tests/auth/entries.mjs"],
    "c": [f"{os.environ.get('BUILD', 'build/c')}/entries"],
}
SEEDS = range(1000, 1008)


def key_of(number):
    return f"key-of-caller-{number}-0123456789"


def settings_of(rules, principals, page_size):
    keys = [
        {"subject": "ann", "hash": f"sha256:{hashlib.sha256(key_of(number).encode()).hexdigest()}",
         "scopes": sorted(principal.scopes), "roles": sorted(principal.roles)}
        for number, principal in enumerate(principals)
    ]
    return {
        "server": {"name": "random", **rules.settings, "auth": [{"type": "api_keys", "keys": keys}]},
        "limits": {"page_size": page_size},
        "serve": {"http": {"port": 0}},
    }


class Client:
    def __init__(self, url, caller):
        self.http, self.caller = Http(url, "modern", caller), caller

    def result(self, method, params):
        """Nothing, if the request is refused."""
        reply = self.http.ask(self.caller, request(1, method, params, "modern"))
        assert reply.status in (200, 400, 401, 403, 404), reply
        return (reply.message or {}).get("result") if reply.status == 200 else None

    def listed(self):
        found = set()
        for method, (member, name) in LISTS.items():
            page = self.result(method, {})
            # A server that strangers may use nothing of refuses their lists as well.
            while page is not None:
                found.update((method, entry[name]) for entry in page[member])
                page = self.result(method, {"cursor": page["nextCursor"]}) if "nextCursor" in page else None
        return found

    def uses(self, entry):
        result = self.result(*entry.use)
        assert result is None or "said" in str(result), result
        return result is not None


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("host", SERVERS)
def test_lists_show_exactly_what_calls_allow(host, seed, tmp_path):
    drawn = random.Random(seed)
    rules, principals = draw(drawn), [draw_principal(drawn) for _ in range(4)]
    files = tmp_path / "settings.json", tmp_path / "entries"
    files[0].write_text(json.dumps(settings_of(rules, principals, drawn.randint(1, 9))))
    files[1].write_text("".join(f"{entry.line()}\n" for entry in rules.entries))
    callers = [(None, NOBODY)]
    callers += [(each, Caller("key", f"Bearer {key_of(number)}")) for number, each in enumerate(principals)]
    with processes.HttpServer(SERVERS[host], list(map(str, files))) as server:
        for principal, caller in callers:
            client = Client(server.url, caller)
            own = {entry.shown for entry in rules.entries if rules.permits(entry, principal)}
            assert client.listed() == own, caller
            assert {entry.shown for entry in rules.entries if client.uses(entry)} == own, caller
            client.http.close()
