"""Tokens that a real identity provider is asked about, and what comes of their revocation."""

import time

import pytest
from identity import ASKING, OTHER, call, server

SECONDS = 1
HOSTS = ["python", "node"]


@pytest.fixture(params=HOSTS)
def url(request, provider):
    with server(provider.issuer, request.param, **ASKING, SECONDS=str(SECONDS)) as own:
        provider.sign(own, format="opaque")
        yield own


def asked(provider):
    return len(provider.log(route="introspection", status=200, client="resource-server"))


def test_active_and_inactive_tokens(provider, url):
    before = asked(provider)
    token = provider.sign_in(url)
    assert "." not in token, "it has no content of its own"
    assert call(url, token) == (200, "ann has ordered tea")
    status, challenge = call(url, token, "add_order", item="tea")
    assert status == 403 and 'error="insufficient_scope"' in challenge
    assert call(url, provider.sign_in(url, "orders:read orders:write"), "add_order", item="tea")[0] == 200
    status, challenge = call(url, token[:-1] + ("A" if token[-1] != "A" else "B"))
    assert status == 401 and 'error="invalid_token"' in challenge
    assert asked(provider) == before + 3, "each token was asked about once"


def test_an_active_token_for_another_server(provider, url):
    provider.sign(OTHER, format="opaque")
    status, challenge = call(url, provider.sign_in(OTHER))
    assert status == 401 and 'error="invalid_token"' in challenge


@pytest.fixture(params=HOSTS)
def both(request, provider):
    """A server that verifies tokens by keys, and asks about those that these do not fit."""
    with server(provider.issuer, request.param, **ASKING | {"BY": "keys questions"}) as own:
        yield own


def test_tokens_of_both_kinds(provider, both):
    before = asked(provider)
    assert call(both, provider.sign_in(both)) == (200, "ann has ordered tea")
    assert asked(provider) == before, "its key is known"
    provider.sign(both, format="opaque")
    assert call(both, provider.sign_in(both)) == (200, "ann has ordered tea")
    assert asked(provider) == before + 1


def test_a_wrong_token_that_the_provider_does_not_answer_about(provider, both):
    """The keys refuse it. To a question about a signed token, this provider answers with status 400 and
    `unsupported_token_type`: no reason to try again later, but one to sign in.
    """
    status, challenge = call(both, provider.sign_in(OTHER))
    assert status == 401 and 'error="invalid_token"' in challenge


def test_a_revoked_token(provider, url):
    token, other = provider.sign_in(url), provider.sign_in(url)
    assert call(url, token)[0] == call(url, other)[0] == 200
    revoked = time.monotonic()
    provider.revoke(token)
    while call(url, token)[0] == 200:
        # One second more for a slow machine.
        assert time.monotonic() < revoked + SECONDS + 1, "a revoked token is accepted for too long"
    assert call(url, token)[0] == 401 and call(url, other)[0] == 200
