"""The public conformance suite as a program: which Node runs it, what a revision requires, what a run found.

The suite writes one folder `server-SCENARIO-TIME` per scenario with a `checks.json`: a list of checks, each with `id`,
`status` (SUCCESS, FAILURE, WARNING, SKIPPED, INFO) and, where it did not succeed, `errorMessage`. Standard library
only.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import processes  # noqa: E402

REVISIONS = ["2025-11-25", "2026-07-28"]
# Scenarios that are in no revision's requirements and run by name only. Before 2026-07-28 the suite's client tells of
# no extensions, so no server tells it of one, and every check is skipped.
BY_NAME = {
    "2026-07-28": ["sep-2640-skills-enumeration", "sep-2640-skills-manifest", "sep-2640-skills-directory"],
}
OLDEST_NODE = 22  # what the suite needs
NODE_MODULES = HERE.parent / "node_modules"
PROGRAM = NODE_MODULES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
TOKEN = "TENON_SUITE_TOKEN"
RUN_SECONDS = 300  # a run takes 2 s to 15 s; each scenario has the suite's own limit of 30 s
FOLDER = re.compile(r"server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z")


class SuiteError(Exception):
    """The suite could not be run, or said something that this module does not understand."""


@dataclass(frozen=True)
class Requirements:
    """The scenarios for servers of one revision. Those that are not scored have the suite's reason."""

    scored: list
    unscored: dict


def suite_node():
    """A Node that is new enough: the machine's own, or the one among the tests' npm packages."""
    candidates = [os.environ.get("TENON_SUITE_NODE"), shutil.which("node"),
                  *sorted(NODE_MODULES.glob("node-*/bin/node"))]
    for candidate in filter(None, candidates):
        said = subprocess.run([candidate, "--version"], capture_output=True, text=True).stdout
        found = re.match(r"v(\d+)\.", said)
        if found and int(found[1]) >= OLDEST_NODE:
            return str(candidate)
    raise SuiteError(f"the suite needs Node >= {OLDEST_NODE}: install it, or run `npm ci` in tests/ on Linux x64 or "
                     "arm64, which brings one, or name one in TENON_SUITE_NODE")


def _command(*arguments):
    if not PROGRAM.exists():
        raise SuiteError("the suite is not installed: run scripts/bootstrap.sh")
    # With a token in the environment, the suite's client sends it.
    preloaded = ["loopback.mjs", *(["token.mjs"] if TOKEN in os.environ else [])]
    imports = [word for name in preloaded for word in ("--import", str(HERE / name))]
    return [suite_node(), *imports, str(PROGRAM), *arguments]


def requirements(revision):
    """Reads `list --requirements`: server scenarios under one heading, those not scored under another by reason."""
    command = _command("list", "--requirements", revision)
    code, text = processes.run_to_end(command, RUN_SECONDS)
    if code != 0:
        raise SuiteError(f"{command} ended with {code}: {text[-2000:]}")
    found = parse_requirements(text)
    if not found.scored:
        raise SuiteError(f"no server scenarios in what `list` said: {text[:2000]}")
    return found


def parse_requirements(text):
    scored, unscored, part, reason = [], {}, None, None
    for line in text.splitlines():
        if line and not line.startswith(" "):
            part = line
        elif heading := re.fullmatch(r"  ([\w-]+) \(\d+\):", line):
            reason = heading[1]
        elif entry := re.fullmatch(r"\s+- (\S+)(?: \[(\w+)\])?", line):
            if entry[2] == "server":
                unscored[entry[1]] = reason
            elif entry[2] is None and part.startswith("Server scenarios"):
                scored.append(entry[1])
    return Requirements(scored, unscored)


def run(url, revision, folder):
    """Runs the suite against a server. Returns {scenario: [checks]}; `folder` keeps what the suite wrote and said."""
    return _run(url, ["--requirements", revision], folder)


def run_by_name(url, revision, folder):
    """The same for the scenarios that run by name only; forced, for the suite counts extensions to no revision."""
    results = {}
    for name in BY_NAME.get(revision, []):
        results |= _run(url, ["--scenario", name, "--spec-version", revision, "--force"], folder / name)
    return results


def _run(url, what, folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = _command("server", "--url", url, *what, "-o", str(folder))
    code, output = processes.run_to_end(command, RUN_SECONDS)
    (folder / "output.txt").write_text(output)
    if code is None:
        raise SuiteError(f"the suite did not end within {RUN_SECONDS} s")
    if code not in (0, 1):
        raise SuiteError(f"the suite ended with code {code}: {output[-2000:]}")
    return read_results(folder)


def read_results(folder):
    results = {}
    for path in sorted(folder.rglob("checks.json")):
        name = FOLDER.fullmatch(str(path.parent.relative_to(folder)))
        if not name:
            raise SuiteError(f"no scenario in the name of {path.parent}")
        results[name[1]] = json.loads(path.read_text())
    return results
