"""Sockets for addresses of the public internet only: what redirects and names lead to is looked at as well."""

import errno
import ipaddress
import os
import socket

ALLOWED = {
    info[4][:2]
    for each in os.environ.get("FETCH_ALLOW", "").split(",")
    if each
    for info in socket.getaddrinfo(*each.strip().rsplit(":", 1))
}
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
