"""How each host's fixture server is started: the one place to change when a path moves.

The command serves stdin and stdout. With `--http ADDRESS` appended it serves HTTP, as tests/support/processes.py says,
and with `--sse ADDRESS` and `--websocket ADDRESS` those.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import processes  # noqa: E402

HOSTS = {
    "python": [processes.PYTHON, "tests/fixtures/python/fixture.py"],
    "node": [processes.NODE, "tests/fixtures/node/fixture.mjs"],
    "c": ["build/c/fixture"],
    "rust": ["target/ci/tenon-fixture"],
}
MATRIX_HOSTS = list(HOSTS)

# What a host's fixture does not have yet, by the names of manifest.json and tests/fixtures/README.md. The cells of
# these abilities are pending; take a name out when the fixture has what belongs to it.
PENDING = {"python": set(), "node": set(), "c": set(), "rust": set()}
