"""Puts the newest run in docs/performance into docs/performance.md, and draws its charts beside it.

    page.py           writes
    page.py --check   fails if anything written differs from what the newest run says

Closing line of the check: `N passed, N failed`. Standard library only.
"""

import json
import sys
from pathlib import Path

import beside
import policies
from charts import files
from goals import NAMES, lines

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "performance.md"
HISTORY = ROOT / "docs" / "performance"


def newest(folder):
    """The run with the latest date; names begin with it."""
    runs = sorted(folder.glob("*.json"))
    if not runs:
        raise SystemExit(f"page: no run in {folder}")
    return runs[-1]


def figure(value, places):
    return "–" if value is None else f"{value:.{places}f}"


def run_facts(record, path):
    """When, where and of what a run was."""
    machine, versions = record["machine"], record["versions"]
    pinned = "server pinned to one, load client to another" if machine["pinned"] else "not pinned"
    changed = " with changes" if record["changed"] else ""
    yield (
        f"- Run of {record['date'][:10]}, commit {record['commit']}{changed}: [{Path(path).name}]({path}); "
        f"medians of {record['rounds']} rounds, profile `{record['profile']}`"
    )
    yield f"- CPU: {machine['cpu']}, {machine['cores']} cores; {pinned}"
    yield (
        f"- Kernel: Linux {machine['kernel']}; load average before the run {machine['load_before']:.2f}; during it "
        f"other processes used {machine['others_cores']:.2f} cores, and the hypervisor kept "
        f"{machine['stolen_cores']:.2f}"
    )
    yield (
        f"- Versions: tenon {versions['tenon']}, {versions['rustc']}, {versions['cc']}, {versions['python']}, "
        f"Node {versions['node']}"
    )


def facts(record, file):
    yield from run_facts(record, f"performance/{file.name}")
    if record["machine"]["busy"]:
        yield "\n**The machine was busy during this run: its figures are too high, and prove nothing.**"


def goals(record):
    yield "| | measured | to reach | |\n|---|---|--:|---|"
    for line in lines(record):
        each = ", ".join(f"{figure(value, line.places)} {of}".strip() for of, value in line.figures.items())
        bound = "–" if line.to_reach is None else f"≤ {line.to_reach:g}"
        word = "" if line.to_reach is None else "reached" if line.reached() else "**missed**"
        yield f"| {line.what} | {each} | {bound} | {word} |"


def calls(record):
    yield (
        "| target | transport | era | in flight | calls/s | server CPU µs/call | (lowest–highest round) "
        "| × bare Rust | p50 µs | p99 µs | p99 × bare Rust |\n|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    for row in record["calls"]:
        low, high = row["cpu_range"]
        yield (
            f"| {NAMES[row['target']]} | {row['transport']} | {row['era']} | {row['in_flight']} "
            f"| {row['calls_per_second']:.0f} | {row['cpu']:.2f} | {low:.2f}–{high:.2f} "
            f"| {figure(row['cpu_ratio'], 2)} | {row['p50']:.0f} | {row['p99']:.0f} "
            f"| {figure(row['p99_ratio'], 2)} |"
        )


def starts(record):
    yield (
        "| target | transport | ms of CPU to the first answer | an empty program | beyond it | MiB resident |\n"
        "|---|---|--:|--:|--:|--:|"
    )
    for start in record["starts"]:
        first, *others = start["empty"]
        empty = ", ".join([f"{first[1]:.1f}", *(f"{cpu:.1f} (`{name}`)" for name, cpu in others)])
        yield (
            f"| {NAMES[start['target']]} | {start['transport']} | {start['cpu']:.1f} | {empty} "
            f"| {start['beyond']:.1f} | {start['resident_mib']:.1f} |"
        )


def block(record, file):
    """What stands between the markers."""
    tables = (facts(record, file), goals(record), calls(record), starts(record))
    return "\n\n".join("\n".join(table) for table in tables)


def put(page, text, name="bench"):
    before, begin, rest = page.partition(f"<!-- {name}:begin -->")
    _, end, after = rest.partition(f"<!-- {name}:end -->")
    if not end:
        raise SystemExit(f"page: no <!-- {name}:begin --> … <!-- {name}:end -->")
    return f"{before}{begin}\n{text}\n{end}{after}"


def written():
    """Every file that is made from the newest run, with what it is to hold."""
    file = newest(HISTORY)
    record = json.loads(file.read_text())
    page = put(PAGE.read_text(), block(record, file))
    for name in beside.PAIRS:
        if beside.records(name):
            page = put(page, beside.block(name), f"beside-{name}")
    if any(policies.KEPT.glob("*.json")):
        file = newest(policies.KEPT)
        page = put(page, policies.block(json.loads(file.read_text()), file), "policies")
    yield PAGE, page
    for name, svg in files(record).items():
        yield HISTORY / name, svg


def main(arguments):
    passed = failed = 0
    for path, text in written():
        if "--check" not in arguments:
            path.write_text(text)
        elif path.exists() and path.read_text() == text:
            passed += 1
        else:
            failed += 1
            print(f"FAILED {path.relative_to(ROOT)} differs from the newest run (tests/bench/page.py writes it)")
    if "--check" in arguments:
        print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
