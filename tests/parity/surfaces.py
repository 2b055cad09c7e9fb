"""What each host offers: whether a name of the manifest exists, and what must stand in some row."""

import inspect
import re
import typing
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


class C:
    """The functions that the header declares."""

    @staticmethod
    @cache
    def everything():
        text = re.sub(r"/\*.*?\*/", "", (ROOT / "include/tenon.h").read_text(), flags=re.S)
        text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("#", "typedef")))
        return set(re.findall(r"\b(tenon_[a-z0-9_]+)\s*\(", text))

    @staticmethod
    def has(name):
        return name in C.everything()


class Python:
    """The public names of the package, and the public members of its classes for users of a server."""

    CLASSES = ("Server", "Context", "SyncContext", "Settings")

    @staticmethod
    def everything():
        import tenon_mcp

        names = set(tenon_mcp.__all__)
        for owner in Python.CLASSES:
            names |= {f"{owner}.{name}" for name in dir(getattr(tenon_mcp, owner)) if not name.startswith("_")}
        return names

    @staticmethod
    def has(name):
        import tenon_mcp.testing

        path, keyword, key = re.fullmatch(r"([\w.]+)(?:\((\w+)\)|\[(\w+)\])?", name).groups()
        value = tenon_mcp
        for part in path.split("."):
            value = getattr(value, part, None)
        if value is None:
            return False
        if key:
            return key in typing.get_type_hints(value, localns=_typing_names())
        return keyword is None or keyword in Python.keywords(value)

    @staticmethod
    def keywords(function):
        """The keywords of a function, with those of the typed dictionary that `**options` unpacks."""
        import tenon_mcp.types

        parameters = inspect.signature(function).parameters
        found = set(parameters)
        for parameter in parameters.values():
            if unpacked := re.fullmatch(r"Unpack\[(\w+)\]", str(parameter.annotation)):
                found |= set(getattr(tenon_mcp.types, unpacked[1]).__annotations__)
        return found


def _typing_names():
    """What annotations name that is imported for type checkers only."""
    from collections.abc import Iterable, Sequence

    return {"Iterable": Iterable, "Sequence": Sequence}


class Node:
    """The exports of the typings, and the members of the classes and interfaces for users of a server."""

    CLASSES = ("Server", "Context")

    @staticmethod
    @cache
    def declarations():
        """{exported name: its members}, from a file that prettier has formatted: members are indented by two. An
        interface has the members of those that it extends.
        """
        files = ("index.d.ts", "schema.d.ts", "testing.d.cts")
        text = "\n".join((ROOT / "bindings-node" / name).read_text() for name in files)
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        found, owner = {}, None
        for line in text.splitlines():
            if top := re.match(r"export (?:declare )?(?:class|interface|type|function|const) (\w+)", line):
                owner = top[1]
                found[owner] = set()
            elif member := re.match(r"  (?:readonly |static )*(\w+)\??\s*[(:<]", line):
                found.setdefault(owner, set()).add(member[1])
        for owner, bases in re.findall(r"^export interface (\w+)(?:<[^{]*?>)?\s+extends\s([^{]*)\{", text, flags=re.M):
            for base in re.findall(r"\b[A-Z]\w+", bases):
                found[owner] |= found.get(base, set())
        return found

    @staticmethod
    def everything():
        declared = Node.declarations()
        members = {f"{owner}.{name}" for owner in Node.CLASSES for name in declared[owner] if name != "constructor"}
        return set(declared) | members

    @staticmethod
    def has(name):
        owner, _, member = name.partition(".")
        declared = Node.declarations()
        return owner in declared and (not member or member in declared[owner])


class Rust:
    """What the crate re-exports, and the public functions of those types; nothing has to stand in a row."""

    @staticmethod
    def everything():
        return set()

    @staticmethod
    @cache
    def exports():
        text = (ROOT / "core/src/lib.rs").read_text().split("mod __private")[0]
        text += (ROOT / "core/src/transport.rs").read_text() + (ROOT / "core/src/testing/mod.rs").read_text()
        found = set()
        for path in re.findall(r"^pub use ([^;]+);", text, re.M):
            group = re.search(r"\{(.*)\}", path, re.S)
            names = group[1].split(",") if group else [path.rsplit("::", 1)[-1]]
            found |= {name.split(" as ")[-1].strip() for name in names if name.strip()}
        return found

    @staticmethod
    @cache
    def functions():
        """{type: its public functions}, from files that rustfmt has formatted: an impl ends with its first `}`."""
        found = {}
        block = re.compile(r"^impl(?:<[^\n]*?>)? (\w+)(?:<[^\n]*?>)?(?: where[^{]*)? \{\n(.*?)^\}", re.M | re.S)
        for path in (ROOT / "core/src").rglob("*.rs"):
            for owner, body in block.findall(path.read_text()):
                names = re.findall(r"^    pub (?:const |async |unsafe )*fn (\w+)", body, re.M)
                found.setdefault(owner, set()).update(names)
                found[owner].update(re.findall(r"^    member!\((\w+)\);", body, re.M))
                for group in re.findall(r"^    (\w+)!\(\);", body, re.M):
                    found[owner].update(Rust.options().get(group, ()))
            for owner, members in Rust.MADE.findall(path.read_text()):
                for member in members.split():
                    found.setdefault(owner, set()).update(Rust.options().get(member, {member}))
        return found

    @staticmethod
    @cache
    def options():
        """{group: its options}, from the tables of options: each option is a setter of the group's types."""
        found = {}
        for path in ("dispatch/options/policies", "dispatch/options/settings", "runtime/options/table"):
            text = (ROOT / f"core/src/{path}.rs").read_text()
            for group, rows in re.findall(r"^    group (\w+) at [^{]*\{(.*?)^    \}", text, re.M | re.S):
                found[group] = set(re.findall(r"^        (\w+): \w+", rows, re.M))
        return found

    # What the macros of core/src/entries/members.rs make: a type and its members.
    MADE = re.compile(r"^entry! \{\n(?:    ///[^\n]*\n)*    (\w+):([\w\s]*?)\n\}", re.M)

    @staticmethod
    def has(name):
        owner, _, function = name.partition("::")
        return owner in Rust.exports() and (not function or function in Rust.functions().get(owner, ()))


HOSTS = {"rust": Rust, "python": Python, "node": Node, "c": C}
