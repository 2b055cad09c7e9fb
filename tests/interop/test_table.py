"""The table of interop: what makes a cell, and that an empty one needs a reason."""

import hosts
import pytest
import run
import table


@pytest.fixture
def manifest(monkeypatch):
    methods = {
        "tools/list": {"ability": "tools", "checks": ["list"]},
        "resources/read": {"ability": "resources", "checks": ["read", "missing"]},
        "logging/setLevel": {"ability": "tools", "checks": ["level"]},
    }
    monkeypatch.setattr(table, "METHODS", methods)
    monkeypatch.setattr(table, "ABSENT", {"new": {"logging/setLevel": "gone"}})
    monkeypatch.setattr(hosts, "PENDING", {"python": set(), "c": {"resources"}})


def cells(filled, client, host):
    reasons = []
    return [filled.cell(client, method, host, reasons) for method in table.METHODS], reasons


def test_only_what_is_neither_absent_nor_pending_is_checked(manifest):
    assert table.checks("old", "python") == ["list", "read", "missing", "level"]
    assert table.checks("new", "c") == ["list"]
    assert table.abilities("c") == ["tools"]


def test_a_cell_is_ok_when_all_its_checks_passed_over_every_transport(manifest):
    filled = table.Table()
    filled.add("old", "python", {"missing"})
    filled.add("old", "python", set())
    assert cells(filled, "old", "python")[0] == ["ok", "FAIL", "ok"]
    filled.add("new", "c", set())
    assert cells(filled, "new", "c") == (["ok", "pending", "- (1)"], ["gone"])
    assert cells(filled, "old", "c")[0] == ["not run", "pending", "not run"]


def test_the_manifest_is_checked(manifest, monkeypatch):
    assert table.validate(["old", "new"]) == []
    table.METHODS["again"] = {"ability": "tools", "checks": ["list"]}
    monkeypatch.setattr(table, "ABSENT", {"new": {"tools/list": " ", "no/method": "why"}, "nobody": {}})
    hosts.PENDING["c"] = {"magic"}
    assert len(table.validate(["old", "new"])) == 5


def test_the_real_manifest_is_sound():
    assert table.validate(run.CLIENTS) == []
    assert set(hosts.PENDING) == set(hosts.HOSTS)
