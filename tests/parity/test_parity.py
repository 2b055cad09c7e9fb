"""Every ability in every host, or a reason; README.md says how the manifest is read."""

import json
import re
from functools import cache
from pathlib import Path

import pytest
from surfaces import HOSTS, ROOT

MANIFEST = Path(__file__).with_name("manifest.json")
ROWS = json.loads(MANIFEST.read_text())
KEYS = {"ability", "proof", "absent", *HOSTS}


def names(row, host):
    return row.get(host, "").split()


def skipped(transcript):
    """The hosts that a transcript leaves out: all of them, if it is for another server."""
    text = transcript.read_text()
    return HOSTS if re.search(r"^@only ", text, re.M) else re.findall(r"^@skip (\w+)", text, re.M)


@cache
def texts(path):
    """What stands in a file, or in all files of a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return "\n".join(file.read_text(errors="replace") for file in files if "node_modules" not in file.parts)


def proven(proof):
    """The hosts that a proof holds for; an assertion fails where there is none."""
    kind, _, place = proof.partition(":")
    if kind == "wire":
        transcript = ROOT / "tests/wire/transcripts" / f"{place}.txt"
        assert transcript.exists(), f"no transcript {transcript}"
        return set(HOSTS) - set(skipped(transcript))
    assert kind in HOSTS, f"{proof}: neither `wire` nor a host"
    path, _, text = place.partition("#")
    assert (ROOT / path).exists(), f"{proof}: no such file"
    if text not in texts(ROOT / path):  # no `assert`, which would print the file
        raise AssertionError(f"{proof}: it does not say {text!r}")
    return {kind}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.get("ability", "?"))
def test_an_ability_is_in_every_host_and_proven_there(row):
    assert set(row) <= KEYS, f"unknown members {set(row) - KEYS}"
    absent = row.get("absent", {})
    for host, surface in HOSTS.items():
        if host in absent:
            assert not names(row, host), f"{host} is absent and has names"
            assert absent[host].strip(), f"no reason why {host} is absent"
        else:
            assert names(row, host), f"{host} has no name, and no reason stands in `absent`"
        for name in names(row, host):
            assert surface.has(name), f"{host} has no {name}"
    assert set(absent) < set(HOSTS), "absent everywhere, or from a host that does not exist"
    covered = set().union(*map(proven, row["proof"]))
    assert set(HOSTS) - set(absent) <= covered, f"not proven in {sorted(set(HOSTS) - set(absent) - covered)}"


def test_abilities_have_names_of_their_own():
    abilities = [row["ability"] for row in ROWS]
    assert len(set(abilities)) == len(abilities)


@pytest.mark.parametrize("host", HOSTS)
def test_everything_a_host_offers_stands_in_a_row(host):
    # `Server.tool(timeout)` speaks for `Server.tool` too.
    listed = {re.split(r"[(\[]", name)[0] for row in ROWS for name in names(row, host)}
    missing = sorted(HOSTS[host].everything() - listed)
    assert not missing, f"in no row of {MANIFEST.name}: {' '.join(missing)}"


@pytest.mark.parametrize("host,wrong", [
    ("rust", "Server::no_such_function"), ("rust", "NoSuchType"), ("rust", "Tool::remove_tool"),
    ("python", "Server.no_such_method"), ("python", "Server.tool(no_such_keyword)"), ("python", "HttpOptions[no_key]"),
    ("node", "Server.noSuchMethod"), ("node", "NoSuchType"), ("node", "Context.timeout"),
    ("c", "tenon_no_such_function"),
])
def test_a_name_that_does_not_exist_is_noticed(host, wrong):
    assert not HOSTS[host].has(wrong)


@pytest.mark.parametrize("proof", [
    "wire:no/such/transcript", "rust:core/tests/no_such_file.rs", "lua:core/tests",
    "c:tests/c/calls/elicit.c#no such text",
])
def test_a_proof_that_does_not_exist_is_noticed(proof):
    with pytest.raises(AssertionError):
        proven(proof)


def test_a_transcript_for_another_server_proves_nothing_of_a_host():
    assert proven("wire:settings/pages") == set()
