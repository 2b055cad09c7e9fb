"""One identity provider for all tests. Each server has its own URL, which is its own resource there."""

import identity
import pytest


@pytest.fixture(scope="session")
def running():
    with identity.provider() as running:
        yield running


@pytest.fixture
def provider(running):
    """The provider, with the keys that it has at the start."""
    running.reset()
    return running
