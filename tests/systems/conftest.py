"""Fixtures of the tests of examples."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

# Each transport and each era, in as few starts as show both.
WAYS = [("stdio", "legacy"), ("http", "modern")]
ALL_WAYS = [*WAYS, ("stdio", "modern"), ("http", "legacy")]


@pytest.fixture(params=WAYS, ids="-".join)
def way(request):
    """How a client comes to an example: both transports, both eras."""
    return request.param


@pytest.fixture(params=ALL_WAYS, ids="-".join)
def every_way(request):
    """Each transport in each era."""
    return request.param
