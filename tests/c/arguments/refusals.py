"""Calls every function of tenon.h with arguments that it must refuse or accept.

    tests/c/arguments/refusals.py [--write] LIBRARY BUILD

For each parameter of each function there are cases by its type: NULL for a pointer; for a text what is no UTF-8, none,
8 MiB, and where it is JSON what is none; a length that nothing can have; a number that stands for nothing. For a handle
they are one whose life is over, a server that was closed, a call that has ended, an entry of another kind, an object of
another type, an entry in place of an object, and one that was freed. The other arguments are in order. refusals.txt has
a row for each, with the status; a function without its rows fails, so a new one is covered at once. Every failure must
come with a message, with a place for an error and without, leave the outputs alone, and run `destroy` once.

Handles that were freed are given to a library that checks all (TENON_HANDLES_CHECKED in the environment), where that
touches nothing that was freed; to others those of entries alone. The table has all rows.

The cases become build/c/refusals.h, which refusals.c runs. --write writes the statuses that are found. LIBRARY is the
directory of libtenon.so. With TENON_SAY in its environment, build/c/test-refusals says the messages to standard error.
Last line: `N passed, N failed`. Standard library only.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TABLE = Path(__file__).with_name("refusals.txt")
HEAD = "# Function, parameter, what it is given, status. Written by refusals.py --write; a change here is to be read.\n"

HANDLES = ("server", "settings", "entry", "call", "result", "answer", "http", "error")
# Arguments in order, by function and name, or by name.
TEXTS = {
    "address": "0",
    "arguments": "{}",
    "definition": "{}",
    "content_type": "text/html",
    "elicitation_id": "a",
    "field": "name",
    "folder": "/nonexistent",
    "hook": "session_end",
    "host": "example.com",
    "html": "<p>",
    "id": "com.example/a",
    "item": '{"type":"text","text":"a"}',
    "json": "1",
    # At the place where the first piece goes.
    "key": None,
    "level": "info",
    "member": "title",
    "message": "{}",
    "method": "POST",
    "mime_type": "text/plain",
    "op": '{"op":"get","key":"a/1"}',
    "operations": "tool",
    "options": "{}",
    "origin": "http://a",
    "params": "{}",
    "path": "tenon-refusals.sock",
    "policies": "{}",
    "policy": "timeout",
    "prefix": "part",
    "question": "roots",
    "role": "user",
    "schema": '{"type":"object","properties":{}}',
    "settings": "{}",
    "support": "optional",
    "transport": "embedded",
    "type": "string",
    "uri": "ui://a/b",
    "uri_template": "a:{b}",
    "url": "https://example.com",
    "value": '"a"',
    ("tenon_settings_get", "key"): "limits.max_calls",
    ("tenon_settings_source", "key"): "limits.max_calls",
    ("tenon_settings_set", "key"): "limits.max_calls",
    ("tenon_settings_set", "value"): "5",
    # No file may stay behind, since the next case would find it.
    ("tenon_settings_write_default", "path"): "/nonexistent/a.toml",
    ("tenon_call_elicit", "message"): "?",
    ("tenon_call_elicit_url", "message"): "?",
    ("tenon_call_require_url", "message"): "?",
    ("tenon_call_sample", "params"): '{"messages":[],"maxTokens":1}',
    ("tenon_call_return_json", "text"): "{}",
    ("tenon_call_login", "json"): '"ann"',
    ("tenon_http_set_principal_json", "json"): '"ann"',
    ("tenon_call_error", "data"): "{}",
    ("tenon_call_error", "message"): "a",
    ("tenon_call_progress", "message"): "a",
    ("tenon_result_set_meta", "value"): "{}",
    ("tenon_http_set_address", "address"): "127.0.0.1",
    ("tenon_server_listen_http_socket", "path"): "/mcp",
    ("tenon_server_add_page", "path"): "/page",
    ("tenon_server_remove_page", "path"): "/page",
    ("tenon_server_set_verifier", "headers"): "[]",
    ("tenon_server_limiter_feed", "headers"): "{}",
}
NUMBERS = {
    "kind": "TENON_KIND_TOOL",
    "of_kind": "TENON_KIND_PROMPT",
    "limit": "TENON_LIMIT_CALLS",
    "input": "-1",
    "output": "-1",
    "socket": "-1",
    "code": "-1",
    "mode": "TENON_MODE_POLL",
    "timeout_ms": "1",
}
# Of these there are some, and others may be given.
NUMBERED = ("tenon_kind", "tenon_mode", "tenon_limit", "tenon_param_flags")
# Texts that are JSON.
JSON = {"json", "settings", "schema", "params", "item", "options", "arguments", "value", "op"}
NOT_JSON = {
    ("tenon_result_add_value", "value"),
    ("tenon_http_add_header", "value"),
}
ALSO_JSON = {
    ("tenon_call_error", "data"),
    ("tenon_call_return_json", "text"),
    ("tenon_server_set_verifier", "headers"),
    ("tenon_server_limiter_feed", "headers"),
    ("tenon_server_change_policies", "policies"),
}
# What has a life of its own here: nothing else is passed, since the call would not come back or leave something behind.
ONLY_NULL = {"tenon_call_release", "tenon_call_retain"}
# Takes what it is given, so that it is not to be freed after.
TAKES = {
    "tenon_server_add": "entry",
    "tenon_server_replace": "entry",
    "tenon_call_return": "result",
    "tenon_server_free": "server",
    "tenon_settings_free": "settings",
    "tenon_entry_free": "entry",
    "tenon_result_free": "result",
    "tenon_answer_free": "answer",
    "tenon_error_free": "error",
    "tenon_http_free": "http",
}
# What is given for a handle of another type; an object of its own type is another one.
WRONG = (("other-type", "error"), ("an-entry", "entry"))
CHECKED = "TENON_HANDLES_CHECKED" in os.environ
FUNCTIONS = {"tenon_handler_fn": "nothing", "tenon_log_fn": "say", "tenon_entries_fn": "visit",
             "tenon_exchange_fn": "hear", "tenon_http_ready_fn": "ready", "tenon_cancel_fn": "ready",
             "tenon_thread_start_fn": "named"}  # fmt: skip


def functions():
    """Name, return type and parameters (type, name) of what the header declares."""
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "include/tenon.h").read_text(), flags=re.S)
    for found in re.finditer(r"^((?:const )?\w+ \**)(tenon_\w+)\(([^;]*?)\)[^;()]*;", text, re.M):
        parameters = [] if found[3] == "void" else [part.strip() for part in found[3].split(",")]
        split = [re.fullmatch(r"(.*?)(\w+)", part).groups() for part in parameters]
        yield found[2], found[1].strip(), [(kind.strip(), name) for kind, name in split]


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def handle(kind):
    found = re.fullmatch(r"(?:const )?tenon_(\w+) \*", kind)
    return found[1] if found and found[1] in HANDLES else None


def is_text(kind):
    return kind == "const char *"


def is_out(kind, name):
    others = ("void *", "const void *", "const uint8_t *")
    return kind.endswith("*") and not handle(kind) and not is_text(kind) and kind not in others and name != "err"


def is_json(function, name):
    return (name in JSON and (function, name) not in NOT_JSON) or (function, name) in ALSO_JSON


def valid(function, kind, name, before=""):
    """An argument in order."""
    if name == "err":
        return "&g->err"
    if of := handle(kind):
        return "g->other" if name == "other" else f"g->{of}"
    if kind in FUNCTIONS:
        return FUNCTIONS[kind]
    if kind == "tenon_destroy_fn":
        return "count"
    if kind == "void *":
        return "g"
    if is_text(kind):
        text = TEXTS.get((function, name), TEXTS.get(name, "a"))
        if text is None and not function.startswith("tenon_result_"):
            text = "a"
        return "NULL" if text is None else quoted(text)
    if kind in ("const void *", "const uint8_t *"):
        return "g->bytes"
    if is_out(kind, name):
        made = re.fullmatch(r"tenon_(\w+) \*\*", kind)
        if made:
            return f"&g->made_{made[1]}"
        return "&g->text" if kind == "const char **" else f"({kind})(void *)&g->room[{len(name) % 4}]"
    if kind == "size_t":
        return "1" if before == "const void *" or name == "index" else "TENON_NUL"
    if kind == "bool":
        return "true"
    return NUMBERS.get(name, "1")


def cases(function, parameters):
    """What each parameter is given: the parameter's place, a word for it, and the C of it."""
    if function not in ONLY_NULL:
        yield None, "valid", None
    for place, (kind, name) in enumerate(parameters):
        if of := handle(kind):
            for word, wrong in WRONG:
                if wrong != "entry" or of != "entry":
                    yield place, word, f"({kind})(void *)g->{'result' if wrong == of else wrong}"
            yield place, "freed", f"g->freed_{of}"
        if kind == "size_t" and name == "len" and function not in ONLY_NULL:
            yield place, "impossible", "(size_t)PTRDIFF_MAX + 1"
        if kind in NUMBERED:
            yield place, "unknown", "99"
        if name == "err" or not (kind.endswith("*") or kind in FUNCTIONS):
            continue
        if kind in ("void *", "tenon_destroy_fn"):
            continue
        yield place, "NULL", "NULL"
        if function in ONLY_NULL:
            continue
        if is_text(kind):
            yield place, "not-utf8", r'"\xff"'
            yield place, "empty", '""'
            yield place, "huge", "huge_json" if is_json(function, name) else "huge"
            if is_json(function, name):
                yield place, "not-json", '"{"'
        if handle(kind) in ("server", "call") and name != "other":
            yield place, "ended", f"g->ended_{handle(kind)}"
        if handle(kind) == "entry":
            yield place, "other-kind", "g->prompt"


def is_unsafe(case):
    """Whether a library that does not check all handles reads what was freed."""
    _, word, argument = case
    return word == "freed" and argument != "g->freed_entry"


def generated():
    """The rows' words, and the C of them."""
    rows, code, table = [], [], []
    every = [(declared, case) for declared in functions() for case in cases(declared[0], declared[2])]
    every = [(declared, case) for declared, case in every if CHECKED or not is_unsafe(case)]
    for number, ((function, returns, parameters), (place, word, argument)) in enumerate(every):
        kinds = ["", *(kind for kind, _ in parameters)]
        given = [valid(function, kind, name, kinds[at]) for at, (kind, name) in enumerate(parameters)]
        if place is not None:
            given[place] = argument
        after = ""
        if taken := TAKES.get(function):
            used = next((text for text, (kind, _) in zip(given, parameters, strict=True) if handle(kind) == taken), "")
            after = f"{used} = NULL; " if used.startswith("g->") else ""
        call = f"{function}({', '.join(given)})"
        if returns == "tenon_status":
            body = f"tenon_status status = {call}; {after}return status;"
            if function == "tenon_server_free":
                body = f"tenon_status status = {call}; if (status == TENON_OK) {{ {after}}} return status;"
        else:
            looked = f"{call};" if returns == "void" else f"if ({call}) g->looked = true;"
            body = f"{looked} {after}return TENON_OK;"
        code.append(f"static tenon_status case_{number}(struct given *g) {{ (void)g; {body} }}")
        handles = {handle(kind) for kind, _ in parameters}
        needs = "IN_CALL" if "call" in handles else "OUTSIDE"
        counts = "true" if any(kind == "tenon_destroy_fn" for kind, _ in parameters) else "false"
        has_error = "true" if any(name == "err" for _, name in parameters) else "false"
        name = "-" if place is None else parameters[place][1]
        rows.append(f"{function} {name} {word}")
        table.append(f"    {{{quoted(rows[-1])}, {needs}, {counts}, {has_error}, case_{number}}},")
    return rows, "\n".join([*code, "", "static const struct refusal refusals[] = {", *table, "};", ""])


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--write"]
    lib, build = Path(arguments[0]).resolve(), Path(arguments[1]).resolve()
    rows, code = generated()
    build.mkdir(parents=True, exist_ok=True)
    (build / "refusals.h").write_text(code)
    program = build / "test-refusals"
    flags = ["-std=c11", "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    compiled = subprocess.run(
        [os.environ.get("CC", "cc"), *flags, "-Iinclude", "-Itests/c", f"-I{build}", "tests/c/arguments/refusals.c",
         "tests/c/support.c", "-o", program, f"-L{lib}", "-ltenon", "-lpthread", "-lm", f"-Wl,-rpath,{lib}"],
        cwd=ROOT, check=False,
    )  # fmt: skip
    if compiled.returncode != 0:
        print("FAILED refusals: does not compile\n0 passed, 1 failed")
        sys.exit(1)
    done = subprocess.run([program], capture_output=True, text=True, timeout=600, check=False, cwd=build)
    said = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines() if line.startswith("tenon_"))
    faults = [line for line in done.stdout.splitlines() if not line.startswith("tenon_")]
    if done.returncode != 0 or len(said) != len(rows):
        faults.append(f"ended with {done.returncode} after {len(said)} of {len(rows)}:\n{done.stderr[-6000:]}")
    if "--write" in sys.argv and not CHECKED:
        faults.append("the table is written with a library that checks all handles, which sanitized.sh builds")
    elif "--write" in sys.argv:
        TABLE.write_text(HEAD + "".join(f"{row} {said.get(row, '?')}\n" for row in rows))
    table = dict(line.rsplit(" ", 1) for line in TABLE.read_text().splitlines() if not line.startswith("#"))
    for row in {**dict.fromkeys(rows), **table}:
        if row not in rows and row.endswith(" freed") and not CHECKED:
            continue
        if row not in rows:
            faults.append(f"{row}: there is no such case any more")
        elif row not in table:
            faults.append(f"{row}: has no row in refusals.txt")
        elif row in said and said[row] != table[row]:
            faults.append(f"{row}: {said[row]}, not {table[row]}")
    for fault in faults:
        print(f"FAILED refusals: {fault}")
    if not faults:
        print(f"ok refusals: {len(said)} cases of {len(list(functions()))} functions")
    print(f"{len(said)} passed, {len(faults)} failed")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
