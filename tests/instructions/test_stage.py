"""The stage itself: it stays green on an unchanged tree and names the path that got dearer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import run as stage

RUN = Path(__file__).with_name("run.py")


@pytest.fixture
def count(tmp_path):
    """Runs the stage on a few paths, with baselines of its own."""
    baselines = tmp_path / "baselines.json"

    def call(*arguments):
        command = [sys.executable, str(RUN), "--baselines", str(baselines), *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    call.baselines = baselines
    return call


def test_an_unchanged_tree_passes_twice_in_a_row(count):
    assert count("--update", "dispatch", "http-modern")[0] == 0
    first, second = count("dispatch", "http-modern"), count("dispatch", "http-modern")
    assert first == second, "the counts differ between two runs"
    assert first[0] == 0 and first[1].endswith("2 passed, 0 failed\n"), first


def test_a_path_that_does_more_work_fails_by_its_name_with_both_numbers(count):
    assert count("--update", "scan", "list")[0] == 0
    (key,) = known = json.loads(count.baselines.read_text())
    before = known[key]["scan"]
    code, said = count("--slower", "scan", "scan", "list")
    assert code == 1, said
    (line,) = [line for line in said.splitlines() if line.startswith("FAILED")]
    word, path, now, *rest = line.split()
    assert path == "scan" and f"baseline {before}," in line and int(now) > before * 1.06, line
    assert said.endswith("1 passed, 1 failed\n"), said


def test_fewer_instructions_pass_and_ask_for_a_new_baseline(count):
    assert count("--update", "list")[0] == 0
    (key,) = known = json.loads(count.baselines.read_text())
    known[key]["list"] = round(known[key]["list"] * 1.1)
    count.baselines.write_text(json.dumps(known))
    code, said = count("list")
    assert code == 0 and "update-instructions" in said, said


def test_just_above_the_bound_fails_and_just_below_passes(capsys):
    assert stage.compare({"scan": 10499}, {"scan": 10000}, "baseline") == 0
    assert stage.compare({"scan": 10501}, {"scan": 10000}, "baseline") == 1
    assert "FAILED scan" in capsys.readouterr().out


def test_a_path_may_take_only_so_much_more_than_the_one_beside_it(capsys):
    assert stage.compare_beside({"rust-inline": 10000, "c-inline": 10500}) == (1, 0)
    assert stage.compare_beside({"rust-inline": 10000, "c-inline": 10501}) == (0, 1)
    assert "FAILED c-inline" in capsys.readouterr().out
    assert stage.compare_beside({"c-inline": 10501}) == (0, 0)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository of two commits, in place of this one; returns git."""
    monkeypatch.setattr(stage, "ROOT", tmp_path)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]

    def git(*arguments):
        done = subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / stage.BASELINES.parent).mkdir(parents=True)
    for n in [100, 120]:
        (tmp_path / stage.BASELINES).write_text(json.dumps({"machine": {"scan": n, "list": 50}}))
        git("add", ".")
        git("commit", "-q", "-m", "x")
    return git


def test_without_a_baseline_the_parent_is_compared_with_or_head_under_changes(repository):
    assert stage.parent() == repository("rev-parse", "HEAD~1")
    (stage.ROOT / stage.BASELINES).write_text("{}")
    assert stage.parent() == repository("rev-parse", "HEAD")


def test_what_a_commit_declares_in_the_baselines_is_allowed_on_other_machines(repository):
    factors = stage.declared(stage.parent(), json.loads((stage.ROOT / stage.BASELINES).read_text()))
    assert factors == {"scan": 1.2, "list": 1}


def test_a_first_commit_has_no_parent(repository):
    repository("checkout", "-q", "HEAD~1")
    assert stage.parent() is None
