"""Descriptions of parameters in docstrings, in the styles of Google, NumPy and Sphinx."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from typing import TypeAlias

    Names: TypeAlias = "Container[str] | None"
    Found: TypeAlias = dict[str, str]
    # Takes the lines, and the indexes of the heading and its first entry. Returns the index after the last entry, and
    # the lines to keep.
    Entries: TypeAlias = "Callable[[list[str], int, int, Names, Found], tuple[int, list[str]]]"

_GOOGLE = re.compile(r"^(?:Args|Arguments|Parameters|Params|Keyword Args|Keyword Arguments|Attributes):$")
_NUMPY = re.compile(r"^(?:Parameters|Other Parameters|Attributes)$")
_ENTRY = re.compile(r"^(\*{0,2}\w+)\s*(?:\([^)]*\)|\[[^\]]*\])?\s*:(?:\s+(.*)|)$")
_NUMPY_ENTRY = re.compile(r"^(\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?$")
_SPHINX = re.compile(r"^:(param|parameter|arg|argument|key|keyword|type)\s+(?:[^:]*?\s)?\*{0,2}(\w+)\s*:\s*(.*)$")


def parameters_of(text: str | None) -> dict[str, str]:
    """The description of each parameter or attribute."""
    import inspect

    return split(inspect.cleandoc(text), None)[1] if text else {}


def split(text: str, names: Names) -> tuple[str, dict[str, str]]:
    """The text without the entries of these names, and the entries. ``None`` stands for all names.

    A heading stays if it has entries of other names. ``text`` must be a result of ``inspect.cleandoc``.
    """
    lines = text.split("\n")
    rest: list[str] = []
    found: dict[str, str] = {}
    index = 0
    while index < len(lines):
        line = lines[index]
        if _GOOGLE.match(line.strip()) and not line.startswith("        "):
            index = _section(lines, index, index + 1, names, rest, found, _google)
        elif _NUMPY.match(line) and index + 1 < len(lines) and re.match(r"^-{3,}\s*$", lines[index + 1]):
            index = _section(lines, index, index + 2, names, rest, found, _numpy)
        elif matched := _SPHINX.match(line):
            index = _field(lines, index, matched, names, rest, found)
        else:
            rest.append(line)
            index += 1
    cleaned = "\n".join(rest).strip("\n")
    return re.sub(r"\n{3,}", "\n\n", cleaned) if found else text, found


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _section(
    lines: list[str], index: int, start: int, names: Names, rest: list[str], found: Found, entries: Entries
) -> int:
    end, kept = entries(lines, index, start, names, found)
    if kept:
        rest += [*lines[index:start], *kept]
        if end < len(lines):
            rest.append("")
    return end


def _google(lines: list[str], index: int, start: int, names: Names, found: Found) -> tuple[int, list[str]]:
    """Entries that are indented more than their heading, up to the next line that is not."""
    head = _indent(lines[index])
    end = start
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > head):
        end += 1
    body = lines[start:end]
    depth = min((_indent(line) for line in body if line.strip()), default=0)
    return end, _entries(body, depth, _ENTRY, names, found, inline=True)


def _numpy(lines: list[str], index: int, start: int, names: Names, found: Found) -> tuple[int, list[str]]:
    """Entries at the margin, up to the next underlined heading."""
    end = start
    while end < len(lines):
        if end + 1 < len(lines) and lines[end].strip() and re.match(r"^-{3,}\s*$", lines[end + 1]):
            break
        if lines[end].strip() and not lines[end].startswith(" ") and not _NUMPY_ENTRY.match(lines[end]):
            break
        end += 1
    return end, _entries(lines[start:end], 0, _NUMPY_ENTRY, names, found, inline=False)


def _entries(
    body: list[str], depth: int, pattern: re.Pattern[str], names: Names, found: Found, inline: bool
) -> list[str]:
    """Collects the entries that begin at this depth. Returns the lines that do not belong to one of the names."""
    kept: list[str] = []
    current: list[str] | None = None
    taken: list[tuple[list[str], list[str]]] = []
    for line in body:
        matched = pattern.match(line.strip()) if line.strip() and _indent(line) == depth else None
        if matched:
            entry_names = [name.strip().lstrip("*") for name in matched[1].split(",")]
            if names is None or all(name in names for name in entry_names):
                current = [matched[2] or ""] if inline else []
                taken.append((entry_names, current))
                continue
            current = None
        if current is not None and (not line.strip() or _indent(line) > depth):
            current.append(line.strip())
        else:
            current = None
            kept.append(line)
    for entry_names, texts in taken:
        text = _joined(texts)
        for name in entry_names:
            if text:
                found.setdefault(name, text)
    return kept if any(line.strip() for line in kept) else []


def _field(lines: list[str], index: int, matched: re.Match[str], names: Names, rest: list[str], found: Found) -> int:
    kind, name, text = matched.groups()
    texts = [text]
    end = index + 1
    while end < len(lines) and lines[end].startswith(" ") and lines[end].strip():
        texts.append(lines[end].strip())
        end += 1
    if names is not None and name not in names:
        rest += lines[index:end]
    elif kind != "type":
        found.setdefault(name, _joined(texts))
    return end


def _joined(texts: list[str]) -> str:
    """Joins lines to paragraphs, which empty lines separate."""
    parts = "\n".join(texts).strip().split("\n\n")
    return "\n\n".join(" ".join(part.split("\n")).strip() for part in parts)
