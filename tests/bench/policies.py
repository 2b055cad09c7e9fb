"""What authentication, one rule of access, limits, caches and audit events cost: CPU per call beside the same server
without, and each verification.

    policies.py            measures the profile release, keeps the run in docs/performance/policies, and writes
                           docs/performance.md; fails if a goal is missed
    policies.py --quick    a smoke test of the profile ci, which judges nothing and keeps nothing
    policies.py --show     judges the newest run that is kept

Closing line: `N passed, N failed`. Standard library only.
"""

import json
import subprocess
import sys
from pathlib import Path

import page
from goals import NAMES, POLICIES

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = ROOT / "docs" / "performance" / "policies"
# The path of a call over HTTP without policies, and the same with a verified token and a rule.
PATHS = ("http-modern", "http-scopes")
# How the page tells the variants apart.
LABELS = {
    "auth and a rule": "",
    "limits": ": limits and a cache",
    "all": ": all of these and audit events",
    "cache hit": ": cached result, beside `ping`",
    "twice the same": ": twice the same server",
}


def bench(profile, *options):
    return subprocess.run([ROOT / "target" / profile / "tenon-bench", "policies", *options], cwd=ROOT).returncode


def instructions():
    """How many instructions a call takes by callgrind, with and without, in the profile of the tests."""
    sys.path.insert(0, str(ROOT / "tests" / "instructions"))
    import run

    return run.count_all(run.target() / "ci" / run.DRIVER, PATHS)


def variant(row):
    """What the row is of. Older runs only say whether there were authentication and a rule."""
    return row["variant"] if "variant" in row else "auth and a rule" if row["policies"] else "twice the same"


def cell(row):
    return variant(row), row["target"], row["era"]


def judged(record):
    """The rows with a goal: (row, figure, bound, reached)."""
    for row in record["pairs"]:
        _, by_target = POLICIES[variant(row)]
        if goal := by_target.get(row["target"]):
            figure, bound = goal
            yield row, figure, bound, round(row[figure]["median"], 3) <= bound


def spread(figure, places):
    return f"{figure['median']:.{places}f} ({figure['lowest']:.{places}f}–{figure['highest']:.{places}f})"


def pairs(record):
    yield (
        "| server | era | µs without | µs with | ratio (lowest–highest) | µs more (lowest–highest) | to reach | |\n"
        "|---|---|--:|--:|--:|--:|---|---|"
    )
    verdicts = {cell(row): (figure, bound, good) for row, figure, bound, good in judged(record)}
    order = list(POLICIES)
    for row in sorted(record["pairs"], key=lambda row: order.index(variant(row))):
        name, bound, word = NAMES[row["target"]] + LABELS[variant(row)], "–", "–"
        if cell(row) in verdicts:
            figure, most, good = verdicts[cell(row)]
            bound = f"ratio ≤ {most:.2f}" if figure == "ratio" else f"≤ {most:g} µs more"
            word = "reached" if good else "**missed**"
        yield (
            f"| {name} | {row['era']} | {row['without']['median']:.2f} | {row['with']['median']:.2f} "
            f"| {spread(row['ratio'], 3)} | {spread(row['more'], 2)} | {bound} | {word} |"
        )


def cold(record):
    yield (
        "| credentials | bytes | µs to verify (lowest–highest) | µs of a call that the server knows them in "
        "| µs more of a call with new ones (lowest–highest) |\n|---|--:|--:|--:|--:|"
    )
    for row in record["cold"]:
        yield (
            f"| {row['name']} | {row['token_bytes']} | {spread(row['verify'], 1)} | {row['known']['median']:.1f} "
            f"| {spread(row['more'], 1)} |"
        )


def counted(record):
    without, guarded = (record["instructions"][path] for path in PATHS)
    yield (
        f"By callgrind, a call over HTTP without a socket takes {without:,} instructions (`{PATHS[0]}`), and "
        f"{guarded:,} with a verified token and a rule (`{PATHS[1]}`): {guarded - without:,} more. Most of these are "
        "the digest of the token: valgrind's processor has no instructions for SHA-256, and real ones need a fraction."
    )


def block(record, file):
    """What stands between the markers of the page."""
    facts = [
        *page.run_facts(record, f"performance/policies/{file.name}"),
        f"- {record['calls']:,} calls of each server in a round, on {record['in_flight']} connections; other "
        f"processes disturbed {record['disturbed']} of {record['measurements']} measurements",
    ]
    if record["machine"]["busy"]:
        facts.append("\n**The machine was busy during this run: its figures are too high, and prove nothing.**")
    return "\n\n".join("\n".join(part) for part in (facts, pairs(record), counted(record), cold(record)))


def verdict(record):
    """Prints each goal with its figure; returns how many are missed."""
    passed = failed = 0
    for row, figure, bound, good in judged(record):
        passed, failed = passed + good, failed + (not good)
        beside = "`ping`" if variant(row) == "cache hit" else "the server without"
        unit = f"× of {beside}" if figure == "ratio" else "µs more"
        print(f"{'ok' if good else 'FAILED':6} {named(cell(row))} {spread(row[figure], 3)} {unit}, at most {bound:g}")
    missing = unmeasured(record)
    for absent in missing:
        print(f"FAILED {named(absent)} was not measured")
    print("The medians of CPU time decide. For servers that declare nothing, the stage `instructions` compares the "
          "counts with tests/instructions/baselines.json.")
    print(f"{passed} passed, {failed + len(missing)} failed")
    return failed + len(missing)


def named(cell):
    return "{:15} {:13} {:7}".format(*cell)


def unmeasured(record):
    """What the run does not have, whether there is a goal for it or not."""
    wanted = {(name, target, era) for name, (eras, goals) in POLICIES.items() for target in goals for era in eras}
    return sorted(wanted - {cell(row) for row in record["pairs"]})


def smoke(record):
    """Says whether everything was measured, whatever the figures are."""
    missing = unmeasured(record)
    shown = len(list(pairs(record))) + len(list(cold(record)))
    print(f"{shown} lines for the page; not measured: {', '.join(map(' '.join, missing)) or 'nothing'}")
    print(f"{0 if missing else 1} passed, {len(missing)} failed")
    return 1 if missing else 0


def main(arguments):
    made = ROOT / "build" / "bench" / "policies.json"
    if arguments == ["--quick"]:
        code = bench("ci", "--quick", "--json", made)
        return code or smoke(json.loads(made.read_text()))
    if arguments == ["--show"]:
        return 1 if verdict(json.loads(page.newest(KEPT).read_text())) else 0
    if arguments:
        raise SystemExit(__doc__)
    if code := bench("release", "--json", made):
        return code
    record = {**json.loads(made.read_text()), "instructions": instructions()}
    KEPT.mkdir(exist_ok=True)
    file = KEPT / f"{record['date'].replace(':', '')}-{record['commit']}.json"
    file.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    page.main([])
    print("\n".join(counted(record)), f"kept: {file.relative_to(ROOT)}", "", sep="\n")
    return 1 if verdict(record) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
