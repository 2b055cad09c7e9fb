"""What a statement is, by its words: how it begins and which functions it calls; texts and comments are no words.

It is taken apart as PostgreSQL does, to the letter: what only one of the two takes for a text could hide a call.
"""

import re
from typing import NamedTuple

# What is no ASCII is a letter, whatever Unicode says of it.
LETTER = r"[A-Za-z_\x80-\U0010ffff]"
ESCAPED = r"'(?:[^'\\]|\\.|'')*'"
# What stands between two parts of one text: a line's end at least, and comments.
NEXT_PART = r"(?:[ \t\f\v]|--[^\n\r]*(?=[\n\r]))*[\n\r](?:[ \t\f\v\n\r]|--[^\n\r]*[\n\r])*"
TOKEN = re.compile(
    rf"""--[^\n\r]*
    | (?P<comment>/\*)
    | [eE]{ESCAPED}(?:{NEXT_PART}{ESCAPED})*
    | '(?:[^']|'')*'
    | (?P<dollar>\$(?:{LETTER}(?:{LETTER}|[0-9])*)?\$)
    | (?P<escaped>[uU]&")
    | "(?P<quoted>(?:[^"]|"")*)"
    | (?P<word>{LETTER}(?:{LETTER}|[0-9$])*)
    | (?P<dot>\.)
    | (?P<open>\()
    | [^ \t\f\v\n\r]""",
    re.VERBOSE | re.DOTALL,
)
COMMENT = re.compile(r"/\*|\*/")


class Statement(NamedTuple):
    first: str
    """Its first word, in small letters."""
    called: set[str]
    """The names before a parenthesis."""
    members: set[str]
    """The names behind a dot: functions of one row may be written like its columns."""


def read(query: str) -> Statement | None:
    """What a statement is; `None` if a name is spelled by numbers."""
    first, name, dotted = "", "", False
    called: set[str] = set()
    members: set[str] = set()
    at = 0
    while token := TOKEN.search(query, at):
        at = token.end()
        if token["comment"]:
            at = _after_comment(query, at)
        elif token["dollar"]:
            end = query.find(token["dollar"], at)
            at = len(query) if end < 0 else end + len(token["dollar"])
        elif token["escaped"]:
            return None
        elif not token.group().startswith("--"):
            if token["open"] and name:
                called.add(name)
            name = (token["word"] or "").lower() or (token["quoted"] or "").replace('""', '"')
            if dotted and name:
                members.add(name)
            dotted = bool(token["dot"])
            if not first and not token["open"]:
                first = name or token.group()
    return Statement(first, called, members)


def _after_comment(query: str, at: int) -> int:
    """Where the comment that has begun before ends; there may be others within."""
    depth = 1
    while depth and (mark := COMMENT.search(query, at)):
        at = mark.end()
        depth += 1 if mark.group() == "/*" else -1
    return len(query) if depth else at
