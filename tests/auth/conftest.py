"""One identity provider for all tests. Each server has its own URL, which is its own resource there."""

import identity
import pytest


@pytest.fixture(scope="session")
def provider():
    with identity.provider() as running:
        yield running
