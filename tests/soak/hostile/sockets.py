"""What both sides of the soak need of sockets: connections from a chosen address, and WebSocket frames."""

import base64
import contextlib
import os
import socket
import struct
from urllib.parse import urlsplit

SECONDS = 10


def connect(url, source="127.0.0.1", receive_buffer=None):
    """A TCP connection to the server at `url` from the local address `source`."""
    place = urlsplit(url)
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.settimeout(SECONDS)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        sock.bind((source, 0))
        sock.connect((place.hostname, place.port))
    except OSError:
        sock.close()
        raise
    return sock


def connect_unix(path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(SECONDS)
    try:
        sock.connect(path)
    except OSError:
        sock.close()
        raise
    return sock


def path_of(url):
    return urlsplit(url).path or "/"


def authority(url):
    return urlsplit(url).netloc


def frame(opcode, payload, final=True, masked=True, reserved=0):
    """One WebSocket frame of a client."""
    first = (0x80 if final else 0) | reserved << 4 | opcode
    mask_bit = 0x80 if masked else 0
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, mask_bit | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, mask_bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, size)
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def upgrade(url, key=None):
    """The head of a WebSocket handshake."""
    key = key or base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path_of(url)} HTTP/1.1\r\nHost: {authority(url)}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: mcp\r\n\r\n"
    ).encode()


def reset(sock):
    """Closes a connection with a reset in place of an orderly end."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
