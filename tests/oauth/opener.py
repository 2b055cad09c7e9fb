#!/usr/bin/env python3
"""What stands for a browser: it follows redirects and keeps cookies. As a program it opens the address it is given.

Standard library only, because other makers' programs start it by themselves.
"""

import http.cookiejar
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

SECONDS = 20


class Refused(Exception):
    """What the provider said in place of a token."""


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows redirects of the provider to itself."""

    def redirect_request(self, request, body, code, message, headers, url):
        if urllib.parse.urlsplit(url).netloc != urllib.parse.urlsplit(request.full_url).netloc:
            return None
        return super().redirect_request(request, body, code, message, headers, url)


def visit(url):
    """Opens a page of the provider, with no cookies of earlier visits. Returns the address of the client that the
    provider sends it to.
    """
    cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    try:
        with urllib.request.build_opener(cookies, Stay).open(url, timeout=SECONDS) as page:
            raise Refused(f"the provider stays at {page.url}: {page.read().decode()}")
    except urllib.error.HTTPError as answer:
        with answer:
            if answer.code not in (302, 303):
                raise Refused(answer.read().decode()) from None
            return answer.headers["Location"]


def deliver(url):
    """Opens the address of a client. It may not listen yet: a person is slower than this program."""
    ends = time.monotonic() + SECONDS
    while True:
        try:
            return urllib.request.urlopen(url, timeout=SECONDS).close()
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError) or time.monotonic() > ends:
                raise
            time.sleep(0.1)


if __name__ == "__main__":
    deliver(visit(sys.argv[1]))
