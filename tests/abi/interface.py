"""Compares what tenon.h declares with the committed tables: functions with their signatures, types, numbers.

    interface.py [--write | --stub] [--header FILE]

symbols.txt has the functions, each with the version that introduced it; types.txt every other declaration, so that a
public struct or enum would stand there with its members; numbers.txt the macros. `--write` adds what is new, and leaves
alone what is there: what has changed or is gone is changed by hand, see docs/c-abi.md. `--stub` prints a C source that
defines all of it, whose debug information is what abidw describes: that of the library itself is Rust's.
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLES = Path(__file__).resolve().parent
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
DEFINE = re.compile(r"^#define (TENON_\w+) (.+)$", re.M)
FUNCTION = re.compile(r"(?P<returns>[\w ]+[ *])(?P<name>tenon_\w+) ?\((?P<parameters>[^()]*)\)")
ROW = re.compile(r"(?P<name>\w+) (?P<since>\S+) (?P<signature>.+)")
# What a release changes, and what is no number.
OTHER_MACROS = re.compile(r"TENON_(?:VERSION\w*|ABI_VERSION|MUST_USE)$")


def declarations(header):
    """The texts of all declarations, each in one line."""
    code = DIRECTIVE.sub("", COMMENT.sub("", header)).replace("TENON_MUST_USE", "")
    begin, mark, functions = code.partition('extern "C" {')
    if mark:
        code = begin + functions.rpartition("}")[0]
    depth, said, found = 0, "", []
    for character in " ".join(code.split()):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == ";" and not depth:
            found.append(re.sub(r"\( ", "(", said.strip()))
            said = ""
        else:
            said += character
    if said.strip():
        raise ValueError(f"not a declaration: {said.strip()[:80]}")
    return found


def interface(header):
    """Functions (by name, their signatures), other declarations, and numbers (by name)."""
    functions, types = {}, []
    for said in declarations(header):
        found = None if said.startswith("typedef ") else FUNCTION.fullmatch(said)
        if found:
            functions[found["name"]] = f"{found['returns'].strip()} ({found['parameters']})"
        else:
            types.append(said)
    numbers = {name: value for name, value in DEFINE.findall(header) if not OTHER_MACROS.match(name)}
    return dict(sorted(functions.items())), types, numbers


def rows(file):
    return [line for line in (TABLES / file).read_text().splitlines() if not line.startswith("#")]


def tables():
    functions = {}
    for line in rows("symbols.txt"):
        row = ROW.fullmatch(line)
        functions[row["name"] if row else line] = row["signature"] if row else "no signature"
    return functions, rows("types.txt"), dict(line.split(" ", 1) for line in rows("numbers.txt"))


def differences(present, committed):
    for what, now, before in zip(("function", "type", "number"), present, committed, strict=True):
        now, before = ({key: key for key in one} if isinstance(one, list) else one for one in (now, before))
        for name in [*before, *(name for name in now if name not in before)]:
            if name not in now:
                yield f"{what} {name} is gone"
            elif name not in before:
                yield f"{what} {name} is in no table; tests/abi/interface.py --write adds it"
            elif now[name] != before[name]:
                yield f"{what} {name} was {before[name]}, and is {now[name]}"


def write(present, version):
    """Adds rows for what is new."""

    def rewrite(file, lines):
        path = TABLES / file
        head = "".join(f"{line}\n" for line in path.read_text().splitlines() if line.startswith("#"))
        path.write_text(head + "".join(f"{line}\n" for line in lines))

    functions, types, numbers = present
    known, known_types, known_numbers = tables()
    new = [f"{name} {version} {said}" for name, said in functions.items() if name not in known]
    rewrite("symbols.txt", sorted([*rows("symbols.txt"), *new], key=lambda line: line.split()[0]))
    rewrite("types.txt", [*known_types, *(said for said in types if said not in known_types)])
    rewrite("numbers.txt", [f"{name} {value}" for name, value in {**numbers, **known_numbers}.items()])


def stub(header):
    """Every function, and for each number one with an enum of it: a description has what functions lead to."""
    functions, _, numbers = interface(header)
    yield "#include <tenon.h>"
    for name, said in functions.items():
        returns, parameters = said.split(" (", 1)
        yield f"{returns} {name}({parameters} {{ __builtin_trap(); }}"
    # An enum of all of them would not do: abidiff takes a number that another name had for no change.
    for name in numbers:
        yield f"enum enum_{name} {{ is_{name} = {name} }}; void number_{name}(enum enum_{name} is) {{ (void)is; }}"


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--stub", action="store_true")
    parser.add_argument("--header", type=Path, default=ROOT / "include" / "tenon.h")
    given = parser.parse_args(arguments)
    header = given.header.read_text()
    if given.stub:
        print("\n".join(stub(header)))
        return 0
    present = interface(header)
    if given.write:
        write(present, re.search(r'^#define TENON_VERSION "(.+)"', header, re.M)[1])
    found = list(differences(present, tables()))
    print("\n".join(found), end="\n" if found else "")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
