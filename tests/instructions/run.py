"""Counts the instructions of each path of the engine and compares them with what is committed.

    run.py                    all paths against baselines.json; fails above +5 %
    run.py PATH…              only these
    run.py --update           writes the counts into baselines.json, for this machine
    run.py --against-parent   compares with the parent commit, as on a machine that has no baseline
    run.py --slower PATH      makes that path do more work, which must fail
    run.py --baselines FILE   other baselines

The driver must have been built (stage build-rust). A baseline is good for one compiler, C library and set of processor
features: the compiler decides what is run, and the C library and others choose code by what valgrind's processor, which
hides the newest features of the real one, reports. Settings of the build in the environment belong to the key too.

Without a baseline the counts of the parent commit are taken, or those of HEAD when there are uncommitted changes. A
change that the same commit declared, by changing a baseline, is allowed there as well. Closing line: `N passed, N
failed`. Standard library only.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BASELINES = Path("tests/instructions/baselines.json")
SCRATCH = ROOT / "build" / "instructions"
DRIVER = "tenon-instructions"
# The driver's function inside which instructions count.
COUNTED = "tenon_counted"
ALLOWED = 0.05
# What a path may take beyond another one, whatever both took before.
BESIDE = {"c-inline": ("rust-inline", 500)}
SECONDS = 120
# Settings of the build that change what is compiled.
SETTINGS = re.compile(r"RUSTFLAGS|CARGO_ENCODED_RUSTFLAGS|CARGO_BUILD_RUSTFLAGS|CARGO_PROFILE_CI_.*")


def target():
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def run(command, **more):
    """Runs a program that must succeed; returns what it wrote."""
    words = [str(word) for word in command]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, **more)
    if done.returncode:
        raise SystemExit(f"instructions: {' '.join(words)} ended with {done.returncode}\n{done.stderr[-4000:]}")
    return done


def valgrind(*arguments):
    # A bare environment: its size decides where the stack begins.
    return run(["valgrind", *arguments], env={"PATH": os.environ["PATH"]}, timeout=SECONDS)


def count(driver, path, slower=False):
    """Instructions that one repetition of a path takes."""
    options = ["--tool=callgrind", f"--toggle-collect={COUNTED}", "--callgrind-out-file=/dev/null"]
    done = valgrind(*options, driver, path, *(["--slower"] if slower else []))
    collected = re.search(r"Collected : (\d+)", done.stderr)
    repetitions = re.search(r"repetitions (\d+)", done.stdout)
    return round(int(collected[1]) / int(repetitions[1]))


def count_all(driver, paths, slower=None):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = pool.map(lambda path: count(driver, path, path == slower), paths)
        return dict(zip(paths, counts, strict=True))


def machine(driver):
    """What the counts depend on besides the source."""
    compiler = run(["rustc", "--version"], cwd=ROOT).stdout.strip()
    processor = valgrind("--quiet", "--tool=none", driver, "--processor").stdout.strip()
    settings = [f"{name}={value}" for name, value in sorted(os.environ.items()) if SETTINGS.fullmatch(name) and value]
    return "; ".join([compiler, processor, *settings])


def git(*arguments):
    """What git says, without the line break; None if it fails."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def parent():
    """The commit to compare with; none in a clone without history."""
    changed = git("status", "--porcelain", "--untracked-files=no")
    return git("rev-parse", "--verify", "--quiet", "HEAD" if changed else "HEAD~1")


def parent_counts(commit, paths, key):
    """Builds the driver of a commit in a folder and a target of its own and counts; None if that commit has none."""
    remembered = SCRATCH / f"{commit}.json"
    known = json.loads(remembered.read_text()) if remembered.exists() else {}
    if all(path in known.get(key, {}) for path in paths):
        return known[key]
    source = SCRATCH / "parent"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    # -m: cargo takes what is older than the last build for built.
    subprocess.run(f"git archive {commit} | tar -x -m -C '{source}'", shell=True, cwd=ROOT, check=True)
    if not (source / "tests" / "instructions" / "Cargo.toml").exists():
        return None
    folder = SCRATCH / "target"
    if not folder.exists() and (target() / "ci").exists():
        # Dependencies are the same as a rule, and are then not compiled again.
        own = shutil.ignore_patterns("incremental", "*tenon*")
        shutil.copytree(target() / "ci", folder / "ci", symlinks=True, ignore=own)
    print(f"building {commit[:12]} to compare with", flush=True)
    selection = ["--workspace", "--exclude", "tenon-python", "--bin", DRIVER]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(folder)}
    run(["cargo", "build", "--locked", "--profile", "ci", *selection], cwd=source, env=environment)
    driver = folder / "ci" / DRIVER
    there = run([driver, "--list"]).stdout.split()
    known[key] = count_all(driver, [path for path in paths if path in there])
    remembered.write_text(json.dumps(known))
    return known[key]


def declared(commit, baselines):
    """By which factor a commit and what follows changed the baseline of each path on purpose."""
    before = json.loads(git("show", f"{commit}:{BASELINES}") or "{}")
    factors = {}
    for key in before.keys() & baselines.keys():
        for path in before[key].keys() & baselines[key].keys():
            factors[path] = max(factors.get(path, 1), baselines[key][path] / before[key][path])
    return factors


def reference(arguments, baselines, key, paths):
    """The counts to compare with, and what they are called."""
    if key in baselines and not arguments.against_parent:
        return baselines[key], "baseline"
    print(f"no baseline for: {key}" if key not in baselines else f"machine: {key}")
    commit = parent()
    counts = parent_counts(commit, paths, key) if commit else None
    if counts is None:
        print("and no parent commit with these paths: nothing to compare with")
        return {}, "nothing"
    factors = declared(commit, baselines)
    return {path: round(n * factors.get(path, 1)) for path, n in counts.items()}, f"commit {commit[:12]}"


def compare(counts, known, name):
    """Prints a line per path; returns how many take too many instructions."""
    failed = fewer = 0
    for path, now in counts.items():
        if path not in known:
            print(f"ok     {path:16} {now:>9}   new")
            continue
        change = now / known[path] - 1
        bad = change > ALLOWED
        failed += bad
        fewer += change < -ALLOWED
        print(f"{'FAILED' if bad else 'ok':6} {path:16} {now:>9}   {name} {known[path]}, {change:+.1%}")
    if failed:
        print(f"more than {ALLOWED:+.0%}; if it is meant, `make update-instructions` and commit that with the change")
    if fewer:
        print("fewer by more than that: `make update-instructions` keeps the gain")
    return failed


def compare_beside(counts):
    """The same for paths that may take only so much more than another; returns (passed, failed)."""
    passed = failed = 0
    for path, (other, most) in BESIDE.items():
        if path in counts and other in counts:
            more = counts[path] - counts[other]
            bad = more > most
            passed, failed = passed + (not bad), failed + bad
            print(f"{'FAILED' if bad else 'ok':6} {path:16} {more:>+9}   beside {other}, {most} at most")
    return passed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--against-parent", action="store_true")
    parser.add_argument("--slower", metavar="PATH")
    parser.add_argument("--baselines", type=Path, default=ROOT / BASELINES)
    arguments = parser.parse_args()
    if not shutil.which("valgrind"):
        raise SystemExit("instructions: valgrind not found (Debian, Ubuntu: apt-get install valgrind)")
    driver = target() / "ci" / DRIVER
    paths = run([driver, "--list"]).stdout.split()
    unknown = {*arguments.paths, *filter(None, [arguments.slower])} - set(paths)
    if unknown:
        raise SystemExit(f"instructions: no path {', '.join(sorted(unknown))}; there are {', '.join(paths)}")
    paths = arguments.paths or paths
    SCRATCH.mkdir(parents=True, exist_ok=True)
    key = machine(driver)
    baselines = json.loads(arguments.baselines.read_text()) if arguments.baselines.exists() else {}
    counts = count_all(driver, paths, arguments.slower)
    if arguments.update:
        # A path that is gone loses its baseline, unless only some were counted.
        baselines[key] = {**(baselines.get(key, {}) if arguments.paths else {}), **counts}
        arguments.baselines.write_text(json.dumps(baselines, indent=2, sort_keys=True) + "\n")
    failed = compare(counts, *reference(arguments, baselines, key, paths))
    beside_passed, beside_failed = compare_beside(counts)
    print(f"{len(counts) - failed + beside_passed} passed, {failed + beside_failed} failed")
    return 1 if failed + beside_failed else 0


if __name__ == "__main__":
    sys.exit(main())
