"""The C library and the Python package in one process; each answers a call. The first argument says which is loaded
first, the second is the library.
"""

import asyncio
import ctypes
import json
import sys

first, library = sys.argv[1:]
CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {
        "name": "who",
        "arguments": {},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    },
}
HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
HEAR = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(ctypes.c_char), ctypes.c_size_t)


def load():
    # Its symbols are in front of whatever is loaded later.
    return ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)


if first == "c":
    c = load()
    import tenon_mcp.testing
else:
    import tenon_mcp.testing

    c = load()


def by_c():
    server, entry, heard = ctypes.c_void_p(), ctypes.c_void_p(), []

    @HANDLER
    def who(_user_data, call):
        assert c.tenon_call_return_text(ctypes.c_void_p(call), b"C", ctypes.c_size_t(1)) == 0

    @HEAR
    def hear(_user_data, message, length):
        heard.append(json.loads(message[:length]))

    message = json.dumps(CALL).encode()
    assert c.tenon_server_new(b"t", b"1", ctypes.byref(server), None) == 0
    assert c.tenon_tool_new(b"who", ctypes.byref(entry), None) == 0
    assert c.tenon_entry_set_handler(entry, who, None, None) == 0
    assert c.tenon_server_add(server, entry, None) == 0
    length = ctypes.c_size_t(len(message))
    assert c.tenon_server_exchange(server, message, length, 20000, hear, None, None) == 0
    assert c.tenon_server_free(server) == 0
    return heard[0]["result"]["content"][0]["text"]


async def by_python():
    app = tenon_mcp.Server("t")

    @app.tool
    def who() -> str:
        return "Python"

    async with tenon_mcp.testing.Client(app) as client:
        return (await client.call_tool("who", {})).text


print(by_c(), asyncio.run(by_python()), by_c())
