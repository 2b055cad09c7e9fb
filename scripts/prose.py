"""Refuses sentences that are too long to be read once, and names of files that only their author knows.

    prose.py [FILE...]

It reads the doc comments of Rust, Python and JavaScript, the header's texts, README.md and docs/architecture.md. It
reports each sentence of more than 35 words with its place. Code, tables and lists of names are not sentences. It
reports files and items (types, functions, constants) whose name is a refused metaphor, in the tests as well. Last line:
`N passed, N failed`, counted in files. Standard library only.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_WORDS = 35
FOLDERS = ("core/src", "core/schema/src", "core/crash/src", "core/tokens/src", "ffi/src", "ffi/header",
           "bindings-python", "bindings-node/js", "bindings-node/src")  # fmt: skip
# Metaphors. docs/glossary.md has the terms to use.
REFUSED = {
    "aside", "told", "visits", "turn", "given", "around", "carried", "kept", "room", "sound", "within", "bell", "home",
    "speech", "words", "errands", "places", "mailbox", "stall", "slot", "journal", "inner", "inside", "stage", "life",
}  # fmt: skip
# Names of types, functions and constants that only their author knows. Leading underscores do not count.
REFUSED_ITEMS = {
    "ABSENT", "Anybody", "Around", "Aside", "Begun", "Bell", "Desk", "Elsewhere", "Errands", "Flight", "Gathered",
    "Gathering", "Given", "Hears", "Home", "Homes", "Kept", "Leave", "Lived", "Misfit", "Noted", "Nowhere", "PATIENCE",
    "Place", "Places", "Reach", "Rung", "Sealer", "Seat", "Shelf", "Site", "Spare", "Spoiled", "Spot", "Terms", "Told",
    "Turn", "Turns", "Undelivered", "Unfit", "Visit", "Visits", "Wanted", "Wrapped", "acquire_beyond", "blame",
    "followed", "hand_over", "insert_beyond", "last_words", "let_go", "nobody", "prepared", "spoiled", "tell_slow",
    "unheard", "wanted",
}  # fmt: skip
ITEM = re.compile(
    r"^\s*(?:export\s+)?(?:pub(?:\([\w:]+\))?\s+)?(?:async\s+)?(?:unsafe\s+)?"
    r"(?:struct|enum|trait|type|fn|const|static|mod|def|class|function)\s+_*(\w+)",
    re.MULTILINE,
)
# Programs of a domain of their own may have its words, such as the places of a journey.
TESTS = ("core/tests", "tests", ":!tests/conformance", ":!tests/types")
PAGES = ("README.md", "docs/architecture.md", "bindings-node/index.d.ts")
RUST = re.compile(r"^\s*(?://[/!])\s?(.*)$")
JAVASCRIPT = re.compile(r"^\s*(?:/\*\*|\*(?!/))\s?(.*?)(?:\*/)?$")


def files(*folders, known=(".rs", ".py", ".js", ".mjs", ".ts", ".md")):
    listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.splitlines() if name.endswith(known) and "README" not in name[8:]]


def refused_names(path):
    """The metaphors among the names of a file and of its items."""
    found = [path.stem] if path.stem.strip("_") in REFUSED else []
    if path.suffix != ".md":
        text = path.read_text(encoding="utf-8")
        found += [item[1] for item in ITEM.finditer(text) if item[1] in REFUSED_ITEMS]
    return found


def paragraphs(path):
    """Pairs of a line number and the text of a paragraph of prose."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if path.suffix == ".py":
        lines = docstrings(lines)
    elif path.suffix != ".md":
        pattern = RUST if path.suffix == ".rs" else JAVASCRIPT
        lines = [found[1] if (found := pattern.match(line)) else "" for line in lines]
    begun, words, fenced = 0, [], False
    for number, line in enumerate([*lines, ""], 1):
        text = line.strip()
        if text.startswith("```"):
            fenced = not fenced
            text = ""
        # A list's item, a row, a heading and an indented line begin something else.
        breaks = not text or fenced or re.match(r"([-*|#>@]|\d+\.)\s?", text) or line.startswith("    ")
        if breaks and words:
            yield begun, " ".join(words)
            words = []
        if text and not fenced and not re.match(r"[|#@]", text):
            if not words:
                begun = number
            words.append(re.sub(r"^([-*>]|\d+\.)\s+", "", text))


def docstrings(lines):
    """The lines of a Python file, empty but for docstrings."""
    found, inside = [], False
    for line in lines:
        marks = line.count('"""')
        found.append(line.replace('"""', "").strip() if inside or marks else "")
        if marks % 2:
            inside = not inside
    return found


def sentences(text):
    text = re.sub(r"`[^`]*`", "code", text)
    text = re.sub(r"\[([^\]]*)\](\([^)]*\))?", r"\1", text)
    return re.split(r"(?<=[.!?:;])\s+(?=\S)", text)


def main():
    prose = [Path(name).resolve() for name in sys.argv[1:]] or files(*FOLDERS, *PAGES)
    chosen = prose if sys.argv[1:] else [*prose, *files(*TESTS, known=(".rs", ".py", ".js", ".mjs", ".ts"))]
    failed = 0
    for number, path in enumerate(chosen):
        long = [
            (line, sentence)
            for line, text in (paragraphs(path) if number < len(prose) else ())
            for sentence in sentences(text)
            if len(re.findall(r"[\w'’-]+", sentence)) > MOST_WORDS
        ]
        names = refused_names(path)
        failed += bool(long or names)
        for name in names:
            print(f"{path.relative_to(ROOT)}: {name} is a metaphor; see docs/glossary.md for the terms to use")
        for line, sentence in long:
            words = len(re.findall(r"[\w'’-]+", sentence))
            print(f"{path.relative_to(ROOT)}:{line}: {words} words: {sentence[:100]}…")
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
