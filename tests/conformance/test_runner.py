"""The runner itself: what it takes for a pass, and that the suite's failures reach its reader."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import run as runner
import suite
import verdict

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))

import processes  # noqa: E402

NOTHING = {"pending": {}, "fail": {}, "skip": {}}
REVISION = "2026-07-28"
REQUIRED = suite.Requirements(scored=["one"], unscored={"extra": "pending"})


def check(status, identity="check", **more):
    return {"id": identity, "status": status, "description": "What it looks at", **more}


def judge(checks, **expected):
    document = {**NOTHING, **{kind: {REVISION: names} for kind, names in expected.items()}}
    results = {"one": checks, "extra": [check("SUCCESS")]}
    return verdict.judge(REQUIRED, results, verdict.Expected(document, "python"), REVISION)


def line(scenarios):
    return verdict.summary("python", REVISION, scenarios)


def test_successes_with_information_pass():
    scenarios = judge([check("SUCCESS"), check("INFO")])
    assert line(scenarios) == "python 2026-07-28 scored 1/1 unscored 1/1 warnings 0"
    assert all(scenario.as_expected for scenario in scenarios)


@pytest.mark.parametrize("checks", [
    [check("SUCCESS"), check("FAILURE", errorMessage="why")],
    [check("SUCCESS"), check("WARNING", errorMessage="why")],
    [check("SUCCESS"), check("SKIPPED", errorMessage="why")],
    [check("INFO")],
    [],
    None,
])
def test_all_else_fails(checks):
    scenario = judge(checks)[0]
    assert not scenario.passed and not scenario.as_expected
    assert len(scenario.problems) == 1


def test_warnings_are_counted():
    scenarios = judge([check("SUCCESS"), check("WARNING"), check("WARNING")])
    assert line(scenarios) == "python 2026-07-28 scored 0/1 unscored 1/1 warnings 2"


def test_a_scenario_may_fail_with_a_reason_until_it_passes():
    failing = judge([check("FAILURE")], fail={"one": "not built yet"})[0]
    assert failing.as_expected and not failing.passed
    passing = judge([check("SUCCESS")], fail={"one": "not built yet"})[0]
    assert passing.passed and not passing.as_expected


def test_a_reason_may_hold_for_some_hosts():
    elsewhere = {"reason": "not built yet", "hosts": ["c"]}
    assert not judge([check("FAILURE")], fail={"one": elsewhere})[0].as_expected
    here = {"reason": "not built yet", "hosts": ["c", "python"]}
    assert judge([check("FAILURE")], fail={"one": here})[0].as_expected


def test_a_check_may_be_skipped_with_a_reason():
    skip = {"one": {"check": "not built yet"}}
    assert judge([check("SUCCESS"), check("SKIPPED")], skip=skip)[0].passed
    assert not judge([check("SUCCESS"), check("SKIPPED", "other")], skip=skip)[0].passed
    assert not judge([check("SUCCESS"), check("FAILURE")], skip=skip)[0].passed


def test_names_the_suite_does_not_know_are_failures():
    assert [s.name for s in judge([check("SUCCESS")], fail={"gone": "why"}) if not s.passed] == ["gone"]


def test_what_runs_by_name_has_to_be_checked():
    names = suite.Requirements([], dict.fromkeys(["one", "two", "three"], "by name"))
    results = {"one": [check("SUCCESS"), check("SUCCESS")], "two": [check("SUCCESS"), check("SKIPPED")]}
    scenarios = verdict.judge(names, results, verdict.Expected(NOTHING, "python"), REVISION)
    assert verdict.by_name("python", REVISION, scenarios) == "python 2026-07-28 by name 1/3 checks 3"
    assert [scenario.as_expected for scenario in scenarios] == [True, False, False]


def test_every_scenario_of_the_list_is_one_of_the_suite():
    document = json.loads((Path(__file__).parent / "expected.json").read_text())
    for revision in suite.REVISIONS:
        required = suite.requirements(revision)
        assert verdict.Expected(document, "python").names(revision) <= {*required.scored, *required.unscored}
    assert set(document["pending"]) <= set(runner.HOSTS)


def test_requirements_are_those_of_the_pinned_suite():
    legacy, modern = (suite.requirements(revision) for revision in suite.REVISIONS)
    assert [len(legacy.scored), len(legacy.unscored)] == [30, 3]
    assert [len(modern.scored), len(modern.unscored)] == [37, 13]
    assert legacy.unscored["server-sse-polling"] == "pending"


def test_a_pending_host_with_a_fixture_is_a_failure(capsys):
    tally = runner.Tally()
    hosts, runner.HOSTS = runner.HOSTS, {"python": [__file__]}
    try:
        runner.run_host("python", [], {}, {**NOTHING, "pending": {"python": "why"}}, tally, False)
    finally:
        runner.HOSTS = hosts
    assert tally.failed == 1 and "pending" in capsys.readouterr().out


def test_a_server_that_can_do_little_fails_most_of_the_suite():
    with processes.HttpServer([sys.executable, "tests/conformance/control.py"]) as server:
        # One revision is enough: the other takes three times as long.
        arguments = ["--url", server.url, "--name", "control", "--revisions", "2025-11-25"]
        command = [sys.executable, "tests/conformance/run.py", *arguments]
        done = subprocess.run(command, cwd=processes.ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    score = re.search(r"^control 2025-11-25 scored (\d+)/30 unscored \d/3 warnings \d+$", done.stdout, re.M)
    assert 2 <= int(score[1]) <= 10, done.stdout
    passed, failed = re.search(r"^(\d+) passed, (\d+) failed$", done.stdout, re.M).groups()
    assert int(passed) + int(failed) == 30 + 3
    # The tool that is there passes, the one that is missing fails with the suite's words.
    assert "FAIL tools-call-simple-text" not in done.stdout
    assert re.search(r"^    FAIL tools-call-image\n +FAILURE tools-call-image: .+", done.stdout, re.M)


def test_a_server_that_answers_without_a_token_is_no_test_of_tokens():
    with processes.HttpServer([sys.executable, "tests/conformance/control.py"]) as server:
        with pytest.raises(suite.SuiteError, match="answers a request without a token"):
            runner.check_refusal("control", server.url)


def test_the_suite_sends_its_token_with_every_request():
    script = """
        import http from 'node:http'
        import { request } from 'undici'
        const server = http.createServer((got, answer) => answer.end(got.headers.authorization)).listen(0, '127.0.0.1')
        await new Promise((resolve) => server.once('listening', resolve))
        const url = `http://127.0.0.1:${server.address().port}/`
        console.log(await (await fetch(url)).text())
        console.log(await (await request(url, { method: 'POST', body: '{}' })).body.text())
        await new Promise((resolve) => http.request(url, (answer) => {
          answer.on('data', (text) => console.log(`${text}`)).on('end', resolve)
        }).end('x'))
        process.exit()"""
    preloaded = ["--import", str(Path(__file__).parent / "token.mjs")]
    command = [suite.suite_node(), *preloaded, "--input-type=module", "-e", script]
    done = subprocess.run(command, cwd=suite.NODE_MODULES.parent, capture_output=True, text=True,
                          env={**os.environ, suite.TOKEN: "secret"})
    assert done.stdout == "Bearer secret\n" * 3, done.stderr


def test_what_the_suite_opens_is_on_loopback():
    script = "const s = require('http').createServer(); s.listen(0); console.log(s.address().address); s.close()"
    for node in {suite.suite_node(), processes.NODE}:
        command = [node, "--import", str(Path(__file__).parent / "loopback.mjs"), "-e", script]
        assert subprocess.run(command, capture_output=True, text=True).stdout == "127.0.0.1\n"
