"""No example is longer than its idea."""

from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
PYTHON = ["basic", "batch", "jwt", "prompts", "resilient", "robust", "secure", "websocket"]
SHORT = [
    *(f"python/{name}/server.py" for name in PYTHON),
    "node/secure/server.mjs",
    "c/secure/secure.c",
    "rust/secure/main.rs",
]


@pytest.mark.parametrize("name", SHORT)
def test_a_server_of_one_idea_is_short(name):
    assert len((EXAMPLES / name).read_text().splitlines()) <= 60
