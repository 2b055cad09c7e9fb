"""Which checks a client makes with a host, and the table client × method × host of what came of them."""

import json
from pathlib import Path

import hosts

MANIFEST = json.loads((Path(__file__).parent / "manifest.json").read_text())
METHODS = MANIFEST["methods"]
ABSENT = MANIFEST["absent"]


def validate(clients):
    """What is wrong with the manifest itself."""
    problems = []
    listed = [check for method in METHODS.values() for check in method["checks"]]
    problems += [f"check {check!r} stands twice" for check in sorted({c for c in listed if listed.count(c) > 1})]
    for client, methods in ABSENT.items():
        problems += [f"no client {client!r}"] if client not in clients else []
        problems += [f"{client}: no method {method!r}" for method in methods if method not in METHODS]
        problems += [f"{client}: {method!r} has no reason" for method, why in methods.items() if not why.strip()]
    abilities = {method["ability"] for method in METHODS.values()}
    problems += [f"{host}: no ability {name!r}"
                 for host, pending in hosts.PENDING.items() for name in sorted(pending - abilities)]
    return problems


def abilities(host):
    """In the manifest's order."""
    known = dict.fromkeys(method["ability"] for method in METHODS.values())
    return [ability for ability in known if ability not in hosts.PENDING[host]]


def state(client, method, host):
    """Why there is nothing to check: `absent`, `pending`, or None."""
    if method in ABSENT.get(client, {}):
        return "absent"
    return "pending" if METHODS[method]["ability"] in hosts.PENDING[host] else None


def checks(client, host):
    """The checks of a client with a host."""
    return [check for name, method in METHODS.items() if not state(client, name, host) for check in method["checks"]]


class Table:
    """Cells are filled from the checks of each transport; one that failed on any has failed."""

    def __init__(self):
        self.results = {}

    def add(self, client, host, failed):
        """The outcome of one run: the names of the checks that failed or were not reported."""
        for method, row in METHODS.items():
            if not state(client, method, host):
                bad = bool(failed.intersection(row["checks"]))
                self.results[client, method, host] = self.results.get((client, method, host), False) or bad

    def text(self, clients, chosen):
        width = max(map(len, METHODS)) + 4
        reasons = []
        lines = []
        for client in clients:
            lines.append(f"{client:{width}}" + "".join(f"{host:9}" for host in chosen).rstrip())
            for method in METHODS:
                cells = [self.cell(client, method, host, reasons) for host in chosen]
                lines.append(f"  {method:{width - 2}}" + "".join(f"{cell:9}" for cell in cells).rstrip())
        lines += [f"({number}) {reason}" for number, reason in enumerate(reasons, 1)]
        return "\n".join(lines)

    def cell(self, client, method, host, reasons):
        why = state(client, method, host)
        if why == "absent":
            reason = ABSENT[client][method]
            if reason not in reasons:
                reasons.append(reason)
            return f"- ({reasons.index(reason) + 1})"
        if why:
            return why
        failed = self.results.get((client, method, host))
        return "not run" if failed is None else "FAIL" if failed else "ok"
