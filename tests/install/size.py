"""Fails if the shared library, stripped as it is installed, is larger than it may be: size.py [ci | release]

Of what cargo has built with that profile, `ci` unless given. Standard library only.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import install_c  # noqa: E402

# In MB. What users get is also held to the page on performance, where that says less.
LARGEST = {"ci": 19.3, "release": 8.17}
BEYOND_THE_PAGE = 1.0


def largest(profile, page):
    said = float(re.search(r"^\| `libtenon\.so`, stripped, MB \| ([\d.]+)", page, re.M)[1])
    return min(LARGEST[profile], said + BEYOND_THE_PAGE) if profile == "release" else LARGEST[profile]


def stripped(library):
    with tempfile.TemporaryDirectory() as folder:
        copy = install_c.place(library, Path(folder) / library.name)
        subprocess.run([*install_c.LINUX.strip, copy], check=True)
        return copy.stat().st_size / 1e6


def main(arguments):
    profile = arguments[0] if arguments else "ci"
    if f"CARGO_PROFILE_{profile.upper()}_OPT_LEVEL" in os.environ:
        print("libtenon.so: not optimised as it should be, so its size says nothing")
        return 0
    size = stripped(install_c.built_in(profile) / install_c.LINUX.built)
    allowed = largest(profile, (ROOT / "docs" / "performance.md").read_text())
    print(f"libtenon.so, {profile}, stripped: {size:.2f} MB of {allowed:.2f}")
    if size > allowed:
        print(f"FAILED libtenon.so is larger than {allowed:.2f} MB; what needs that much is to be found (cargo bloat)")
    return int(size > allowed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
