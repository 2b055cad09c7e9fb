"""Every request of the matrix: each method of the protocol with each kind of entry, and what its result shows."""

import json

from peers import INITIALIZE
from rules import RULES, SKILLS, TOOLS, Operation, may_use

LEGACY, MODERN = ("legacy",), ("modern",)
TEMPLATE = "access://template/{id}"
ADDRESSES = {
    "access://resource": "access://resource",
    TEMPLATE: "access://template/7",
    "access://rows/1": "access://rows/1",
}
KINDS = {"access://resource": "resource", TEMPLATE: "template", "access://rows/1": "provider"}
GREETING = {"name": "prompt", "arguments": {"word": "x"}}
HOLD = {"name": "hold", "arguments": {}}
REFERENCES = {
    "prompt": ({"type": "ref/prompt", "name": "prompt"}, "word"),
    TEMPLATE: ({"type": "ref/resource", "uri": TEMPLATE}, "id"),
}


def says(text):
    """The result has this text, which the entry's handler returns."""
    return lambda result, caller: f'"{text}"' in json.dumps(result)


def anything(result, caller):
    return isinstance(result, dict)


def lists(member, name, entries):
    """The list has exactly what its caller may use. `entries` are the names, each with its row of the table."""
    def shows(result, caller):
        found = [entry[name] for entry in result[member]]
        return sorted(found) == sorted(shown for shown, row in entries.items() if may_use(row, caller))

    return shows


def honoured(result, caller):
    """Of the addresses that a stream asks for, the caller is told of those that it may read."""
    permitted = [ADDRESSES[entry] for entry in ADDRESSES if may_use(entry, caller)]
    return result.get("resourceSubscriptions", []) == permitted


def operations(is_open):
    """All of them. Without its public entry, a server is closed to strangers."""
    tools = {tool: tool for tool in TOOLS if is_open or tool != "public"}
    # Files of skills are resources that are in no list of resources.
    resources = {uri: uri for uri in ("access://resource", "access://rows/1")}
    plain = [
        Operation("server", "initialize", INITIALIZE, eras=LEGACY, shows=says("access")),
        Operation("server", "ping", eras=LEGACY, shows=anything),
        Operation("server", "server/discover", eras=MODERN, shows=says("2026-07-28")),
        Operation("server", "logging/setLevel", {"level": "error"}, eras=LEGACY, shows=anything),
        Operation("server", "GET", eras=LEGACY),
        Operation("server", "DELETE", eras=LEGACY),
        Operation("server", "notifications/initialized", eras=LEGACY),
        Operation("server", "notifications/roots/list_changed", eras=LEGACY),
        Operation("server", "notifications/cancelled", {"requestId": "none"}),
        Operation("tool", "tools/list", shows=lists("tools", "name", tools)),
        Operation("resource", "resources/list", shows=lists("resources", "uri", resources)),
        Operation("template", "resources/templates/list",
                  shows=lists("resourceTemplates", "uriTemplate", {TEMPLATE: TEMPLATE})),
        Operation("prompt", "prompts/list", shows=lists("prompts", "name", {"prompt": "prompt"})),
        Operation("skill", "skills/list", {}, ("skill",), shows=says(SKILLS[0])),
        Operation("skill", "skills/get", {"uri": SKILLS[1]}, ("skill",), shows=says(SKILLS[1])),
        Operation("skill", "resources/read", {"uri": SKILLS[1]}, ("skill",), shows=says(SKILLS[1])),
        Operation("skill", "resources/directory/read", {"uri": "skill://acme"}, ("skill",), shows=anything),
        Operation("method", "access/method", {}, ("access/method",), shows=says("method")),
        Operation("notification", "notifications/access", {}, ("notifications/access",)),
        Operation("prompt", "prompts/get", GREETING, ("prompt",), shows=says("prompt")),
        Operation("subscription", "resources/unsubscribe", {"uri": "access://resource"}, eras=LEGACY, shows=anything),
        Operation("subscription", "subscriptions/listen",
                  {"notifications": {"resourceSubscriptions": list(ADDRESSES.values())}}, eras=MODERN, shows=honoured),
    ]
    for tool in tools:
        if tool not in ("work", "hold", "heard"):
            plain.append(Operation("tool", "tools/call", {"name": tool, "arguments": {}}, (tool,), shows=says(tool)))
    for entry, address in ADDRESSES.items():
        text = {"provider": "row"}.get(KINDS[entry], KINDS[entry])
        plain.append(Operation(KINDS[entry], "resources/read", {"uri": address}, (entry,), shows=says(text)))
        plain.append(Operation("subscription", "resources/subscribe", {"uri": address}, (entry,), LEGACY, anything))
    for entry, (reference, argument) in REFERENCES.items():
        params = {"ref": reference, "argument": {"name": argument, "value": ""}}
        # Whoever may not use an entry learns nothing of its values.
        used = (entry, "completion")
        plain.append(Operation("completion", "completion/complete", params, used, shows=says(argument)))
    return [*plain, *tasks()]


def tasks():
    def about(method, tool, shows=anything, eras=("legacy", "modern"), **params):
        return Operation("task", method, params, (tool,), eras, shows, tool)

    def starts(result, caller):
        return isinstance(result.get("task", result).get("taskId"), str)

    return [
        Operation("task", "tools/call", {**HOLD, "task": {"ttl": 60000}}, ("hold",), LEGACY, starts),
        Operation("task", "tools/call", HOLD, ("hold",), MODERN, starts),
        about("tasks/get", "hold", says("working")),
        about("tasks/cancel", "hold"),
        about("tasks/update", "hold", eras=MODERN, inputResponses={}),
        about("tasks/result", "work", says("work"), LEGACY),
        Operation("task", "tasks/list", {}, (), LEGACY, anything),
    ]


# What no list and no request of the matrix uses would not be tested.
USED = {entry for operation in operations(True) for entry in operation.entries} | {"heard"}
assert set(RULES) == USED, set(RULES) ^ USED
