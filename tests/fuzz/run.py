"""Runs the fuzz targets, guided by coverage: python3 tests/fuzz/run.py [--seconds N] [TARGET...]

Builds tests/fuzz, which is libFuzzer around the targets in core/src/fuzzing, on stable Rust: the compiler's own pass
for coverage needs no sanitizer. Each target runs for N seconds (default 30), two at a time, from its seeds in
tests/fuzz/seeds. It fails on a panic, on 10 s for one input, and on more than 512 MiB. What it found is in
build/fuzz/TARGET; run it again with

    TENON_FUZZ_TARGET=TARGET target/fuzz/HOST/release/tenon-fuzz FILE

What one run learns is kept in build/fuzz/TARGET/corpus for the next. Last line: `N passed, N failed`. Standard library
only.
"""

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SEEDS = ROOT / "tests/fuzz/seeds"
TARGET = ROOT / "target/fuzz"
COVERAGE = (
    "--cfg fuzzing -C passes=sancov-module -C llvm-args=-sanitizer-coverage-level=4"
    " -C llvm-args=-sanitizer-coverage-inline-8bit-counters -C llvm-args=-sanitizer-coverage-pc-table"
    " -C llvm-args=-sanitizer-coverage-trace-compares"
)
# At once.
RUNS = 2
LIMITS = ["-timeout=10", "-rss_limit_mb=512", "-max_len=2048", "-print_final_stats=1"]


def host():
    said = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    return re.search(r"^host: (.*)$", said, re.M)[1]


def build():
    # With a target named, the flags are for it alone, and not for build scripts.
    triple = host()
    command = ["cargo", "build", "--locked", "--release", "--quiet", "--target", triple]
    env = {**os.environ, "RUSTFLAGS": COVERAGE, "CARGO_TARGET_DIR": str(TARGET)}
    if subprocess.run(command, cwd=ROOT / "tests/fuzz", env=env, check=False).returncode != 0:
        sys.exit("the fuzz targets cannot be built")
    return TARGET / triple / "release/tenon-fuzz"


def fuzz(program, name, seconds):
    """Whether nothing was found, and what to say of it."""
    place = ROOT / "build/fuzz" / name
    (place / "corpus").mkdir(parents=True, exist_ok=True)
    arguments = [str(program), f"-max_total_time={seconds}", f"-artifact_prefix={place}/", *LIMITS]
    try:
        done = subprocess.run(
            [*arguments, str(place / "corpus"), str(SEEDS / name)],
            env={**os.environ, "TENON_FUZZ_TARGET": name, "RUST_BACKTRACE": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=seconds + 60,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, f"{name} does not end"
    runs = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    covered = re.findall(r"cov: (\d+)", done.stderr)
    if done.returncode == 0 and runs and covered:
        return True, f"ok {name}: {runs[1]} inputs, {covered[-1]} places reached"
    tail = "\n".join(f"  {line}" for line in done.stderr.splitlines()[-60:])
    return False, f"FAILED {name}, see {place.relative_to(ROOT)}\n{tail}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    options = parser.parse_args()
    names = sorted(seeds.name for seeds in SEEDS.iterdir())
    if unknown := set(options.targets) - set(names):
        parser.error(f"there is no target {sorted(unknown)[0]}; there are {', '.join(names)}")
    program = build()
    failed = 0
    with ThreadPoolExecutor(RUNS) as pool:
        running = pool.map(lambda name: fuzz(program, name, options.seconds), options.targets or names)
        for passed, said in running:
            failed += not passed
            print(said, flush=True)
    count = len(options.targets or names)
    print(f"{count - failed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
