"""This engine beside other makers' libraries, and a C server beside the same in Rust: what a call costs each.

    beside.py python|node|c    measures, pinned to one core and unpinned, keeps both runs in docs/performance/beside,
                               and writes docs/performance.md

Standard library only.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from goals import ERAS, NAMES, USUAL, calls

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = ROOT / "docs" / "performance" / "beside"
BENCH = ROOT / "target" / "release" / "tenon-bench"
WAYS = {"pinned": [], "unpinned": ["--no-pin"]}


@dataclass
class Pair:
    """Two servers under the usual load; by era the most CPU per call that the first may take, × the second's."""

    ours: str
    theirs: str
    transport: str
    at_most: dict


def both(ours, theirs, at_most):
    return [Pair(ours, theirs, transport, dict.fromkeys(ERAS, at_most)) for transport in USUAL]


PAIRS = {
    "python": [
        Pair("python-def", "mcp-def", "stdio", dict.fromkeys(ERAS, 1 / 100)),
        Pair("python-async", "mcp-async", "stdio", dict.fromkeys(ERAS, 1 / 100)),
        Pair("python-def", "mcp-def", "http", {"legacy": 1 / 25, "modern": 1 / 18}),
        Pair("python-async", "mcp-async", "http", {"legacy": 1 / 20, "modern": 1 / 15}),
        *both("python-model", "mcp-model", 1 / 10),
    ],
    "node": [
        Pair("node-sync", "sdk-sync", "stdio", dict.fromkeys(ERAS, 1 / 15)),
        Pair("node-async", "sdk-async", "stdio", dict.fromkeys(ERAS, 1 / 15)),
        Pair("node-sync", "sdk-sync", "http", dict.fromkeys(ERAS, 1 / 20)),
        Pair("node-async", "sdk-async", "http", dict.fromkeys(ERAS, 1 / 20)),
        *both("node-zod", "sdk-zod", 1 / 5),
        *both("node-list", "sdk-list", 1 / 20),
    ],
    "c": [
        Pair("c-workers", "rust-async", "stdio", dict.fromkeys(ERAS, 1.2)),
        *both("c-inline", "rust-inline", 1.1),
    ],
}
# The short program that every target of the language is shown beside, where the run has it. Nothing is set.
BARE = {"python": "ceiling-python", "node": "ceiling-node"}
# How much more than in the engine's own run a start may take: ms of CPU beyond an empty program, and MiB resident.
ABOVE = dict.fromkeys(["python", "node"], {"beyond": 10.0, "resident_mib": 1.0})
# What a run takes in.
OPTIONS = {
    "python": ["--peers", "--only", "python,mcp", "--part", "calls,starts"],
    "node": ["--peers", "--only", "node,sdk", "--part", "calls,starts"],
    "c": ["--only", "c-,rust-", "--part", "calls,starts"],
}


def file_of(name, way):
    return KEPT / f"{name}-{way}.json"


def records(name):
    """{way: record} of the last measurement."""
    files = {way: file_of(name, way) for way in WAYS}
    return {way: json.loads(file.read_text()) for way, file in files.items() if file.exists()}


def of_one(factor):
    """A factor the way people say it."""
    return f"1/{1 / factor:.0f}" if factor < 0.5 else f"{factor:.2f}"


def bare(name, found):
    """The usual targets beside the bare program of their language."""
    other = BARE.get(name)
    ours = dict.fromkeys(pair.ours for pair in PAIRS[name])
    if not all(any(row["target"] == other for row in record["calls"]) for record in found.values()):
        return []
    pairs = [Pair(target, other, transport, dict.fromkeys(ERAS)) for target in ours for transport in USUAL]
    # Its answers are those of the tool that echoes a text.
    return [pair for pair in pairs if not pair.ours.endswith(("-list", "-model", "-zod"))]


def rows(name, found):
    yield "| | | " + " | ".join(f"{way}: µs, beside µs, of it" for way in found) + " | to reach | |\n|---|---|" + (
        "--:|" * len(found)
    ) + "---|---|"
    for pair in [*PAIRS[name], *bare(name, found)]:
        for era in ERAS:
            cells, reached = [], True
            for record in found.values():
                ours = calls(record, pair.ours, pair.transport, "cpu")[era]
                theirs = calls(record, pair.theirs, pair.transport, "cpu")[era]
                most = pair.at_most[era]
                ratio = f"{ours / theirs:.2f}" if most is None else of_one(ours / theirs)
                cells.append(f"{ours:.2f}, {theirs:.1f}, {ratio}")
                reached = reached and (most is None or ours / theirs <= most)
            bound = word = "–"
            if most is not None:
                bound, word = f"≤ {of_one(most)}", "reached" if reached else "**missed**"
            what = f"{NAMES[pair.ours]} beside {NAMES[pair.theirs]} | {pair.transport}, {era}"
            yield f"| {what} | {' | '.join(cells)} | {bound} | {word} |"


def starts(name, record, engine):
    """``engine`` is the engine's own run, which says what a start takes."""
    yield (
        "| start to the first answer | | ms of CPU beyond an empty program | to reach | MiB resident | to reach | |\n"
        "|---|---|--:|--:|--:|--:|---|"
    )
    own = {(start["target"], start["transport"]): start for start in engine["starts"]}
    for start in record["starts"]:
        said = own.get((start["target"], start["transport"]))
        cells, words = [], []
        for figure, places in (("beyond", 1), ("resident_mib", 1)):
            measured = round(start[figure], places)
            bound = "–"
            if said is not None and name in ABOVE:
                most = round(said[figure] + ABOVE[name][figure], places)
                bound = f"≤ {most:.{places}f}"
                words.append(measured <= most)
            cells += [f"{measured:.{places}f}", bound]
        word = "–" if not words else "reached" if all(words) else "**missed**"
        yield f"| {NAMES[start['target']]} | {start['transport']} | {' | '.join(cells)} | {word} |"


def block(name):
    """What stands between the markers of a name."""
    found = records(name)
    record = next(iter(found.values()))
    machine, versions = record["machine"], record["versions"]
    facts = [
        f"- Run of {record['date'][:10]}, commit {record['commit']}; medians of {record['rounds']} rounds; server CPU "
        f"per call with {USUAL['stdio']} in flight over stdio and {USUAL['http']} connections over HTTP",
        f"- {machine['cpu']}, {machine['cores']} cores; other processes used "
        + ", ".join(f"{each['machine']['others_cores']:.2f} cores ({way})" for way, each in found.items()),
        f"- {versions['python']}, Node {versions['node']}, {versions['rustc']}",
    ]
    if any(each["machine"]["busy"] for each in found.values()):
        facts.append("\n**The machine was busy during a run: its figures prove little.**")
    import page

    engine = json.loads(page.newest(page.HISTORY).read_text())
    return "\n\n".join("\n".join(part) for part in (facts, rows(name, found), starts(name, record, engine)))


def main(arguments):
    if len(arguments) != 1 or arguments[0] not in PAIRS:
        raise SystemExit(__doc__)
    [name] = arguments
    KEPT.mkdir(exist_ok=True)
    for way, options in WAYS.items():
        file = file_of(name, way)
        done = subprocess.run([BENCH, *OPTIONS[name], *options, "--rounds", "5", "--json", file], cwd=ROOT)
        if done.returncode:
            return done.returncode
    import page

    print(block(name))
    return page.main([])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
