"""What pages of the internet may be: at its public addresses, wherever names and redirects lead to, and soon read."""

import codecs
import errno
import ipaddress
import os
import socket
import sys


def allowed(text: str) -> set[tuple]:
    """The addresses of places such as `127.0.0.1:8080, [::1]:80`."""
    found = set()
    for each in filter(None, map(str.strip, text.split(","))):
        host, _, port = each.rpartition(":")
        try:
            found |= {info[4][:2] for info in socket.getaddrinfo(host.strip("[]"), int(port))}
        except (OSError, ValueError) as error:
            sys.exit(f"FETCH_ALLOW: {each!r} is no host:port that is known: {error}")
    return found


ALLOWED = allowed(os.environ.get("FETCH_ALLOW", ""))
# Of IPv6 what is given out to be reached; the rest is internal, or holds an address of IPv4.
REACHED = ipaddress.ip_network("2000::/3")
# Relays, which lead to the address of IPv4 within: 6to4 and Teredo; and what else not all versions of Python know.
RELAYS = [ipaddress.ip_network(each) for each in ("192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20")]


def is_internal(text: str) -> bool:
    address = ipaddress.ip_address(text)
    if not address.is_global or address.is_multicast or any(address in relay for relay in RELAYS):
        return True
    return address.version == 6 and address not in REACHED


def guarded(info: tuple) -> socket.socket:
    """A socket for an address about to be connected to."""
    address = info[4][0].partition("%")[0]
    if info[4][:2] not in ALLOWED and is_internal(address):
        raise PermissionError(errno.EACCES, f"{address} is an internal address")
    return socket.socket(*info[:3])


def text_of(body: bytes, charset: str | None) -> str:
    """A page as text, of UTF-8 unless it says a charset that there is."""
    try:
        name = codecs.lookup(charset or "utf-8").name
        # These are for names: their time grows with the square of the length.
        return body.decode("utf-8" if name in ("punycode", "idna") else name, "replace")
    except LookupError:
        return body.decode("utf-8", "replace")
