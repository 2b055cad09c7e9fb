"""Checks that every build of this workspace asks for the same features of its dependencies, so that what one build
compiled serves the others.

Cargo compiles a dependency once per set of features. What a selection of packages asks for must be what the whole
workspace asks for; where it is not, scripts/features/Cargo.toml makes it so. Closing line: `N passed, N failed`.
"""

import subprocess
import sys
from pathlib import Path

from stage_table import LAYERS_SELECTION, WHEEL_FEATURES, WORKSPACE_SELECTION

ROOT = Path(__file__).resolve().parent.parent
WHOLE = f"--workspace --features tenon-python/{WHEEL_FEATURES} -e normal,build,dev"
SELECTIONS = {
    "the workspace without the wheel": f"{WORKSPACE_SELECTION} -e normal,build,dev",
    "the wheel": f"-p tenon-python --features {WHEEL_FEATURES} -e normal,build",
    "the engine without its runtime": f"{LAYERS_SELECTION} -e normal,build",
}


def dependencies(selection):
    """The packages from registries, each with its features."""
    command = ["cargo", "tree", "--locked", *selection.split(), "--prefix", "none", "-f", "{p} [{f}]"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"check_features: {' '.join(command)}\n{done.stderr}")
    lines = {line.removesuffix(" (*)") for line in done.stdout.splitlines() if line}
    return {line for line in lines if f"({ROOT}" not in line}


def main():
    whole = dependencies(WHOLE)
    passed = failed = 0
    for name, selection in SELECTIONS.items():
        missing = sorted(dependencies(selection) - whole)
        passed += not missing
        failed += bool(missing)
        print(f"{'FAILED' if missing else 'ok':6} {name}")
        for line in missing:
            package = line.split()[0]
            print(f"    {line}")
            for other in sorted(other for other in whole if other.split()[0] == package):
                print(f"    elsewhere {other}")
    if failed:
        print("add the features that are missing to scripts/features/Cargo.toml")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
