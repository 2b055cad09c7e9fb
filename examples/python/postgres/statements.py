"""What a statement is, by its words: how it begins and which functions it calls; texts and comments are no words."""

import re

TOKEN = re.compile(
    r"""--[^\n]*
    | (?P<comment>/\*)
    | [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*'
    | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
    | (?P<escaped>[uU]&")
    | "(?P<quoted>(?:[^"]|"")*)"
    | (?P<word>[^\W\d][\w$]*)
    | \d[\w.]*
    | (?P<open>\()
    | \S""",
    re.VERBOSE | re.DOTALL,
)
COMMENT = re.compile(r"/\*|\*/")


def read(query: str) -> tuple[str, set[str]] | None:
    """Its first word, in small letters, and the names before a parenthesis; `None` if a name is spelled by numbers."""
    first, name, called = "", "", set()
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
            if not first and not token["open"]:
                first = name or token.group()
    return first, called


def _after_comment(query: str, at: int) -> int:
    """Where the comment that has begun before ends; there may be others within."""
    depth = 1
    while depth and (mark := COMMENT.search(query, at)):
        at = mark.end()
        depth += 1 if mark.group() == "/*" else -1
    return len(query) if depth else at
