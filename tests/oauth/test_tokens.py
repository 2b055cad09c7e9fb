"""Tokens of a real identity provider, verified by the keys that it publishes."""

import threading

import pytest
from identity import OTHER, call, header, server

METADATA = "/.well-known/oauth-protected-resource/mcp"
HOSTS = ["python", "node", "example"]


@pytest.fixture(params=HOSTS)
def url(request, provider):
    with server(provider.issuer, request.param) as own:
        yield own


def asked(provider):
    """How often the keys were read."""
    return len(provider.log(route="jwks"))


def test_tokens_of_rsa_and_ec_keys(provider, url):
    for kid, algorithm in (("rsa-1", "RS256"), ("ec-1", "ES256")):
        provider.sign(url, kid)
        token = provider.sign_in(url)
        assert (header(token)["kid"], header(token)["alg"]) == (kid, algorithm)
        assert call(url, token) == (200, "ann has ordered tea")
        status, challenge = call(url, token, "add_order", item="tea")
        assert status == 403 and 'error="insufficient_scope"' in challenge and 'scope="orders:write"' in challenge
        both = provider.sign_in(url, "orders:read orders:write")
        assert call(url, both, "add_order", item="tea") == (200, "ann orders tea")


def test_tokens_that_are_not_for_this_server(provider, url):
    before = asked(provider)
    good = provider.sign_in(url)
    head, body, signature = good.split(".")
    assert call(url, good)[0] == 200
    other = provider.sign_in(OTHER)
    for wrong in (other, f"{head}.{other.split('.')[1]}.{signature}", f"{head}.{body}.", f"{head}.{body}.{signature}A"):
        status, challenge = call(url, wrong)
        assert status == 401 and 'error="invalid_token"' in challenge and METADATA in challenge
    status, challenge = call(url, None)
    assert status == 401 and "error" not in challenge and METADATA in challenge
    assert asked(provider) == before + 1, "the keys were read once"


class Caller(threading.Thread):
    """Calls with one token without a pause, until it is told to end."""

    def __init__(self, url, token):
        super().__init__(daemon=True)
        self.url, self.token, self.ended, self.answers = url, token, threading.Event(), []
        self.some = threading.Semaphore(0)

    def run(self):
        while not self.ended.is_set():
            self.answers.append(call(self.url, self.token))
            self.some.release()

    def more(self, count=20):
        """Waits for so many more answers."""
        for _ in range(count):
            assert self.some.acquire(timeout=30), f"no answer after {self.answers[-1:]}"


def test_keys_rotate_while_calls_run(provider, url):
    """The provider publishes a key, signs with it later, and withdraws the old one last."""
    before = asked(provider)
    provider.publish("rsa-1", "ec-1", "rsa-next")
    provider.sign(url, "rsa-1")
    old = provider.sign_in(url)
    callers = [Caller(url, old)]
    callers[0].start()
    callers[0].more()
    provider.sign(url, "rsa-next")
    new = provider.sign_in(url)
    assert header(new)["kid"] == "rsa-next"
    callers.append(Caller(url, new))
    callers[1].start()
    for caller in callers:
        caller.more()
    provider.publish("rsa-next", "ec-1")
    for caller in callers:
        caller.more()
    # Within the minute after the keys were read, a key that nobody announced is unknown, however many tokens have it.
    provider.publish("rsa-next", "rsa-sudden", "ec-1")
    provider.sign(url, "rsa-sudden")
    for _ in range(20):
        status, challenge = call(url, provider.robot(url))
        assert status == 401 and 'error="invalid_token"' in challenge
    for caller in callers:
        caller.more()
        caller.ended.set()
    for caller in callers:
        caller.join(30)
        assert not caller.is_alive() and set(caller.answers) == {(200, "ann has ordered tea")}
    assert asked(provider) == before + 1, "the keys were read once"
