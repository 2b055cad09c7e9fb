"""The page and the charts of a run: every row is there, and the numbers are those of the run."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

import beside  # noqa: E402
import charts  # noqa: E402
import goals  # noqa: E402
import page  # noqa: E402
import policies  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"
NAMES = re.findall(r'\btarget\(\s*"?([\w-]+)"?,', (HERE / "src" / "targets.rs").read_text())


def row(target, transport, era, ratio, in_flight=None):
    kind, language = ("ceiling" if target.startswith("ceiling") else "server"), target.split("-")[0]
    return {"target": target, "language": language, "kind": kind, "transport": transport, "era": era,
            "in_flight": in_flight or goals.USUAL[transport], "cpu": ratio * 10, "cpu_range": [ratio * 9, ratio * 11],
            "cpu_ratio": ratio, "calls_per_second": 1000.0, "p50": 10.0, "p99": 20.0, "p99_ratio": ratio / 2}


@pytest.fixture
def run():
    ratios = {"ceiling-rust": 1.0, "c-inline": 1.456, "node-sync": 3.25, "ceiling-node": 8.0}
    calls = [row(target, transport, era, ratio) for transport in goals.USUAL for era in goals.ERAS
             for target, ratio in ratios.items()]
    calls.append(row("c-inline", "http", "modern", 77.7, in_flight=1))
    machine = {"cpu": "Some CPU", "cores": 2, "pinned": True, "kernel": "6", "load_before": 0.1, "others_cores": 0.01,
               "stolen_cores": 0.0, "busy": False}
    starts = [{"target": "node-sync", "language": "node", "transport": transport, "cpu": 60.0, "empty":
               [["node", 40.0], ["node -e", 38.0]], "beyond": beyond, "resident_mib": 57.04}
              for transport, beyond in (("stdio", 14.9), ("http", 15.2))]
    return {"date": "2026-01-02T03:04:05Z", "commit": "0123456789ab", "changed": False, "profile": "release",
            "rounds": 9, "machine": machine, "versions": dict.fromkeys(("tenon", "rustc", "cc", "python", "node"), "1"),
            "calls": calls, "starts": starts, "idle_session": {"target": "rust-async", "sessions": 1000, "kib": 10.04},
            "library": {"stripped_bytes": 5_100_000}}


@pytest.fixture
def kept():
    """The newest run that is committed."""
    return json.loads(page.newest(page.HISTORY).read_text())


def drawn(svg):
    """By row: the width of its bar, and the figure beside it."""
    root = ElementTree.fromstring(svg)
    bars = {bar.get("data-row"): float(bar.get("width")) for bar in root.iter(f"{SVG}rect") if bar.get("data-row")}
    said = {text.get("data-figure"): text.text for text in root.iter(f"{SVG}text") if text.get("data-figure")}
    return root, bars, said


def expected(record, transport):
    return {f"{row['target']} {row['era']}": row["cpu_ratio"] for row in record["calls"]
            if row["transport"] == transport and row["in_flight"] == goals.USUAL[transport]}


@pytest.mark.parametrize("which", ["run", "kept"])
@pytest.mark.parametrize("theme", charts.COLOURS)
@pytest.mark.parametrize("transport", charts.TITLES)
def test_a_chart_draws_every_row_with_its_number(request, which, transport, theme):
    record = request.getfixturevalue(which)
    svg = charts.chart(record, transport, theme)
    assert svg == charts.chart(record, transport, theme), "the same run gives the same bytes"
    root, bars, said = drawn(svg)
    ratios = expected(record, transport)
    assert ratios and bars.keys() == said.keys() == ratios.keys()
    assert said == {name: f"{ratio:.2f}" for name, ratio in ratios.items()}
    scale = bars["ceiling-rust modern"] / ratios["ceiling-rust modern"]
    for name, ratio in ratios.items():
        assert bars[name] == pytest.approx(ratio * scale, abs=0.06 + 0.06 * ratio / 1.0), name
    right = max(float(bar.get("x")) + float(bar.get("width")) for bar in root.iter(f"{SVG}rect"))
    assert right <= charts.WIDTH and float(root.get("width")) == charts.WIDTH
    marks = [mark for mark in root.iter(f"{SVG}rect") if mark.get("data-bound")]
    bounds = {mark.get("data-bound"): float(mark.get("x")) for mark in marks}
    assert bounds.keys() == {name.split()[0] for name in ratios} & goals.CPU[transport].keys()
    for target, at in bounds.items():
        assert at + 1 == pytest.approx(charts.LEFT + goals.CPU[transport][target] * scale, abs=0.5)


def test_a_chart_can_be_read_aloud(run):
    root, _, _ = drawn(charts.chart(run, "http", "dark"))
    assert root.get("role") == "img" and root.get("aria-labelledby") == "title desc"
    title, description = (root.find(f"{SVG}{name}") for name in ("title", "desc"))
    assert title.get("id") == "title" and "bare hyper" in title.text
    for words in ("C, inline: 1.46 legacy, 1.46 modern", "Node, plain: 3.25 legacy", "bare Node: 8.00"):
        assert words in description.text


def test_a_chart_says_that_the_machine_was_busy(run):
    assert charts.BUSY not in charts.chart(run, "stdio", "light")
    run["machine"]["busy"] = True
    assert charts.BUSY in charts.chart(run, "stdio", "light")


def test_a_line_is_reached_if_all_of_its_figures_are(run):
    lines = {line.what: line for line in goals.lines(run)}
    words = {what: (line.reached(), line.to_reach) for what, line in lines.items()}
    assert words["HTTP, 16 connections: CPU per call, × bare hyper: C, inline"] == (True, 1.5)
    assert words["HTTP, 16 connections: CPU per call, × bare hyper: Node, plain"] == (False, 2.3)
    assert words["stdio, 64 in flight: CPU per call, × bare Rust loop: Node, plain"] == (True, None)
    assert words["HTTP, 16 connections: p99, × bare hyper in the same round: C, inline"] == (True, 2.0)
    assert words["start to first answer: ms of CPU beyond an empty program: Node"] == (False, 15.0)
    assert words["resident memory after it, MiB: Node"] == (True, 57.0)
    assert words["idle HTTP session with an open stream, KiB"] == (True, 10.0)
    assert words["`libtenon.so`, stripped, MB"] == (False, 5.0)
    assert not any("bare Node" in what for what in words)


def test_the_block_has_every_row_and_says_what_is_missed_and_when_the_machine_was_busy(run):
    text = page.block(run, Path("x.json"))
    assert "| C, inline | http | modern | 1 | 1000 | 777.00 | 699.30–854.70 | 77.70 | 10 | 20 | 38.85 |" in text
    assert len(re.findall(r"^\| .* \| (?:http|stdio) \| (?:legacy|modern) \|", text, re.M)) == len(run["calls"])
    assert "Node | 14.9 stdio, 15.2 http | ≤ 15 | **missed** |" in text
    assert "| Node, plain | stdio | 60.0 | 40.0, 38.0 (`node -e`) | 14.9 | 57.0 |" in text
    assert "busy" not in text
    run["machine"]["busy"] = True
    assert "**The machine was busy during this run" in page.block(run, Path("x.json"))
    begin, end = "<!-- it:begin -->", "<!-- it:end -->"
    assert page.put(f"a\n{begin}\nold\n{end}\nb\n", "new", "it") == f"a\n{begin}\nnew\n{end}\nb\n"
    with pytest.raises(SystemExit):
        page.put("nothing", "new")


def test_what_is_measured_has_a_name_and_what_is_to_be_reached_is_measured():
    assert len(NAMES) >= 9 and goals.NAMES.keys() >= {name for name in NAMES if name != "LEAST"} | {"ceiling-rust"}


def test_a_pair_says_how_much_of_the_others_time_it_takes(run):
    cpu = {"python-def": 4.0, "mcp-def": 420.0}
    rows = [
        {"target": target, "transport": transport, "era": era, "in_flight": beside.USUAL[transport],
         "cpu": cpu.get(target, 5.0 if target.startswith("python") else 80.0)}
        for pair in beside.PAIRS["python"] for target in (pair.ours, pair.theirs)
        for transport in beside.USUAL for era in beside.ERAS
    ]  # fmt: skip
    lines = list(beside.rows("python", {"pinned": {"calls": rows}}))
    def_row = "| Python, `def` beside PyPI `mcp`, `def` | stdio, legacy | 4.00, 420.0, 1/105 | ≤ 1/100 | reached |"
    async_row = "`async def` | http, modern | 5.00, 80.0, 1/16 | ≤ 1/15 | reached |"
    assert def_row in lines and any(line.endswith(async_row) for line in lines)
    assert sum("**missed**" in line for line in lines) == 3 and beside.of_one(1.2) == "1.20"


def test_the_bare_program_stands_beside_and_judges_nothing(run):
    rows = [
        {"target": target, "transport": transport, "era": era, "in_flight": beside.USUAL[transport], "cpu": cpu}
        for target, cpu in [("ceiling-python", 20.0), ("python-def", 5.0), ("python-async", 30.0)]
        for transport in beside.USUAL for era in beside.ERAS
    ]  # fmt: skip
    found = {"pinned": {"calls": rows + [
        {**row, "target": target, "cpu": 900.0} for row in rows[:4]
        for target in ("mcp-def", "mcp-async", "mcp-model", "python-model")
    ]}}  # fmt: skip
    lines = list(beside.rows("python", found))
    assert "| Python, `def` beside bare asyncio | stdio, modern | 5.00, 20.0, 0.25 | – | – |" in lines
    assert "| Python, `async def` beside bare asyncio | http, legacy | 30.00, 20.0, 1.50 | – | – |" in lines
    assert not any("model beside bare" in line for line in lines)


def test_a_start_is_judged_by_the_engines_own_run(run):
    def start(target, beyond, resident):
        return {"target": target, "transport": "stdio", "beyond": beyond, "resident_mib": resident}

    engine = {"starts": [start("python-def", 7.8, 13.0)]}
    for beyond, resident, word in [(17.8, 14.04, "reached"), (17.9, 13.0, "**missed**"), (1.0, 14.1, "**missed**")]:
        record = {"starts": [start("python-def", beyond, resident), start("mcp-def", 600.0, 60.0)]}
        _, own, other = beside.starts("python", record, engine)
        assert own == f"| Python, `def` | stdio | {beyond:.1f} | ≤ 17.8 | {resident:.1f} | ≤ 14.0 | {word} |"
        assert other == "| PyPI `mcp`, `def` | stdio | 600.0 | – | 60.0 | – | – |"


def test_every_pair_is_measured():
    measured = {name for pairs in beside.PAIRS.values() for pair in pairs for name in (pair.ours, pair.theirs)}
    assert measured <= set(NAMES)


def test_the_page_and_the_charts_are_those_of_the_newest_run():
    done = subprocess.run([sys.executable, HERE / "page.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_shows_every_chart_in_both_themes():
    readme = (ROOT / "README.md").read_text()
    shown = set(re.findall(r'(?:src|srcset)="docs/performance/([^"]+)"', readme))
    assert shown == {f"{transport}-{theme}.svg" for transport in charts.TITLES for theme in charts.COLOURS}
    for transport in charts.TITLES:
        assert f'media="(prefers-color-scheme: dark)" srcset="docs/performance/{transport}-dark.svg"' in readme


@pytest.fixture
def guarded(run):
    """A run of `make bench-policies` in which each goal is reached in one era and just missed in the other."""
    def near(value):
        return {"median": value, "lowest": value * 0.9, "highest": value * 1.1}

    def pair(variant, target, era, bound=1.0):
        # Differences miss it in the legacy era, factors in the modern one.
        ratio, more = (bound, bound + 0.001) if era == "legacy" else (bound + 0.001, bound)
        return {"target": target, "era": era, "variant": variant, "without": near(10.0), "with": near(11.0),
                "ratio": near(ratio), "more": near(more)}

    cells = [pair(variant, target, era, *(goal or ())[1:]) for variant, (eras, by_target) in goals.POLICIES.items()
             for target, goal in by_target.items() for era in eras]
    cold = [{"name": "ES256", "tokens": 10, "token_bytes": 401, "verify": near(70.0), "known": near(9.0),
             "more": near(80.0)}]
    return {**run, "calls": 20000, "in_flight": 16, "measurements": 90, "disturbed": 3, "pairs": cells, "cold": cold,
            "instructions": {"http-modern": 30000, "http-scopes": 41000}}


@pytest.fixture
def older(guarded):
    """A run from before there were variants."""
    names = {"auth and a rule": True, "twice the same": False}
    rows = [row for row in guarded["pairs"] if row["variant"] in names]
    for row in rows:
        row["policies"] = names[row.pop("variant")]
    return {**guarded, "pairs": rows}


def test_what_policies_may_cost_is_a_factor_for_python_and_a_difference_for_c(guarded, capsys):
    assert policies.verdict(guarded) == 8
    said = capsys.readouterr().out
    for line in (
        "ok     auth and a rule python-def    legacy  1.100 (0.990–1.210) × of the server without, at most 1.1",
        "FAILED auth and a rule python-async  modern  1.101",
        "FAILED auth and a rule c-inline      legacy  1.001",
        "ok     auth and a rule c-inline      modern  1.000",
        "FAILED limits          python-def    modern  1.151",
        "FAILED limits          c-inline      legacy  2.001 (1.801–2.201) µs more, at most 2",
        "ok     all             python-async  legacy  1.250",
        "FAILED all             python-def    modern  1.251",
        "ok     cache hit       c-inline      legacy  3.000 (2.700–3.300) × of `ping`, at most 3",
        "10 passed, 8 failed",
    ):
        assert line in said, line
    assert not any(word in said for word in ("twice", "all             c-inline"))


def test_everything_is_to_be_measured_whether_it_has_a_goal_or_not(guarded, capsys):
    assert policies.smoke(guarded) == 0
    assert capsys.readouterr().out.endswith("not measured: nothing\n1 passed, 0 failed\n")
    absent = [
        ("limits", "python-def", "modern"), ("all", "c-inline", "legacy"), ("twice the same", "c-inline", "modern"),
    ]  # fmt: skip
    guarded["pairs"] = [row for row in guarded["pairs"] if policies.cell(row) not in absent]
    assert policies.smoke(guarded) == 1 and "0 passed, 3 failed" in capsys.readouterr().out
    assert policies.verdict(guarded) == 7 + 3
    said = capsys.readouterr().out
    for cell in absent:
        assert f"FAILED {policies.named(cell)} was not measured" in said


def test_the_page_has_every_row_of_a_run_of_policies(guarded):
    text = policies.block(guarded, Path("x.json"))
    for line in (
        "| C, inline | legacy | 10.00 | 11.00 | 1.000 (0.900–1.100) | 1.00 (0.90–1.10) | ≤ 1 µs more | **missed** |",
        "| C, inline: limits and a cache | modern | 10.00 | 11.00 | 2.001 (1.801–2.201) | 2.00 (1.80–2.20) | "
        "≤ 2 µs more | reached |",
        "| Python, `def`: limits and a cache | modern | 10.00 | 11.00 | 1.151 (1.036–1.266) | 1.15 (1.03–1.26) | "
        "ratio ≤ 1.15 | **missed** |",
        "| C, inline: all of these and audit events | modern | 10.00 | 11.00 | 1.001 (0.901–1.101) | "
        "1.00 (0.90–1.10) | – | – |",
        "| Python, `def`: cached result, beside `ping` | legacy | 10.00 | 11.00 | 3.000 (2.700–3.300) | "
        "3.00 (2.70–3.30) | ratio ≤ 3.00 | reached |",
        "| C, inline: twice the same server | modern | 10.00 | 11.00 | 1.001 (0.901–1.101) | 1.00 (0.90–1.10) | – | – "
        "|",
    ):
        assert line in text, line
    assert len(re.findall(r"^\| .* \| (?:legacy|modern) \|", text, re.M)) == len(guarded["pairs"]) == 22
    assert "| ES256 | 401 | 70.0 (63.0–77.0) | 9.0 | 80.0 (72.0–88.0) |" in text and "11,000 more" in text
    assert "disturbed 3 of 90 measurements" in text and "busy" not in text
    guarded["machine"]["busy"] = True
    assert "**The machine was busy during this run" in policies.block(guarded, Path("x.json"))


def test_an_older_run_is_read_and_judged_by_what_it_has(older, capsys):
    assert policies.verdict(older) == 3 + 14
    said = capsys.readouterr().out
    assert "FAILED auth and a rule python-def    modern  1.101" in said and "3 passed, 17 failed" in said
    assert "FAILED limits          python-def    legacy  was not measured" in said
    text = policies.block(older, Path("x.json"))
    assert "| Python, `def` | legacy |" in text and "| Python, `def`: twice the same server | modern |" in text


def test_variants_are_those_that_the_benchmark_measures():
    named = re.findall(r'name: "([^"]+)"', (HERE / "src" / "policies" / "variants.rs").read_text())
    assert named == list(goals.POLICIES) and policies.LABELS.keys() == goals.POLICIES.keys()
