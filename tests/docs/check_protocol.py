"""Keeps docs/protocol.md true: every rule stands in it once, and every test it names exists.

Closing line: `N passed, N failed`. Standard library only.
"""

import re
import sys

import proofs

PAGE = proofs.ROOT / "docs" / "protocol.md"
# Our numbering of the protocol's rules: how far each group goes. A number that was never given is not in it.
GROUPS = {
    "RPC": 23, "BAT": 10, "ERR": 4, "BAD": 10, "STD": 13, "VER": 25, "DISC": 7, "ERA": 15, "CERA": 8, "EXT": 7,
    "META": 7, "MH": 53, "XH": 14, "ENC": 6, "LH": 40, "SSE": 12, "WS": 11, "TL": 30, "JS": 6, "RS": 15, "PR": 7,
    "CP": 6, "LG": 10, "PG": 6, "PGR": 6, "CN": 7, "CA": 9, "SU": 16, "MR": 19, "EL": 16, "SA": 10, "RT": 4, "IC": 2,
    "T1": 17, "T2": 19, "AP": 10, "AU": 21, "AUC": 11, "OT": 4, "AMB": 20,
}
NEVER_GIVEN = {f"MH-{number}" for number in (9, *range(22, 30), 46, 47, 48, 49)}
REVISIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")
KEPT = ("Rule", "In our words", "Revisions", "Proof")
NOT_KEPT = ("Rule", "In our words", "Revisions", "Why it is not above")
ROW = re.compile(r"^\| ?(.*?) ?\|$")


def numbering():
    return {f"{group}-{n}" for group, last in GROUPS.items() for n in range(1, last + 1)} - NEVER_GIVEN


def rows(text):
    """Every row of the page's tables of rules: (line number, head of its table, cells)."""
    head = None
    for number, line in enumerate(text.splitlines(), 1):
        found = ROW.match(line)
        cells = tuple(cell.strip() for cell in found[1].split(" | ")) if found else None
        if cells is None:
            head = None
        elif cells in (KEPT, NOT_KEPT):
            head = cells
        elif head and not set("".join(cells)) <= set("-|: "):
            yield number, head, cells


def revisions_are_known(text):
    if text in ("all", "legacy", "modern", "all HTTP", "client"):
        return True
    return all(end == "" or end in REVISIONS for end in text.strip("`").split("..", 1))


def problems_of(cells, head, known):
    if len(cells) != 4 or not all(cells):
        return ["not four cells with text in each"]
    rule, _, revisions, last = cells
    found = [] if revisions_are_known(revisions) else [f"{revisions} is no revision"]
    if head == KEPT:
        named = re.findall(r"`([^`]+)`", last)
        if not named or re.sub(r"`[^`]+`", "", last).strip(", "):
            found.append("the proof is no list of tests")
        found += [f"there is no test `{name}`" for name in named if name not in known]
    else:
        found += [f"there is no test `{name}`" for name in re.findall(r"`(\w+: [^`]+)`", last) if name not in known]
    return found


def check(text, known):
    """Yields (what, problem or None)."""
    seen = {}
    for number, head, cells in rows(text):
        rule = cells[0]
        problems = problems_of(cells, head, known)
        if rule in seen:
            problems.append(f"stands on line {seen[rule]} as well")
        if rule not in numbering():
            problems.append("is no number of ours")
        seen.setdefault(rule, number)
        yield f"docs/protocol.md:{number} {rule}", "; ".join(problems) or None
    for rule in sorted(numbering() - seen.keys()):
        yield f"docs/protocol.md {rule}", "is missing"


def main():
    passed = failed = 0
    for what, problem in check(PAGE.read_text(), proofs.known()):
        if problem:
            failed += 1
            print(f"FAILED {what}: {problem}")
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
