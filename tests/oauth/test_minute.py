"""What takes a minute with the times that servers have by default: the next reading of the keys, and a revocation.

All servers wait for the same minute.
"""

import time
from contextlib import ExitStack

import pytest
from identity import ASKING, call, server

MINUTE = 60
# A refused token is refused for 5 s more without a check. The rest is for a slow machine.
MORE = 5 + 5


@pytest.fixture
def servers(provider):
    """The URLs of servers that verify tokens by keys, and of servers that ask about tokens."""
    with ExitStack() as stack:
        hosts = ("python", "node")
        by_keys = [stack.enter_context(server(provider.issuer, host)) for host in hosts]
        asking = [stack.enter_context(server(provider.issuer, host, **ASKING)) for host in hosts]
        for url in asking:
            provider.sign(url, format="opaque")
        yield by_keys, asking


def wait(expected, since):
    """Calls each second until each of these (URL, token) has had its status."""
    left = dict(expected)
    while left := {(url, token): status for (url, token), status in left.items() if call(url, token)[0] != status}:
        assert time.monotonic() < since + MINUTE + MORE, f"these have not changed: {left}"
        time.sleep(1)


def test_a_sudden_rotation_and_a_revocation(provider, servers):
    by_keys, asking = servers
    expected, unchanged, old = {}, [], []
    before = len(provider.log(route="jwks"))
    begin = time.monotonic()
    for url in by_keys:
        old.append((url, provider.sign_in(url)))
    for url in asking:
        token, other = provider.sign_in(url), provider.sign_in(url)
        expected[url, token] = 401
        unchanged.append((url, other))
    assert [call(url, token)[0] for url, token in [*old, *expected, *unchanged]] == [200] * 6
    for _, token in expected:
        provider.revoke(token)
    # Nobody has announced the key, and the old one is gone at once.
    provider.publish("rsa-sudden", "ec-1")
    for url, token in old:
        provider.sign(url, "rsa-sudden")
        new = provider.sign_in(url)
        assert call(url, new)[0] == 401 and call(url, token)[0] == 200, "the keys were read less than a minute ago"
        expected[url, new] = 200
    wait(expected, begin)
    assert [call(url, token)[0] for url, token in [*old, *unchanged]] == [401, 401, 200, 200]
    assert len(provider.log(route="jwks")) == before + 2 * len(by_keys), "each server has read the keys twice"
