"""Messages that a hostile client sends: valid ones, and what random changes make of them."""

import json

MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
    "io.modelcontextprotocol/clientInfo": {"name": "hostile", "version": "1"},
}
REVISIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
CALLS = [
    ("add", {"a": 1, "b": 2}),
    ("add", {"a": "1", "b": None}),
    ("echo", {"text": "hello"}),
    ("echo", {"text": "x" * 20000}),
    ("count", {"to": 40}),
    ("match", {"text": "a" * 2000 + "!"}),
    ("match", {"text": "good"}),
    ("large", {}),
    ("wait", {}),
    ("fail", {}),
    ("ask", {}),
    ("work", {}),
    ("nothing", {}),
]
PLAIN = [
    ("tools/list", {}),
    ("tools/list", {"cursor": "bogus"}),
    ("resources/list", {}),
    ("resources/read", {"uri": "file:///../../etc/passwd"}),
    ("resources/read", {"uri": "file://%2e%2e/x"}),
    ("prompts/get", {"name": "greet", "arguments": {"name": "Ann"}}),
    ("prompts/get", {"name": "greet", "arguments": {"name": 5}}),
    (
        "completion/complete",
        {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "name", "value": ""}},
    ),
    ("ping", {}),
    ("server/discover", {}),
    ("subscriptions/listen", {"notifications": {"toolsListChanged": True}}),
    ("resources/subscribe", {"uri": "file://x"}),
    ("logging/setLevel", {"level": "debug"}),
    ("tasks/get", {"taskId": "x"}),
    ("tasks/list", {}),
    ("no/such/method", {}),
]
NOTIFICATIONS = [
    ("notifications/cancelled", {"requestId": 1}),
    ("notifications/initialized", {}),
    ("notifications/roots/list_changed", {}),
    ("notifications/progress", {"progressToken": 1, "progress": 1}),
    ("notifications/unknown", {"x": [1] * 50}),
]
WRONG = [
    "",
    "null",
    "[]",
    "[[]]",
    "{}",
    '"text"',
    "[" * 200 + "]" * 200,
    '{"a":' * 300,
    '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
    '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}',
    '{"jsonrpc":"2.0","id":1e400,"method":"ping"}',
    '{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}',
    '{"jsonrpc":"2.0","id":1,"method":5}',
    '{"jsonrpc":"1.0","method":"notifications/x"}',
    '[{"foo":"boo"},{"jsonrpc":"2.0","method":5}]',
    '{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}',
]


def initialize(random, number):
    return {
        "jsonrpc": "2.0",
        "id": number,
        "method": "initialize",
        "params": {
            "protocolVersion": random.choice([*REVISIONS, "1999-01-01"]),
            "capabilities": random.choice([{}, {"elicitation": {}}, {"roots": {"listChanged": True}}]),
            "clientInfo": {"name": "hostile", "version": "1"},
        },
    }


def request(random, number, modern):
    if random.random() < 0.6:
        name, arguments = random.choice(CALLS)
        method, params = "tools/call", {"name": name, "arguments": arguments}
    else:
        method, params = random.choice(PLAIN)
    meta = dict(MODERN) if modern else {}
    if random.random() < 0.5:
        meta["progressToken"] = number
    if meta:
        params = {**params, "_meta": meta}
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def response(random, number):
    outcome = random.choice([{"result": {"action": "accept", "content": {"name": "x"}}}, {"error": {"code": 1}}])
    return {"jsonrpc": "2.0", "id": number, **outcome}


def changed(random, text):
    """The bytes with a few of them replaced, removed, repeated or cut off."""
    data = bytearray(text)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(data)) if data else 0
        kind = random.randrange(4)
        if kind == 0 and data:
            data[at] = random.randrange(256)
        elif kind == 1:
            del data[at : at + random.randint(1, 20)]
        elif kind == 2:
            data[at:at] = data[at : at + random.randint(1, 40)]
        else:
            del data[at:]
    return bytes(data)


def message(random, modern=None):
    """One message as bytes: in half of all cases a valid one."""
    number = random.choice([random.randrange(1000), f"h{random.randrange(1000)}"])
    modern = random.random() < 0.5 if modern is None else modern
    kind = random.random()
    if kind < 0.1:
        return random.choice(WRONG).encode()
    if kind < 0.2:
        method, params = random.choice(NOTIFICATIONS)
        value = {"jsonrpc": "2.0", "method": method, "params": params}
    elif kind < 0.25:
        value = response(random, number)
    elif kind < 0.35:
        value = initialize(random, number)
    elif kind < 0.4:
        value = [request(random, number, modern) for _ in range(random.randint(1, 5))]
    else:
        value = request(random, number, modern)
    text = json.dumps(value).encode()
    return changed(random, text) if random.random() < 0.4 else text
