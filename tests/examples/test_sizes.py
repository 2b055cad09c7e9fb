"""No example is longer than its idea."""

from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples" / "python"


@pytest.mark.parametrize("name", ["basic", "batch", "prompts", "robust", "websocket"])
def test_a_server_of_one_idea_is_short(name):
    assert len((EXAMPLES / name / "server.py").read_text().splitlines()) < 60
