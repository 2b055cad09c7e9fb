"""docs/architecture-questions.md is true: its paths exist, each file names the next, and the last has the items."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from test_layout import ROOT, documented

PAGE = ROOT / "docs/architecture-questions.md"
LEAST_QUESTIONS = 32
MOST_PATHS = 3
ENTRY = re.compile(r"^(\d+)\. \*\*(.+?)\*\*\\\n((?: +\S.*\n)*)", re.M)
PATHS = re.compile(r"`[^`\n]+`(?: → `[^`\n]+`)*")
# A function, a type, a constant, or one within another. Commands and paths have spaces or slashes.
ITEM = re.compile(r"\w+(?:(?:::|\.)\w+)*(?:\(\))?")
# Files that stand for their folder.
OF_FOLDER = ("mod.rs", "__init__.py", "index.js", "README.md")


class Question(NamedTuple):
    number: int
    text: str
    paths: list[str]
    answer: str


def questions(page):
    found = []
    for number, text, body in ENTRY.findall(page):
        first, *rest = (line.strip(" \\") for line in body.splitlines())
        paths = re.findall(r"`([^`]+)`", first) if PATHS.fullmatch(first) else []
        found.append(Question(int(number), text, paths, " ".join(rest)))
    return found


def items(answer):
    """The backquoted names of items in an answer."""
    return [name for name in re.findall(r"`([^`]+)`", answer) if ITEM.fullmatch(name)]


def has_word(text, word):
    return re.search(rf"\b{re.escape(word)}\b", text) is not None


def name_of(path):
    """The name by which other files refer to this one."""
    return Path(path).parent.name if Path(path).name in OF_FOLDER else Path(path).stem


def problems(question):
    """What is wrong with a question."""
    if not question.text.endswith("?"):
        yield "is no question"
    if not 1 <= len(question.paths) <= MOST_PATHS:
        yield f"has {len(question.paths)} paths"
        return
    missing = [path for path in question.paths if not (ROOT / path).is_file()]
    yield from (f"{path} does not exist" for path in missing)
    if missing:
        return
    folder = str(Path(question.paths[0]).parent)
    if folder not in documented():
        yield f"{folder} has no line in the tree of docs/architecture.md"
    texts = [(ROOT / path).read_text(encoding="utf-8") for path in question.paths]
    for before, text, after in zip(question.paths, texts, question.paths[1:], strict=False):
        if not has_word(text, name_of(after)):
            yield f"{before} does not name {name_of(after)}"
    names = items(question.answer)
    if not names:
        yield "names no item"
    for name in names:
        lost = [word for word in re.findall(r"\w+", name) if not has_word(texts[-1], word)]
        if lost:
            yield f"{question.paths[-1]} does not have {name}"


PRESENT = questions(PAGE.read_text(encoding="utf-8"))


def test_there_are_enough_questions():
    assert len({question.text for question in PRESENT}) >= LEAST_QUESTIONS
    assert [question.number for question in PRESENT] == list(range(1, len(PRESENT) + 1))


def test_every_question_is_read():
    numbered = re.findall(r"^ *\d+\. ", PAGE.read_text(encoding="utf-8"), re.M)
    assert len(numbered) == len(PRESENT)


@pytest.mark.parametrize("question", PRESENT, ids=lambda question: str(question.number))
def test_the_way_leads_to_the_answer(question):
    assert list(problems(question)) == []


GOOD = r"""
1. **Where is the check?**\
   `core/src/proto/http/mod.rs` → `core/src/proto/http/access.rs`\
   In `Access::check`.
"""


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("check?", "check.", "is no question"),
        ("   `core/src/proto/http/mod.rs` → `core/src/proto/http/access.rs`\\\n", "", "has 0 paths"),
        ("` → `", "` → `core/src/lib.rs` → `core/src/error.rs` → `", "has 4 paths"),
        ("access.rs", "excess.rs", "core/src/proto/http/excess.rs does not exist"),
        ("access.rs", "", "core/src/proto/http/ does not exist"),
        ("core/src/proto/http/mod.rs", "core/tests/http/main.rs", "core/tests/http has no line in the tree"),
        ("access.rs", "tests/content.rs", "core/src/proto/http/mod.rs does not name content"),
        ("In `Access::check`.", "There.", "names no item"),
        ("Access::check", "Access::chec", "core/src/proto/http/access.rs does not have Access::chec"),
    ],
)
def test_what_is_wrong_is_reported(before, after, problem):
    assert [list(problems(question)) for question in questions(GOOD)] == [[]]
    assert GOOD.count(before) == 1
    (question,) = questions(GOOD.replace(before, after))
    assert any(found.startswith(problem) for found in problems(question))
